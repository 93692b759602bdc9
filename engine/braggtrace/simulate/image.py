"""The image of a model: tiles of pixels, and the few pixels that need care of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from braggtrace.simulate.counts import thread_rows
from braggtrace.simulate.fused import FusedLoop, fused_loop
from braggtrace.simulate.model import Model
from braggtrace.simulate.pixels import ELEMENTS, PixelLoop
from braggtrace.simulate.quirks import STALE_PHI_ZERO
from braggtrace.simulate.tiles import Tile, tiles
from braggtrace.simulate.workers import in_order

__all__ = ["Special", "render", "special_pixels", "tile_size"]

_NEVER = int(np.iinfo(np.int64).max)
_SMALLEST_TILE = 64
_EVALUATIONS = 1_000_000  # some 0.1 s without compiled kernels, after which a run can be interrupted


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


def tile_size(loop: PixelLoop) -> int:
    """Pixels of a tile: what is computed at a time, or less where each takes long, to show progress."""
    loops, neighbours = loop.model.loops, 64 if loop.model.interpolate else 1
    if loop.device.type != "cpu":
        return max(1, loop.elements // neighbours)
    enough = _EVALUATIONS // max(1, loops.samples * loops.iterations * neighbours)
    return min(loop.elements, max(_SMALLEST_TILE, enough))


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
    pieces = tiles(model, tile_size(loop))
    search = map if loop.device.type != "cpu" else in_order
    for tile, leaves in search(lambda tile: (tile, _leaving(loop, tile)), pieces):
        places = tile.places(model.shape[1])
        hits = np.flatnonzero((leaves != _NEVER) & (places <= (_NEVER if until is None else until)))
        if hits.size:
            return Special(firsts, int(places[hits[0]]), int(leaves[hits[0]]))
        if until is not None and int(places[-1]) >= until:
            break
    return Special(firsts)


def _leaving(loop: PixelLoop, tile: Tile) -> NDArray[np.int64]:
    """(P,) number of the first evaluation of each pixel that interpolation can't serve."""
    numbers: NDArray[np.int64] = loop.leaves_table(*tile.coordinates(loop.device)).cpu().numpy()
    return numbers


def _firsts_of_threads(loop: PixelLoop) -> dict[int, int]:
    """The first phi loop of each thread: its pixel, and the number of its sample."""
    model = loop.model
    if torch.equal(model.loops.phi_used_rad, model.loops.phi_first_rad):
        return {}
    firsts = {}
    for rows in thread_rows(model.shape[0], model.threads):
        for tile in tiles(model, ELEMENTS, rows):
            found = _first_executed(loop, tile)
            if found is not None:
                firsts[found[0]] = found[1]
                break
    return firsts


def _first_executed(loop: PixelLoop, tile: Tile) -> tuple[int, int] | None:
    """The first pixel and sample within the resolution limit."""
    width = loop.model.shape[1]
    if loop.model.values["dmin_angstroms"] <= 0:
        slow, fast = tile.pixel(0)
        return slow * width + fast, 0
    executed = loop.samples(*tile.coordinates(loop.device), slice(None))["in_resolution"].expand(-1, len(tile))
    pixel = int(executed.any(dim=0).int().argmax())
    column = executed[:, pixel]
    slow, fast = tile.pixel(pixel)
    return (slow * width + fast, int(column.int().argmax())) if bool(column.any()) else None


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
    count = sum(len(tile) for tile in tiles(model, loop.elements))
    image = torch.from_numpy(np.zeros(model.shape))  # numpy asks for large pages of memory, which come sooner
    parts: list[tuple[NDArray[np.int64], Tensor]] = []
    done = 0
    for stage in _stages(loop, special, compiled):
        for tile, value in _tiles_and_values(stage, special):
            if value.requires_grad:
                parts.append((tile.places(model.shape[1]), value))
            else:
                tile.write(image, value)
            done += len(tile)
            if progress is not None:
                progress(done, count)
    return _assembled(image, parts) if parts else image


@dataclass(frozen=True, slots=True)
class _Stage:
    """Rows that are rendered in the same way."""

    loop: PixelLoop
    fused: FusedLoop | None
    rows: range

    @property
    def tile_size(self) -> int:
        return tile_size(self.loop) if self.fused is None else self.fused.tile_size


def _stages(loop: PixelLoop, special: Special, compiled: str) -> Iterator[_Stage]:
    """All rows: with interpolation, the row in which it is switched off, without it."""
    model = loop.model
    slow, fast = model.shape
    row = min(special.off_pixel // fast, slow) if model.interpolate else slow
    if row > 0:
        yield _stage(loop, range(row), compiled)
    if row < slow:
        yield _Stage(loop, None, range(row, row + 1))
        yield _stage(
            PixelLoop(replace(model, interpolate=False), loop.device, loop.dtype), range(row + 1, slow), compiled
        )


def _stage(loop: PixelLoop, rows: range, compiled: str) -> _Stage:
    count = sum(len(tile) for tile in tiles(loop.model, loop.elements, rows))
    return _Stage(loop, fused_loop(loop, count, compiled), rows)


def _tiles_and_values(stage: _Stage, special: Special) -> Iterator[tuple[Tile, Tensor]]:
    """Each tile of a stage with the values of its pixels, (P,), on the CPU."""

    def work(tile: Tile) -> tuple[Tile, Tensor]:
        return tile, _values(stage, special, tile).cpu()

    pieces = tiles(stage.loop.model, stage.tile_size, stage.rows)
    # Kernels and GPUs have threads of their own.
    alone = stage.fused is not None or stage.loop.device.type != "cpu"
    yield from map(work, pieces) if alone else in_order(work, pieces)


def _assembled(image: Tensor, parts: list[tuple[NDArray[np.int64], Tensor]]) -> Tensor:
    """The image with the values of some pixels, differentiable."""
    places = torch.from_numpy(np.concatenate([places for places, _ in parts]))
    return image.reshape(-1).index_put((places,), torch.cat([values for _, values in parts])).reshape(image.shape)


def _values(stage: _Stage, special: Special, tile: Tile) -> Tensor:
    """The values of a tile, (P,)."""
    loop, width = stage.loop, stage.loop.model.shape[1]
    spixel, fpixel = tile.coordinates(loop.device)
    off = special.off_from(tile.places(width)).to(loop.device) if loop.model.interpolate else None
    if stage.fused is not None and len(spixel) > 1:
        value = stage.fused.run(spixel, fpixel)
    else:
        value = loop.run(spixel, fpixel, off_from=off).I_pixel_final
    for place, sample in special.first_of_thread.items():
        here = tile.find(*divmod(place, width))
        if here is not None:
            one = slice(here, here + 1)
            alone = loop.run(
                spixel[one], fpixel[one], first_of_thread=sample, off_from=None if off is None else off[one]
            )
            value = value.index_put((torch.tensor([here], device=loop.device),), alone.I_pixel_final)
    return value
