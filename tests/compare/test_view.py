"""What a face needs from a comparison."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given

from braggtrace.compare.model import MatchedBy, Verdict
from braggtrace.compare.options import Options
from braggtrace.compare.view import (
    component_name,
    coordinate_of,
    divergence,
    pixel_totals,
    rows_of_pixel,
    sentence,
    short_coordinate,
)
from tests.compare.build import compared, names, pairing, rules
from tests.compare.test_judge import REFERENCE, pairs

WARMER = REFERENCE.replace("rot_a_y=2", "rot_a_y=2.5")


def test_a_divergence_in_full() -> None:
    """What was written, where, what it means, and how far it is off."""
    comparison = compared(REFERENCE, WARMER)
    assert comparison.first is not None
    pair = divergence(comparison, *comparison.first)
    assert (pair.quantity, pair.candidate_name, pair.component, pair.unit) == ("rot_a", "rot_a", 1, "Å")
    assert str(pair.coordinate) == "pixel 1 2, phi_tic 1"
    assert [span.text for span in pair.candidate] == ["71", "2.5", "-3"]
    assert (pair.reference_values, pair.candidate_values) == ((71, 2, -3), (71, 2.5, -3))
    assert (pair.abs, pair.rel, pair.digits) == (0.5, 0.5 / 71, 1)
    assert pair.smallest_passing_rtol == pair.rel
    assert pair.ulp == 2**50
    assert pair.reference[0].path.endswith("c.log")
    assert (pair.reference[0].line, pair.verdict, pair.matched_by) == (6, Verdict.DIVERGES, MatchedBy.EXACT)


def test_an_agreeing_pair_needs_no_tolerance() -> None:
    """The same view of a value that is equal."""
    comparison = compared(REFERENCE, REFERENCE)
    pair = divergence(comparison, 0, 0)
    assert (pair.verdict, pair.abs, pair.rel, pair.ulp, pair.smallest_passing_rtol) == (Verdict.AGREES, 0, 0, 0, 0)


def test_a_value_on_one_side_only() -> None:
    """The other side is empty, and nothing is compared."""
    comparison = compared("Na 5\nNb 6", "Na 5")
    pair = divergence(comparison, 1, 0)
    assert (pair.quantity, pair.candidate_name, pair.candidate, pair.verdict) == ("Nb", "", (), Verdict.ONLY_REFERENCE)
    assert math.isnan(pair.rel)
    assert pair.ulp is pair.smallest_passing_rtol is None
    other = compared("Na 5", "Na 5\nNb 6")
    assert divergence(other, 1, 0).quantity == "Nb"


def test_converted_values_are_in_the_unit_of_the_reference() -> None:
    """The text stays as it was written."""
    pair = divergence(compared("distance_meters 0.1", "distance_mm 101"), 0, 0)
    assert (pair.candidate[0].text, pair.candidate_values, pair.conversion) == ("101", (0.101,), "mm → m")


def test_words_differ_without_a_number() -> None:
    """No rel, no ULP, no rtol that helps."""
    pair = divergence(compared("xtal_shape SQUARE", "xtal_shape ROUND"), 0, 0)
    assert (pair.digits, pair.ulp, pair.smallest_passing_rtol) == (0, None, None)
    assert math.isnan(pair.rel)


def test_a_pair_within_atol_needs_no_rtol() -> None:
    """And one beyond it needs its rel."""
    options = Options(tolerances=rules(atol="stol:1"))
    assert divergence(compared("stol 1", "stol 1.5", options), 0, 0).smallest_passing_rtol == 0
    assert divergence(compared("stol 1", "stol 3", options), 0, 0).smallest_passing_rtol == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("ours", "theirs", "component"),
    [("1 2 3", "1 9 4", 1), ("1 nan 3", "1 2 9", 1), ("nan 2 3", "nan 2 4", 2), ("nan 2 3", "nan 2 3", 0)],
)
def test_the_worst_component(ours: str, theirs: str, component: int) -> None:
    """NaN on one side is worse than any number; NaN on both only where nothing else is off."""
    assert divergence(compared(f"hkl_frac {ours}", f"hkl_frac {theirs}"), 0, 0).component == component


def test_coordinates_join_what_both_sides_traced() -> None:
    """A main line says nothing about phi; the PHI line it is compared with does."""
    main, phi = "pixel 1 2\nF_latt 5", "pixel 1 2\nTRACE_C_PHI phi_tic=0 source=0 F_latt=5"
    for comparison in (compared(main, phi), compared(phi, main)):
        found = pairing(comparison, "F_latt")
        assert str(coordinate_of(comparison, found, 0)) == "pixel 1 2, source 0, phi_tic 0"
        assert str(short_coordinate(comparison, found, 0)) == "pixel 1 2"


def test_rows_of_a_pixel_are_in_step_order() -> None:
    """Quantity by quantity, each in loop order; the run is pixel −1."""
    comparison = compared(REFERENCE, WARMER)
    listed = [
        (comparison.pairings[index].name, str(coordinate_of(comparison, comparison.pairings[index], row)))
        for index, row in zip(*rows_of_pixel(comparison, 1), strict=True)
    ]
    assert listed[0] == ("pixel_pos_meters", "pixel 1 3")
    assert [where for name, where in listed if name == "rot_a"] == ["pixel 1 3, phi_tic 0", "pixel 1 3, phi_tic 1"]
    run, _ = rows_of_pixel(comparison, -1)
    assert [comparison.pairings[index].name for index in run] == ["spindle_axis", "Na"]
    assert rows_of_pixel(comparison, 99)[0].tolist() == []


@given(pairs())
def test_totals_by_pixel(texts: tuple[str, str]) -> None:
    """The same as counted row by row."""
    comparison = compared(*texts)
    totals = pixel_totals(comparison)
    for pixel in range(len(comparison.pixels)):
        verdicts, rels, diverging = [], [], []
        for index, row in zip(*rows_of_pixel(comparison, pixel), strict=True):
            found = comparison.pairings[index]
            if found.matched_by is not MatchedBy.PROPOSED:
                verdicts.append(int(found.verdict[row]))
                rels.append(found.rel[row])
                diverging += [index] if found.verdict[row] == Verdict.DIVERGES else []
        assert totals.diverge[pixel] == verdicts.count(Verdict.DIVERGES) == len(diverging)
        assert totals.compared[pixel] == verdicts.count(Verdict.AGREES) + len(diverging)
        assert totals.missing[pixel] == len(verdicts) - totals.compared[pixel]
        assert totals.first[pixel] == (diverging[0] if diverging else -1)
        np.testing.assert_equal(totals.worst_rel[pixel], np.fmax.reduce(rels) if rels else np.nan)


@given(pairs())
def test_every_pair_can_be_shown(texts: tuple[str, str]) -> None:
    """Whatever its verdict and its numbers; the largest component is the one whose difference is shown."""
    comparison = compared(*texts)
    assert sentence(comparison)
    for index, found in enumerate(comparison.pairings):
        for row in range(len(found)):
            pair = divergence(comparison, index, row)
            assert pair.verdict == found.verdict[row]
            if pair.verdict is Verdict.AGREES:
                assert pair.smallest_passing_rtol is not None
                assert pair.smallest_passing_rtol <= pair.tolerance.rtol


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("Na 5\nNb 5", "Na 5\nNb 5", "2 values agree"),
        ("Na 5\nNb 5", "Na 5", "1 value agrees, 1 value on one side only"),
        ("Na 5", "Nb 5", "nothing could be compared"),
        ("Na 5", "Na 6", "Na diverges first for the whole run: rel 1.7e-01 (0 of 17 digits agree)"),
        ("xtal_shape A", "xtal_shape B", "xtal_shape diverges first for the whole run: A against B"),
        (REFERENCE, WARMER, "rot_a.y diverges first at pixel 1 2, phi_tic 1: rel 7.0e-03 (1 of 17 digits agree)"),
        ("F_latt nan", "F_latt 1", "F_latt diverges first: nan against 1"),
        (
            "Na 5",
            "Na 5\nNb 5\nNc 5",
            "too little could be compared: 100% of the reference, 33% of the candidate; this much agrees",
        ),
    ],
)
def test_the_answer_in_words(ours: str, theirs: str, expected: str) -> None:
    """One sentence, without a full stop."""
    assert sentence(compared(ours, theirs)) == expected


def test_what_is_required_and_missing_is_in_the_sentence() -> None:
    """So that nobody wonders why equal values don't pass."""
    comparison = compared("Na 5\nNb 5", "Na 5", Options(require_all=True))
    assert sentence(comparison) == "1 value agrees, but 1 value on one side only"


def test_components_have_names() -> None:
    """Of vectors and matrices."""
    assert [component_name(at, 3) for at in range(3)] == ["x", "y", "z"]
    assert component_name(0, 1) == ""
    assert component_name(5, 9) == "1,2"
    assert component_name(4, 6) == "4"


def test_order_is_the_place_in_the_list() -> None:
    """A pairing knows its index."""
    comparison = compared(REFERENCE, WARMER)
    assert [each.order for each in comparison.pairings] == list(range(len(names(comparison))))
