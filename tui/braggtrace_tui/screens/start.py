"""The start screen: recent comparisons, traces found here, the demo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from braggtrace.errors import BraggtraceError
from braggtrace_tui.findtraces import Found, find_traces
from braggtrace_tui.pieces import BLANK, Line, Role, clip_start, safe
from braggtrace_tui.session import Session
from braggtrace_tui.settings import Recent
from braggtrace_tui.widgets.linelist import LineList
from braggtrace_tui.widgets.paper import Paper

if TYPE_CHECKING:
    from braggtrace_tui.app import BraggtraceApp

__all__ = ["StartScreen", "size_words"]


def size_words(size: int) -> str:
    """A file size: 381 kB, 109 MB."""
    return f"{size} B" if size < 1000 else f"{size / 1000:.0f} kB" if size < 1e6 else f"{size / 1e6:.0f} MB"


class _Entry:
    """A line of the list: a heading, or something to open."""

    def __init__(self, kind: str, line: Line, recent: Recent | None = None, found: Found | None = None) -> None:
        self.kind = kind
        self.line = line
        self.recent = recent
        self.found = found


class _Choices(LineList):
    """Everything that can be opened."""

    def __init__(self) -> None:
        super().__init__(id="choices")
        self.entries: list[_Entry] = []
        self.reference: str | None = None

    @property
    def line_count(self) -> int:
        return len(self.entries)

    def line(self, number: int) -> Line:
        entry = self.entries[number]
        if entry.found is not None and entry.found.path == self.reference:
            return ((" reference  ", Role.REFERENCE), *entry.line[1:])
        return entry.line

    def step(self, direction: int) -> None:
        """The next line that can be opened."""
        line = self.cursor + direction
        while 0 <= line < len(self.entries):
            if self.entries[line].kind != "heading":
                self.move_to(line)
                return
            line += direction


class StartScreen(Screen[None]):
    """What there is to open."""

    DEFAULT_CSS: ClassVar[str] = """
    StartScreen { layout: vertical; }
    StartScreen #title { height: 3; margin: 1 0 0 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "step(1)", show=False),
        Binding("up,k", "step(-1)", show=False),
        Binding("enter,space", "choose", show=False),
        Binding("o", "open", show=False),
        Binding("d", "demo", show=False),
        Binding("escape", "clear", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.titles = Paper(id="title")
        self.choices = _Choices()
        self.hint = Paper(id="hint")

    @property
    def home(self) -> BraggtraceApp:
        """The app."""
        return cast("BraggtraceApp", self.app)

    def compose(self) -> ComposeResult:
        yield self.titles
        yield self.choices
        yield self.hint

    def on_mount(self) -> None:
        self.titles.show(
            [
                (("  braggtrace", Role.TITLE),),
                (("  finds the first place where two diffraction simulators disagree", Role.DIM),),
                BLANK,
            ]
        )
        self.fill()
        self.choices.focus()
        self.say("")

    def fill(self) -> None:
        """List what there is now."""
        width = max(20, self.app.size.width - 14)
        entries = [_Entry("heading", (("  Recent comparisons", Role.TITLE),))]
        recent = [
            each
            for each in self.home.settings.recent
            if Path(each.reference).is_file() and Path(each.candidate).is_file()
        ]
        for each in recent[:9]:
            glyph, role = {"AGREES": ("=", Role.AGREE), "DIVERGES": ("≠", Role.DIVERGE)}.get(
                each.status, ("-", Role.MISSING)
            )
            half = (width - 6) // 2
            reference, candidate = (clip_start(safe(_near(path)), half) for path in (each.reference, each.candidate))
            entries.append(
                _Entry(
                    "recent",
                    (
                        (f"    {glyph} ", role),
                        (f"{reference}  ", Role.TEXT),
                        ("with  ", Role.DIM),
                        (candidate, Role.TEXT),
                    ),
                    recent=each,
                )
            )
        if not recent:
            entries.append(_Entry("heading", (("    none yet", Role.DIM),)))
        entries += [
            _Entry("heading", BLANK),
            _Entry(
                "heading",
                (("  Traces found here", Role.TITLE), ("   choose the reference, then the candidate", Role.DIM)),
            ),
        ]
        found = find_traces(Path.cwd())
        for trace in found:
            entries.append(
                _Entry(
                    "trace",
                    (
                        ("            ", Role.TEXT),
                        (clip_start(safe(trace.path), width - 14), Role.TEXT),
                        (f"  {size_words(trace.size)}", Role.DIM),
                    ),
                    found=trace,
                )
            )
        if not found:
            entries.append(
                _Entry("heading", (("    none: nothing below this directory looks like a trace", Role.DIM),))
            )
        entries += [
            _Entry("heading", BLANK),
            _Entry("demo", (("  d ", Role.KEY), ("the demo: two real traces, one stale vector", Role.TEXT))),
            _Entry("open", (("  o ", Role.KEY), ("type two paths", Role.TEXT))),
        ]
        self.choices.entries = entries
        self.choices.changed(next(number for number, entry in enumerate(entries) if entry.kind != "heading"))

    def say(self, text: str, *, warning: bool = False) -> None:
        """Show a message, or the keys."""
        keys: Line = (
            (" Enter", Role.KEY),
            (" open   ", Role.TEXT),
            ("↑ ↓", Role.KEY),
            (" choose   ", Role.TEXT),
            ("d", Role.KEY),
            (" demo   ", Role.TEXT),
            ("o", Role.KEY),
            (" type paths   ", Role.TEXT),
            ("?", Role.KEY),
            (" help   ", Role.TEXT),
            ("q", Role.KEY),
            (" quit", Role.TEXT),
        )
        self.hint.show(
            [((f" {'! ' if warning else ''}{safe(text)}", Role.MISSING if warning else Role.TEXT),) if text else keys]
        )

    # -- keys --------------------------------------------------------------------------------------------------------

    def action_step(self, direction: int) -> None:
        self.choices.step(direction)

    def action_clear(self) -> None:
        self.choices.reference = None
        self.choices.refresh()
        self.say("")

    def on_line_list_chosen(self) -> None:
        self.action_choose()

    def action_choose(self) -> None:
        entry = self.choices.entries[self.choices.cursor]
        if entry.recent is not None:
            self.open_pair(entry.recent.reference, entry.recent.candidate, resume=True)
        elif entry.found is not None:
            self._choose_trace(entry.found)
        elif entry.kind == "demo":
            self.action_demo()
        elif entry.kind == "open":
            self.action_open()

    def _choose_trace(self, found: Found) -> None:
        if self.choices.reference is None:
            self.choices.reference = found.path
            self.choices.refresh()
            self.say(f"reference: {found.path}. Now choose the candidate, Esc to start over.")
        else:
            reference, self.choices.reference = self.choices.reference, None
            self.choices.refresh()
            self.open_pair(reference, found.path)

    def action_demo(self) -> None:
        from braggtrace_tui.samples import demo_pair

        try:
            self.open_pair(*demo_pair())
        except BraggtraceError as error:
            self.say(str(error), warning=True)

    def action_open(self) -> None:
        from braggtrace_tui.screens.openfile import OpenFileScreen

        def chosen(paths: tuple[str, str] | None) -> None:
            if paths is not None:
                self.open_pair(*paths)

        self.app.push_screen(OpenFileScreen("", ""), chosen)

    def open_pair(self, reference: str, candidate: str, *, resume: bool = False) -> None:
        """Compare two files."""
        from braggtrace_tui.screens.compare import CompareScreen

        session = Session(reference, candidate)
        try:
            snapshot = session.first_look()
        except (BraggtraceError, OSError) as error:
            self.say(str(error), warning=True)
            return
        self.app.push_screen(CompareScreen(session, snapshot, resume=resume))


def _near(path: str) -> str:
    """A path as short as it can be said from here."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path
