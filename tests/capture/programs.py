"""What the tests of captures share: the small C program in several builds, its flags, and traces as plain values."""

from __future__ import annotations

import math
import subprocess
from dataclasses import dataclass
from pathlib import Path

from braggtrace.capture import CaptureResult
from braggtrace.capture.model import Pixel
from braggtrace.trace.model import RUN_LEVEL
from braggtrace.trace.reader import read_trace

SOURCE = Path(__file__).with_name("nanolike.c")
BUILDS = {
    "plain": ["-O0", "-g"],
    "self": ["-O0", "-g", "-DSELF_TRACE"],
    "openmp": ["-O0", "-g", "-fopenmp"],
    "openmp-self": ["-O0", "-g", "-fopenmp", "-DSELF_TRACE"],
    "optimised": ["-O2", "-g"],
    "optimised-openmp": ["-O2", "-g", "-fopenmp"],
    "optimised-debug": ["-Og", "-g"],
    "without-g": ["-O0"],
    "stripped": ["-O0", "-s"],
    "self-stripped": ["-O0", "-s", "-DSELF_TRACE"],
}
_FLAGS = """\
-cell 70 80 90 85 95 105 -default_F 100 -lambda 1 -N 5 -detpixels 16 -pixel 0.4 -distance 80 -oversample 1 -phi 0
-osc 1 -phisteps 3"""
FLAGS = tuple(_FLAGS.split())
NOT_IN_THE_SOURCE = {
    "vert_vec",
    "twotheta_axis",
    "detector_rotx_deg",
    "detector_roty_deg",
    "detector_rotz_deg",
    "detector_twotheta_deg",
    "Fclose_meters",
    "Sclose_meters",
    "curved_det",
}
"""Quantities for which the small program has no variable."""


@dataclass(frozen=True, slots=True)
class Where:
    """Where a value belongs: pixel (None for the whole run), family, name, loop counters, which of several."""

    pixel: Pixel | None
    family: str
    name: str
    final: bool
    tics: tuple[tuple[str, int], ...]
    occurrence: int


Values = dict[Where, tuple[str, ...]]


def values_in(folder: Path, main: str, inner: str = "") -> Values:
    """Every value of a trace as it was written, by its place."""
    path = folder / "trace.log"
    path.write_text(main, encoding="utf-8")
    path.with_name("trace_per_phi.log").write_text(inner, encoding="utf-8")
    trace = read_trace(path)
    found: Values = {}
    for column in trace.columns:
        for row in range(len(column)):
            number = int(column.pixel[row])
            slow, fast = (0, 0) if number == RUN_LEVEL else trace.pixels[number]
            pixel = None if number == RUN_LEVEL else (int(slow), int(fast))
            tics = tuple((name, int(values[row])) for name, values in column.tics.items())
            key = column.key
            where = Where(pixel, key.family, key.name, key.final, tics, int(column.occurrence[row]))
            found[where] = tuple(trace.text(column, row, each) for each in range(column.width))
    return found


def captured_values(folder: Path, result: CaptureResult) -> Values:
    """Every value of a capture."""
    return values_in(folder, result.main_text, result.per_phi_text)


def full_run(program: Path, flags: tuple[str, ...], pixel: Pixel, folder: Path, threads: int = 1) -> Values:
    """What a program that traces itself says about a pixel when it renders all that its flags let it."""
    command = [str(program), *flags, "-trace_pixel", *map(str, pixel)]
    environment = {"OMP_NUM_THREADS": str(threads)}
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder, env=environment, timeout=60)
    lines = [line for line in run.stdout.splitlines() if line.startswith("TRACE_")]
    return values_in(folder, "".join(f"{line}\n" for line in lines))


def different(one: Values, other: Values) -> list[Where]:
    """Where both have a value, and not the same number."""
    return [where for where in one.keys() & other.keys() if not _same(one[where], other[where])]


def _same(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    if one == other:
        return True
    try:
        numbers = [(float(a), float(b)) for a, b in zip(one, other, strict=True)]
    except ValueError:
        return False
    return all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in numbers)
