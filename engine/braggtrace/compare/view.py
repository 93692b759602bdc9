"""What a face needs from a comparison: one pair in full, the rows of a pixel, totals by pixel, the answer in words.

Everything here is pure, and fast enough to be computed while a key is held down, however large the traces are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.compare.judge import aligned_shares
from braggtrace.compare.model import Comparison, Divergence, MatchedBy, Pairing, Status, Verdict
from braggtrace.compare.numbers import DIGITS, common_digits, ulp_distance
from braggtrace.compare.verdicts import needed_rtol
from braggtrace.quantities import Kind
from braggtrace.trace.model import LOOPS, RUN_LEVEL, Column, Coordinate, Span, Trace
from braggtrace.trace.text import visible

__all__ = [
    "PixelTotals",
    "component_name",
    "coordinate_of",
    "divergence",
    "pixel_totals",
    "rows_of_pixel",
    "sentence",
    "short_coordinate",
]

Indices: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]


def divergence(comparison: Comparison, pairing_index: int, row: int) -> Divergence:
    """One pair of values in full, whatever its verdict.

    Args:
        comparison: where it is from.
        pairing_index: index into `Comparison.pairings`.
        row: row of that pairing.
    """
    pairing = comparison.pairings[pairing_index]
    ours, our_values = _side(comparison.reference, pairing.reference, int(pairing.reference_rows[row]), 1.0)
    theirs, their_values = _side(
        comparison.candidate, pairing.candidate, int(pairing.candidate_rows[row]), pairing.factor
    )
    both = bool(ours and theirs)
    component = _worst_component(ours, our_values, theirs, their_values) if both else 0
    our_value = our_values[component] if ours else math.nan
    their_value = their_values[component] if theirs else math.nan
    is_text = pairing.kind is Kind.TEXT
    equal = our_value == their_value or (both and is_text and ours[component].text == theirs[component].text)
    quantity = pairing.quantity
    return Divergence(
        quantity=pairing.name,
        candidate_name="" if pairing.candidate is None else pairing.candidate.key.name,
        component=component,
        coordinate=coordinate_of(comparison, pairing, row),
        verdict=Verdict(int(pairing.verdict[row])),
        reference=ours,
        candidate=theirs,
        reference_values=our_values,
        candidate_values=their_values,
        abs=0.0 if equal else abs(our_value - their_value),
        rel=float(pairing.rel[row]),
        ulp=ulp_distance(our_value, their_value) if both else None,
        digits=(DIGITS if equal else common_digits(our_value, their_value)) if both else 0,
        smallest_passing_rtol=needed_rtol(pairing, row, equal_nan=comparison.options.equal_nan) if both else None,
        matched_by=pairing.matched_by,
        conversion=pairing.conversion,
        tolerance=pairing.tolerance,
        unit="" if quantity is None else quantity.unit,
    )


def _side(trace: Trace, column: Column | None, row: int, factor: float) -> tuple[tuple[Span, ...], tuple[float, ...]]:
    """The components of one side as written and as numbers in the reference's unit; nothing if it has no value."""
    if column is None or row < 0:
        return (), ()
    path, line = trace.place(int(column.line[row]))
    spans = tuple(Span(trace.text(column, row, component), path, line) for component in range(column.width))
    return spans, tuple(float(value) * factor for value in column.values[row])


def _worst_component(
    ours: tuple[Span, ...], our_values: tuple[float, ...], theirs: tuple[Span, ...], their_values: tuple[float, ...]
) -> int:
    """The component that differs most; one that is no finite number on one side only differs most of all."""
    apart = [
        0.0 if ours[at].text == theirs[at].text or mine == yours else abs(mine - yours)
        for at, (mine, yours) in enumerate(zip(our_values, their_values, strict=True))
    ]
    if not any(apart):  # the same words: NaN on both sides, or equal altogether
        apart = [float(math.isnan(value)) for value in our_values]
    return max(range(len(apart)), key=lambda at: math.inf if math.isnan(apart[at]) else apart[at])


