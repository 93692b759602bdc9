"""Run a plan of steps on rows of values, and see how far the roundings of its inputs carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from braggtrace.physics.registry import Plan
from braggtrace.physics.vector import Vec
from braggtrace.replay.precision import DOUBLE_EPS

__all__ = ["Answer", "Input", "evaluate", "pack", "run_plan", "unpack"]

Floats: TypeAlias = npt.NDArray[np.float64]

_STEP = 2.0**-46  # relative size of a trial step where the rounding itself is too small to show
_NOISE = 8.0  # roundings inside a step
_LARGEST_PHASE = 3e6  # up to here the sines of the steps keep their digits
_FLOOR = {"capture_fraction": 1.0}  # a small difference of numbers of this size
_PHASES = {"grating_a": ("h_frac", "Na"), "grating_b": ("k_frac", "Nb"), "grating_c": ("l_frac", "Nc")}


@dataclass(frozen=True, slots=True, eq=False)
class Input:
    """One input of a plan.

    Attributes:
        values: (n, width).
        error: (n, width) how far the values may be from what was computed with.
    """

    values: Floats
    error: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a plan gives.

    Attributes:
        values: (n, width).
        spread: (n, width) how far the roundings of the inputs may carry the values.
        condition: input -> (n,) relative change of the result over the relative change of the input.
    """

    values: Floats
    spread: Floats
    condition: Mapping[str, Floats]


def pack(values: Tensor) -> Any:
    """A node as the steps take it, from components on the first axis: a tensor, a `Vec` or the rows of a matrix."""
    if values.shape[0] == 1:
        return values[0]
    if values.shape[0] == 3:
        return Vec(*values)
    if values.shape[0] == 9:
        return Vec(*values[:3]), Vec(*values[3:6]), Vec(*values[6:])
    return values.movedim(0, -1).reshape(*values.shape[1:], 4, 4, 4)


def unpack(result: Any, shape: torch.Size) -> Tensor:
    """The components of a step's result on the first axis: (width, *shape)."""
    if isinstance(result, tuple):
        return torch.cat([unpack(part, shape) for part in result])
    if not isinstance(result, Tensor):
        result = torch.tensor(float(result), dtype=torch.float64)
    widened: Tensor = result.to(torch.float64).expand(shape)
    return widened[None]


def run_plan(
    plan: Plan, name: str, inputs: Mapping[str, Tensor], fixed: Mapping[str, Any], shape: torch.Size
) -> Tensor:
    """The components of a node, (width, *shape), from inputs (width, …) that broadcast to that shape."""
    known: dict[str, Any] = {key: pack(value) for key, value in inputs.items()} | dict(fixed)
    return unpack(plan.run(known)[name], shape)


def evaluate(
    plan: Plan,
    name: str,
    inputs: Mapping[str, Input],
    fixed: Mapping[str, Any],
    eps: float = DOUBLE_EPS,
    *,
    spread: bool = True,
) -> Answer:
    """Run a plan, and again with every component of every input moved up and down by its rounding.

    Args:
        plan: the steps.
        name: the node that is asked for.
        inputs: the values that steps start from, each with n rows.
        fixed: what has no rows: words, flags, counts.
        eps: relative rounding of the numbers that the plan was computed with.
        spread: find out how far roundings carry; else spread is 0 and the condition empty.
    """
    if not spread:
        return _plain(plan, name, inputs, fixed)
    if eps > DOUBLE_EPS:  # inputs that a trace shows in full may have been cut before they were used
        # A whole number, which has no error, is never cut.
        inputs = {
            key: replace(each, error=np.where(each.error > 0, each.error + eps * _scale(each.values), 0.0))
            for key, each in inputs.items()
        }
    rows = max((len(each.values) for each in inputs.values()), default=1)
    scales = {key: _scale(each.values) for key, each in inputs.items()}
    steps = {key: np.maximum(each.error, _STEP * scales[key]) for key, each in inputs.items()}
    moved = [
        (key, component)
        for key, each in inputs.items()
        for component in range(each.values.shape[1])
        if each.error[:, component].any()
    ]
    shape = torch.Size((1 + 2 * len(moved), rows))
    tensors = {key: torch.from_numpy(np.ascontiguousarray(each.values.T))[:, None] for key, each in inputs.items()}
    for key in {key for key, _ in moved}:
        tensors[key] = tensors[key].expand(-1, *shape).clone()
    for number, (key, component) in enumerate(moved):
        step = torch.from_numpy(np.ascontiguousarray(steps[key][:, component]))
        tensors[key][component, 1 + 2 * number] += step
        tensors[key][component, 2 + 2 * number] -= step
    with torch.no_grad():
        found = run_plan(plan, name, tensors, fixed, shape).numpy()
    values = found[:, 0].T  # (n, width)
    carried = np.zeros(values.shape)
    condition: dict[str, Floats] = {}
    result_scale = np.maximum(_scale(values)[:, 0], 5e-324)
    for number, (key, component) in enumerate(moved):
        with np.errstate(all="ignore"):
            change = np.abs(found[:, 1 + 2 * number : 3 + 2 * number] - found[:, :1]).max(axis=1).T
            change = np.nan_to_num(change, nan=0.0, posinf=np.inf)
            size = steps[key][:, component]
            carried += change * np.where(size > 0, inputs[key].error[:, component] / size, 0.0)[:, None]
            relative = change.max(axis=1) / result_scale * scales[key][:, 0] / np.where(size > 0, size, np.inf)
        condition[key] = condition.get(key, 0.0) + relative
    carried += _inside(plan, name, inputs, fixed, eps, values)
    return Answer(values, carried, condition)


