"""Run-level steps of the crystal: cell, orientation, reciprocal and direct vectors."""

from __future__ import annotations

import torch
from torch import Tensor

from braggtrace.physics.numerics import ZERO_GUARD
from braggtrace.physics.registry import step
from braggtrace.physics.vector import Vec, cross, dot, norm, root, rotate_xyz
from braggtrace.quantities import Level

Triple = tuple[Tensor, Tensor, Tensor]


@step("V_user_A3", Level.RUN, unit="Å³", formula="2abc√|sin A·sin(A−α)·sin(A−β)·sin(A−γ)|, A = (α+β+γ)/2")
def cell_volume(cell_lengths_A: Triple | None, cell_angles_rad: Triple | None) -> Tensor | None:
    """Volume of the cell that the user gave; none without a cell."""
    if cell_lengths_A is None or cell_angles_rad is None:
        return None
    a, b, c = cell_lengths_A
    alpha, beta, gamma = cell_angles_rad
    half = (alpha + beta + gamma) / 2.0
    skew = torch.sin(half) * torch.sin(half - alpha) * torch.sin(half - beta) * torch.sin(half - gamma)
    volume = 2.0 * a * b * c * root(torch.abs(skew))
    return torch.where(volume <= 0, torch.full_like(volume, ZERO_GUARD), volume)


@step(
    "reciprocal_start", Level.RUN, unit="1/Å", formula="from the matrix file, else a* along x and b* in the x-y plane"
)
def reciprocal_start(
    matrix_columns: tuple[Vec, Vec, Vec] | None,
    lambda_meters: Tensor,
    cell_lengths_A: Triple | None,
    cell_angles_rad: Triple | None,
    V_user_A3: Tensor | None,
) -> tuple[Vec, Vec, Vec]:
    """Reciprocal cell before missetting."""
    if matrix_columns is not None:
        # The file holds dimensionless vectors, for its own wavelength.
        first, second, third = (column.scaled(1e-10 / lambda_meters) for column in matrix_columns)
        return first, second, third
    if cell_lengths_A is None or cell_angles_rad is None or V_user_A3 is None:
        raise ValueError("a crystal needs a cell or a matrix")
    a, b, c = cell_lengths_A
    cos_alpha, cos_beta, cos_gamma = (torch.cos(angle) for angle in cell_angles_rad)
    sin_alpha, sin_beta, sin_gamma = (torch.sin(angle) for angle in cell_angles_rad)
    a_star = b * c * sin_alpha / V_user_A3
    b_star = c * a * sin_beta / V_user_A3
    c_star = a * b * sin_gamma / V_user_A3
    cos_alpha_star = _cosine((cos_beta * cos_gamma - cos_alpha) / (sin_beta * sin_gamma))
    cos_beta_star = _cosine((cos_gamma * cos_alpha - cos_beta) / (sin_gamma * sin_alpha))
    cos_gamma_star = _cosine((cos_alpha * cos_beta - cos_gamma) / (sin_alpha * sin_beta))
    sin_gamma_star = torch.clamp(c / V_user_A3 / (a_star * b_star), -1.0, 1.0)
    zero = torch.zeros_like(a_star)
    return (
        Vec(a_star, zero, zero),
        Vec(b_star * cos_gamma_star, b_star * sin_gamma_star, zero),
        Vec(
            c_star * cos_beta_star,
            c_star * (cos_alpha_star - cos_beta_star * cos_gamma_star) / sin_gamma_star,
            c_star * V_user_A3 / (a * b * c * sin_gamma_star),
        ),
    )


def _cosine(value: Tensor) -> Tensor:
    """A cosine whose square exceeds 1 becomes +1, also if it was negative."""
    return torch.where(value * value > 1.0, torch.ones_like(value), value)


@step("reciprocal_missetted", Level.RUN, unit="1/Å", formula="Rz·Ry·Rx·(a*, b*, c*)")
def reciprocal_missetted(reciprocal_start: tuple[Vec, Vec, Vec], misset_rad: Triple) -> tuple[Vec, Vec, Vec]:
    """Reciprocal cell after missetting, before its lengths are made those of the cell."""
    a_star, b_star, c_star = (rotate_xyz(vector, *misset_rad) for vector in reciprocal_start)
    return a_star, b_star, c_star


@step("V_star", Level.RUN, unit="1/Å³", formula="1/V of the user's cell, else ⟨a*, b* × c*⟩")
def v_star(reciprocal_missetted: tuple[Vec, Vec, Vec], V_user_A3: Tensor | None) -> Tensor:
    """Volume of the reciprocal cell."""
    if V_user_A3 is not None:
        return 1.0 / V_user_A3
    a_star, b_star, c_star = reciprocal_missetted
    return dot(a_star, cross(b_star, c_star))


@step("V_cell_A3", Level.RUN)
def v_cell(V_star: Tensor) -> Tensor:
    """Invert the reciprocal volume."""
    return 1.0 / V_star


@step("direct_crosses", Level.RUN, unit="1/Å²", formula="b* × c*, …, scaled to a/V, … if there is a user's cell")
def direct_crosses(
    reciprocal_missetted: tuple[Vec, Vec, Vec], cell_lengths_A: Triple | None, V_user_A3: Tensor | None
) -> tuple[Vec, Vec, Vec]:
    """Directions of the direct cell vectors, with the user's lengths where given."""
    a_star, b_star, c_star = reciprocal_missetted
    crosses = (cross(b_star, c_star), cross(c_star, a_star), cross(a_star, b_star))
    if cell_lengths_A is None or V_user_A3 is None:
        return crosses
    first, second, third = (
        vector.scaled(length / V_user_A3 / norm(vector)) for vector, length in zip(crosses, cell_lengths_A, strict=True)
    )
    return first, second, third


@step("cell_a_vec_angstroms", Level.RUN)
def cell_a(direct_crosses: tuple[Vec, Vec, Vec], V_cell_A3: Tensor) -> Vec:
    """Scale b* × c* to the direct vector."""
    return direct_crosses[0].scaled(V_cell_A3)


@step("cell_b_vec_angstroms", Level.RUN)
def cell_b(direct_crosses: tuple[Vec, Vec, Vec], V_cell_A3: Tensor) -> Vec:
    """Scale c* × a* to the direct vector."""
    return direct_crosses[1].scaled(V_cell_A3)


@step("cell_c_vec_angstroms", Level.RUN)
def cell_c(direct_crosses: tuple[Vec, Vec, Vec], V_cell_A3: Tensor) -> Vec:
    """Scale a* × b* to the direct vector."""
    return direct_crosses[2].scaled(V_cell_A3)


@step("a_star", Level.RUN)
def a_star(cell_b_vec_angstroms: Vec, cell_c_vec_angstroms: Vec, V_star: Tensor) -> Vec:
    """Compute a* again, from the direct vectors."""
    return cross(cell_b_vec_angstroms, cell_c_vec_angstroms).scaled(V_star)


@step("b_star", Level.RUN)
def b_star(cell_c_vec_angstroms: Vec, cell_a_vec_angstroms: Vec, V_star: Tensor) -> Vec:
    """Compute b* again, from the direct vectors."""
    return cross(cell_c_vec_angstroms, cell_a_vec_angstroms).scaled(V_star)


@step("c_star", Level.RUN)
def c_star(cell_a_vec_angstroms: Vec, cell_b_vec_angstroms: Vec, V_star: Tensor) -> Vec:
    """Compute c* again, from the direct vectors."""
    return cross(cell_a_vec_angstroms, cell_b_vec_angstroms).scaled(V_star)
