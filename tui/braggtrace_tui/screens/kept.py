"""A list of something that is kept, what is known about the one under the cursor, and a line of keys."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, Protocol, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from braggtrace.errors import BraggtraceError
from braggtrace_tui.pieces import BLANK, Line, Role, safe
from braggtrace_tui.widgets.linelist import LineList
from braggtrace_tui.widgets.paper import Paper
from braggtrace_tui.widgets.reading import ReadingPane

__all__ = ["Keyed", "KeptList", "KeptScreen"]


class Keyed(Protocol):
    """A row that can be told from every other one."""

    @property
    def key(self) -> str:
        """The same for the same thing, whenever the list is read."""


RowT = TypeVar("RowT", bound=Keyed)
ChoiceT = TypeVar("ChoiceT")


class KeptList(LineList, Generic[RowT]):
    """One line a thing; two of them can be marked: as the reference, then as the candidate."""

    def __init__(self, draw: Callable[[RowT, str, int], Line], *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._draw_row = draw
        self.rows: list[RowT] = []
        self.marks: list[str] = []
        self.known: dict[str, RowT] = {}

    @property
    def line_count(self) -> int:
        return len(self.rows)

    def line(self, number: int) -> Line:
        if number >= len(self.rows):
            return BLANK
        row = self.rows[number]
        mark = "" if row.key not in self.marks else "r" if self.marks[0] == row.key else "c"
        return self._draw_row(row, mark, self.size.width)

    @property
    def row(self) -> RowT | None:
        """The one under the cursor."""
        return self.rows[self.cursor] if self.rows else None

    @property
    def marked(self) -> list[RowT]:
        """Those that are marked, the reference first."""
        return [self.known[key] for key in self.marks]


class KeptScreen(Screen[ChoiceT | None], Generic[RowT, ChoiceT]):
    """The list above, the one under the cursor below. A subclass says what is listed and how it is drawn."""

    DEFAULT_CSS: ClassVar[str] = """
    KeptScreen { layout: vertical; overflow: hidden; }
    KeptScreen #about { height: 9; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", show=False),
        Binding("enter", "choose", show=False),
        Binding("space", "mark", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("home,g", "move(-99999999)", show=False),
        Binding("end,G", "move(99999999)", show=False),
    ]

    marks_outlive_rows: ClassVar[bool] = False
    """What is marked stays so when the list is of something else."""

    def __init__(self, name: str) -> None:
        """Make the screen.

        Args:
            name: of the list, for style sheets and threads.
        """
        super().__init__()
        self._list_name = name
        self.title_line = Paper(id="title")
        self.kept: KeptList[RowT] = KeptList(self.draw_row, id=name)
        self.about = ReadingPane(id="about")
        self.hint = Paper(id="hint")

    # -- what a subclass says ----------------------------------------------------------------------------------------

    @property
    def keys(self) -> Sequence[tuple[str, str]]:
        """The line of keys: key, what it does."""
        raise NotImplementedError

    def read_rows(self) -> Sequence[RowT]:
        """Everything that is kept, the latest first; called on a thread.

        Raises:
            BraggtraceError, OSError: it can't be read.
        """
        raise NotImplementedError

    def heading(self, width: int) -> Line:
        """The names of the columns."""
        raise NotImplementedError

    def draw_row(self, row: RowT, mark: str, width: int) -> Line:
        """One row; `mark` is "r" or "c" where it is marked as reference or candidate, else ""."""
        raise NotImplementedError

    def draw_title(self, rows: Sequence[RowT]) -> Line:
        """What is listed, how much of it, and where it is."""
        raise NotImplementedError

    def detail(self, row: RowT | None, width: int) -> list[Line]:
        """What the list has no room for."""
        raise NotImplementedError

    def why_not_marked(self, row: RowT) -> str:
        """Why a row can't be opened or compared, "" if it can."""
        raise NotImplementedError

    def action_choose(self) -> None:
        """Enter."""
        raise NotImplementedError

    # -- life --------------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield Paper(id="columns")
        yield self.kept
        yield self.about
        yield self.hint

    def on_mount(self) -> None:
        self.kept.focus()
        self.fill()

    def on_resize(self) -> None:
        self.call_after_refresh(self.show_about)

    def fill(self, said: str = "") -> None:
        """Read the list again, then say something."""
        hop = self.app.call_later
        threading.Thread(target=self._read, args=(said, hop), name=self._list_name, daemon=True).start()

    def _read(self, said: str, hop: Callable[..., object]) -> None:
        """On a thread: there may be thousands."""
        try:
            rows = list(self.read_rows())
        except (BraggtraceError, OSError) as error:
            hop(self.take, [], f"can't be read: {error}")
            return
        hop(self.take, rows, said)

    def take(self, rows: list[RowT], said: str) -> None:
        """Show these rows."""
        if not self.is_running:
            return
        kept = self.kept
        kept.rows = rows
        keys = {row.key for row in rows}
        kept.marks = [key for key in kept.marks if key in keys or self.marks_outlive_rows]
        kept.known = {key: row for key, row in kept.known.items() if key in kept.marks} | {row.key: row for row in rows}
        kept.changed(kept.cursor)
        self.title_line.show([self.draw_title(rows)])
        self.show_about()
        self.say(said)

    def show_about(self) -> None:
        """Draw what is known about the one under the cursor."""
        if self.is_mounted:
            self.query_one("#columns", Paper).show([self.heading(self.size.width)])
            self.about.show(self.detail(self.kept.row, max(20, self.about.size.width)))

    def say(self, text: str, *, warning: bool = False) -> None:
        """Show a message, or the keys."""
        line: Line = tuple(piece for key, words in self.keys for piece in ((key, Role.KEY), (words, Role.TEXT)))
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

    def action_mark(self) -> None:
        row, kept = self.kept.row, self.kept
        if row is None:
            return
        if row.key in kept.marks:
            kept.marks.remove(row.key)
        else:
            why = self.why_not_marked(row)
            if why:
                self.say(why, warning=True)
                return
            kept.marks = [*kept.marks[-1:], row.key]
        kept.refresh()
        self.marks_changed()

    def marks_changed(self) -> None:
        """Others are marked now."""
        raise NotImplementedError

    def action_move(self, lines: int) -> None:
        self.kept.move_to(self.kept.cursor + lines)

    def action_page(self, direction: int) -> None:
        self.kept.move_to(self.kept.cursor + direction * (self.kept.page - 1))
