"""Numbers about images: each one's own, and how far two of them agree. Both are read once, in blocks of rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from braggtrace.compare.numbers import difference, ulp_distances
from braggtrace.compare.tolerance import Tolerance
from braggtrace.errors import InputError
from braggtrace.images.model import Agreement, Image, MapData, Pixel, Statistics
from braggtrace.images.peaks import find_peaks

__all__ = ["PEAKS", "WORST", "agreement", "agrees_at", "map_data", "statistics"]

PEAKS = 8
"""Peaks that are looked for."""

WORST = 1000
"""Diverging pixels that are put in order."""

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.int64]

_BLOCK = 1 << 15  # pixels: small enough for a processor's cache
_DEFAULT = Tolerance()


def map_data(
    reference: Image, candidate: Image | None = None, tolerance: Tolerance = _DEFAULT, *, equal_nan: bool = False
) -> MapData:
    """Everything that a pixel map shows of one image or two.

    Raises:
        InputError: the images have different shapes or origins.
    """
    if candidate is None:
        return MapData(reference, None, statistics(reference), None, None)
    ours, theirs = statistics(reference), statistics(candidate)
    agree = agreement(reference, candidate, _resolved(tolerance, ours, theirs), equal_nan=equal_nan)
    return MapData(reference, candidate, ours, theirs, agree)


def _resolved(tolerance: Tolerance, *sides: Statistics) -> Tolerance:
    """The tolerance with a fraction of the largest value turned into a number."""
    if not tolerance.atol_of_max:
        return tolerance
    extremes = [abs(value) for side in sides for value in (side.minimum, side.maximum) if value is not None]
    return replace(tolerance, atol=tolerance.atol_of_max * max(extremes, default=0.0))


def statistics(image: Image) -> Statistics:
    """Numbers about one image."""
    tally = _Tally()
    for start, values in _blocks(image):
        tally.add(start, values)
    unknown = 0 if image.known is None else int(image.known.size - np.count_nonzero(image.known))
    mean = tally.total / tally.finite if tally.finite else 0.0
    return Statistics(
        pixels=image.pixels.size - unknown,
        finite=tally.finite,
        nan=tally.nan - unknown,
        infinite=tally.infinite,
        negative=tally.negative,
        total=tally.total,
        mean=mean,
        rms=math.sqrt(tally.squares / tally.finite) if tally.finite else 0.0,
        minimum=tally.minimum if tally.finite else None,
        minimum_at=_pixel(image, tally.minimum_at) if tally.finite else None,
        maximum=tally.maximum if tally.finite else None,
        maximum_at=_pixel(image, tally.maximum_at) if tally.finite else None,
        smallest_positive=tally.smallest_positive if math.isfinite(tally.smallest_positive) else None,
        peaks=find_peaks(image, PEAKS),
    )


def _blocks(image: Image) -> Iterator[tuple[int, Floats]]:
    """The image in blocks: the index of the first pixel, and the values."""
    flat = image.pixels.reshape(-1)
    for start in range(0, len(flat), _BLOCK):
        yield start, flat[start : start + _BLOCK].astype(np.float64)


def _pixel(image: Image, index: int) -> Pixel:
    slow, fast = divmod(index, image.shape[1])
    return image.origin[0] + slow, image.origin[1] + fast


def _pixels(image: Image, indices: Indices) -> Indices:
    """(n, 2) the pixels of indices into the flat image."""
    slow, fast = np.divmod(indices, image.shape[1])
    return np.stack([slow, fast], axis=1) + np.array(image.origin, dtype=np.int64)


@dataclass(slots=True)
class _Tally:
    """Running totals of one image."""

    finite: int = 0
    nan: int = 0
    infinite: int = 0
    negative: int = 0
    total: float = 0.0
    squares: float = 0.0
    minimum: float = math.inf
    minimum_at: int = 0
    maximum: float = -math.inf
    maximum_at: int = 0
    smallest_positive: float = math.inf

    def add(self, start: int, values: Floats) -> None:
        where = None
        finite = np.isfinite(values)
        if not finite.all():
            self.nan += int(np.count_nonzero(np.isnan(values)))
            where = np.flatnonzero(finite)
            self.infinite += int(np.count_nonzero(np.isinf(values)))
            values = values[where]
        if not len(values):
            return
        self.finite += len(values)
        with np.errstate(over="ignore"):
            self.total += float(values.sum())
            self.squares += float((values * values).sum())  # no dot product: BLAS would wake its threads each time
        lowest, highest = int(values.argmin()), int(values.argmax())
        if values[lowest] < self.minimum:
            self.minimum = float(values[lowest])
            self.minimum_at = start + (lowest if where is None else int(where[lowest]))
        if values[highest] > self.maximum:
            self.maximum = float(values[highest])
            self.maximum_at = start + (highest if where is None else int(where[highest]))
        if self.minimum < 0:
            self.negative += int(np.count_nonzero(values < 0))
        if values[highest] > 0:
            self.smallest_positive = min(self.smallest_positive, float(values.min(where=values > 0, initial=math.inf)))


def agreement(
    reference: Image, candidate: Image, tolerance: Tolerance = _DEFAULT, *, equal_nan: bool = False
) -> Agreement:
    """How far two images agree, pixel by pixel.

    Args:
        reference: one side.
        candidate: the other side, of the same shape and origin.
        tolerance: two values agree if ``abs(r - c) <= max(atol, rtol * max(abs(r), abs(c)))``, or within `ulp`
            float64 steps.
        equal_nan: NaN equals NaN.

    Raises:
        InputError: the images have different shapes or origins.
    """
    _refuse_different(reference, candidate)
    pair = _Pair(tolerance, equal_nan)
    ours, theirs = reference.pixels.reshape(-1), candidate.pixels.reshape(-1)
    known, missing = _known(reference, candidate)
    for start in range(0, len(ours), _BLOCK):
        block = slice(start, start + _BLOCK)
        where = None if known is None else np.flatnonzero(known[block])
        first, second = ours[block].astype(np.float64), theirs[block].astype(np.float64)
        if where is None or len(where) == len(first):
            pair.add(start, first, second, None)
        elif len(where):
            pair.add(start, first[where], second[where], where)
    return pair.result(reference, missing)


def _refuse_different(reference: Image, candidate: Image) -> None:
    whose = f", as {reference.name} has" if reference.name else ""
    for what, ours, theirs in (
        ("shapes", reference.shape, candidate.shape),
        ("origins", reference.origin, candidate.origin),
    ):
        if ours != theirs:
            raise InputError(
                f"the images have different {what}",
                path=candidate.name or None,
                expected=f"{ours[0]} x {ours[1]} (slow x fast){whose}",
                got=f"{theirs[0]} x {theirs[1]}",
            )


def _known(reference: Image, candidate: Image) -> tuple[NDArray[np.bool_] | None, int]:
    """Where both sides know a value, flat, None for everywhere; and how many pixels only one side knows."""
    if reference.known is None and candidate.known is None:
        return None, 0
    everywhere = np.ones(reference.shape, dtype=bool)
    ours, theirs = (everywhere if known is None else known for known in (reference.known, candidate.known))
    return (ours & theirs).reshape(-1), int(np.count_nonzero(ours ^ theirs))


def _beyond(tolerance: Tolerance, ours: Floats, theirs: Floats, distance: Floats) -> NDArray[np.bool_]:
    """(n,) which pixels neither `atol` nor `ulp` lets pass."""
    beyond = distance > tolerance.atol
    if tolerance.ulp:
        finite = np.isfinite(ours) & np.isfinite(theirs)
        beyond &= ~finite | (ulp_distances(ours, theirs) > tolerance.ulp)
    return np.asarray(beyond)


def agrees_at(agreement: Agreement, reference: float, candidate: float) -> bool:
    """Whether two values agree by the tolerance that judged the images."""
    ours, theirs = np.array([reference]), np.array([candidate])
    distance, _, rel = difference(ours[:, None], theirs[:, None], equal_nan=agreement.equal_nan)
    beyond = _beyond(agreement.tolerance, ours, theirs, distance)
    return not beyond[0] or bool(rel[0] <= agreement.tolerance.rtol)


@dataclass(slots=True)
class _Order:
    """The diverging pixels with the largest keys; what can't be among them any more is dropped on the way."""

    keys: Floats = field(default_factory=lambda: np.zeros(0))
    indices: Indices = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    floor: float = -math.inf

    def add(self, keys: Floats, indices: Indices) -> None:
        """Take pixels that come later in the file than all before."""
        if self.floor > -math.inf:
            above = np.flatnonzero(keys > self.floor)
            keys, indices = keys[above], indices[above]
        if not len(keys):
            return
        self.keys, self.indices = np.concatenate([self.keys, keys]), np.concatenate([self.indices, indices])
        if len(self.keys) > WORST:
            order = np.argsort(-self.keys, kind="stable")[:WORST]
            order.sort()  # back to the order of the file, which decides among equals
            self.keys, self.indices = self.keys[order], self.indices[order]
            self.floor = float(self.keys.min())

    def result(self) -> Indices:
        """The indices, the largest key first."""
        return self.indices[np.argsort(-self.keys, kind="stable")]


