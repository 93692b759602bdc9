"""Give aligned values their verdicts: which agree, which diverge, and by how much.

Values are judged in blocks of rows, so that three million pairs need no large temporary arrays. The relative difference
of every pair is kept: where a tolerance is nothing but an rtol, judging again is one comparison of arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.compare.model import Counts, Pairing, Verdict
from braggtrace.compare.numbers import difference, ulp_distances
from braggtrace.compare.tolerance import Tolerance, Tolerances
from braggtrace.quantities import Kind
from braggtrace.trace.model import Column, Trace

__all__ = ["Judge", "Judged", "kind_of", "names_of", "needed_rtol"]

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Rows: TypeAlias = npt.NDArray[np.int32]

_BLOCK = 1 << 17
_EXACT_INTEGERS = 2.0**53


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A judged pairing, and what only the whole comparison needs to know.

    Attributes:
        pairing: with verdicts, counts, first and worst.
        rtol: the smallest rtol with which all its pairs agree, inf if none helps.
        both_nan: pairs that diverge because they are NaN on both sides.
    """

    pairing: Pairing
    rtol: float
    both_nan: int = 0


def names_of(pairing: Pairing) -> tuple[str, ...]:
    """The names that a tolerance rule may use: either side's and the catalogue's."""
    columns = (pairing.reference, pairing.candidate)
    names = [column.key.name for column in columns if column is not None]
    return (*names, *([pairing.quantity.name] if pairing.quantity is not None else []))


def kind_of(pairing: Pairing) -> Kind:
    """How the values compare: the catalogue says, else the values do (words, whole numbers, other numbers)."""
    columns = [column for column in (pairing.reference, pairing.candidate) if column is not None]
    if any(column.is_text for column in columns):
        return Kind.TEXT
    if pairing.quantity is not None:
        return pairing.quantity.kind
    return Kind.INTEGER if all(_is_whole(column.values) for column in columns) else Kind.REAL


