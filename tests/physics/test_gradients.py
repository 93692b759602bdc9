"""Derivatives of pixel intensities with respect to every group of parameters, against finite differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from braggtrace.simulate.experiment import Experiment
from braggtrace.simulate.image import render
from braggtrace.simulate.resolve import resolve
from tests.experiments import CELL, small_experiment, with_box

Parameters = tuple[Tensor, ...]
Apply = Callable[..., Experiment]


def parameters(*values: float) -> Parameters:
    """Numbers whose gradient is wanted."""
    return tuple(torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in values)


@pytest.fixture(params=["c-parity", "spec"])
def start(request: pytest.FixtureRequest) -> Experiment:
    """Four pixels; the mosaic angles keep their digits, since rounding to float32 has no derivative."""
    experiment = small_experiment(switches=("single-precision-mosaic=off",), phi_mode=request.param)
    return with_box(experiment, (5, 6, 9, 10))


def check(apply: Apply, *inputs: Tensor) -> None:
    """The analytic derivatives are those of finite differences, and not all of them vanish."""

    def intensities(*values: Tensor) -> Tensor:
        image = render(resolve(apply(*values)))
        return image[9:11, 5:7]

    gradients = torch.autograd.grad(intensities(*inputs).sum(), inputs)
    assert all(bool(gradient.ne(0).any()) for gradient in gradients)
    # Intensities are made of the order of one, so that the absolute tolerance means something.
    scale = 1.0 / float(intensities(*inputs).detach().max())
    assert torch.autograd.gradcheck(
        lambda *values: scale * intensities(*values), inputs, eps=1e-6, atol=1e-7, rtol=1e-5, raise_exception=True
    )


def test_cell_lengths(start: Experiment) -> None:
    """a, b, c."""

    def apply(a: Tensor, b: Tensor, c: Tensor) -> Experiment:
        return replace(start, crystal=replace(start.crystal, cell=(a, b, c, *CELL[3:])))

    check(apply, *parameters(*CELL[:3]))


def test_cell_angles(start: Experiment) -> None:
    """Alpha, beta, gamma."""

    def apply(alpha: Tensor, beta: Tensor, gamma: Tensor) -> Experiment:
        return replace(start, crystal=replace(start.crystal, cell=(*CELL[:3], alpha, beta, gamma)))

    check(apply, *parameters(*CELL[3:]))


def test_cell_as_one_tensor(start: Experiment) -> None:
    """All six at once."""
    cell = torch.tensor(CELL, dtype=torch.float64, requires_grad=True)
    check(lambda values: replace(start, crystal=replace(start.crystal, cell=values)), cell)


def test_matrix(start: Experiment) -> None:
    """The nine numbers of an orientation matrix."""
    matrix = 1.3 * torch.tensor(
        [[0.021, 0.003, -0.004], [-0.002, 0.019, 0.006], [0.005, -0.001, 0.022]], dtype=torch.float64
    )
    check(
        lambda values: replace(start, crystal=replace(start.crystal, cell=None, matrix=values)),
        matrix.requires_grad_(),
    )


def test_misset(start: Experiment) -> None:
    """The missetting angles about x, y, z."""

    def apply(x: Tensor, y: Tensor, z: Tensor) -> Experiment:
        return replace(start, crystal=replace(start.crystal, misset_deg=(x, y, z)))

    check(apply, *parameters(11.0, 23.0, 37.0))


def test_distance(start: Experiment) -> None:
    """The detector distance."""
    check(lambda mm: replace(start, detector=replace(start.detector, distance_mm=mm)), *parameters(60.0))


def test_close_distance(start: Experiment) -> None:
    """The shortest distance to a tilted detector."""

    def apply(mm: Tensor) -> Experiment:
        return replace(start, detector=replace(start.detector, close_distance_mm=mm, roty_deg=7.0))

    check(apply, *parameters(59.0))


def test_beam_centre(start: Experiment) -> None:
    """Xbeam and Ybeam, about a detector that is pivoted at the beam."""

    def apply(x: Tensor, y: Tensor) -> Experiment:
        return replace(start, detector=replace(start.detector, Xbeam_mm=x, Ybeam_mm=y))

    check(apply, *parameters(3.3, 2.9))


def test_nearest_point(start: Experiment) -> None:
    """ORGX and ORGY, about a detector that is pivoted at the sample."""

    def apply(x: Tensor, y: Tensor) -> Experiment:
        return replace(start, detector=replace(start.detector, convention="XDS", ORGX=x, ORGY=y))

    check(apply, *parameters(7.3, 8.9))


@pytest.mark.parametrize("convention", ["MOSFLM", "XDS"])
def test_detector_rotations(start: Experiment, convention: str) -> None:
    """Rotations about x, y, z and two-theta, with either pivot."""

    def apply(x: Tensor, y: Tensor, z: Tensor, twotheta: Tensor) -> Experiment:
        turned = replace(
            start.detector, convention=convention, rotx_deg=x, roty_deg=y, rotz_deg=z, twotheta_deg=twotheta
        )
        return replace(start, detector=turned)

    check(apply, *parameters(3.0, -2.0, 5.0, 4.0))


def test_wavelength(start: Experiment) -> None:
    """The wavelength."""
    check(lambda angstrom: replace(start, beam=replace(start.beam, lambda_A=angstrom)), *parameters(1.3))


def test_wavelength_with_dispersion(start: Experiment) -> None:
    """The central wavelength of three."""
    spread = replace(start, sources=replace(start.sources, dispersion_pct=1.0, dispsteps=3))
    check(lambda angstrom: replace(spread, beam=replace(spread.beam, lambda_A=angstrom)), *parameters(1.3))


def test_mosaic_spread(start: Experiment) -> None:
    """The mosaic spread, with the drawn domains held."""

    def apply(degrees: Tensor) -> Experiment:
        return replace(start, crystal=replace(start.crystal, mosaic_spread_deg=degrees, mosaic_domains=4))

    check(apply, *parameters(0.7))


def test_fluence(start: Experiment) -> None:
    """The fluence, in units that a finite step can change."""
    check(lambda unit: replace(start, beam=replace(start.beam, fluence=unit * 1e24)), *parameters(1.0))


def test_flux(start: Experiment) -> None:
    """Flux, exposure and beam size, from which the fluence is computed."""

    def apply(flux: Tensor, exposure: Tensor, beamsize: Tensor) -> Experiment:
        beam = replace(start.beam, flux=flux * 1e16, exposure_s=exposure, beamsize_mm=beamsize)
        return replace(start, beam=beam)

    check(apply, *parameters(1.0, 2.0, 0.1))


def test_polarization(start: Experiment) -> None:
    """Kahn's factor, also at 0, where it is left out if no gradient is wanted."""

    def apply(factor: Tensor) -> Experiment:
        return replace(start, beam=replace(start.beam, polarization=factor))

    check(apply, *parameters(0.6))
    check(apply, *parameters(0.0))


