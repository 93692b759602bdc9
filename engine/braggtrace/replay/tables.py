"""The values of two traces by node and loop: the tables that steps are replayed on.

A table has one row for each time round a loop, the same on both sides; a value that a side lacks is marked absent.
Only the chosen pixels are in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.compare.model import Comparison, Verdict
from braggtrace.replay.nodes import PLACES, Place
from braggtrace.replay.precision import Precision
from braggtrace.trace.model import Trace

__all__ = ["SIDES", "WORDS", "Book", "Copy", "Recorded", "Side", "Tables", "locate"]

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

SIDES = ("reference", "candidate")
WORDS = ("detector_convention", "detector_pivot", "xtal_shape")
"""Quantities that are words."""


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """The rows of every table.

    Attributes:
        pixels: (p, 2) slow, fast of the chosen pixels; −1 −1 for one without a name.
        keys: the counters of every row, (n, counters) as in `PLACES`, sorted; pixels count from 0.
    """

    pixels: Ints
    keys: Mapping[Place, Ints]
    _maps: dict[tuple[Place, Place], Ints] = field(default_factory=dict)

    def count(self, place: Place) -> int:
        """The rows of a table."""
        return len(self.keys[place])

    def rows(self, source: Place, target: Place) -> Ints:
        """(n,) for each row of `source` the row of `target` that it lies in, −1 where there is none."""
        if (source, target) not in self._maps:
            self._maps[source, target] = self._find(source, target)
        return self._maps[source, target]

    def counter(self, place: Place, name: str) -> Ints | None:
        """(n,) a loop counter of every row, None if the table doesn't have it."""
        names = PLACES[place]
        return self.keys[place][:, names.index(name)] if name in names else None

    def varies(self, place: Place, name: str) -> bool:
        """Whether a loop counter takes more than one value in a table."""
        counter = self.counter(place, name)
        return counter is not None and len(counter) > 0 and bool((counter != counter[0]).any())

    def moved(self, place: Place, name: str, step: int) -> Ints | None:
        """(n,) the row with one counter higher or lower and all others the same, −1 where there is none."""
        if not self.varies(place, name):
            return None
        keys = self.keys[place].copy()
        keys[:, PLACES[place].index(name)] += step
        return locate(self.keys[place], keys)

    def _find(self, source: Place, target: Place) -> Ints:
        wanted, count = PLACES[target], self.count(source)
        if not wanted:
            return np.zeros(count, dtype=np.int64)
        if source is target:
            return np.arange(count)
        here = PLACES[source]
        if not set(wanted) <= set(here):
            return np.full(count, -1, dtype=np.int64)
        return locate(self.keys[target], self.keys[source][:, [here.index(name) for name in wanted]])


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """All values of one node on one side.

    Attributes:
        name: the node.
        place: its table.
        values: (n, width) in the catalogue's unit; nan where absent.
        present: (n,) whether the row was recorded.
        error: (n, width) how far a value may be from what was computed: printed digits and roundings.
        precision: of the column.
        pairing: index of the pairing it stems from, −1 if it was borrowed or computed.
        pair_rows: (n,) row of that pairing, −1 where absent.
    """

    name: str
    place: Place
    values: Floats
    present: Flags
    error: Floats
    precision: Precision
    pairing: int = -1
    pair_rows: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @property
    def width(self) -> int:
        """The number of components."""
        return int(self.values.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class Copy:
    """A second recording of a node: a main line that repeats what a line of the inner loop says.

    Attributes:
        recorded: its values.
        component: which component of the pairing, −1 for all.
    """

    recorded: Recorded
    component: int = -1


@dataclass(slots=True, eq=False)
class Side:
    """One side of the comparison.

    Attributes:
        name: "reference" or "candidate".
        trace: it.
        nodes: the recording of every node with the fullest coordinates.
        copies: further recordings.
        words: text values: the crystal's shape, the pivot, the convention.
        grids: values of the neighbourhood in the table of structure factors, by pixel: (4, 4, 4).
        borrowed: names of the nodes that were taken from the other side.
        repeated: values of a sample occur more than once at a place, so that the trace doesn't place its samples.
    """

    name: str
    trace: Trace
    nodes: dict[str, Recorded] = field(default_factory=dict)
    copies: dict[str, list[Copy]] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    grids: dict[int, Floats] = field(default_factory=dict)
    borrowed: dict[str, None] = field(default_factory=dict)
    repeated: bool = False

    def number(self, name: str) -> float | None:
        """A value of the run, None if the trace has none."""
        node = self.nodes.get(name)
        if node is None or node.place is not Place.RUN or not node.present[0]:
            return None
        return float(node.values[0, 0])

    def flag(self, name: str, default: int = 0) -> int:
        """A whole number of the run."""
        value = self.number(name)
        return default if value is None or not np.isfinite(value) else int(value)


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """Both sides on the same tables.

    Attributes:
        comparison: where they come from.
        tables: the rows.
        reference, candidate: the sides.
        unknown: names that the steps know nothing about, and that diverge.
        diverging: node -> (n,) which rows diverge, where that is no longer what the comparison found.
    """

    comparison: Comparison
    tables: Tables
    reference: Side
    candidate: Side
    unknown: tuple[str, ...]
    diverging: Mapping[str, Flags] = field(default_factory=dict)

    @property
    def sides(self) -> tuple[Side, Side]:
        """Reference and candidate."""
        return self.reference, self.candidate

    def other(self, side: Side) -> Side:
        """The other side."""
        return self.candidate if side is self.reference else self.reference

    def diverges(self, recorded: Recorded) -> Flags:
        """(n,) which rows diverge."""
        if recorded.name in self.diverging:
            return self.diverging[recorded.name]
        out = np.zeros(len(recorded.present), dtype=bool)
        if recorded.pairing >= 0:
            verdict = self.comparison.pairings[recorded.pairing].verdict
            known = recorded.pair_rows >= 0
            out[known] = verdict[recorded.pair_rows[known]] == Verdict.DIVERGES
        return out


def locate(table: Ints, keys: Ints) -> Ints:
    """(m,) the row of a sorted table (n, counters) that each key (m, counters) is, −1 where it is none."""
    if not len(table) or not len(keys):
        return np.full(len(keys), -1, dtype=np.int64)
    ours, theirs = np.zeros(len(table), dtype=np.int64), np.zeros(len(keys), dtype=np.int64)
    found = np.ones(len(keys), dtype=bool)
    for counter in range(table.shape[1]):
        values = np.unique(table[:, counter])
        place = np.minimum(np.searchsorted(values, keys[:, counter]), len(values) - 1)
        found &= values[place] == keys[:, counter]
        both = np.concatenate((ours, theirs)) * len(values)
        both += np.concatenate((np.searchsorted(values, table[:, counter]), place))
        ranks = np.unique(both, return_inverse=True)[1].astype(np.int64)  # small again, whatever the counters are
        ours, theirs = ranks[: len(table)], ranks[len(table) :]
    row = np.minimum(np.searchsorted(ours, theirs), len(table) - 1)
    return np.where(found & (ours[row] == theirs), row, -1)
