"""The compare screen, first part: what it shows. Keys are in `moves` and `compare`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.screen import Screen
from textual.timer import Timer

from braggtrace.compare.model import Comparison
from braggtrace.compare.view import divergence, pixel_totals, rows_of_pixel
from braggtrace_tui.actions import Context
from braggtrace_tui.advice import advice_lines
from braggtrace_tui.detail import detail_lines
from braggtrace_tui.frame import Anchor, Frame, Ints, Mask, build_frame, default_folds, open_header
from braggtrace_tui.headline import Header, header_line, verdict_lines
from braggtrace_tui.navigate import Target, steps_of
from braggtrace_tui.pieces import BLANK, Line, Role, safe
from braggtrace_tui.rowtext import Measure, heading
from braggtrace_tui.sameplace import find_again
from braggtrace_tui.search import names_that_match
from braggtrace_tui.session import Session, Snapshot
from braggtrace_tui.widgets.detail import DetailPane
from braggtrace_tui.widgets.footer import Footer
from braggtrace_tui.widgets.linelist import LineList
from braggtrace_tui.widgets.paper import Paper
from braggtrace_tui.widgets.table import CompareTable

if TYPE_CHECKING:
    from braggtrace_tui.app import BraggtraceApp

__all__ = ["Bar", "CompareCore"]

WIDE = 116
"""From this width on the detail pane stands beside the table."""

_SETTLE_S = 0.12
"""The detail pane waits this long for the next key: while a key repeats only the table is repainted."""


class CompareCore(Screen[None]):
    """Header, verdict, table, detail pane and footer over the latest snapshot."""

    DEFAULT_CSS: ClassVar[str] = """
    CompareCore { layout: vertical; overflow: hidden; }
    CompareCore #verdict { height: auto; max-height: 2; }
    CompareCore #body { height: 1fr; layout: vertical; }
    CompareCore #main { width: 1fr; height: 1fr; }
    CompareCore #advice { display: none; height: auto; max-height: 70%; }
    CompareCore.advised #advice { display: block; }
    CompareCore #running { display: none; }
    CompareCore.running #running { display: block; }
    CompareCore #detail { display: none; }
    CompareCore.detailed #detail { display: block; height: 1fr; width: 1fr; }
    CompareCore.wide #body { layout: horizontal; }
    CompareCore.wide.detailed #detail { width: 34%; min-width: 40; max-width: 76; }
    """

    def __init__(self, session: Session, snapshot: Snapshot) -> None:
        super().__init__()
        self.session = session
        self.snapshot = snapshot
        self.frame: Frame | None = None
        self.filter_text = ""
        self.only = False
        self.axis = 0
        self.moved = False
        self._run_part: tuple[Ints, Ints] | None = None
        self._pixel_diverging: Ints | None = None
        self._waiting: Timer | None = None
        self.table = CompareTable()
        self.detail = DetailPane()
        self.footer = Footer()
        self.header = Bar(id="header")
        self.verdict = Paper(id="verdict")
        self.heading = Bar(id="heading")
        self.advice = Paper(id="advice")
        self.running = Bar(id="running")

    @property
    def home(self) -> BraggtraceApp:
        """The app."""
        return cast("BraggtraceApp", self.app)

    @property
    def comparison(self) -> Comparison:
        """What is compared."""
        return self.snapshot.comparison

    # -- building ----------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield self.header
        yield self.verdict
        with Container(id="body"):
            with Vertical(id="main"):
                yield self.advice
                yield self.heading
                yield self.table
            yield self.detail
        yield self.running
        yield self.footer

    def on_mount(self) -> None:
        self.table.measure = (
            Measure(self.home.settings.measure) if self.home.settings.measure in list(Measure) else Measure.REL
        )
        self._choose_layout()
        self.table.focus()
        self.call_after_refresh(self.start)

    def start(self) -> None:
        """Show the first divergence, or the first pixel."""
        self.take(self.snapshot)

    def say(self, text: str, *, warning: bool = False) -> None:
        """Answer the user in the footer, until the next key."""
        self.footer.say(text, warning=warning)

    # -- snapshots ---------------------------------------------------------------------------------------------------

    def take(self, snapshot: Snapshot) -> None:
        """Show another snapshot; the cursor stays, or goes to the first divergence while the user hasn't moved."""
        place = self.table.place
        old, self.snapshot = self.snapshot, snapshot
        fresh = old.comparison is not snapshot.comparison or self.frame is None
        if fresh:
            self._run_part = self._pixel_diverging = None
            first = snapshot.comparison.first
            if first is not None and not (self.moved and place is not None):
                self.go_to(self.target_of(*first))
            else:
                self._stay(place)
        self.show_all()

    def _stay(self, place: Anchor | None) -> None:
        pixels = self.comparison.pixels
        pixel = 0 if len(pixels) else -1
        if place is not None and place.pixel is not None:
            found = np.flatnonzero((pixels == np.array(place.pixel)).all(axis=1))
            pixel = int(found[0]) if len(found) else pixel
        self.open_pixel(pixel)
        if place is not None and self.frame is not None:
            group, row = find_again(self.frame, place)
            if row is not None:
                self.table.folded = open_header(self.frame, self.table.folded, int(self.frame.group[row]))
            self.table.relayout(row, group, place.component)

    def target_of(self, pairing: int, row: int) -> Target:
        """Where a row of a pairing is."""
        return Target(int(self.comparison.pairings[pairing].pixel[row]), pairing, row)

    @property
    def diverging_by_pixel(self) -> Ints:
        """(p,) diverging values of each pixel."""
        if self._pixel_diverging is None:
            self._pixel_diverging = np.asarray(pixel_totals(self.comparison).diverge, np.int64)
        return self._pixel_diverging

    # -- frames ------------------------------------------------------------------------------------------------------

    def open_pixel(self, pixel: int) -> None:
        """Show the values of a pixel; once the user has moved, groups stay open or folded as they were."""
        comparison = self.comparison
        if self._run_part is None:
            self._run_part = rows_of_pixel(comparison, -1)
        parts = [self._run_part]
        if pixel >= 0:
            parts.append(rows_of_pixel(comparison, pixel))
        before, table = self.frame, self.table
        frame = build_frame(comparison, pixel, parts)
        folded = default_folds(frame, table.page)
        if before is not None and self.moved:
            known = {before.header_anchor(header): bool(fold) for header, fold in enumerate(table.folded)}
            here = [
                replace(frame.header_anchor(header), pixel=before.pixel_coordinates) for header in range(frame.headers)
            ]
            folded = np.array([known.get(key, fold) for key, fold in zip(here, folded, strict=True)], np.bool_)
        self.frame = table.frame = frame
        table.folded, table.expanded = folded, frozenset()
        table.keep = self._keep()
        self._set_columns()
        table.relayout(None, 0 if frame.groups else None, keep_place=False)

    def go_to(self, target: Target) -> None:
        """Put the cursor on a value, in whichever pixel it is."""
        frame = self.frame
        stays = frame is not None and frame.comparison is self.comparison and target.pixel in (frame.pixel, -1)
        if not stays:
            self.open_pixel(target.pixel if target.pixel >= 0 else (0 if len(self.comparison.pixels) else -1))
        assert self.frame is not None  # open_pixel has made it
        row = self.frame.find(target.pairing, target.row)
        if row is None:
            return
        keep = self.table.keep
        if keep is not None and not keep[row]:
            self.set_filter("", only=False)
        self.table.reveal(row)

    def set_filter(self, text: str, *, only: bool) -> None:
        """Choose which rows are shown; the cursor stays on its row if that is shown."""
        row, group, component = self.table.row, self.table.group, self.table.component
        self.filter_text, self.only = text, only
        self.table.keep = self._keep()
        if self.table.keep is not None and self.frame is not None:
            frame = self.frame
            shown = np.unique(frame.group[self.table.keep])
            self.table.folded = self.table.folded.copy()
            self.table.folded[shown] = False
            self.table.folded[len(frame.groups) + frame.section[shown]] = False
        self.table.relayout(row, group, component)
        self.show_header()

    def _keep(self) -> Mask | None:
        frame = self.frame
        if frame is None or not (self.filter_text or self.only):
            return None
        keep = frame.diverges if self.only else np.ones(len(frame), np.bool_)
        if self.filter_text:
            pairings = [names_that_match(self.filter_text, pairing) for pairing in self.comparison.pairings]
            keep = keep & np.array(pairings, np.bool_)[frame.pairing]
        return keep

    def _set_columns(self) -> None:
        frame, table = self.frame, self.table
        longest = 12
        if frame is not None and len(frame):
            for index in np.unique(frame.pairing):
                pairing = self.comparison.pairings[index]
                longest = max(
                    longest, len(pairing.name) + (2 if pairing.reference and pairing.reference.width > 1 else 0)
                )
        table.set_columns(longest, 24)
        self.heading.show([heading(table.columns, table.measure)])

    # -- what is around the table --------------------------------------------------------------------------------------

    def show_all(self) -> None:
        """Draw everything around the table."""
        self.show_verdict()
        self.show_header()
        self.show_detail()

    def show_header(self) -> None:
        """Draw the header line and the footer's keys."""
        tolerance = f"rtol {self.session.judged_options.all_tolerances.default_rtol:.3g}".replace("e-0", "e-")
        header = Header(
            self.frame,
            self.table.group,
            tolerance,
            self.snapshot.fraction if not self.snapshot.complete else 1.0,
            self.filter_text,
            self.only,
            self.fixes,
        )
        self.header.show([header_line(header, self.size.width)])
        self.footer.set_context(self.context)

    def show_verdict(self) -> None:
        """Draw the answer in words."""
        comparison = self.comparison
        lines = self.answer_lines()
        if self.snapshot.problem:
            lines = [((f" ! {self.snapshot.problem}", Role.MISSING),), *lines[:1]]
        advice = advice_lines(comparison, self.table.size.width) if self.snapshot.complete else []
        self.set_class(bool(advice), "advised")
        if len(advice) != len(self.advice.lines):
            self.advice.styles.height = len(advice)
        self.advice.show(advice)
        paper = self.verdict
        if len(lines) != len(paper.lines):
            paper.styles.height = len(lines)
        paper.show(lines)

    def answer_lines(self) -> list[Line]:
        """The answer in words, two lines at most."""
        return verdict_lines(self.comparison, self.size.width, complete=self.snapshot.complete)

    def why_of_row(
        self,
        pairing: int,  # noqa: ARG002 - a part of the screen that knows causes says more
        row: int,  # noqa: ARG002
        component: int,  # noqa: ARG002
    ) -> Callable[[int], list[Line]] | None:
        """What the detail pane says about the cause of a row's divergence, for a width; None if nothing."""
        return None

    @property
    def fixes(self) -> int:
        """How many fixes are accepted."""
        return 0

    def still_diverging(self, frame: Frame) -> Mask:
        """What diverges with the fixes that are accepted."""
        return frame.diverges

    def show_detail(self) -> None:
        """Draw the detail pane now."""
        if not self.has_class("detailed"):
            return
        table, frame = self.table, self.frame
        if frame is None or table.row is None:
            self.detail.show(self._group_detail())
            return
        index, row = int(frame.pairing[table.row]), int(frame.row[table.row])
        self.detail.show(
            detail_lines(
                self.comparison,
                index,
                row,
                divergence(self.comparison, index, row),
                self.detail.inner_width,
                height=self.detail.size.height,
                component=table.component,
                axis=self.axis,
                why=self.why_of_row(index, row, table.component),
            )
        )

    def _group_detail(self) -> list[Line]:
        from braggtrace_tui.rowtext import group_title

        table, frame = self.table, self.frame
        if frame is None or table.group is None:
            return [BLANK]
        rows = frame.rows_of_header(table.group)
        total, diverging = rows.stop - rows.start, int(frame.diverges[rows].sum())
        lines: list[Line] = [((group_title(frame, table.group), Role.TITLE),), ((f"{total:,} values", Role.TEXT),)]
        if diverging:
            lines.append(((f"≠ {diverging:,} diverge", Role.DIVERGE),))
            names = [self.comparison.pairings[index].name for index in frame.pairing[rows][frame.diverges[rows]]]
            lines += [((f"  {safe(name)}", Role.TEXT),) for name in list(dict.fromkeys(names))[:12]]
        return [*lines, BLANK, (("Space", Role.KEY), (" opens or folds the group", Role.DIM))]

    def schedule_detail(self) -> None:
        """Draw the detail pane once no key has come for a moment."""
        if self._waiting is not None:
            self._waiting.stop()
        if self.has_class("detailed"):
            self._waiting = self.set_timer(_SETTLE_S, self.show_detail)

    @property
    def context(self) -> Context:
        """What is possible now."""
        table, frame = self.table, self.frame
        row = table.row
        return Context(
            rows=0 if frame is None else len(frame),
            divergences=self.comparison.counts.diverge,
            pixels=len(self.comparison.pixels),
            iterations=0 if frame is None else len(steps_of(frame)),
            on_row=row is not None,
            on_vector=row is not None and frame is not None and int(frame.width[row]) > 1,
            filtered=bool(self.filter_text or self.only),
            reloadable=self.session.reloadable,
            saved_place=self.saved_place() is not None,
            complete=self.snapshot.complete,
            earlier=self.has_earlier(),
        )

    def has_earlier(self) -> bool:
        """Whether there is a comparison to go back to."""
        return False

    def adopt(self, session: Session, snapshot: Snapshot) -> None:
        """Go on with another session; the cursor stays where it is as far as that exists."""
        raise NotImplementedError

    def saved_place(self) -> Anchor | None:
        """Where an earlier session left off, if this pair was left anywhere."""
        return None

    # -- events --------------------------------------------------------------------------------------------------------

    def on_line_list_moved(self, event: LineList.Moved) -> None:
        event.stop()
        self.show_header()
        self.schedule_detail()

    def on_resize(self) -> None:
        self._choose_layout()
        if self.frame is not None:
            self.call_after_refresh(self._after_resize)

    def _after_resize(self) -> None:
        self._set_columns()
        self.table.refresh()
        self.show_all()

    @property
    def pane_setting(self) -> str:
        """The setting that remembers whether the detail pane is open: one for each place where it can stand."""
        return "beside" if self.has_class("wide") else "below"

    def _choose_layout(self) -> None:
        wide = self.app.size.width >= WIDE
        self.set_class(wide, "wide")
        wanted = getattr(self.home.settings, self.pane_setting)
        self.set_class(wanted == "on" or (wanted == "auto" and (wide or self.app.size.height >= 36)), "detailed")


class Bar(Paper):
    """A bar on the second background."""

    raised: ClassVar[bool] = True