def test_structure_factors(start: Experiment) -> None:
    """The whole table: only the reflections that the pixels see have a gradient."""
    table = start.crystal.F
    assert table is not None
    inner = table[1:6, 1:6, 1:6].clone().requires_grad_()
    check(lambda F: replace(start, crystal=replace(start.crystal, F=F, F_low=(-2, -2, -2))), inner)


def test_default_structure_factor(start: Experiment) -> None:
    """The value outside the table, and the only one where there is no table."""
    without = replace(start, crystal=replace(start.crystal, F=None))
    check(lambda F: replace(without, crystal=replace(without.crystal, default_F=F)), *parameters(20.0))


def test_interpolated_structure_factors(start: Experiment) -> None:
    """Indices and table through tricubic interpolation; the table is a plane times a scale for each layer of h."""
    smooth = replace(start, sampling=replace(start.sampling, interpolate=True))
    table = smooth.crystal.F
    assert table is not None

    def apply(layers: Tensor, a: Tensor) -> Experiment:
        crystal = replace(smooth.crystal, F=table * layers[:, None, None], cell=(a, *CELL[1:]))
        return replace(smooth, crystal=crystal)

    assert resolve(smooth).interpolate
    check(apply, torch.ones(len(table), dtype=torch.float64, requires_grad=True), *parameters(CELL[0]))


@pytest.mark.parametrize("shape", ["ROUND", "GAUSS"])
def test_fudge(start: Experiment, shape: str) -> None:
    """The width of the spots."""

    def apply(fudge: Tensor) -> Experiment:
        return replace(start, crystal=replace(start.crystal, shape=shape, fudge=fudge))

    check(apply, *parameters(1.2))


def test_sensor(start: Experiment) -> None:
    """Thickness and absorption of the sensor."""

    def apply(thick: Tensor, absorption: Tensor) -> Experiment:
        sensor = replace(start.detector, thick_um=thick, mu_per_m=absorption, thicksteps=3)
        return replace(start, detector=sensor)

    check(apply, *parameters(300.0, 2000.0))


@pytest.mark.parametrize("running", ["on", "off"])
def test_corrections_at_every_step(start: Experiment, running: str) -> None:
    """The distance, where factors multiply each contribution, or the running sum."""
    sampling = replace(start.sampling, oversample=2, oversample_polar=True, oversample_omega=True)
    quirks = start.quirks - {"running-sum-oversample"} if running == "off" else start.quirks
    start = replace(start, quirks=quirks)
    inner = replace(start, sampling=sampling)
    check(lambda mm: replace(inner, detector=replace(inner.detector, distance_mm=mm)), *parameters(60.0))


def test_a_frozen_experiment_gives_no_graph() -> None:
    """Without a tensor that requires a gradient, nothing is recorded."""
    assert not render(resolve(small_experiment())).requires_grad
