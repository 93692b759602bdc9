"""A small run of the corpus: seeds of its own, and shares that it must reach. `make causes` measures many more."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from braggtrace.causes.codes import Code
from braggtrace.corpus.faults import CODES
from braggtrace.corpus.measure import Outcome, measure
from braggtrace.corpus.pairs import fault_pair, rounding_pair
from braggtrace.corpus.tally import tally

SEED = 700


@cache
def single(code: Code) -> Outcome:
    """One pair with one fault."""
    return measure(fault_pair(SEED, 1, code))


@pytest.mark.parametrize("code", CODES)
def test_a_single_fault_is_found(code: Code) -> None:
    """Its step is the headline, its side is named, and nothing else is blamed."""
    (verdict,) = single(code).verdicts
    assert (verdict.found, verdict.headline, verdict.side) == (True, True, True)
    assert single(code).false == ()


def test_causes_of_single_faults_are_named() -> None:
    """At most one of twenty-one is not, and that one is not taken for another."""
    named = {code: single(code).verdicts[0].named for code in CODES}
    wrong = {code: name for code, name in named.items() if name != code}
    assert len(wrong) <= 1
    assert set(wrong.values()) <= {Code.UNEXPLAINED.value}


def test_single_faults_are_named_with_confidence() -> None:
    """Whoever reads the confidence may rely on it; nothing is claimed where nothing is named."""
    verdicts = [verdict for code in CODES for verdict in single(code).verdicts]
    claimed = [verdict.confidence for verdict in verdicts if verdict.first]
    assert min(claimed) >= 0.5
    assert sum(claimed) / len(claimed) > 0.9
    assert {verdict.confidence for verdict in verdicts if verdict.named == "UNEXPLAINED"} <= {0.0}


def test_three_faults_at_once_are_all_found() -> None:
    """Four pairs, twelve independent faults: all steps but one at most, and no false alarm."""
    found = tally([measure(fault_pair(SEED + number, 3)) for number in range(4)])
    assert found.faults == 12
    assert found.roots >= 11 / 12
    assert found.first >= 10 / 12
    assert found.headline == 1.0
    assert found.false_alarms == 0


@pytest.mark.parametrize("rtol", [None, 1e-9])
def test_roundings_raise_no_alarm(rtol: float | None) -> None:
    """float32 beside float64, 17 digits beside 6: many values diverge, and nothing is blamed."""
    outcomes = [measure(rounding_pair(SEED + number), rtol) for number in range(5)]
    assert any(outcome.diverged for outcome in outcomes)
    assert [outcome.roots for outcome in outcomes] == [()] * len(outcomes)


def test_an_explanation_is_judged_by_what_was_seeded() -> None:
    """A pair whose faults are not the ones in the traces: the root is a false alarm, and the fault is missed."""
    right, other = fault_pair(SEED, 1, Code.SIGN_FLIP), fault_pair(SEED, 1, Code.NON_FINITE)
    assert right.faults[0].nodes != other.faults[0].nodes
    mixed = measure(replace(right, faults=other.faults))
    assert not mixed.verdicts[0].found
    assert len(mixed.false) == 1
