"""Steps of the structure factor: table lookup and tricubic interpolation."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import embedding

from braggtrace.physics.registry import step
from braggtrace.quantities import Level


class FTable(NamedTuple):
    """Structure factors on a box of Miller indices, with a border of `default_F` all around.

    Clamping an index to the border then answers for every index outside the box, without a mask. The bounds are
    tensors, so that one compiled kernel serves every table.

    Attributes:
        values: ((nh + 2)·(nk + 2)·(nl + 2),) flat, l fastest; may require gradients.
        low: smallest h, k, l of the box, (3,) float64.
        high: largest h, k, l of the box, (3,) float64.
    """

    values: Tensor
    low: Tensor
    high: Tensor

    @classmethod
    def from_box(cls, box: Tensor, low: tuple[int, int, int], default: Tensor | float) -> FTable:
        """A table from a box of values.

        Args:
            box: (nh, nk, nl) structure factors.
            low: Miller indices of `box[0, 0, 0]`.
            default: value outside the box.
        """
        nh, nk, nl = box.shape
        default = torch.as_tensor(default, dtype=torch.float64, device=box.device)
        padded = default.expand(nh + 2, nk + 2, nl + 2).clone()
        padded[1:-1, 1:-1, 1:-1] = box
        first = torch.tensor(low, dtype=torch.float64)
        return cls(padded.reshape(-1), first, first + torch.tensor([nh - 1.0, nk - 1.0, nl - 1.0], dtype=torch.float64))

    def cast(self, dtype: torch.dtype, device: torch.device | str) -> FTable:
        """The same table elsewhere or in another precision."""
        return FTable(self.values.to(dtype=dtype, device=device), self.low.to(device), self.high.to(device))

    def bounds(self) -> tuple[int, ...]:
        """The box: h min, h max, k min, k max, l min, l max."""
        return tuple(int(bound) for pair in zip(self.low, self.high, strict=True) for bound in pair)

    def flat_index(self, h: Tensor, k: Tensor, l: Tensor) -> Tensor:  # noqa: E741
        """Place of integer-valued indices in `values`, int32; indices outside land on the border."""
        origin = (self.low - 1.0).to(torch.int32)
        last = (self.high - self.low + 2.0).to(torch.int32)
        row, column, depth = (
            torch.clamp(torch.minimum(index.to(torch.int32) - origin[axis], last[axis]), min=0)
            for axis, index in enumerate((h, k, l))
        )
        return (row * (last[1] + 1) + column) * (last[2] + 1) + depth

    def at(self, index: Tensor) -> Tensor:
        """The values at some places, shaped like `index`."""
        # Plain subscripts would cost compiled kernels a test for negative places.
        return embedding(index, self.values[:, None])[..., 0]


@step("F_index", Level.ITERATION, unit="", formula="place of (h0, k0, l0) in the table")
def f_index(h0: Tensor, k0: Tensor, l0: Tensor, F_table: FTable | None) -> Tensor | None:
    """Place in the table; indices outside it land on its border, which holds default_F."""
    return None if F_table is None else F_table.flat_index(h0, k0, l0)


@step("F_cell_nearest", Level.ITERATION, unit="", formula="F[h0, k0, l0], default_F outside the table")
def f_cell_nearest(F_index: Tensor | None, F_table: FTable | None, default_F: Tensor) -> Tensor:
    """Structure factor of the nearest reflection."""
    if F_index is None or F_table is None:
        return default_F
    return F_table.at(F_index)


@step("tricubic_allowed", Level.ITERATION, unit="", formula="hmin + 2 ≤ h ≤ hmax − 2, same for k, l")
def tricubic_allowed(h_frac: Tensor, k_frac: Tensor, l_frac: Tensor, F_table: FTable) -> Tensor:
    """Whether the neighbourhood lies within the table."""
    inside = torch.ones_like(h_frac, dtype=torch.bool)
    for index, low, high in zip((h_frac, k_frac, l_frac), F_table.low, F_table.high, strict=True):
        inside = inside & (index >= low + 2) & (index <= high - 2)
    return inside


@step("tricubic_grid", Level.ITERATION, unit="", formula="F[⌊h⌋−1…⌊h⌋+2, ⌊k⌋−1…⌊k⌋+2, ⌊l⌋−1…⌊l⌋+2]")
def tricubic_grid(h_frac: Tensor, k_frac: Tensor, l_frac: Tensor, F_table: FTable) -> Tensor:
    """The 64 structure factors around a point: shape (…, 4, 4, 4)."""
    offsets = torch.arange(-1.0, 3.0, dtype=torch.float64, device=h_frac.device)
    h = (torch.floor(h_frac)[..., None] + offsets)[..., :, None, None]
    k = (torch.floor(k_frac)[..., None] + offsets)[..., None, :, None]
    l = (torch.floor(l_frac)[..., None] + offsets)[..., None, None, :]  # noqa: E741
    return F_table.at(F_table.flat_index(h, k, l))


@step("F_cell_interpolated", Level.ITERATION)
def f_cell_interpolated(h_frac: Tensor, k_frac: Tensor, l_frac: Tensor, tricubic_grid: Tensor) -> Tensor:
    """Cubic through four points along l, then k, then h."""
    along_l = _cubic(tricubic_grid, (l_frac - torch.floor(l_frac))[..., None, None])
    along_k = _cubic(along_l, (k_frac - torch.floor(k_frac))[..., None])
    return _cubic(along_k, h_frac - torch.floor(h_frac))


def _cubic(values: Tensor, t: Tensor) -> Tensor:
    """Lagrange's cubic through values at −1, 0, 1, 2 (last axis), at t."""
    t = t.to(values.dtype)
    before, after, far = t + 1.0, t - 1.0, t - 2.0
    return (
        values[..., 0] * (t * after * far / -6.0)
        + values[..., 1] * (before * after * far / 2.0)
        + values[..., 2] * (before * t * far / -2.0)
        + values[..., 3] * (before * t * after / 6.0)
    )


@step(
    "F_cell",
    Level.ITERATION,
    formula="F[h0, k0, l0]; tricubic while interpolation is on and its neighbourhood in the table",
)
def f_cell(F_cell_nearest: Tensor) -> Tensor:
    """Structure factor without interpolation."""
    return F_cell_nearest


@step("F_cell", Level.ITERATION, variant="TRICUBIC", formula="tricubic while interpolation is on, else F[h0, k0, l0]")
def f_cell_tricubic(F_cell_interpolated: Tensor, F_cell_nearest: Tensor, interpolation_on: Tensor) -> Tensor:
    """Structure factor with interpolation."""
    return torch.where(interpolation_on, F_cell_interpolated, F_cell_nearest)
