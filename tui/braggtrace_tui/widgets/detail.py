"""The detail pane: lines that scroll, to the right of the table or below it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.strip import Strip

from braggtrace_tui.pieces import BLANK, Line, Role
from braggtrace_tui.widgets.paper import Paper, palette_of, to_strip

__all__ = ["DetailPane"]


class DetailPane(Paper):
    """Shows the lines that `braggtrace_tui.detail` makes."""

    raised = True
    DEFAULT_CSS = "DetailPane { width: 1fr; height: 1fr; }"

    def __init__(self) -> None:
        super().__init__(id="detail")
        self._top = 0

    @property
    def inner_width(self) -> int:
        """Cells for text."""
        return max(8, self.size.width - 3)

    @property
    def top(self) -> int:
        """The first line that is shown."""
        return self._top

    def show(self, lines: Sequence[Line]) -> None:
        """Show other lines, from the first one on."""
        if self._top:
            self._top = 0
            self.refresh()
        super().show(lines)

    def scroll_by(self, lines: int) -> bool:
        """Scroll; False if there is nothing more that way."""
        top = max(0, min(self._top + lines, len(self.lines) - self.size.height))
        if top == self._top:
            return False
        self._top = top
        self.refresh()
        return True

    def render_line(self, y: int) -> Strip:
        number = self._top + y
        line = self.lines[number] if number < len(self.lines) else BLANK
        more_above = y == 0 and self._top
        more_below = y == self.size.height - 1 and number < len(self.lines) - 1
        edge = "↑" if more_above else "↓" if more_below else "│"
        lead: Line = ((edge + " ", Role.KEY if edge != "│" else Role.FAINT),)
        return to_strip((*lead, *line), self.size.width, palette_of(self), raised=True)
