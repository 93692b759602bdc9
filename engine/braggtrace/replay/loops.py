"""What the loops carry along: the sum before each iteration, the last sum, and structure factors seen elsewhere.

These are added to a side as nodes of their own, so that a sum or a look-up is replayed like any other step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.replay.nodes import Place
from braggtrace.replay.precision import DOUBLE, Precision
from braggtrace.replay.tables import Book, Copy, Recorded, Side, Tables

__all__ = ["Seen", "add_carried", "known_factors", "previous_rows"]

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Seen: TypeAlias = Mapping[tuple[int, int, int], float]

_INDICES = ("h0", "k0", "l0")


def add_carried(book: Book) -> None:
    """Add the derived nodes to both sides."""
    for side in book.sides:
        _merge_nearest(side)
        _drop_skipped(side)
        _add_grids(side, book.tables)
        _add_sums(side, book.tables)
    for side in book.sides:
        _add_known(book, side)


def _add_grids(side: Side, tables: Tables) -> None:
    """The neighbourhood in the table belongs to the first iteration of its pixel."""
    owner = tables.rows(Place.ITERATION, Place.PIXEL)
    values = np.full((len(owner), 64), np.nan)
    for pixel, grid in side.grids.items():
        rows = np.flatnonzero(owner == pixel)
        if len(rows) and np.isfinite(grid).all():
            values[rows[0]] = grid.reshape(-1)
    present = np.isfinite(values).all(axis=1)
    if present.any():
        precision = _of_table(values[present])
        error = 4.0 * precision.eps * np.abs(np.nan_to_num(values))
        side.nodes["tricubic_grid"] = Recorded("tricubic_grid", Place.ITERATION, values, present, error, precision)


def _of_table(values: Floats) -> Precision:
    """Whether a table holds float32 numbers: short decimals that are rounded so."""
    single = np.abs(values.astype(np.float32) - values) <= 1e-8 * np.abs(values)
    short = np.abs(np.round(values, 3) - values) <= 1e-12 * np.abs(values)
    return Precision(single=bool(single.all() and not short.all()))


def _merge_nearest(side: Side) -> None:
    """Without interpolation the factor of the nearest reflection is the factor."""
    nearest = side.nodes.get("F_cell_nearest")
    if nearest is None or side.flag("interpolate"):
        return
    del side.nodes["F_cell_nearest"]
    copies = [Copy(replace(each, name="F_cell")) for each in (nearest,)]
    copies += [
        replace(copy, recorded=replace(copy.recorded, name="F_cell")) for copy in side.copies.pop("F_cell_nearest", ())
    ]
    if "F_cell" in side.nodes:
        side.copies.setdefault("F_cell", []).extend(copies)
    else:
        side.nodes["F_cell"] = copies[0].recorded
        side.copies["F_cell"] = copies[1:]


def _drop_skipped(side: Side) -> None:
    """A structure factor that wasn't looked up, because nothing scatters, is written as nan."""
    factor, lattice = side.nodes.get("F_cell"), side.nodes.get("F_latt")
    if factor is None or lattice is None or factor.place is not lattice.place:
        return
    skipped = np.isnan(factor.values[:, 0]) & (lattice.values[:, 0] == 0)
    if skipped.any():
        side.nodes["F_cell"] = replace(factor, present=factor.present & ~skipped)


def previous_rows(tables: Tables, present: Flags) -> Ints:
    """(iterations,) for each recorded row the one recorded before it in its pixel, −1 for the first and for others."""
    rows = np.flatnonzero(present)
    out = np.full(len(present), -1, dtype=np.int64)
    pixel = tables.rows(Place.ITERATION, Place.PIXEL)[rows]
    same = pixel[1:] == pixel[:-1]
    out[rows[1:][same]] = rows[:-1][same]
    return out


def _add_sums(side: Side, tables: Tables) -> None:
    running, start = side.nodes.get("I_running"), side.nodes.get("I_bg")
    if running is None or running.place is not Place.ITERATION:
        return
    before = previous_rows(tables, running.present)
    first = 0.0 if start is None else float(start.values[0, 0])
    has = before >= 0
    values = np.where(has[:, None], running.values[before], first)
    error = np.where(has[:, None], running.error[before], 0.0)
    side.nodes["I_previous"] = Recorded(
        "I_previous", Place.ITERATION, values, running.present, error, running.precision
    )

    owner = tables.rows(Place.ITERATION, Place.PIXEL)
    pixels = tables.count(Place.PIXEL)
    rows = np.flatnonzero(running.present)
    last = np.full(pixels, -1, dtype=np.int64)
    last[owner[rows]] = rows  # the last one wins
    counts = np.bincount(owner[rows], minlength=pixels)
    present = (last >= 0) & _all_traced(side, counts)
    side.nodes["I_last"] = Recorded(
        "I_last", Place.PIXEL, running.values[last], present, running.error[last], running.precision
    )


