"""Differences between float64 numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from braggtrace.compare.numbers import DIGITS, common_digits, difference, ulp_distance

finite = st.floats(allow_nan=False, allow_infinity=False)
anything = st.floats()


def apart(reference: list[float], candidate: list[float], *, equal_nan: bool = False) -> tuple[float, float, float]:
    """Distance, scale and rel of one row."""
    found = difference(np.array([reference]), np.array([candidate]), equal_nan=equal_nan)
    return float(found[0][0]), float(found[1][0]), float(found[2][0])


def test_the_largest_component_is_the_scale() -> None:
    """0 against 6e-17 is nothing beside 0.1."""
    assert apart([0.1, 0.0], [0.1, 6e-17]) == (6e-17, 0.1, 6e-17 / 0.1)


@pytest.mark.parametrize(
    ("reference", "candidate", "rel"),
    [
        (0.0, -0.0, 0),
        (0.0, 1e-300, 1),
        (math.nan, math.nan, math.inf),
        (math.nan, 1.0, math.inf),
        (math.inf, math.inf, 0),
        (-math.inf, math.inf, math.inf),
        (math.inf, 1e308, math.inf),
        (1.7e308, -1.7e308, 2),
        (5e-324, 0.0, 1),
    ],
)
def test_odd_numbers(reference: float, candidate: float, rel: float) -> None:
    """What isn't finite on one side only is infinitely far; an overflowing difference is not."""
    assert apart([reference], [candidate])[2] == rel
    assert apart([candidate], [reference])[2] == rel


def test_nan_equals_nan_if_wanted() -> None:
    """And the other components still count; an infinity is no scale."""
    assert apart([math.nan, 2.0], [math.nan, 1.0], equal_nan=True)[2] == 0.5
    assert apart([math.inf, 2.0], [math.inf, 1.0])[2] == 0.5


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=9))
def test_the_definition(pairs: list[tuple[float, float]]) -> None:
    """The largest |r − c| / max(|r|, |c|), symmetric, between 0 and 2."""
    ours, theirs = [r for r, _ in pairs], [c for _, c in pairs]
    scale = max(abs(value) for value in ours + theirs)
    expected = max(abs(r / scale - c / scale) for r, c in pairs) if scale else 0.0
    rel = apart(ours, theirs)[2]
    assert rel == pytest.approx(expected, rel=1e-12, abs=1e-300)
    assert rel == apart(theirs, ours)[2]
    assert 0 <= rel <= 2


@given(finite, st.integers(0, 50))
def test_ulp_counts_steps(value: float, steps: int) -> None:
    """Of nextafter, across 0 too."""
    other = value
    for _ in range(steps):
        other = math.nextafter(other, math.inf)
    if math.isfinite(other):
        assert ulp_distance(value, other) == ulp_distance(other, value) == steps


def test_ulp_of_the_ends() -> None:
    """More than an int64 holds; none for what isn't finite."""
    assert ulp_distance(-1.7e308, 1.7e308) == pytest.approx(1.84e19, rel=0.01)
    assert ulp_distance(0.0, -0.0) == 0
    assert ulp_distance(math.nan, 1) is None


@pytest.mark.parametrize(
    ("reference", "candidate", "digits"),
    [
        (98.757187, 98.757321, 5),
        (1.0, 1.0, DIGITS),
        (1.0, -1.0, 0),
        (1.0, 10.0, 0),
        (0.0, 1.0, 0),
        (math.inf, math.inf, DIGITS),
        (math.inf, 1.0, 0),
        (1e-300, 1.5e-300, 1),
    ],
)
def test_common_digits(reference: float, candidate: float, digits: int) -> None:
    """Leading ones, as they would be written next to each other."""
    assert common_digits(reference, candidate) == common_digits(candidate, reference) == digits
