"""Where a divergence originates, on which side, and what inherits it."""

from __future__ import annotations

import pytest

from braggtrace.compare.options import Options
from braggtrace.compare.tolerance import Measure, Tolerances, parse_rules
from braggtrace.corpus.mutants import mapped, with_inputs
from braggtrace.corpus.pairs import read_text
from braggtrace.physics.vector import Vec
from braggtrace.replay.model import Explanation, Traced
from tests.replay.pairs import edited, explained, scaled, text_of, the_root, trace_of

NEGATED = mapped(lambda vector: Vec(*(-part for part in vector)))
BY_MINUS_PHI = with_inputs(lambda named: named | {"phi_rad": -named["phi_rad"]})
SPINS = {"spindle_axis": NEGATED}


def verdict_on(explanation: Explanation, quantity: str) -> Traced:
    """The verdict on one quantity."""
    return next(each for each in explanation.quantities if each.quantity == quantity)


def test_a_wrong_step_of_the_candidate_originates_there() -> None:
    """The side whose value is not what the step gives is to blame; what comes later inherits."""
    explanation = explained(trace_of(), trace_of({"R_distance_meters": scaled(1.01)}))
    root = the_root(explanation)
    assert (root.quantity, root.side, root.verdict, root.masked) == (
        "R_distance_meters",
        "candidate",
        "originates",
        False,
    )
    assert root.where == "pixel 4 5"
    assert root.coordinates == 2
    assert root.recorded["candidate"][0] == pytest.approx(1.01 * root.step_gives[0])
    assert "pixel_pos_meters" in root.inputs
    later = verdict_on(explanation, "I_pixel_final")
    assert (later.verdict, later.roots) == ("inherits", (root.id,))
    assert set(later.states) == {"inherits"}
    assert root.inherited == len(root.inherited_by) == len(explanation.quantities) - 1
    assert explanation.headline == root.sentence


def test_a_wrong_step_of_the_reference_originates_there() -> None:
    """The reference is not right because it is the reference."""
    root = the_root(explained(trace_of({"R_distance_meters": scaled(1.01)}), trace_of()))
    assert (root.quantity, root.side) == ("R_distance_meters", "reference")
    assert "the reference's value" in root.sentence


def test_both_sides_may_be_wrong_in_different_ways() -> None:
    """Two faults of one step are two roots, one a side."""
    explanation = explained(trace_of({"polar": scaled(1.5)}), trace_of({"polar": scaled(2.0)}))
    assert {(root.quantity, root.side) for root in explanation.roots} == {
        ("polar", "reference"),
        ("polar", "candidate"),
    }
    assert verdict_on(explanation, "polar").side == "both"


def test_the_same_mistake_on_both_sides_is_no_root() -> None:
    """What both get wrong alike makes no difference: only the other fault is named, and the first is noted."""
    twice = {"polar": scaled(1.5)}
    explanation = explained(trace_of(twice), trace_of(twice | {"omega_pixel_sr": scaled(0.9)}))
    assert the_root(explanation).node == "omega_pixel_sr"
    assert any("polar" in note and "alike" in note for note in explanation.notes)


def test_all_independent_faults_are_found_in_one_pass() -> None:
    """Not only the first one, and on both sides; the first in step order is the headline."""
    explanation = explained(
        trace_of({"F_latt_b": scaled(1.2)}), trace_of({"R_distance_meters": scaled(1.01), "I_pixel_final": scaled(0.5)})
    )
    found = [(root.quantity, root.side) for root in explanation.roots]
    assert found == [
        ("R_distance_meters", "candidate"),
        ("F_latt_b", "reference"),
        ("I_pixel_final", "candidate"),
    ]
    assert explanation.headline.startswith("R_distance_meters originates here")
    assert "2 other independent roots" in explanation.headline


def test_agreement_within_tolerance_can_mask_a_root() -> None:
    """Its own pairs agree; what it does to the peak does not."""
    loose = Options(Tolerances(parse_rules(Measure.RTOL, ["k_frac:1e-3", "hkl_frac:1e-3", "1e-6"], "test")))
    root = the_root(explained(trace_of(), trace_of({"k_frac": scaled(1.0002)}), loose))
    assert (root.node, root.side, root.masked) == ("k_frac", "candidate", True)
    assert "F_latt_b" in root.inherited_by


