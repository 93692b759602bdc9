"""Explain pairs of the corpus and count what is right."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from braggtrace.compare.judge import compare
from braggtrace.compare.model import Status
from braggtrace.compare.options import Options
from braggtrace.compare.tolerance import Measure, Tolerances, parse_rules
from braggtrace.corpus.mutants import Fault
from braggtrace.corpus.pairs import Pair
from braggtrace.replay.model import Explanation, Root
from braggtrace.replay.pair import explain_pair

__all__ = ["Outcome", "Verdict", "explained", "measure"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an explanation says about one seeded fault.

    Attributes:
        code: of the fault.
        found: a root names its node.
        headline: the first root does.
        side: that root names its side.
        first: that root's first cause is the right one.
        among: it is among the first three.
        confidence: of the first cause.
        named: the first cause's code.
        replayable: the node could be replayed.
    """

    code: str
    found: bool
    headline: bool
    side: bool
    first: bool
    among: bool
    confidence: float
    named: str
    replayable: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one pair.

    Attributes:
        pair: it.
        verdicts: one for each fault.
        false: ids of roots that no fault explains.
        diverged: the comparison diverged.
        seconds: for the explanation.
        roots: quantity, side and code of every root.
        claims: of each root found: the bits by which its first cause leads and beats chance, and whether it is right.
    """

    pair: Pair
    verdicts: tuple[Verdict, ...]
    false: tuple[str, ...]
    diverged: bool
    seconds: float
    roots: tuple[str, ...]
    claims: tuple[tuple[float, float, bool], ...] = ()


def explained(pair: Pair, rtol: float | None = None) -> tuple[Explanation, bool, float]:
    """The explanation of a pair, whether it diverges, and how many seconds it took."""
    reference, candidate = pair.traces()
    options = Options(equal_nan=True)
    if rtol is not None:
        options = Options(Tolerances(parse_rules(Measure.RTOL, [str(rtol)], "corpus")), equal_nan=True)
    comparison = compare(reference, candidate, options)
    started = time.perf_counter()
    explanation = explain_pair(reference, candidate, comparison)
    return explanation, comparison.status is Status.DIVERGES, time.perf_counter() - started


def measure(pair: Pair, rtol: float | None = None) -> Outcome:
    """Explain a pair and judge the explanation."""
    explanation, diverged, seconds = explained(pair, rtol)
    verdicts, used, claims = [], set(), []
    for fault in pair.faults:
        root = _root_of(fault, explanation.roots)
        if root is not None:
            used |= {each.id for each in explanation.roots if each.node in fault.nodes}
            evidence = root.cause.evidence
            if "lead" in evidence:
                claims.append((evidence["lead"], evidence["bits"], root.cause.code == fault.code.value))
        verdicts.append(_verdict(fault, pair, root, explanation))
    false = tuple(root.id for root in explanation.roots if root.id not in used)
    return Outcome(
        pair,
        tuple(verdicts),
        false,
        diverged,
        seconds,
        tuple(f"{root.node} {root.side} {root.cause.code}" for root in explanation.roots),
        tuple(claims),
    )


def _root_of(fault: Fault, roots: Iterable[Root]) -> Root | None:
    return next((root for root in roots if root.node in fault.nodes), None)


def _verdict(fault: Fault, pair: Pair, root: Root | None, explanation: Explanation) -> Verdict:
    if root is None:
        return Verdict(fault.code.value, False, False, False, False, False, 0.0, "", True)
    codes = [cause.code for cause in root.cause_and_rivals][:3]
    return Verdict(
        code=fault.code.value,
        found=True,
        headline=explanation.roots[0] is root,
        side=root.side == pair.side,
        first=codes[0] == fault.code.value,
        among=fault.code.value in codes,
        confidence=root.cause.confidence,
        named=codes[0],
        replayable=root.verdict != "differs",
    )
