"""What a phi step of exactly 0 inherits: the evidence of the quirk `stale-phi-zero`, pixel by pixel.

The C program doesn't rotate the cell at a phi of exactly 0; it keeps the vectors of the step before. For the first phi
step of a pixel that is the last one of the pixel before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from braggtrace.bundles.places import Json
from braggtrace.bundles.values import Rows, column_of, rows_of
from braggtrace.trace.model import COUNTERS, Trace

__all__ = ["carryover", "previous_by_roi"]

Pixel = tuple[int, int]
Tics = tuple[int, ...]
Vectors = npt.NDArray[np.float64]

_PHI = COUNTERS.index("phi_tic")
_CELL = ("cell_a_vec_angstroms", "cell_b_vec_angstroms", "cell_c_vec_angstroms")
_ROTATED = ("rot_a_angstroms", "rot_b_angstroms", "rot_c_angstroms")
_SAME = 1e-12


def previous_by_roi(trace: Trace, pixels: list[Pixel]) -> dict[Pixel, Pixel | None]:
    """The pixel before each one, where a trace says only which region is rendered; without a mask, in one thread."""
    roi = next((column for column in trace.columns if column.key.name == "roi" and column.width == 4), None)
    if roi is None:
        return {}
    left, right, first, _ = (int(value) for value in roi.values[0])
    out: dict[Pixel, Pixel | None] = {}
    for slow, fast in pixels:
        if fast > left:
            out[slow, fast] = (slow, fast - 1)
        else:
            out[slow, fast] = (slow - 1, right) if slow > first else None
    return out


@dataclass(frozen=True, slots=True)
class _Cells:
    """The rotated cell of every iteration that is traced, and the one before any rotation."""

    rows: Rows
    vectors: Vectors
    phi_deg: npt.NDArray[np.float64]
    unrotated: Vectors | None

    @classmethod
    def of(cls, trace: Trace) -> _Cells | None:
        columns = [column_of(trace, name, inner=True) for name in (*_ROTATED, "phi_deg")]
        if any(column is None for column in columns):
            return None
        a, b, c, phi = (column for column in columns if column is not None)
        if not len(a) == len(b) == len(c) == len(phi):
            return None
        run = {
            column.key.name: column.values[0] for column in trace.columns if column.key.name in _CELL and len(column)
        }
        unrotated = np.concatenate([run[name] for name in _CELL]) if len(run) == len(_CELL) else None
        return cls(rows_of(trace, a), np.hstack([a.values, b.values, c.values]), phi.values[:, 0], unrotated)


def carryover(trace: Trace, previous: Mapping[Pixel, Pixel | None], pixels: list[Pixel]) -> list[Json]:
    """What the first phi step of exactly 0 of each pixel inherits.

    Args:
        trace: with the rotated cell of each iteration.
        previous: the pixel that is computed before each one, None for the first one of a thread.
        pixels: which to look at.

    Returns:
        One entry a pixel that has such a step; `inherited` says whose vectors these are, `difference` the largest one
        of a component to those [Å], null where there is nothing to compare with.
    """
    cells = _Cells.of(trace)
    if cells is None:
        return []
    out = []
    for pixel in pixels:
        rows = cells.rows.get(pixel, {})
        zero = next((tics for tics in sorted(rows) if cells.phi_deg[rows[tics]] == 0.0), None)
        if zero is not None:
            out.append(_entry(cells, pixel, zero, previous))
    return out


def _entry(cells: _Cells, pixel: Pixel, zero: Tics, previous: Mapping[Pixel, Pixel | None]) -> Json:
    rows = cells.rows[pixel]
    mine = cells.vectors[rows[zero]]
    before: Pixel | None
    if zero[_PHI] > 0:
        source, tic, before = "phi step before", zero[_PHI] - 1, pixel
    else:
        source, tic, before = "previous pixel", max(tics[_PHI] for tics in rows), previous.get(pixel)
    traced = before is not None and before in cells.rows
    shown = cells.rows[before] if before is not None and traced else rows
    other = shown.get((*zero[:_PHI], tic, *zero[_PHI + 1 :]))
    stale = None if other is None else float(np.abs(mine - cells.vectors[other]).max())
    fresh = None if cells.unrotated is None else float(np.abs(mine - cells.unrotated).max())
    scale = float(np.abs(mine).max())
    inherited, difference = "neither", stale
    if fresh is not None and fresh <= _SAME * scale:  # without a rotation both are the same, and nothing is stale
        inherited, difference = "unrotated cell", fresh
    elif stale is not None and stale <= _SAME * scale:
        inherited, difference = source, stale
    known = inherited == "phi step before" or pixel in previous
    return {
        "pixel": list(pixel),
        "phi_tic": zero[_PHI],
        "inherited": inherited,
        "from_pixel": list(before) if before is not None and inherited == source else None,
        "from_phi_tic": tic if inherited == source else None,
        "from_traced": traced if inherited == source else None,
        "previous_known": known,
        "previous": list(before) if before is not None else None,
        "difference": difference,
    }