def test_a_fault_that_undoes_another_is_found() -> None:
    """rot_a turns about the negated spindle by the negated angle: both sides say the same, and the step does not."""
    wrong = trace_of(SPINS | {"rot_a_meters": BY_MINUS_PHI})
    explanation = explained(trace_of(), wrong)
    found = {root.node: root for root in explanation.roots}
    assert set(found) == {"spindle_axis", "rot_a_angstroms"}
    assert found["rot_a_angstroms"].cause.code == "INVERSE_ROTATION"
    assert found["rot_a_angstroms"].inherited == 0  # both sides' rot_a agree, so nothing diverges because of it
    assert "rot_b" in found["spindle_axis"].inherited_by


def test_a_step_without_its_inputs_is_not_replayable() -> None:
    """The cell's lengths are not traced: its vectors can't be replayed, which is said, with what is missing."""
    explanation = explained(trace_of(), trace_of(misset_deg=(14.0, -9.0, 30.0)))
    root = the_root(explanation)
    assert (root.quantity, root.side, root.verdict) == ("misset_z_deg", "unknown", "differs")
    cell = verdict_on(explanation, "cell_a_vec_angstroms")
    assert cell.verdict == "not replayable"
    assert "cell_lengths_A" in cell.missing
    assert cell.roots == (root.id,)
    assert any("not replayable" in note for note in explanation.notes)
    assert verdict_on(explanation, "h_frac").verdict == "inherits"


def test_a_value_that_later_steps_did_not_use_is_printed_wrong() -> None:
    """The sum is printed with the other sign, and the final value is made of the right one."""
    wrong = read_text(edited(text_of(), "I_before_scaling", lambda value: -value), "candidate.log")
    root = the_root(explained(trace_of(), wrong))
    assert (root.quantity, root.side, root.verdict) == ("I_before_scaling", "candidate", "printed wrong")
    assert root.cause.code == "SIGN_FLIP"
    assert root.inherited == 0
    assert "only the trace is wrong" in root.sentence


def test_a_value_that_later_steps_used_is_not_printed_wrong() -> None:
    """The same number, but the final value is made of the wrong one."""
    root = the_root(explained(trace_of(), trace_of({"polar": scaled(-1.0)})))
    assert root.verdict == "originates"


def test_a_line_that_repeats_a_value_must_repeat_it() -> None:
    """F_latt_b of the main line is a copy of the first iteration's: only the line is wrong."""
    wrong = read_text(edited(text_of(), "F_latt_b", lambda value: 2 * value), "candidate.log")
    root = the_root(explained(trace_of(), wrong))
    assert (root.id, root.verdict) == ("F_latt_b:candidate:line", "printed wrong")
    assert root.cause.code == "CONSTANT_FACTOR"


def test_the_right_line_of_two_is_told_by_replay() -> None:
    """The line of the inner loop is wrong and the main line right: later steps used neither's error."""
    wrong = read_text(edited(text_of(), "k_frac", lambda value: value + 0.25, phi_lines=True), "candidate.log")
    explanation = explained(trace_of(), wrong)
    roots = {root.node: root for root in explanation.roots}
    assert roots["k_frac"].verdict == "printed wrong"
    assert roots["k_frac"].side == "candidate"


def test_only_pixels_that_both_sides_traced_count() -> None:
    """A wrong value of a pixel that the other side lacks is no divergence."""
    whole = text_of({"polar": scaled(1.5)})
    first = text_of()[: text_of().index("TRACE_C: pixel 4 6")]
    root = the_root(explained(read_text(first, "reference.log"), read_text(whole, "candidate.log")))
    assert (root.quantity, root.coordinates, root.where) == ("polar", 1, "pixel 4 5")


def test_a_sum_inherits_from_earlier_iterations() -> None:
    """One wrong contribution is in all later sums, none of which originates anything."""
    text = edited(text_of(), "F_cell", lambda value: 2 * value, phi_lines=True)
    explanation = explained(trace_of(), read_text(text, "candidate.log"))
    assert {root.node for root in explanation.roots} == {"F_cell"}


def test_rows_know_their_roots() -> None:
    """Every diverging pair can be marked: its verdict and its roots, row by row."""
    explanation = explained(trace_of(), trace_of({"polar": scaled(1.5), "F_latt_b": scaled(1.2)}))
    final = verdict_on(explanation, "I_pixel_final")
    assert len(final.pair_rows) == len(final.states) == len(final.row_roots) == final.rows == 2
    assert set(final.row_roots[0]) == {"polar:candidate", "F_latt_b:candidate"}
    assert verdict_on(explanation, "F_latt").roots == ("F_latt_b:candidate",)


def test_nothing_diverges() -> None:
    """Equal traces have no root, no budget and say so."""
    explanation = explained(trace_of(), trace_of())
    assert explanation.roots == ()
    assert explanation.quantities == ()
    assert explanation.budget is None
    assert explanation.headline == "Nothing diverges."
