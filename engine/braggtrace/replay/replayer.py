"""Replay a node on one side's own inputs: what the step gives for what the trace says went into it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from braggtrace.physics.registry import Plan
from braggtrace.quantities import Level
from braggtrace.replay.ancestry import ALONE, ancestors, missing_inputs, unmeant_inputs
from braggtrace.replay.evaluate import Answer, Input, evaluate
from braggtrace.replay.formulas import COUNTERS, REPLAY
from braggtrace.replay.nodes import PLACES, Place
from braggtrace.replay.precision import DOUBLE_EPS
from braggtrace.replay.tables import WORDS, Book, Recorded, Side

__all__ = ["Asked", "Replay", "Replayer", "Values"]

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

_COUNTS = ("point_pixel", "curved_det", "oversample_thick", "oversample_polar", "oversample_omega")
_FIXED: Mapping[str, Any] = {"work_dtype": torch.float64, "pix0_input_m": None}
_HELD = {"polar": "oversample_polar", "omega_pixel_sr": "oversample_omega", "capture_fraction": "oversample_thick"}
_COUNTED = {"thick_tic": "thicksteps", "subS": "oversample", "subF": "oversample", "source": "sources"}
_OWN_PLACE = {"dir": Place.SOURCE, "lambda_of_source": Place.SOURCE, "u": Place.MOSAIC}
_PLACE = {
    Level.RUN: Place.RUN, Level.SAMPLE: Place.SAMPLE, Level.ITERATION: Place.ITERATION, Level.PIXEL: Place.PIXEL
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Values to use in place of recorded ones: `values` and `error` (n, width), `present` (n,)."""

    values: Floats
    error: Floats
    present: Flags


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Which step computes a node, and on which rows.

    Attributes:
        target: the name of the step.
        place: the table whose rows it runs on.
        rows: (n,) for each row of the node, the row of that table; −1 where there is none.
        itself: the target may be taken as recorded: the node is a copy of it.
    """

    target: str
    place: Place
    rows: Ints
    itself: bool = False


@dataclass(slots=True, eq=False)
class Replay:
    """A node replayed on one side.

    Attributes:
        values: (n, width) what the step gives, nan where it can't be replayed.
        spread: (n, width) how far roundings may carry it.
        have: (n,) which rows could be replayed.
        missing: inputs that the trace lacks, of the rows that could not.
        inputs: the recorded nodes that were used.
        condition: input -> (n,) relative condition number, nan where it wasn't used.
        inner: steps in between that the trace doesn't show there -> (n,) the rows they are run for.
    """

    values: Floats
    spread: Floats
    have: Flags
    missing: dict[str, None] = field(default_factory=dict)
    inputs: dict[str, None] = field(default_factory=dict)
    condition: dict[str, Floats] = field(default_factory=dict)
    inner: dict[str, Flags] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Replayer:
    """Replays nodes of both sides of a book.

    Attributes:
        book: the values.
        variants: side -> variants of the steps besides those that the trace itself tells.
        lone: side -> nodes that hold float32 numbers although nothing around them does.
    """

    book: Book
    variants: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lone: dict[str, set[str]] = field(default_factory=dict)
    _plans: dict[tuple[Any, ...], Plan | frozenset[str]] = field(default_factory=dict)

    def asked(self, side: Side, name: str) -> Asked | None:
        """Which step computes a node, None if no step does."""
        tables = self.book.tables
        if name in ALONE and self.word(side, "xtal_shape") not in ("", "SQUARE"):
            return None  # no factor of the lattice factor
        if name in ("pixel_polar", "pixel_capture", "omega_pixel", "pixel_cos_2theta"):
            return self._at_the_end(side, name)
        steps = [step for step in REPLAY.steps.values() if step.name == name]
        if not steps:
            return None
        place = _OWN_PLACE.get(name, _PLACE[steps[0].level])
        rows = np.arange(tables.count(place))
        if name in _HELD:
            rows = self.held(side, name)
        return Asked(name, place, rows)

    def held(self, side: Side, name: str) -> Ints:
        """(samples,) the sample at which a factor that is computed once and kept was computed."""
        tables = self.book.tables
        keys = tables.keys[Place.SAMPLE]
        rows = np.arange(len(keys))
        if not len(keys) or side.flag(_HELD[name]):
            return rows
        counters = keys[:, :2] if name == "capture_fraction" else keys[:, :1]
        new = np.ones(len(keys), dtype=bool)
        new[1:] = (counters[1:] != counters[:-1]).any(axis=1)
        return np.maximum.accumulate(np.where(new, rows, 0))

    def _own_samples(self, side: Side) -> Flags:
        """(samples,) the samples that a side has: the other one may take more of them from each pixel."""
        keys = self.book.tables.keys[Place.SAMPLE]
        own = np.ones(len(keys), dtype=bool)
        for name, count in _COUNTED.items():
            most = self._number(side, count)
            if most:
                own &= keys[:, PLACES[Place.SAMPLE].index(name)] < most
        return own

    def _at_the_end(self, side: Side, name: str) -> Asked:
        """The factors as used at the end of a pixel: those of its first or of its last sample."""
        tables = self.book.tables
        pixels, owner = tables.count(Place.PIXEL), tables.rows(Place.SAMPLE, Place.PIXEL)
        first = np.searchsorted(owner, np.arange(pixels))
        last = np.full(pixels, -1)
        own = np.flatnonzero(self._own_samples(side))
        last[owner[own]] = own  # the last one wins
        lost = first > last
        if side.repeated:
            last = np.full(pixels, -1)  # samples without a place: the last one can't be told
        target = {"pixel_polar": "polar", "pixel_capture": "capture_fraction", "omega_pixel": "omega_pixel_sr"}
        chosen: Ints
        if name == "pixel_cos_2theta":
            chosen, step = last, "cos_2theta"
        else:
            step = target[name]
            # The factor in effect at the last sample: what was held there.
            held = self.held(side, step)
            chosen = np.where(last >= 0, held[np.maximum(last, 0)], -1) if len(held) else last
            if side.repeated and not side.flag(_HELD[step]) and step != "capture_fraction":
                chosen = first
        return Asked(step, Place.SAMPLE, np.where(lost, -1, chosen), itself=True)

    def replay(
        self, side: Side, name: str, mended: Mapping[str, Values] | None = None, *, spread: bool = True
    ) -> Replay | None:
        """A node from the side's own inputs; None if no step computes it.

        Args:
            side: whose values.
            name: the node.
            mended: values to use in place of recorded ones.
            spread: also find out how far roundings may carry it.
        """
        asked = self.asked(side, name)
        if asked is None:
            return None
        mended = mended or {}
        width = self.width(name)
        count = len(asked.rows)
        out = Replay(np.full((count, width), np.nan), np.zeros((count, width)), np.zeros(count, dtype=bool))
        for rows, available in self._groups(side, name, asked, mended):
            plan = self.plan(side, name, asked, available)
            if not isinstance(plan, Plan):
                out.missing.update(dict.fromkeys(sorted(plan)))
                continue
            inputs, fixed = self.inputs(side, plan, asked, asked.rows[rows], mended)
            try:
                answer = evaluate(plan, asked.target, inputs, fixed, self.eps(side, name), spread=spread)
            except KeyError as missing:
                out.missing[str(missing.args[0])] = None
                continue
            self._keep(side, out, rows, plan, asked, inputs, answer)
        return out

    def plans(self, side: Side, name: str, rows: Ints, mended: Mapping[str, Values]) -> Iterable[tuple[Plan, Ints]]:
        """The plans that replay some rows of a node, each with its rows."""
        asked = self.asked(side, name)
        for group, available in () if asked is None else self._groups(side, name, asked, mended):
            assert asked is not None
            plan = self.plan(side, name, asked, available)
            chosen = np.intersect1d(group, rows)
            if isinstance(plan, Plan) and len(chosen):
                yield plan, chosen

    def _keep(
        self,
        side: Side,
        out: Replay,
        rows: Ints,
        plan: Plan,
        asked: Asked,
        inputs: Mapping[str, Input],
        answer: Answer,
    ) -> None:
        out.values[rows] = answer.values
        out.spread[rows] = answer.spread
        out.have[rows] = True
        out.inputs.update(dict.fromkeys(name for name in inputs if name not in COUNTERS))
        out.inputs.update(dict.fromkeys(self._switches(side, plan, asked)))
        unmeant = unmeant_inputs(asked.target, self.word(side, "xtal_shape"))
        for step in plan.steps:
            if step.name != asked.target and step.name not in unmeant:
                out.inner.setdefault(step.name, np.zeros(len(out.have), dtype=bool))[rows] = True
        for name, condition in answer.condition.items():
            out.condition.setdefault(name, np.full(len(out.have), np.nan))[rows] = condition

    def _switches(self, side: Side, plan: Plan, asked: Asked) -> Iterable[str]:
        """Words and flags that decide how a node is computed."""
        needed = {each for step in plan.steps for each in step.inputs}
        yield from (each for each in (*WORDS, *_COUNTS) if each in needed)
        if any(step.variant == self.word(side, "xtal_shape") for step in plan.steps):
            yield "xtal_shape"
        if asked.target in _HELD:
            yield _HELD[asked.target]

    def eps(self, side: Side, name: str) -> float:
        """The relative rounding of the numbers that a node was computed with."""
        recorded = side.nodes.get(name)
        if recorded is None or name in self.lone.get(side.name, ()) or name == "floatimage_accumulated":
            return DOUBLE_EPS
        return recorded.precision.eps

    def width(self, name: str) -> int:
        """The components of a node."""
        return next((side.nodes[name].width for side in self.book.sides if name in side.nodes), 1)

    def recorded(self, side: Side, name: str) -> Recorded | None:
        """The values of a node; of the run they may be the other side's, where this one lacks them."""
        own = side.nodes.get(name)
        if own is not None:
            return own
        other = self.book.other(side).nodes.get(name)
        return other if other is not None and other.place in (Place.RUN, Place.SOURCE, Place.MOSAIC) else None

    def _groups(
        self, side: Side, name: str, asked: Asked, mended: Mapping[str, Values]
    ) -> Iterable[tuple[Ints, frozenset[str]]]:
        """The rows of a node, grouped by which of its possible inputs are recorded there."""
        tables = self.book.tables
        unmeant = unmeant_inputs(name, self.word(side, "xtal_shape"))
        candidates = [each for each in self.ancestry(asked.target) if each not in unmeant]
        if asked.itself:
            candidates.append(asked.target)
        elif asked.target in candidates:
            candidates.remove(asked.target)
        names, masks = [], []
        for each in candidates:
            recorded = self.recorded(side, each)
            if recorded is None or each == name:
                continue
            where = tables.rows(asked.place, recorded.place)
            present = mended[each].present if each in mended else recorded.present
            at = np.where(asked.rows >= 0, where[asked.rows], -1) if len(where) else np.full(len(asked.rows), -1)
            masks.append((at >= 0) & present[np.maximum(at, 0)] if len(present) else np.zeros(len(at), dtype=bool))
            names.append(each)
        valid = asked.rows >= 0
        if not names:
            return [(np.flatnonzero(valid), frozenset())] if valid.any() else []
        patterns, group = np.unique(np.stack(masks, axis=1), axis=0, return_inverse=True)
        out = []
        for number, pattern in enumerate(patterns):
            rows = np.flatnonzero((group.reshape(-1) == number) & valid)
            if len(rows):
                out.append((rows, frozenset(each for each, there in zip(names, pattern, strict=True) if there)))
        return out

    def ancestry(self, name: str) -> list[str]:
        """All nodes that a node may be computed from, in a fixed order."""
        return sorted(ancestors(name))

    def plan(self, side: Side, name: str, asked: Asked, available: frozenset[str]) -> Plan | frozenset[str]:
        """The steps from what is available to a node, or the inputs that are missing."""
        variants = self.variants_for(side, name, asked, available)
        given = frozenset(available) | self._fixed_names(side) | set(COUNTERS)
        key = (asked.target, asked.itself, given, variants)
        if key not in self._plans:
            without = given if asked.itself else given - {asked.target}
            missing = missing_inputs(asked.target, without, variants)
            self._plans[key] = missing or REPLAY.plan([asked.target], without, variants)
        return self._plans[key]

    def variants_for(self, side: Side, name: str, asked: Asked, available: frozenset[str]) -> tuple[str, ...]:
        """Which variants of the steps apply to one node of one side."""
        word = self.word(side, "xtal_shape") or "SQUARE"
        out = [*self.variants.get(side.name, ()), word, self.word(side, "detector_pivot")]
        convention = self.word(side, "detector_convention")
        straight = self._number(side, "detector_twotheta_deg") == 0.0 and "odet_vec" in available
        applies = {
            "SOURCES": "lambda_of_source" in available,
            "RADIUS": "r_e_meters" in available,
            "CELL": "V_cell_A3" in available,
            "STRAIGHT": straight,
            "CENTRED": convention != "",
            "NAMED": convention not in ("", "CUSTOM"),
            "NOPOLAR": bool(self._number(side, "nopolar")),
            "KNOWN": "F_known" in available,
            "TRICUBIC": bool(self._number(side, "interpolate")),
            "ONE_SOURCE": self._number(side, "sources") == 1.0,
        }
        for letter in "abc":
            rotated = f"rot_{letter}_angstroms"
            applies[f"ROTATED_{letter.upper()}"] = rotated in available and asked.target != rotated
        out += [variant for variant, wanted in applies.items() if wanted]
        if name == "I_running" and not {"WEIGHTED", "RUNNING_SUM", "PLAIN"} & set(out) and self._weighted(side):
            out.append("WEIGHTED")
        return tuple(out)

    def _weighted(self, side: Side) -> bool:
        return any(self._number(side, flag) for flag in _HELD.values())

    def word(self, side: Side, name: str) -> str:
        """A word of the run, the other side's where this one lacks it."""
        return side.words.get(name) or self.book.other(side).words.get(name, "")

    def _number(self, side: Side, name: str) -> float | None:
        value = side.number(name)
        return self.book.other(side).number(name) if value is None else value

    def _fixed_names(self, side: Side) -> set[str]:
        """What has no rows: words, and counts that switch a step."""
        names = {word for word in WORDS if self.word(side, word)} | set(_FIXED)
        return names | {count for count in _COUNTS if self._number(side, count) is not None}

    def inputs(
        self, side: Side, plan: Plan, asked: Asked, rows: Ints, mended: Mapping[str, Values]
    ) -> tuple[dict[str, Input], dict[str, Any]]:
        """The values that a plan starts from, on some rows of its table."""
        computed = {step.name for step in plan.steps}
        needed = dict.fromkeys(name for step in plan.steps for name in step.inputs if name not in computed)
        if asked.target not in computed:
            needed[asked.target] = None
        inputs: dict[str, Input] = {}
        fixed: dict[str, Any] = {}
        for name in needed:
            if name in _FIXED:
                fixed[name] = _FIXED[name]
            elif name in WORDS:
                fixed[name] = self.word(side, name)
            elif name in _COUNTS:
                fixed[name] = int(self._number(side, name) or 0)
            elif name in COUNTERS:
                values = self.counter(asked.place, name)[rows]
                inputs[name] = Input(values, np.zeros_like(values))
            else:
                inputs[name] = self._gathered(side, name, asked.place, rows, mended)
        return inputs, fixed

    def counter(self, place: Place, name: str) -> Floats:
        """(n, 1) a loop counter or the place of the pixel, as numbers."""
        tables = self.book.tables
        if name in ("spixel", "fpixel"):
            pixel = tables.rows(place, Place.PIXEL)
            return np.asarray(tables.pixels[pixel, int(name == "fpixel")], dtype=np.float64)[:, None]
        counter = tables.counter(place, name)
        if counter is None:
            raise KeyError(name)
        return np.asarray(counter, dtype=np.float64)[:, None]

    def _gathered(self, side: Side, name: str, place: Place, rows: Ints, mended: Mapping[str, Values]) -> Input:
        recorded = self.recorded(side, name)
        if recorded is None:
            raise KeyError(name)
        if name not in side.nodes:
            side.borrowed[name] = None
        at = self.book.tables.rows(place, recorded.place)[rows]
        if name in mended:
            return Input(mended[name].values[at], mended[name].error[at])
        return Input(recorded.values[at], recorded.error[at])
