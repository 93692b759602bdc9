"""Mutants: steps of the graph replaced by wrong ones, one kind for each cause.

A mutant is planted in the graph that the simulator itself runs, so that everything after it is wrong in a consistent
way. Each says which traced node must be found, and what the cause is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
from torch import Tensor

from braggtrace.causes.codes import Code
from braggtrace.physics.graph import GRAPH
from braggtrace.physics.numerics import nearest
from braggtrace.physics.registry import Step
from braggtrace.physics.vector import Vec

__all__ = ["Fault", "Patch", "as_c_does", "mapped", "planted", "recorded_nodes", "stale", "with_inputs", "with_result"]

Patch: TypeAlias = Callable[[Step], Step]

_RECORDED = {
    "rot_a_meters": ("rot_a_angstroms",),
    "rot_b_meters": ("rot_b_angstroms",),
    "rot_c_meters": ("rot_c_angstroms",),
    "F_cell_nearest": ("F_cell_nearest", "F_cell"),
    "Fdet_meters": ("pixel_pos_meters",),
    "Sdet_meters": ("pixel_pos_meters",),
    "Odet_meters": ("pixel_pos_meters",),
    "cos_2psi": ("polar",),
    "fdet_after_rotz": ("fdet_vec",),
    "sdet_after_rotz": ("sdet_vec",),
}


def recorded_nodes(step: str) -> tuple[str, ...]:
    """The traced nodes that show what a step gives."""
    return _RECORDED.get(step, (step,))


@dataclass(frozen=True, slots=True)
class Fault:
    """One seeded fault.

    Attributes:
        code: its cause.
        nodes: the traced nodes of which one must be named.
        text: what was done.
        patches: makes the wrong steps: key of the graph -> patch; called anew for each trace, because some remember.
        parts: fields of the experiment that are left at their defaults, by part.
    """

    code: Code
    nodes: tuple[str, ...]
    text: str
    patches: Callable[[], Mapping[str, Patch]] = dict
    parts: tuple[tuple[str, str, Any], ...] = ()


def as_c_does() -> dict[str, Patch]:
    """Small changes of the graph by which a mutant has the consequences that it would have in a C program.

    The simulator takes the square of the lattice factor from its gratings, and the rounded indices for accuracy; a
    plain program squares F_latt and takes the lattice factor of the fraction alone.
    """
    patches: dict[str, Patch] = {
        "F_latt_squared@SQUARE": lambda step: replace(step, function=lambda F_latt: F_latt * F_latt, inputs=("F_latt",))
    }
    for letter, index in zip("abc", "hkl", strict=True):
        for key in (
            f"{index}_residue",
            f"half_turns_{letter}",
            f"grating_{letter}@ROUNDED",
            f"F_latt_{letter}",
        ):
            patches[key] = _rounding_alone(f"{index}0", f"{index}_frac")
    return patches


def _rounding_alone(rounded: str, fraction: str) -> Patch:
    def patch(step: Step) -> Step:
        if rounded not in step.inputs:
            return step
        place = step.inputs.index(rounded)
        inputs = tuple(fraction if name == rounded else name for name in step.inputs)

        def function(*values: Any) -> Any:
            own = list(values)
            own[place] = nearest(own[place])
            return step.function(*own)

        return replace(step, function=function, inputs=inputs)

    return patch


@contextmanager
def planted(patches: Mapping[str, Patch]) -> Iterator[None]:
    """Run with some steps of the simulator's graph replaced."""
    before = dict(GRAPH.steps)
    try:
        for key, patch in patches.items():
            if key in GRAPH.steps:
                GRAPH.steps[key] = patch(GRAPH.steps[key])
        yield
    finally:
        GRAPH.steps.clear()
        GRAPH.steps.update(before)


def mapped(change: Callable[[Any], Any]) -> Patch:
    """A step whose result is changed."""

    def patch(step: Step) -> Step:
        def function(*values: Any) -> Any:
            return change(step.function(*values))

        return replace(step, function=function)

    return patch


def with_inputs(change: Callable[[dict[str, Any]], dict[str, Any]], extra: tuple[str, ...] = ()) -> Patch:
    """A step whose inputs are changed, and that may ask for more of them."""

    def patch(step: Step) -> Step:
        inputs = (*step.inputs, *(name for name in extra if name not in step.inputs))

        def function(*values: Any) -> Any:
            named = change(dict(zip(inputs, values, strict=True)))
            return step.function(*(named[name] for name in step.inputs))

        return replace(step, function=function, inputs=inputs)

    return patch


def with_result(change: Callable[[Any, dict[str, Any]], Any], extra: tuple[str, ...] = ()) -> Patch:
    """A step whose result is changed with the help of its inputs and of others."""

    def patch(step: Step) -> Step:
        inputs = (*step.inputs, *(name for name in extra if name not in step.inputs))

        def function(*values: Any) -> Any:
            named = dict(zip(inputs, values, strict=True))
            return change(step.function(*(named[name] for name in step.inputs)), named)

        return replace(step, function=function, inputs=inputs)

    return patch


def stale(iterations: bool) -> Callable[[], Patch]:
    """A step that gives what it gave the time before: of the iteration before, or of the pixel before."""

    def fresh() -> Patch:
        kept: list[Any] = []

        def change(value: Any) -> Any:
            before = kept[-1] if kept else None
            kept.append(value)
            if isinstance(value, Vec):
                return Vec(
                    *(_before(now, None if before is None else before[at], iterations) for at, now in enumerate(value))
                )
            return _before(value, before, iterations)

        return mapped(change)

    return fresh


def _before(now: Tensor, before: Tensor | None, iterations: bool) -> Tensor:
    """The value of the time before; the first one of a trace stays what it is."""
    if not iterations:
        return now if before is None or before.shape != now.shape else before
    flat = now.reshape(-1)
    first = flat[:1] if before is None else before.reshape(-1)[-1:]
    return torch.cat([first, flat[:-1]]).reshape(now.shape)
