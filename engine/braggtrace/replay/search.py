"""Changes of a step's inputs: the step run again with one input negated, in another unit, of another place, …

All changes of one input run as one batch: they stand on an axis of their own, and the steps broadcast.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from braggtrace.causes.codes import Code
from braggtrace.causes.named import DEGREES
from braggtrace.causes.suspect import Trial
from braggtrace.physics.registry import Plan
from braggtrace.replay.evaluate import pack, run_plan, unpack

__all__ = ["Change", "Elsewhere", "changes_of", "input_trials"]

Floats: TypeAlias = npt.NDArray[np.float64]

_SLACK = 6.0
_TURNED = 300.0  # an angle that is 57 times as large
_ANGLES = (
    *("phi_deg", "phi_rad", "rotx_rad", "roty_rad", "rotz_rad", "twotheta_rad"),
    *(f"detector_{name}_deg" for name in ("rotx", "roty", "rotz", "twotheta")),
)
_COUNTERS = ("fpixel", "spixel", "subF", "subS", "thick_tic", "phi_tic")
_COUNTS = ("Na", "Nb", "Nc", "steps", "phisteps", "mosaic_domains", "oversample", "sources")
_PIXELS = {"fpixel": "spixel", "spixel": "fpixel", "subF": "subS", "subS": "subF"}
_POWERS = (-10, -9, -6, -3, 3, 6, 9, 10)
_INNER_SKIPPED = ("single_a", "single_b", "single_c", "unpolarized", "sensor_captures_all")


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """Another value of one input.

    Attributes:
        code: the cause that it would show.
        text: what is changed, to stand after "what the step gives with".
        values: (n, width).
        prior: see `Trial`.
        quirk: the named quirk that it is.
        slack: how much roundings of the step grow under the change.
    """

    code: Code
    text: str
    values: Floats
    prior: float
    quirk: str = ""
    slack: float = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Elsewhere:
    """Values that an input could have been mistaken for: text, code, (n, width), prior, quirk."""

    changes: Mapping[str, list[Change]]


def changes_of(name: str, values: Floats) -> Iterator[Change]:
    """The changes that need nothing but the input itself."""
    if name in _ANGLES:
        yield from _angles(name, values)
    elif name in _COUNTERS:
        yield from _counters(name, values)
    elif name in _COUNTS:
        for step, word in ((1.0, "one more"), (-1.0, "one less")):
            yield Change(Code.SHIFTED_INDEX, f"{word} for {name}", values + step, 2.0)
        yield Change(Code.MISSING_TERM, f"{name} left out (1 in its place)", np.ones_like(values), 8.0)
    elif values.shape[1] == 3:
        yield from _vectors(name, values)
    elif values.shape[1] == 9:
        yield from _matrices(name, values)
    elif values.shape[1] == 1:
        yield from _numbers(name, values)
    yield from _roundings(name, values)


def _angles(name: str, values: Floats) -> Iterator[Change]:
    yield Change(Code.INVERSE_ROTATION, f"−{name}", -values, 5.0)
    yield Change(Code.DEGREES_RADIANS, f"{name} taken for degrees, though it is in radians", values * DEGREES, 4.0)
    yield Change(
        Code.DEGREES_RADIANS, f"{name} taken for radians, though it is in degrees", values / DEGREES, 4.0, slack=_TURNED
    )
    yield Change(Code.MISSING_TERM, f"{name} left out", np.zeros_like(values), 3.0)
    for factor in (0.5, 2.0):
        yield Change(Code.CONSTANT_FACTOR, f"{factor:g}·{name}", values * factor, 2.0)


def _counters(name: str, values: Floats) -> Iterator[Change]:
    for step, word in ((1.0, "plus 1"), (-1.0, "minus 1"), (0.5, "plus a half"), (-0.5, "minus a half")):
        yield Change(Code.SHIFTED_INDEX, f"{name} {word}", values + step, 3.5)


def _numbers(name: str, values: Floats) -> Iterator[Change]:
    yield Change(Code.SIGN_FLIP, f"−{name}", -values, 3.0)
    yield Change(Code.MISSING_TERM, f"{name} left out (1 in its place)", np.ones_like(values), 6.0)
    yield Change(Code.MISSING_TERM, f"{name} left out (0 in its place)", np.zeros_like(values), 4.0)
    for power in _POWERS:
        yield Change(Code.UNIT_SCALE, f"1e{power}·{name}", values * 10.0**power, 2.5)
    with np.errstate(all="ignore"):
        yield Change(Code.EXTRA_FACTOR, f"{name}² for {name}", values * values, 3.0)
        yield Change(Code.MISSING_TERM, f"the root of {name}", np.sign(values) * np.sqrt(np.abs(values)), 3.0)
        yield Change(Code.EXTRA_FACTOR, f"1/{name} for {name}", 1.0 / values, 1.0)
    for factor in (0.5, 2.0, np.pi, 2 * np.pi):
        yield Change(Code.CONSTANT_FACTOR, f"{factor:.4g}·{name}", values * factor, 2.0)


def _vectors(name: str, values: Floats) -> Iterator[Change]:
    yield Change(Code.SIGN_FLIP, f"−{name}", -values, 3.5)
    yield Change(Code.MISSING_TERM, f"{name} left out", np.zeros_like(values), 4.0)
    for signs in product((1.0, -1.0), repeat=3):
        if -3.0 < sum(signs) < 3.0:
            axes = " and ".join("xyz"[at] for at in range(3) if signs[at] < 0)
            yield Change(Code.AXIS_REVERSAL, f"{name} reversed along {axes}", values * signs, 3.0)
    for order in permutations(range(3)):
        if order != (0, 1, 2):
            words = ", ".join("xyz"[at] for at in order)
            yield Change(Code.AXIS_PERMUTATION, f"({words}) of {name}", values[:, order], 3.0)
    for power in _POWERS:
        yield Change(Code.UNIT_SCALE, f"1e{power}·{name}", values * 10.0**power, 2.5)
    with np.errstate(all="ignore"):
        length = np.sqrt((values * values).sum(axis=1, keepdims=True))
        yield Change(Code.EXTRA_FACTOR, f"{name} made a unit vector", values / length, 2.0)


def _matrices(name: str, values: Floats) -> Iterator[Change]:
    swapped = values.reshape(-1, 3, 3).transpose(0, 2, 1).reshape(-1, 9)
    yield Change(Code.TRANSPOSED_MATRIX, f"{name} transposed", swapped, 5.0)
    yield Change(
        Code.MISSING_TERM, f"{name} left out", np.broadcast_to(np.eye(3).reshape(-1), values.shape).copy(), 6.0
    )


def _roundings(name: str, values: Floats) -> Iterator[Change]:
    with np.errstate(all="ignore"):
        for word, kind in (("float32", np.float32), ("float16", np.float16)):
            yield Change(Code.PRECISION_LOSS, f"{name} rounded to {word}", values.astype(kind).astype(np.float64), 2.5)


def input_trials(
    plan: Plan, target: str, inputs: Mapping[str, Floats], fixed: Mapping[str, Any], elsewhere: Elsewhere
) -> Iterator[Trial]:
    """The step under every change of one of its inputs, or of one of the steps in between.

    Args:
        plan: the steps from recorded inputs to the target.
        target: the node.
        inputs: the inputs, (n, width).
        fixed: words and flags.
        elsewhere: further changes, by input.
    """
    rows = max((len(values) for values in inputs.values()), default=1)
    tensors = {name: torch.from_numpy(np.ascontiguousarray(values.T)) for name, values in inputs.items()}
    batches = {name: [*changes_of(name, values), *elsewhere.changes.get(name, ())] for name, values in inputs.items()}
    for name, other in _PIXELS.items():
        if name in inputs and other in inputs:
            batches[name].append(Change(Code.SWAPPED_QUANTITIES, f"{other} for {name}", inputs[other], 3.0))
    known: dict[str, Any] = {name: pack(value) for name, value in tensors.items()} | dict(fixed)
    with torch.no_grad():
        known = plan.run(known)
    for step in plan.steps:
        if step.name in (target, *_INNER_SKIPPED):
            continue
        try:
            inner = unpack(known[step.name], torch.Size((rows,))).numpy().T
        except (TypeError, ValueError, RuntimeError):
            continue  # no number
        batches[step.name] = list(changes_of(step.name, inner))
    tries = sum(len(changes) for changes in batches.values())
    for name, changes in batches.items():
        if changes:
            yield from _run(plan, target, tensors, fixed, name, changes, rows, tries)
    if {"fpixel", "spixel"} <= set(inputs):
        yield from _transposed_pixel(plan, target, tensors, fixed, rows)


def _run(
    plan: Plan,
    target: str,
    tensors: Mapping[str, torch.Tensor],
    fixed: Mapping[str, Any],
    name: str,
    changes: list[Change],
    rows: int,
    tries: int,
) -> Iterator[Trial]:
    """All changes of one input in one batch."""
    shape = torch.Size((len(changes), rows))
    stacked = np.stack([change.values for change in changes])  # (changes, n, width)
    batch = {each: value[:, None] for each, value in tensors.items()}
    batch[name] = torch.from_numpy(np.ascontiguousarray(stacked.transpose(2, 0, 1)))
    rest = Plan(tuple(step for step in plan.steps if step.name != name))
    needed = {each for step in rest.steps for each in step.inputs} | {target}
    batch = {each: value for each, value in batch.items() if each in needed}
    if name not in batch:
        return
    with torch.no_grad():
        try:
            found = run_plan(rest, target, batch, fixed, shape).numpy()
        except (TypeError, ValueError, RuntimeError):
            return
    for number, change in enumerate(changes):
        if change.code is Code.MISSING_TERM and not found[:, number].any():
            continue  # without what makes a product everything is 0
        yield Trial(
            change.code,
            f"what the step gives with {change.text}",
            found[:, number].T,
            prior=change.prior,
            tries=tries if not change.quirk else 1,
            quirk=change.quirk,
            slack=change.slack,
        )


def _transposed_pixel(
    plan: Plan, target: str, tensors: Mapping[str, torch.Tensor], fixed: Mapping[str, Any], rows: int
) -> Iterator[Trial]:
    """Slow and fast mistaken for each other."""
    swapped = dict(tensors)
    for name, other in _PIXELS.items():
        if name in tensors and other in tensors:
            swapped[name] = tensors[other]
    with torch.no_grad():
        found = run_plan(plan, target, swapped, fixed, torch.Size((rows,))).numpy()
    text = "what the step gives with slow and fast exchanged"
    yield Trial(Code.SWAPPED_QUANTITIES, text, found.T, prior=5.0, slack=_SLACK)
