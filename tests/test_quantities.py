"""The catalogue of quantities."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from braggtrace.quantities import CATALOGUE, Kind, Level, lookup


def test_every_name_and_alias_means_one_quantity() -> None:
    """No two rows claim the same name."""
    names = [name for row in CATALOGUE for name in (row.name, *row.aliases)]
    assert len(names) == len(set(names))
    assert all(lookup(name) is not None for name in names)
    assert lookup("no_such_quantity") is None


def test_rows_are_in_step_order() -> None:
    """Levels never go back, and order counts up."""
    assert [row.order for row in CATALOGUE] == list(range(len(CATALOGUE)))
    assert [row.level for row in CATALOGUE] == sorted(row.level for row in CATALOGUE)


def test_every_row_says_what_it_is() -> None:
    """A meaning for people; text has no unit."""
    for row in CATALOGUE:
        assert row.meaning, row.name
        assert row.kind is not Kind.TEXT or not row.unit


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("pix0_vector_meters", "pixel_pos_meters"),
        ("pixel_pos_meters", "diffracted_vec"),
        ("scattering_vec_A_inv", "hkl_frac"),
        ("rot_c_angstroms", "hkl_frac"),
        ("hkl_frac", "F_latt"),
        ("F_cell", "I_term"),
        ("I_running", "I_before_scaling"),
        ("I_before_scaling", "I_pixel_final"),
    ],
)
def test_what_is_computed_earlier_comes_earlier(earlier: str, later: str) -> None:
    """The order of the rows is the dataflow."""
    first, second = lookup(earlier), lookup(later)
    assert first is not None
    assert second is not None
    assert first.order < second.order


def test_units_are_true_where_a_name_lies() -> None:
    """The scattering vector is in 1/m, whatever it is called."""
    row = lookup("scattering_vec_A_inv")
    assert row is not None
    assert row.unit == "1/m"
    assert row.level is Level.SAMPLE


def test_every_name_in_the_golden_traces_is_known(golden: Path) -> None:
    """The catalogue covers what the reference program says."""
    names = set()
    for path in golden.glob("*/trace*.log"):
        for line in path.read_text().splitlines():
            if line.startswith("TRACE_C: "):
                names.add(line.split()[1])
            names.update(re.findall(r" (\w+?)(?:_[xyz]|\d\d)?=", line))
    loops = {"pixel", "phi_tic", "mos_tic", "source", "subS", "subF", "thick_tic"}
    assert {name for name in names - loops if lookup(name) is None} == set()
