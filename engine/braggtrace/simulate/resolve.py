"""From an experiment as described to a model that can be rendered: defaults, derived values, loops."""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor

from braggtrace.errors import UsageError
from braggtrace.physics.graph import GRAPH
from braggtrace.physics.numerics import DEG_PER_RAD
from braggtrace.physics.structure import FTable
from braggtrace.physics.vector import Vec, norm, unit, vec
from braggtrace.simulate.checks import check_finite
from braggtrace.simulate.conventions import CONVENTIONS, BeamCentre, beam_centre
from braggtrace.simulate.counts import grid_rule, phi_angles, phi_rule, stale_phi
from braggtrace.simulate.experiment import Detector, Experiment, Real, Reals
from braggtrace.simulate.model import Loops, Model
from braggtrace.simulate.orientation import mosaic_rotations, random_misset_rad
from braggtrace.simulate.quirks import STALE_PHI_ZERO
from braggtrace.simulate.random import ShuffleTable
from braggtrace.simulate.sources import source_list

__all__ = ["resolve"]

_RUN_TARGETS = (
    "beam_vec",
    "polar_vec",
    "vert_vec",
    "spindle_axis",
    "fdet_vec",
    "sdet_vec",
    "odet_vec",
    "pix0_vector_meters",
    "distance_meters",
    "close_distance_meters",
    "Fbeam_meters",
    "Sbeam_meters",
    "Fclose_meters",
    "Sclose_meters",
    "a_star",
    "b_star",
    "c_star",
    "V_cell_A3",
    "cell_a_vec_angstroms",
    "cell_b_vec_angstroms",
    "cell_c_vec_angstroms",
    "r_e_sqr",
    "I_bg",
)


def _tensor(value: Real) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float64)


def _float(value: Real) -> float:
    return float(_tensor(value).detach())


def resolve(experiment: Experiment) -> Model:
    """Fill in everything that the experiment leaves open, as the C program does.

    Raises:
        UsageError: nothing to simulate, or a value that makes no sense.
    """
    check_finite(experiment)
    notes: list[str] = []
    quirks = experiment.quirks
    inputs = _detector_inputs(experiment) | _sensor_inputs(experiment) | _beam_inputs(experiment)
    randoms = ShuffleTable()
    inputs |= _crystal_inputs(experiment, randoms)
    plan = GRAPH.plan(_RUN_TARGETS, inputs)
    values = plan.run(inputs)
    values |= _crystal_size(experiment, values)
    oversample = _oversample(experiment, values, notes)
    directions, wavelengths = source_list(
        experiment.sources, quirks, values["beam_vec"], values["polar_vec"], values["vert_vec"], values["lambda_meters"]
    )
    phisteps, osc, phistep = _phi(experiment)
    start = experiment.sampling.phi_deg / DEG_PER_RAD
    angles = phi_angles(start, phistep, phisteps, fma=experiment.fma)
    used, first = stale_phi(angles) if STALE_PHI_ZERO in quirks else (angles, angles)
    domains, spread, mosaic = mosaic_rotations(experiment.crystal, randoms, quirks)
    layers = cast("int", values["thicksteps"])
    samples = torch.cartesian_prod(
        *(torch.arange(n, dtype=torch.float64) for n in (layers, oversample, oversample, len(wavelengths)))
    ).reshape(-1, 4)
    iterations = torch.cartesian_prod(torch.arange(phisteps), torch.arange(domains)).reshape(-1, 2)
    loops = Loops(
        thick_tic=samples[:, 0],
        subS=samples[:, 1],
        subF=samples[:, 2],
        source=samples[:, 3].long(),
        source_dir=directions,
        source_lambda_m=wavelengths,
        phi_tic=iterations[:, 0],
        mos_tic=iterations[:, 1],
        phi_rad=torch.tensor(angles, dtype=torch.float64),
        phi_used_rad=torch.tensor(used, dtype=torch.float64),
        phi_first_rad=torch.tensor(first, dtype=torch.float64),
        mosaic=mosaic,
    )
    table = _table(experiment)
    steps = len(wavelengths) * domains * phisteps * oversample * oversample
    if "water-double-scaling" not in quirks:
        scale = values["r_e_sqr"] * values["fluence_photons_per_m2"]
        values["I_bg"] = values["I_bg"] / scale * steps
    values |= {
        "sources": len(wavelengths),
        "phisteps": phisteps,
        "mosaic_domains": domains,
        "mosaic_spread_deg": spread * DEG_PER_RAD,
        "oversample": oversample,
        "steps": _tensor(steps),
        "subpixel_meters": values["pixel_size_meters"] / oversample,
        "phi0_deg": start * DEG_PER_RAD,
        "osc_deg": osc * DEG_PER_RAD,
        "phistep_deg": phistep * DEG_PER_RAD,
        "hkls": experiment.crystal.hkls,
    }
    interpolate = _interpolates(experiment, values, table)
    values["interpolate"] = int(interpolate)
    shape = (values["spixels"], values["fpixels"])
    mask = experiment.sampling.mask
    if mask is not None and mask.shape != shape:
        raise UsageError("the mask has another shape than the image", expected=str(shape), got=str(mask.shape))
    xmin, xmax, ymin, ymax = values["roi"]
    return Model(
        values=values,
        loops=loops,
        table=table,
        shape=shape,
        roi=(ymin, ymax, xmin, xmax),
        mask=mask,
        quirks=quirks,
        threads=experiment.threads,
        interpolate=interpolate,
        randoms=randoms,
        notes=tuple(notes),
    )


