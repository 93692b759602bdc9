"""Numbers: constants, rounding, and sines that keep their digits.

The lattice factor needs sin(πNh)/sin(πh) for h of tens and N of hundreds. Reducing the argument before multiplying by π
keeps the digits that the phase would lose, makes float32 usable, and leaves arguments so small that a short polynomial
gives the sine to the last bit.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = [
    "AVOGADRO",
    "DEFAULT_FLUENCE",
    "DEG_PER_RAD",
    "R_E_SQR",
    "ZERO_GUARD",
    "grating",
    "half_turns",
    "nearest",
    "rounded_grating",
    "rounded_phase",
    "short_sin",
    "short_sin_pi",
]

R_E_SQR = 7.94079248018965e-30
"""Classical electron radius squared [m²]."""
AVOGADRO = 6.02214179e23
DEFAULT_FLUENCE = 125932015286227086360700780544.0
"""Fluence when no flag sets it [photons/m²]."""
DEG_PER_RAD = 180.0 * (1.0 / math.pi)
"""Degrees become radians by dividing by this."""
ZERO_GUARD = 2.2250738585072014e-308
"""Stands in for an exact 0 in a denominator: the smallest normal float64."""

_TINY_PHASE = 1e-30
"""Smallest phase that is distinguished from 0; N times it is far below the rounding of any phase."""

# π in two parts; a whole number up to 2²⁰ times the first part is exact.
_PI_HIGH = 3.1415926534682512
_PI_LOW = 1.2154201012607932e-10

# Minimax for sin(x)/x in x² on |x| ≤ π/2; relative error 1.4e-16 and 5.3e-9.
_SIN_FLOAT64 = (
    0.9999999999999999,
    -0.16666666666665966,
    0.008333333333275907,
    -0.0001984126982321883,
    2.7557316420837164e-06,
    -2.505187085461859e-08,
    1.6047843729247123e-10,
    -7.370651703869795e-13,
)
_SIN_FLOAT32 = (
    0.9999999946849082,
    -0.1666665668236561,
    0.008333025101226127,
    -0.00019807415986156074,
    2.601896912943566e-06,
)
# The same for sin(πx).
_SIN_PI_FLOAT64 = tuple(c * math.pi ** (2 * order + 1) for order, c in enumerate(_SIN_FLOAT64))
_SIN_PI_FLOAT32 = tuple(c * math.pi ** (2 * order + 1) for order, c in enumerate(_SIN_FLOAT32))


def nearest(x: Tensor) -> Tensor:
    """The nearest integer, halves rounded down: ceil(x − 0.5)."""
    return torch.ceil(x - 0.5)


def short_sin(x: Tensor) -> Tensor:
    """The sine of x for |x| ≤ π/2, to the last bits of x's dtype; differentiable."""
    return _odd_polynomial(x, _SIN_FLOAT32 if x.dtype == torch.float32 else _SIN_FLOAT64)


def short_sin_pi(x: Tensor) -> Tensor:
    """The sine of πx for |x| ≤ 1/2, to the last bits of x's dtype; differentiable."""
    return _odd_polynomial(x, _SIN_PI_FLOAT32 if x.dtype == torch.float32 else _SIN_PI_FLOAT64)


def _odd_polynomial(x: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    """X times a polynomial in x², lowest order first."""
    square = torch.square(x)
    value = square * coefficients[-1] + coefficients[-2]
    for coefficient in coefficients[-3::-1]:
        value = value * square + coefficient
    return x * value


def _less_turns(phase: Tensor, half_turns: Tensor) -> Tensor:
    """Phase − π·half_turns, exact but for one rounding."""
    return (phase - half_turns * _PI_HIGH) - half_turns * _PI_LOW


def rounded_phase(index: Tensor) -> Tensor:
    """|π·h| rounded to float64 as the C program has it, and never quite 0."""
    return torch.abs(math.pi * index) + _TINY_PHASE


def half_turns(phase: Tensor) -> Tensor:
    """The number of half turns nearest to a phase [rad]."""
    return torch.round(phase * (1.0 / math.pi))


def rounded_grating(index: Tensor, peak: Tensor, cells: Tensor, dtype: torch.dtype) -> Tensor:
    """sin(Nx)/sin(x) for x = πh, up to its sign, with x and Nx rounded as the C program rounds them.

    Near a peak that rounding shows in the ninth digit or so. Everything after it keeps all digits.

    Args:
        index: h, float64.
        peak: the integer nearest to h.
        cells: N, a 0-d float64 tensor.
        dtype: of the result; what is rounded to it are reduced phases, small numbers.
    """
    phase = rounded_phase(index)
    total = phase * cells
    numerator = _less_turns(total, half_turns(total))
    denominator = _less_turns(phase, torch.abs(peak))
    return short_sin(numerator.to(dtype)) / short_sin(denominator.to(dtype))


def grating(residue: Tensor, cells: Tensor, dtype: torch.dtype) -> Tensor:
    """sin(πNd)/sin(πd) at a distance d from a peak, up to its sign, without any rounding of large phases.

    Args:
        residue: d = h − h0, |d| ≤ 1/2, float64.
        cells: N, a 0-d float64 tensor.
        dtype: of the result; what is rounded to it are reduced phases, small numbers.
    """
    distance = torch.abs(residue) + _TINY_PHASE
    turns = cells * distance
    beyond = turns - torch.round(turns)
    return short_sin_pi(beyond.to(dtype)) / short_sin_pi(distance.to(dtype))
