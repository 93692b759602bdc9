"""The graph of the physics as a trace shows it.

The registered steps stay what they are. Beside them stand the few relations that the loops of the simulator hold
between steps (angles in degrees, counts, factors that are computed once and kept), and for a named convention the
vectors that no trace writes. With them, every traced quantity follows from other traced ones.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from braggtrace.physics.detector import BEAM_PIVOT, pix0_vector_meters
from braggtrace.physics.graph import GRAPH
from braggtrace.physics.numerics import DEG_PER_RAD
from braggtrace.physics.registry import Graph
from braggtrace.physics.vector import Vec, rotate_about, vec
from braggtrace.quantities import Level
from braggtrace.simulate.conventions import CONVENTIONS

COUNTERS = ("thick_tic", "subS", "subF", "phi_tic", "fpixel", "spixel")
"""Nodes that are no values of a trace but the place of a value."""


def _graph() -> Graph:
    graph = Graph()
    # A trace shows F_latt, so its square is taken of that and not of the gratings that the simulator knows.
    graph.steps = {key: step for key, step in GRAPH.steps.items() if key != "F_latt_squared@SQUARE"}
    return graph


REPLAY = _graph()
"""All steps and relations."""

_relation = REPLAY.step


@_relation("phi_deg", Level.ITERATION, formula="phi0 + phistep·phi_tic")
def phi_deg(phi0_deg: Tensor, phistep_deg: Tensor, phi_tic: Tensor) -> Tensor:
    """Spindle angle of the step."""
    return phi0_deg + phistep_deg * phi_tic


@_relation("phi_rad", Level.ITERATION, unit="rad", formula="phi·π/180")
def phi_rad(phi_deg: Tensor) -> Tensor:
    """The same in rad."""
    return phi_deg / DEG_PER_RAD


@_relation("rotx_rad", Level.RUN, unit="rad")
def rotx_rad(detector_rotx_deg: Tensor) -> Tensor:
    """Detector rotation about x."""
    return detector_rotx_deg / DEG_PER_RAD


@_relation("roty_rad", Level.RUN, unit="rad")
def roty_rad(detector_roty_deg: Tensor) -> Tensor:
    """Detector rotation about y."""
    return detector_roty_deg / DEG_PER_RAD


@_relation("rotz_rad", Level.RUN, unit="rad")
def rotz_rad(detector_rotz_deg: Tensor) -> Tensor:
    """Detector rotation about z."""
    return detector_rotz_deg / DEG_PER_RAD


@_relation("twotheta_rad", Level.RUN, unit="rad")
def twotheta_rad(detector_twotheta_deg: Tensor) -> Tensor:
    """Detector rotation about the two-theta axis."""
    return detector_twotheta_deg / DEG_PER_RAD


@_relation("misset_rad", Level.RUN, unit="rad")
def misset_rad(misset_x_deg: Tensor, misset_y_deg: Tensor, misset_z_deg: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Missetting angles."""
    return misset_x_deg / DEG_PER_RAD, misset_y_deg / DEG_PER_RAD, misset_z_deg / DEG_PER_RAD


@_relation("subpixel_meters", Level.RUN, unit="m", formula="pixel_size/oversample")
def subpixel_meters(pixel_size_meters: Tensor, oversample: Tensor) -> Tensor:
    """Edge of a subpixel."""
    return pixel_size_meters / oversample


@_relation("dmin_meters", Level.RUN, unit="m")
def dmin_meters(dmin_angstroms: Tensor) -> Tensor:
    """Resolution cut."""
    return dmin_angstroms * 1e-10


@_relation("single_a", Level.RUN, unit="")
def single_a(Na: Tensor) -> bool:
    """Whether there is one cell along a."""
    return _all(Na <= 1)


@_relation("single_b", Level.RUN, unit="")
def single_b(Nb: Tensor) -> bool:
    """Whether there is one cell along b."""
    return _all(Nb <= 1)


@_relation("single_c", Level.RUN, unit="")
def single_c(Nc: Tensor) -> bool:
    """Whether there is one cell along c."""
    return _all(Nc <= 1)


