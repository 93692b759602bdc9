"""Roots: where a divergence originates, on which side, and which quantities inherit it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.compare.model import Verdict
from braggtrace.replay.ancestry import ALONE
from braggtrace.replay.judge import Judged, Judgement
from braggtrace.replay.nodes import Place
from braggtrace.replay.quirks import Fit
from braggtrace.replay.tables import SIDES, Copy, Recorded, Side
from braggtrace.replay.tree import UNKNOWN_SIDE, Origin, Tree

__all__ = ["find_origins"]

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Bits: TypeAlias = npt.NDArray[np.uint64]

_MOST = 60  # roots: one bit each
_FAR = 1e3  # times what digits allow: no rounding, although it may be within tolerance


def find_origins(judgement: Judgement, fits: Sequence[Fit]) -> Tree:
    """Classify every node, in dataflow order.

    Args:
        judgement: every node of both sides against its replay.
        fits: the quirks that sides show.
    """
    finder = _Finder(judgement, fits)
    for name in judgement.order:
        finder.visit(name)
    return finder.tree()


class _Finder:
    """Walks the nodes and carries the taint along."""

    def __init__(self, judgement: Judgement, fits: Sequence[Fit]) -> None:
        self.judgement, self.fits = judgement, fits
        self.book = judgement.book
        self.origins: list[Origin] = []
        self.taint: dict[str, Bits] = {}
        self.differs: dict[str, Flags] = {}
        self.rounding: dict[str, int] = {}
        self.masked: dict[str, int] = {}
        self.unverified: dict[str, tuple[str, ...]] = {}
        self.shared = np.logical_and(*(_traced_pixels(judgement, side) for side in self.book.sides))

    def visit(self, name: str) -> None:
        pair = [self.judgement.of(side, name) for side in self.book.sides]
        ours, theirs = pair
        some = ours or theirs
        assert some is not None  # it is in the order because a side recorded it
        count = len(some.recorded.present)
        diverges = self.book.diverges(some.recorded)
        for judged in pair:
            if judged is not None:
                diverges = diverges & judged.recorded.present
        self.differs[name] = differs = _differs(ours, theirs)
        inherited = self._inherited(name, pair, count)
        own = np.zeros(count, dtype=np.uint64)
        joint = self._joint(name, ours, theirs)
        for side, judged in zip(self.book.sides, pair, strict=True):
            if judged is None:
                continue
            wrong = judged.wrong & ~joint & self._in_both(judged.recorded.place)
            if joint.any() and (judged.wrong & joint).any():
                self.masked[name] = int((judged.wrong & joint).sum())
            if wrong.any():
                own |= self._add(name, side, judged, wrong, diverges)
        unjudged = self._beyond_roundings(pair, diverges) & (own == 0)
        unjudged &= ~np.logical_and.reduce([each.known for each in pair if each is not None])
        if unjudged.any():
            own |= self._unjudged(name, pair, unjudged, inherited)
        mask = differs | (own != 0)
        self.taint[name] = np.where(mask, inherited | own, np.uint64(0))
        if name == "I_running":
            self._accumulate(name)
        printed = [origin.rows for origin in self.origins if origin.node == name]
        without = diverges & (self.taint[name] == 0) & ~np.logical_or.reduce([np.zeros(count, dtype=bool), *printed])
        if without.any():
            self.rounding[name] = int(without.sum())
        for side in self.book.sides:
            self._visit_copies(name, side)

    def _beyond_roundings(self, pair: Sequence[Judged | None], diverges: Flags) -> Flags:
        """(n,) rows that diverge, or that are within tolerance although no rounding explains the difference."""
        ours, theirs = pair
        far = diverges if ours is None or theirs is None else diverges | _differs(ours, theirs, _FAR)
        for judged in pair:
            if judged is not None:
                far = far & judged.recorded.present
        return far

    def _in_both(self, place: Place) -> Flags:
        """(n,) rows of pixels that both sides traced: in any other nothing can diverge."""
        owner = self.book.tables.rows(place, Place.PIXEL)
        if not len(self.shared):
            return np.ones(len(owner), dtype=bool)
        return np.asarray((owner < 0) | self.shared[np.maximum(owner, 0)])

    def _visit_copies(self, name: str, side: Side) -> None:
        """A line that repeats a value must repeat it."""
        first = side.nodes.get(name)
        for copy in side.copies.get(name, ()) if first is not None else ():
            assert first is not None
            recorded = copy.recorded
            with np.errstate(invalid="ignore"):
                same = np.abs(recorded.values - first.values) <= 2 * (recorded.error + first.error)
            same |= (recorded.values == first.values) | (np.isnan(recorded.values) & np.isnan(first.values))
            rows = ~same.all(axis=1) & recorded.present & first.present & self._copy_diverges(copy)
            if rows.any() and len(self.origins) < _MOST:
                self.origins.append(Origin(name, side.name, rows, printed_only=True, copy=copy))

    def _copy_diverges(self, copy: Copy) -> Flags:
        recorded = copy.recorded
        verdict = self.book.comparison.pairings[recorded.pairing].verdict
        out = np.zeros(len(recorded.present), dtype=bool)
        known = recorded.pair_rows >= 0
        out[known] = verdict[recorded.pair_rows[known]] == Verdict.DIVERGES
        return out

    def _add(self, name: str, side: Side, judged: Judged, wrong: Flags, diverges: Flags) -> Bits:
        """A new origin; its bits on the rows where later steps feel it."""
        known, wrong = self._known_inside(side, name, judged, wrong)
        if not wrong.any():
            return known
        inherited = self._inherited(name, [judged], len(wrong)) != 0
        printed = bool(judged.printed_only[wrong].all())
        other = self.judgement.of(self.book.other(side), name)
        # Where both sides say the same although the inputs differ, this fault undoes what was inherited.
        undone = wrong & _agrees_wrongly(judged, other) & inherited
        rows = wrong & (diverges | ~_agrees_wrongly(judged, other)) | undone
        if not rows.any() or len(self.origins) >= _MOST:
            self.masked[name] = int(wrong.sum())
            return known
        bit = np.uint64(1 << len(self.origins))
        quirk = next((fit.quirk for fit in self.fits if self._explains(fit, side, name, rows)), "")
        origin = Origin(name, side.name, rows, printed, masked=not (rows & diverges).any(), quirk=quirk)
        origin.undoes = bool(undone.any())
        self.origins.append(origin)
        return known | np.where(rows & (not printed), bit, np.uint64(0))

    def _known_inside(self, side: Side, name: str, judged: Judged, wrong: Flags) -> tuple[Bits, Flags]:
        """Rows that are wrong because a step inside their replay, not traced there, is an origin elsewhere.

        Returns:
            The bits of these origins, and the rows that are left.
        """
        bits, left = np.zeros(len(wrong), dtype=np.uint64), wrong.copy()
        asked = self.judgement.replayer.asked(side, name)
        assert judged.replay is not None
        for number, origin in enumerate(self.origins):
            inside = judged.replay.inner.get(origin.node)
            if asked is not None and asked.target == origin.node != name:
                inside = wrong  # the end of a pixel, where another sample's value is kept
            if inside is None or origin.side != side.name or origin.printed_only:
                continue
            rows = left & inside
            bits |= np.where(rows, np.uint64(1 << number), np.uint64(0))
            left &= ~rows
        return bits, left

    def _explains(self, fit: Fit, side: Side, name: str, rows: Flags) -> bool:
        explained = fit.explained[side.name].get(name)
        return explained is not None and bool(explained[rows].all())

    def _unjudged(self, name: str, pair: list[Judged | None], rows: Flags, inherited: Bits) -> Bits:
        """Rows that diverge and that can't be replayed on both sides: inherited if anything before them differs."""
        missing: dict[str, None] = {}
        for judged in pair:
            if judged is not None and judged.replay is not None:
                missing.update(judged.replay.missing)
        upstream = self._upstream(name, len(rows))
        replayed = [each.replay.have for each in pair if each is not None and each.replay is not None]
        if len(replayed) == len(pair):  # then what it comes from is known
            upstream = np.where(np.logical_and.reduce(replayed), inherited, upstream)
        rows = rows & (self.differs[name] | (inherited != 0) | (upstream != 0))
        follows = rows & ((inherited != 0) | (upstream != 0))
        if follows.any():
            self.unverified[name] = tuple(missing)
        first = rows & ~follows
        own = np.where(follows, upstream, np.uint64(0))
        if first.any() and len(self.origins) < _MOST:
            bit = np.uint64(1 << len(self.origins))
            masked = not (first & self.book.diverges(next(each for each in pair if each is not None).recorded)).any()
            self.origins.append(Origin(name, UNKNOWN_SIDE, first, masked=masked, missing=tuple(missing)))
            own |= np.where(first, bit, np.uint64(0))
        return own

    def _upstream(self, name: str, count: int) -> Bits:
        """(n,) bits of every recorded node that the node may come from, whatever lies between."""
        bits = np.zeros(count, dtype=np.uint64)
        if name in ALONE and "xtal_shape" in self.taint:  # of another shape the factors are not defined
            bits |= self.taint["xtal_shape"][0]
        for side in self.book.sides:
            asked = self.judgement.replayer.asked(side, name)
            if asked is None:
                continue
            for each in self.judgement.replayer.ancestry(asked.target):
                bits |= self._bits_of(each, asked.place, asked.rows)
        return bits

    def _inherited(self, name: str, pair: Sequence[Judged | None], count: int) -> Bits:
        """(n,) bits of the inputs that differ."""
        bits = np.zeros(count, dtype=np.uint64)
        for side in self.book.sides:
            judged = self.judgement.of(side, name)
            if judged not in pair:
                continue
            asked = self.judgement.replayer.asked(side, name)
            if judged is None or judged.replay is None or asked is None:
                continue
            for each in judged.replay.inputs:
                if not (each in judged.used and self._is_printed_only(side, each)):
                    bits |= self._bits_of(each, asked.place, asked.rows)
        return bits

    def _is_printed_only(self, side: Side, name: str) -> bool:
        judged = self.judgement.of(side, name)
        return judged is not None and bool(judged.printed_only.any())

    def _bits_of(self, name: str, place: Place, rows: npt.NDArray[np.int64]) -> Bits:
        """(n,) the bits of a node, seen from rows of another table."""
        tables = self.book.tables
        none = np.zeros(len(rows), dtype=np.uint64)
        if name == "F_known":
            return (
                self._bits_of("h0", place, rows) | self._bits_of("k0", place, rows) | self._bits_of("l0", place, rows)
            )
        if name == "I_last":
            return self._last_bits(rows)
        if name not in self.taint:
            return none
        where = tables.rows(place, self._place(name))
        if not len(where):
            return none
        at = np.where(rows >= 0, where[np.maximum(rows, 0)], -1)
        return np.where(at >= 0, self.taint[name][np.maximum(at, 0)], np.uint64(0)) if len(self.taint[name]) else none

    def _place(self, name: str) -> Place:
        return next(side.nodes[name].place for side in self.book.sides if name in side.nodes)

    def _last_bits(self, rows: npt.NDArray[np.int64]) -> Bits:
        """(pixels,) the bits of the last running sum."""
        bits = np.zeros(len(rows), dtype=np.uint64)
        if "I_running" in self.taint:
            owner = self.book.tables.rows(Place.ITERATION, Place.PIXEL)
            bits[owner] = self.taint["I_running"]  # the last one wins
        return bits

    def _accumulate(self, name: str) -> None:
        """A running sum inherits from everything before it in its pixel, as long as it differs."""
        owner = self.book.tables.rows(Place.ITERATION, Place.PIXEL)
        taint, differs = self.taint[name], self.differs[name]
        for pixel in np.unique(owner):
            rows = np.flatnonzero(owner == pixel)
            collected = np.bitwise_or.accumulate(taint[rows])
            taint[rows] = np.where(differs[rows], collected, taint[rows])

    def _joint(self, name: str, ours: Judged | None, theirs: Judged | None) -> Flags:
        """(n,) rows that are wrong on both sides in the same way: by the same quirk, or by the same departure."""
        if ours is None or theirs is None or ours.replay is None or theirs.replay is None:
            some = ours or theirs
            return np.zeros(0 if some is None else len(some.recorded.present), dtype=bool)
        both = ours.wrong & theirs.wrong
        joint = np.zeros(len(both), dtype=bool)
        if not (ours.wrong | theirs.wrong).any():
            return joint
        for fit in self.fits:
            for side, other in (SIDES, SIDES[::-1]):
                explained, allowed = fit.explained[side].get(name), fit.allowed[other].get(name)
                if explained is not None and allowed is not None and fit.status(other) != "off":
                    joint |= explained & allowed
        with np.errstate(all="ignore"):
            difference = (ours.recorded.values - ours.replay.values) - (theirs.recorded.values - theirs.replay.values)
            room = ours.tolerance + theirs.tolerance
            same = (np.abs(difference) <= room).all(axis=1)
            ratio = ours.recorded.values * theirs.replay.values - theirs.recorded.values * ours.replay.values
            scale = np.abs(theirs.replay.values) * ours.tolerance + np.abs(ours.replay.values) * theirs.tolerance
            same |= (np.abs(ratio) <= 2 * scale).all(axis=1)
        return joint | (both & same)

    def tree(self) -> Tree:
        """Count what inherits from each origin, and drop the ones without any consequence."""
        for name, taint in self.taint.items():
            recorded = self._some(name)
            diverges = self.book.diverges(recorded)
            for number, origin in enumerate(self.origins):
                rows = diverges & ((taint & np.uint64(1 << number)) != 0)
                if rows.any() and origin.node != name:
                    origin.inherited[name] = int(rows.sum())
        idle = [
            number
            for number, origin in enumerate(self.origins)
            if origin.masked and not origin.inherited and not origin.undoes
        ]
        return Tree(self.origins, self.taint, self.rounding, self.masked, self.unverified).without(idle)

    def _some(self, name: str) -> Recorded:
        return next(side.nodes[name] for side in self.book.sides if name in side.nodes)


