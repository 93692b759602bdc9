"""Count what a run of the corpus got right, and how well its confidence holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.corpus.measure import Outcome, Verdict

__all__ = ["BINS", "Bin", "Tally", "calibrated", "reliability", "tally"]

Floats: TypeAlias = npt.NDArray[np.float64]

BINS = (0.0, 0.5, 0.8, 0.9, 0.97, 0.99, 1.0)
"""Bounds of the ranges of confidence that are counted together."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Shares of right answers, 0 to 1; 0 of nothing is nan.

    Attributes:
        pairs: how many pairs.
        faults: how many faults were seeded.
        roots: of the faults, those whose step is named as a root.
        sides: of the faults, those whose side is named as well.
        first: of the faults, those whose cause is named in the first place.
        among: of the faults, those whose cause is among the first three.
        complete: of the pairs, those in which every fault is found.
        headline: of the pairs, those whose first root is one of the faults.
        false_alarms: pairs with a root that no fault explains.
    """

    pairs: int
    faults: int
    roots: float
    sides: float
    first: float
    among: float
    complete: float
    headline: float
    false_alarms: int


@dataclass(frozen=True, slots=True)
class Bin:
    """Causes that were claimed with about the same confidence.

    Attributes:
        low, high: the range.
        count: how many.
        claimed: their mean confidence.
        right: the share that is right.
    """

    low: float
    high: float
    count: int
    claimed: float
    right: float


def tally(outcomes: Sequence[Outcome]) -> Tally:
    """Count outcomes."""
    verdicts = [verdict for outcome in outcomes for verdict in outcome.verdicts]

    def share(of: Callable[[Verdict], bool]) -> float:
        return _mean(of(verdict) for verdict in verdicts)

    return Tally(
        pairs=len(outcomes),
        faults=len(verdicts),
        roots=share(lambda verdict: verdict.found),
        sides=share(lambda verdict: verdict.found and verdict.side),
        first=share(lambda verdict: verdict.found and verdict.first),
        among=share(lambda verdict: verdict.found and verdict.among),
        complete=_mean(all(verdict.found for verdict in outcome.verdicts) for outcome in outcomes),
        headline=_mean(any(verdict.headline for verdict in outcome.verdicts) for outcome in outcomes),
        false_alarms=sum(bool(outcome.false) for outcome in outcomes),
    )


def _mean(flags: Iterable[bool]) -> float:
    found = list(flags)
    return sum(found) / len(found) if found else float("nan")


def reliability(outcomes: Iterable[Outcome]) -> list[Bin]:
    """Claimed confidence against the share that is right; causes that are not claimed are left out."""
    claims = [
        (verdict.confidence, verdict.first)
        for outcome in outcomes
        for verdict in outcome.verdicts
        if verdict.found and verdict.named != "UNEXPLAINED"
    ]
    out = []
    for low, high in pairwise(BINS):
        inside = [(sure, right) for sure, right in claims if low <= sure < high or (high == BINS[-1] and sure == high)]
        if inside:
            claimed = sum(sure for sure, _ in inside) / len(inside)
            out.append(Bin(low, high, len(inside), claimed, _mean(right for _, right in inside)))
    return out


def calibrated(claims: Sequence[tuple[float, float, bool]], widest: tuple[float, float]) -> tuple[float, float, float]:
    """Fit the confidence: the coefficients of a logistic function of the lead and of the bits beyond chance.

    Args:
        claims: lead, bits, and whether the claim is right; see `Outcome.claims`.
        widest: larger leads and bits count as these.

    Returns:
        Constant, factor of the lead, factor of the bits, none of which is below 0 but the first.
    """
    data = np.array([(lead, bits) for lead, bits, _ in claims], dtype=np.float64)
    right = np.array([each for *_, each in claims], dtype=np.float64)
    inputs = np.column_stack([np.ones(len(data)), np.clip(data, 0.0, widest)])
    weights = np.zeros(3)
    penalty = np.diag([1e-3, 1.0, 1.0])  # as if a few claims had been seen before, of no tendency
    for _ in range(60):
        sure = 1.0 / (1.0 + np.exp(-np.clip(inputs @ weights, -30.0, 30.0)))
        slope = inputs.T @ (right - sure) - penalty @ weights
        curve = (inputs * (sure * (1.0 - sure))[:, None]).T @ inputs + penalty
        weights = weights + np.linalg.solve(curve, slope)
        weights[1:] = np.maximum(weights[1:], 0.0)
    return float(weights[0]), float(weights[1]), float(weights[2])
