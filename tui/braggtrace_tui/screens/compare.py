"""The compare screen, last part: keys that look, judge, copy, write and open; background reading."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.widgets import Input

from braggtrace.compare.view import component_name, divergence
from braggtrace.errors import BraggtraceError
from braggtrace.quantities import Level
from braggtrace_tui.actions import Place, action
from braggtrace_tui.app import bindings_for
from braggtrace_tui.export import EXPORTS, export
from braggtrace_tui.frame import Anchor, GroupKey, pairing_key
from braggtrace_tui.rowtext import values_of
from braggtrace_tui.screens.evidence import CompareEvidence
from braggtrace_tui.screens.mapping import CompareMapping
from braggtrace_tui.screens.rerun import CompareRuns
from braggtrace_tui.screens.why import CompareWhy
from braggtrace_tui.session import Session, Snapshot
from braggtrace_tui.settings import Recent, absolute
from braggtrace_tui.terminal import copy

__all__ = ["CompareScreen"]

_POLL_S = 3.0


class CompareScreen(CompareMapping, CompareWhy, CompareEvidence):
    """Two traces beside each other, with the cursor on the first divergence.

    Attributes:
        resume: go to where an earlier session left off.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings_for(Place.COMPARE)
    DEFAULT_CSS: ClassVar[str] = """
    CompareScreen #filter { dock: bottom; height: 1; border: none; padding: 0 1; background: $panel; }
    CompareScreen #filter:focus { border: none; }
    """

    def __init__(self, session: Session, snapshot: Snapshot, *, resume: bool = False) -> None:
        super().__init__(session, snapshot)
        self._resume = resume
        self._left_off: Anchor | None = None
        self._second_keys: dict[str, Callable[[], None]] = {}
        self._said_changed = False
        self._place_before_filter: Anchor | None = None

    # -- life --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        super().start()
        self._left_off = self._find_left_off()
        if self._resume and self._left_off is not None:
            self.go_to_place(self._left_off)
            self.moved = True
        self.show_header()
        self._follow()
        if self.session.reloadable and not self.home.terminal.remote:
            self.set_interval(_POLL_S, self.look_for_changes)

    def on_unmount(self) -> None:
        self.session.stop()
        self._remember()

    def _follow(self) -> None:
        app = self.app

        def publish(snapshot: Snapshot) -> None:
            app.call_from_thread(self.take, snapshot)

        def progress(fraction: float) -> None:
            app.call_from_thread(self._progress, fraction)

        self.session.follow(publish, progress)

    def _progress(self, fraction: float) -> None:
        from dataclasses import replace

        if not self.snapshot.complete:
            self.snapshot = replace(self.snapshot, fraction=fraction)
            self.show_header()

    def look_for_changes(self) -> None:
        """Offer to read again what was written meanwhile; looking costs two `stat` and draws nothing."""
        if not self._said_changed and self.snapshot.complete and self.session.changed_on_disk():
            self._said_changed = True
            self.say("a file has changed on disk: r reads both again", warning=True)

    # -- keys --------------------------------------------------------------------------------------------------------

    def action_invoke(self, name: str) -> None:
        """Do what a key says, or say why that is not possible."""
        chosen = action(name)
        self.footer.clear()
        reason = chosen.why_not(self.context)
        if reason:
            self.say(f"{chosen.title}: {reason}", warning=True)
            return
        if name not in ("details", "measure", "clear"):
            self.moved = True
        getattr(self, f"do_{name}")()

    def on_key(self, event: events.Key) -> None:
        if not self._second_keys:
            return
        keys, self._second_keys = self._second_keys, {}
        self.footer.clear()
        event.stop()
        event.prevent_default()
        chosen = keys.get(event.character or event.key)
        if chosen is not None:
            chosen()

    def _ask(self, title: str, choices: dict[str, tuple[str, Callable[[], None]]]) -> None:
        self._second_keys = {key: run for key, (_, run) in choices.items()}
        self.footer.offer(title, [(key, meaning) for key, (meaning, _) in choices.items()])

    # -- looking -----------------------------------------------------------------------------------------------------

    def do_details(self) -> None:
        setattr(self.home.settings, self.pane_setting, "off" if self.has_class("detailed") else "on")
        self.toggle_class("detailed")
        self.home.settings.save()
        self.call_after_refresh(self._after_resize)

    def do_detail_down(self) -> None:
        self._scroll_detail(1)

    def do_detail_up(self) -> None:
        self._scroll_detail(-1)

    def _scroll_detail(self, direction: int) -> None:
        if not self.has_class("detailed"):
            self.say("the detail pane is hidden; Enter shows it", warning=True)
        elif not self.detail.scroll_by(direction * max(1, self.detail.size.height // 2)):
            self.say("the detail pane shows everything" if direction > 0 else "this is its first line")

    def do_measure(self) -> None:
        self.table.measure = self.table.measure.next
        self.home.settings.measure = self.table.measure.value
        self._set_columns()
        self.table.refresh()

    def do_axis(self) -> None:
        self.axis += 1
        if not self.has_class("detailed"):
            self.do_details()
        self.show_detail()

    def do_filter(self) -> None:
        self._place_before_filter = self.table.place
        box = Input(
            self.filter_text, placeholder="quantity, for example rot_* or latt", id="filter", select_on_focus=False
        )
        box.cursor_blink = False
        self.mount(box)
        box.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.set_filter(event.value, only=self.only)
        if self.frame is not None and self.table.keep is not None and not self.table.keep.any():
            self.say(f"no quantity is called like {event.value}", warning=True)

    def on_input_submitted(self) -> None:
        self._close_filter()

    def _close_filter(self) -> None:
        for box in self.query("#filter"):
            box.remove()
        self.table.focus()

    def do_clear(self) -> None:
        if self.query("#filter"):
            self._close_filter()
        if self.filter_text or self.only:
            self.set_filter("", only=False)
        else:
            self.cancel_run()

    def do_pixels(self) -> None:
        from braggtrace_tui.screens.pixels import PixelScreen

        def chosen(pixel: int | None) -> None:
            if pixel is not None:
                self.go_to_pixel(pixel)
                first = self.frame.diverges if self.frame is not None else None
                if first is not None and first.any():
                    self.table.move_to(0)
                    self.do_next_divergence()

        self.app.push_screen(PixelScreen(self.comparison, self.frame.pixel if self.frame is not None else -1), chosen)

    def do_left_off(self) -> None:
        place = self._left_off
        if place is not None and self.go_to_place(place):
            self.say("this is where you left off")
        else:
            self.say("the place where you left off is not in these files any more", warning=True)

    def run_from_map(self, pixels: str) -> None:
        CompareRuns.run_from_map(self, pixels)

    def open_from_map(self, slow: int, fast: int) -> str | None:
        """Leave the map for a pixel's values; a pixel that is not traced is traced first."""
        if super().open_from_map(slow, fast) is not None:
            CompareRuns.open_from_map(self, slow, fast)
        return None

    # -- judging -----------------------------------------------------------------------------------------------------

    def do_looser(self) -> None:
        self._judge(self.session.decades + 1)

    def do_tighter(self) -> None:
        self._judge(self.session.decades - 1)

    def do_own_tolerance(self) -> None:
        self._judge(0)

    def _judge(self, decades: int) -> None:
        if not -12 <= decades <= 8:
            self.say("the tolerance can't be changed further", warning=True)
            return
        self.session.decades = decades
        place, hold = self.table.place, self.table.cursor - self.table.top
        before = self.comparison.counts.diverge
        self.snapshot = self.session.judge(self.snapshot)
        self._run_part = self._pixel_diverging = None
        self.open_pixel(self.frame.pixel if self.frame is not None else -1)
        if place is not None and self.frame is not None:
            group, row = self.frame.locate(place)
            self.table.relayout(row, group, place.component, keep_place=False)
            self.table.changed(self.table.cursor, hold=hold)
        self.show_all()
        self.say(f"{self.comparison.counts.diverge:,} values diverge; {before:,} did before")

    # -- copying -----------------------------------------------------------------------------------------------------

    def do_copy(self) -> None:
        frame, row = self.frame, self.table.row
        if frame is None or row is None:
            return
        pairing = self.comparison.pairings[frame.pairing[row]]
        at = int(frame.row[row])
        values = values_of(self.comparison, pairing, at, self.table.component)
        width = int(frame.width[row])
        name = pairing.name + (f".{component_name(values.component, width)}" if width > 1 else "")
        self._ask(
            "copy",
            {
                "r": ("reference value", lambda: self.copy_text(values.reference)),
                "c": ("candidate value", lambda: self.copy_text(values.candidate)),
                "n": ("name", lambda: self.copy_text(name)),
                "p": ("file:line", lambda: self.copy_text(self._places(int(frame.pairing[row]), at))),
            },
        )

    def do_copy_row(self) -> None:
        frame, row = self.frame, self.table.row
        if frame is None or row is None:
            return
        pairing = self.comparison.pairings[frame.pairing[row]]
        width = int(frame.width[row])
        each = [values_of(self.comparison, pairing, int(frame.row[row]), component) for component in range(width)]
        fields = [
            pairing.name,
            " ".join(v.reference for v in each),
            " ".join(v.candidate for v in each),
            f"{pairing.rel[frame.row[row]]:.6g}",
        ]
        self.copy_text("\t".join(fields))

    def _places(self, index: int, row: int) -> str:
        one = divergence(self.comparison, index, row)
        return "\n".join(f"{spans[0].path}:{spans[0].line}" for spans in (one.reference, one.candidate) if spans)

    def copy_text(self, text: str) -> None:
        message, sequence = copy(text, self.home.terminal)
        if sequence:
            self.home.write_to_terminal(sequence)
        self.say(message)

    # -- files -------------------------------------------------------------------------------------------------------

    def do_export(self) -> None:
        choices: dict[str, tuple[str, Callable[[], None]]] = {}
        for key, (kind, meaning) in EXPORTS.items():
            choices[key] = (meaning, lambda kind=kind: self._export(kind))  # type: ignore[misc]
        self._ask("export", choices)

    def _export(self, kind: str) -> None:
        try:
            picture = self.app.export_screenshot(title="braggtrace") if kind == "svg" else ""
            why = None if self.why is None else self.why.explanation
            path = export(kind, self.comparison, picture, explanation=why)
        except (BraggtraceError, OSError) as error:
            self.say(f"not written: {error}", warning=True)
            return
        self.say(f"wrote {path}")

    def do_reload(self) -> None:
        session = self.session.again()
        try:
            snapshot = session.first_look()
        except (BraggtraceError, OSError) as error:
            self.say(f"not read again: {error}", warning=True)
            return
        self.adopt(session, snapshot)
        self.say("read both files again")

    def adopt(self, session: Session, snapshot: Snapshot) -> None:
        """Go on with another session; the cursor stays where it is as far as that exists."""
        self.session.stop()
        self.session, self._said_changed = session, False
        self.moved = self.table.place is not None
        self.take(snapshot)
        self._follow()

    def do_open(self) -> None:
        from braggtrace_tui.screens.openfile import OpenFileScreen

        def chosen(paths: tuple[str, str] | None) -> None:
            if paths is None:
                return
            self._remember()
            self.forget_runs()
            session = Session(*paths, self.session.options)
            try:
                snapshot = session.first_look()
            except (BraggtraceError, OSError) as error:
                self.say(f"not opened: {error}", warning=True)
                return
            self.moved = False
            self.frame = None
            self.session.stop()
            self.session, self._said_changed = session, False
            self._left_off = None
            self.take(snapshot)
            self._follow()

        self.app.push_screen(OpenFileScreen(self.session.reference, self.session.candidate), chosen)

    # -- where one left off --------------------------------------------------------------------------------------------

    def saved_place(self) -> Anchor | None:
        return self._left_off

    def _find_left_off(self) -> Anchor | None:
        """Where an earlier session left this pair; None if that is where we are anyway."""
        saved = self.home.settings.find(self.session.reference, self.session.candidate)
        if saved is None:
            return None
        pairing = None
        for each in self.comparison.pairings:
            column = each.reference or each.candidate
            if column is not None and (column.key.name, column.key.family) == (saved.quantity, saved.family):
                pairing = pairing_key(each)
                break
        try:
            group = GroupKey(Level(saved.level), saved.run, tuple(saved.tics), saved.occurrence)
        except ValueError:
            return None
        pixel = (saved.pixel[0], saved.pixel[1]) if len(saved.pixel) == 2 else None
        place = Anchor(pixel, group, pairing)
        return None if place == self.table.place else place

    def _remember(self) -> None:
        """Store where the cursor is, for the next time."""
        session, place = self.session, self.table.place
        if "-" in (session.reference, session.candidate):
            return
        recent = Recent(
            reference=absolute(session.reference),
            candidate=absolute(session.candidate),
            stamp=[list(each) for each in session.stamp],
            decades=session.decades,
            status=str(self.comparison.status),
        )
        if place is not None:
            from dataclasses import replace

            column = next((key for key in place.pairing or () if key is not None), None)
            recent = replace(
                recent,
                pixel=list(place.pixel or ()),
                level=int(place.group.level),
                run=place.group.run,
                tics=list(place.group.tics),
                occurrence=place.group.occurrence,
                quantity=column.name if column is not None else "",
                family=column.family if column is not None else "",
            )
        self.home.settings.remember(recent)
