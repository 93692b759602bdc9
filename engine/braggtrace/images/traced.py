"""The traced pixels of two traces as images: their final intensities, and how many of their values diverge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from braggtrace.compare.model import Comparison, MatchedBy, Pairing
from braggtrace.compare.view import pixel_totals
from braggtrace.errors import InputError
from braggtrace.images.measure import map_data
from braggtrace.images.model import Image, MapData, Pixel

__all__ = ["traced_maps"]

QUANTITY = "I_pixel_final"
_MOST_PIXELS = 1 << 25


def traced_maps(comparison: Comparison) -> MapData:
    """Maps of the box around all traced pixels; what lies between them is unknown.

    Args:
        comparison: two traces.

    Raises:
        InputError: no pixel has a final intensity on both sides, or the pixels are too far apart for a map.
    """
    pixels = np.asarray(comparison.pixels, dtype=np.int64)
    named = pixels[pixels.min(axis=1, initial=0) >= 0] if len(pixels) else pixels
    pairing = _final(comparison)
    if pairing is None or not len(named):
        raise InputError(f"no traced pixel has its {QUANTITY} on both sides, so there is no map to draw")
    first, last = named.min(axis=0), named.max(axis=0)
    slows, fasts = (int(each) for each in last - first + 1)
    if slows * fasts > _MOST_PIXELS:
        raise InputError(
            "the traced pixels are too far apart for a map",
            expected=f"a box of at most {_MOST_PIXELS:,} pixels around them",
            got=f"{slows:,} x {fasts:,}",
        )
    box = _Box(pixels, (int(first[0]), int(first[1])), (slows, fasts))
    assert pairing.reference is not None  # _final has seen to it
    assert pairing.candidate is not None
    sides = (
        (pairing.reference.values[:, 0], pairing.reference_rows),
        (pairing.candidate.values[:, 0] * pairing.factor, pairing.candidate_rows),
    )
    ours, theirs = (
        box.image(f"{QUANTITY} of the traced pixels", pairing.pixel[rows >= 0], values[rows[rows >= 0]])
        for values, rows in sides
    )
    diverging = np.asarray(pixel_totals(comparison).diverge, dtype=np.float64)
    counts = box.image("diverging values", np.arange(len(pixels)), diverging)
    data = map_data(ours, theirs, pairing.tolerance, equal_nan=comparison.options.equal_nan)
    return replace(data, divergences=counts)


def _final(comparison: Comparison) -> Pairing | None:
    """The pairing of the final intensities, with pixels that both sides have."""
    for pairing in comparison.pairings:
        named = pairing.quantity is not None and pairing.quantity.name == QUANTITY
        if named and pairing.matched_by is not MatchedBy.PROPOSED and pairing.counts.compared:
            return pairing
    return None


class _Box:
    """The box around the traced pixels."""

    def __init__(self, pixels: NDArray[np.int64], origin: Pixel, shape: tuple[int, int]) -> None:
        self._pixels, self._origin, self._shape = pixels, origin, shape

    def image(self, name: str, which: NDArray[np.integer], values: NDArray[np.float64]) -> Image:
        """An image of some pixels; of one that comes twice the last value counts.

        Args:
            name: where the values are from.
            which: (n,) indices into the traced pixels; −1 belongs to the run.
            values: (n,) their values.
        """
        kept = which >= 0
        kept[kept] = self._pixels[which[kept]].min(axis=1) >= 0
        places = self._pixels[which[kept]] - np.array(self._origin)
        image = np.full(self._shape, np.nan)
        known = np.zeros(self._shape, dtype=bool)
        image[places[:, 0], places[:, 1]] = values[kept]
        known[places[:, 0], places[:, 1]] = True
        return Image(image, name, self._origin, known)
