"""Compare two traces: align them, judge every pair, and say which divergence is the first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from braggtrace.compare.align import Joiner, merge_pixels, select
from braggtrace.compare.match import Match, Matched, match_columns
from braggtrace.compare.model import NO_COUNTS, Comparison, Counts, MatchedBy, Pairing, Status
from braggtrace.compare.options import DEFAULT_OPTIONS, Options
from braggtrace.compare.order import Ranking
from braggtrace.compare.propose import propose
from braggtrace.compare.tolerance import Tolerance, Tolerances
from braggtrace.compare.verdicts import Judge, Judged, names_of
from braggtrace.quantities import Level
from braggtrace.trace.model import Column, Trace

__all__ = ["aligned_shares", "compare", "rejudge"]

_ENOUGH = 0.5
"""Less than this share of either side's values aligned is too little to call it agreement."""


def compare(reference: Trace, candidate: Trace, options: Options = DEFAULT_OPTIONS) -> Comparison:
    """Align two traces and judge every pair of values.

    Raises:
        ToleranceError: a tolerance rule matches no quantity.
        MapFileError: the map names a quantity that isn't there, or a unit that can't be converted.
        UsageError: a pixel was asked for that is in neither trace.
    """
    mapping = options.mapping
    complete = reference.complete and candidate.complete  # else what a rule is about may still come
    if complete:
        mapping.check({c.key.name for c in reference.columns}, {c.key.name for c in candidate.columns})
    ours, theirs = select(reference, candidate, options.pixels)
    ours, our_ignored = _without(ours, options)
    theirs, their_ignored = _without(theirs, options)

    pixels = merge_pixels(reference.pixels, candidate.pixels, options.pixels)
    joiner = Joiner(pixels)
    matched = match_columns(ours, theirs, mapping)
    proposals = propose(matched.only_reference, matched.only_candidate, joiner)
    unjudged = _in_step_order(_pairings(matched, proposals, joiner), Ranking(ours, theirs))
    tolerances = options.all_tolerances
    if complete:
        tolerances.check({name for pairing in unjudged for name in names_of(pairing)})

    judge = Judge(reference, candidate, tolerances, options.equal_nan)
    judged = [judge.judge(pairing) for pairing in unjudged]
    notes = [*pixels.notes, *matched.notes()]
    if our_ignored or their_ignored:
        notes.append(
            f"quantities that the map leaves out: {our_ignored} of the reference, {their_ignored} of the candidate"
        )
    comparison = _concluded(
        Comparison(
            reference=reference,
            candidate=candidate,
            status=Status.INCONCLUSIVE,
            first=None,
            worst=None,
            counts=NO_COUNTS,
            smallest_passing_rtol=None,
            pixels=pixels.pixels,
            pairings=(),
            notes=(),
            options=options,
        ),
        judged,
    )
    return replace(comparison, notes=(*_notes(comparison, judged), *notes))


def rejudge(comparison: Comparison, tolerances: Tolerances) -> Comparison:
    """The same comparison by other tolerances, which take the place of those of the command line.

    Nothing is aligned again; where only rtol changes, no value is looked at again.

    Raises:
        ToleranceError: a rule matches no quantity.
    """
    options = replace(comparison.options, tolerances=tolerances)
    rules = options.all_tolerances
    if comparison.reference.complete and comparison.candidate.complete:
        rules.check({name for pairing in comparison.pairings for name in names_of(pairing)})
    judge = Judge(comparison.reference, comparison.candidate, rules, options.equal_nan)
    judged = [judge.rejudge(pairing) for pairing in comparison.pairings]
    return _concluded(replace(comparison, options=options), judged)


def _without(columns: Sequence[Column], options: Options) -> tuple[list[Column], int]:
    """The columns that the map doesn't ignore, and how many it does."""
    kept = [column for column in columns if not options.mapping.ignores(column.key.name)]
    return kept, len(columns) - len(kept)


def _pairings(matched: Matched, proposals: Sequence[Match], joiner: Joiner) -> Iterator[Pairing]:
    """Every quantity with its rows joined; not judged yet."""
    proposed = {id(column) for match in proposals for column in (match.reference, match.candidate)}
    for match in (*matched.pairs, *proposals):
        yield _pairing(match.reference, match.candidate, match, joiner)
    for column in matched.only_reference:
        if id(column) not in proposed:
            yield _pairing(column, None, None, joiner)
    for column in matched.only_candidate:
        if id(column) not in proposed:
            yield _pairing(None, column, None, joiner)


def _pairing(reference: Column | None, candidate: Column | None, match: Match | None, joiner: Joiner) -> Pairing:
    if reference is not None and candidate is not None:
        joined = joiner.join(reference, candidate)
    elif reference is not None:
        joined = joiner.alone(reference, "reference")
    else:
        assert candidate is not None  # a quantity is on one side at least
        joined = joiner.alone(candidate, "candidate")
    return Pairing(
        reference=reference,
        candidate=candidate,
        matched_by=MatchedBy.NONE if match is None else match.matched_by,
        factor=1.0 if match is None else match.conversion.factor,
        conversion="" if match is None else match.conversion.text,
        tolerance=Tolerance(),
        level=Level.RUN,
        order=0,
        pixel=joined.pixel,
        reference_rows=joined.reference,
        candidate_rows=joined.candidate,
        verdict=np.empty(0, dtype=np.uint8),
        rel=np.empty(0),
    )