def _extent(count: int, size_m: float, pixel: float) -> tuple[float, int]:
    """Size [m] and count of pixels along one axis."""
    if count:
        size_m = pixel * count
    return size_m, math.ceil(size_m / pixel - 0.5)


def _choose(given: Reals | None, default: tuple[float, float, float], use_given: bool) -> Vec:
    return vec(given if given is not None and use_given else default)


def _detector_inputs(experiment: Experiment) -> dict[str, Any]:
    detector, beam, quirks = experiment.detector, experiment.beam, experiment.quirks
    if detector.convention not in CONVENTIONS:
        raise UsageError("unknown convention", expected=", ".join(CONVENTIONS), got=detector.convention)
    convention = CONVENTIONS[detector.convention]
    own = detector.convention == "CUSTOM" or "convention-vs-vectors" not in quirks
    axis = _choose(detector.twotheta_axis, convention.twotheta, own)
    pixel = _tensor(detector.pixel_mm) / 1000.0
    if _float(pixel) <= 0:
        raise UsageError("the pixel size must be positive", got=f"{_float(pixel) * 1000.0:g} mm")
    size_f, fpixels = _extent(detector.fpixels, detector.size_f_mm / 1000.0, _float(pixel))
    size_s, spixels = _extent(detector.spixels, detector.size_s_mm / 1000.0, _float(pixel))
    if min(fpixels, spixels) < 1:
        raise UsageError("the detector has no pixels", got=f"{spixels} x {fpixels} (slow x fast)")
    centre = _beam_centre(detector, pixel, (_tensor(size_f), _tensor(size_s)))
    forced = detector.convention != "CUSTOM" and "pivot-forced" in quirks
    pivot = convention.pivot if forced or detector.pivot is None else detector.pivot
    roi = experiment.sampling.roi
    close = detector.close_distance_mm
    pix0 = detector.pix0_vector_m if "pix0-inert" not in quirks else None
    return {
        "detector_convention": detector.convention,
        "detector_pivot": pivot,
        "beam_input": _choose(beam.beam_vector, convention.beam, own),
        "polar_input": _choose(beam.polar_vector, convention.polar, own),
        "spindle_input": _choose(experiment.sampling.spindle_axis, convention.spindle, own),
        "fdet_input": _choose(detector.fdet_vector, convention.fdet, own),
        "sdet_input": _choose(detector.sdet_vector, convention.sdet, own),
        "odet_input": _choose(detector.odet_vector, convention.odet, own),
        "twotheta_axis": axis if "twotheta-axis-double-duty" in quirks else unit(axis),
        "pix0_input_m": None if pix0 is None else vec(pix0),
        "rotx_rad": _tensor(detector.rotx_deg) / DEG_PER_RAD,
        "roty_rad": _tensor(detector.roty_deg) / DEG_PER_RAD,
        "rotz_rad": _tensor(detector.rotz_deg) / DEG_PER_RAD,
        "twotheta_rad": _tensor(detector.twotheta_deg) / DEG_PER_RAD,
        "detector_rotx_deg": _tensor(detector.rotx_deg),
        "detector_roty_deg": _tensor(detector.roty_deg),
        "detector_rotz_deg": _tensor(detector.rotz_deg),
        "detector_twotheta_deg": _tensor(detector.twotheta_deg),
        "distance_input_m": _tensor(detector.distance_mm) / 1000.0,
        "close_distance_input_m": None if close is None else _tensor(close) / 1000.0,
        "Xbeam_meters": centre.Xbeam,
        "Ybeam_meters": centre.Ybeam,
        "Fbeam_input_m": centre.Fbeam,
        "Sbeam_input_m": centre.Sbeam,
        "Fclose_input_m": centre.Fclose,
        "Sclose_input_m": centre.Sclose,
        "pixel_size_meters": pixel,
        "fpixels": fpixels,
        "spixels": spixels,
        "detsize_slow_m": size_s,
        "roi": tuple(limit if value < 0 else value for value, limit in zip(roi, (0, fpixels, 0, spixels), strict=True)),
        "point_pixel": int(detector.point_pixel),
        "curved_det": int(detector.curved),
    }


