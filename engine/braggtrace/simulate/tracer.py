"""Traces: every intermediate value of some pixels, from the very steps that make the image.

`Tracer` gives lines in the project's text format. A line of the inner loop is marked as such, because it
goes to a file of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from braggtrace.errors import UsageError
from braggtrace.physics.graph import GRAPH
from braggtrace.physics.structure import FTable
from braggtrace.physics.vector import Vec, stack
from braggtrace.simulate.image import Special, special_pixels
from braggtrace.simulate.model import Model
from braggtrace.simulate.pixels import PixelLoop, PixelResult
from braggtrace.simulate.trace_names import AXES, FACTORS, FIRST_SAMPLE, INDICES, ROTATED, RUN, SAMPLE_EXTRA

__all__ = ["TraceLine", "Tracer", "selected_pixels"]


@dataclass(frozen=True, slots=True)
class TraceLine:
    """A line of a trace, without its newline.

    Attributes:
        text: the line.
        inner: it belongs to one iteration, and goes to the per-phi file.
    """

    text: str
    inner: bool = False


class _Memory:
    """Keeps what the loops of one pixel compute."""

    def __init__(self) -> None:
        self.sampled: list[tuple[int, Mapping[str, Any]]] = []
        self.iterated: list[tuple[int, int, Mapping[str, Any]]] = []

    def samples(self, first: int, values: Mapping[str, Any]) -> None:
        self.sampled.append((first, values))

    def iterations(self, first: int, start: int, values: Mapping[str, Any]) -> None:
        self.iterated.append((first, start, values))


class Tracer:
    """Traces pixels of one model.

    Args:
        model: the resolved experiment.
        device: where to compute.
        dtype: of lattice and structure factors.
        rot_stars: also write the rotated cell vectors' y components for each phi step.
        side: the tag of every line, `TRACE_<side>`.
    """

    def __init__(
        self,
        model: Model,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float64,
        *,
        rot_stars: bool = False,
        side: str = "PY",
    ) -> None:
        square = model.values["xtal_shape"] == "SQUARE"
        self.factors = FACTORS if square else ()
        extra = (*INDICES, *ROTATED, *self.factors, "F_latt", "F_latt_squared", "F_cell")
        self.model, self.rot_stars, self.tag = model, rot_stars, f"TRACE_{side}"
        self.loop = PixelLoop(model, device, dtype, extra, SAMPLE_EXTRA)
        self._special: Special | None = None
        self._searched = -1

    def run_lines(self) -> Iterator[TraceLine]:
        """The values of the whole run."""
        values = dict(self.model.values)
        if self.model.table is not None:
            values["hkl_range"] = self.model.table.bounds()
        for name in RUN:
            if name in values:
                yield self._named(name, values[name])
        loops = self.model.loops
        for source in range(len(loops.source_lambda_m)):
            direction = self._vector("dir", loops.source_dir.at(source))
            wavelength = self._number(loops.source_lambda_m[source])
            yield TraceLine(f"{self.tag}_SOURCE source={source} {direction} lambda_meters={wavelength}")
        for domain in range(self.model.values["mosaic_domains"]):
            rows = [self._matrix_row(row, domain) for row in range(3)]
            words = [f"u{i}{j}={self._number(rows[i][j])}" for i in range(3) for j in range(3)]
            yield TraceLine(f"{self.tag}_MOSAIC mos_tic={domain} {' '.join(words)}")

    def _matrix_row(self, row: int, domain: int) -> list[float]:
        if self.model.loops.mosaic is None:
            return [1.0 if row == column else 0.0 for column in range(3)]
        return [float(component.detach()) for component in self.model.loops.mosaic[row].at(domain)]

    def pixel_lines(self, slow: int, fast: int) -> Iterator[TraceLine]:
        """Everything about one pixel; a pixel that is not rendered has no values but its name.

        Raises:
            UsageError: there is no such pixel.
        """
        rows, columns = self.model.shape
        if not (0 <= slow < rows and 0 <= fast < columns):
            raise UsageError("no such pixel", expected=f"slow 0-{rows - 1}, fast 0-{columns - 1}", got=f"{slow} {fast}")
        yield TraceLine(f"{self.tag}: pixel {slow} {fast}")
        if not self.model.is_rendered(slow, fast):
            yield self._named("I_pixel_final", 0.0)
            return
        memory = _Memory()
        result, active = self.evaluate(slow, fast, memory)
        yield from self._frame(slow, fast, memory, result, active)

    def evaluate(self, slow: int, fast: int, memory: _Memory | None = None) -> tuple[PixelResult, bool]:
        """The result of one pixel, and whether interpolation is on after it."""
        place = slow * self.model.shape[1] + fast
        special = self._special_until(place)
        where = [torch.tensor([float(value)], dtype=torch.float64, device=self.loop.device) for value in (slow, fast)]
        off = special.off_from(np.array([place])).to(self.loop.device) if self.model.interpolate else None
        with torch.no_grad():
            result = self.loop.run(
                *where, first_of_thread=special.first_of_thread.get(place), off_from=off, recorder=memory
            )
        return result, self.model.interpolate and special.off_pixel > place

    def _special_until(self, place: int) -> Special:
        if self._special is None or (self._searched < place and self.model.interpolate):
            self._special, self._searched = special_pixels(self.loop, place), place
        return self._special

    def _frame(self, slow: int, fast: int, memory: _Memory, result: PixelResult, active: bool) -> Iterator[TraceLine]:
        first = memory.sampled[0][1] if memory.sampled else {}
        for name in FIRST_SAMPLE if first else ():
            source = first["source_lambda_meters"] if name == "lambda_meters" else first[name]
            yield self._named(name, _at(source, 0))
        lines = self._inner_lines(memory)
        sample_lines = self._sample_lines(memory)
        named = False
        count = 0
        for sample, text in sample_lines:
            yield TraceLine(text)
            for values, b, i, inner in lines.get(sample, ()):
                if not named:
                    named = True
                    yield from self._first_iteration(values, b, i)
                count += 1
                yield TraceLine(inner, inner=True)
        if self.rot_stars and memory.iterated:
            yield from self._rot_star_lines(slow, fast)
        yield from self._final(result, count, active)

    def _sample_lines(self, memory: _Memory) -> Iterator[tuple[int, str]]:
        loops = self.model.loops
        for first, values in memory.sampled:
            for b in range(min(_rows(values), loops.samples - first)):
                if not bool(_at(values["in_resolution"], b)):
                    continue
                sample = first + b
                words = [
                    self._sample_key(sample),
                    *(
                        f"{name}={self._number(_at(values[name], b))}"
                        for name in ("R_distance_meters", "capture_fraction", "polar")
                    ),
                    f"omega_pixel={self._number(_at(values['omega_pixel_sr'], b))}",
                    self._vector("scattering", _at(values["scattering_vec_A_inv"], b)),
                    f"stol={self._number(_at(values['stol'], b))}",
                ]
                yield sample, f"{self.tag}_SUBPIXEL {' '.join(words)}"

    def _sample_key(self, sample: int, source_first: bool = False) -> str:
        loops = self.model.loops
        tic, s, f = (int(column[sample]) for column in (loops.thick_tic, loops.subS, loops.subF))
        source = int(loops.source[sample])
        if source_first:
            return f"source={source} subS={s} subF={f} thick_tic={tic}"
        return f"thick_tic={tic} subS={s} subF={f} source={source}"

    def _inner_lines(self, memory: _Memory) -> dict[int, list[tuple[Mapping[str, Any], int, int, str]]]:
        """The lines of all iterations, by sample."""
        loops = self.model.loops
        degrees = [self._number(value) for value in loops.phi_rad * (180.0 / torch.pi)]
        out: dict[int, list[tuple[Mapping[str, Any], int, int, str]]] = {}
        for first, start, values in memory.iterated:
            columns = self._columns(values)
            samples, iterations = values["I_term"].shape[:2]
            for b in range(samples):
                key = self._sample_key(first + b, source_first=True)
                for i in range(iterations):
                    number = start + i
                    phi_tic, mos_tic = int(loops.phi_tic[number]), int(loops.mos_tic[number])
                    words = [f"{self.tag}_PHI phi_tic={phi_tic} mos_tic={mos_tic} {key} phi_deg={degrees[phi_tic]}"]
                    words += [f"{name}={column[b][i]}" for name, column in columns]
                    out.setdefault(first + b, []).append((values, b, i, " ".join(words)))
        return out

    def _columns(self, values: Mapping[str, Any]) -> list[tuple[str, list[list[str]]]]:
        """The scalars of an iteration, formatted, by sample and iteration."""
        shape = values["I_term"].shape
        scalars: list[tuple[str, Tensor]] = []
        for name in ROTATED:
            letter = name.removesuffix("_angstroms")
            scalars += [(f"{letter}_{axis}", part) for axis, part in zip(AXES, values[name], strict=True)]
        scalars += [(name, values[name]) for name in INDICES]
        nan = torch.full((), torch.nan)
        scalars += [(name, values.get(name, nan)) for name in FACTORS]
        skipped = self._skipped(values)
        scalars += [
            ("F_latt", values["F_latt"]),
            ("F_cell", torch.where(skipped, nan, values["F_cell"])),
            ("I_term", values["I_term"]),
            ("I_running", values["I_running"]),
        ]
        out = []
        for name, tensor in scalars:
            digits = 9 if tensor.dtype == torch.float32 else 17
            numbers = tensor.expand(shape)[..., 0].double().cpu().tolist()
            out.append((name, [[f"{value:.{digits}g}" for value in row] for row in numbers]))
        return out

    def _skipped(self, values: Mapping[str, Any]) -> Tensor:
        """Iterations that the C program leaves out, because F_latt is 0 and nothing else scatters."""
        none: Tensor = values["F_latt"] == 0
        return none & (float(self.model.values["I_bg"].detach()) == 0.0)

    def _first_iteration(self, values: Mapping[str, Any], b: int, i: int) -> Iterator[TraceLine]:
        for name in ROTATED:
            yield self._named(name, _at(values[name], b, i))
        yield self._named("hkl_frac", Vec(*(_at(values[name], b, i) for name in INDICES[:3])))
        yield self._named("hkl_rounded", Vec(*(_at(values[name], b, i) for name in INDICES[3:])))
        for name in self.factors:
            yield self._named(name, _at(values[name], b, i))
        yield self._named("F_latt", _at(values["F_latt"], b, i))
        yield from self._tricubic({name: _at(values[name], b, i).reshape(()) for name in INDICES})
        if not bool(_at(self._skipped(values), b, i)):
            yield self._named("F_cell", _at(values["F_cell"], b, i))

    def _tricubic(self, indices: Mapping[str, Tensor]) -> Iterator[TraceLine]:
        """The neighbourhood in the table, and what interpolation makes of it."""
        table = self.loop.constants["F_table"]
        default = self.loop.constants["default_F"]
        if table is None:
            table = FTable.from_box(default.double().expand(1, 1, 1), (0, 0, 0), default.double())
        given = {**indices, "F_table": table, "default_F": default}
        values = GRAPH.plan(["F_cell_interpolated", "F_cell_nearest"], given).run(given)
        grid = values["tricubic_grid"]
        yield TraceLine(f"{self.tag}_TRICUBIC_GRID_START")
        for i in range(4):
            for j in range(4):
                for k in range(4):
                    yield TraceLine(f"{self.tag}_TRICUBIC: [{i},{j},{k}]={self._number(grid[i, j, k])}")
        yield TraceLine(f"{self.tag}_TRICUBIC_GRID_END")
        for axis in "hkl":
            low = float(torch.floor(indices[f"{axis}_frac"])) - 1.0
            nodes = ", ".join(f"{low + step:.1f}" for step in range(4))
            yield TraceLine(f"{self.tag}_TRICUBIC_{axis.upper()}_COORDS: [{nodes}]")
        yield self._named("F_cell_interpolated", values["F_cell_interpolated"])
        yield self._named("F_cell_nearest", values["F_cell_nearest"])

    def _rot_star_lines(self, slow: int, fast: int) -> Iterator[TraceLine]:
        """The y components of the cell vectors after phi, as the first sample of this pixel had them."""
        place = slow * self.model.shape[1] + fast
        first = self._special_until(place).first_of_thread.get(place) == 0
        loops = self.model.loops
        angles = loops.phi_first_rad if first else loops.phi_used_rad
        given = {**self.loop.constants, "phi_rad": angles.to(self.loop.device), "u": None}
        plan = GRAPH.plan(ROTATED, given, self.model.variants)
        vectors = [plan.run(given)[name] for name in ROTATED]
        for tic in range(len(angles)):
            words = [f"{axis}p_y={self._number(vector.y[tic])}" for axis, vector in zip("abc", vectors, strict=True)]
            yield TraceLine(f"{self.tag}_ROTSTAR phi_tic={tic} {' '.join(words)}")

    def _final(self, result: PixelResult, count: int, active: bool) -> Iterator[TraceLine]:
        values = self.model.values
        yield self._named("I_before_scaling", result.I_before_scaling[0])
        for name in ("r_e_sqr", "fluence_photons_per_m2", "steps"):
            yield self._named(name, values[name])
        for name in ("oversample_thick", "oversample_polar", "oversample_omega"):
            yield self._named(name, values[name])
        yield self._named("capture_fraction", result.capture[0])
        yield self._named("polar", result.polar[0])
        yield self._named("omega_pixel", result.omega[0])
        yield self._named("cos_2theta", result.cos_2theta[0])
        yield self._named("I_pixel_final", result.I_pixel_final[0])
        yield self._named("floatimage_accumulated", float(result.I_pixel_final[0].float()))
        yield self._named("innermost_iterations", count)
        yield self._named("interpolate_active", int(active))

    def _named(self, name: str, value: Any) -> TraceLine:
        return TraceLine(f"{self.tag}: {name} {self._text(value)}")

    def _text(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, Vec):
            return " ".join(self._number(component) for component in value)
        if isinstance(value, tuple):
            return " ".join(self._number(component) for component in value)
        return self._number(value)

    def _number(self, value: Tensor | float) -> str:
        digits = 17
        if isinstance(value, Tensor):
            digits = 9 if value.dtype == torch.float32 else 17
            value = float(value.detach())
        return f"{value:.{digits}g}"

    def _vector(self, name: str, vector: Vec) -> str:
        return " ".join(f"{name}_{axis}={self._number(part)}" for axis, part in zip(AXES, vector, strict=True))


def _rows(values: Mapping[str, Any]) -> int:
    return int(stack(values["scattering_vec_A_inv"]).shape[0])


def _at(value: Any, *place: int) -> Any:
    """One element of a (B, P) or (B, n, P) value for the only pixel there is; absent axes are broadcast."""
    if isinstance(value, Vec):
        return Vec(*(_at(component, *place) for component in value))
    if not isinstance(value, Tensor):
        return value
    for position in (*place, 0):
        if value.ndim:
            value = value[position if value.shape[0] > 1 else 0]
    return value


def selected_pixels(
    pixels: Iterable[tuple[int, int]], boxes: Iterable[tuple[int, int, int, int]]
) -> list[tuple[int, int]]:
    """The pixels to trace, in loop order, each once.

    Args:
        pixels: (slow, fast).
        boxes: slow first, slow last, fast first, fast last; inclusive.
    """
    chosen = set(pixels)
    for first, last, left, right in boxes:
        chosen |= {(slow, fast) for slow in range(first, last + 1) for fast in range(left, right + 1)}
    return sorted(chosen)