def _in_step_order(pairings: Iterator[Pairing], ranking: Ranking) -> list[Pairing]:
    ranked = [(ranking.of(pairing.reference, pairing.candidate), pairing) for pairing in pairings]
    ranked.sort(key=lambda pair: pair[0])
    return [replace(pairing, level=rank[0], order=order) for order, (rank, pairing) in enumerate(ranked)]


def _concluded(comparison: Comparison, judged: Sequence[Judged]) -> Comparison:
    """The comparison with its answer."""
    pairings = tuple(each.pairing for each in judged)
    counts = sum((_counted(pairing) for pairing in pairings), NO_COUNTS)
    rtol = max((each.rtol for each in judged if _counts(each.pairing)), default=0.0)
    return replace(
        comparison,
        status=_status(counts, comparison),
        first=_first(pairings),
        worst=_worst(pairings),
        counts=counts,
        smallest_passing_rtol=rtol if np.isfinite(rtol) and counts.compared else None,
        pairings=pairings,
    )


def _counts(pairing: Pairing) -> bool:
    return pairing.matched_by is not MatchedBy.PROPOSED


def _counted(pairing: Pairing) -> Counts:
    """What a pairing adds to the totals: the values of a proposed one are on one side only."""
    if _counts(pairing):
        return pairing.counts
    counts = pairing.counts
    return Counts(0, 0, 0, counts.compared + counts.only_reference, counts.compared + counts.only_candidate)


def aligned_shares(counts: Counts) -> tuple[float, float]:
    """Which part of the reference's values found a counterpart, and of the candidate's: 0 to 1."""
    ours, theirs = counts.compared + counts.only_reference, counts.compared + counts.only_candidate
    return counts.compared / max(ours, 1), counts.compared / max(theirs, 1)


def _status(counts: Counts, comparison: Comparison) -> Status:
    if min(aligned_shares(counts)) < _ENOUGH:
        return Status.INCONCLUSIVE
    if counts.diverge:
        return Status.DIVERGES
    traces = (comparison.reference, comparison.candidate)
    partial = counts.only_reference or counts.only_candidate or any(trace.unreadable_count for trace in traces)
    return Status.INCONCLUSIVE if comparison.options.require_all and partial else Status.AGREES


def _first(pairings: Sequence[Pairing]) -> tuple[int, int] | None:
    """The first divergence: of the run, else of the first pixel that has one; there, the first in step order."""
    firsts = [
        (int(pairing.pixel[pairing.first]), index)
        for index, pairing in enumerate(pairings)
        if pairing.first >= 0 and _counts(pairing)
    ]
    if not firsts:
        return None
    _, index = min(firsts)
    return index, pairings[index].first


def _worst(pairings: Sequence[Pairing]) -> tuple[int, int] | None:
    """The diverging pair with the largest rel; of all pairs if none diverges. The first of equals."""
    counted = [(index, pairing) for index, pairing in enumerate(pairings) if _counts(pairing)]
    diverging = [(index, pairing) for index, pairing in counted if pairing.counts.diverge]
    worst = [
        (float(pairing.rel[pairing.worst]), -index) for index, pairing in diverging or counted if pairing.worst >= 0
    ]
    if not worst:
        return None
    index = -max(worst)[1]
    return index, pairings[index].worst


def _apart(comparison: Comparison) -> Iterator[str]:
    """That the traces are about different pixels, where they are."""
    sides = [trace.pixels[trace.pixels[:, 0] >= 0] for trace in (comparison.reference, comparison.candidate)]
    ours, theirs = sides
    if len(ours) and len(theirs) and not np.isin(_as_one_number(ours), _as_one_number(theirs)).any():
        first = [f"{slow} {fast}" for slow, fast in (ours[0], theirs[0])]
        yield f"no pixel is on both sides: the reference starts at {first[0]}, the candidate at {first[1]} (slow, fast)"


def _as_one_number(pixels: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    return pixels[:, 0].astype(np.int64) << 32 | pixels[:, 1]


def _notes(comparison: Comparison, judged: Sequence[Judged]) -> Iterator[str]:
    """What a person should know about how the answer came about."""
    for trace in (comparison.reference, comparison.candidate):
        if not trace.complete:
            yield f"{trace.name} is still being read: the answer is about what has been read so far"
    yield from _apart(comparison)
    if not comparison.counts.compared:
        yield "no value of one trace has a counterpart in the other"
    elif comparison.status is Status.INCONCLUSIVE:
        for side, share in zip(("reference", "candidate"), aligned_shares(comparison.counts), strict=True):
            if share < _ENOUGH:
                yield f"only {share:.0%} of the {side}'s values have a counterpart"
    both_nan = sum(each.both_nan for each in judged if _counts(each.pairing))
    if both_nan:
        values = "1 value is" if both_nan == 1 else f"{both_nan} values are"
        yield f"{values} NaN on both sides and taken to diverge; --equal-nan takes them to agree"
