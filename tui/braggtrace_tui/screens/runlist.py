"""The runs that are kept: open one beside the reference, compare two, run one again with a change, delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from braggtrace.errors import BraggtraceError
from braggtrace_tui.pieces import Line, Role, safe
from braggtrace_tui.runlist import RunRow, bytes_words, list_heading, openable, run_detail, run_line
from braggtrace_tui.screens.kept import KeptScreen

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


class RunListScreen(KeptScreen[RunRow, RunChoice]):
    """The list above, the flags of the run under the cursor below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("L", "leave", show=False),
        Binding("c", "compare", show=False),
        Binding("R,r", "change", show=False),
        Binding("d,delete", "delete", show=False),
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
        super().__init__("runs")
        self._load = load
        self._delete = delete
        self._where = where
        self._can_open = can_open
        self._confirming: RunRow | None = None
        self.runs = self.kept

    # -- what is listed ----------------------------------------------------------------------------------------------

    @property
    def keys(self) -> Sequence[tuple[str, str]]:
        return _KEYS if self._can_open else _KEYS[1:]

    def read_rows(self) -> Sequence[RunRow]:
        return self._load()

    def heading(self, width: int) -> Line:
        return list_heading(width)

    def draw_row(self, row: RunRow, mark: str, width: int) -> Line:
        return run_line(row, mark, width)

    def draw_title(self, rows: Sequence[RunRow]) -> Line:
        count, total = len(rows), bytes_words(sum(row.size for row in rows))
        words = f"{count:,} run{'s' if count != 1 else ''}, {total}" if count else "no runs yet: R runs pixels again"
        return ((" Runs ", Role.TITLE), (f"  {words}   ", Role.TEXT), (safe(self._where), Role.DIM))

    def detail(self, row: RunRow | None, width: int) -> list[Line]:
        return run_detail(row, width)

    def why_not_marked(self, row: RunRow) -> str:
        return "" if openable(row) else f"this run has no trace: it is {row.state}"

    def marks_changed(self) -> None:
        said = {0: "", 1: "marked as the reference: mark another as the candidate"}
        self.say(said.get(len(self.runs.marks), "c compares the two"))

    # -- keys --------------------------------------------------------------------------------------------------------

    def action_choose(self) -> None:
        row = self.runs.row
        if row is None:
            return
        if not self._can_open:
            self.action_mark()
        elif not openable(row):
            self.say(self.why_not_marked(row), warning=True)
        else:
            self.dismiss(RunChoice("open", row))

    def action_compare(self) -> None:
        if len(self.runs.marks) < 2:
            self.say("mark two runs with Space first: the reference, then the candidate", warning=True)
            return
        first, second = self.runs.marked
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
