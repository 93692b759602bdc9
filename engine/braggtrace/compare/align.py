"""Join two traces on (coordinate, quantity).

A row of the reference and a row of the candidate belong together if they have the same pixel, the same loop counters
(a counter that wasn't traced counts as 0) and the same occurrence. Most pairs of traces have the same rows in the same
order; that is noticed first and costs a comparison of arrays. Anything else is a merge of sorted keys.

A value of the whole run against the same quantity in pixels stands against the value of each pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.errors import UsageError
from braggtrace.trace.model import LOOPS, RUN_LEVEL, Column, Trace

__all__ = ["Joined", "Joiner", "PixelMap", "merge_pixels", "select"]

Rows: TypeAlias = npt.NDArray[np.int32]
Keys: TypeAlias = npt.NDArray[np.int64]

_MISSING = -1
_KEY_LIMIT = 2**62


@dataclass(frozen=True, slots=True, eq=False)
class PixelMap:
    """The pixels of both sides.

    Attributes:
        pixels: (p, 2) slow, fast of every pixel of either trace, in loop order.
        reference: the index in `pixels` of each of the reference's pixels, None where it is the same.
        candidate: likewise.
        notes: what a person should know about it.
    """

    pixels: Rows
    reference: Rows | None = None
    candidate: Rows | None = None
    notes: tuple[str, ...] = ()


def merge_pixels(reference: Rows, candidate: Rows, wanted: Sequence[tuple[int, int]] = ()) -> PixelMap:
    """The pixels of both traces in one list.

    A pixel that a trace doesn't name (−1, −1) is taken for the other side's if both have just one.

    Args:
        reference: (p, 2) slow, fast.
        candidate: (q, 2) slow, fast.
        wanted: only these pixels, () for all.
    """
    if not wanted:
        return _merged(reference, candidate)
    ours, theirs = _is_wanted(reference, wanted), _is_wanted(candidate, wanted)
    merged = _merged(reference[ours], candidate[theirs])
    return replace(merged, reference=_spread(ours, merged.reference), candidate=_spread(theirs, merged.candidate))


def _is_wanted(pixels: Rows, wanted: Sequence[tuple[int, int]]) -> npt.NDArray[np.bool_]:
    """(p,) whether each pixel is wanted; the only pixel of a trace is, if the trace doesn't name it."""
    if len(pixels) == 1 and pixels[0, 0] < 0:
        return np.ones(1, dtype=bool)
    return np.isin(_pixel_keys(pixels), _pixel_keys(np.array(wanted, dtype=np.int64)))


def _spread(chosen: npt.NDArray[np.bool_], places: Rows | None) -> Rows:
    """Places of the chosen pixels as places of all pixels; no row has one of the others."""
    spread = np.zeros(len(chosen), dtype=np.int32)
    spread[chosen] = np.arange(chosen.sum()) if places is None else places
    return spread


def _merged(reference: Rows, candidate: Rows) -> PixelMap:
    if np.array_equal(reference, candidate):
        return PixelMap(reference)
    if len(reference) == len(candidate) == 1 and (reference[0, 0] < 0 or candidate[0, 0] < 0):
        named, side = (candidate, "reference") if reference[0, 0] < 0 else (reference, "candidate")
        where = f"{named[0, 0]} {named[0, 1]}"
        return PixelMap(named, notes=(f"the {side} doesn't name its pixel; it is taken for pixel {where}",))
    keys, place = np.unique(np.concatenate((_pixel_keys(reference), _pixel_keys(candidate))), return_inverse=True)
    pixels = np.stack((keys >> 32, keys.astype(np.int32)), axis=1).astype(np.int32)
    places: Rows = place.astype(np.int32)
    notes = tuple(
        f"the {side} holds values of a pixel that it doesn't name; --pixel SLOW FAST says which one it is"
        for side, ours, theirs in (("reference", reference, candidate), ("candidate", candidate, reference))
        if len(ours) == 1 and ours[0, 0] < 0 and len(theirs)
    )
    return PixelMap(pixels, places[: len(reference)], places[len(reference) :], notes)


def _pixel_keys(pixels: Rows | Keys) -> Keys:
    return (pixels[:, 0].astype(np.int64) << 32) | (pixels[:, 1].astype(np.int64) & 0xFFFFFFFF)


