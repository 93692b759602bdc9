"""What holds for any pair: blame follows the sides, a trace has no quarrel with itself, roundings are no fault."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from braggtrace.compare.judge import compare
from braggtrace.compare.options import Options
from braggtrace.corpus.measure import explained
from braggtrace.corpus.pairs import Pair, fault_pair, rounding_pair
from braggtrace.replay.model import Explanation
from braggtrace.replay.pair import explain_pair

SEEDS = st.integers(200_000, 300_000)
few = settings(max_examples=4, derandomize=True)
SWAPPED = {"reference": "candidate", "candidate": "reference", "unknown": "unknown"}


def blamed(explanation: Explanation) -> set[tuple[str, str]]:
    """Which steps originate something, and on which side."""
    return {(root.node, root.side) for root in explanation.roots}


@few
@given(SEEDS, st.integers(1, 2))
def test_swapping_the_sides_swaps_the_blame(seed: int, faults: int) -> None:
    """The same steps and the same causes, on the other side; shares and ratio turn round."""
    pair = fault_pair(seed, faults)
    reference, candidate = pair.traces()
    there, back = explain_pair(reference, candidate), explain_pair(candidate, reference)
    assert blamed(back) == {(node, SWAPPED[side]) for node, side in blamed(there)}
    codes = {root.node: root.cause.code for root in there.roots if root.side != "unknown"}
    assert {root.node: root.cause.code for root in back.roots if root.side != "unknown"} == codes
    if there.budget is not None and back.budget is not None and there.budget.pixel == back.budget.pixel:
        assert there.budget.reference == back.budget.candidate


@few
@given(SEEDS)
def test_a_trace_against_itself_has_no_root(seed: int) -> None:
    """Wrong or right: it agrees with itself."""
    for trace in fault_pair(seed).traces():
        explanation = explain_pair(trace, trace, compare(trace, trace, Options(equal_nan=True)))
        assert explanation.roots == ()
        assert explanation.headline == "Nothing diverges."


@few
@given(SEEDS, st.sampled_from([None, 1e-9, 1e-12]))
def test_roundings_are_no_root(seed: int, rtol: float | None) -> None:
    """float32, few digits, other roundings at every step: nothing is blamed, however strictly it is compared."""
    pair: Pair = rounding_pair(seed)
    explanation, diverges, _ = explained(pair, rtol)
    assert explanation.roots == ()
    assert explanation.headline.startswith("No step originates" if diverges else "Nothing diverges")
