"""Run-level steps of beam and detector: axes, rotations, origin, distances."""

from __future__ import annotations

import torch
from torch import Tensor

from braggtrace.physics.numerics import R_E_SQR, ZERO_GUARD
from braggtrace.physics.registry import step
from braggtrace.physics.vector import Vec, cross, dot, norm, rotate_about, rotate_xyz, unit
from braggtrace.quantities import Level

BEAM_PIVOT = "BEAM"
"""The value of `detector_pivot` at which the beam spot stays where it is."""


@step("beam_vec", Level.RUN, formula="unit(input)")
def beam_vec(beam_input: Vec) -> Vec:
    """Normalise the beam vector."""
    return unit(beam_input)


@step("polar_vec", Level.RUN, formula="unit(input)")
def polar_vec(polar_input: Vec) -> Vec:
    """Normalise the polarization vector."""
    return unit(polar_input)


@step("spindle_axis", Level.RUN, formula="unit(input)")
def spindle_axis(spindle_input: Vec) -> Vec:
    """Normalise the spindle axis."""
    return unit(spindle_input)


@step("vert_vec", Level.RUN)
def vert_vec(beam_vec: Vec, polar_vec: Vec) -> Vec:
    """Complete the frame of beam and polarization."""
    return unit(cross(beam_vec, polar_vec))


@step("initial_fdet", Level.RUN, formula="unit(input)")
def initial_fdet(fdet_input: Vec) -> Vec:
    """Normalise the fast axis."""
    return unit(fdet_input)


@step("initial_sdet", Level.RUN, formula="unit(input)")
def initial_sdet(sdet_input: Vec) -> Vec:
    """Normalise the slow axis."""
    return unit(sdet_input)


@step("initial_odet", Level.RUN, formula="input if its length is exactly 1, else unit(f × s)")
def initial_odet(odet_input: Vec, initial_fdet: Vec, initial_sdet: Vec) -> Vec:
    """Keep a normal of length 1, replace any other."""
    if float(norm(odet_input).detach()) == 1.0:
        return odet_input
    return unit(cross(initial_fdet, initial_sdet))


@step("fdet_after_rotz", Level.RUN)
def fdet_after_rotz(initial_fdet: Vec, rotx_rad: Tensor, roty_rad: Tensor, rotz_rad: Tensor) -> Vec:
    """Rotate the fast axis about x, y, z."""
    return rotate_xyz(initial_fdet, rotx_rad, roty_rad, rotz_rad)


@step("sdet_after_rotz", Level.RUN)
def sdet_after_rotz(initial_sdet: Vec, rotx_rad: Tensor, roty_rad: Tensor, rotz_rad: Tensor) -> Vec:
    """Rotate the slow axis about x, y, z."""
    return rotate_xyz(initial_sdet, rotx_rad, roty_rad, rotz_rad)


@step("odet_after_rotz", Level.RUN)
def odet_after_rotz(initial_odet: Vec, rotx_rad: Tensor, roty_rad: Tensor, rotz_rad: Tensor) -> Vec:
    """Rotate the normal about x, y, z."""
    return rotate_xyz(initial_odet, rotx_rad, roty_rad, rotz_rad)


@step("fdet_vec", Level.RUN)
def fdet_vec(fdet_after_rotz: Vec, twotheta_axis: Vec, twotheta_rad: Tensor) -> Vec:
    """Turn the fast axis by two-theta."""
    return rotate_about(twotheta_axis, twotheta_rad, fdet_after_rotz)


@step("sdet_vec", Level.RUN)
def sdet_vec(sdet_after_rotz: Vec, twotheta_axis: Vec, twotheta_rad: Tensor) -> Vec:
    """Turn the slow axis by two-theta."""
    return rotate_about(twotheta_axis, twotheta_rad, sdet_after_rotz)


@step("odet_vec", Level.RUN)
def odet_vec(odet_after_rotz: Vec, twotheta_axis: Vec, twotheta_rad: Tensor) -> Vec:
    """Turn the normal by two-theta."""
    return rotate_about(twotheta_axis, twotheta_rad, odet_after_rotz)


@step("ratio", Level.RUN)
def ratio(beam_vec: Vec, odet_after_rotz: Vec) -> Tensor:
    """Close distance over distance; two-theta is left out, and an exact 0 becomes the zero guard."""
    value = dot(beam_vec, odet_after_rotz)
    return torch.where(value == 0, torch.full_like(value, ZERO_GUARD), value)


@step("close_distance_start_m", Level.RUN, unit="m", formula="as given, else |ratio·distance|")
def close_distance_start(close_distance_input_m: Tensor | None, ratio: Tensor, distance_input_m: Tensor) -> Tensor:
    """Close distance before the origin is known."""
    if close_distance_input_m is not None:
        return close_distance_input_m
    return torch.abs(ratio * distance_input_m)


