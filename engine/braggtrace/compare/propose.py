"""Propose which left-over quantities could be the same, because their values are.

A proposal is an offer to a person who writes a map file: it is shown, and it is never counted.
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from braggtrace.compare.align import Joiner
from braggtrace.compare.match import Match
from braggtrace.compare.model import MatchedBy
from braggtrace.compare.numbers import difference
from braggtrace.compare.tolerance import DEFAULTS
from braggtrace.quantities import Kind
from braggtrace.trace.model import Column

__all__ = ["propose"]

_RTOL = DEFAULTS[Kind.REAL].rtol
_SMALL_COUNT = 1000  # smaller whole numbers are flags and counts, which are often equal by chance
_MOST_TRIED = 200
_LOOKED_AT = 1 << 16  # rows that decide whether a column's values are telling


def propose(reference: Sequence[Column], candidate: Sequence[Column], joiner: Joiner) -> list[Match]:
    """Pairs of left-over columns with equal values.

    Args:
        reference: the reference's columns that found no counterpart.
        candidate: likewise.
        joiner: joins their rows.
    """
    by_first: dict[tuple[int, bool], list[tuple[float, int]]] = defaultdict(list)
    theirs = [column for column in candidate if _is_telling(column)]
    for position, column in enumerate(theirs):
        by_first[column.width, column.key.in_pixel].append((float(column.values[0, 0]), position))
    for entries in by_first.values():
        entries.sort()
    used: set[int] = set()
    proposals = []
    for ours in filter(_is_telling, reference):
        first = float(ours.values[0, 0])
        entries = by_first.get((ours.width, ours.key.in_pixel), [])
        reach = 2 * _RTOL * abs(first)
        begin = bisect.bisect_left(entries, (first - reach, -1))
        end = bisect.bisect_right(entries, (first + reach, len(theirs)))
        for _, position in entries[begin : min(end, begin + _MOST_TRIED)]:
            if position not in used and _is_equal(ours, theirs[position], joiner):
                used.add(position)
                proposals.append(Match(ours, theirs[position], MatchedBy.PROPOSED))
                break
    return proposals


def _is_telling(column: Column) -> bool:
    """Whether equal values mean something: 0, 1 and small counts don't."""
    if column.is_text or not len(column) or not np.isfinite(column.values[0]).all():
        return False
    values = column.values[:_LOOKED_AT]
    return bool(((values != np.rint(values)) | (np.abs(values) >= _SMALL_COUNT)).any())


def _is_equal(ours: Column, theirs: Column, joiner: Joiner) -> bool:
    """Whether most rows have a counterpart, and all of these are equal."""
    if ours.level != theirs.level:
        return False
    joined = joiner.join(ours, theirs)
    both = (joined.reference >= 0) & (joined.candidate >= 0)
    if 2 * int(both.sum()) < len(both):
        return False
    reference, candidate = ours.values[joined.reference[both]], theirs.values[joined.candidate[both]]
    _, _, rel = difference(reference, candidate, equal_nan=True)
    return bool((rel <= _RTOL).all())
