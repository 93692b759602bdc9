"""Where a key leads: the next divergence, the same quantity at the next step, …  Pure functions over frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.compare.model import Comparison, MatchedBy, Pairing, Verdict
from braggtrace.quantities import Level
from braggtrace.trace.model import LOOPS
from braggtrace_tui.frame import ABSENT, Frame, Mask

__all__ = [
    "Series",
    "Target",
    "axes_of",
    "next_diverging_pixel",
    "next_row",
    "next_same",
    "next_step",
    "series_along",
    "steps_of",
]

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Target:
    """A value to go to: a row of a pairing, in a pixel (−1 for the run)."""

    pixel: int
    pairing: int
    row: int


def next_row(wanted: Mask, position: int, direction: int) -> int | None:
    """The next row after (before) a position that is wanted."""
    rows = np.flatnonzero(wanted)
    rows = rows[rows > position] if direction > 0 else rows[rows < position][::-1]
    return int(rows[0]) if len(rows) else None


def next_diverging_pixel(diverging: npt.NDArray[np.integer], pixel: int, direction: int) -> int | None:
    """The next pixel with divergences; `diverging` counts them by pixel."""
    return next_row(diverging > 0, pixel, direction)


def steps_of(frame: Frame) -> list[int]:
    """The groups that are phi and mosaic steps."""
    return [
        number
        for number, key in enumerate(frame.groups)
        if key.level == Level.ITERATION and any(tic != ABSENT for tic in key.tics)
    ]


def next_step(frame: Frame, group: int, row: int | None, direction: int) -> tuple[int, int | None] | None:
    """(group, row) of the same quantity at the next phi or mosaic step; None at the last one."""
    if group >= len(frame.groups):  # on a section: before its first group
        group = int(frame.section_start[group - len(frame.groups)]) - (direction > 0)
    ahead = [step for step in steps_of(frame) if (step > group if direction > 0 else step < group)]
    if not ahead:
        return None
    target = ahead[0] if direction > 0 else ahead[-1]
    if row is None:
        return target, None
    rows = range(int(frame.start[target]), int(frame.start[target + 1]))
    same = next((each for each in rows if frame.pairing[each] == frame.pairing[row]), None)
    if same is None:  # the same quantity may be written by another kind of line
        pairings = frame.comparison.pairings
        wanted = pairings[frame.pairing[row]].quantity
        same = next(
            (each for each in rows if wanted is not None and pairings[frame.pairing[each]].quantity is wanted), None
        )
    return target, int(frame.start[target]) if same is None else same


def next_same(comparison: Comparison, pairing: int, row: int, direction: int) -> Target | None:
    """The next place, in any pixel, where a quantity diverges."""
    pair = comparison.pairings[pairing]
    if pair.matched_by is MatchedBy.PROPOSED:
        return None
    found = next_row(np.asarray(pair.verdict == Verdict.DIVERGES), row, direction)
    return None if found is None else Target(int(pair.pixel[found]), pairing, found)


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Both sides of a quantity along one loop; parallel arrays.

    Attributes:
        axis: the loop counter that varies.
        tics: its values.
        rows: rows of the pairing.
        reference, candidate: the values, nan where a side has none.
        diverges: which pairs diverge.
        current: index of the pair that was asked about.
    """

    axis: str
    tics: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    reference: Floats
    candidate: Floats
    diverges: Mask
    current: int


def _tics(pair: Pairing, rows: npt.NDArray[np.int64], name: str) -> npt.NDArray[np.int64]:
    """A loop counter of some rows; 0 where it was not traced."""
    tics = np.zeros(len(rows), np.int64)
    for column, there in ((pair.candidate, pair.candidate_rows), (pair.reference, pair.reference_rows)):
        if column is not None and name in column.tics:
            has = there[rows] >= 0
            tics[has] = column.tics[name][there[rows[has]]]
    return tics


def axes_of(pair: Pairing, row: int) -> tuple[str, ...]:
    """The loop counters along which a quantity varies around a row: innermost first, phi before the others."""
    near = _same_pixel(pair, row)
    found = [name for name in LOOPS if len(near) > 1 and len(_along(pair, row, name, near)) > 1]
    return tuple(sorted(found, key=lambda name: (name != "phi_tic", name != "mos_tic", -LOOPS.index(name))))


def _same_pixel(pair: Pairing, row: int) -> npt.NDArray[np.int64]:
    return np.flatnonzero(pair.pixel == pair.pixel[row])


def _along(pair: Pairing, row: int, axis: str, near: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    for name in LOOPS:
        if name != axis and len(near):
            tics = _tics(pair, near, name)
            near = near[tics == _tics(pair, np.array([row]), name)[0]]
    tics = _tics(pair, near, axis)
    _, first = np.unique(tics, return_index=True)
    chosen = near[first]
    # A repeated value shares its place with the first one; show the one that was asked about.
    here = _tics(pair, np.array([row]), axis)[0]
    chosen[_tics(pair, chosen, axis) == here] = row
    return chosen


def series_along(pair: Pairing, row: int, component: int, axis: str) -> Series:
    """Both sides of one component along a loop, everything else as at `row`."""
    rows = _along(pair, row, axis, _same_pixel(pair, row))
    sides = []
    for column, there, factor in (
        (pair.reference, pair.reference_rows, 1.0),
        (pair.candidate, pair.candidate_rows, pair.factor),
    ):
        values = np.full(len(rows), np.nan)
        if column is not None and component < column.width:
            has = there[rows] >= 0
            values[has] = column.values[there[rows[has]], component] * factor
        sides.append(values)
    return Series(
        axis=axis,
        tics=_tics(pair, rows, axis),
        rows=rows,
        reference=sides[0],
        candidate=sides[1],
        diverges=np.asarray(pair.verdict[rows] == Verdict.DIVERGES),
        current=int(np.flatnonzero(rows == row)[0]),
    )
