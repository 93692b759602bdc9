"""Levels are ordered, and say what they mean."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from braggtrace.images.levels import ARM, LEVELS, Scale, scale_for
from braggtrace.images.measure import map_data
from braggtrace.images.model import Image, Layer, MapData

SCALES = [Scale(centred=centred, log=log, low=1e-3, high=20.0) for centred in (False, True) for log in (False, True)]


@pytest.mark.parametrize("scale", SCALES)
@given(values=st.lists(st.floats(-1e4, 1e4), min_size=2, max_size=20))
def test_larger_values_have_no_lower_level(scale: Scale, values: list[float]) -> None:
    """Of both kinds of scale; a centred one is symmetric."""
    levels = scale.levels(np.array(sorted(values)))
    assert (np.diff(levels) >= 0).all()
    if scale.centred:
        np.testing.assert_array_equal(scale.levels(-np.array(values)), -scale.levels(np.array(values)))


@pytest.mark.parametrize("scale", SCALES)
def test_edges_are_where_levels_begin(scale: Scale) -> None:
    """Each a little below and a little above; the largest value has the highest level."""
    for level, edge in enumerate(scale.edges(), start=1):
        assert scale.levels(np.array([edge * (1 - 1e-9), edge * (1 + 1e-9)])).tolist() == [level - 1, level]
    top = ARM if scale.centred else LEVELS - 1
    assert scale.levels(np.array([scale.high, 1e9, math.inf, 0.0, math.nan])).tolist() == [top, top, top, 0, 0]
    assert scale.levels(np.array([-1.0]))[0] == (0 if not scale.centred else -scale.levels(np.array([1.0]))[0])


def test_nothing_to_show_is_all_dark() -> None:
    """An image of zeros; two equal images."""
    assert Scale(False, True, 0.0, 0.0).levels(np.array([0.0, 1.0])).tolist() == [0, 0]
    same = map_data(Image(np.zeros((2, 2))), Image(np.zeros((2, 2))))
    for layer in same.layers:
        for log in (True, False):
            scale = scale_for(same, layer, log=log)
            assert scale.levels(np.zeros(3)).tolist() == [0, 0, 0]
            assert all(map(math.isfinite, scale.edges()))


@pytest.fixture
def data() -> MapData:
    """Six orders of magnitude on one side; a factor of two between the sides."""
    ours = np.array([[0.0, 2e-3, 1.0, 1000.0]])
    return map_data(Image(ours), Image(ours * [[1, 1, 1.1, 0.5]]))


def test_both_sides_share_a_scale(data: MapData) -> None:
    """So that blinking shows a difference where there is one; zero is dark, the smallest positive value is not."""
    for log in (True, False):
        ours, theirs = (scale_for(data, layer, log=log) for layer in (Layer.REFERENCE, Layer.CANDIDATE))
        assert ours == theirs
    steps = scale_for(data, Layer.REFERENCE, log=True)
    assert steps.levels(np.array([0.0, 2e-3, 1000.0])).tolist() == [0, 1, 15]
    assert scale_for(data, Layer.REFERENCE, log=False).levels(np.array([999.0, 500.0])).tolist() == [15, 8]


def test_differences_are_around_zero_and_ratios_around_one(data: MapData) -> None:
    """The largest one reaches the end; a tenfold ratio is the largest that is told apart."""
    difference = scale_for(data, Layer.DIFFERENCE, log=True)
    assert difference.levels(np.array([-500.0, 0.0, 0.1, 500.0])).tolist() == [-7, 0, 2, 7]
    ratio = scale_for(data, Layer.RATIO, log=True)
    assert ratio.high == pytest.approx(math.log(2))
    assert ratio.levels(np.log([0.5, 1.0, 1.1])).tolist() == [-7, 0, 5]
    far = map_data(Image(np.array([[1.0, 1.0]])), Image(np.array([[1e6, 2.0]])))
    assert scale_for(far, Layer.RATIO, log=True).high == pytest.approx(math.log(10))


def test_the_reach_shows_fainter_pixels(data: MapData) -> None:
    """A decade more each time, or half of the top; never less than one decade."""
    for layer in data.layers:
        lows = [scale_for(data, layer, log=True, reach=reach).low for reach in (-9, -2, 0)]
        assert lows == sorted(lows, reverse=True)
        highs = [scale_for(data, layer, log=False, reach=reach).high for reach in (0, 1, 2)]
        assert highs == pytest.approx([highs[0], highs[0] / 2, highs[0] / 4])
        narrow = scale_for(data, layer, log=True, reach=-99)
        assert narrow.high / narrow.low == pytest.approx(10)
