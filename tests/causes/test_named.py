"""Factors with a name."""

from __future__ import annotations

import math

import pytest

from braggtrace.causes.named import named_factor, named_power_of_ten


@pytest.mark.parametrize(
    ("factor", "name"),
    [(2 * math.pi, "2π"), (1 / math.pi, "1/π"), (-2.0, "−2"), (12.398419843320026, "h·c in keV·Å"), (0.25, "1/4")],
)
def test_known_factors_have_names(factor: float, name: str) -> None:
    """Also negated, and within a room."""
    found = dict(named_factor(factor * (1 + 1e-12), 1e-10))
    assert found[name] == pytest.approx(factor)


def test_a_factor_beside_a_known_one_has_none() -> None:
    """Outside of the room."""
    assert list(named_factor(2 * math.pi * (1 + 1e-6), 1e-9)) == []


def test_powers_of_ten_lie_between_units() -> None:
    """With the units in words where they are common."""
    assert named_power_of_ten(1000.0000000001, 1e-9) == ("1e3 (m and mm, or mm and µm)", 1000.0)
    assert named_power_of_ten(1e-10, 1e-9) == ("1e-10 (m and Å)", 1e-10)
    for other in (1e4, 1001.0, -1000.0, math.inf, 0.0):
        assert named_power_of_ten(other, 1e-9) is None
