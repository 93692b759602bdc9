"""Blocks stand for their most extreme pixel: nothing is averaged away."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from braggtrace.images.measure import map_data
from braggtrace.images.model import Image, Layer, MapData, Mark
from braggtrace.images.pool import Window, extreme_pixel, pool, reduce_blocks

VALUES = st.sampled_from([0.0, 1.0, 2.5, -1.0, 1e30, math.nan, math.inf, -math.inf, 1e-30])
IMAGES = arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=VALUES)
PAIR = (Layer.REFERENCE, Layer.CANDIDATE, Layer.DIFFERENCE, Layer.RATIO)


def whole(data: MapData) -> Window:
    """All of the image."""
    return Window(0, 0, *data.reference.shape)


def pair(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> MapData:
    """Two images and what is known about them."""
    return map_data(Image(ours), Image(theirs))


def at(data: MapData, layer: Layer, slow: int, fast: int) -> tuple[float, int]:
    """The value and the mark of a single pixel, worked out by hand."""
    assert data.candidate is not None
    ours, theirs = float(data.reference.pixels[slow, fast]), float(data.candidate.pixels[slow, fast])
    with np.errstate(all="ignore"):
        value = {
            Layer.REFERENCE: ours,
            Layer.CANDIDATE: theirs,
            Layer.DIFFERENCE: 0.0 if ours == theirs else theirs - ours,
            Layer.RATIO: 1.0 if ours == theirs else float(np.divide(theirs, ours)),
        }[layer]
    if math.isnan(value):
        return 0.0, Mark.NAN
    if math.isinf(value):
        return 0.0, Mark.INFINITE
    if value < 0 and layer is not Layer.DIFFERENCE:
        return 0.0, Mark.NEGATIVE
    if layer is Layer.RATIO:
        value = -math.inf if value == 0 else math.log(value)
    return value, Mark.NONE


@given(IMAGES, st.integers(1, 4), st.data())
def test_every_block_shows_its_most_extreme_pixel(ours: NDArray[np.float64], size: int, data: st.DataObject) -> None:
    """Value and mark of each block, and which pixel it is, are found by looking at all of its pixels."""
    both = pair(ours, data.draw(arrays(np.float64, ours.shape, elements=VALUES)))
    for layer in PAIR:
        pooled = pool(both, layer, whole(both), size)
        for down, across in np.ndindex(pooled.values.shape):
            block = Window(
                down * size,
                across * size,
                min(size, ours.shape[0] - down * size),
                min(size, ours.shape[1] - across * size),
            )
            pixels = [
                at(both, layer, block.top + slow, block.left + fast)
                for slow, fast in np.ndindex(block.height, block.width)
            ]
            mark = max(each for _, each in pixels)
            assert pooled.marks[down, across] == mark
            shown = at(both, layer, *extreme_pixel(both, layer, block))
            assert shown[1] == mark
            if mark == Mark.NONE:
                signed = layer in (Layer.DIFFERENCE, Layer.RATIO)
                best = max(abs(value) if signed else value for value, _ in pixels)
                assert (abs(shown[0]) if signed else shown[0]) == best
                assert abs(pooled.values[down, across]) == pytest.approx(abs(best), rel=1e-12)


def test_one_bad_pixel_of_six_million_is_seen() -> None:
    """Zoomed out as far as it goes, in every map."""
    ours = np.ones((2527, 2463), dtype=np.float32)
    theirs = ours.copy()
    theirs[1639, 966] += 1e-3
    data = map_data(Image(ours), Image(theirs))
    for layer in (Layer.CANDIDATE, Layer.DIFFERENCE, Layer.RATIO):
        pooled = pool(data, layer, whole(data), 67)
        assert pooled.values.shape == (38, 37)
        slow, fast = divmod(int(np.abs(pooled.values).argmax()), 37)
        assert (slow, fast) == (1639 // 67, 966 // 67)
        block = Window(67 * slow, 67 * fast, 67, 67)
        assert extreme_pixel(data, layer, block) == (1639, 966)


def test_a_window_holds_the_same_blocks_as_the_whole() -> None:
    """Panning changes what is seen, not what it looks like."""
    random = np.random.default_rng(1)
    data = pair(random.random((40, 50)), random.random((40, 50)))
    for layer in PAIR:
        everything = pool(data, layer, whole(data), 4).values
        part = pool(data, layer, Window(8, 12, 16, 20), 4).values
        np.testing.assert_array_equal(part, everything[2:6, 3:8])


def test_unknown_pixels_are_unknown_only_if_the_whole_block_is() -> None:
    """A traced pixel among untraced ones is shown."""
    pixels = np.full((2, 4), np.nan)
    pixels[1, 1] = 5
    pixels[0, 2] = np.nan
    known = ~np.isnan(pixels)
    data = map_data(Image(pixels, known=known))
    pooled = pool(data, Layer.REFERENCE, whole(data), 2)
    assert pooled.marks.tolist() == [[Mark.NONE, Mark.UNKNOWN]]
    assert pooled.values[0, 0] == 5
    assert extreme_pixel(data, Layer.REFERENCE, Window(0, 0, 2, 2)) == (1, 1)


def test_nan_on_both_sides_is_no_difference_if_they_are_equal() -> None:
    """As the verdicts have it."""
    odd = Image(np.array([[np.nan, np.inf]]))
    for equal_nan, mark in ((False, Mark.NAN), (True, Mark.NONE)):
        data = map_data(odd, odd, equal_nan=equal_nan)
        for layer in (Layer.DIFFERENCE, Layer.RATIO):
            assert pool(data, layer, whole(data), 1).marks.tolist() == [[mark, Mark.NONE]]


def test_blocks_at_the_edge_are_smaller() -> None:
    """And a size of one changes nothing."""
    values = np.arange(15.0).reshape(3, 5)
    np.testing.assert_array_equal(reduce_blocks(np.maximum, values, 2), [[6, 8, 9], [11, 13, 14]])
    np.testing.assert_array_equal(reduce_blocks(np.maximum, values, 9), [[14]])
    assert reduce_blocks(np.maximum, values, 1) is values
