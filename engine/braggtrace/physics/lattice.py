"""Steps of one iteration: rotated cell, Miller indices and lattice factor.

Shapes: cell vectors (B or 1, n, 1), scattering vectors (B, 1, P), n counting phi and mosaic; results (B, n, P).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from braggtrace.physics.numerics import grating, half_turns, nearest, rounded_grating, rounded_phase
from braggtrace.physics.registry import step
from braggtrace.physics.vector import Vec, dot, root, rotate_about, transform
from braggtrace.quantities import Level

SHAPES = ("SQUARE", "ROUND", "GAUSS", "TOPHAT")
_SPHERE_VOLUME = 0.723601254558268
_GAUSS_WIDTH = 0.63
_TOPHAT_RADIUS_SQR = 0.3969


def _rotated(vector_A: Vec, spindle_axis: Vec, phi_rad: Tensor, mosaic: tuple[Vec, Vec, Vec] | None) -> Vec:
    after_phi = rotate_about(spindle_axis, phi_rad, vector_A.scaled(1e-10))
    return after_phi if mosaic is None else transform(mosaic, after_phi)


@step("rot_a_meters", Level.ITERATION, unit="m", formula="U·A(spindle, phi)·a0")
def rot_a(cell_a_vec_angstroms: Vec, spindle_axis: Vec, phi_rad: Tensor, u: tuple[Vec, Vec, Vec] | None) -> Vec:
    """Cell vector a after phi and mosaic rotation."""
    return _rotated(cell_a_vec_angstroms, spindle_axis, phi_rad, u)


@step("rot_b_meters", Level.ITERATION, unit="m", formula="U·A(spindle, phi)·b0")
def rot_b(cell_b_vec_angstroms: Vec, spindle_axis: Vec, phi_rad: Tensor, u: tuple[Vec, Vec, Vec] | None) -> Vec:
    """Cell vector b after phi and mosaic rotation."""
    return _rotated(cell_b_vec_angstroms, spindle_axis, phi_rad, u)


@step("rot_c_meters", Level.ITERATION, unit="m", formula="U·A(spindle, phi)·c0")
def rot_c(cell_c_vec_angstroms: Vec, spindle_axis: Vec, phi_rad: Tensor, u: tuple[Vec, Vec, Vec] | None) -> Vec:
    """Cell vector c after phi and mosaic rotation."""
    return _rotated(cell_c_vec_angstroms, spindle_axis, phi_rad, u)


@step("rot_a_angstroms", Level.ITERATION)
def rot_a_angstroms(rot_a_meters: Vec) -> Vec:
    """The same in Å."""
    return rot_a_meters.scaled(1e10)


@step("rot_b_angstroms", Level.ITERATION)
def rot_b_angstroms(rot_b_meters: Vec) -> Vec:
    """The same in Å."""
    return rot_b_meters.scaled(1e10)


@step("rot_c_angstroms", Level.ITERATION)
def rot_c_angstroms(rot_c_meters: Vec) -> Vec:
    """The same in Å."""
    return rot_c_meters.scaled(1e10)


@step("h_frac", Level.ITERATION)
def h_frac(rot_a_meters: Vec, scattering_vec_A_inv: Vec) -> Tensor:
    """Fractional index h."""
    return dot(rot_a_meters, scattering_vec_A_inv)


@step("k_frac", Level.ITERATION)
def k_frac(rot_b_meters: Vec, scattering_vec_A_inv: Vec) -> Tensor:
    """Fractional index k."""
    return dot(rot_b_meters, scattering_vec_A_inv)


@step("l_frac", Level.ITERATION)
def l_frac(rot_c_meters: Vec, scattering_vec_A_inv: Vec) -> Tensor:
    """Fractional index l."""
    return dot(rot_c_meters, scattering_vec_A_inv)


@step("h0", Level.ITERATION)
def h0(h_frac: Tensor) -> Tensor:
    """Nearest integer, halves down."""
    return nearest(h_frac)


@step("k0", Level.ITERATION)
def k0(k_frac: Tensor) -> Tensor:
    """Nearest integer, halves down."""
    return nearest(k_frac)


@step("l0", Level.ITERATION)
def l0(l_frac: Tensor) -> Tensor:
    """Nearest integer, halves down."""
    return nearest(l_frac)


@step("h_residue", Level.ITERATION, unit="", formula="h − h0")
def h_residue(h_frac: Tensor, h0: Tensor) -> Tensor:
    """Distance to the nearest peak along h."""
    return h_frac - h0


@step("k_residue", Level.ITERATION, unit="", formula="k − k0")
def k_residue(k_frac: Tensor, k0: Tensor) -> Tensor:
    """Distance to the nearest peak along k."""
    return k_frac - k0


@step("l_residue", Level.ITERATION, unit="", formula="l − l0")
def l_residue(l_frac: Tensor, l0: Tensor) -> Tensor:
    """Distance to the nearest peak along l."""
    return l_frac - l0


_CLEAN = "sin(πNd)/sin(πd) but for its sign, d = h − h0"
_ROUNDED = "sin(Nx)/sin(x) but for its sign, x = πh, x and Nx rounded to float64"


def _clean_grating(residue: Tensor, cells: Tensor, single: bool, work_dtype: torch.dtype) -> Tensor:
    if single:
        return torch.ones((), dtype=work_dtype, device=residue.device)
    return grating(residue, cells, work_dtype)


def _rounded_grating(index: Tensor, peak: Tensor, cells: Tensor, single: bool, work_dtype: torch.dtype) -> Tensor:
    if single:
        return torch.ones((), dtype=work_dtype, device=index.device)
    return rounded_grating(index, peak, cells, work_dtype)


@step("grating_a", Level.ITERATION, unit="", formula=_CLEAN)
def grating_a(h_residue: Tensor, Na: Tensor, single_a: bool, work_dtype: torch.dtype) -> Tensor:
    """Lattice factor along a but for its sign."""
    return _clean_grating(h_residue, Na, single_a, work_dtype)


@step("grating_a", Level.ITERATION, variant="ROUNDED", unit="", formula=_ROUNDED)
def rounded_grating_a(h_frac: Tensor, h0: Tensor, Na: Tensor, single_a: bool, work_dtype: torch.dtype) -> Tensor:
    """Lattice factor along a but for its sign, with the phases rounded as the C program does."""
    return _rounded_grating(h_frac, h0, Na, single_a, work_dtype)


@step("half_turns_a", Level.ITERATION, unit="", formula="round(N|h − h0|) + N·h0")
def half_turns_a(h_residue: Tensor, h0: Tensor, Na: Tensor) -> Tensor:
    """Half turns nearest to the phase πNh, up to their sign."""
    return torch.round(Na * torch.abs(h_residue)) + Na * h0


@step("half_turns_a", Level.ITERATION, variant="ROUNDED", unit="", formula="round(N·πh/π)")
def rounded_half_turns_a(h_frac: Tensor, Na: Tensor) -> Tensor:
    """Half turns nearest to the phase πNh, up to their sign."""
    return half_turns(rounded_phase(h_frac) * Na)


@step("F_latt_a", Level.ITERATION)
def f_latt_a(grating_a: Tensor, half_turns_a: Tensor, h0: Tensor, Na: Tensor) -> Tensor:
    """Lattice factor along a."""
    return _signed(grating_a, half_turns_a + h0, Na)


@step("grating_b", Level.ITERATION, unit="", formula=_CLEAN.replace("h", "k"))
def grating_b(k_residue: Tensor, Nb: Tensor, single_b: bool, work_dtype: torch.dtype) -> Tensor:
    """Lattice factor along b but for its sign."""
    return _clean_grating(k_residue, Nb, single_b, work_dtype)


@step("grating_b", Level.ITERATION, variant="ROUNDED", unit="", formula=_ROUNDED.replace("h", "k"))
def rounded_grating_b(k_frac: Tensor, k0: Tensor, Nb: Tensor, single_b: bool, work_dtype: torch.dtype) -> Tensor:
    """Lattice factor along b but for its sign, with the phases rounded as the C program does."""
    return _rounded_grating(k_frac, k0, Nb, single_b, work_dtype)


@step("half_turns_b", Level.ITERATION, unit="", formula="round(N|k − k0|) + N·k0")
def half_turns_b(k_residue: Tensor, k0: Tensor, Nb: Tensor) -> Tensor:
    """Half turns nearest to the phase πNk, up to their sign."""
    return torch.round(Nb * torch.abs(k_residue)) + Nb * k0


@step("half_turns_b", Level.ITERATION, variant="ROUNDED", unit="", formula="round(N·πk/π)")
def rounded_half_turns_b(k_frac: Tensor, Nb: Tensor) -> Tensor:
    """Half turns nearest to the phase πNk, up to their sign."""
    return half_turns(rounded_phase(k_frac) * Nb)


@step("F_latt_b", Level.ITERATION)
def f_latt_b(grating_b: Tensor, half_turns_b: Tensor, k0: Tensor, Nb: Tensor) -> Tensor:
    """Lattice factor along b."""
    return _signed(grating_b, half_turns_b + k0, Nb)


@step("grating_c", Level.ITERATION, unit="", formula=_CLEAN.replace("h", "l"))
def grating_c(l_residue: Tensor, Nc: Tensor, single_c: bool, work_dtype: torch.dtype) -> Tensor:
    """Lattice factor along c but for its sign."""
    return _clean_grating(l_residue, Nc, single_c, work_dtype)


@step("grating_c", Level.ITERATION, variant="ROUNDED", unit="", formula=_ROUNDED.replace("h", "l"))
def rounded_grating_c(l_frac: Tensor, l0: Tensor, Nc: Tensor, single_c: bool, work_dtype: torch.dtype) -> Tensor:
    """Lattice factor along c but for its sign, with the phases rounded as the C program does."""
    return _rounded_grating(l_frac, l0, Nc, single_c, work_dtype)


@step("half_turns_c", Level.ITERATION, unit="", formula="round(N|l − l0|) + N·l0")
def half_turns_c(l_residue: Tensor, l0: Tensor, Nc: Tensor) -> Tensor:
    """Half turns nearest to the phase πNl, up to their sign."""
    return torch.round(Nc * torch.abs(l_residue)) + Nc * l0


@step("half_turns_c", Level.ITERATION, variant="ROUNDED", unit="", formula="round(N·πl/π)")
def rounded_half_turns_c(l_frac: Tensor, Nc: Tensor) -> Tensor:
    """Half turns nearest to the phase πNl, up to their sign."""
    return half_turns(rounded_phase(l_frac) * Nc)


@step("F_latt_c", Level.ITERATION)
def f_latt_c(grating_c: Tensor, half_turns_c: Tensor, l0: Tensor, Nc: Tensor) -> Tensor:
    """Lattice factor along c."""
    return _signed(grating_c, half_turns_c + l0, Nc)


def _signed(amplitude: Tensor, half_turns: Tensor, cells: Tensor) -> Tensor:
    """The amplitude times (−1)^half_turns."""
    odd = torch.remainder(half_turns, 2.0) == 1.0
    return torch.where(odd & (cells > 1.0), -amplitude, amplitude)


@step("F_latt", Level.ITERATION, variant="SQUARE", formula="F_latt_a·F_latt_b·F_latt_c")
def f_latt_square(F_latt_a: Tensor, F_latt_b: Tensor, F_latt_c: Tensor) -> Tensor:
    """Lattice factor of a parallelepiped."""
    return F_latt_a * F_latt_b * F_latt_c


@step(
    "F_latt", Level.ITERATION, variant="ROUND", formula="Na·Nb·Nc·0.7236·3(sin x/x − cos x)/x², x = π√(fudge·Σ(N·d)²)"
)
def f_latt_round(
    h_residue: Tensor,
    k_residue: Tensor,
    l_residue: Tensor,
    Na: Tensor,
    Nb: Tensor,
    Nc: Tensor,
    fudge: Tensor,
    work_dtype: torch.dtype,
) -> Tensor:
    """Lattice factor of an ellipsoid."""
    radius_sqr = (h_residue * Na) ** 2 + (k_residue * Nb) ** 2 + (l_residue * Nc) ** 2
    centre = radius_sqr * fudge == 0
    x = math.pi * root(torch.where(centre, torch.ones_like(radius_sqr), radius_sqr * fudge))
    transform_of_sphere = 3.0 * (torch.sin(x) / x - torch.cos(x)) / (x * x)
    volume = Na * Nb * Nc * _SPHERE_VOLUME
    return (volume * torch.where(centre, torch.ones_like(x), transform_of_sphere)).to(work_dtype)


@step("spot_radius_sqr", Level.ITERATION, unit="1/Å²", formula="|Δh a* + Δk b* + Δl c*|²·Na²·Nb²·Nc²")
def spot_radius_sqr(
    h_residue: Tensor,
    k_residue: Tensor,
    l_residue: Tensor,
    a_star: Vec,
    b_star: Vec,
    c_star: Vec,
    Na: Tensor,
    Nb: Tensor,
    Nc: Tensor,
) -> Tensor:
    """Squared distance to the peak in units of its width; the reciprocal axes are those before phi."""
    x, y, z = (h_residue * a + k_residue * b + l_residue * c for a, b, c in zip(a_star, b_star, c_star, strict=True))
    return (x * x + y * y + z * z) * Na * Na * Nb * Nb * Nc * Nc


@step("F_latt", Level.ITERATION, variant="GAUSS", formula="Na·Nb·Nc·exp(−r²/0.63·fudge)")
def f_latt_gauss(
    spot_radius_sqr: Tensor, Na: Tensor, Nb: Tensor, Nc: Tensor, fudge: Tensor, work_dtype: torch.dtype
) -> Tensor:
    """Lattice factor with Gaussian spots."""
    return (Na * Nb * Nc * torch.exp(-(spot_radius_sqr / _GAUSS_WIDTH * fudge))).to(work_dtype)


@step("F_latt", Level.ITERATION, variant="TOPHAT", formula="Na·Nb·Nc if r²·fudge < 0.3969, else 0")
def f_latt_tophat(
    spot_radius_sqr: Tensor, Na: Tensor, Nb: Tensor, Nc: Tensor, fudge: Tensor, work_dtype: torch.dtype
) -> Tensor:
    """Lattice factor with spots of constant height."""
    inside = spot_radius_sqr * fudge < _TOPHAT_RADIUS_SQR
    height = Na * Nb * Nc
    return torch.where(inside, height, torch.zeros_like(height)).to(work_dtype)


@step("F_latt_squared", Level.ITERATION, variant="SQUARE", formula="(F_latt_a·F_latt_b·F_latt_c)²")
def f_latt_squared_square(grating_a: Tensor, grating_b: Tensor, grating_c: Tensor) -> Tensor:
    """Squared lattice factor of a parallelepiped, for which the signs need not be known."""
    return torch.square(grating_a * grating_b * grating_c)


@step("F_latt_squared", Level.ITERATION)
def f_latt_squared(F_latt: Tensor) -> Tensor:
    """Square the lattice factor."""
    return F_latt * F_latt
