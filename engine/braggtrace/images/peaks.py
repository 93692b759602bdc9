"""Find the brightest spots of an image."""

from __future__ import annotations

import numpy as np

from braggtrace.images.model import Image, Peak

__all__ = ["find_peaks"]

_RADIUS = 3
_BLOCK = _RADIUS + 1  # of such a block only the largest pixel can be a peak
_TRIED = 4096


def find_peaks(image: Image, count: int) -> tuple[Peak, ...]:
    """The highest peaks, highest first: pixels above 0 that no pixel within three pixels exceeds.

    Of equal neighbours the first in file order is the peak. Pixels that are not finite are taken for 0.

    Args:
        image: where to look.
        count: how many are wanted; fewer if there aren't so many.
    """
    pixels = image.pixels
    slows, fasts = pixels.shape
    rows = np.arange(0, slows, _BLOCK)
    columns = np.arange(0, fasts, _BLOCK)
    highest = np.fmax.reduceat(np.fmax.reduceat(pixels, rows, axis=0), columns, axis=1)
    if not np.isfinite(highest.max()):  # an infinity, or nothing but NaN in a block
        pixels = np.where(np.isfinite(pixels), pixels, 0)
        highest = np.maximum.reduceat(np.maximum.reduceat(pixels, rows, axis=0), columns, axis=1)
    peaks: list[Peak] = []
    for block in _highest_first(highest.ravel()):
        row, column = divmod(int(block), len(columns))
        part = pixels[row * _BLOCK : (row + 1) * _BLOCK, column * _BLOCK : (column + 1) * _BLOCK]
        slow, fast = divmod(int(np.nanargmax(part)), part.shape[1])
        slow, fast = slow + row * _BLOCK, fast + column * _BLOCK
        near = pixels[max(0, slow - _RADIUS) : slow + _RADIUS + 1, max(0, fast - _RADIUS) : fast + _RADIUS + 1]
        first = np.nanargmax(near)
        if first == min(slow, _RADIUS) * near.shape[1] + min(fast, _RADIUS):
            peaks.append(Peak((image.origin[0] + slow, image.origin[1] + fast), float(pixels[slow, fast])))
            if len(peaks) == count:
                break
    return tuple(sorted(peaks, key=lambda peak: (-peak.value, peak.pixel)))


def _highest_first(values: np.ndarray[tuple[int], np.dtype[np.floating]]) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Indices of the highest values above 0, highest first, equal ones in file order."""
    if len(values) > _TRIED:
        limit = np.partition(values, -_TRIED)[-_TRIED]
        chosen = np.flatnonzero((values >= limit) & (values > 0))
    else:
        chosen = np.flatnonzero(values > 0)
    return chosen[np.argsort(-values[chosen], kind="stable")][:_TRIED]
