"""How much each root matters: the pixel's value with the roots mended one after the other, until nothing is left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.replay.effect import mend
from braggtrace.replay.judge import Judgement
from braggtrace.replay.model import Budget
from braggtrace.replay.quirks import RUNNING_SUM, Fit
from braggtrace.replay.replayer import Values
from braggtrace.replay.tables import SIDES, Side
from braggtrace.replay.tree import UNKNOWN_SIDE, Origin

__all__ = ["Fixes", "Shares", "fixes_of", "shares"]

Flags: TypeAlias = npt.NDArray[np.bool_]

_FINAL = ("I_pixel_final", "floatimage_accumulated", "I_before_scaling", "I_running")


@dataclass(slots=True)
class Fixes:
    """What is mended on each side.

    Attributes:
        healed: side -> node -> rows that are taken to be what their step gives.
        replaced: side -> node -> values from the other side.
    """

    healed: dict[str, dict[str, Flags]] = field(default_factory=lambda: {side: {} for side in SIDES})
    replaced: dict[str, dict[str, Values]] = field(default_factory=lambda: {side: {} for side in SIDES})

    def apply(self, judgement: Judgement, side: Side, fits: Sequence[Fit]) -> dict[str, Values]:
        """The nodes of a side that change."""
        running = any(fit.quirk == RUNNING_SUM and fit.status(side.name) in ("on", "mixed") for fit in fits)
        healed, replaced = self.healed[side.name], self.replaced[side.name]
        if not healed and not replaced:
            return {}
        return mend(judgement, side, healed, replaced, running_sum=running)


def fixes_of(judgement: Judgement, origins: Sequence[Origin]) -> Fixes:
    """What mending some origins amounts to.

    An origin of an unknown side is mended by giving the candidate the reference's value.
    """
    fixes = Fixes()
    for origin in origins:
        if origin.printed_only:
            continue
        if origin.side != UNKNOWN_SIDE:
            rows = fixes.healed[origin.side].get(origin.node, np.zeros(len(origin.rows), dtype=bool))
            fixes.healed[origin.side][origin.node] = rows | origin.rows
            continue
        ours = judgement.of(judgement.book.reference, origin.node)
        theirs = judgement.of(judgement.book.candidate, origin.node)
        if ours is None or theirs is None:
            continue
        rows = origin.rows[:, None]
        values = np.where(rows, ours.recorded.values, theirs.recorded.values)
        fixes.replaced["candidate"][origin.node] = Values(values, theirs.recorded.error, theirs.recorded.present)
    return fixes


@dataclass(frozen=True, slots=True)
class Shares:
    """What each origin does to the final value.

    Attributes:
        budget: the whole.
        share: by place of the origin: the part of the difference that it makes up, None if unknown.
        factor: by place of the origin: its factor on the ratio of the two values.
        pixel: row of the table of pixels.
    """

    budget: Budget | None
    share: tuple[float | None, ...]
    factor: tuple[float | None, ...]
    pixel: int = -1


def shares(judgement: Judgement, origins: Sequence[Origin], fits: Sequence[Fit]) -> Shares:
    """Mend the origins one after the other, the last in dataflow order first, and watch a pixel's final value.

    In that order every step behind a mended one is right already, so that the parts add up exactly.
    """
    none = Shares(None, (None,) * len(origins), (None,) * len(origins))
    found = _final(judgement)
    if found is None or not origins:
        return none
    quantity, pixel = found
    gap, ratio = _state(judgement, quantity, pixel, Fixes(), fits)
    if gap == 0.0 or not math.isfinite(gap):
        return none
    whole, whole_ratio = gap, ratio
    reached = [_reaches(judgement, origin, quantity, fits) for origin in origins]
    share: list[float | None] = [None] * len(origins)
    factor: list[float | None] = [None] * len(origins)
    order = {name: place for place, name in enumerate(judgement.order)}
    later_first = sorted(range(len(origins)), key=lambda place: -order[origins[place].node])
    mended: list[Origin] = []
    for place in later_first:
        if not reached[place]:
            continue
        mended.append(origins[place])
        now, now_ratio = _state(judgement, quantity, pixel, fixes_of(judgement, mended), fits)
        if not math.isfinite(now):
            mended.pop()
            continue
        share[place] = (gap - now) / whole
        factor[place] = ratio / now_ratio if now_ratio else None
        gap, ratio = now, now_ratio
    known = [each for each in factor if each is not None and math.isfinite(each)]
    slow, fast = judgement.book.tables.pixels[pixel].tolist()
    values = [judgement.sides[side][quantity].recorded.values[pixel, 0] for side in SIDES]
    budget = Budget(
        quantity=quantity,
        pixel=None if slow < 0 else (slow, fast),
        reference=float(values[0]),
        candidate=float(values[1]),
        ratio=whole_ratio,
        product=math.prod(known),
        explained=1.0 - gap / whole,
        remainder=gap / whole,
    )
    return Shares(budget, tuple(share), tuple(factor), pixel)


def _reaches(judgement: Judgement, origin: Origin, quantity: str, fits: Sequence[Fit]) -> bool:
    """Whether the steps from an origin to the final value can be followed; one that later steps don't use has none."""
    if origin.printed_only:
        return True
    fixes = fixes_of(judgement, [origin])
    for side in judgement.book.sides:
        if origin.side in (side.name, UNKNOWN_SIDE) and quantity in fixes.apply(judgement, side, fits):
            return True
    return quantity not in origin.inherited and origin.node != quantity


def _final(judgement: Judgement) -> tuple[str, int] | None:
    """The quantity that stands for a pixel's value, and the first pixel in which it diverges."""
    for name in _FINAL[:3]:
        pair = [judgement.of(side, name) for side in judgement.book.sides]
        if any(each is None for each in pair):
            continue
        assert pair[0] is not None
        assert pair[1] is not None
        rows = np.flatnonzero(judgement.book.diverges(pair[0].recorded))
        if len(rows):
            return name, int(rows[0])
        there = pair[0].recorded.present & pair[1].recorded.present
        rows = np.flatnonzero(there & (pair[0].recorded.values != pair[1].recorded.values).any(axis=1))
        return (name, int(rows[0])) if len(rows) else None
    return None


def _state(judgement: Judgement, quantity: str, pixel: int, fixes: Fixes, fits: Sequence[Fit]) -> tuple[float, float]:
    """Candidate minus reference and candidate over reference, with some fixes."""
    values = []
    for side in judgement.book.sides:
        changed = fixes.apply(judgement, side, fits)
        recorded = judgement.sides[side.name][quantity].recorded
        now = changed[quantity].values if quantity in changed else recorded.values
        values.append(float(now[pixel, 0]))
    reference, candidate = values
    return candidate - reference, candidate / reference if reference else math.nan