def select(reference: Trace, candidate: Trace, pixels: Sequence[tuple[int, int]]) -> tuple[list[Column], list[Column]]:
    """The columns of both sides, restricted to some pixels and the run; the only, unnamed pixel of a trace stays.

    Args:
        reference: a trace.
        candidate: another.
        pixels: (slow, fast) of the pixels to keep, () for all.

    Raises:
        UsageError: a pixel is in neither trace.
    """
    if not pixels:
        return list(reference.columns), list(candidate.columns)
    for slow, fast in pixels if reference.complete and candidate.complete else ():
        if not any((trace.pixels == (slow, fast)).all(axis=1).any() for trace in (reference, candidate)):
            raise UsageError(f"pixel {slow} {fast} is in neither trace", expected=_some(reference, candidate))
    return _select(reference, pixels), _select(candidate, pixels)


def _some(*traces: Trace) -> str:
    """The first pixels of the traces, for a message."""
    named = np.unique(np.concatenate([trace.pixels for trace in traces]), axis=0)
    named = named[named[:, 0] >= 0]
    words = [f"{slow} {fast}" for slow, fast in named[:5].tolist()]
    return ", ".join(words) + (f", … ({len(named)} pixels)" if len(named) > 5 else "") or "traces with named pixels"


def _select(trace: Trace, pixels: Sequence[tuple[int, int]]) -> list[Column]:
    wanted = np.append(_is_wanted(trace.pixels, pixels), True)  # the last one: RUN_LEVEL
    chosen = (_rows_of(column, np.flatnonzero(wanted[column.pixel])) for column in trace.columns)
    return [column for column in chosen if len(column)]


def _rows_of(column: Column, rows: npt.NDArray[np.intp]) -> Column:
    """A column of some of the rows."""
    if len(rows) == len(column):
        return column
    return replace(
        column,
        pixel=column.pixel[rows],
        tics={name: tic[rows] for name, tic in column.tics.items()},
        occurrence=column.occurrence[rows],
        values=column.values[rows],
        start=column.start[rows],
        length=column.length[rows],
        line=column.line[rows],
    )


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """Which rows of two columns belong together: parallel arrays over n coordinates, sorted by pixel.

    Attributes:
        pixel: (n,) index into `PixelMap.pixels`, −1 at run level.
        reference: (n,) row of the reference's column, −1 where it has none.
        candidate: (n,) row of the candidate's column, −1 where it has none.
    """

    pixel: Rows
    reference: Rows
    candidate: Rows


@dataclass(slots=True)
class Joiner:
    """Joins columns of two traces; remembers what it found out about arrays that columns share."""

    pixels: PixelMap
    _equal: dict[tuple[int, int], bool] = field(default_factory=dict)
    _pixel_of: dict[tuple[int, str], Rows] = field(default_factory=dict)
    _count: Rows = field(default_factory=lambda: np.empty(0, dtype=np.int32))

    def join(self, reference: Column, candidate: Column) -> Joined:
        """The rows of a column of each side that belong together."""
        if reference.key.in_pixel != candidate.key.in_pixel:
            return self._spread_run(reference, candidate)
        if self._has_same_rows(reference, candidate):
            rows = self._first(len(reference))
            return Joined(self._pixel(reference, "reference"), rows, rows)
        return _merge(self._pixel(reference, "reference"), reference, self._pixel(candidate, "candidate"), candidate)

    def alone(self, column: Column, side: str) -> Joined:
        """All rows of a column that the other side lacks; `side` is "reference" or "candidate"."""
        rows, none = self._first(len(column)), np.full(len(column), _MISSING, dtype=np.int32)
        pixel = self._pixel(column, side)
        return Joined(pixel, rows, none) if side == "reference" else Joined(pixel, none, rows)

    def _first(self, count: int) -> Rows:
        """(count,) 0, 1, 2, …: a view, shared by all columns."""
        if len(self._count) < count:
            self._count = np.arange(count, dtype=np.int32)
        return self._count[:count]

    def _pixel(self, column: Column, side: str) -> Rows:
        """(n,) the pixel of each row, as an index into the pixels of both sides."""
        place = self.pixels.reference if side == "reference" else self.pixels.candidate
        if place is None or not column.key.in_pixel:
            return column.pixel
        key = (id(column.pixel), side)
        if key not in self._pixel_of:
            self._pixel_of[key] = place[column.pixel]
        return self._pixel_of[key]

    def _has_same_rows(self, reference: Column, candidate: Column) -> bool:
        if len(reference) != len(candidate):
            return False
        pairs = [(self._pixel(reference, "reference"), self._pixel(candidate, "candidate"))]
        pairs += [(reference.occurrence, candidate.occurrence)]
        for name in LOOPS:
            ours, theirs = reference.tics.get(name), candidate.tics.get(name)
            if ours is not None and theirs is not None:
                pairs.append((ours, theirs))
            elif any(tic is not None and tic.any() for tic in (ours, theirs)):
                return False
        return all(self._same(ours, theirs) for ours, theirs in pairs)

    def _same(self, ours: Rows, theirs: Rows) -> bool:
        key = (id(ours), id(theirs))
        if key not in self._equal:
            self._equal[key] = ours is theirs or np.array_equal(ours, theirs)
        return self._equal[key]

    def _spread_run(self, reference: Column, candidate: Column) -> Joined:
        """A value of the whole run stands against each value in a pixel that has the same loop counters."""
        run, run_side, each, side = reference, "reference", candidate, "candidate"
        if reference.key.in_pixel:
            run, run_side, each, side = each, side, run, run_side
        run_keys, keys = _keys([(run.tics.get(name), each.tics.get(name)) for name in LOOPS], len(run), len(each))
        order = np.argsort(run_keys, kind="stable")
        place = np.searchsorted(run_keys, keys, sorter=order)
        found = order[np.minimum(place, len(order) - 1)]
        hit = run_keys[found] == keys
        unused = np.setdiff1d(np.arange(len(run), dtype=np.int32), found[hit])
        run_rows = np.concatenate((unused, np.where(hit, found, _MISSING))).astype(np.int32)
        rows = np.concatenate((np.full(len(unused), _MISSING, np.int32), self._first(len(each))))
        pixel = np.concatenate((np.full(len(unused), RUN_LEVEL, np.int32), self._pixel(each, side)))
        return Joined(pixel, run_rows, rows) if run_side == "reference" else Joined(pixel, rows, run_rows)