@_relation("unpolarized", Level.RUN, unit="")
def unpolarized(polarization: Tensor) -> bool:
    """Whether the Kahn factor is 0."""
    return _all(polarization == 0)


@_relation("sensor_captures_all", Level.RUN, unit="")
def sensor_captures_all(detector_thick_meters: Tensor, detector_mu_per_meter: Tensor) -> bool:
    """Whether the sensor has no thickness."""
    return _all(detector_thick_meters == 0) or _all(detector_mu_per_meter == 0)


def _all(flags: Tensor) -> bool:
    return bool(flags.all())


@_relation("run_lambda_angstroms", Level.RUN, unit="Å", formula="lambda_meters·1e10")
def run_lambda_angstroms(lambda_meters: Tensor) -> Tensor:
    """Wavelength."""
    return lambda_meters * 1e10


@_relation("source_lambda_meters", Level.SAMPLE, unit="m", formula="wavelength of the source")
def source_lambda_meters(lambda_meters: Tensor) -> Tensor:
    """Wavelength of the run, where the sources are not listed."""
    return lambda_meters


@_relation("source_lambda_meters", Level.SAMPLE, unit="m", formula="wavelength of the source", variant="SOURCES")
def source_lambda_of_source(lambda_of_source: Tensor) -> Tensor:
    """Wavelength of the source."""
    return lambda_of_source


@_relation("steps", Level.RUN)
def steps(sources: Tensor, mosaic_domains: Tensor, phisteps: Tensor, oversample: Tensor) -> Tensor:
    """Count the steps."""
    return sources * mosaic_domains * phisteps * oversample * oversample


@_relation("r_e_sqr", Level.RUN, variant="RADIUS", formula="r_e²")
def r_e_sqr(r_e_meters: Tensor) -> Tensor:
    """Square the radius."""
    return r_e_meters * r_e_meters


@_relation("V_star", Level.RUN, unit="1/Å³", variant="CELL", formula="1/V")
def v_star(V_cell_A3: Tensor) -> Tensor:
    """Volume of the reciprocal cell."""
    return 1.0 / V_cell_A3


@_relation("odet_after_rotz", Level.RUN, variant="STRAIGHT")
def odet_after_rotz(odet_vec: Vec) -> Vec:
    """Without two-theta, the normal as it is."""
    return odet_vec


@_relation("distance_start_m", Level.RUN, unit="m", variant="STRAIGHT")
def distance_start(distance_meters: Tensor) -> Tensor:
    """With the beam spot as pivot and no two-theta, the distance stays what it is."""
    return distance_meters


@_relation("pix0_vector_meters", Level.RUN, variant=BEAM_PIVOT, formula="−Fbeam f − Sbeam s + distance b")
def pix0_about_beam(term_fast: Vec, term_slow: Vec, term_beam: Vec) -> Vec:
    """The origin when the beam spot stays where it is."""
    return pix0_vector_meters(BEAM_PIVOT, None, term_fast, term_slow, term_beam, term_beam)


@_relation(
    "pix0_vector_meters", Level.RUN, variant="SAMPLE", formula="−Fclose f − Sclose s + close_distance o, rotated"
)
def pix0_about_sample(pix0_after_twotheta: Vec) -> Vec:
    """The origin when the sample stays where it is."""
    return pix0_after_twotheta


@_relation("rot_a_meters", Level.ITERATION, unit="m", variant="ROTATED_A")
def rot_a_meters(rot_a_angstroms: Vec) -> Vec:
    """The traced vector."""
    return rot_a_angstroms.scaled(1e-10)


@_relation("rot_b_meters", Level.ITERATION, unit="m", variant="ROTATED_B")
def rot_b_meters(rot_b_angstroms: Vec) -> Vec:
    """The traced vector."""
    return rot_b_angstroms.scaled(1e-10)


@_relation("rot_c_meters", Level.ITERATION, unit="m", variant="ROTATED_C")
def rot_c_meters(rot_c_angstroms: Vec) -> Vec:
    """The traced vector."""
    return rot_c_angstroms.scaled(1e-10)