@dataclass(slots=True)
class _Moments:
    """Running sums of the pixels that are finite on both sides; shifted, so that little is lost in the correlation."""

    count: int = 0
    shift: tuple[float, float] = (0.0, 0.0)
    sums: Floats = field(default_factory=lambda: np.zeros(2))
    squares: Floats = field(default_factory=lambda: np.zeros(3))  # rr, cc, rc
    apart: float = 0.0

    def add(self, ours: Floats, theirs: Floats, distance: Floats) -> None:
        with np.errstate(all="ignore"):
            if not self.count:
                self.shift = (float(ours.mean()), float(theirs.mean()))
            self.count += len(ours)
            first, second = ours - self.shift[0], theirs - self.shift[1]
            self.sums += (first.sum(), second.sum())
            self.squares += ((first * first).sum(), (second * second).sum(), (first * second).sum())
            self.apart += float((distance * distance).sum())

    @property
    def totals(self) -> tuple[float, float]:
        """The sum of each side."""
        ours, theirs = (float(total) + self.count * by for total, by in zip(self.sums, self.shift, strict=True))
        return ours, theirs

    @property
    def correlation(self) -> float | None:
        """Pearson's."""
        if self.count < 2:
            return None
        with np.errstate(all="ignore"):
            first, second = self.sums
            ours, theirs, both = self.squares - np.array([first * first, second * second, first * second]) / self.count
            noise = 1e-14 * self.squares  # what is left of a constant image
            if not (ours > noise[0] and theirs > noise[1]):
                return None
            value = float(both / (math.sqrt(ours) * math.sqrt(theirs)))
        return max(-1.0, min(1.0, value)) if math.isfinite(value) else None


