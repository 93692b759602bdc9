"""The values of two traces by node and loop: the tables that steps are replayed on.

A table has one row for each time round a loop, the same on both sides; a value that a side lacks is marked absent.
Only the chosen pixels are in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.compare.model import Comparison, MatchedBy, Pairing, Verdict
from braggtrace.compare.units import conversion
from braggtrace.quantities import Kind, Level, lookup
from braggtrace.replay.nodes import PLACES, Node, Place, catalogue_name, node_of, unit_of_node
from braggtrace.replay.precision import DOUBLE, DOUBLE_EPS, Precision, precisions
from braggtrace.trace.model import LOOPS, RUN_LEVEL, Column, Trace

__all__ = ["SIDES", "WORDS", "Book", "Copy", "Recorded", "Side", "Tables", "read_book"]

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

SIDES = ("reference", "candidate")
WORDS = ("detector_convention", "detector_pivot", "xtal_shape")
"""Quantities that are words."""
_NOISE = 4.0  # roundings that a step may have made beside the one of its result


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
        return _locate(self.keys[place], keys)

    def _find(self, source: Place, target: Place) -> Ints:
        wanted, count = PLACES[target], self.count(source)
        if not wanted:
            return np.zeros(count, dtype=np.int64)
        if source is target:
            return np.arange(count)
        here = PLACES[source]
        if not set(wanted) <= set(here):
            return np.full(count, -1, dtype=np.int64)
        return _locate(self.keys[target], self.keys[source][:, [here.index(name) for name in wanted]])


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


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """The rows of one column that are looked at: parallel arrays (m,)."""

    side: int
    pairing: int
    column: Column
    node: Node
    rows: Ints
    pair_rows: Ints
    counters: Mapping[str, Ints]


def read_book(comparison: Comparison, pixels: Sequence[int]) -> Book:
    """Put the values of the run and of some pixels into tables.

    Args:
        comparison: two aligned traces.
        pixels: indices into `Comparison.pixels`.
    """
    local = np.full(len(comparison.pixels) + 1, -1, dtype=np.int64)
    local[np.asarray(pixels, dtype=np.int64)] = np.arange(len(pixels))
    blocks: list[_Block] = []
    unknown: list[str] = []
    sides = (Side("reference", comparison.reference), Side("candidate", comparison.candidate))
    for index, pairing in enumerate(comparison.pairings):
        found = list(_blocks(index, pairing, local, comparison.options.mapping.units))
        blocks += found
        known = pairing.quantity is not None and pairing.quantity.name in WORDS
        if not found and not known and pairing.counts.diverge and _is_counted(pairing):
            unknown.append(pairing.name)
        _read_words(sides, index, pairing)
        _notice_repeats(sides, pairing)
    coordinates = comparison.pixels[np.asarray(pixels, dtype=np.int64)].astype(np.int64).reshape(-1, 2)
    tables = Tables(coordinates, _keys(blocks, len(pixels)))
    for number, side in enumerate(sides):
        own = [block for block in blocks if block.side == number]
        exact = precisions(side.trace, [block.column for block in own])
        for block in sorted(own, key=lambda block: -len(block.column.tics)):
            _add(side, tables, block, exact.get(id(block.column), DOUBLE))
        _read_grids(side, comparison, number, local)
    return Book(comparison, tables, *sides, tuple(unknown))


def _is_counted(pairing: Pairing) -> bool:
    """Whether a pairing counts, and is no part of a table that is read in another way."""
    columns = (pairing.reference, pairing.candidate)
    families = {column.key.family for column in columns if column is not None}
    return pairing.matched_by is not MatchedBy.PROPOSED and families != {"TRICUBIC"}


def _blocks(index: int, pairing: Pairing, local: Ints, units: Mapping[str, str]) -> Iterator[_Block]:
    """The rows of both columns of a pairing that belong to the run or to a chosen pixel."""
    pixel = np.where(pairing.pixel >= 0, local[pairing.pixel], RUN_LEVEL)
    wanted = (pixel >= 0) | (pairing.pixel == RUN_LEVEL)
    for side, (column, rows) in enumerate(
        ((pairing.reference, pairing.reference_rows), (pairing.candidate, pairing.candidate_rows))
    ):
        node = None if column is None else node_of(column)
        if column is None or node is None:
            continue
        chosen = np.flatnonzero(wanted & (rows >= 0))
        if not len(chosen):
            continue
        chosen = chosen[column.occurrence[rows[chosen]] == 0]
        of_column = rows[chosen].astype(np.int64)
        counters = {name: tic[of_column].astype(np.int64) for name, tic in column.tics.items()}
        counters["pixel"] = pixel[chosen]
        if side == 1 and column.key.name in units:
            into = conversion(units[column.key.name], unit_of_node(node))
            node = node if into is None else replace(node, factor=into.factor)
        yield _Block(side, index, column, node, of_column, chosen, counters)


def _keys(blocks: Sequence[_Block], pixels: int) -> dict[Place, Ints]:
    """The rows of all tables: whatever either side recorded, and the loops around it."""
    found: dict[Place, list[Ints]] = {place: [] for place in Place}
    seen: set[tuple[object, ...]] = set()
    for block in blocks:
        kind = (block.node.place, block.side, *(id(tic) for tic in block.column.tics.values()), len(block.rows))
        if kind in seen and block.column.tics:
            continue  # quantities of one kind of line share their counters
        seen.add(kind)
        found[block.node.place].append(_key_of(block))
    iterations = _unique(found[Place.ITERATION], Place.ITERATION)
    samples = _unique([*found[Place.SAMPLE], iterations[:, :5]], Place.SAMPLE)
    return {
        Place.RUN: np.zeros((1, 0), dtype=np.int64),
        Place.SOURCE: _unique(found[Place.SOURCE], Place.SOURCE),
        Place.MOSAIC: _unique(found[Place.MOSAIC], Place.MOSAIC),
        Place.PIXEL: np.arange(pixels, dtype=np.int64)[:, None],
        Place.SAMPLE: samples,
        Place.ITERATION: iterations,
    }


def _key_of(block: _Block) -> Ints:
    """(m, counters) where each row of a block lies; a counter that wasn't traced counts as 0."""
    zero = np.zeros(len(block.rows), dtype=np.int64)
    names = PLACES[block.node.place]
    if not names:
        return np.zeros((len(block.rows), 0), dtype=np.int64)
    return np.stack([block.counters.get(name, zero) for name in names], axis=1)


