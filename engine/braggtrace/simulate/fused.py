"""Pixels by a compiled kernel, for models that need no bookkeeping inside the loops.

The kernel is made of the same steps as `PixelLoop`; this module only decides which values go in and out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from braggtrace.physics.graph import GRAPH
from braggtrace.physics.registry import Plan, Step
from braggtrace.physics.vector import Vec
from braggtrace.simulate.kernels import Kernel, KernelSpec, compiler, load_kernel
from braggtrace.simulate.pixels import PixelLoop

__all__ = ["COMPILE_ABOVE", "LOAD_ABOVE", "FusedLoop", "PixelProgram", "fused_loop"]

LOAD_ABOVE = 3_000_000
"""From so many iterations on it pays to load a compiled kernel."""
COMPILE_ABOVE = 250_000_000
"""From so many iterations on it pays to compile one."""

_TILE = 131072
_WORK = 200_000_000
_CELLS = ("rot_a_meters", "rot_b_meters", "rot_c_meters")
_CARRIED = ("carried_sum", "carried_polar", "carried_omega", "carried_capture")


@dataclass(frozen=True, slots=True)
class PixelProgram:
    """All of a pixel that follows from one sample.

    Attributes:
        sample: the steps of a sample.
        iteration: those of an iteration.
        final: those of the pixel's value.
        alone: there is no other sample. Otherwise what is known so far is carried from sample to sample.
    """

    sample: Plan
    iteration: Plan
    final: Plan
    alone: bool

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps."""
        return (*self.sample.steps, *self.iteration.steps, *self.final.steps)

    def __call__(self, values: dict[str, Any]) -> tuple[Tensor, ...]:
        """The pixels' values so far, (P,), and what is carried on, each (P,)."""
        known = self.sample.run(values)
        cells = {
            name: Vec(*(values["cells"][:, 3 * place + axis, None] for axis in range(3)))
            for place, name in enumerate(_CELLS)
        }
        known["scattering_vec_A_inv"] = _kept(known["scattering_vec_A_inv"])
        total = self.iteration.run({**known, **cells})["I_term"].sum(dim=0, dtype=torch.float64)
        polar = torch.ones_like(total) if values["nopolar"] else known["polar"]
        omega, capture = known["omega_pixel_sr"], known["capture_fraction"]
        if self.alone:
            total = values["I_bg"] + total
        else:
            first = values["is_first"]
            total = torch.where(first, values["I_bg"], values["carried_sum"]) + total
            polar = torch.where(first, polar, values["carried_polar"])
            omega = torch.where(first, omega, values["carried_omega"])
            capture = torch.where(values["is_last_layer"], capture, values["carried_capture"])
        factors = {"pixel_polar": polar, "omega_pixel": omega, "pixel_capture": capture}
        result = self.final.run({**values, **factors, "I_before_scaling": total})["I_pixel_final"]
        return (result,) if self.alone else (result, total, polar, omega, capture)


def _kept(vector: Vec) -> Vec:
    """The same, kept in memory: what is merely an expression would be computed anew in every iteration."""
    return Vec(*(torch.as_strided(component, component.shape, (1,)) for component in vector))


class FusedLoop:
    """The value of pixels, by a compiled kernel."""

    def __init__(self, loop: PixelLoop, kernel: Kernel) -> None:
        self.kernel = kernel
        loops = loop.model.loops
        # Small enough to show progress and to be interrupted.
        self.tile_size = min(_TILE, max(_TILE // 16, _WORK // (loops.samples * loops.iterations)))
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
    """
    model = loop.model
    work = pixels * model.loops.iterations * model.loops.samples
    if mode == "off" or (mode == "auto" and work < LOAD_ABOVE) or pixels < 2 or not _is_plain(loop):
        return None
    wanted = compiler() is not None and (mode == "on" or work > COMPILE_ABOVE)
    kernel = load_kernel(_spec(loop), compile_missing=wanted)
    return None if kernel is None else FusedLoop(loop, kernel)


def _is_plain(loop: PixelLoop) -> bool:
    """No gradients, interpolation, resolution cut or factors inside the sums, and something to sum."""
    model = loop.model
    values = [value for value in loop.constants.values() if isinstance(value, Tensor)]
    return (
        loop.device.type == "cpu"
        and not torch.is_grad_enabled()
        and not any(value.requires_grad for value in values)
        and not model.interpolate
        and not loop.factors
        and model.values["dmin_angstroms"] <= 0
        and model.loops.samples > 0
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
    alone = loop.model.loops.samples == 1
    pixels = ("spixel", "fpixel", *(() if alone else _CARRIED))
    known = _constants(loop) | _sample_values(loop, 0) | {name: example + place for place, name in enumerate(pixels)}
    q = {"scattering_vec_A_inv": None}
    finals = dict.fromkeys(("pixel_polar", "omega_pixel", "pixel_capture", "I_before_scaling"))
    program = PixelProgram(
        GRAPH.plan(("scattering_vec_A_inv", "polar", "omega_pixel_sr", "capture_fraction"), known, loop.variants),
        GRAPH.plan(("I_term",), {*known, *q, *_CELLS}, loop.variants),
        GRAPH.plan(("I_pixel_final",), {*known, *finals}),
        alone,
    )
    made = {step.name for step in program.steps} | set(_CELLS) | set(finals)
    names = {name for step in program.steps for name in step.inputs} - made
    names |= {"cells", "I_bg", "nopolar"} | (set() if alone else {"is_first", "is_last_layer", *_CARRIED})
    given = {name: known[name] for name in sorted(names)}
    tensors = {name: value for name, value in given.items() if isinstance(value, (Tensor, tuple))}
    statics = {name: value for name, value in given.items() if name not in tensors}
    dynamic = {name: {0: "pixels"} for name in pixels} | {"F_table.values": {0: "reflections"}}
    # A length of 1 can't stand for others when it is compiled.
    several = len(given["cells"]) > 1
    if several:
        dynamic["cells"] = {0: "iterations"}
    return KernelSpec("pixels", program, tensors, statics | {"several": several}, dynamic)