def _merge(reference_pixel: Rows, reference: Column, candidate_pixel: Rows, candidate: Column) -> Joined:
    """Join by sorted keys (pixel, loop counters, occurrence)."""
    parts: list[tuple[Rows | None, Rows | None]] = [(reference_pixel, candidate_pixel)]
    parts += [(reference.tics.get(name), candidate.tics.get(name)) for name in LOOPS]
    parts += [(reference.occurrence, candidate.occurrence)]
    ours, theirs = _keys(parts, len(reference), len(candidate))
    our_order, their_order = _order(ours), _order(theirs)
    ours, theirs = ours[our_order], theirs[their_order]

    place = np.searchsorted(theirs, ours)
    hit = place < len(theirs)
    hit[hit] = theirs[place[hit]] == ours[hit]
    unused = np.ones(len(theirs), dtype=bool)
    unused[place[hit]] = False
    counterpart = np.full(len(ours), _MISSING, dtype=np.int32)
    counterpart[hit] = their_order[place[hit]]

    both = np.argsort(np.concatenate((ours, theirs[unused])), kind="stable")
    none = np.full(int(unused.sum()), _MISSING, dtype=np.int32)
    pixel = np.concatenate((reference_pixel[our_order], candidate_pixel[their_order[unused]]))
    our_rows = np.concatenate((our_order.astype(np.int32), none))
    their_rows = np.concatenate((counterpart, their_order[unused].astype(np.int32)))
    return Joined(pixel[both], our_rows[both], their_rows[both])


def _order(keys: Keys) -> npt.NDArray[np.intp]:
    """The order that sorts; columns are in loop order already, so there is rarely anything to do."""
    if (keys[1:] >= keys[:-1]).all():
        return np.arange(len(keys))
    return np.argsort(keys, kind="stable")


def _keys(parts: Sequence[tuple[Rows | None, Rows | None]], ours: int, theirs: int) -> tuple[Keys, Keys]:
    """One number for each coordinate, ordered like the coordinates, the first part weighing most.

    Args:
        parts: the counters of both sides, (ours,) and (theirs,), None where a side doesn't have one.
        ours: rows of the reference.
        theirs: rows of the candidate.
    """
    keys = np.zeros(ours + theirs, dtype=np.int64)
    extent = 1
    for part in parts:
        if all(counter is None or not counter.any() for counter in part):
            continue
        counter = np.concatenate(
            [np.zeros(n, dtype=np.int64) if c is None else c for c, n in zip(part, (ours, theirs), strict=True)]
        ).astype(np.int64)
        lowest = int(counter.min())
        radix = int(counter.max()) - lowest + 1
        if extent * radix >= _KEY_LIMIT:  # as ranks they fit: counters have 32 bits, and so have row numbers
            keys, extent = _ranks(keys)
        keys *= radix
        keys += counter - lowest
        extent *= radix
    return keys[:ours], keys[ours:]


def _ranks(keys: Keys) -> tuple[Keys, int]:
    """The keys replaced by their rank, and the number of ranks."""
    distinct, rank = np.unique(keys, return_inverse=True)
    return rank.astype(np.int64), len(distinct)
