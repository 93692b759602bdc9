"""Steps of the intensity: one iteration's contribution, the background and the pixel's value."""

from __future__ import annotations

import torch
from torch import Tensor

from braggtrace.physics.numerics import AVOGADRO
from braggtrace.physics.registry import step
from braggtrace.quantities import Level

_WATER_F = 2.57
_WATER_MOLAR_MASS = 18.0


@step("I_bg", Level.RUN)
def i_bg(r_e_sqr: Tensor, fluence_photons_per_m2: Tensor, water_size_meters: Tensor) -> Tensor:
    """Scattering of the water around the crystal."""
    return (
        _WATER_F
        * _WATER_F
        * r_e_sqr
        * fluence_photons_per_m2
        * water_size_meters
        * water_size_meters
        * water_size_meters
        * 1e6
        * AVOGADRO
        / _WATER_MOLAR_MASS
    )


@step("F_cell_squared", Level.ITERATION)
def f_cell_squared(F_cell: Tensor) -> Tensor:
    """Square the structure factor."""
    return torch.square(F_cell)


@step("I_term", Level.ITERATION)
def i_term(F_cell_squared: Tensor, F_latt_squared: Tensor) -> Tensor:
    """Multiply the squares."""
    return F_cell_squared * F_latt_squared


@step("I_pixel_final", Level.PIXEL)
def i_pixel_final(
    r_e_sqr: Tensor,
    fluence_photons_per_m2: Tensor,
    steps: Tensor,
    I_before_scaling: Tensor,
    pixel_capture: Tensor,
    pixel_polar: Tensor,
    omega_pixel: Tensor,
    oversample_thick: int,
    oversample_polar: int,
    oversample_omega: int,
) -> Tensor:
    """Scale the sum, with each factor that was not applied at every iteration."""
    value = r_e_sqr * fluence_photons_per_m2 * I_before_scaling / steps
    if not oversample_thick:
        value = value * pixel_capture
    if not oversample_polar:
        value = value * pixel_polar
    if not oversample_omega:
        value = value * omega_pixel
    return value


@step("floatimage_accumulated", Level.PIXEL)
def floatimage_accumulated(I_pixel_final: Tensor) -> Tensor:
    """Round to float32."""
    return I_pixel_final.to(torch.float32)
