"""Numbers: constants, rounding, and sines that keep their digits.

The lattice factor needs sin(πNh)/sin(πh) for h of tens and N of hundreds. Reducing the argument before multiplying by π
keeps the digits that the phase would lose, makes float32 usable, and leaves arguments so small that a short polynomial
gives the sine to the last bit.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["AVOGADRO", "DEFAULT_FLUENCE", "DEG_PER_RAD", "R_E_SQR", "ZERO_GUARD", "grating", "nearest", "sinpi"]

R_E_SQR = 7.94079248018965e-30
"""Classical electron radius squared [m²]."""
AVOGADRO = 6.02214179e23
DEFAULT_FLUENCE = 125932015286227086360700780544.0
"""Fluence when no flag sets it [photons/m²]."""
DEG_PER_RAD = 180.0 * (1.0 / math.pi)
"""Degrees become radians by dividing by this."""
ZERO_GUARD = 2.2250738585072014e-308
"""Stands in for an exact 0 in a denominator: the smallest normal float64."""

_TINY_RESIDUE = 1e-30
"""Smallest residue that is distinguished from 0; N times it is far below the rounding of any phase."""

# Minimax for sin(πx)/x in x² on |x| ≤ 1/2; relative error 1.4e-16 and 5.3e-9.
_SINPI_FLOAT64 = (
    3.1415926535897927,
    -5.167712780049753,
    2.5501640398597765,
    -0.5992645287757095,
    0.08214587825655009,
    -0.007370361071668179,
    0.00046597761697805216,
    -2.1122952927771243e-05,
)
_SINPI_FLOAT32 = (
    3.1415926368954117,
    -5.167709684799477,
    2.5500697263299963,
    -0.5982421263420936,
    0.07756038679079723,
)


def nearest(x: Tensor) -> Tensor:
    """The nearest integer, halves rounded down: ceil(x − 0.5)."""
    return torch.ceil(x - 0.5)


def sinpi(x: Tensor) -> Tensor:
    """sin(πx) for |x| ≤ 1/2, to the last bits of x's dtype; differentiable."""
    square = x * x
    coefficients = _SINPI_FLOAT32 if x.dtype == torch.float32 else _SINPI_FLOAT64
    value = square * coefficients[-1] + coefficients[-2]
    for coefficient in coefficients[-3::-1]:
        value = value * square + coefficient
    return x * value


def grating(residue: Tensor, cells: Tensor, dtype: torch.dtype) -> Tensor:
    """|sin(πNd)/sin(πd)|-like amplitude of N cells at a distance d from a Bragg peak, up to its sign.

    The phase N·d is reduced to the nearest whole turn in float64, so that only a small number is rounded to `dtype`.

    Args:
        residue: d = h − h0, |d| ≤ 1/2, float64.
        cells: N, a 0-d float64 tensor.
        dtype: of the result.

    Returns:
        sin(π(Nd − round(Nd)))/sin(π|d|) with d ≠ 0, N at d = 0; the sign (−1)^round(Nd) is left out.
    """
    distance = torch.clamp(torch.abs(residue), min=_TINY_RESIDUE)
    turns = cells * distance
    phase = turns - torch.round(turns)
    return sinpi(phase.to(dtype)) / sinpi(distance.to(dtype))