def coordinate_of(comparison: Comparison, pairing: Pairing, row: int) -> Coordinate:
    """Where a pair was taken: all loop counters that either side has traced."""
    pixel = None
    place = int(pairing.pixel[row])
    if place != RUN_LEVEL and comparison.pixels[place, 0] >= 0:
        pixel = (int(comparison.pixels[place, 0]), int(comparison.pixels[place, 1]))
    tics: dict[str, int] = {}
    occurrence = 0
    for column, rows in ((pairing.candidate, pairing.candidate_rows), (pairing.reference, pairing.reference_rows)):
        if column is not None and rows[row] >= 0:
            tics |= {name: int(tic[rows[row]]) for name, tic in column.tics.items()}
            occurrence = max(occurrence, int(column.occurrence[rows[row]]))
    unnamed = place != RUN_LEVEL and pixel is None
    return Coordinate(pixel, tuple((name, tics[name]) for name in LOOPS if name in tics), occurrence, unnamed=unnamed)


def short_coordinate(comparison: Comparison, pairing: Pairing, row: int) -> Coordinate:
    """The coordinate without the loop counters that never change within the pixel."""
    coordinate = coordinate_of(comparison, pairing, row)
    near = _rows_of(pairing, int(pairing.pixel[row]))
    varying = set()
    for column, rows in ((pairing.reference, pairing.reference_rows), (pairing.candidate, pairing.candidate_rows)):
        if column is not None:
            chosen = rows[near][rows[near] >= 0]
            varying |= {name for name, tic in column.tics.items() if tic[chosen].any()}
    tics = tuple((name, tic) for name, tic in coordinate.tics if name in varying)
    return replace(coordinate, tics=tics)


def _rows_of(pairing: Pairing, pixel: int) -> slice:
    """The rows of a pixel, or of the run for `RUN_LEVEL`; rows are sorted by pixel."""
    ends = pairing.pixel.searchsorted(np.array((pixel, pixel + 1), dtype=np.int32))  # the same type: no copy is made
    return slice(int(ends[0]), int(ends[1]))


def rows_of_pixel(comparison: Comparison, pixel: int) -> tuple[Indices, Indices]:
    """Every pair of one pixel, in step order, then in loop order.

    Args:
        comparison: where they are from.
        pixel: index into `Comparison.pixels`; −1 for what belongs to the whole run.

    Returns:
        Each (n,): indices into `Comparison.pairings`, and rows of these pairings.
    """
    pairings, rows = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for index, pairing in enumerate(comparison.pairings):
        near = _rows_of(pairing, pixel)
        if near.stop > near.start:
            rows.append(np.arange(near.start, near.stop, dtype=np.int64))
            pairings.append(np.full(near.stop - near.start, index, dtype=np.int64))
    return np.concatenate(pairings), np.concatenate(rows)


@dataclass(frozen=True, slots=True, eq=False)
class PixelTotals:
    """Totals by pixel; proposed pairings don't count. Parallel to `Comparison.pixels`, each (p,).

    Attributes:
        compared: pairs that both sides have.
        diverge: how many of them diverge.
        missing: values on one side only.
        worst_rel: the largest relative difference, nan where nothing is compared.
        first: index of the pairing that diverges first, −1 where none does.
    """

    compared: Indices
    diverge: Indices
    missing: Indices
    worst_rel: Floats
    first: Indices


def pixel_totals(comparison: Comparison) -> PixelTotals:
    """Compared, diverging and missing values of every pixel, and which quantity diverges first."""
    count = len(comparison.pixels)
    totals = PixelTotals(
        compared=np.zeros(count, dtype=np.int64),
        diverge=np.zeros(count, dtype=np.int64),
        missing=np.zeros(count, dtype=np.int64),
        worst_rel=np.full(count, np.nan),
        first=np.full(count, -1, dtype=np.int64),
    )
    groups: dict[int, _Groups] = {}  # quantities that stand on one kind of line share the array of their pixels
    for index, pairing in enumerate(comparison.pairings):
        if pairing.matched_by is MatchedBy.PROPOSED:
            continue
        group = groups.get(id(pairing.pixel)) or _Groups.of(pairing.pixel, count)
        groups[id(pairing.pixel)] = group
        if len(group.starts):
            _add(totals, index, pairing, group)
    return totals