def _is_whole(values: Floats) -> bool:
    """Whether all numbers are whole, and small enough to be told apart."""
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK]
        if not ((block == np.rint(block)) & (np.abs(block) < _EXACT_INTEGERS)).all():
            return False
    return True


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges pairings of two traces.

    Attributes:
        reference, candidate: the traces, for the text of words.
        tolerances: the rules.
        equal_nan: NaN equals NaN.
    """

    reference: Trace
    candidate: Trace
    tolerances: Tolerances
    equal_nan: bool

    def judge(self, pairing: Pairing) -> Judged:
        """Give every row its verdict; the ones the pairing came with are not looked at."""
        ours, theirs = pairing.reference, pairing.candidate
        kind = kind_of(pairing)
        tolerance = self._tolerance(pairing, kind)
        pairing = replace(pairing, kind=kind)
        verdict = np.full(len(pairing.pixel), Verdict.AGREES, dtype=np.uint8)
        if pairing.reference_rows is not pairing.candidate_rows:  # the very same rows: none is missing
            verdict[pairing.reference_rows < 0] = Verdict.ONLY_CANDIDATE
            verdict[pairing.candidate_rows < 0] = Verdict.ONLY_REFERENCE
        rel = np.full(len(verdict), np.nan)
        pairing = replace(pairing, tolerance=tolerance, verdict=verdict, rel=rel)
        if ours is None or theirs is None:
            return _tallied(pairing, 0.0)
        if kind is Kind.TEXT:
            both = np.flatnonzero(verdict == Verdict.AGREES)
            equal = self._equal_words(ours, pairing.reference_rows[both], theirs, pairing.candidate_rows[both])
            verdict[both[~equal]] = Verdict.DIVERGES
            return _tallied(pairing, 0.0 if equal.all() else np.inf)
        limit = _Limit(tolerance.rtol, tolerance.atol, tolerance.ulp)
        needed, both_nan = 0.0, 0
        for rows, reference, candidate in _blocks(pairing):
            passes, block_rel, block_needed = limit.judge(reference, candidate, self.equal_nan)
            verdict[rows] = ~passes
            rel[rows] = block_rel
            needed = max(needed, block_needed)
            if block_needed == np.inf and not self.equal_nan:
                both_nan += int((np.isnan(reference) & np.isnan(candidate)).any(axis=1).sum())
        return _tallied(
            pairing, _helping_rtol(pairing, kind, needed, int((verdict == Verdict.DIVERGES).sum())), both_nan
        )

    def rejudge(self, pairing: Pairing) -> Judged:
        """Judge a judged pairing by other tolerances."""
        kind = pairing.kind
        tolerance = self._tolerance(pairing, kind)
        if pairing.reference is None or pairing.candidate is None or kind is Kind.TEXT:
            rtol = np.inf if pairing.counts.diverge else 0.0
            return Judged(replace(pairing, tolerance=tolerance), rtol)
        if not tolerance.only_rtol:
            return self.judge(pairing)
        missing = pairing.verdict >= Verdict.ONLY_REFERENCE
        verdict = (pairing.rel > tolerance.rtol).view(np.uint8)  # nan > rtol is False
        np.copyto(verdict, pairing.verdict, where=missing)
        pairing = replace(pairing, tolerance=tolerance, verdict=verdict)
        judged = _tallied(pairing, 0.0)
        worst = judged.pairing.worst
        needed = 0.0 if worst < 0 else float(pairing.rel[worst])
        return replace(judged, rtol=_helping_rtol(pairing, kind, needed, judged.pairing.counts.diverge))

    def _tolerance(self, pairing: Pairing, kind: Kind) -> Tolerance:
        tolerance = self.tolerances.of(names_of(pairing), kind)
        if tolerance.atol_of_max:
            tolerance = replace(tolerance, atol=tolerance.atol_of_max * _largest(pairing))
        return tolerance

    def _equal_words(self, ours: Column, our_rows: Rows, theirs: Column, their_rows: Rows) -> Flags:
        """(n,) whether all components are the same words, or the same numbers."""
        reference, candidate = ours.values[our_rows], theirs.values[their_rows]
        equal = reference == candidate  # False where either is a word
        for row, component in np.argwhere(~equal):
            if ours.start[our_rows[row], component] < 0 or theirs.start[their_rows[row], component] < 0:
                words = (
                    self.reference.text(ours, int(our_rows[row]), int(component)),
                    self.candidate.text(theirs, int(their_rows[row]), int(component)),
                )
                equal[row, component] = words[0] == words[1]
        return np.asarray(equal.all(axis=1))


@dataclass(frozen=True, slots=True)
class _Limit:
    """A tolerance in the numbers of one pairing."""

    rtol: float
    atol: float
    ulp: int

    def judge(self, reference: Floats, candidate: Floats, equal_nan: bool) -> tuple[Flags, Floats, float]:
        """Which rows pass (n,), their relative difference (n,), and the smallest rtol with which all pass."""
        distance, scale, rel = difference(reference, candidate, equal_nan=equal_nan)
        if not (self.atol or self.ulp):
            return rel <= self.rtol, rel, float(rel.max(initial=0))
        passes = distance <= self.atol
        if self.ulp:
            rows = np.flatnonzero(~passes)
            needed = self._beyond_ulp(reference[rows], candidate[rows], scale[rows], rel[rows])
            passes[rows] = needed <= self.rtol
        else:
            needed = rel[~passes]
            passes |= rel <= self.rtol
        return passes, rel, float(needed.max(initial=0))

    def _beyond_ulp(self, reference: Floats, candidate: Floats, scale: Floats, rel: Floats) -> Floats:
        """(n,) the relative difference of the components that are neither within atol nor within the ulp steps."""
        with np.errstate(all="ignore"):
            apart = np.abs(reference - candidate)
            beyond = (apart > self.atol) & (ulp_distances(reference, candidate) > self.ulp)
            needed = np.where(beyond, apart / scale[:, None], 0).max(axis=1)
        odd = ~np.isfinite(apart).all(axis=1)
        needed[odd] = rel[odd]
        return np.asarray(needed)


def _helping_rtol(pairing: Pairing, kind: Kind, needed: float, diverging: int) -> float:
    """An rtol for all quantities doesn't reach those that compare exactly."""
    exact = kind is not Kind.REAL and pairing.tolerance.rule == "default"
    if exact:
        return np.inf if diverging else 0.0
    return needed


