"""The pixel map itself: rulers and a grid of dots, drawn line by line; and its legend."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from braggtrace.images.levels import ARM, LEVELS, Scale
from braggtrace.images.model import Layer, MapData, Mark, Pixel
from braggtrace.images.pool import extreme_pixel, pool
from braggtrace_tui.mapcolours import DENSITY, MARK_SIGNS, Ramps, centred_signs, ramps_of
from braggtrace_tui.mapview import View, whole_image
from braggtrace_tui.palettes import Palette, palette_named
from braggtrace_tui.pieces import Line, Role
from braggtrace_tui.widgets.paper import palette_of, to_strip

__all__ = ["HeatMap", "Legend"]

_EVERY = 4  # lines between two numbers of the ruler at the side
_APART = 12  # columns between two numbers of the ruler above

# A dot is a small number: its level, or what stands there instead.
_MARK = 32
_OUTSIDE = 48
_CURSOR = 49  # plus the mark of the pixel under it
_CODES = 64


@dataclass(frozen=True, slots=True)
class _Picture:
    """What is on the grid, without the cursor."""

    key: tuple[Layer, View, Scale, bool]
    dots: NDArray[np.uint8]


class HeatMap(Widget, can_focus=True):
    """A map of an image with a cursor.

    Attributes:
        data: the images.
        shown: which map of them.
        scale: its levels.
        view: which part of it, and the cursor.
    """

    DEFAULT_CSS: ClassVar[str] = "HeatMap { width: 1fr; height: 1fr; }"

    class Moved(Message):
        """The cursor stands on another pixel, or the part that is shown is another."""

    def __init__(self, data: MapData, layer: Layer, scale: Scale, cursor: Pixel) -> None:
        super().__init__(id="map")
        self.data = data
        self.shown = layer
        self.scale = scale
        shape = data.reference.shape
        self.view = whole_image(shape, (1, 1)).at(cursor)
        self._picture: _Picture | None = None

    # -- geometry ----------------------------------------------------------------------------------------------------

    @property
    def ramps(self) -> Ramps | None:
        """The colours, None where signs are drawn."""
        return ramps_of(palette_of(self))

    @property
    def margin(self) -> int:
        """Columns of the ruler at the side."""
        return max(4, len(str(self.data.reference.roi[1]))) + 2

    @property
    def dots(self) -> tuple[int, int]:
        """The grid's size, (down, across): two dots in a cell with colours, one in two cells without."""
        lines, columns = max(1, self.size.height - 1), max(1, self.size.width - self.margin)
        return (lines * 2, columns) if self.ramps is not None else (lines, max(1, columns // 2))

    def fit(self) -> None:
        """Take the grid that there is now."""
        if self.view.dots != self.dots:
            self.view = self.view.resized(self.dots)

    def on_resize(self) -> None:
        self.fit()
        self.refresh()
        self.post_message(self.Moved())

    # -- changes -----------------------------------------------------------------------------------------------------

    def show(self, layer: Layer, scale: Scale) -> None:
        """Draw another map of the same part."""
        self.shown, self.scale = layer, scale
        self.refresh()

    def look_at(self, view: View) -> None:
        """Show another part, or move the cursor: then only its old and its new line are repainted."""
        before, self.view = self.view, view
        if view == before:
            return
        if (view.top, view.left, view.zoom, view.dots) != (before.top, before.left, before.zoom, before.dots):
            self.refresh()
        else:
            self._repaint_cursor(before)
            self._repaint_cursor(view)
        self.post_message(self.Moved())

    def step(self, down: int, across: int) -> bool:
        """Move the cursor by blocks; in a block it stands on the pixel that the block shows. False at the edge."""
        block = self.view.beside(down, across)
        if block is None:
            return False
        self.look_at(self.view.at(extreme_pixel(self.data, self.shown, block)))
        return True

    def page(self, down: int, across: int) -> bool:
        """Move the part that is shown, by half its size; False at the edge."""
        size = self.view.page
        view = self.view.panned(down * max(1, size[0] // 2), across * max(1, size[1] // 2))
        view = view.at(extreme_pixel(self.data, self.shown, view.block_at(view.cursor)))
        moved = view != self.view
        self.look_at(view)
        return moved

    def _repaint_cursor(self, view: View) -> None:
        down = view.cursor_block[0] * view.spread
        first, last = down // self._lines, (down + view.spread - 1) // self._lines
        self.refresh(Region(0, 1 + first, self.size.width, last - first + 1), Region(0, 0, self.size.width, 1))

    def on_click(self, event: events.Click) -> None:
        line, column = event.y - 1, event.x - self.margin
        if line >= 0 and column >= 0:
            coloured = self.ramps is not None
            pixel = self.view.pixel_of(line * 2 if coloured else line, column if coloured else column // 2)
            if pixel is not None:
                self.look_at(self.view.at(extreme_pixel(self.data, self.shown, self.view.block_at(pixel))))

    # -- drawing -----------------------------------------------------------------------------------------------------

    def picture(self) -> NDArray[np.uint8]:
        """(down, across) what each dot shows, without the cursor."""
        self.fit()
        view = self.view
        key = (self.shown, View(view.shape, view.dots, view.zoom, view.top, view.left), self.scale, self.scale.centred)
        if self._picture is None or self._picture.key != key:
            self._picture = _Picture(key, self._draw(view))
        return self._picture.dots

    def _draw(self, view: View) -> NDArray[np.uint8]:
        pooled = pool(self.data, self.shown, view.window, view.block)
        levels = self.scale.levels(pooled.values)
        codes = (levels + ARM if self.scale.centred else levels).astype(np.uint8)
        codes = np.where(pooled.marks != Mark.NONE, _MARK + pooled.marks, codes).astype(np.uint8)
        if view.spread > 1:
            codes = codes.repeat(view.spread, axis=0).repeat(view.spread, axis=1)
        dots = np.full(view.dots, _OUTSIDE, dtype=np.uint8)
        down, across = (min(size, room) for size, room in zip(codes.shape, view.dots, strict=True))
        dots[:down, :across] = codes[:down, :across]
        return dots

    def _row(self, down: int) -> list[int]:
        """The dots of a row of the grid, with the cursor."""
        dots = self.picture()
        if down >= len(dots):
            return [_OUTSIDE] * dots.shape[1]
        row: list[int] = dots[down].tolist()
        view = self.view
        at, column = (each * view.spread for each in view.cursor_block)
        if at <= down < at + view.spread:
            inner = view.spread > 2 and at < down < at + view.spread - 1
            for across in range(column, min(column + view.spread, len(row))):
                if not inner or across in (column, column + view.spread - 1):
                    shown = row[across]
                    row[across] = _CURSOR + (shown - _MARK if _MARK + Mark.UNKNOWN < shown < _OUTSIDE else 0)
        return row

    def render_line(self, y: int) -> Strip:
        palette = palette_of(self)
        self.fit()
        if y == 0:
            return to_strip(self._ruler(), self.size.width, palette)
        line = y - 1
        segments = list(to_strip(self._margin_at(line), self.margin, palette))
        ramps = ramps_of(palette)
        if ramps is None:
            segments += self._signs(line, palette)
        else:
            upper, lower = self._row(2 * line), self._row(2 * line + 1)
            codes = [top * _CODES + bottom for top, bottom in zip(upper, lower, strict=True)]
            for code, run in groupby(codes):
                character, style = _cell(palette.name, self.scale.centred, code)
                segments.append(Segment(character * len(list(run)), style))
        return Strip(segments).adjust_cell_length(
            self.size.width, Style(bgcolor=None if ramps is None else palette.ground)
        )

    def _signs(self, line: int, palette: Palette) -> list[Segment]:
        """A line of a map without colours: two signs a dot; the cursor is reversed."""
        row, plain = self._row(line), self.picture()
        segments = []
        for across, code in enumerate(row):
            shown = int(plain[line, across]) if line < len(plain) else _OUTSIDE
            style = palette.style(Role.STRONG if _MARK < shown < _OUTSIDE else Role.TEXT)
            if code >= _CURSOR:
                style = Style(reverse=True, bold=True)
            segments.append(Segment(_signs_of(shown, centred=self.scale.centred), style))
        return segments

    # -- rulers ------------------------------------------------------------------------------------------------------

    @property
    def _lines(self) -> int:
        """Dots above each other in a line."""
        return 2 if self.ramps is not None else 1

    def _margin_at(self, line: int) -> Line:
        """The slow coordinate of a line's first pixel, and whether the cursor is in it."""
        view, dot = self.view, line * self._lines
        at = view.cursor_block[0] * view.spread
        here = at // self._lines <= line <= (at + view.spread - 1) // self._lines
        every = -(-_EVERY * self._lines // view.spread) * view.spread
        pixel = None if dot % every else view.pixel_of(dot, 0)
        text = "" if pixel is None else str(self.data.reference.origin[0] + pixel[0])
        return ((f"{text:>{self.margin - 1}}", Role.DIM), ("▸" if here else " ", Role.KEY))

    def _ruler(self) -> Line:
        """The fast coordinates above the map, and the cursor's column, for which a number makes room."""
        view, width = self.view, 1 if self.ramps is not None else 2
        at = (view.cursor_block[1] * view.spread + (view.spread - 1) // 2) * width
        text = ""
        for across in range(0, view.dots[1], -(-_APART // (view.spread * width)) * view.spread):
            pixel = view.pixel_of(0, across)
            label = "" if pixel is None else str(self.data.reference.origin[1] + pixel[1])
            start, end = across * width, across * width + len(label)
            if not start <= at < end and end <= self.size.width - self.margin:
                text = text.ljust(across * width) + label
        text = text.ljust(at + 1)
        head = f"{'fast→':>{self.margin}}"
        return ((head, Role.FAINT), (text[:at], Role.DIM), ("▾", Role.KEY), (text[at + 1 :], Role.DIM))


@lru_cache(maxsize=8192)
def _cell(palette_name: str, centred: bool, code: int) -> tuple[str, Style]:
    """The character and style of a cell of two dots. It depends on nothing else, so that equal cells stay equal.

    The lighter dot is the ink: most of a diffraction image is dark, so the paper rarely changes.
    """
    palette = palette_named(palette_name)
    upper, lower = divmod(code, _CODES)
    marks = [dot - _MARK for dot in (upper, lower) if _MARK + Mark.UNKNOWN < dot < _OUTSIDE]
    marks += [dot - _CURSOR for dot in (upper, lower) if dot > _CURSOR]
    if marks:
        here = max(upper, lower) >= _CURSOR
        ground = _dot_colour(palette, centred, _CURSOR) if here else palette.ground
        return MARK_SIGNS[Mark(max(marks))], palette.style(Role.STRONG) + Style.parse(f"on {ground}")
    if upper == lower and upper >= _MARK and upper != _CURSOR:
        sign = MARK_SIGNS[Mark.UNKNOWN] if upper < _OUTSIDE else " "
        return sign, palette.style(Role.FAINT)
    first, second = (_dot_colour(palette, centred, dot) for dot in (upper, lower))
    if first == second:
        return " ", Style.parse(f"on {first}")
    if _ink(upper, centred) >= _ink(lower, centred):
        return "▀", Style.parse(f"{first} on {second}")
    return "▄", Style.parse(f"{second} on {first}")


def _ink(dot: int, centred: bool) -> int:
    """Which of two dots is drawn as ink."""
    return abs(dot - ARM) if centred and dot < _MARK else dot


def _dot_colour(palette: Palette, centred: bool, dot: int) -> str:
    ramps = ramps_of(palette)
    assert ramps is not None  # else signs are drawn
    if dot == _CURSOR:
        return ramps.cursor
    if dot >= _MARK:
        return palette.ground
    return ramps.colour(dot - ARM if centred else dot, centred=centred)


def _signs_of(dot: int, *, centred: bool) -> str:
    """The two signs of a dot on a map without colours."""
    if dot == _OUTSIDE:
        return "  "
    if dot >= _MARK:
        return MARK_SIGNS[Mark(dot - _MARK)] * 2
    return centred_signs(dot - ARM) if centred else DENSITY[dot] * 2


class Legend(Widget):
    """One line: what the colours or signs of the map mean."""

    DEFAULT_CSS: ClassVar[str] = "Legend { height: 1; width: 1fr; }"

    def __init__(self) -> None:
        super().__init__(id="legend")
        self._left: Line = ()
        self._right: Line = ()
        self._centred = False

    @property
    def text(self) -> str:
        """What it says, without colours."""
        return "".join(text for text, _ in (*self._left, *self._right))

    def show(self, left: Line, right: Line, *, centred: bool) -> None:
        """What stands before and after the swatches."""
        if (left, right, centred) != (self._left, self._right, self._centred):
            self._left, self._right, self._centred = left, right, centred
            self.refresh()

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is one line
        palette = palette_of(self)
        ramps = ramps_of(palette)
        levels = range(-ARM, ARM + 1) if self._centred else range(LEVELS)
        segments = list(to_strip(self._left, sum(len(text) for text, _ in self._left), palette))
        for level in levels:
            if ramps is None:
                text = _signs_of(level + ARM if self._centred else level, centred=self._centred)
                segments.append(Segment(text, palette.style(Role.TEXT)))
            else:
                segments.append(Segment("  ", Style.parse(f"on {ramps.colour(level, centred=self._centred)}")))
        used = sum(segment.cell_length for segment in segments)
        segments += to_strip(self._right, max(0, self.size.width - used), palette)
        return Strip(segments).adjust_cell_length(self.size.width)
