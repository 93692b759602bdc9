"""Condense an image to blocks of pixels. A block stands for its most extreme pixel, so that no single one is lost.

Of a block of intensities the largest is taken, of differences the one furthest from 0, of ratios the one furthest
from 1 (as a logarithm). A block that holds a pixel without a level says so by a mark, whatever else it holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from braggtrace.images.model import Image, Layer, MapData, Mark, Pixel, Values

__all__ = ["Pooled", "Window", "extreme_pixel", "pool", "reduce_blocks"]

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

_BAND = 1 << 18
"""Pixels of a difference or a ratio that are made at a time."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of an image, in its own indices.

    Attributes:
        top, left: the first pixel.
        height, width: number of pixels.
    """

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Blocks of pixels.

    Attributes:
        values: (h, w) the extreme of each block; of ratios the natural logarithm. Meaningless where there is a mark.
        marks: (h, w) `Mark` values.
    """

    values: Floats
    marks: NDArray[np.uint8]


def pool(data: MapData, layer: Layer, window: Window, size: int) -> Pooled:
    """The blocks of a window.

    Args:
        data: the images.
        layer: what is shown of them; one of `MapData.layers`.
        window: which pixels; blocks at its lower and right edge may be smaller.
        size: pixels along the side of a block.

    Returns:
        Arrays of ceil(height / size) by ceil(width / size) blocks.
    """
    band = max(1, _BAND // max(1, window.width) // size) * size
    parts = []
    for top in range(window.top, window.top + window.height, band):
        height = min(band, window.top + window.height - top)
        parts.append(_pool_band(data, layer, Window(top, window.left, height, window.width), size))
    return Pooled(np.concatenate([part.values for part in parts]), np.concatenate([part.marks for part in parts]))


def _pool_band(data: MapData, layer: Layer, window: Window, size: int) -> Pooled:
    values, known = _values(data, layer, window)
    with np.errstate(all="ignore"):
        high = reduce_blocks(np.fmax, values, size).astype(np.float64)
        low = reduce_blocks(np.fmin, values, size).astype(np.float64)
        marks = np.zeros(high.shape, dtype=np.uint8)
        if layer is not Layer.DIFFERENCE:
            marks[low < 0] = Mark.NEGATIVE
        marks[np.isinf(high) | np.isinf(low)] = Mark.INFINITE
        nan = np.isnan(values) if known is None else np.isnan(values) & known
        if nan.any():
            marks[reduce_blocks(np.logical_or, nan, size)] = Mark.NAN
        if known is not None:
            marks[np.logical_not(reduce_blocks(np.logical_or, known, size))] = Mark.UNKNOWN
        if layer is Layer.RATIO:
            high, low = np.log(high), np.log(low)
        signed = layer in (Layer.DIFFERENCE, Layer.RATIO)
        chosen = np.where(np.abs(low) > np.abs(high), low, high) if signed else high
    return Pooled(chosen, marks)


def _values(data: MapData, layer: Layer, window: Window) -> tuple[Values, Flags | None]:
    """What a layer holds in a window, and where it is known (None for everywhere)."""
    part = (slice(window.top, window.top + window.height), slice(window.left, window.left + window.width))
    if layer is Layer.REFERENCE:
        return _part(data.reference, part)
    if layer is Layer.DIVERGENCES:
        assert data.divergences is not None  # else it is none of the layers
        return _part(data.divergences, part)
    assert data.candidate is not None  # else it is none of the layers
    if layer is Layer.CANDIDATE:
        return _part(data.candidate, part)
    (ours, our_known), (theirs, their_known) = _part(data.reference, part), _part(data.candidate, part)
    known = our_known if their_known is None else their_known if our_known is None else our_known & their_known
    equal_nan = data.agreement is not None and data.agreement.equal_nan
    return _compared(ours, theirs, layer, equal_nan=equal_nan), known


def _part(image: Image, part: tuple[slice, slice]) -> tuple[Values, Flags | None]:
    return image.pixels[part], None if image.known is None else image.known[part]


def _compared(ours: Values, theirs: Values, layer: Layer, *, equal_nan: bool) -> Values:
    """Differences c − r, or ratios c / r; 0 and 1 where both are the same, whatever they are."""
    neutral = 0.0 if layer is Layer.DIFFERENCE else 1.0
    with np.errstate(all="ignore"):
        result: Values = theirs - ours if layer is Layer.DIFFERENCE else theirs / ours
        odd = np.isnan(result)
        if odd.any():  # 0 / 0, ∞ − ∞, ∞ / ∞, or a NaN
            same = ours == theirs
            if equal_nan:
                same |= np.isnan(ours) & np.isnan(theirs)
            result[odd & same] = neutral
    return result


def reduce_blocks(reduction: np.ufunc, values: NDArray[np.generic], size: int) -> NDArray[np.generic]:
    """Reduce every block of `size` by `size` values to one.

    Args:
        reduction: which function of two values does it.
        values: (m, n).
        size: along the side of a block.

    Returns:
        ceil(m / size) by ceil(n / size) values.
    """
    if size == 1:
        return values
    rows, columns = values.shape
    whole = rows // size * size
    parts = []
    if whole:
        parts.append(reduction.reduce(values[:whole].reshape(whole // size, size, columns), axis=1))
    if whole < rows:
        parts.append(reduction.reduce(values[whole:], axis=0)[None])
    tall = np.concatenate(parts)
    return np.asarray(reduction.reduceat(tall, np.arange(0, columns, size), axis=1))


def extreme_pixel(data: MapData, layer: Layer, window: Window) -> Pixel:
    """The pixel that a block stands for: the one that gave its mark or its value; the first one if there are several.

    Args:
        data: the images.
        layer: what is shown of them.
        window: the pixels of the block.

    Returns:
        (slow, fast), in the indices of the image.
    """
    values, known = _values(data, layer, window)
    marks = np.zeros(values.shape, dtype=np.uint8)
    if layer is not Layer.DIFFERENCE:
        marks[values < 0] = Mark.NEGATIVE
    marks[np.isinf(values)] = Mark.INFINITE
    marks[np.isnan(values)] = Mark.NAN
    if known is not None:
        marks[np.logical_not(known)] = Mark.NONE
    if marks.any():
        at = int(marks.argmax())
    else:
        with np.errstate(all="ignore"):
            keys = np.log(values) if layer is Layer.RATIO else values
            keys = keys if layer in (Layer.REFERENCE, Layer.CANDIDATE, Layer.DIVERGENCES) else np.abs(keys)
        at = int((keys if known is None else np.where(known, keys, -np.inf)).argmax())
    slow, fast = divmod(at, values.shape[1])
    return window.top + slow, window.left + fast
