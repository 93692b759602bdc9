"""Pixels by a compiled kernel, for models that need no bookkeeping inside the loops.

The kernel is made of the same steps as `PixelLoop`; this module only decides which values go in and out.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from braggtrace.errors import CompileError
from braggtrace.physics.graph import GRAPH
from braggtrace.physics.registry import Plan, Step
from braggtrace.physics.vector import Vec
from braggtrace.simulate.kernels import Kernel, KernelSpec, compiler, load_kernel
from braggtrace.simulate.pixels import PixelLoop

__all__ = ["COMPILE_SECONDS", "LOAD_SECONDS", "FusedLoop", "PixelProgram", "eager_seconds", "fused_loop"]

LOAD_SECONDS = 0.2
"""What takes longer than this without compiled kernels is worth loading them."""
COMPILE_SECONDS = 15.0
"""What takes longer than this without compiled kernels is worth compiling them: as long as that takes, once. With
interpolation it takes twice as long."""

_ITERATION_SECONDS = 7e-8  # on one thread, without compiled kernels
_INTERPOLATED_SECONDS = 9e-7
_TILE = 65536
_SMALLEST_TILE = 64
_CALL = 100_000  # evaluations, for which a call takes longer than what comes with it
_WORK = 100_000_000  # evaluations that take a fraction of a second
_CELLS = ("rot_a_meters", "rot_b_meters", "rot_c_meters")
_INSIDE = {"oversample_thick": "capture_fraction", "oversample_polar": "polar", "oversample_omega": "omega_pixel_sr"}
_CARRIED = ("carried_sum", "carried_polar", "carried_omega", "carried_capture")


@dataclass(frozen=True, slots=True)
class PixelProgram:
    """All of a pixel that follows from one sample.

    Attributes:
        sample: the steps of a sample.
        reach: those that tell whether interpolation is possible; None without interpolation.
        iteration: those of an iteration.
        final: those of the pixel's value.
        weights: the factors that belong to every contribution of their sample.
        cut: there is a resolution limit.
        alone: there is no other sample. Otherwise what is known so far is carried from sample to sample.
    """

    sample: Plan
    reach: Plan | None
    iteration: Plan
    final: Plan
    weights: tuple[str, ...]
    cut: bool
    alone: bool

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps."""
        plans = (self.sample, self.reach, self.iteration, self.final)
        return tuple(step for plan in plans if plan is not None for step in plan.steps)

    def __call__(self, values: dict[str, Any]) -> tuple[Tensor, ...]:
        """The pixels' values so far, (P,), and what is carried on, each (P,)."""
        sample = self.sample.run(values)
        total = self._contribution(sample)
        factors = self._factors(sample, total)
        if not self.alone:
            factors["carried_sum"] = torch.where(values["is_first"], values["I_bg"], values["carried_sum"]) + total
            total = factors["carried_sum"]
        else:
            total = values["I_bg"] + total
        known = {
            "I_before_scaling": total,
            "pixel_polar": torch.clamp(factors["carried_polar"], min=0.0),
            "omega_pixel": factors["carried_omega"],
            "pixel_capture": factors["carried_capture"],
        }
        result = self.final.run({**values, **known})["I_pixel_final"]
        return (result,) if self.alone else (result, *(factors[name] for name in _CARRIED))

    def _contribution(self, sample: dict[str, Any]) -> Tensor:
        """The sum of all iterations, (P,)."""
        cells = {
            name: Vec(*(sample["cells"][:, 3 * place + axis, None] for axis in range(3)))
            for place, name in enumerate(_CELLS)
        }
        given = {**sample, **cells, "scattering_vec_A_inv": _kept(sample["scattering_vec_A_inv"])}
        if self.reach is not None:
            given = self.reach.run(given)
            given["interpolation_on"] = given["tricubic_allowed"]
        total = self.iteration.run(given)["I_term"].sum(dim=0, dtype=torch.float64)
        for name in self.weights:
            total = total * sample[name]
        return torch.where(sample["in_resolution"], total, 0.0) if self.cut else total

    def _factors(self, sample: dict[str, Any], total: Tensor) -> dict[str, Tensor]:
        """The factors that are computed once and kept; a polarization that is not known yet is negative."""
        polar = torch.ones_like(total) if sample["nopolar"] else sample["polar"]
        omega, capture = sample["omega_pixel_sr"], sample["capture_fraction"]
        if self.cut and not sample["nopolar"]:
            polar = torch.where(sample["in_resolution"], polar, -1.0)
        if not self.alone:
            first, before = sample["is_first"], sample["carried_polar"]
            polar = torch.where(first | (before < 0.0), polar, before)
            omega = torch.where(first, omega, sample["carried_omega"])
            capture = torch.where(sample["is_last_layer"], capture, sample["carried_capture"])
        return {"carried_polar": polar, "carried_omega": omega, "carried_capture": capture}


def _kept(vector: Vec) -> Vec:
    """The same, kept in memory: what is merely an expression would be computed anew in every iteration."""
    return Vec(*(torch.as_strided(component, component.shape, (1,)) for component in vector))