@step("distance_start_m", Level.RUN, unit="m", formula="close_distance/ratio")
def distance_start(close_distance_start_m: Tensor, ratio: Tensor) -> Tensor:
    """Distance made consistent with the close distance."""
    return close_distance_start_m / ratio


@step("pix0_before_rotation", Level.RUN)
def pix0_before_rotation(
    Fclose_input_m: Tensor,
    Sclose_input_m: Tensor,
    close_distance_start_m: Tensor,
    initial_fdet: Vec,
    initial_sdet: Vec,
    initial_odet: Vec,
) -> Vec:
    """Place the corner of the first pixel on the unrotated detector."""
    start = initial_fdet.scaled(-Fclose_input_m).minus(initial_sdet.scaled(Sclose_input_m))
    return start.plus(initial_odet.scaled(close_distance_start_m))


@step("pix0_after_rotz", Level.RUN)
def pix0_after_rotz(pix0_before_rotation: Vec, rotx_rad: Tensor, roty_rad: Tensor, rotz_rad: Tensor) -> Vec:
    """Rotate that corner about x, y, z."""
    return rotate_xyz(pix0_before_rotation, rotx_rad, roty_rad, rotz_rad)


@step("pix0_after_twotheta", Level.RUN)
def pix0_after_twotheta(pix0_after_rotz: Vec, twotheta_axis: Vec, twotheta_rad: Tensor) -> Vec:
    """Turn that corner by two-theta."""
    return rotate_about(twotheta_axis, twotheta_rad, pix0_after_rotz)


@step("term_fast", Level.RUN)
def term_fast(Fbeam_input_m: Tensor, fdet_vec: Vec) -> Vec:
    """Step back from the beam spot along fast."""
    return fdet_vec.scaled(-Fbeam_input_m)


@step("term_slow", Level.RUN)
def term_slow(Sbeam_input_m: Tensor, sdet_vec: Vec) -> Vec:
    """Step back from the beam spot along slow."""
    return sdet_vec.scaled(-Sbeam_input_m)


@step("term_beam", Level.RUN)
def term_beam(distance_start_m: Tensor, beam_vec: Vec) -> Vec:
    """Step along the beam to the detector."""
    return beam_vec.scaled(distance_start_m)


@step(
    "pix0_vector_meters",
    Level.RUN,
    formula="beam pivot: −Fbeam f − Sbeam s + distance b; sample pivot: pix0_after_twotheta",
)
def pix0_vector_meters(
    detector_pivot: str,
    pix0_input_m: Vec | None,
    term_fast: Vec,
    term_slow: Vec,
    term_beam: Vec,
    pix0_after_twotheta: Vec,
) -> Vec:
    """Choose the origin by the pivot."""
    if pix0_input_m is not None:
        return pix0_input_m
    if detector_pivot == BEAM_PIVOT:
        return term_fast.plus(term_slow).plus(term_beam)
    return pix0_after_twotheta


@step("Fclose_meters", Level.RUN)
def fclose_meters(pix0_vector_meters: Vec, fdet_vec: Vec) -> Tensor:
    """Nearest point along fast."""
    return -dot(pix0_vector_meters, fdet_vec)


@step("Sclose_meters", Level.RUN)
def sclose_meters(pix0_vector_meters: Vec, sdet_vec: Vec) -> Tensor:
    """Nearest point along slow."""
    return -dot(pix0_vector_meters, sdet_vec)


@step("close_distance_meters", Level.RUN)
def close_distance_meters(pix0_vector_meters: Vec, odet_vec: Vec) -> Tensor:
    """Distance from the sample to the detector plane; may be negative."""
    return dot(pix0_vector_meters, odet_vec)


@step("distance_meters", Level.RUN)
def distance_meters(close_distance_meters: Tensor, ratio: Tensor) -> Tensor:
    """Distance along the beam, from the final origin."""
    return close_distance_meters / ratio


@step("beam_spot_offset", Level.RUN, unit="m", formula="distance·b − pix0")
def beam_spot_offset(distance_meters: Tensor, beam_vec: Vec, pix0_vector_meters: Vec) -> Vec:
    """From the corner of the first pixel to the spot of the direct beam."""
    return beam_vec.scaled(distance_meters).minus(pix0_vector_meters)


@step("Fbeam_meters", Level.RUN)
def fbeam_meters(fdet_vec: Vec, beam_spot_offset: Vec) -> Tensor:
    """Beam spot along fast."""
    return dot(fdet_vec, beam_spot_offset)


@step("Sbeam_meters", Level.RUN)
def sbeam_meters(sdet_vec: Vec, beam_spot_offset: Vec) -> Tensor:
    """Beam spot along slow."""
    return dot(sdet_vec, beam_spot_offset)


@step("r_e_sqr", Level.RUN)
def r_e_sqr() -> Tensor:
    """The constant."""
    return torch.tensor(R_E_SQR, dtype=torch.float64)