def _traced_pixels(judgement: Judgement, side: Side) -> Flags:
    """(pixels,) which pixels a side has anything of."""
    tables = judgement.book.tables
    traced = np.zeros(tables.count(Place.PIXEL), dtype=bool)
    for node in side.nodes.values():
        owner = tables.rows(node.place, Place.PIXEL)
        if node.pairing >= 0 and len(owner):
            traced[owner[node.present & (owner >= 0)]] = True
    return traced


def _differs(ours: Judged | None, theirs: Judged | None, times: float = 1.0) -> Flags:
    """(n,) rows that differ by more than some times what their digits allow, or that one side lacks."""
    if ours is None or theirs is None:
        some = ours or theirs
        assert some is not None
        return np.ones(len(some.recorded.present), dtype=bool)
    first, second = ours.recorded, theirs.recorded
    with np.errstate(invalid="ignore"):
        same = np.abs(first.values - second.values) <= times * (ours.error + theirs.error)
    same |= (first.values == second.values) | (np.isnan(first.values) & np.isnan(second.values))
    return np.asarray(~same.all(axis=1) | (first.present != second.present))


def _agrees_wrongly(judged: Judged, other: Judged | None) -> Flags:
    """(n,) rows on which both sides say the same, so that nothing after them can differ because of them."""
    if other is None:
        return np.zeros(len(judged.wrong), dtype=bool)
    return ~_differs(judged, other)
