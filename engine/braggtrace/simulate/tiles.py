"""Tiles: pieces of a detector that are computed together.

A tile is a box of pixels, in full or those that a mask leaves. It knows its pixels without a list of all pixels of the
detector, which would take longer to write down than some images take to compute.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from braggtrace.simulate.model import Model

__all__ = ["Tile", "tiles"]


@dataclass(frozen=True, slots=True)
class Tile:
    """Some pixels of a detector, in loop order: slow, then fast.

    Attributes:
        rows: slow pixels.
        columns: fast pixels.
        used: (rows, columns), True where a pixel is rendered; None if all are.
    """

    rows: range
    columns: range
    used: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        """The number of pixels."""
        return len(self.rows) * len(self.columns) if self.used is None else int(np.count_nonzero(self.used))

    def coordinates(self, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
        """Slow and fast of the pixels, (P,) float64."""
        slow = torch.arange(self.rows.start, self.rows.stop, dtype=torch.float64, device=device)
        fast = torch.arange(self.columns.start, self.columns.stop, dtype=torch.float64, device=device)
        shape = len(slow), len(fast)
        if self.used is None:
            return slow[:, None].expand(shape).reshape(-1), fast.expand(shape).reshape(-1)
        used = torch.from_numpy(self.used).to(device)
        return slow[:, None].expand(shape)[used], fast.expand(shape)[used]

    def places(self, width: int) -> NDArray[np.int64]:
        """The pixels as slow·width + fast, (P,)."""
        box = np.add.outer(np.asarray(self.rows, dtype=np.int64) * width, np.asarray(self.columns, dtype=np.int64))
        return box.reshape(-1) if self.used is None else box[self.used]

    def find(self, slow: int, fast: int) -> int | None:
        """The number of a pixel among those of the tile; None if it is not one of them."""
        if slow not in self.rows or fast not in self.columns:
            return None
        place = (slow - self.rows.start) * len(self.columns) + fast - self.columns.start
        if self.used is None:
            return place
        flat = self.used.reshape(-1)
        return int(np.count_nonzero(flat[:place])) if flat[place] else None

    def pixel(self, number: int) -> tuple[int, int]:
        """Slow and fast of a pixel, the inverse of `find`."""
        place = number if self.used is None else int(np.flatnonzero(self.used)[number])
        row, column = divmod(place, len(self.columns))
        return self.rows[row], self.columns[column]

    def write(self, image: Tensor, values: Tensor) -> None:
        """Put the values of the pixels, (P,), into the image, (slow, fast)."""
        box = image[self.rows.start : self.rows.stop, self.columns.start : self.columns.stop]
        if self.used is None:
            box.copy_(values.reshape(box.shape))
        else:
            box[torch.from_numpy(self.used)] = values


def tiles(model: Model, size: int, rows: range | None = None) -> Iterator[Tile]:
    """The pixels to render in loop order, at most `size` at a time; of some rows only, if given."""
    slow, fast = model.shape
    rows = range(slow) if rows is None else rows
    first, last = max(model.roi[0], rows.start), min(model.roi[1] + 1, rows.stop)
    left, right = model.roi[2], min(model.roi[3] + 1, fast)
    width = right - left
    if width <= 0:
        return
    height, breadth = max(1, size // width), min(width, size)
    for row in range(first, last, height):
        for column in range(left, right, breadth):
            box = range(row, min(row + height, last)), range(column, min(column + breadth, right))
            if model.mask is None:
                yield Tile(*box)
                continue
            used = model.mask[box[0].start : box[0].stop, box[1].start : box[1].stop]
            if used.any():
                yield Tile(*box, None if used.all() else used)
