"""Vectors as three separate tensors, so that every component is a contiguous array of its own.

Sums are written out from left to right. Their rounding is then the same on every device, in every shape and in the
reference program.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = [
    "Matrix",
    "Vec",
    "cross",
    "dot",
    "norm",
    "root",
    "rotate_about",
    "rotate_xyz",
    "stack",
    "transform",
    "unit",
    "vec",
]


class Vec(NamedTuple):
    """A vector in the laboratory frame; each component broadcasts with the others."""

    x: Tensor
    y: Tensor
    z: Tensor

    def scaled(self, factor: Tensor | float) -> Vec:
        """Every component times `factor`."""
        return Vec(self.x * factor, self.y * factor, self.z * factor)

    def over(self, divisor: Tensor | float) -> Vec:
        """Every component divided by `divisor`."""
        return Vec(self.x / divisor, self.y / divisor, self.z / divisor)

    def plus(self, other: Vec) -> Vec:
        """The sum of two vectors."""
        return Vec(self.x + other.x, self.y + other.y, self.z + other.z)

    def minus(self, other: Vec) -> Vec:
        """The difference of two vectors."""
        return Vec(self.x - other.x, self.y - other.y, self.z - other.z)

    def negated(self) -> Vec:
        """The opposite vector."""
        return Vec(-self.x, -self.y, -self.z)

    def at(self, key: object) -> Vec:
        """The same subscript applied to every component."""
        return Vec(self.x[key], self.y[key], self.z[key])  # type: ignore[index]


Matrix = tuple[Vec, Vec, Vec]
"""A 3×3 matrix as its rows."""


def vec(values: Iterable[Tensor | float] | Tensor, *, like: Tensor | None = None) -> Vec:
    """A `Vec` from three numbers, three 0-d tensors or a tensor of shape (3, …), as float64.

    Args:
        values: the components.
        like: the tensor whose device to use.
    """
    device = None if like is None else like.device
    x, y, z = (torch.as_tensor(value, dtype=torch.float64, device=device) for value in values)
    return Vec(x, y, z)


def stack(vector: Vec) -> Tensor:
    """The components as the last axis: shape (…, 3)."""
    return torch.stack(torch.broadcast_tensors(*vector), dim=-1)  # type: ignore[no-untyped-call]


def dot(u: Vec, v: Vec) -> Tensor:
    """⟨u, v⟩, summed from left to right."""
    return u.x * v.x + u.y * v.y + u.z * v.z


def cross(u: Vec, v: Vec) -> Vec:
    """U × v."""
    return Vec(u.y * v.z - u.z * v.y, u.z * v.x - u.x * v.z, u.x * v.y - u.y * v.x)


_SPLITTER = 134217729.0  # 2²⁷ + 1: cuts a float64 into two halves whose products are exact


def root(x: Tensor) -> Tensor:
    """√x, correctly rounded, while `torch.sqrt` is off by a unit in the last place now and then.

    The square of the first guess is subtracted exactly, by splitting it in halves, and what is left corrects the guess.
    """
    guess = torch.sqrt(x)
    with torch.no_grad():
        scaled = guess * _SPLITTER
        high = scaled - (scaled - guess)
        low = guess - high
        left = ((x - high * high) - 2.0 * high * low) - low * low
        correction = torch.where(left == 0.0, 0.0, left / (2.0 * guess))
    return guess + correction


def norm(u: Vec) -> Tensor:
    """The length of u."""
    return root(dot(u, u))


def unit(u: Vec) -> Vec:
    """U / |u|; a vector of length 0 stays as it is."""
    length = norm(u)
    return u.over(torch.where(length == 0, torch.ones_like(length), length))


def transform(matrix: Matrix, v: Vec) -> Vec:
    """Matrix times column vector."""
    return Vec(*(dot(row, v) for row in matrix))


def rotate_about(axis: Vec, angle_rad: Tensor, v: Vec) -> Vec:
    """A(u, φ)v = u⟨u, v⟩(1 − cos φ) + v cos φ + (u × v) sin φ, right-handed.

    An axis that is no unit vector is used literally, and the result is then no rotation. At an angle of 0 the result
    is v to the last bit.
    """
    cos, sin = torch.cos(angle_rad), torch.sin(angle_rad)
    along = dot(axis, v) * (1.0 - cos)
    turned = cross(axis, v)
    return Vec(
        axis.x * along + v.x * cos + turned.x * sin,
        axis.y * along + v.y * cos + turned.y * sin,
        axis.z * along + v.z * cos + turned.z * sin,
    )


def rotate_xyz(v: Vec, about_x: Tensor, about_y: Tensor, about_z: Tensor) -> Vec:
    """Rz·Ry·Rx·v: rotate about the fixed axes x, then y, then z; angles in rad."""
    cos, sin = torch.cos(about_x), torch.sin(about_x)
    v = Vec(v.x, v.y * cos - v.z * sin, v.y * sin + v.z * cos)
    cos, sin = torch.cos(about_y), torch.sin(about_y)
    v = Vec(v.x * cos + v.z * sin, v.y, v.z * cos - v.x * sin)
    cos, sin = torch.cos(about_z), torch.sin(about_z)
    return Vec(v.x * cos - v.y * sin, v.x * sin + v.y * cos, v.z)
