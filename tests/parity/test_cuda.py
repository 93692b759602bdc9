"""What a GPU computes is what the CPU computes; skipped where there is none."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from braggtrace.simulate.image import render
from braggtrace.simulate.model import Model
from braggtrace.simulate.quirks import PROFILES
from braggtrace.simulate.resolve import resolve
from braggtrace.simulate.tracer import Tracer
from tests.experiments import small_experiment, with_box
from tests.parity.cases import CASES, Case, worst
from tests.simulate.test_profiles import SAMPLINGS, varied

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no usable GPU")

RTOL = 1e-10
# Lattice factors and what follows from them cancel near their zeros: they count against the largest in the trace.
CANCELS = frozenset(
    {"F_latt_a", "F_latt_b", "F_latt_c", "F_latt", "I_term", "I_running", "I_before_scaling", "I_pixel_final"}
)


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    """No gradients."""
    with torch.no_grad():
        yield


def lines(model: Model, device: str, pixels: list[tuple[int, int]]) -> list[str]:
    """A trace, computed on a device."""
    tracer = Tracer(model, device, rot_stars=True)
    out = [line.text for line in tracer.run_lines()]
    for slow, fast in pixels:
        out += [line.text for line in tracer.pixel_lines(slow, fast)]
    return out


def named_values(line: str) -> dict[str, list[str]]:
    """The values of a line by name; a vector's components together."""
    head, _, rest = line.partition(" ")
    words = rest.split()
    if not head.endswith(":"):
        values: dict[str, list[str]] = {}
        for word in words:
            name, _, value = word.partition("=")
            values.setdefault(name.removesuffix("_x").removesuffix("_y").removesuffix("_z"), []).append(value)
        return values
    return {words[0]: words[1:]} if words else {}


def differences(one: list[str], other: list[str]) -> list[str]:
    """Values that are further apart than `RTOL` of their vector, or of the largest of their kind."""
    assert len(one) == len(other)
    pairs = [(named_values(a), named_values(b), a) for a, b in zip(one, other, strict=True)]
    largest: dict[str, float] = {}
    for values, _, _ in pairs:
        for name in CANCELS & values.keys():
            numbers = [abs(float(word)) for word in values[name]]
            largest[name] = max(largest.get(name, 0.0), *(n for n in numbers if math.isfinite(n)), 0.0)
    wrong = []
    for expected, found, line in pairs:
        assert expected.keys() == found.keys()
        for name in expected:
            for a, b in zip(expected[name], found[name], strict=True):
                if a == b:
                    continue
                scale = max(largest.get(name, 0.0), *(abs(float(word)) for word in expected[name]))
                if not abs(float(a) - float(b)) <= RTOL * scale:
                    wrong.append(f"{line[:60]} … {name}: {b}, expected {a}")
    return wrong


def spread(model: Model) -> list[tuple[int, int]]:
    """First, last, a middle and an ordinary pixel of those rendered."""
    places = model.rendered()
    chosen = sorted({int(places[round(part * (len(places) - 1))]) for part in (0.0, 0.37, 0.5, 1.0)})
    return [divmod(place, model.shape[1]) for place in chosen]


@pytest.mark.usefixtures("golden")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_golden_traces(case: Case) -> None:
    """Every value of a trace on cuda is that on the cpu, within 1e-10."""
    model = resolve(case.setup().experiment)
    pixels = spread(model)
    assert differences(lines(model, "cpu", pixels), lines(model, "cuda", pixels)) == []


@pytest.mark.usefixtures("golden")
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_golden_images(case: Case, dtype: torch.dtype) -> None:
    """The image on cuda passes the gate of the image on the cpu, in either precision."""
    image = render(resolve(case.setup().experiment), device="cuda", dtype=dtype).numpy()
    found, expected = image[case.box], case.image()
    single = dtype == torch.float32
    assert worst(found, expected) <= (10.0 if single else 1.0)
    assert found.sum() == pytest.approx(expected.sum(dtype=np.float64), rel=1e-6 if single else 1e-8)


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("profile", PROFILES)
def test_traced_value_is_the_images(profile: str, sampling: str) -> None:
    """On cuda too a traced pixel ends at the image's value, within rounding."""
    model = resolve(varied(profile, sampling, threads=3))
    image = render(model, device="cuda")
    assert float((image - render(model)).abs().max()) <= 1e-12 * float(image.max())
    tracer = Tracer(model, "cuda")
    for slow, fast in [(0, 0), (4, 0), (5, 5), divmod(int(image.argmax()), image.shape[1])]:
        result, _ = tracer.evaluate(slow, fast)
        assert abs(float(result.I_pixel_final[0]) - float(image[slow, fast])) <= 1e-12 * float(image.max())


def test_gradients_pass_through_the_gpu() -> None:
    """The derivative with respect to a parameter on the cpu is the same wherever the pixels are computed."""
    from dataclasses import replace

    start = with_box(small_experiment(), (4, 9, 4, 9))
    gradients = []
    with torch.enable_grad():
        for device in ("cpu", "cuda"):
            distance = torch.tensor(60.0, dtype=torch.float64, requires_grad=True)
            moved = replace(start, detector=replace(start.detector, distance_mm=distance))
            (gradient,) = torch.autograd.grad(render(resolve(moved), device=device).sum(), distance)
            gradients.append(float(gradient))
    assert gradients[1] == pytest.approx(gradients[0], rel=1e-9)
