"""The numbers a person asks for first: Miller indices, lattice factors and intensities, per pixel and per phi step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from braggtrace.bundles.places import Json, finite
from braggtrace.trace.model import COUNTERS, Column, Trace

__all__ = [
    "ITERATION",
    "PIXEL",
    "SIDES",
    "importance",
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


def per_phi_values(traces: Mapping[str, Trace], entries: Sequence[Json]) -> tuple[list[Json], int]:
    """The quantities of `ITERATION`, of the candidate and at the same places of the other sides.

    Args:
        traces: by side.
        entries: the pixels, with what is known about each.

    Returns:
        The iterations of the candidate in loop order, and how many more there are: where there are too many to list,
        pixels that diverge and bright ones are preferred.
    """
    own = iteration_rows(traces["candidate"])
    ranked = [(entry["pixel"][0], entry["pixel"][1]) for entry in sorted(entries, key=importance)]
    places = [(pixel, tics) for pixel in ranked for tics in sorted(own.get(pixel, {}))]
    shown = sorted(places[:_LISTED])
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


def importance(entry: Mapping[str, Any]) -> tuple[bool, float]:
    """Sorts pixels: those that diverge first, then bright ones."""
    value = (entry["candidate"] or {}).get("I_pixel_final")
    return (not entry["diverging"], -(value or 0.0))


def sign_changes(traces: Mapping[str, Trace], pixels: Sequence[Pixel]) -> list[Json]:
    """Where F_latt or one of its factors has another sign than one phi step before, and if the reference has, too."""
    out: list[Json] = []
    for name in ("F_latt", "F_latt_a", "F_latt_b", "F_latt_c"):
        found = {side: _flips(traces[side], name, pixels) for side in ("candidate", "reference") if side in traces}
        theirs = found.get("reference")
        out += [
            {
                "quantity": name,
                "pixel": [slow, fast],
                "phi_tic": tic,
                "in_reference": None if theirs is None else (slow, fast, tic) in theirs,
            }
            for slow, fast, tic in found["candidate"]
        ]
    out.sort(key=lambda flip: (flip["pixel"], flip["phi_tic"]))
    return out


def _flips(trace: Trace, name: str, pixels: Sequence[Pixel]) -> dict[tuple[int, int, int], None]:
    """Pixel and phi step of the sign changes of each pixel's first layer, subpixel, source and mosaic domain."""
    column = column_of(trace, name, inner=True)
    if column is None:
        return {}
    places, values = rows_of(trace, column), column.values[:, 0]
    phi, mos = COUNTERS.index("phi_tic"), COUNTERS.index("mos_tic")
    out: dict[tuple[int, int, int], None] = {}
    for pixel in pixels:
        rows = places.get(pixel)
        if not rows:
            continue
        first = min(rows)
        line = sorted((t[phi], row) for t, row in rows.items() if t[:phi] == first[:phi] and t[mos] == first[mos])
        out |= {(*pixel, tic): None for (_, before), (tic, row) in pairwise(line) if values[before] * values[row] < 0}
    return out
