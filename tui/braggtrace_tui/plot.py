"""A small plot of both sides along a loop, in text: one mark a value, or braille where there are many values."""

from __future__ import annotations

import math
from collections.abc import Sequence

from braggtrace_tui.digits import short
from braggtrace_tui.pieces import Line, Piece, Role

__all__ = ["plot"]

_MARKS = {1: ("o", Role.REFERENCE), 2: ("×", Role.CANDIDATE), 3: ("•", Role.BOTH)}
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


def plot(
    reference: Sequence[float],
    candidate: Sequence[float],
    diverges: Sequence[bool],
    current: int,
    width: int,
    height: int,
) -> list[Line]:
    """Draw two series over the same places.

    Args:
        reference: values of the reference, nan where it has none.
        candidate: values of the candidate, nan where it has none.
        diverges: which of the pairs diverge.
        current: index of the pair under the cursor, −1 for none.
        width: cells.
        height: lines of the plot proper; a line with marks for divergences and cursor is added below.

    Returns:
        `height + 1` lines; fewer if there is nothing to draw.
    """
    finite = [value for side in (reference, candidate) for value in side if math.isfinite(value)]
    if not finite or width < 12:
        return []
    low, high = min(finite), max(finite)
    labels = [short(high), *[""] * (height - 2), short(low)]
    margin = max(len(label) for label in labels) + 1
    inner = width - margin
    places = _places(len(reference), inner)
    if len(reference) * 2 <= inner:
        cells = _scatter(reference, candidate, places, low, high, inner, height)
    else:
        cells = _braille(reference, candidate, low, high, inner, height)
    lines: list[Line] = []
    for label, row in zip(labels, cells, strict=True):
        lines.append(((label.rjust(margin - 1) + " ", Role.DIM), *_merge(row)))
    marks = [" "] * inner
    for place, bad in zip(places, diverges, strict=True):
        marks[place] = "≠" if bad or marks[place] == "≠" else "·"
    here = Role.KEY
    if 0 <= current < len(places):
        marks[places[current]] = "▲"
        here = Role.DIVERGE if diverges[current] else Role.KEY
    roles = {"≠": Role.DIVERGE, "▲": here}
    lines.append(((" " * margin, Role.DIM), *_merge([(mark, roles.get(mark, Role.FAINT)) for mark in marks])))
    return lines


def _places(count: int, width: int) -> list[int]:
    """The cell of each of `count` values."""
    if count < 2:
        return [width // 2] * count
    if count * 2 <= width:  # even gaps
        gap = min(8, (width - 1) // (count - 1))
        return [number * gap for number in range(count)]
    return [min(width - 1, number * width // count) for number in range(count)]


def _level(value: float, low: float, high: float, steps: int) -> int:
    """0 for the top."""
    reach = high / 2 - low / 2  # halves, so that the difference of huge values stays finite
    if reach == 0:
        return steps // 2
    return min(steps - 1, max(0, round((1 - (value / 2 - low / 2) / reach) * (steps - 1))))


def _scatter(
    reference: Sequence[float],
    candidate: Sequence[float],
    places: Sequence[int],
    low: float,
    high: float,
    width: int,
    height: int,
) -> list[list[Piece]]:
    bits = [[0] * width for _ in range(height)]
    for bit, side in ((1, reference), (2, candidate)):
        for place, value in zip(places, side, strict=True):
            if math.isfinite(value):
                bits[_level(value, low, high, height)][place] |= bit
    return [[_MARKS.get(each, (" ", Role.TEXT)) for each in row] for row in bits]


def _braille(
    reference: Sequence[float], candidate: Sequence[float], low: float, high: float, width: int, height: int
) -> list[list[Piece]]:
    dots = [[0] * width for _ in range(height)]
    sides = [[0] * width for _ in range(height)]
    for bit, side in ((1, reference), (2, candidate)):
        for number, value in enumerate(side):
            if not math.isfinite(value):
                continue
            x = min(2 * width - 1, number * 2 * width // len(side))
            y = _level(value, low, high, 4 * height)
            dots[y // 4][x // 2] |= _DOTS[y % 4][x % 2]
            sides[y // 4][x // 2] |= bit
    roles = (Role.TEXT, Role.REFERENCE, Role.CANDIDATE, Role.BOTH)
    return [
        [(chr(0x2800 + dot) if dot else " ", roles[side]) for dot, side in zip(dot_row, side_row, strict=True)]
        for dot_row, side_row in zip(dots, sides, strict=True)
    ]


def _merge(cells: Sequence[Piece]) -> list[Piece]:
    """Join neighbours that look the same: fewer bytes for the terminal."""
    merged: list[Piece] = []
    for text, role in cells:
        if merged and (merged[-1][1] == role or text == " "):
            merged[-1] = (merged[-1][0] + text, merged[-1][1])
        else:
            merged.append((text, role))
    return merged
