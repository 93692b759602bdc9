"""Units in names, and factors between them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from braggtrace.compare.units import UNITS, conversion, parse_unit, split_unit, stem_of, unit_of
from braggtrace.quantities import CATALOGUE, lookup


@pytest.mark.parametrize(
    ("name", "stem", "unit"),
    [
        ("distance_mm", "distance", "mm"),
        ("distance_meters", "distance", "m"),
        ("a_star_nm_inv", "a_star", "1/nm"),
        ("detector_mu_per_meter", "detector_mu", "1/m"),
        ("V_cell_A3", "V_cell", "Å³"),
        ("omega_pixel_sr", "omega_pixel", "sr"),
        ("omega_pixel", "omega_pixel", ""),
        ("m", "m", ""),
        ("_m", "_m", ""),
    ],
)
def test_a_suffix_is_split_off(name: str, stem: str, unit: str) -> None:
    """The longest one that is a unit, and never the whole name."""
    assert split_unit(name) == (stem, unit)


def test_the_catalogue_knows_better_than_a_name() -> None:
    """`scattering_vec_A_inv` is in 1/m; a suffix speaks only for names that the catalogue doesn't know."""
    assert unit_of("scattering_vec_A_inv", lookup("scattering_vec_A_inv")) == "1/m"
    assert unit_of("distance_mm", None) == "mm"
    assert unit_of("gain", None) is None
    assert unit_of("steps", lookup("steps")) == ""


def test_every_unit_of_the_catalogue_is_known() -> None:
    """And its names, where they carry a unit, carry the true one: but for the one that lies."""
    assert {row.unit for row in CATALOGUE} - set(UNITS) == {""}
    lies = [row.name for row in CATALOGUE if split_unit(row.name)[1] not in ("", row.unit)]
    assert lies == ["scattering_vec_A_inv"]


def test_names_of_one_quantity_share_a_stem() -> None:
    """Also by way of an alias."""
    assert stem_of("airpath_mm") == stem_of("R_distance_meters") == stem_of("airpath") == "R_distance"
    assert stem_of("rot_a_nm") == stem_of("rot_a_angstroms")
    assert stem_of("R_distance") != stem_of("distance_mm")


@pytest.mark.parametrize(
    ("source", "target", "factor", "text"),
    [
        ("mm", "m", 1e-3, "mm → m"),
        ("1/Å", "1/m", 1e10, "1/Å → 1/m"),
        ("Å³", "nm³", 1e-3, "Å³ → nm³"),
        ("deg", "rad", math.pi / 180, "deg → rad"),
        ("m", "m", 1, ""),
    ],
)
def test_conversions(source: str, target: str, factor: float, text: str) -> None:
    """Powers of ten are exact."""
    found = conversion(source, target)
    assert found is not None
    assert (found.factor, found.text) == (factor, text)


@pytest.mark.parametrize(("source", "target"), [("m", "1/m"), ("m", "deg"), ("furlong", "m"), ("m", "")])
def test_different_dimensions_have_no_factor(source: str, target: str) -> None:
    """None, not an error: the names are not of one quantity."""
    assert conversion(source, target) is None


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)))
def test_conversions_compose(first: str, second: str, third: str) -> None:
    """There and on is the same as straight; there and back is 1."""
    one, two, direct = conversion(first, second), conversion(second, third), conversion(first, third)
    if one is not None and two is not None:
        assert direct is not None
        assert one.factor * two.factor == pytest.approx(direct.factor, rel=1e-12)


@pytest.mark.parametrize(("text", "unit"), [("mm", "mm"), ("angstroms", "Å"), (" A_inv ", "1/Å"), ("um", "µm")])
def test_units_are_spelled_in_many_ways(text: str, unit: str) -> None:
    """As in names, and as the catalogue writes them."""
    assert parse_unit(text) == unit
    assert parse_unit(unit) == unit


def test_an_unknown_unit_is_none() -> None:
    """The caller knows what to say."""
    assert parse_unit("furlong") is None
