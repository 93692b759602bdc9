"""Random orientations: the missetting and the mosaic domains (reference sections 6.3 and 6.4)."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from braggtrace.physics.numerics import DEG_PER_RAD
from braggtrace.physics.vector import Vec
from braggtrace.simulate.experiment import Crystal
from braggtrace.simulate.random import ShuffleTable, UniformStream, rotation_draws

__all__ = ["mosaic_rotations", "random_misset_rad"]

_MISSET_CAP = 90.0
_AUTOMATIC_DOMAINS = 10
Rows = tuple[Vec, Vec, Vec]


def _rotations(axes: Vec, fractions: Tensor, cap_rad: Tensor, single: bool) -> Rows:
    """Right-handed rotations about unit axes by cap·fraction; components have the shape of `fractions`."""
    if single:
        angle = (cap_rad.to(torch.float32) * fractions.to(torch.float32)).to(torch.float64)
    else:
        angle = cap_rad * fractions.to(torch.float64)
    cos, sin = torch.cos(angle), torch.sin(angle)
    t = 1.0 - cos
    x, y, z = axes
    return (
        Vec(t * x * x + cos, t * x * y - z * sin, t * x * z + y * sin),
        Vec(t * x * y + z * sin, t * y * y + cos, t * y * z - x * sin),
        Vec(t * x * z - y * sin, t * y * z + x * sin, t * z * z + cos),
    )


def _draw(seed: int, table: ShuffleTable, count: int) -> tuple[Vec, Tensor]:
    axes, fractions = rotation_draws(UniformStream(seed, table), count)
    return Vec(*torch.from_numpy(np.ascontiguousarray(axes.T))), torch.from_numpy(fractions)


def random_misset_rad(crystal: Crystal, table: ShuffleTable, quirks: frozenset[str]) -> tuple[Tensor, Tensor, Tensor]:
    """The angles about x, y, z [rad] of a random orientation."""
    cap = _MISSET_CAP if "random-misset-radians" in quirks else _MISSET_CAP / DEG_PER_RAD
    axes, fractions = _draw(crystal.misset_seed, table, 1)
    single = "single-precision-mosaic" in quirks
    rows = _rotations(axes, fractions, torch.tensor(cap, dtype=torch.float64), single)
    u = [[float(component[0]) for component in row] for row in rows]
    if u[2][0] * u[2][0] < 1.0:
        about_x = math.atan2(u[2][1], u[2][2])
        about_y = math.atan2(-u[2][0], math.sqrt(u[2][1] * u[2][1] + u[2][2] * u[2][2]))
        about_z = math.atan2(u[1][0], u[0][0])
    else:
        about_x, about_y, about_z = math.pi, math.pi / 2.0, math.atan2(u[0][1], -u[1][1])
    x, y, z = (torch.tensor(angle, dtype=torch.float64) for angle in (about_x, about_y, about_z))
    return x, y, z


def mosaic_rotations(crystal: Crystal, table: ShuffleTable, quirks: frozenset[str]) -> tuple[int, Tensor, Rows | None]:
    """The mosaic domains.

    Returns:
        Their number, the spread [rad], and the rows of their rotation matrices, components (domains,); None if none
        is rotated. The first domain is never rotated.
    """
    spread = torch.as_tensor(crystal.mosaic_spread_deg, dtype=torch.float64) / DEG_PER_RAD
    count, given = crystal.mosaic_domains, float(spread.detach())
    if count <= 0:
        count = _AUTOMATIC_DOMAINS if given > 0 else 1
    elif given <= 0:
        count = 1
    # Drawn also if unused, because streams share their table.
    axes, fractions = _draw(crystal.mosaic_seed, table, count)
    if given <= 0:
        return count, torch.clamp(spread.detach(), min=0.0), None
    rotated = _rotations(axes, fractions, spread, "single-precision-mosaic" in quirks)
    unrotated = torch.arange(count) == 0
    rows = []
    for i, row in enumerate(rotated):
        identity = [1.0 if i == j else 0.0 for j in range(3)]
        rows.append(Vec(*(torch.where(unrotated, one, value) for one, value in zip(identity, row, strict=True))))
    return count, spread, (rows[0], rows[1], rows[2])
