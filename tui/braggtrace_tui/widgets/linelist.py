"""A list with a cursor over any number of lines, drawn line by line: a step repaints two lines, whatever the length."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from braggtrace_tui.pieces import BLANK, Line
from braggtrace_tui.widgets.paper import palette_of, to_strip

__all__ = ["LineList"]


class LineList(Widget, can_focus=True):
    """A scrolling list; a subclass says how many lines there are and what each one says.

    When the cursor leaves the page the list moves by half a page, so that most steps repaint two lines only: that is
    calm to look at and cheap over SSH.
    """

    DEFAULT_CSS: ClassVar[str] = "LineList { width: 1fr; height: 1fr; }"

    class Moved(Message):
        """The cursor stands on another line."""

        def __init__(self, widget: LineList) -> None:
            self.list = widget
            super().__init__()

        @property
        def control(self) -> LineList:
            return self.list

    class Chosen(Message):
        """A line was clicked."""

        def __init__(self, widget: LineList) -> None:
            self.list = widget
            super().__init__()

        @property
        def control(self) -> LineList:
            return self.list

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.cursor = 0
        self._top = 0

    @property
    def line_count(self) -> int:
        """The number of lines."""
        raise NotImplementedError

    def line(self, number: int) -> Line:
        """What a line says."""
        raise NotImplementedError

    @property
    def page(self) -> int:
        """Lines that are visible at once."""
        return max(1, self.size.height)

    @property
    def top(self) -> int:
        """The first visible line."""
        return self._top

    def move_to(self, line: int, *, centre: bool = False) -> None:
        """Put the cursor on a line and scroll as needed.

        Args:
            line: the line; kept inside the list.
            centre: if it has to scroll, show the line with what stands before and after it.
        """
        line = max(0, min(line, self.line_count - 1))
        before, self.cursor = self.cursor, line
        top = self._top_for(line, centre=centre)
        if top != self._top:
            self._top = top
            self.refresh()
        elif line != before:
            self._repaint(before)
            self._repaint(line)
        if line != before:
            self.post_message(self.Moved(self))

    def changed(self, cursor: int, *, hold: int | None = None) -> None:
        """The lines are new: repaint all of them.

        Args:
            cursor: where the cursor stands now.
            hold: keep the cursor's line this far from the top, if possible.
        """
        self.cursor = max(0, min(cursor, self.line_count - 1))
        if hold is not None:
            self._top = max(0, min(self.cursor - hold, self.line_count - self.page))
        self._top = self._top_for(self.cursor, centre=hold is None)
        self.refresh()

    def scroll_by(self, lines: int) -> None:
        """Scroll without moving the cursor off the page."""
        top = max(0, min(self._top + lines, self.line_count - self.page))
        if top != self._top:
            self._top = top
            self.refresh()
            self.cursor_into_page()

    def cursor_into_page(self) -> None:
        """After scrolling the cursor stays visible."""
        line = min(max(self.cursor, self._top), self._top + self.page - 1)
        if line != self.cursor:
            self.cursor = line
            self.post_message(self.Moved(self))

    def _top_for(self, line: int, *, centre: bool) -> int:
        page, top = self.page, self._top
        last = max(0, self.line_count - page)
        margin = min(2, page // 4) if centre else 0
        if line < top + margin or line >= top + page - margin:
            top = line - (page // 3 if centre else page // 2)
        return max(0, min(top, last))

    def _repaint(self, line: int) -> None:
        y = line - self._top
        if 0 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        number = self._top + y
        inside = number < self.line_count
        on_cursor = inside and number == self.cursor
        return to_strip(self.line(number) if inside else BLANK, self.size.width, palette_of(self), cursor=on_cursor)

    def on_resize(self) -> None:
        self._top = self._top_for(self.cursor, centre=True)
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        self.move_to(self._top + event.y)
        self.post_message(self.Chosen(self))

    def on_mouse_scroll_down(self) -> None:
        self.scroll_by(3)

    def on_mouse_scroll_up(self) -> None:
        self.scroll_by(-3)
