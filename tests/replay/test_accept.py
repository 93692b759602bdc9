"""Fix and go on: roots that are accepted, and everything after them judged anew."""

from __future__ import annotations

import pytest

from braggtrace.corpus.pairs import read_text as read
from tests.replay.pairs import edited, explained, scaled, text_of, the_root, trace_of

FAULTS = {"R_distance_meters": scaled(1.01), "F_latt_b": scaled(1.2), "I_pixel_final": scaled(0.5)}


def test_an_accepted_root_is_gone_and_the_next_one_leads() -> None:
    """The others stay what they were; what came from the first agrees now."""
    pair = trace_of(), trace_of(FAULTS)
    before = explained(*pair)
    after = explained(*pair, accepted=[before.roots[0].id])
    assert after.accepted == (before.roots[0].id,)
    assert [root.node for root in after.roots] == ["F_latt_b", "I_pixel_final"]
    assert [root.cause.code for root in after.roots] == ["CONSTANT_FACTOR", "CONSTANT_FACTOR"]
    assert "R_distance_meters" not in {each.quantity for each in after.quantities}
    assert "h_frac" not in {each.quantity for each in after.quantities}
    assert [root.factor_of_final for root in after.roots] == [pytest.approx(1.44), pytest.approx(0.5)]


def test_with_all_roots_accepted_nothing_diverges() -> None:
    """One after the other, in the order in which they were found."""
    pair = trace_of(), trace_of(FAULTS)
    accepted: list[str] = []
    for _ in range(3):
        accepted.append(explained(*pair, accepted=accepted).roots[0].id)
    done = explained(*pair, accepted=accepted)
    assert done.roots == ()
    assert done.accepted == tuple(accepted)
    assert done.quantities == ()
    assert "nothing diverges" in done.headline


def test_a_print_can_be_accepted() -> None:
    """What later steps used is taken in place of what was printed."""
    wrong = read(edited(text_of(), "I_before_scaling", lambda value: -value), "candidate.log")
    root = the_root(explained(trace_of(), wrong))
    assert explained(trace_of(), wrong, accepted=[root.id]).roots == ()


def test_an_input_can_be_accepted() -> None:
    """The candidate goes on with the reference's value."""
    pair = trace_of(), trace_of({"polar": scaled(1.5)}, fluence=2e24)
    before = explained(*pair)
    assert {root.node for root in before.roots} == {"fluence_photons_per_m2", "polar"}
    after = explained(*pair, accepted=["fluence_photons_per_m2:unknown", "fluence_photons_per_m2:candidate"])
    assert {root.node for root in after.roots} == {"polar"}


def test_a_root_that_is_not_there_is_said() -> None:
    """A stale id, from an older explanation say, is a note and no error; its text is made visible."""
    explanation = explained(trace_of(), trace_of({"polar": scaled(1.5)}), accepted=["stol:reference", "\x1b[2J"])
    assert explanation.accepted == ()
    assert the_root(explanation).node == "polar"
    assert sum("there is no root" in note for note in explanation.notes) == 2
    assert all(note.isprintable() for note in explanation.notes)
