"""The base of every widget here: lines of pieces, of which only the changed ones are repainted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from braggtrace_tui.palettes import DEFAULT, Palette, palette_named
from braggtrace_tui.pieces import BLANK, Line, Role, fit, plain

__all__ = ["Paper", "palette_of", "to_strip"]


def palette_of(widget: Widget) -> Palette:
    """The palette of the theme that is on."""
    return palette_named(str(getattr(widget.app, "palette_name", DEFAULT)))


def to_strip(line: Line, width: int, palette: Palette, *, cursor: bool = False, raised: bool = False) -> Strip:
    """A line as Textual draws it, exactly `width` cells wide."""
    segments: list[Segment] = []
    pending, pending_style = "", None
    for text, role in fit(line, width):
        style = palette.style(role, cursor=cursor, raised=raised)
        if style is pending_style or (pending_style is not None and not text.strip() and not style.underline):
            pending += text  # blanks look the same in every colour: fewer bytes for the terminal
            continue
        if pending:
            segments.append(Segment(pending, pending_style))
        pending, pending_style = text, style
    if pending:
        segments.append(Segment(pending, pending_style))
    return Strip(segments, width)


class Paper(Widget):
    """Shows a list of lines.

    Attributes:
        raised: it stands on the second background.
    """

    DEFAULT_CSS: ClassVar[str] = "Paper { height: 1; width: 1fr; }"
    raised: ClassVar[bool] = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._lines: tuple[Line, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is shown."""
        return self._lines

    @property
    def text(self) -> str:
        """What is shown, without colours."""
        return "\n".join(plain(line) for line in self._lines)

    def show(self, lines: Sequence[Line]) -> None:
        """Show these lines; repaint those that changed."""
        before, self._lines = self._lines, tuple(lines)
        if not self.is_mounted:
            return
        for y in range(max(len(before), len(self._lines))):
            old = before[y] if y < len(before) else BLANK
            new = self._lines[y] if y < len(self._lines) else BLANK
            if old != new:
                self.refresh(Region(0, y, self.size.width, 1))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's signature
        return max(1, len(self._lines))

    def render_line(self, y: int) -> Strip:
        line = self._lines[y] if y < len(self._lines) else BLANK
        return to_strip(line, self.size.width, palette_of(self), raised=self.raised)


BLANKS: Line = ((" ", Role.TEXT),)
