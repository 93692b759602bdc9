"""The runs that are kept: open one beside the reference, compare two, run one again with a change, delete."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from braggtrace.errors import BraggtraceError
from braggtrace_tui.pieces import BLANK, Line, Role, safe
from braggtrace_tui.runlist import RunRow, bytes_words, list_heading, openable, run_detail, run_line
from braggtrace_tui.widgets.linelist import LineList
from braggtrace_tui.widgets.paper import Paper
from braggtrace_tui.widgets.reading import ReadingPane

__all__ = ["RunChoice", "RunListScreen"]


_KEYS = (
    ("Enter", " open   "),
    ("Space", " mark   "),
    ("c", " compare two   "),
    ("r", " change and run   "),
    ("d", " delete   "),
    ("Esc", " back"),
)


@dataclass(frozen=True, slots=True)
class RunChoice:
    """What the user wants.

    Attributes:
        what: "open" beside the reference, "compare" two, "change" and run again.
        run: the run, or the reference of two.
        other: the candidate of two.
    """

    what: str
    run: RunRow
    other: RunRow | None = None


class _Runs(LineList):
    """One line a run."""

    def __init__(self) -> None:
        super().__init__(id="runs")
        self.rows: list[RunRow] = []
        self.marks: list[str] = []

    @property
    def line_count(self) -> int:
        return len(self.rows)

    def line(self, number: int) -> Line:
        if number >= len(self.rows):
            return BLANK
        row = self.rows[number]
        mark = "" if row.name not in self.marks else "r" if self.marks[0] == row.name else "c"
        return run_line(row, mark, self.size.width)

    @property
    def row(self) -> RunRow | None:
        """The run under the cursor."""
        return self.rows[self.cursor] if self.rows else None


class RunListScreen(Screen[RunChoice | None]):
    """The list above, the flags of the run under the cursor below."""

    DEFAULT_CSS: ClassVar[str] = """
    RunListScreen { layout: vertical; overflow: hidden; }
    RunListScreen #about { height: 9; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,L", "leave", show=False),
        Binding("enter", "choose", show=False),
        Binding("space", "mark", show=False),
        Binding("c", "compare", show=False),
        Binding("R,r", "change", show=False),
        Binding("d,delete", "delete", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("home,g", "move(-99999999)", show=False),
        Binding("end,G", "move(99999999)", show=False),
    ]

    def __init__(
        self,
        load: Callable[[], Sequence[RunRow]],
        delete: Callable[[RunRow], None],
        where: str,
        *,
        can_open: bool = True,
    ) -> None:
        """Make the screen.

        Args:
            load: reads the runs, newest first.
            delete: deletes one.
            where: their folder.
            can_open: there is a reference to open one beside.
        """
        super().__init__()
        self._load = load
        self._delete = delete
        self._where = where
        self._can_open = can_open
        self._confirming: RunRow | None = None
        self.title_line = Paper(id="title")
        self.runs = _Runs()
        self.about = ReadingPane(id="about")
        self.hint = Paper(id="hint")

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield Paper(id="columns")
        yield self.runs
        yield self.about
        yield self.hint

    def on_mount(self) -> None:
        self.runs.focus()
        self.fill()

    def on_resize(self) -> None:
        self.call_after_refresh(self.show_about)

    def fill(self, said: str = "") -> None:
        """Read the list again, then say something."""
        threading.Thread(target=self._read, args=(said, self.app.call_later), name="runs", daemon=True).start()

    def _read(self, said: str, hop: Callable[..., object]) -> None:
        """On a thread: there may be thousands."""
        try:
            rows = list(self._load())
        except (BraggtraceError, OSError) as error:
            hop(self._take, [], f"can't be read: {error}")
            return
        hop(self._take, rows, said)

    def _take(self, rows: list[RunRow], said: str) -> None:
        if not self.is_running:
            return
        self.runs.rows = rows
        names = {row.name for row in self.runs.rows}
        self.runs.marks = [name for name in self.runs.marks if name in names]
        self.runs.changed(self.runs.cursor)
        total = bytes_words(sum(row.size for row in self.runs.rows))
        count = len(self.runs.rows)
        words = f"{count:,} run{'s' if count != 1 else ''}, {total}" if count else "no runs yet: R runs pixels again"
        self.title_line.show([((" Runs ", Role.TITLE), (f"  {words}   ", Role.TEXT), (safe(self._where), Role.DIM))])
        self.show_about()
        self.say(said)

    def show_about(self) -> None:
        """Draw what is known about the run under the cursor."""
        if self.is_mounted:
            self.query_one("#columns", Paper).show([list_heading(self.size.width)])
            self.about.show(run_detail(self.runs.row, max(20, self.about.size.width)))

    def say(self, text: str, *, warning: bool = False) -> None:
        """Show a message, or the keys."""
        keys = _KEYS if self._can_open else _KEYS[1:]
        line: Line = tuple(piece for key, words in keys for piece in ((key, Role.KEY), (words, Role.TEXT)))
        if text:
            line = ((f"{'! ' if warning else ''}{safe(text)}", Role.MISSING if warning else Role.STRONG),)
        self.hint.show([((" ", Role.TEXT), *line)])

    def on_line_list_moved(self, event: LineList.Moved) -> None:
        event.stop()
        self.say("")
        self.show_about()

    # -- keys --------------------------------------------------------------------------------------------------------

    def action_leave(self) -> None:
        self.dismiss(None)

    def on_line_list_chosen(self) -> None:
        self.action_choose()

    def action_choose(self) -> None:
        row = self.runs.row
        if row is None:
            return
        if not self._can_open:
            self.action_mark()
        elif not openable(row):
            self.say(f"this run has no trace: it is {row.state}", warning=True)
        else:
            self.dismiss(RunChoice("open", row))

    def action_mark(self) -> None:
        row = self.runs.row
        if row is None:
            return
        if row.name in self.runs.marks:
            self.runs.marks.remove(row.name)
        elif not openable(row):
            self.say(f"this run has no trace: it is {row.state}", warning=True)
            return
        else:
            self.runs.marks = [*self.runs.marks[-1:], row.name]
        self.runs.refresh()
        said = {0: "", 1: "marked as the reference: mark another as the candidate"}
        self.say(said.get(len(self.runs.marks), "c compares the two"))

    def action_compare(self) -> None:
        by_name = {row.name: row for row in self.runs.rows}
        if len(self.runs.marks) < 2:
            self.say("mark two runs with Space first: the reference, then the candidate", warning=True)
            return
        first, second = (by_name[name] for name in self.runs.marks)
        if first.plan.image != second.plan.image:
            self.say("a trace and an image can't be compared", warning=True)
            return
        self.dismiss(RunChoice("compare", first, second))

    def action_change(self) -> None:
        if self.runs.row is not None:
            self.dismiss(RunChoice("change", self.runs.row))

    def action_delete(self) -> None:
        row = self.runs.row
        if row is None:
            return
        if row.state == "running":
            self.say("this one is running", warning=True)
            return
        self._confirming = row
        self.say(f"delete {row.name}, {bytes_words(row.size)}?  y deletes it, any other key does not", warning=True)

    def on_key(self, event: events.Key) -> None:
        """The answer to whether to delete."""
        row, self._confirming = self._confirming, None
        if row is None:
            return
        event.stop()
        event.prevent_default()
        if event.character != "y":
            self.say("not deleted")
            return
        try:
            self._delete(row)
        except (BraggtraceError, OSError) as error:
            self.say(f"not deleted: {error}", warning=True)
            return
        self.fill(f"deleted {row.name}")

    def action_move(self, lines: int) -> None:
        self.runs.move_to(self.runs.cursor + lines)

    def action_page(self, direction: int) -> None:
        self.runs.move_to(self.runs.cursor + direction * (self.runs.page - 1))
