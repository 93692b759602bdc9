"""Shares, reliability and calibration, of outcomes made by hand."""

from __future__ import annotations

import math
from random import Random

import pytest

from braggtrace.corpus.measure import Outcome, Verdict
from braggtrace.corpus.pairs import Noise, Pair
from braggtrace.corpus.tally import calibrated, reliability, tally

PAIR = Pair(1, (), "candidate", (Noise(), Noise()), "", "")


def verdict(found: bool = True, side: bool = True, first: bool = True, confidence: float = 0.95) -> Verdict:
    """One fault."""
    return Verdict("SIGN_FLIP", found, found, side, first, first, confidence, "SIGN_FLIP" if first else "OFFSET", True)


def outcome(*verdicts: Verdict, false: tuple[str, ...] = ()) -> Outcome:
    """One pair."""
    return Outcome(PAIR, verdicts, false, True, 0.1, ())


def test_shares_are_counted_by_fault_and_by_pair() -> None:
    """A pair is complete only with all its faults."""
    found = tally([outcome(verdict(), verdict(found=False)), outcome(verdict(side=False), verdict(first=False))])
    assert (found.pairs, found.faults) == (2, 4)
    assert (found.roots, found.sides, found.first) == (0.75, 0.5, 0.5)
    assert (found.complete, found.headline, found.false_alarms) == (0.5, 1.0, 0)


def test_a_root_that_nothing_seeded_is_a_false_alarm() -> None:
    """Counted by pair."""
    assert tally([outcome(verdict(), false=("polar:reference", "stol:reference")), outcome()]).false_alarms == 1


def test_shares_of_nothing_are_no_number() -> None:
    """Neither 0 nor 100 %."""
    assert math.isnan(tally([]).roots)


def test_reliability_compares_what_was_claimed_with_what_was_right() -> None:
    """By ranges of confidence; a cause that is missed is none that was claimed."""
    outcomes = [
        outcome(verdict(confidence=0.95)),
        outcome(verdict(confidence=0.93, first=False)),
        outcome(verdict(confidence=1.0)),
        outcome(verdict(found=False, confidence=0.0)),
    ]
    bins = {(each.low, each.high): each for each in reliability(outcomes)}
    assert bins[0.9, 0.97].count == 2
    assert bins[0.9, 0.97].claimed == pytest.approx(0.94)
    assert bins[0.9, 0.97].right == 0.5
    assert bins[0.99, 1.0].right == 1.0
    assert sum(each.count for each in bins.values()) == 3


def test_calibration_finds_the_law_that_was_drawn_from() -> None:
    """Claims that are right with a known chance give back its coefficients."""
    random, truth = Random(3), (-1.0, 0.3, 0.05)
    claims = []
    for _ in range(20_000):
        lead, bits = random.uniform(0, 20), random.uniform(0, 40)
        chance = 1 / (1 + math.exp(-(truth[0] + truth[1] * lead + truth[2] * bits)))
        claims.append((lead, bits, random.random() < chance))
    assert calibrated(claims, (20.0, 40.0)) == pytest.approx(truth, abs=0.1)


def test_calibration_never_trusts_less_for_more_evidence() -> None:
    """Even where a few claims happen to say so."""
    claims = [(lead, 10.0, lead < 5) for lead in range(10)]
    assert calibrated(claims, (20.0, 40.0))[1] >= 0.0