def _largest(pairing: Pairing) -> float:
    """The largest finite magnitude on either side, in the reference's unit."""
    largest = 0.0
    for column, factor in ((pairing.reference, 1.0), (pairing.candidate, pairing.factor)):
        if column is not None:
            values = np.abs(column.values[np.isfinite(column.values)])
            largest = max(largest, float(values.max(initial=0)) * abs(factor))
    return largest


def _blocks(pairing: Pairing) -> Iterator[tuple[slice | npt.NDArray[np.intp], Floats, Floats]]:
    """The rows that both sides have, in blocks: the rows, and both sides' values (m, width) in the reference's unit."""
    assert pairing.reference is not None
    assert pairing.candidate is not None
    for start in range(0, len(pairing.reference_rows), _BLOCK):
        stop = min(start + _BLOCK, len(pairing.reference_rows))
        our_rows, their_rows = pairing.reference_rows[start:stop], pairing.candidate_rows[start:stop]
        rows: slice | npt.NDArray[np.intp] = slice(start, stop)
        if our_rows.min() < 0 or their_rows.min() < 0:
            both = np.flatnonzero((our_rows >= 0) & (their_rows >= 0))
            if not len(both):
                continue
            rows, our_rows, their_rows = both + start, our_rows[both], their_rows[both]
        candidate = _take(pairing.candidate.values, their_rows)
        yield rows, _take(pairing.reference.values, our_rows), _converted(candidate, pairing.factor)


def _converted(values: Floats, factor: float) -> Floats:
    if factor == 1:
        return values
    with np.errstate(over="ignore"):
        return values * factor


def _take(values: Floats, rows: Rows) -> Floats:
    """Some rows of an array, without a copy where they follow each other."""
    first, last = int(rows[0]), int(rows[-1])
    if last - first == len(rows) - 1 and (np.diff(rows) == 1).all():
        return values[first : last + 1]
    return values[rows]


def _tallied(pairing: Pairing, rtol: float, both_nan: int = 0) -> Judged:
    """Count the verdicts of a pairing, and find its first and its worst row."""
    verdict, rel = pairing.verdict, pairing.rel
    diverging = verdict == Verdict.DIVERGES
    diverge = int(np.count_nonzero(diverging))
    missing = np.count_nonzero(verdict >= Verdict.ONLY_REFERENCE)
    only_reference = int(np.count_nonzero(verdict == Verdict.ONLY_REFERENCE)) if missing else 0
    compared = len(verdict) - int(missing)
    counts = Counts(compared, compared - diverge, diverge, only_reference, int(missing) - only_reference)
    first = int(diverging.argmax()) if diverge else -1
    return Judged(replace(pairing, counts=counts, first=first, worst=_worst(rel, diverging, diverge)), rtol, both_nan)


def _worst(rel: Floats, diverging: Flags, diverge: int) -> int:
    """The row with the largest rel: of the diverging ones, or of all if none diverges; −1 if there is none."""
    if not len(rel):
        return -1
    if diverge:
        rows = np.flatnonzero(diverging)
        worst = int(rows[np.argmax(np.nan_to_num(rel[rows], nan=-1, posinf=np.inf))])
    else:
        worst = int(np.argmax(rel))
        if np.isnan(rel[worst]):  # argmax takes nan for the largest
            worst = int(np.argmax(np.nan_to_num(rel, nan=-1, posinf=np.inf)))
    return -1 if np.isnan(rel[worst]) else worst


def needed_rtol(pairing: Pairing, row: int, *, equal_nan: bool) -> float | None:
    """The smallest rtol with which one pair agrees, everything else as it is; None if no rtol helps.

    Args:
        pairing: a judged pairing of two columns.
        row: a row that both sides have.
        equal_nan: NaN equals NaN.
    """
    assert pairing.reference is not None
    assert pairing.candidate is not None
    kind = pairing.kind
    needed = 0.0
    if kind is not Kind.TEXT:
        ours = pairing.reference.values[pairing.reference_rows[row]][None]
        theirs = _converted(pairing.candidate.values[pairing.candidate_rows[row]][None], pairing.factor)
        tolerance = pairing.tolerance
        _, _, needed = _Limit(tolerance.rtol, tolerance.atol, tolerance.ulp).judge(ours, theirs, equal_nan)
    needed = _helping_rtol(pairing, kind, needed, int(pairing.verdict[row] == Verdict.DIVERGES))
    return needed if np.isfinite(needed) else None