def _locate(table: Ints, keys: Ints) -> Ints:
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


def _unique(parts: Sequence[Ints], place: Place) -> Ints:
    width = len(PLACES[place])
    everything = np.concatenate([*parts, np.empty((0, width), dtype=np.int64)])
    if len(everything) and place in (Place.SAMPLE, Place.ITERATION):
        everything = everything[everything[:, 0] >= 0]
    return np.unique(everything, axis=0)


def _add(side: Side, tables: Tables, block: _Block, precision: Precision) -> None:
    """Add a column to a side, as the recording of its nodes or as a copy."""
    place = block.node.place
    keys = tables.keys[place]
    if place is Place.RUN:
        target = np.zeros(min(len(block.rows), 1), dtype=np.int64)
        chosen = np.arange(len(target))
    else:
        target = _locate(keys, _key_of(block))
        chosen = np.flatnonzero(target >= 0)
        target = target[chosen]
    if not len(chosen):
        return
    values = np.full((len(keys), block.column.width), np.nan)
    written = block.column.values[block.rows[chosen]]
    values[target] = written * block.node.factor
    error = np.zeros_like(values)
    error[target] = precision.printed(written) * abs(block.node.factor)
    present = np.zeros(len(keys), dtype=bool)
    present[target] = True
    pair_rows = np.full(len(keys), -1, dtype=np.int64)
    pair_rows[target] = block.pair_rows[chosen]
    names = block.node.names
    for component, name in enumerate(names):
        part = slice(None) if len(names) == 1 else slice(component, component + 1)
        recorded = Recorded(name, place, values[:, part], present, error[:, part], precision, block.pairing, pair_rows)
        recorded = _with_noise(recorded)
        if name in side.nodes:
            side.copies.setdefault(name, []).append(Copy(recorded, component if len(names) > 1 else -1))
        else:
            side.nodes[name] = recorded


def _with_noise(recorded: Recorded) -> Recorded:
    """Add what roundings may have changed, relative to the largest component; whole numbers are exact."""
    row = lookup(catalogue_name(recorded.name))
    if row is not None and row.kind is Kind.INTEGER:
        return replace(recorded, error=np.zeros_like(recorded.error))
    with np.errstate(invalid="ignore"):
        scale = np.max(np.abs(np.where(np.isfinite(recorded.values), recorded.values, 0.0)), axis=1, initial=0.0)
    eps = max(recorded.precision.eps, DOUBLE_EPS)
    return replace(recorded, error=recorded.error + _NOISE * eps * scale[:, None])


def _read_words(sides: tuple[Side, Side], index: int, pairing: Pairing) -> None:
    """Keep words of the run. As a node a word is a number: 0, or 1 for the candidate's where it is another one."""
    columns = (pairing.reference, pairing.candidate)
    names = [None if column is None or column.quantity is None else column.quantity.name for column in columns]
    texts = [
        side.trace.text(column, 0, 0).strip().upper() if column is not None and column.is_text and len(column) else ""
        for side, column in zip(sides, columns, strict=True)
    ]
    for number, (side, name, text) in enumerate(zip(sides, names, texts, strict=True)):
        if name not in WORDS or not text or name in side.words:
            continue
        side.words[name] = text
        code = float(number and texts[0] != text)
        side.nodes[name] = Recorded(
            name,
            Place.RUN,
            np.array([[code]]),
            np.ones(1, dtype=bool),
            np.zeros((1, 1)),
            DOUBLE,
            index,
            np.zeros(1, int),
        )


def _notice_repeats(sides: tuple[Side, Side], pairing: Pairing) -> None:
    for side, column in zip(sides, (pairing.reference, pairing.candidate), strict=True):
        if column is not None and column.quantity is not None and column.quantity.level is Level.SAMPLE:
            side.repeated |= bool(column.occurrence.any())


def _read_grids(side: Side, comparison: Comparison, number: int, local: Ints) -> None:
    """The neighbourhoods in the table of structure factors."""
    for pairing in comparison.pairings:
        column, rows = (
            (pairing.reference, pairing.reference_rows) if not number else (pairing.candidate, pairing.candidate_rows)
        )
        if column is None or column.key.name != "tricubic_grid" or not {"i", "j", "k"} <= set(column.tics):
            continue
        chosen = np.flatnonzero((rows >= 0) & (pairing.pixel >= 0))
        pixel = local[pairing.pixel[chosen]]
        i, j, k = (column.tics[name][rows[chosen]] for name in LOOPS[-3:])
        inside = (pixel >= 0) & (np.minimum(np.minimum(i, j), k) >= 0) & (np.maximum(np.maximum(i, j), k) < 4)
        for where in np.unique(pixel[inside]):
            here = inside & (pixel == where)
            grid = np.full((4, 4, 4), np.nan)
            grid[i[here], j[here], k[here]] = column.values[rows[chosen[here]], 0]
            side.grids[int(where)] = grid
