"""The image of a model: tiles of pixels, and the few pixels that need care of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from braggtrace.simulate.counts import thread_rows
from braggtrace.simulate.fused import FusedLoop, fused_loop
from braggtrace.simulate.model import Model
from braggtrace.simulate.pixels import ELEMENTS, PixelLoop
from braggtrace.simulate.quirks import STALE_PHI_ZERO

__all__ = ["Special", "coordinates", "render", "special_pixels", "tile_size", "tiles"]

_NEVER = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True)
class Special:
    """What makes single pixels differ from all others.

    Attributes:
        first_of_thread: pixel (slow·fpixels + fast) -> number of its sample that is the first its thread computes.
        off_pixel: the pixel in which interpolation is switched off; -1 if it is off from the start of no pixel.
        off_evaluation: the number of the evaluation in that pixel.
    """

    first_of_thread: dict[int, int]
    off_pixel: int = _NEVER
    off_evaluation: int = 0

    def off_from(self, places: NDArray[np.int64]) -> Tensor:
        """(P,) number of the evaluation from which on interpolation is off in each pixel."""
        numbers = np.where(places < self.off_pixel, _NEVER, np.where(places == self.off_pixel, self.off_evaluation, 0))
        return torch.from_numpy(numbers)


def tiles(places: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    """Consecutive pieces of the pixels."""
    for start in range(0, len(places), size):
        yield places[start : start + size]


def coordinates(loop: PixelLoop, places: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Slow and fast of some pixels, (P,) float64, on the loop's device."""
    numbers = torch.from_numpy(places).to(device=loop.device, dtype=torch.float64)
    columns = float(loop.model.shape[1])
    slow = torch.floor(numbers / columns)  # exact: an image has far fewer than 2^52 pixels
    return slow, numbers - slow * columns


def tile_size(loop: PixelLoop) -> int:
    """Pixels of a tile."""
    return max(1, loop.elements // 64) if loop.model.interpolate else loop.elements


def special_pixels(loop: PixelLoop, until: int | None = None) -> Special:
    """Find the pixels that differ from all others.

    Args:
        loop: the loops of the model.
        until: no pixel after this one matters.
    """
    model = loop.model
    firsts = _firsts_of_threads(loop) if STALE_PHI_ZERO in model.quirks else {}
    if not (model.interpolate and "interpolation-permanently-off" in model.quirks):
        return Special(firsts)
    places = model.rendered()
    if until is not None:
        places = places[places <= until]
    for tile in tiles(places, tile_size(loop)):
        leaves = loop.leaves_table(*coordinates(loop, tile)).cpu().numpy()
        hits = np.flatnonzero(leaves != _NEVER)
        if hits.size:
            return Special(firsts, int(tile[hits[0]]), int(leaves[hits[0]]))
    return Special(firsts)


def _firsts_of_threads(loop: PixelLoop) -> dict[int, int]:
    """The first phi loop of each thread: its pixel, and the number of its sample."""
    model = loop.model
    if torch.equal(model.loops.phi_used_rad, model.loops.phi_first_rad):
        return {}
    firsts = {}
    for rows in thread_rows(model.shape[0], model.threads):
        for tile in tiles(model.rendered(rows), ELEMENTS):
            found = _first_executed(loop, tile)
            if found is not None:
                firsts[found[0]] = found[1]
                break
    return firsts


def _first_executed(loop: PixelLoop, places: NDArray[np.int64]) -> tuple[int, int] | None:
    """The first pixel and sample within the resolution limit."""
    if loop.model.values["dmin_angstroms"] <= 0:
        return int(places[0]), 0
    spixel, fpixel = coordinates(loop, places)
    executed = loop.samples(spixel, fpixel, slice(None))["in_resolution"].expand(-1, len(places))
    pixel = int(executed.any(dim=0).int().argmax())
    column = executed[:, pixel]
    return (int(places[pixel]), int(column.int().argmax())) if bool(column.any()) else None


def render(
    model: Model,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float64,
    compiled: str = "off",
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """The image of a model.

    Args:
        model: the resolved experiment.
        device: where to compute.
        dtype: precision of lattice and structure factors; float32 loses no digits of phases.
        compiled: "on" to use compiled kernels, "auto" where they pay, "off" for the bare steps. Compiled kernels need
            gradients to be disabled, and agree with the bare steps within rounding.
        progress: called with the number of pixels done and of all.

    Returns:
        (slow, fast) float64 [photons], on the CPU; differentiable if a parameter of the experiment requires gradients.
    """
    loop = PixelLoop(model, device, dtype)
    special = special_pixels(loop)
    places = model.rendered()
    fused = fused_loop(loop, len(places), compiled)
    image = torch.zeros(model.shape[0] * model.shape[1], dtype=torch.float64)
    parts: list[Tensor] = []
    done = 0
    for tile in tiles(places, tile_size(loop)):
        value = _tile(loop, special, tile, fused).cpu()
        if value.requires_grad:
            parts.append(value)
        else:
            _store(image, tile, value)
        done += len(tile)
        if progress is not None:
            progress(done, len(places))
    if parts:
        image = image.index_put((torch.from_numpy(places),), torch.cat(parts))
    return image.reshape(model.shape)


def _store(image: Tensor, places: NDArray[np.int64], values: Tensor) -> None:
    """Write the values of some pixels into the flat image."""
    first, last = int(places[0]), int(places[-1])
    if last - first + 1 == len(places):
        image[first : last + 1] = values
    else:
        image[torch.from_numpy(places)] = values


def _tile(loop: PixelLoop, special: Special, places: NDArray[np.int64], fused: FusedLoop | None) -> Tensor:
    spixel, fpixel = coordinates(loop, places)
    off = special.off_from(places).to(loop.device) if loop.model.interpolate else None
    if fused is not None and len(places) > 1:
        value = fused.run(spixel, fpixel)
    else:
        value = loop.run(spixel, fpixel, off_from=off).I_pixel_final
    for place, sample in special.first_of_thread.items():
        here = np.flatnonzero(places == place)
        if here.size:
            where = slice(int(here[0]), int(here[0]) + 1)
            alone = loop.run(
                spixel[where], fpixel[where], first_of_thread=sample, off_from=None if off is None else off[where]
            )
            value = value.index_put((torch.tensor([int(here[0])], device=loop.device),), alone.I_pixel_final)
    return value
