"""What must hold for every profile, on a crystal and detector without any symmetry."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from braggtrace.physics.vector import Vec, rotate_about, unit, vec
from braggtrace.simulate.conventions import CONVENTIONS
from braggtrace.simulate.experiment import Experiment
from braggtrace.simulate.image import render
from braggtrace.simulate.quirks import PROFILES
from braggtrace.simulate.resolve import resolve
from braggtrace.simulate.tracer import Tracer
from tests.experiments import small_experiment, with_box

SAMPLINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "subpixels": {"oversample": 3},
    "polar-and-omega": {"oversample": 2, "oversample_polar": True, "oversample_omega": True},
    "layers": {"oversample": 2, "oversample_thick": True},
    "resolution": {"dmin_A": 2.4},
    "interpolated": {"interpolate": True},
}


def varied(profile: str, sampling: str, threads: int = 1) -> Experiment:
    """The small experiment with mosaic, sources and sensor layers, sampled in some way."""
    start = small_experiment(profile, pixels=10)
    return replace(
        start,
        crystal=replace(start.crystal, mosaic_spread_deg=0.4, mosaic_domains=2),
        sources=replace(start.sources, dispersion_pct=0.5, dispsteps=2),
        detector=replace(start.detector, thick_um=300.0, mu_per_m=2000.0, thicksteps=2, roty_deg=5.0),
        sampling=replace(start.sampling, phi_deg=-0.5, phisteps=3, osc_deg=1.5, **SAMPLINGS[sampling]),
        threads=threads,
    )


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("profile", PROFILES)
def test_traced_value_is_the_images(profile: str, sampling: str) -> None:
    """The final value of a traced pixel is that of the image, bit for bit, also the first of each thread."""
    model = resolve(varied(profile, sampling, threads=3))
    image = render(model)
    tracer = Tracer(model)
    assert bool(image.gt(0).any())
    for slow, fast in [(0, 0), (4, 0), (7, 0), (5, 5), (9, 9), divmod(int(image.argmax()), 10)]:
        result, _ = tracer.evaluate(slow, fast)
        assert float(result.I_pixel_final[0]) == float(image[slow, fast])
        lines = [line.text for line in tracer.pixel_lines(slow, fast)]
        (printed,) = [float(line.split()[-1]) for line in lines if ": I_pixel_final " in line]
        assert printed == float(image[slow, fast])


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("sampling", ["plain", "subpixels"])
def test_region_is_a_crop(profile: str, sampling: str) -> None:
    """A region has the values of the whole image, but for the first pixel of a thread that reuses stale vectors."""
    experiment = varied(profile, sampling)
    whole, part = render(resolve(experiment)), render(resolve(with_box(experiment, (2, 7, 3, 8))))
    crop = torch.zeros_like(whole)
    crop[3:9, 2:8] = whole[3:9, 2:8]
    differ = (part != crop).nonzero().tolist()
    assert differ in ([], [[3, 2]] if "stale-phi-zero" in PROFILES[profile] else [])


UNIT = st.tuples(*[st.floats(-1.0, 1.0)] * 3).filter(lambda v: math.hypot(*v) > 0.1)


@settings(max_examples=10)
@given(axis=UNIT, degrees=st.floats(-180.0, 180.0), convention=st.sampled_from(["MOSFLM", "XDS", "DIALS"]))
def test_only_relative_directions_count(axis: tuple[float, float, float], degrees: float, convention: str) -> None:
    """Turning beam, detector, spindle, polarization and crystal together leaves all intensities alone."""
    start = small_experiment("spec", pixels=8)
    model = resolve(replace(start, detector=replace(start.detector, convention=convention)))
    direction, angle = unit(vec(axis)), torch.tensor(math.radians(degrees), dtype=torch.float64)
    axes = CONVENTIONS[convention]

    def turned(vector: Vec, angle: torch.Tensor) -> tuple[float, float, float]:
        x, y, z = (float(component) for component in rotate_about(direction, angle, vector))
        return x, y, z

    def image(angle: torch.Tensor) -> torch.Tensor:
        def of(vector: tuple[float, float, float]) -> tuple[float, float, float]:
            return turned(vec(vector), angle)

        columns = [turned(model.values[name], angle) for name in ("a_star", "b_star", "c_star")]
        wavelength = float(model.values["lambda_meters"])
        return render(
            resolve(
                replace(
                    start,
                    detector=replace(
                        start.detector,
                        convention="CUSTOM",
                        pivot="BEAM",
                        Xbeam_mm=1.4,
                        Ybeam_mm=1.7,
                        fdet_vector=of(axes.fdet),
                        sdet_vector=of(axes.sdet),
                        odet_vector=of(axes.odet),
                        twotheta_axis=of(axes.twotheta),
                    ),
                    beam=replace(start.beam, beam_vector=of(axes.beam), polar_vector=of(axes.polar)),
                    sampling=replace(start.sampling, spindle_axis=of(axes.spindle)),
                    crystal=replace(
                        start.crystal,
                        cell=None,
                        misset_deg=(0.0, 0.0, 0.0),
                        matrix=torch.tensor(columns, dtype=torch.float64).T * (wavelength / 1e-10),
                    ),
                )
            )
        )

    before, after = image(torch.zeros_like(angle)), image(angle)
    assert float((after - before).abs().max()) <= 1e-10 * float(before.max())