@_relation("ap_y", Level.ITERATION)
def ap_y(cell_a_vec_angstroms: Vec, spindle_axis: Vec, phi_rad: Tensor) -> Tensor:
    """Turn a and take y."""
    return rotate_about(spindle_axis, phi_rad, cell_a_vec_angstroms).y


@_relation("bp_y", Level.ITERATION)
def bp_y(cell_b_vec_angstroms: Vec, spindle_axis: Vec, phi_rad: Tensor) -> Tensor:
    """Turn b and take y."""
    return rotate_about(spindle_axis, phi_rad, cell_b_vec_angstroms).y


@_relation("cp_y", Level.ITERATION)
def cp_y(cell_c_vec_angstroms: Vec, spindle_axis: Vec, phi_rad: Tensor) -> Tensor:
    """Turn c and take y."""
    return rotate_about(spindle_axis, phi_rad, cell_c_vec_angstroms).y


@_relation("polar", Level.SAMPLE, variant="NOPOLAR", formula="1: polarization is switched off")
def polar_off(nopolar: Tensor) -> Tensor:
    """Polarization switched off."""
    return torch.ones_like(nopolar)


def _named(what: str) -> Any:
    """A relation that looks a vector of the convention up."""

    def look_up(detector_convention: str) -> Vec:
        if detector_convention not in CONVENTIONS or detector_convention == "CUSTOM":
            raise KeyError(detector_convention)
        return vec(getattr(CONVENTIONS[detector_convention], what))

    look_up.__doc__ = f"The convention's {what}."
    return look_up


for _name, _what in (
    ("beam_input", "beam"),
    ("polar_input", "polar"),
    ("spindle_input", "spindle"),
    ("fdet_input", "fdet"),
    ("sdet_input", "sdet"),
    ("odet_input", "odet"),
):
    _relation(_name, Level.RUN, unit="", variant="NAMED")(_named(_what))


@_relation("Fbeam_input_m", Level.RUN, unit="m", variant="CENTRED", formula="from Xbeam, Ybeam by the convention")
def fbeam_input(
    detector_convention: str, Xbeam_meters: Tensor, Ybeam_meters: Tensor, pixel_size_meters: Tensor
) -> Tensor:
    """Beam centre along fast."""
    if detector_convention in ("MOSFLM", "DENZO"):
        return Ybeam_meters + (pixel_size_meters / 2.0 if detector_convention == "MOSFLM" else 0.0)
    return Xbeam_meters


@_relation("Sbeam_input_m", Level.RUN, unit="m", variant="CENTRED", formula="from Xbeam, Ybeam by the convention")
def sbeam_input(
    detector_convention: str, Xbeam_meters: Tensor, Ybeam_meters: Tensor, pixel_size_meters: Tensor, spixels: Tensor
) -> Tensor:
    """Beam centre along slow."""
    if detector_convention in ("MOSFLM", "DENZO"):
        return Xbeam_meters + (pixel_size_meters / 2.0 if detector_convention == "MOSFLM" else 0.0)
    if detector_convention == "ADXV":
        return pixel_size_meters * spixels - Ybeam_meters
    return Ybeam_meters


@_relation("interpolate", Level.RUN, formula="as asked for, else whether any N is 2 or less")
def interpolate(Na: Tensor, Nb: Tensor, Nc: Tensor, interpolation_flag: Tensor) -> Tensor:
    """Whether structure factors are interpolated; what was asked for is not traced."""
    return interpolation_flag * torch.ones_like(Na + Nb + Nc)


@_relation("interpolation_on", Level.ITERATION, unit="")
def interpolation_on(interpolate: Tensor, interpolation_left: Tensor) -> Tensor:
    """Whether it is still on; where it was left is not traced."""
    return interpolate * interpolation_left


@_relation("interpolate_active", Level.PIXEL)
def interpolate_active(interpolation_on: Tensor) -> Tensor:
    """Whether it is on after the pixel."""
    return interpolation_on


@_relation("innermost_iterations", Level.PIXEL, formula="steps·thicksteps, less those beyond dmin")
def innermost_iterations(steps: Tensor, thicksteps: Tensor, within_dmin: Tensor) -> Tensor:
    """Count the iterations; how many samples the resolution cut left is not traced."""
    return steps * thicksteps * within_dmin


