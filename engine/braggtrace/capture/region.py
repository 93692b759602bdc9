"""How little of an image has to be rendered so that some pixels come out as in the full run.

A pixel inherits state from the pixel rendered before it: at a phi of exactly 0 the C program keeps the vectors that its
last rotation left. So a run that is limited to a box gives a pixel its true values if the box holds the pixel *and its
predecessor*, the pixel rendered right before it in the user's run. No pixel of the user's run lies between the two, so
in the box they follow each other as well, whatever else is in it. The predecessor of the first pixel in a row ends an
earlier row; a box that holds both then holds rows in full.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from braggtrace.capture.model import Box, Pixel

__all__ = ["Piece", "Region", "plan", "wanted_pixels"]

_OPEN = 4096
"""How long an open side counts when regions are compared."""

_RUN_COST = 300
"""Pixels that could be rendered while another run of the program starts."""


@dataclass(frozen=True, slots=True)
class Region:
    """A box of pixels, inclusive; None is the far edge of the detector."""

    slow_first: int = 0
    slow_last: int | None = None
    fast_first: int = 0
    fast_last: int | None = None

    def holds(self, pixel: Pixel) -> bool:
        """Whether a pixel lies in it, as far as one can know without the size of the detector."""
        slow, fast = pixel
        return (
            self.slow_first <= slow
            and (self.slow_last is None or slow <= self.slow_last)
            and self.fast_first <= fast
            and (self.fast_last is None or fast <= self.fast_last)
        )

    def around(self, other: Region) -> Region:
        """The smallest region that holds both."""
        return Region(
            min(self.slow_first, other.slow_first),
            _later(self.slow_last, other.slow_last),
            min(self.fast_first, other.fast_first),
            _later(self.fast_last, other.fast_last),
        )

    def cost(self) -> int:
        """About how many pixels it has."""
        slow = _OPEN if self.slow_last is None else self.slow_last - self.slow_first + 1
        fast = _OPEN if self.fast_last is None else self.fast_last - self.fast_first + 1
        return slow * fast


def _later(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else max(one, other)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of the program.

    Attributes:
        region: what it renders.
        pixels: those of them that are wanted, in loop order.
    """

    region: Region
    pixels: tuple[Pixel, ...]


def wanted_pixels(pixels: Iterable[Pixel], boxes: Iterable[Box]) -> list[Pixel]:
    """All the pixels, in loop order, each once."""
    chosen = set(pixels)
    for first, last, left, right in boxes:
        chosen |= {(slow, fast) for slow in range(first, last + 1) for fast in range(left, right + 1)}
    return sorted(chosen)


def plan(
    pixels: Sequence[Pixel], user: Region, mask: NDArray[np.bool_] | None = None, *, history: bool = False
) -> tuple[list[Piece], list[Pixel]]:
    """The runs that are needed, and the pixels that the user's run does not render.

    Args:
        pixels: those wanted, in loop order.
        user: what the user's run renders.
        mask: shape (slow, fast), False where nothing is rendered.
        history: a pixel depends on all pixels before it; then a run starts where the user's starts.
    """
    rendered = [pixel for pixel in pixels if user.holds(pixel) and _unmasked(mask, pixel)]
    bright = set(rendered)
    dark = [pixel for pixel in pixels if pixel not in bright]
    pieces: list[Piece] = []
    for pixel in rendered:
        if history:
            region = Region(user.slow_first, pixel[0], user.fast_first, user.fast_last)
        else:
            region = _with_predecessor(pixel, user, mask)
        last = pieces[-1] if pieces else None
        joint = region if last is None else last.region.around(region)
        if last is not None and (history or joint.cost() <= last.region.cost() + region.cost() + _RUN_COST):
            pieces[-1] = Piece(joint, (*last.pixels, pixel))
        else:
            pieces.append(Piece(region, (pixel,)))
    return pieces, dark


def _unmasked(mask: NDArray[np.bool_] | None, pixel: Pixel) -> bool:
    if mask is None:
        return True
    inside = all(place < extent for place, extent in zip(pixel, mask.shape, strict=True))
    return inside and bool(mask[pixel])


def _with_predecessor(pixel: Pixel, user: Region, mask: NDArray[np.bool_] | None) -> Region:
    slow, fast = pixel
    alone = Region(slow, slow, fast, fast)
    if mask is None:
        if fast > user.fast_first:
            return Region(slow, slow, fast - 1, fast)
        if slow > user.slow_first:
            return Region(slow - 1, slow, user.fast_first, user.fast_last)
        return alone
    stop = None if user.fast_last is None else user.fast_last + 1
    for row in range(slow, user.slow_first - 1, -1):
        open_ones = np.flatnonzero(mask[row, user.fast_first : fast if row == slow else stop])
        if len(open_ones):
            before = int(open_ones[-1]) + user.fast_first
            return alone.around(Region(row, row, before, before))
    return alone
