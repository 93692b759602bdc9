"""Read two traces into tables: which column is which node, which row belongs where, how exact each value is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.compare.model import Comparison, MatchedBy, Pairing
from braggtrace.compare.units import conversion
from braggtrace.quantities import Kind, Level, lookup
from braggtrace.replay.nodes import PLACES, Node, Place, catalogue_name, node_of, unit_of_node
from braggtrace.replay.precision import DOUBLE, DOUBLE_EPS, Precision, precisions
from braggtrace.replay.tables import WORDS, Book, Copy, Recorded, Side, Tables, locate
from braggtrace.trace.model import LOOPS, RUN_LEVEL, Column

__all__ = ["read_book"]

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

_NOISE = 4.0  # roundings that a step may have made beside the one of its result


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
        target = locate(keys, _key_of(block))
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