class FusedLoop:
    """The value of pixels, by a compiled kernel."""

    def __init__(self, loop: PixelLoop, kernel: Kernel) -> None:
        self.kernel = kernel
        loops = loop.model.loops
        # Small enough to show progress and to be interrupted.
        enough = _WORK // (loops.samples * loops.iterations)
        self.tile_size = min(_TILE, max(_CALL // loops.iterations, _SMALLEST_TILE, enough))
        self._alone = loops.samples == 1
        constants = _constants(loop)
        self._samples = [constants | _sample_values(loop, number) for number in range(loops.samples)]

    def run(self, spixel: Tensor, fpixel: Tensor) -> Tensor:
        """I_pixel_final of some pixels, (P,)."""
        pixels: dict[str, Any] = {"spixel": spixel, "fpixel": fpixel}
        if not self._alone:
            pixels |= dict.fromkeys(_CARRIED, torch.zeros_like(spixel))
        for sample in self._samples:
            result, *carried = self.kernel(sample | pixels)
            pixels |= dict(zip(_CARRIED, carried, strict=False))
        return result


def fused_loop(loop: PixelLoop, pixels: int, mode: str) -> FusedLoop | None:
    """The compiled form of a loop, if there is one and it pays.

    Args:
        loop: the loops of the model.
        pixels: how many will be rendered.
        mode: "auto", "on" or "off".

    Raises:
        CompileError: it was to be compiled whatever it costs, and the compiler failed.
    """
    if mode == "off" or pixels < 2 or not _is_plain(loop):
        return None
    seconds = eager_seconds(loop, pixels)
    if mode == "auto" and seconds < LOAD_SECONDS:
        return None
    cost = COMPILE_SECONDS * (2.0 if loop.model.interpolate else 1.0)
    wanted = mode == "on" or (seconds > cost and compiler() is not None)
    try:
        kernel = load_kernel(_spec(loop), compile_missing=wanted)
    except CompileError as error:
        if mode == "on":
            raise
        logging.getLogger("braggtrace").warning("%s; going on without", error)
        return None
    return None if kernel is None else FusedLoop(loop, kernel)


def eager_seconds(loop: PixelLoop, pixels: int) -> float:
    """About how long it takes without compiled kernels [s]."""
    loops = loop.model.loops
    each = _INTERPOLATED_SECONDS if loop.model.interpolate else _ITERATION_SECONDS
    return pixels * loops.iterations * loops.samples * each / torch.get_num_threads()


def _is_plain(loop: PixelLoop) -> bool:
    """No gradients, no product of factors that runs along with the sum, and something to sum."""
    values = [value for value in loop.constants.values() if isinstance(value, Tensor)]
    return (
        loop.device.type == "cpu"
        and not torch.is_grad_enabled()
        and not any(value.requires_grad for value in values)
        and not (loop.factors and loop.running)
        and loop.model.loops.samples > 0
    )


def _constants(loop: PixelLoop) -> dict[str, Any]:
    """What is the same for all samples; all numbers that may differ from model to model as tensors."""
    cells = [component for name in _CELLS for component in loop.cells[name]]
    oversample = loop.constants["subpixel_meters"].new_tensor(loop.constants["oversample"])
    return {**loop.constants, "cells": torch.stack(cells, dim=1).contiguous(), "oversample": oversample}


def _sample_values(loop: PixelLoop, number: int) -> dict[str, Any]:
    """What differs from sample to sample."""
    loops = loop.model.loops
    source = int(loops.source[number])
    last_layer = int((loops.thick_tic == loops.thick_tic.max()).int().argmax())
    return {
        "subS": loops.subS[number],
        "subF": loops.subF[number],
        "thick_tic": loops.thick_tic[number],
        "dir": loops.source_dir.at(source),
        "source_lambda_meters": loops.source_lambda_m[source],
        "is_first": torch.tensor(number == 0),
        "is_last_layer": torch.tensor(number == last_layer),
    }


def _spec(loop: PixelLoop) -> KernelSpec:
    example = torch.arange(8, dtype=torch.float64)
    alone, cut = loop.model.loops.samples == 1, float(loop.model.values["dmin_angstroms"]) > 0.0
    pixels = ("spixel", "fpixel", *(() if alone else _CARRIED))
    known = _constants(loop) | _sample_values(loop, 0) | {name: example + place for place, name in enumerate(pixels)}
    known |= {flag: loop.at_every_step[name] for flag, name in _INSIDE.items()}
    inner = {"scattering_vec_A_inv", "interpolation_on", *_CELLS}
    finals = {"pixel_polar", "omega_pixel", "pixel_capture", "I_before_scaling"}
    targets = {"scattering_vec_A_inv", "polar", "omega_pixel_sr", "capture_fraction"} | (
        {"in_resolution"} if cut else set()
    )
    program = PixelProgram(
        sample=GRAPH.plan(sorted(targets - set(known)), known, loop.variants),
        reach=GRAPH.plan(["tricubic_allowed"], {*known, *inner}, loop.variants) if loop.model.interpolate else None,
        iteration=GRAPH.plan(["I_term"], {*known, *inner}, loop.variants),
        final=GRAPH.plan(["I_pixel_final"], {*known, *finals}),
        weights=tuple(loop.factors),
        cut=cut,
        alone=alone,
    )
    made = {step.name for step in program.steps} | inner | finals
    names = {name for step in program.steps for name in step.inputs} - made
    names |= (
        {"cells", "I_bg", "nopolar"}
        | targets & set(known)
        | (set() if alone else {"is_first", "is_last_layer", *_CARRIED})
    )
    given = {name: known[name] for name in sorted(names)}
    tensors = {name: value for name, value in given.items() if isinstance(value, (Tensor, tuple))}
    statics = {name: value for name, value in given.items() if name not in tensors}
    dynamic = {name: {0: "pixels"} for name in pixels} | {"F_table.values": {0: "reflections"}}
    # A length of 1 can't stand for others when it is compiled.
    several = len(given["cells"]) > 1
    if several:
        dynamic["cells"] = {0: "iterations"}
    statics |= {"several": several, "weights": program.weights, "cut": cut, "alone": alone}
    return KernelSpec("pixels", program, tensors, statics, dynamic)
