"""Every measured trace, line for line, within the rounding of another library's sine."""

from __future__ import annotations

import gzip
import math
import re
from collections import defaultdict
from pathlib import Path

import pytest
import torch

from braggtrace.simulate.image import render
from braggtrace.simulate.resolve import resolve
from braggtrace.simulate.tracer import Tracer
from tests.parity.cases import CASES, Case

pytestmark = pytest.mark.usefixtures("golden")

RTOL = 1e-11
SAMPLE_NAMES = {"polar", "capture_fraction"}
Values = dict[tuple[object, ...], list[list[str]]]


def read(lines: list[str]) -> Values:
    """Values by pixel, line kind with its loop counters, and name; repeated ones in order."""
    values: Values = defaultdict(list)
    pixel: tuple[str, ...] = ()
    for line in lines:
        head, _, rest = line.partition(" ")
        words = rest.split()
        if head.endswith(":") and words[0] == "pixel":
            pixel = tuple(words[1:])
        elif head.endswith(":") and "TRICUBIC" not in head:
            values[pixel, "", words[0]].append(words[1:])
        elif "=" in rest and "TRICUBIC" not in head:
            pairs = [word.partition("=")[::2] for word in words]
            tics = tuple(sorted(pair for pair in pairs if pair[0] in TICS))
            vectors: dict[str, list[str]] = defaultdict(list)
            for name, value in pairs:
                if name not in TICS:
                    vectors[vector_of(name)].append(value)
            for name, components in vectors.items():
                values[pixel, head.rpartition("_")[2], tics, name].append(components)
    return values


def vector_of(name: str) -> str:
    """The vector of which this is a component, or the name itself."""
    return (
        "hkl_frac"
        if name in ("h_frac", "k_frac", "l_frac")
        else name.removesuffix("_x").removesuffix("_y").removesuffix("_z")
    )


TICS = {"phi_tic", "mos_tic", "source", "subS", "subF", "thick_tic"}


def largest(name: str, values: dict[str, float]) -> float:
    """The largest value that a lattice factor, or what follows from it, can have; 0 for all others."""
    cells = values["Na"] * values["Nb"] * values["Nc"]
    term = values["F"] ** 2 * cells**2
    total = term * values["steps"] * max(values["thicksteps"], 1.0)
    scale = values["r_e_sqr"] * values["fluence_photons_per_m2"] / values["steps"]
    bounds = {
        "F_latt_a": values["Na"],
        "F_latt_b": values["Nb"],
        "F_latt_c": values["Nc"],
        "F_latt": cells,
        "I_term": term,
        "I_running": total,
        "I_before_scaling": total,
        "I_pixel_final": total * scale * values["omega"],
    }
    return bounds.get(name, 0.0)


def agree(name: str, expected: list[str], found: list[str], size: float) -> bool:
    """Words are equal; numbers agree, a vector's against its largest component."""
    try:
        pairs = [(float(e), float(f)) for e, f in zip(expected, found, strict=True)]
    except ValueError:
        return expected == found
    rtol = 1e-7 if name == "floatimage_accumulated" else RTOL
    scale = max(size, *(abs(e) for e, _ in pairs if math.isfinite(e)), 0.0)
    return all((math.isnan(e) and math.isnan(f)) or abs(e - f) <= rtol * scale for e, f in pairs)


def lines_of(path: Path) -> list[str]:
    """A trace's lines."""
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    lines = [line for line in text.splitlines() if line.startswith("TRACE_")]
    named = re.search(r"_s(\d+)_f(\d+)", path.name)
    return [f"TRACE_C: pixel {named[1]} {named[2]}", *lines] if named else lines


def traced(case: Case, pixels: list[tuple[int, int]]) -> list[str]:
    """Our trace of some pixels."""
    tracer = Tracer(resolve(case.setup().experiment))
    lines = [line.text for line in tracer.run_lines()]
    for slow, fast in pixels:
        lines += [line.text for line in tracer.pixel_lines(slow, fast)]
    return lines


@pytest.mark.parametrize("case", CASES, ids=str)
def test_trace_agrees(case: Case) -> None:
    """Every value of the reference's trace is in ours, within 1e-11."""
    files = [lines_of(path) for path in case.traces()]
    expected = read([line for lines in files for line in lines])
    pixels = sorted({(int(key[0][0]), int(key[0][1])) for key in expected if key[0]})  # type: ignore[index]
    assert pixels
    found = read(traced(case, pixels))
    scales = {name: float(found[(), "", name][0][0]) for name in ("Na", "Nb", "Nc", "steps", "thicksteps", "r_e_sqr")}
    scales["fluence_photons_per_m2"] = float(found[(), "", "fluence_photons_per_m2"][0][0])
    structure = [float(v[0][0]) for key, v in found.items() if key[-1] in ("F_cell", "F_cell_interpolated")]
    scales["F"] = max((abs(value) for value in structure if math.isfinite(value)), default=0.0)
    scales["omega"] = max(float(v[0][0]) for key, v in found.items() if key[-1] == "omega_pixel")
    wrong = []
    for key, occurrences in expected.items():
        name = str(key[-1])
        if case.profile == "instrumented":
            if name in INSTRUMENTED_ONLY or (len(key) > 3 and key[1] == "PHI"):
                continue
            # It repeats the lines of every subpixel; ours has the first. Factors it shows at the end of the pixel only.
            mine = found.get(key) or found.get(((), *key[1:])) or [[]]
            pick = -1 if name in SAMPLE_NAMES else 0
            theirs, mine = [occurrences[pick]], [mine[pick]]
        else:
            theirs, mine = occurrences, found.get(key, [])
        if len(mine) != len(theirs):
            wrong.append(f"{key}: {len(mine)} values, expected {len(theirs)}")
            continue
        for one, other in zip(theirs, mine, strict=True):
            if not agree(name, one, other, largest(name, scales)):
                wrong.append(f"{key}: {other}, expected {one}")
    assert not wrong, f"{len(wrong)} differ: " + "\n".join(wrong[:8])


INSTRUMENTED_ONLY = {"r_e_meters", "rot_a_star_A_inv", "rot_b_star_A_inv", "rot_c_star_A_inv"}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_traced_value_is_the_images(case: Case) -> None:
    """The final value of a traced pixel is that of the image, bit for bit."""
    model = resolve(case.setup().experiment)
    image = render(model)
    tracer = Tracer(model)
    inside = model.rendered()
    chosen = {int(inside[0]), int(inside[len(inside) // 2]), int(inside[-1]), int(image.argmax())}
    with torch.no_grad():
        for place in sorted(chosen):
            slow, fast = divmod(place, model.shape[1])
            result, _ = tracer.evaluate(slow, fast)
            assert float(result.I_pixel_final[0]) == float(image[slow, fast])
            traced_line = [line.text for line in tracer.pixel_lines(slow, fast) if "I_pixel_final" in line.text]
            assert float(traced_line[0].split()[-1]) == float(image[slow, fast])
