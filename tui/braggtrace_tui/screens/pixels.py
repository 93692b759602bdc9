"""The overview of pixels: which diverge, worst first; Enter goes there."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from braggtrace.compare.model import Comparison
from braggtrace.compare.view import pixel_totals
from braggtrace_tui.digits import short
from braggtrace_tui.pieces import Line, Role, safe
from braggtrace_tui.widgets.linelist import LineList
from braggtrace_tui.widgets.paper import Paper

__all__ = ["Order", "PixelScreen", "order_of"]


class Order(StrEnum):
    """How the pixels are sorted."""

    WORST = "largest rel"
    MOST = "most divergences"
    LOOP = "loop order"


def order_of(order: Order, diverging: npt.NDArray[np.int64], worst: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Indices of the pixels, sorted; equal ones stay in loop order."""
    if order is Order.LOOP:
        return np.arange(len(diverging))
    rel = np.where(np.isnan(worst), -1.0, worst)
    keys = (-diverging, -rel) if order is Order.WORST else (-rel, -diverging)
    return np.lexsort((np.arange(len(diverging)), *keys))


class _Pixels(LineList):
    """One line a pixel."""

    def __init__(self, comparison: Comparison) -> None:
        super().__init__(id="pixels")
        self.comparison = comparison
        self.totals = pixel_totals(comparison)
        self.diverging = np.asarray(self.totals.diverge, np.int64)
        self.worst = np.asarray(self.totals.worst_rel, np.float64)
        self.order = Order.WORST
        self.sorted = order_of(self.order, self.diverging, self.worst)

    @property
    def line_count(self) -> int:
        return len(self.sorted)

    def line(self, number: int) -> Line:
        pixel = int(self.sorted[number])
        slow, fast = (int(each) for each in self.comparison.pixels[pixel])
        where = f"{slow:>8} {fast:>8}" if slow >= 0 else "unnamed".rjust(17)
        diverging, missing = int(self.diverging[pixel]), int(self.totals.missing[pixel])
        compared = int(self.totals.compared[pixel])
        verdict = (
            ("≠ diverges", Role.DIVERGE)
            if diverging
            else ("- missing ", Role.MISSING)
            if missing and not compared
            else ("= agrees  ", Role.AGREE)
        )
        worst = short(float(self.worst[pixel])) if compared else ""
        first = int(self.totals.first[pixel])
        name = f"   {safe(self.comparison.pairings[first].name)}" if first >= 0 else ""
        return (
            (" " + verdict[0], verdict[1]),
            (where, Role.STRONG if diverging else Role.TEXT),
            (f"{diverging:>11,}", Role.TEXT if diverging else Role.DIM),
            (f"{compared:>11,}{missing:>10,}", Role.DIM),
            (f"{worst:>12}", Role.TEXT),
            (name, Role.TEXT),
        )


class PixelScreen(Screen[int | None]):
    """Choose a pixel; the result is its index, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,p,q", "leave", show=False),
        Binding("enter", "choose", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("home,g", "move(-99999999)", show=False),
        Binding("end,G", "move(99999999)", show=False),
        Binding("s", "sort", show=False),
    ]

    def __init__(self, comparison: Comparison, pixel: int) -> None:
        super().__init__()
        self.comparison = comparison
        self.pixel = pixel

    def compose(self) -> ComposeResult:
        yield Paper(id="title")
        yield Paper(id="columns")
        yield _Pixels(self.comparison)
        yield Paper(id="hint")

    def on_mount(self) -> None:
        pixels = self.query_one(_Pixels)
        diverging = int((pixels.diverging > 0).sum())
        total = pixels.line_count
        self._title = (
            f" {diverging:,} of {total:,} pixels diverge" if diverging else f" None of {total:,} pixels diverges"
        )
        self.query_one("#columns", Paper).show(
            [
                (
                    (" verdict       slow     fast", Role.DIM),
                    ("    diverge   compared   missing   worst rel   first", Role.DIM),
                )
            ]
        )
        self.query_one("#hint", Paper).show(
            [
                (
                    (" Enter", Role.KEY),
                    (" go there   ", Role.TEXT),
                    ("s", Role.KEY),
                    (" sort   ", Role.TEXT),
                    ("Esc", Role.KEY),
                    (" back", Role.TEXT),
                )
            ]
        )
        self._show_title()
        pixels.focus()

    def _show_title(self) -> None:
        pixels = self.query_one(_Pixels)
        role = Role.DIVERGE if (pixels.diverging > 0).any() else Role.AGREE
        self.query_one("#title", Paper).show([((self._title, role), (f"   sorted by {pixels.order.value}", Role.DIM))])

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_choose(self) -> None:
        pixels = self.query_one(_Pixels)
        self.dismiss(int(pixels.sorted[pixels.cursor]) if pixels.line_count else None)

    def on_line_list_chosen(self) -> None:
        self.action_choose()

    def action_move(self, lines: int) -> None:
        pixels = self.query_one(_Pixels)
        pixels.move_to(pixels.cursor + lines)

    def action_page(self, direction: int) -> None:
        pixels = self.query_one(_Pixels)
        pixels.move_to(pixels.cursor + direction * (pixels.page - 1))

    def action_sort(self) -> None:
        pixels = self.query_one(_Pixels)
        members = list(Order)
        pixels.order = members[(members.index(pixels.order) + 1) % len(members)]
        pixels.sorted = order_of(pixels.order, pixels.diverging, pixels.worst)
        pixels.changed(0)
        self._show_title()