@dataclass(slots=True)
class _Pair:
    """Running totals of two images."""

    tolerance: Tolerance
    equal_nan: bool
    compared: int = 0
    diverge: int = 0
    odd: int = 0
    needed: float = 0.0
    largest: float = 0.0
    largest_at: int = -1
    largest_rel: float = 0.0
    ratios: tuple[float, float] | None = None
    moments: _Moments = field(default_factory=_Moments)
    by_difference: _Order = field(default_factory=_Order)
    by_ratio: _Order = field(default_factory=_Order)

    def add(self, start: int, ours: Floats, theirs: Floats, where: NDArray[np.intp] | None) -> None:
        """Take a block of pixels, which are at `where` behind `start`, or follow each other."""
        distance, _, rel = difference(ours[:, None], theirs[:, None], equal_nan=self.equal_nan)
        self.compared += len(ours)
        diverges = self._judged(ours, theirs, distance, rel)
        chosen = np.flatnonzero(diverges)
        indices = start + (chosen if where is None else where[chosen]).astype(np.int64)
        if len(chosen):
            self.diverge += len(chosen)
            self.by_difference.add(distance[chosen], indices)
            self.by_ratio.add(rel[chosen], indices)
        self.largest_rel = max(self.largest_rel, float(rel.max()))
        finite = np.isfinite(ours) & np.isfinite(theirs)
        if not finite.all():
            self.odd += int(np.count_nonzero(diverges & ~finite))
            kept = np.flatnonzero(finite)
            ours, theirs, distance = ours[kept], theirs[kept], distance[kept]
            where = kept if where is None else where[kept]
        if not len(ours):
            return
        self.moments.add(ours, theirs, distance)
        at = int(distance.argmax())
        if distance[at] > self.largest:
            self.largest = float(distance[at])
            self.largest_at = start + (at if where is None else int(where[at]))
        self._add_ratios(ours, theirs)

    def _judged(self, ours: Floats, theirs: Floats, distance: Floats, rel: Floats) -> NDArray[np.bool_]:
        """(n,) which pixels diverge."""
        beyond = _beyond(self.tolerance, ours, theirs, distance)
        self.needed = max(self.needed, float(rel.max(where=beyond, initial=0.0)))
        return np.asarray(beyond & ~(rel <= self.tolerance.rtol))

    def _add_ratios(self, ours: Floats, theirs: Floats) -> None:
        positive = (ours > 0) & (theirs > 0)
        if not positive.any():
            return
        with np.errstate(all="ignore"):
            ratio = theirs / ours
        usable = positive & np.isfinite(ratio) & (ratio > 0)
        low, high = float(ratio.min(where=usable, initial=math.inf)), float(ratio.max(where=usable, initial=0.0))
        if low <= high:
            before = self.ratios or (low, high)
            self.ratios = (min(before[0], low), max(before[1], high))

    def result(self, image: Image, missing: int) -> Agreement:
        ours, theirs = self.moments.totals
        count = self.moments.count
        return Agreement(
            tolerance=self.tolerance,
            equal_nan=self.equal_nan,
            compared=self.compared,
            missing=missing,
            diverge=self.diverge,
            odd=self.odd,
            correlation=self.moments.correlation,
            sum_ratio=theirs / ours if ours else None,
            rms_difference=math.sqrt(self.moments.apart / count) if count else 0.0,
            largest_difference=self.largest,
            largest_difference_at=_pixel(image, self.largest_at) if self.largest_at >= 0 else None,
            largest_rel=self.largest_rel,
            smallest_passing_rtol=self.needed if math.isfinite(self.needed) else None,
            ratios=self.ratios,
            worst=_pixels(image, self.by_difference.result()),
            worst_by_ratio=_pixels(image, self.by_ratio.result()),
            listed=WORST,
        )
