"""Lines to read: they scroll by pages, and nothing in them is chosen."""

from __future__ import annotations

from collections.abc import Sequence

from textual.strip import Strip

from braggtrace_tui.pieces import BLANK, Line, Role
from braggtrace_tui.widgets.paper import Paper, palette_of, to_strip

__all__ = ["ReadingPane"]


class ReadingPane(Paper):
    """A page of lines on the second background; stays where it is when the lines change."""

    raised = True
    DEFAULT_CSS = "ReadingPane { width: 1fr; height: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._top = 0

    @property
    def top(self) -> int:
        """The first line that is shown."""
        return self._top

    def show(self, lines: Sequence[Line]) -> None:
        """Show other lines."""
        before = self.lines
        self._lines = tuple(lines)
        top = max(0, min(self._top, len(self._lines) - max(1, self.size.height)))
        if top != self._top or before != self._lines:
            self._top = top
            self.refresh()

    def page(self, direction: int) -> bool:
        """Go a page on; False at the end."""
        return self.scroll_by(direction * max(1, self.size.height - 1))

    def scroll_by(self, lines: int) -> bool:
        """Scroll; False if there is nothing more that way."""
        top = max(0, min(self._top + lines, len(self._lines) - self.size.height))
        if top == self._top:
            return False
        self._top = top
        self.refresh()
        return True

    def render_line(self, y: int) -> Strip:
        number = self._top + y
        line = self._lines[number] if number < len(self._lines) else BLANK
        more = y == self.size.height - 1 and number < len(self._lines) - 1
        if more:
            left = len(self._lines) - number - 1
            line = ((f" ↓ {left} more lines: PgDn", Role.KEY),)
        return to_strip(line, self.size.width, palette_of(self), raised=True)
