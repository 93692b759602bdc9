"""A resolved experiment: every run-level value, every loop, every pixel to render."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from braggtrace.physics.structure import FTable
from braggtrace.physics.vector import Vec
from braggtrace.simulate.random import ShuffleTable

__all__ = ["Loops", "Model"]


@dataclass(frozen=True, slots=True)
class Loops:
    """What the loops inside a pixel run over.

    Attributes:
        thick_tic: (B,) sensor layer of each sample, in loop order.
        subS: (B,) subpixel along slow.
        subF: (B,) subpixel along fast.
        source: (B,) source.
        source_dir: components (sources,).
        source_lambda_m: (sources,).
        phi_tic: (n,) phi step of each iteration, in loop order.
        mos_tic: (n,) mosaic domain.
        phi_rad: (phisteps,) nominal angles.
        phi_used_rad: (phisteps,) angles in effect.
        phi_first_rad: (phisteps,) angles in effect in the first phi loop that a thread runs.
        mosaic: rows of the rotation matrices, components (domains,); None if no domain is rotated.
    """

    thick_tic: Tensor
    subS: Tensor
    subF: Tensor
    source: Tensor
    source_dir: Vec
    source_lambda_m: Tensor
    phi_tic: Tensor
    mos_tic: Tensor
    phi_rad: Tensor
    phi_used_rad: Tensor
    phi_first_rad: Tensor
    mosaic: tuple[Vec, Vec, Vec] | None

    @property
    def samples(self) -> int:
        """B: layers × subpixels × sources."""
        return len(self.thick_tic)

    @property
    def iterations(self) -> int:
        """Phi steps × mosaic domains."""
        return len(self.phi_tic)


@dataclass(frozen=True, slots=True)
class Model:
    """Everything that a pixel's value follows from.

    Attributes:
        values: run-level quantities by name: 0-d float64 tensors, `Vec`s, ints and words.
        loops: what the loops inside a pixel run over.
        table: structure factors, None if there are none.
        shape: of the image, (slow, fast).
        roi: slow first, slow last, fast first, fast last; inclusive; the last ones may exceed the image.
        mask: (slow, fast), True where a pixel is rendered, or None.
        quirks: those that are on.
        threads: threads of the C program to imitate.
        interpolate: tricubic interpolation at the start.
        randoms: the state that later random streams of the run share with those used so far.
        notes: what a person should know about how the experiment was completed.
    """

    values: Mapping[str, Any]
    loops: Loops
    table: FTable | None
    shape: tuple[int, int]
    roi: tuple[int, int, int, int]
    mask: NDArray[np.bool_] | None
    quirks: frozenset[str]
    threads: int
    interpolate: bool
    randoms: ShuffleTable
    notes: tuple[str, ...] = ()

    @property
    def variants(self) -> tuple[str, ...]:
        """Which variants of the steps apply."""
        named = {"TRICUBIC": self.interpolate, "ROUNDED": "rounded-phase" in self.quirks}
        return (self.values["xtal_shape"], *(name for name, applies in named.items() if applies))

    def rendered(self, rows: range | None = None) -> NDArray[np.int64]:
        """The pixels to render as slow·fpixels + fast, in loop order; of some rows only, if given."""
        slow, fast = self.shape
        rows = range(slow) if rows is None else rows
        first, last = max(self.roi[0], rows.start), min(self.roi[1] + 1, rows.stop)
        left, right = self.roi[2], min(self.roi[3] + 1, fast)
        if first >= last or left >= right:
            return np.empty(0, dtype=np.int64)
        places = np.arange(first, last, dtype=np.int64)[:, None] * fast + np.arange(left, right, dtype=np.int64)
        if self.mask is None:
            return places.reshape(-1)
        return places[self.mask[first:last, left:right]]

    def is_rendered(self, slow: int, fast: int) -> bool:
        """Whether a pixel is in the region of interest and not masked."""
        return self.why_not_rendered(slow, fast) is None

    def why_not_rendered(self, slow: int, fast: int) -> str | None:
        """What leaves a pixel out, so that its value is 0; None if nothing does."""
        first, last, left, right = self.roi
        if not (first <= slow <= last and left <= fast <= right):
            bounds = first, min(last, self.shape[0] - 1), left, min(right, self.shape[1] - 1)
            return "outside -roi, which is slow {}-{}, fast {}-{}".format(*bounds)
        if self.mask is not None and not bool(self.mask[slow, fast]):
            return "masked out"
        return None