def _all_traced(side: Side, counts: Ints) -> Flags:
    """(pixels,) whether every iteration of a pixel is in the trace, as far as it tells."""
    traced = side.nodes.get("innermost_iterations")
    if traced is not None and traced.place is Place.PIXEL:
        return np.where(traced.present, traced.values[:, 0] == counts, True)
    expected = side.number("steps")
    return counts >= min(expected or 1.0, 2000.0)


def known_factors(book: Book, side: Side) -> tuple[Seen, Seen]:
    """Structure factors by h, k, l: from neighbourhoods that a trace shows in full, and as used on one side.

    The first holds for both sides: a neighbourhood is read from the table without rounding any index. Where the two
    sides show different ones, only the own one counts.
    """
    exact: dict[tuple[int, int, int], float] = {}
    for each in (book.other(side), side):
        exact.update(_from_grids(each, book.tables))
    return exact, _as_used(side)


def _from_grids(side: Side, tables: Tables) -> dict[tuple[int, int, int], float]:
    out: dict[tuple[int, int, int], float] = {}
    owner = tables.rows(Place.ITERATION, Place.PIXEL)
    fractions = [side.nodes.get(name) for name in ("h_frac", "k_frac", "l_frac")]
    for pixel, grid in side.grids.items():
        corner = []
        for node in fractions:
            rows = np.flatnonzero((owner == pixel) & node.present) if node is not None else np.empty(0, dtype=np.int64)
            if node is None or not len(rows) or not np.isfinite(node.values[rows[0], 0]):
                break
            corner.append(int(np.floor(node.values[rows[0], 0])) - 1)
        if len(corner) == 3:
            h, k, l = corner  # noqa: E741 - an index of crystallography
            out.update(
                {(h + i, k + j, l + m): float(grid[i, j, m]) for i in range(4) for j in range(4) for m in range(4)}
            )
    return out


def _as_used(side: Side) -> dict[tuple[int, int, int], float]:
    """The structure factor that most iterations with the same indices used."""
    factor = side.nodes.get("F_cell")
    indices = [side.nodes.get(name) for name in _INDICES]
    if factor is None or factor.place is not Place.ITERATION:
        return {}
    votes: dict[tuple[int, int, int], dict[float, int]] = {}
    for row in np.flatnonzero(factor.present & np.isfinite(factor.values[:, 0])).tolist():
        key = _indices_at(indices, row)
        if key is not None:
            count = votes.setdefault(key, {})
            value = float(factor.values[row, 0])
            count[value] = count.get(value, 0) + 1
    return {key: max(count, key=lambda value: count[value]) for key, count in votes.items()}


def _indices_at(nodes: list[Recorded | None], row: int) -> tuple[int, int, int] | None:
    values = [np.nan if node is None or not node.present[row] else float(node.values[row, 0]) for node in nodes]
    return (int(values[0]), int(values[1]), int(values[2])) if np.isfinite(values).all() else None


def _add_known(book: Book, side: Side) -> None:
    """The structure factor that is known from elsewhere, for every iteration; see `known_factors`."""
    indices = [side.nodes.get(name) for name in _INDICES]
    if any(node is None or node.place is not Place.ITERATION for node in indices) or side.flag("interpolate"):
        return
    exact, _ = known_factors(book, side)
    bounds, default = side.nodes.get("hkl_range"), side.number("default_F")
    box = None if bounds is None else bounds.values[0]
    only_default = side.number("hkls") == 0.0 and default is not None and bounds is None
    count = book.tables.count(Place.ITERATION)
    values, present = np.full((count, 1), np.nan), np.zeros(count, dtype=bool)
    for row in range(count):
        key = _indices_at(indices, row)
        if key is None:
            continue
        outside = box is not None and any(
            not box[2 * axis] <= index <= box[2 * axis + 1] for axis, index in enumerate(key)
        )
        if default is not None and (outside or only_default):
            values[row], present[row] = default, True
        elif key in exact:
            values[row], present[row] = exact[key], True
    if present.any():
        error = 4.0 * DOUBLE.eps * np.abs(np.nan_to_num(values))
        side.nodes["F_known"] = Recorded("F_known", Place.ITERATION, values, present, error, DOUBLE)