@_relation("lambda_of_source", Level.RUN, unit="m", variant="ONE_SOURCE", formula="the wavelength of the run")
def lambda_of_source(lambda_meters: Tensor) -> Tensor:
    """The only source has the central wavelength."""
    return lambda_meters


@_relation("lambda_of_source", Level.RUN, unit="m", formula="from the wavelength and the sources")
def lambda_of_sources(lambda_meters: Tensor, source_grid: Tensor) -> Tensor:
    """One of several wavelengths; how they were chosen is not traced."""
    return lambda_meters * source_grid


@_relation("dir", Level.RUN, variant="ONE_SOURCE", formula="−beam")
def only_dir(beam_vec: Vec) -> Vec:
    """The only source lies up the beam."""
    return beam_vec.negated()


@_relation("dir", Level.RUN, formula="from the beam and the sources")
def one_dir(beam_vec: Vec, polar_vec: Vec, vert_vec: Vec, source_grid: Tensor) -> Vec:
    """One of several directions; how they were chosen is not traced."""
    return beam_vec.plus(polar_vec).plus(vert_vec).scaled(source_grid)


@_relation("u", Level.RUN, formula="a random rotation of at most the mosaic spread")
def mosaic_rotation(mosaic_spread_deg: Tensor, mosaic_draws: Tensor) -> Tensor:
    """A mosaic domain; what was drawn is not traced."""
    return mosaic_spread_deg * mosaic_draws


@_relation("detector_thickstep_meters", Level.RUN, formula="from the thickness and the layers")
def detector_thickstep(detector_thick_meters: Tensor, thicksteps: Tensor, thick_rule: Tensor) -> Tensor:
    """Thickness of a layer; which rule chose it is not traced."""
    return detector_thick_meters / thicksteps * thick_rule


@_relation("weight", Level.SAMPLE, unit="", formula="product of the factors that are applied at every step")
def weight(
    capture_fraction: Tensor,
    polar: Tensor,
    omega_pixel_sr: Tensor,
    oversample_thick: int,
    oversample_polar: int,
    oversample_omega: int,
) -> Tensor:
    """Capture, polarization and solid angle, as far as their flags are set."""
    value = torch.ones_like(polar)
    for factor, wanted in (
        (capture_fraction, oversample_thick),
        (polar, oversample_polar),
        (omega_pixel_sr, oversample_omega),
    ):
        value = value * factor if wanted else value
    return value


@_relation("I_running", Level.ITERATION, formula="I_running before + I_term")
def i_running(I_previous: Tensor, I_term: Tensor) -> Tensor:
    """Add the contribution."""
    return I_previous + I_term


@_relation("I_running", Level.ITERATION, variant="WEIGHTED", formula="I_running before + I_term·factors")
def i_running_weighted(I_previous: Tensor, I_term: Tensor, weight: Tensor) -> Tensor:
    """Add the contribution, multiplied by its own factors."""
    return I_previous + I_term * weight


@_relation("I_running", Level.ITERATION, variant="RUNNING_SUM", formula="(I_running before + I_term)·factors")
def i_running_sum(I_previous: Tensor, I_term: Tensor, weight: Tensor, I_bg: Tensor) -> Tensor:
    """Add the contribution and multiply the whole sum by the factors; a step is skipped if nothing scatters."""
    return torch.where((I_term == 0) & (I_bg == 0), I_previous, (I_previous + I_term) * weight)


@_relation("I_before_scaling", Level.PIXEL, formula="the sum after the last iteration")
def i_before_scaling(I_last: Tensor) -> Tensor:
    """What the loops end with."""
    return I_last


@_relation("F_cell", Level.ITERATION, variant="KNOWN", formula="F[h0, k0, l0]")
def f_cell_known(F_known: Tensor) -> Tensor:
    """The structure factor that the trace shows elsewhere for these indices."""
    return F_known


@_relation("F_cell_nearest", Level.ITERATION, variant="KNOWN", unit="", formula="F[h0, k0, l0]")
def f_cell_nearest_known(F_known: Tensor) -> Tensor:
    """The structure factor that the trace shows elsewhere for these indices."""
    return F_known
