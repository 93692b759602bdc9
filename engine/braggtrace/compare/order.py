"""Step order: which quantity comes first in the dataflow.

By level, then by the catalogue. A name that the catalogue doesn't know comes directly after the last known name before
it in the file. Of one quantity, the values at their full coordinates come before those of the first iteration only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from braggtrace.quantities import Level
from braggtrace.trace.model import Column

__all__ = ["Rank", "Ranking"]

Rank: TypeAlias = tuple[Level, int, int, int, int]


class Ranking:
    """The ranks of all columns of two traces."""

    def __init__(self, reference: Sequence[Column], candidate: Sequence[Column]) -> None:
        self._rank = _ranks(reference, 0) | _ranks(candidate, len(reference))

    def of(self, reference: Column | None, candidate: Column | None) -> Rank:
        """The rank of a quantity, given its column on either side or on both.

        A name that the catalogue knows decides over one that it doesn't, values in pixels over those of the run, the
        reference over the candidate.
        """
        columns = [column for column in (reference, candidate) if column is not None]
        best = max(columns, key=lambda column: (column.quantity is not None, column.key.in_pixel))
        level, anchor, unknown, _, position = self._rank[id(best)]
        return (level, anchor, unknown, -max(len(column.tics) for column in columns), position)


def _ranks(columns: Sequence[Column], offset: int) -> dict[int, Rank]:
    """The rank of each column of one trace, which are in step order already."""
    ranks: dict[int, Rank] = {}
    last_known: dict[Level, int] = {}
    for position, column in enumerate(columns):
        known = column.quantity is not None
        if column.quantity is not None:
            last_known[column.level] = column.quantity.order
        anchor = last_known.get(column.level, -1)
        ranks[id(column)] = (column.level, anchor, int(not known), -len(column.tics), offset + position)
    return ranks