def _beam_centre(detector: Detector, pixel: Tensor, size: tuple[Tensor, Tensor]) -> BeamCentre:
    def metres(value: Real | None) -> Tensor | None:
        return None if value is None else _tensor(value) / 1000.0

    near = tuple(
        extent / 2.0 if origin is None else (_tensor(origin) - 0.5) * pixel
        for origin, extent in zip((detector.ORGX, detector.ORGY), size, strict=True)
    )
    close = tuple(
        fallback if value is None else value
        for value, fallback in zip((metres(detector.Xclose_mm), metres(detector.Yclose_mm)), near, strict=True)
    )
    return beam_centre(
        detector.convention,
        given=(metres(detector.Xbeam_mm), metres(detector.Ybeam_mm)),
        near=(near[0], near[1]),
        close=(close[0], close[1]),
        size=size,
        pixel=pixel,
    )


def _sensor_inputs(experiment: Experiment) -> dict[str, Any]:
    detector, sampling = experiment.detector, experiment.sampling
    thick = _tensor(detector.thick_um) * 1e-6
    mu = _tensor(detector.mu_per_m)
    if _float(thick) > 0 and _float(mu) < 0:
        mu = 1.0 / thick
    layers, span, layer = grid_rule(detector.thicksteps, _float(thick), 0.0, bare_range=0.5e-6, half_step=True)
    oversample_thick = sampling.oversample_thick
    if span == 0.0:
        captures_all = not (oversample_thick and "zero-capture" in experiment.quirks)
    else:
        captures_all = _float(mu) == 0.0 and "zero-capture" not in experiment.quirks
    return {
        "thicksteps": layers,
        "detector_thick_meters": thick if span else _tensor(0.0),
        # Written as a fraction of the thickness, so that gradients reach it.
        "detector_thickstep_meters": thick * (layer / span) if span and thick.requires_grad else _tensor(layer),
        "detector_mu_per_meter": mu,
        "sensor_captures_all": captures_all,
    }


def _beam_inputs(experiment: Experiment) -> dict[str, Any]:
    beam, sampling = experiment.beam, experiment.sampling
    fluence, flux, exposure = _tensor(beam.fluence), _tensor(beam.flux), _tensor(beam.exposure_s)
    beamsize = _tensor(beam.beamsize_mm) / 1000.0
    if _float(flux) != 0.0 and _float(exposure) > 0.0 and _float(beamsize) >= 0.0:
        fluence = flux * exposure / beamsize / beamsize
    polarization = _tensor(beam.polarization)
    return {
        "lambda_meters": _tensor(beam.lambda_A) / 1e10,
        "fluence_photons_per_m2": fluence,
        "polarization": polarization,
        "unpolarized": _float(polarization) == 0.0 and not polarization.requires_grad,
        "nopolar": int(beam.nopolar),
        "oversample_thick": int(sampling.oversample_thick),
        "oversample_polar": int(sampling.oversample_polar),
        "oversample_omega": int(sampling.oversample_omega),
        "dmin_angstroms": sampling.dmin_A,
        "dmin_meters": _tensor(sampling.dmin_A * 1e-10),
        "beamsize_meters": beamsize,
    }


