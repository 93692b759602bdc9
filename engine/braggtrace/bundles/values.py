"""The numbers a person asks for first: Miller indices, lattice factors and intensities, per pixel and per phi step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.bundles.places import Json, finite
from braggtrace.trace.model import COUNTERS, Column, Trace

__all__ = [
    "ITERATION",
    "PIXEL",
    "SIDES",
    "Rows",
    "column_of",
    "iteration_rows",
    "per_phi_values",
    "pixel_values",
    "rows_of",
    "sign_changes",
]

PIXEL = (
    "hkl_frac",
    "hkl_rounded",
    "F_latt_a",
    "F_latt_b",
    "F_latt_c",
    "F_latt",
    "F_cell",
    "I_before_scaling",
    "I_pixel_final",
)
"""Quantities of a pixel: those of the inner loop as they were in its first iteration."""

ITERATION = (
    "phi_deg",
    "h_frac",
    "k_frac",
    "l_frac",
    "h0",
    "k0",
    "l0",
    "F_latt_a",
    "F_latt_b",
    "F_latt_c",
    "F_latt",
    "F_cell",
    "I_term",
    "I_running",
)
"""Quantities of one iteration."""

SIDES = ("candidate", "reference", "baseline")

Pixel: TypeAlias = tuple[int, int]
Tics: TypeAlias = tuple[int, ...]
Rows: TypeAlias = dict[Pixel, dict[Tics, int]]
"""For each pixel and place in its loops (`COUNTERS`, what isn't traced counts as 0) the row of a column."""

_LISTED = 3000
_INNER = "PHI"


def _columns(trace: Trace, name: str) -> Iterator[Column]:
    """The columns of a quantity by its name in the catalogue, or as written."""
    for column in trace.columns:
        known = column.quantity
        if column.key.in_pixel and name in (column.key.name, None if known is None else known.name):
            yield column


def column_of(trace: Trace, name: str, *, inner: bool) -> Column | None:
    """The column of a quantity: on the lines of the inner loop, or on lines of its own."""
    columns = [column for column in _columns(trace, name) if (column.key.family == _INNER) == inner]
    if inner:
        return next(iter(columns), None)
    return next((column for column in columns if not column.key.family), next(iter(columns), None))


def rows_of(trace: Trace, column: Column) -> Rows:
    """Where each row of a column belongs; of values at one place the first one."""
    zeros = np.zeros(len(column), dtype=np.int32)
    tics = np.stack([column.tics.get(name, zeros) for name in COUNTERS], axis=1).tolist()
    out: Rows = {}
    for row, (where, place) in enumerate(zip(column.pixel.tolist(), tics, strict=True)):
        slow, fast = (-1, -1) if where < 0 else trace.pixels[where].tolist()
        out.setdefault((slow, fast), {}).setdefault(tuple(place), row)
    return out


def _value(column: Column, row: int) -> float | list[float | None] | None:
    values = [finite(float(value)) for value in column.values[row]]
    return values[0] if len(values) == 1 else values


def pixel_values(trace: Trace, pixels: Sequence[Pixel]) -> dict[Pixel, Json]:
    """The quantities of `PIXEL` for some pixels; null where the trace lacks one."""
    out: dict[Pixel, Json] = {pixel: dict.fromkeys(PIXEL) for pixel in pixels}
    for name in PIXEL:
        column = column_of(trace, name, inner=False) or column_of(trace, name, inner=True)
        if column is None:
            continue
        places = rows_of(trace, column)
        for pixel in pixels:
            rows = places.get(pixel)
            if rows:
                out[pixel][name] = _value(column, rows[min(rows)])
    return out


def iteration_rows(trace: Trace) -> Rows:
    """The iterations that a trace has lines of."""
    column = column_of(trace, "F_latt", inner=True) or column_of(trace, "k_frac", inner=True)
    return {} if column is None else rows_of(trace, column)


def per_phi_values(traces: Mapping[str, Trace], pixels: Sequence[Pixel]) -> tuple[list[Json], int]:
    """The quantities of `ITERATION`, of the candidate and at the same places of the other sides.

    Returns:
        The first iterations of the candidate, and how many more there are.
    """
    own = iteration_rows(traces["candidate"])
    places = [(pixel, tics) for pixel in pixels for tics in sorted(own.get(pixel, {}))]
    shown = places[:_LISTED]
    columns = {
        side: [
            (name, found, rows_of(trace, found)) for name in ITERATION if (found := column_of(trace, name, inner=True))
        ]
        for side, trace in traces.items()
    }
    out = []
    for pixel, tics in shown:
        entry: Json = {"pixel": list(pixel), **dict(zip(COUNTERS, tics, strict=True))}
        for side in SIDES:
            values = {
                name: _value(column, row)
                for name, column, rows in columns.get(side, ())
                if (row := rows.get(pixel, {}).get(tics)) is not None
            }
            entry[side] = values or None
        out.append(entry)
    return out, len(places) - len(shown)


def sign_changes(trace: Trace, pixels: Sequence[Pixel]) -> list[Json]:
    """Where F_latt or one of its factors has another sign than one phi step before."""
    out: list[Json] = []
    for name in ("F_latt", "F_latt_a", "F_latt_b", "F_latt_c"):
        column = column_of(trace, name, inner=True)
        if column is None:
            continue
        places = rows_of(trace, column)
        for pixel in pixels:
            out += _flips(name, pixel, places.get(pixel, {}), column.values[:, 0])
    out.sort(key=lambda flip: (flip["pixel"], flip["phi_tic"]))
    return out


def _flips(name: str, pixel: Pixel, rows: Mapping[Tics, int], values: npt.NDArray[np.float64]) -> Iterator[Json]:
    """The sign changes of one pixel's first layer, subpixel, source and mosaic domain."""
    phi, mos = COUNTERS.index("phi_tic"), COUNTERS.index("mos_tic")
    if not rows:
        return
    first = min(rows)
    line = sorted(
        (tics[phi], row) for tics, row in rows.items() if tics[:phi] == first[:phi] and tics[mos] == first[mos]
    )
    for (_, before), (tic, row) in pairwise(line):
        if values[before] * values[row] < 0:
            yield {"quantity": name, "pixel": list(pixel), "phi_tic": tic}