@dataclass(frozen=True, slots=True, eq=False)
class _Groups:
    """The rows of one array of pixels, grouped by pixel.

    Attributes:
        rows: the rows that belong to pixels, and not to the run.
        starts: (g,) the first row of each pixel, counted from the first of `rows`.
        sizes: (g,) how many rows it has.
        pixels: (g,) the pixels; a slice if it is all of them.
        single: every pixel has one row, so that there is nothing to add up.
    """

    rows: slice
    starts: Indices
    sizes: Indices
    pixels: npt.NDArray[np.int32] | slice
    single: bool

    @classmethod
    def of(cls, pixel: npt.NDArray[np.int32], count: int) -> _Groups:
        begin = int(pixel.searchsorted(np.int32(0)))
        part = pixel[begin:]
        is_start = np.ones(len(part), dtype=bool)
        np.not_equal(part[1:], part[:-1], out=is_start[1:])
        starts = np.flatnonzero(is_start)
        pixels = slice(None) if len(starts) == count else part[starts]
        return cls(slice(begin, None), starts, np.diff(starts, append=len(part)), pixels, len(starts) == len(part))

    def sums(self, flags: npt.NDArray[np.bool_]) -> Indices:
        """(g,) how many rows of each pixel are flagged."""
        flags = flags[self.rows]
        return flags.astype(np.int64) if self.single else np.add.reduceat(flags, self.starts, dtype=np.int64)

    def largest(self, values: Floats) -> Floats:
        """(g,) the largest value of each pixel, nan if it has only nan."""
        values = values[self.rows]
        return values if self.single else np.fmax.reduceat(values, self.starts)


def _add(totals: PixelTotals, index: int, pairing: Pairing, group: _Groups) -> None:
    pixels = group.pixels
    if pairing.counts.diverge:
        diverge = group.sums(pairing.verdict == Verdict.DIVERGES)
        totals.diverge[pixels] += diverge
        totals.first[pixels] = np.where((diverge > 0) & (totals.first[pixels] < 0), index, totals.first[pixels])
    compared = group.sizes
    if pairing.counts.only_reference or pairing.counts.only_candidate:
        missing = group.sums(pairing.verdict >= Verdict.ONLY_REFERENCE)
        totals.missing[pixels] += missing
        compared = compared - missing
    totals.compared[pixels] += compared
    totals.worst_rel[pixels] = np.fmax(totals.worst_rel[pixels], group.largest(pairing.rel))


def component_name(component: int, width: int) -> str:
    """`x`, `y`, `z` of a vector, `row,column` of a 3 × 3 matrix, else the number; "" for a scalar."""
    if width == 1:
        return ""
    if width <= 3:
        return "xyz"[component]
    return f"{component // 3},{component % 3}" if width == 9 else str(component)


def sentence(comparison: Comparison) -> str:
    """The answer in one sentence, without a full stop.

    `rot_b.y diverges first at pixel 92 79, phi_tic 0: rel 3.1e-02 (1 of 17 digits agree)`
    """
    counts = comparison.counts
    diverges = "" if comparison.first is None else _first_in_words(comparison, *comparison.first)
    if comparison.status is Status.DIVERGES:
        return diverges
    missing = counts.only_reference + counts.only_candidate
    one_sided = f"{_values(missing)} on one side only" if missing else ""
    agree = f"{_values(counts.compared)} {'agrees' if counts.compared == 1 else 'agree'}"
    if comparison.status is Status.AGREES:
        return agree + (f", {one_sided}" if one_sided else "")
    if not counts.compared:
        return "nothing could be compared"
    if min(shares := aligned_shares(counts)) < 0.5:
        reason = f"too little could be compared: {shares[0]:.0%} of the reference, {shares[1]:.0%} of the candidate"
        return reason + (f"; {diverges}" if diverges else "; this much agrees")
    return f"{agree}, but {one_sided or 'some lines are unreadable'}"


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count:,} values"


def _first_in_words(comparison: Comparison, index: int, row: int) -> str:
    pair = divergence(comparison, index, row)
    pairing = comparison.pairings[index]
    name = component_name(pair.component, len(pair.reference))
    where = short_coordinate(comparison, pairing, row)
    at = (
        f"at {where}"
        if where.pixel or where.tics or where.occurrence
        else "for the whole run"
        if pairing.pixel[row] < 0
        else ""
    )
    how = f"rel {pair.rel:.1e} ({pair.digits} of {DIGITS} digits agree)"
    if math.isnan(pair.rel) or math.isinf(pair.rel):
        how = f"{pair.reference[pair.component].text} against {pair.candidate[pair.component].text}"
    return visible(
        " ".join(filter(None, (pair.quantity + (f".{name}" if name else ""), "diverges first", at))) + f": {how}"
    )