def _crystal_inputs(experiment: Experiment, randoms: ShuffleTable) -> dict[str, Any]:
    crystal = experiment.crystal
    lengths: tuple[Tensor, ...] | None = None
    angles: tuple[Tensor, ...] | None = None
    if crystal.cell is not None:
        a, b, c, *degrees = (_tensor(value) for value in crystal.cell)
        lengths = (a, b if _float(b) > 0 else a, c if _float(c) > 0 else a)
        right = _tensor(math.pi / 2.0)
        angles = tuple(angle / DEG_PER_RAD if _float(angle) > 0 else right for angle in degrees)
        if _float(a) <= 0 and crystal.matrix is None:
            raise UsageError("the cell has no size", expected="a > 0", got=f"{_float(a):g} Å")
    matrix = None
    if crystal.matrix is not None:
        columns = torch.as_tensor(crystal.matrix, dtype=torch.float64).unbind(dim=1)
        matrix = tuple(vec(column) for column in columns)
    elif lengths is None:
        raise UsageError("nothing to simulate: neither -mat nor -cell is given")
    if crystal.misset_random:
        misset = random_misset_rad(crystal, randoms, experiment.quirks)
    else:
        x, y, z = (_tensor(value) / DEG_PER_RAD for value in crystal.misset_deg)
        misset = (x, y, z)
    return {
        "cell_lengths_A": lengths,
        "cell_angles_rad": angles,
        "matrix_columns": matrix,
        "misset_rad": misset,
        "misset_x_deg": misset[0] * DEG_PER_RAD,
        "misset_y_deg": misset[1] * DEG_PER_RAD,
        "misset_z_deg": misset[2] * DEG_PER_RAD,
        "xtal_shape": crystal.shape,
        "fudge": _tensor(crystal.fudge),
        "default_F": _tensor(crystal.default_F),
        "water_size_meters": _tensor(crystal.water_um) / 1e6,
    }


def _crystal_size(experiment: Experiment, values: dict[str, Any]) -> dict[str, Any]:
    """Cells along each axis: from the size where given, which the beam limits along b and c."""
    crystal, beamsize = experiment.crystal, _float(values["beamsize_meters"])
    sizes = [crystal.size_x_mm / 1000.0, crystal.size_y_mm / 1000.0, crystal.size_z_mm / 1000.0]
    if beamsize >= 0:
        sizes[1:] = (min(size, beamsize) for size in sizes[1:])
    cells: dict[str, Any] = {}
    for name, axis, size, given in zip(
        ("Na", "Nb", "Nc"), "abc", sizes, (crystal.Na, crystal.Nb, crystal.Nc), strict=True
    ):
        length = _float(norm(values[f"cell_{axis}_vec_angstroms"].scaled(1e-10)))
        count = math.ceil(size / length) if size > 0 else given
        cells[name] = _tensor(max(count, 1))
        cells[f"single_{axis}"] = count <= 1
    return cells


def _oversample(experiment: Experiment, values: dict[str, Any], notes: list[str]) -> int:
    widths = [
        _float(values[f"N{axis}"]) * _float(norm(values[f"cell_{axis}_vec_angstroms"].scaled(1e-10))) for axis in "abc"
    ]
    reciprocal = (
        _float(values["lambda_meters"]) * _float(values["distance_meters"]) / _float(values["pixel_size_meters"])
    )
    ratio = 3.0 * max(widths) / reciprocal if reciprocal else math.nan
    if not math.isfinite(ratio):
        raise UsageError("the oversampling can't be chosen: wavelength, distance or cell is 0 or not a number")
    recommended = max(math.ceil(ratio), 1)
    given = experiment.sampling.oversample
    if given <= 0:
        return recommended
    if given < recommended:
        notes.append(f"-oversample {given} is below the {recommended} that spots of this crystal need")
    return given


def _phi(experiment: Experiment) -> tuple[int, float, float]:
    sampling = experiment.sampling
    return phi_rule(sampling.phisteps, sampling.osc_deg / DEG_PER_RAD, sampling.phistep_deg / DEG_PER_RAD)


def _table(experiment: Experiment) -> FTable | None:
    crystal = experiment.crystal
    if crystal.F is None:
        if _float(crystal.default_F) == 0.0 and not _tensor(crystal.default_F).requires_grad:
            raise UsageError("nothing to simulate: no structure factors, neither -hkl nor -default_F is given")
        return None
    return FTable.from_box(torch.as_tensor(crystal.F, dtype=torch.float64), crystal.F_low, crystal.default_F)


def _interpolates(experiment: Experiment, values: dict[str, Any], table: FTable | None) -> bool:
    if table is None:
        return False
    if experiment.sampling.interpolate is not None:
        return experiment.sampling.interpolate
    crystal = experiment.crystal
    if "interpolation-choice-uses-flag-N" in experiment.quirks:
        return min(crystal.Na, crystal.Nb, crystal.Nc) <= 2
    return min(_float(values["Na"]), _float(values["Nb"]), _float(values["Nc"])) <= 2
