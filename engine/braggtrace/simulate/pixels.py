"""The value of some pixels: every loop inside a pixel, run with the registered steps.

The image is made of calls of `PixelLoop.run` over tiles of pixels, a trace of calls over single pixels with a recorder.
Every operation is elementwise and every sum runs in loop order, so a pixel has the same value in whatever company it is
computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from braggtrace.physics.graph import GRAPH
from braggtrace.physics.vector import Vec
from braggtrace.simulate.model import Model

__all__ = ["ELEMENTS", "PixelLoop", "PixelResult", "Recorder"]

ELEMENTS = 16384
"""How many (sample, iteration, pixel) elements are computed at a time on a CPU, so that they stay in the cache."""

_BYTES_PER_ELEMENT = 800
_LARGEST_ON_GPU = 1 << 23

_SAMPLE_TARGETS = ("scattering_vec_A_inv", "in_resolution", "omega_pixel_sr", "capture_fraction", "polar", "cos_2theta")
_CELL_TARGETS = ("rot_a_meters", "rot_b_meters", "rot_c_meters")
_RUN_VECTORS = (*_CELL_TARGETS, "scattering_vec_A_inv")


class Recorder(Protocol):
    """What a trace wants to see of the loops of one pixel."""

    def samples(self, first: int, values: Mapping[str, Any]) -> None:
        """Values of the samples from number `first` on, components (B, P)."""

    def iterations(self, first: int, start: int, values: Mapping[str, Any]) -> None:
        """Values of the iterations from number `start` on of the samples from number `first` on, (B, n, P)."""


@dataclass(frozen=True, slots=True)
class PixelResult:
    """What comes out of the loops, each (P,).

    Attributes:
        I_pixel_final: the value [photons].
        I_before_scaling: the sum.
        polar: the factor in use at the end.
        capture: the fraction in use at the end.
        omega: the solid angle in use at the end [sr].
        cos_2theta: of the last sample.
    """

    I_pixel_final: Tensor
    I_before_scaling: Tensor
    polar: Tensor
    capture: Tensor
    omega: Tensor
    cos_2theta: Tensor


class PixelLoop:
    """All loops inside a pixel, for one model on one device in one precision.

    Args:
        model: the resolved experiment.
        device: where to compute.
        dtype: of lattice and structure factors; geometry, Miller indices and sums are always float64.
        extra: quantities of an iteration to compute besides those that the image needs.
        sample_extra: quantities of a sample to compute besides those.
    """

    def __init__(
        self,
        model: Model,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float64,
        extra: tuple[str, ...] = (),
        sample_extra: tuple[str, ...] = (),
    ) -> None:
        self.model = model
        self.device = torch.device(device)
        self.dtype = dtype
        self.elements = _elements(self.device)
        # What the rounding of phases changes is below the digits of float32.
        self.variants = tuple(name for name in model.variants if name != "ROUNDED" or dtype == torch.float64)
        loops = model.loops
        self.constants = {name: _moved(value, self.device) for name, value in model.values.items()}
        self.constants |= {
            "work_dtype": dtype,
            "F_table": None if model.table is None else model.table.cast(dtype, self.device),
            "default_F": self.constants["default_F"].to(dtype),
        }
        self._cell_plan = GRAPH.plan(_CELL_TARGETS, {*self.constants, "phi_rad", "u"}, self.variants)
        self.cells = self._rotate(loops.phi_used_rad)
        self.first_cells = self._rotate(loops.phi_first_rad)
        sample_given = {*self.constants, "fpixel", "spixel", "subS", "subF", "thick_tic", "dir", "source_lambda_meters"}
        run_level = [name for name in (*_SAMPLE_TARGETS, *sample_extra) if name not in self.constants]
        self._sample_plan = GRAPH.plan(run_level, sample_given, self.variants)
        known = {*self.constants, *_RUN_VECTORS, "interpolation_on"}
        self.iteration_plan = GRAPH.plan(["I_term", *extra], known, self.variants)
        self._keep_all = bool(extra)
        self._spent = self.iteration_plan.spent(("I_term", "F_latt_squared", *_RUN_VECTORS))
        self._reach_plan = (
            GRAPH.plan(["tricubic_allowed", "F_latt"], known, self.variants) if model.interpolate else None
        )
        # Without a correction at every step the factors stay out of the sum.
        quirks, values = model.quirks, model.values
        self.at_every_step = {
            "capture_fraction": bool(values["oversample_thick"])
            or ("thickness-last-layer" not in quirks and values["thicksteps"] > 1),
            "polar": bool(values["oversample_polar"]),
            "omega_pixel_sr": bool(values["oversample_omega"]),
        }
        self.factors = [name for name, wanted in self.at_every_step.items() if wanted]
        self.running = "running-sum-oversample" in quirks

    def _rotate(self, phi_rad: Tensor) -> dict[str, Vec]:
        loops = self.model.loops
        values: dict[str, Any] = {"phi_rad": phi_rad[loops.phi_tic].to(self.device)[:, None], "u": None}
        if loops.mosaic is not None:
            values["u"] = tuple(
                _moved(row.at(loops.mos_tic), self.device).at((slice(None), None)) for row in loops.mosaic
            )
        known = self._cell_plan.run({**self.constants, **values})
        return {name: _expanded(known[name], len(loops.phi_tic)) for name in _CELL_TARGETS}

    def samples(self, spixel: Tensor, fpixel: Tensor, chosen: slice) -> dict[str, Any]:
        """All quantities of some samples of some pixels; results broadcast to (B, P)."""
        loops = self.model.loops
        source = loops.source[chosen]
        column = (slice(None), None)
        given = {
            "spixel": spixel,
            "fpixel": fpixel,
            "subS": loops.subS[chosen].to(self.device)[column],
            "subF": loops.subF[chosen].to(self.device)[column],
            "thick_tic": loops.thick_tic[chosen].to(self.device)[column],
            "dir": _moved(loops.source_dir.at(source), self.device).at(column),
            "source_lambda_meters": loops.source_lambda_m[source].to(self.device)[column],
        }
        return self._sample_plan.run({**self.constants, **given})

    def blocks(self, pixels: int) -> Iterator[tuple[slice, slice]]:
        """Chunks of samples and of iterations that are computed together, in loop order."""
        loops = self.model.loops
        n = min(loops.iterations, max(1, self.elements // max(pixels, 1)))
        samples = max(1, self.elements // max(pixels * loops.iterations, 1)) if n == loops.iterations else 1
        for first in range(0, loops.samples, samples):
            for start in range(0, loops.iterations, n):
                yield (
                    slice(first, min(first + samples, loops.samples)),
                    slice(start, min(start + n, loops.iterations)),
                )

    def iterate(
        self, sampled: Mapping[str, Any], chosen: slice, start: slice, first_of_thread: int | None, on: Tensor | None
    ) -> dict[str, Any]:
        """All quantities of some iterations, (B, n, P)."""
        cells = {name: vector.at((None, start, None)) for name, vector in self.cells.items()}
        if first_of_thread is not None and chosen.start <= first_of_thread < chosen.stop:
            here = torch.arange(chosen.start, chosen.stop, device=self.device)[:, None, None] == first_of_thread
            for name, vector in cells.items():
                fresh = self.first_cells[name].at((None, start, None))
                cells[name] = Vec(*(torch.where(here, f, c) for f, c in zip(fresh, vector, strict=True)))
        given = {
            **self.constants,
            **cells,
            "scattering_vec_A_inv": sampled["scattering_vec_A_inv"].at((slice(None), None)),
        }
        if self._reach_plan is not None:
            given = self._reach_plan.run(given)
            allowed = given["tricubic_allowed"]
            given["interpolation_on"] = allowed if on is None else allowed & on
        if self._keep_all:
            return self.iteration_plan.run(given)
        return self.iteration_plan.run_lean(given, self._spent)

    def run(
        self,
        spixel: Tensor,
        fpixel: Tensor,
        *,
        first_of_thread: int | None = None,
        off_from: Tensor | None = None,
        recorder: Recorder | None = None,
    ) -> PixelResult:
        """The value of some pixels.

        Args:
            spixel: (P,) float64.
            fpixel: (P,) float64.
            first_of_thread: number of the sample whose phi loop is the first that its thread runs.
            off_from: (P,) number of the evaluation in a pixel from which on interpolation is off for good.
            recorder: gets every intermediate value.
        """
        state = _State(self, len(fpixel))
        sampled: dict[str, Any] = {}
        held: slice | None = None
        for chosen, inner in self.blocks(len(fpixel)):
            if chosen != held:
                sampled, held = self.samples(spixel, fpixel, chosen), chosen
                factors = state.see_samples(sampled, chosen)
                if recorder is not None:
                    recorder.samples(chosen.start, {**sampled, **factors})
            on = None if off_from is None else self._order(chosen, inner) < off_from
            values = self.iterate(sampled, chosen, inner, first_of_thread, on)
            running = state.add(values, sampled, factors, keep=recorder is not None)
            if recorder is not None:
                recorder.iterations(chosen.start, inner.start, {**values, "I_running": running})
        return state.finish()

    def _order(self, chosen: slice, inner: slice) -> Tensor:
        """The number of each evaluation within its pixel, (B, n, 1)."""
        samples = torch.arange(chosen.start, chosen.stop, device=self.device)[:, None, None]
        return (
            samples * self.model.loops.iterations + torch.arange(inner.start, inner.stop, device=self.device)[:, None]
        )

    def leaves_table(self, spixel: Tensor, fpixel: Tensor) -> Tensor:
        """(P,) number of the first evaluation of each pixel that interpolation can't serve; a huge one if none."""
        never = torch.iinfo(torch.int64).max
        first = torch.full((len(fpixel),), never, dtype=torch.int64, device=self.device)
        sampled: dict[str, Any] = {}
        held: slice | None = None
        for chosen, inner in self.blocks(len(fpixel)):
            if chosen != held:
                sampled, held = self.samples(spixel, fpixel, chosen), chosen
            values = self.iterate(sampled, chosen, inner, None, None)
            leaves = ~values["tricubic_allowed"] & sampled["in_resolution"][:, None]
            if float(self.model.values["I_bg"].detach()) == 0.0:
                leaves = leaves & (values["F_latt"] != 0)
            order = torch.where(leaves, self._order(chosen, inner), never)
            first = torch.minimum(first, order.amin(dim=(0, 1)))
        return first


