"""Tiles of pixels by compiled kernels, for models that need no bookkeeping inside the loops.

The kernels are made of the same steps as `PixelLoop`; this module only decides which values go in and out.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from braggtrace.physics.graph import GRAPH
from braggtrace.physics.registry import Plan
from braggtrace.physics.vector import Vec
from braggtrace.simulate.kernels import Kernel, KernelSpec, compiler, load_kernel
from braggtrace.simulate.pixels import PixelLoop

__all__ = [
    "COMPILE_ABOVE",
    "LOAD_ABOVE",
    "FusedLoop",
    "cell_rows",
    "final_outputs",
    "fused_loop",
    "sample_outputs",
    "sum_outputs",
]

LOAD_ABOVE = 3_000_000
"""From so many iterations on it pays to load a compiled kernel."""
COMPILE_ABOVE = 250_000_000
"""From so many iterations on it pays to compile one."""

_FACTORS = ("polar", "omega_pixel_sr", "capture_fraction")
_CELLS = ("rot_a_meters", "rot_b_meters", "rot_c_meters")


def sample_outputs(values: dict[str, Any]) -> list[Tensor]:
    """The scattering vector of a sample, and the factors that are kept."""
    spixel = values["spixel"]
    parts = [*values["scattering_vec_A_inv"], *(values[name] for name in _FACTORS)]
    return [(part + 0.0 * spixel).reshape(-1) for part in parts]


def sum_outputs(values: dict[str, Any]) -> list[Tensor]:
    """The pixel's sum after all iterations of a sample."""
    return [values["sum_before"] + values["I_term"].sum(dim=0, dtype=torch.float64)]


def cell_rows(values: dict[str, Any]) -> dict[str, Vec]:
    """Cell vectors (n, 1) from the rows of a table, (n, 9)."""
    table = values["cells"]
    return {name: Vec(*(table[:, 3 * place + axis, None] for axis in range(3))) for place, name in enumerate(_CELLS)}


def final_outputs(values: dict[str, Any]) -> list[Tensor]:
    """The pixel's value."""
    return [values["I_pixel_final"]]


class _CellPlan(Plan):
    """A plan whose cell vectors come as one table."""

    def run(self, values: Any) -> dict[str, Any]:
        return Plan.run(self, {**values, **cell_rows(values)})


class FusedLoop:
    """The value of pixels, by compiled kernels."""

    def __init__(self, loop: PixelLoop, kernels: tuple[Kernel, Kernel, Kernel]) -> None:
        self.loop = loop
        self.sample, self.iterate, self.final = kernels
        loops = loop.model.loops
        self.cells = _cell_table(loop)
        self.last_layer = int((loops.thick_tic == loops.thick_tic.max()).int().argmax())
        self.samples = [_sample_values(loop, number) for number in range(loops.samples)]
        self.constants = loop.constants | {
            "oversample": loop.constants["subpixel_meters"].new_tensor(loop.constants["oversample"])
        }

    def run(self, spixel: Tensor, fpixel: Tensor) -> Tensor:
        """I_pixel_final of some pixels, (P,)."""
        total = self.constants["I_bg"].expand(len(spixel)).contiguous()
        factors: dict[str, Tensor] = {}
        for number, sample in enumerate(self.samples):
            given = {**self.constants, **sample, "spixel": spixel, "fpixel": fpixel}
            qx, qy, qz, polar, omega, capture = self.sample(given)
            if number == 0:
                factors = {"pixel_polar": polar, "omega_pixel": omega, "pixel_capture": capture}
                if self.loop.model.values["nopolar"]:
                    factors["pixel_polar"] = torch.ones_like(polar)
            if number == self.last_layer:
                factors["pixel_capture"] = capture
            q = Vec(qx, qy, qz)
            (total,) = self.iterate(
                {**self.constants, "cells": self.cells, "scattering_vec_A_inv": q, "sum_before": total}
            )
        (final,) = self.final({**self.constants, **factors, "I_before_scaling": total})
        return final


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
    kernels = []
    for spec in (_sample_spec(loop), _iteration_spec(loop), _final_spec(loop)):
        kernel = load_kernel(spec, compile_missing=wanted)
        if kernel is None:
            return None
        kernels.append(kernel)
    return FusedLoop(loop, (kernels[0], kernels[1], kernels[2]))


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


def _cell_table(loop: PixelLoop) -> Tensor:
    """(n, 9) cell vectors of all iterations."""
    return torch.stack([component for name in _CELLS for component in loop.cells[name]], dim=1).contiguous()


def _sample_values(loop: PixelLoop, number: int) -> dict[str, Any]:
    loops = loop.model.loops
    source = int(loops.source[number])
    return {
        "subS": loops.subS[number],
        "subF": loops.subF[number],
        "thick_tic": loops.thick_tic[number],
        "dir": loops.source_dir.at(source),
        "source_lambda_meters": loops.source_lambda_m[source],
    }


def _needed(plan: Plan, known: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a plan takes from outside: tensors, and what is fixed for good."""
    made = {step.name for step in plan.steps}
    names = {name for step in plan.steps for name in step.inputs} - made
    given = {name: known[name] for name in sorted(names)}
    tensors = {name: value for name, value in given.items() if isinstance(value, (Tensor, tuple))}
    return tensors, {name: value for name, value in given.items() if name not in tensors}


def _pixels(loop: PixelLoop) -> Tensor:
    return torch.arange(8, dtype=torch.float64, device=loop.device)


def _sample_spec(loop: PixelLoop) -> KernelSpec:
    example = _pixels(loop)
    known = {**loop.constants, **_sample_values(loop, 0), "spixel": example, "fpixel": example.clone()}
    known["oversample"] = torch.tensor(1.0, dtype=torch.float64)
    plan = GRAPH.plan(("scattering_vec_A_inv", *_FACTORS), known, loop.model.variants)
    tensors, statics = _needed(plan, known)
    pixels = {0: "pixels"}
    return KernelSpec("sample", plan, sample_outputs, tensors, statics, {"spixel": pixels, "fpixel": pixels})


def _iteration_spec(loop: PixelLoop) -> KernelSpec:
    example = _pixels(loop)
    q = Vec(example * 1e8, example * 2e8, example * 3e8)
    known = {**loop.constants, **dict.fromkeys(_CELLS), "scattering_vec_A_inv": q}
    plan = _CellPlan(loop.iteration_plan.steps)
    tensors, statics = _needed(plan, known)
    for name in _CELLS:
        statics.pop(name, None)
    cells = _cell_table(loop)
    varying = {"iterations": 0} if len(cells) > 1 else {}
    tensors |= {"cells": cells, "sum_before": example.clone()}
    pixels = {0: "pixels"}
    dynamic: dict[str, dict[int, str]] = {f"scattering_vec_A_inv.{axis}": pixels for axis in "xyz"}
    dynamic |= {"sum_before": pixels, "F_table.values": {0: "reflections"}}
    if varying:
        dynamic["cells"] = {0: "iterations"}
    statics["one_iteration"] = not varying
    return KernelSpec("iterate", plan, sum_outputs, tensors, statics, dynamic, one_loop=True)


def _final_spec(loop: PixelLoop) -> KernelSpec:
    example = _pixels(loop)
    names = ("pixel_polar", "omega_pixel", "pixel_capture", "I_before_scaling")
    known = {**loop.constants, **{name: example + float(place) for place, name in enumerate(names)}}
    plan = GRAPH.plan(("I_pixel_final",), known)
    tensors, statics = _needed(plan, known)
    return KernelSpec("final", plan, final_outputs, tensors, statics, {name: {0: "pixels"} for name in names})
