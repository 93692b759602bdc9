"""Pairs of the corpus: the same seed gives the same pair, and the fault shows."""

from __future__ import annotations

import pytest

from braggtrace.causes.codes import Code
from braggtrace.corpus.faults import CODES
from braggtrace.corpus.mutants import planted
from braggtrace.corpus.pairs import fault_pair, rounding_pair
from braggtrace.physics.graph import GRAPH
from braggtrace.physics.registry import Step
from tests.replay.pairs import scaled, text_of


def test_every_cause_but_the_unexplained_can_be_seeded() -> None:
    """What is claimed is measured."""
    assert set(CODES) == set(Code) - {Code.UNEXPLAINED}


def test_a_seed_is_a_pair() -> None:
    """Drawn again, it is the same to the last digit; the next one is another."""
    first, again, other = fault_pair(11), fault_pair(11), fault_pair(12)
    assert (first.reference, first.candidate) == (again.reference, again.candidate)
    assert first.faults[0].text == again.faults[0].text
    assert first.reference != other.reference


def test_a_fault_changes_one_side_only_from_its_step_on() -> None:
    """The other side is the engine's own trace; everything before the step is alike."""
    wrong = text_of({"polar": scaled(2.0)}).splitlines()
    right = text_of().splitlines()
    before = [
        line for line in right if line.startswith(("TRACE_C: hkl_frac", "TRACE_C: omega_pixel_sr", "TRACE_C_PHI"))
    ]
    assert [line for line in before if line not in wrong] == []
    differing = {line.split()[1] for line, other in zip(right, wrong, strict=True) if line != other}
    assert {"polar", "I_pixel_final", "floatimage_accumulated"} <= differing


def test_the_graph_is_left_as_it_was() -> None:
    """Also where the trace fails."""
    before = dict(GRAPH.steps)
    with pytest.raises(ZeroDivisionError), planted({"polar": scaled(2.0)}):
        _fails_with(before)
    assert dict(GRAPH.steps) == before


def _fails_with(before: dict[str, Step]) -> None:
    assert GRAPH.steps["polar"] is not before["polar"]
    raise ZeroDivisionError


def test_several_faults_lie_in_several_steps() -> None:
    """None hides behind another of the same step."""
    nodes = [fault.nodes for fault in fault_pair(21, 3).faults]
    assert len(nodes) == 3
    assert len({name for group in nodes for name in group}) == sum(len(group) for group in nodes)


def test_a_pair_of_roundings_has_none() -> None:
    """Nothing is seeded, and still the texts differ."""
    pair = rounding_pair(3)
    assert pair.faults == ()
    assert pair.reference != pair.candidate