class _State:
    """What the loops carry along for a tile of pixels."""

    def __init__(self, loop: PixelLoop, pixels: int) -> None:
        self.loop = loop
        values, device = loop.constants, loop.device
        self.sum = values["I_bg"].expand(pixels)
        self.polar = torch.zeros(pixels, dtype=torch.float64, device=device)
        self.seen = torch.zeros((pixels,), dtype=torch.bool, device=device)
        if values["nopolar"]:
            self.polar, self.seen = torch.ones_like(self.polar), ~self.seen
        self.omega: Tensor | None = None
        self.capture: Tensor | None = None
        self.cos_2theta = torch.zeros_like(self.polar)
        self.layer = -1

    def see_samples(self, sampled: Mapping[str, Any], chosen: slice) -> dict[str, Tensor]:
        """Take the factors that are computed once and then kept; return those in effect at each sample, (B, P)."""
        loops, factors = self.loop.model.loops, self.loop.at_every_step
        polars, omegas, captures = [], [], []
        for row, sample in enumerate(range(chosen.start, chosen.stop)):
            allowed = _row(sampled["in_resolution"], row)
            here = _row(sampled["polar"], row)
            fresh = allowed if factors["polar"] else allowed & ~self.seen
            self.polar = torch.where(fresh, here, self.polar)
            self.seen = self.seen | allowed
            if self.omega is None or factors["omega_pixel_sr"]:
                self.omega = _row(sampled["omega_pixel_sr"], row).expand_as(self.polar)
            layer = int(loops.thick_tic[sample])
            if self.capture is None or layer != self.layer or factors["capture_fraction"]:
                self.capture, self.layer = _row(sampled["capture_fraction"], row).expand_as(self.polar), layer
            polars.append(self.polar)
            omegas.append(self.omega)
            captures.append(self.capture)
        self.cos_2theta = torch.where(allowed, _row(sampled["cos_2theta"], row), self.cos_2theta)
        return {
            "polar": torch.stack(polars),
            "omega_pixel_sr": torch.stack(omegas),
            "capture_fraction": torch.stack(captures),
        }

    def add(
        self, values: Mapping[str, Any], sampled: Mapping[str, Any], factors: Mapping[str, Tensor], *, keep: bool
    ) -> Tensor | None:
        """Add the contributions of some iterations in loop order; return the running sums if asked for."""
        loop = self.loop
        allowed = sampled["in_resolution"][:, None]
        terms = values["I_term"].to(torch.float64)
        skip_zero = loop.running and loop.factors and float(loop.model.values["I_bg"].detach()) == 0.0
        running = allowed & (values["F_latt_squared"] != 0) if skip_zero else allowed
        terms = (
            torch.where(allowed, terms, torch.zeros_like(terms)) if loop.model.values["dmin_angstroms"] > 0 else terms
        )
        steps = []
        for row in range(terms.shape[0]):
            weights = [factors[name][row] for name in loop.factors]
            for inner in range(terms.shape[1]):
                term = terms[row, inner]
                if not weights:
                    self.sum = self.sum + term
                elif loop.running:
                    total = self.sum + term
                    for weight in weights:
                        total = total * weight
                    executed = running[row, inner if running.shape[1] > 1 else 0]
                    self.sum = torch.where(executed, total, self.sum)
                else:
                    for weight in weights:
                        term = term * weight
                    self.sum = self.sum + term
                if keep:
                    steps.append(self.sum)
        return torch.stack(steps).reshape(terms.shape) if keep else None

    def finish(self) -> PixelResult:
        """Scale the sum to photons."""
        loop = self.loop
        omega = self.polar if self.omega is None else self.omega
        capture = self.polar if self.capture is None else self.capture
        inside = {
            "oversample_thick": loop.at_every_step["capture_fraction"],
            "oversample_polar": loop.at_every_step["polar"],
            "oversample_omega": loop.at_every_step["omega_pixel_sr"],
        }
        given = {
            **loop.constants,
            **inside,
            "I_before_scaling": self.sum,
            "pixel_polar": self.polar,
            "pixel_capture": capture,
            "omega_pixel": omega,
        }
        final = GRAPH.plan(["I_pixel_final"], given).run(given)["I_pixel_final"]
        return PixelResult(final, self.sum, self.polar, capture, omega, self.cos_2theta)


def _elements(device: torch.device) -> int:
    """How many elements to compute at a time: what fits the cache of a CPU, or a part of a GPU's free memory."""
    if device.type != "cuda":
        return ELEMENTS
    free, _ = torch.cuda.mem_get_info(device)
    return max(ELEMENTS, min(free // _BYTES_PER_ELEMENT, _LARGEST_ON_GPU))


def _row(value: Tensor, row: int) -> Tensor:
    return value[row if value.shape[0] > 1 else 0]


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, Vec):
        return Vec(*(component.to(device) for component in value))
    return value.to(device) if isinstance(value, Tensor) else value


def _expanded(vector: Vec, count: int) -> Vec:
    """Components of shape (count,)."""
    return Vec(*(component.expand(count, 1)[:, 0].contiguous() for component in vector))
