"""Matching names: exact, alias, other kinds of line, unit suffix, proposals."""

from __future__ import annotations

import pytest

from braggtrace.compare.model import MatchedBy, Status
from tests.compare.build import compared, names


def test_the_same_name_on_the_same_kind_of_line_is_exact() -> None:
    """Whoever wrote it."""
    comparison = compared("Na 5", "TRACE_PY: Na 5")
    assert names(comparison) == [("Na", "Na", "exact")]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("F_cell 1", "F_cell_nearest 1"),
        ("omega_pixel_sr 1", "omega_pixel 1"),
        ("pix0_vector_meters 1 2 3", "pix0_vector 1 2 3"),
        ("I_before_scaling 1", "I_before_scaling_pre_polar 1"),
        ("rot_a_angstroms 1 2 3", "TRACE_PY_PHI phi_tic=0 rot_a_x=1 rot_a_y=2 rot_a_z=3"),
        ("scattering_vec_A_inv 1 2 3", "TRACE_PY_SUBPIXEL subS=0 scattering_x=1 scattering_y=2 scattering_z=3"),
    ],
)
def test_aliases_match(ours: str, theirs: str) -> None:
    """Names of the catalogue, also from another kind of line."""
    comparison = compared(f"pixel 1 2\n{ours}", f"pixel 1 2\n{theirs}")
    ((_, _, matched_by),) = names(comparison)
    assert matched_by == "alias"
    assert comparison.status is Status.AGREES


def test_another_kind_of_line_is_the_second_choice() -> None:
    """Each rotated vector meets its own kind; nothing is used twice."""
    phi = "TRACE_C_PHI phi_tic=0 rot_a_x=1 rot_a_y=2 rot_a_z=3"
    both = f"pixel 1 2\nrot_a_angstroms 1 2 3\n{phi}"
    assert names(compared(both, both)) == [("rot_a", "rot_a", "exact"), ("rot_a_angstroms", "rot_a_angstroms", "exact")]
    assert names(compared(both, f"pixel 1 2\n{phi}")) == [("rot_a", "rot_a", "exact"), ("rot_a_angstroms", "", "none")]


@pytest.mark.parametrize(
    ("ours", "theirs", "conversion"),
    [
        ("distance_meters 0.1", "distance_mm 100", "mm → m"),
        ("distance_mm 100", "distance_meters 0.1", "m → mm"),
        ("lambda_meters 1e-10", "lambda_angstroms 1", "Å → m"),
        ("misset_x_deg 180", f"misset_x_rad {3.141592653589793}", "rad → deg"),
        ("pixel 1 2\nscattering_vec_A_inv 1e9 2e9 0", "pixel 1 2\nscattering_vec_nm_inv 1 2 0", "1/nm → 1/m"),
        ("gap_mm 3", "gap_um 3000", "µm → mm"),
        ("distance_meters 0.1", "distance 0.1", ""),
    ],
)
def test_units_in_names_are_converted(ours: str, theirs: str, conversion: str) -> None:
    """Equal physics in different units agrees, and says so."""
    comparison = compared(ours, theirs)
    (found,) = comparison.pairings
    assert (found.matched_by, found.conversion) == (MatchedBy.ALIAS, conversion)
    assert comparison.status is Status.AGREES


@pytest.mark.parametrize(("ours", "theirs"), [("gap_mm 3", "gap_deg 3"), ("Na 5", "Na_mm 5")])
def test_what_can_not_be_one_quantity_is_not_matched(ours: str, theirs: str) -> None:
    """Another dimension; a pure number."""
    assert {matched_by for _, _, matched_by in names(compared(ours, theirs))} == {"none"}


def test_another_shape_is_missing_on_both_sides() -> None:
    """With a note that says the shapes."""
    comparison = compared("gain 1 2 3\nNa 5", "gain 1\nNa 5")
    assert names(comparison) == [("Na", "Na", "exact"), ("gain", "", "none"), ("", "gain", "none")]
    assert "gain: 3 components in the reference, 1 component in the candidate" in comparison.notes
    assert (comparison.counts.only_reference, comparison.counts.only_candidate) == (1, 1)


def test_equal_values_are_proposed_and_not_counted() -> None:
    """The names say nothing; a person decides."""
    comparison = compared("Na 5\nmagic 3.25", "Na 5\nwonder 3.25")
    assert names(comparison) == [("Na", "Na", "exact"), ("magic", "wonder", "proposed")]
    assert (comparison.counts.compared, comparison.counts.only_reference, comparison.counts.only_candidate) == (1, 1, 1)


def test_a_proposal_never_makes_an_answer() -> None:
    """Not even if everything is proposed."""
    assert compared("magic 3.25", "wonder 3.25").status is Status.INCONCLUSIVE


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("flag 1", "switch 1"),
        ("count 12", "number 12"),
        ("magic 3.25", "wonder 3.26"),
        ("magic 3.25", "wonder 3.25 3.25"),
        ("magic nan", "wonder nan"),
        ("magic 3.25\npixel 1 2\nF_cell 1", "pixel 1 2\nwonder 3.25\nF_cell 2"),
    ],
)
def test_equal_by_chance_is_not_proposed(ours: str, theirs: str) -> None:
    """Flags, counts, other values, other shapes, other levels."""
    assert "proposed" not in {matched_by for _, _, matched_by in names(compared(ours, theirs))}


def test_the_last_value_of_a_pixel_may_meet_the_only_one() -> None:
    """One side traces `polar` at the first sample and at the end, the other once."""
    comparison = compared("pixel 1 2\npolar 0.5\npolar 0.25", "pixel 1 2\npolar 0.25")
    assert comparison.counts.compared == 1
    assert comparison.counts.diverge == 0