def _plain(plan: Plan, name: str, inputs: Mapping[str, Input], fixed: Mapping[str, Any]) -> Answer:
    """Run a plan once."""
    shape = torch.Size((max((len(each.values) for each in inputs.values()), default=1),))
    tensors = {key: torch.from_numpy(np.ascontiguousarray(each.values.T)) for key, each in inputs.items()}
    with torch.no_grad():
        values = run_plan(plan, name, tensors, fixed, shape).numpy().T
    return Answer(values, np.zeros(values.shape), {})


def _inside(
    plan: Plan, name: str, inputs: Mapping[str, Input], fixed: Mapping[str, Any], eps: float, values: Floats
) -> Floats:
    """(n, width) how far roundings inside the steps carry the result, where that is more than a few of its own."""
    scale = np.maximum(_scale(values), _FLOOR.get(name, 0.0))
    spread = np.broadcast_to(_NOISE * eps * scale, values.shape).copy()
    noisy = [step for step in plan.steps if step.name in _PHASES]
    if not noisy:
        return spread
    shape = torch.Size((len(values),))
    tensors = {key: torch.from_numpy(np.ascontiguousarray(each.values.T)) for key, each in inputs.items()}
    known = plan.run({key: pack(value) for key, value in tensors.items()} | dict(fixed))
    for step in noisy:
        index, cells = (known[each] for each in _PHASES[step.name])
        error = _phase_rounding(index, cells, known[step.name], eps)
        rest = Plan(tuple(each for each in plan.steps if each.name != step.name))
        with np.errstate(all="ignore"):
            for sign in (-1.0, 1.0):
                trial = tensors | {step.name: (known[step.name] + sign * error).expand(shape)[None]}
                change = run_plan(rest, name, trial, fixed, shape).numpy().T - values
                spread = np.maximum(spread, np.nan_to_num(np.abs(change), nan=np.inf, posinf=np.inf))
    return spread


def _phase_rounding(index: Tensor, cells: Tensor, grating: Tensor, eps: float) -> Tensor:
    """How far sin(Nx)/sin(x) is off when x = πh and Nx are rounded, each on its own."""
    x = torch.pi * torch.abs(index)
    total = cells * x
    sine = torch.clamp(torch.abs(torch.sin(x)), min=1e-30)
    error = (total * torch.abs(torch.cos(total)) + torch.abs(grating) * x * torch.abs(torch.cos(x))) / sine
    lost = (total * eps > 0.01) | (total > _LARGEST_PHASE)  # nothing is left of the phase
    return torch.where(lost, torch.inf, _NOISE * eps * error)


def _scale(values: Floats) -> Floats:
    """(n, 1) the largest magnitude of each row."""
    finite = np.where(np.isfinite(values), np.abs(values), 0.0)
    return np.asarray(finite.max(axis=1, keepdims=True, initial=0.0))
