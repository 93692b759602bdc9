"""The sources of an experiment: a grid of directions and wavelengths, or a list (reference section 8)."""

from __future__ import annotations

import torch
from torch import Tensor

from braggtrace.errors import UsageError
from braggtrace.physics.vector import Vec, rotate_about, unit
from braggtrace.simulate.counts import grid_rule
from braggtrace.simulate.experiment import Sources

__all__ = ["source_list"]

_SOURCE_DISTANCE = 10.0
_ROUND_LIMIT = 1.1


def source_list(
    sources: Sources, quirks: frozenset[str], beam_vec: Vec, polar_vec: Vec, vert_vec: Vec, lambda_m: Tensor
) -> tuple[Vec, Tensor]:
    """Directions and wavelengths of all sources.

    Args:
        sources: as described.
        quirks: those that are on.
        beam_vec: unit vector along the beam.
        polar_vec: unit vector of the polarization.
        vert_vec: unit vector normal to both.
        lambda_m: central wavelength [m].

    Returns:
        Unit vectors from the sample to each source, components (n,); wavelengths [m], (n,).
    """
    if sources.directions is not None:
        return _listed(sources, beam_vec, lambda_m)
    bare = "bare-divsteps" in quirks
    h_count, h_range, h_step = _divergence(sources.hdivsteps, sources.hdivrange_mrad, sources.hdivstep_mrad, bare)
    v_count, v_range, v_step = _divergence(sources.vdivsteps, sources.vdivrange_mrad, sources.vdivstep_mrad, bare)
    l_count, l_range, l_step = grid_rule(sources.dispsteps, sources.dispersion_pct / 100.0, 0.0)
    angles = []
    for i in range(h_count):
        horizontal = h_step * i - h_range / 2.0
        for j in range(v_count):
            vertical = v_step * j - v_range / 2.0
            excess = _ellipse(horizontal, h_step, h_range, h_count) + _ellipse(vertical, v_step, v_range, v_count)
            if sources.round_div and excess * 4.0 > _ROUND_LIMIT:
                continue
            angles.append((horizontal, vertical))
    grid = torch.tensor(angles, dtype=torch.float64).reshape(-1, 2).repeat_interleave(l_count, dim=0)
    steps = torch.arange(l_count, dtype=torch.float64).repeat(len(angles))
    towards = rotate_about(polar_vec, grid[:, 1], beam_vec.scaled(-_SOURCE_DISTANCE))
    directions = unit(rotate_about(vert_vec, grid[:, 0], towards))
    return directions, lambda_m * (1.0 + l_step * steps - l_range / 2.0)


def _divergence(count: int, range_mrad: float, step_mrad: float, bare: bool) -> tuple[int, float, float]:
    if not bare and range_mrad < 0 and step_mrad <= 0:
        return 1, 0.0, 0.0
    return grid_rule(count, range_mrad / 1000.0, step_mrad / 1000.0)


def _ellipse(angle: float, step: float, span: float, count: int) -> float:
    """One axis' share of the distance from the centre; nan, which never exceeds anything, for a range of 0."""
    if span == 0.0:
        return float("nan")
    return (angle * angle - step * step / 4.0 * (1 - count % 2)) / span / span


def _listed(sources: Sources, beam_vec: Vec, lambda_m: Tensor) -> tuple[Vec, Tensor]:
    directions = torch.as_tensor(sources.directions, dtype=torch.float64)
    if directions.ndim != 2 or directions.shape[1] != 3:
        raise UsageError("source directions have the wrong shape", expected="(n, 3)", got=str(tuple(directions.shape)))
    default = beam_vec.scaled(-_SOURCE_DISTANCE)
    columns = [
        torch.where(torch.isnan(column), fallback, column)
        for column, fallback in zip(directions.unbind(dim=1), default, strict=True)
    ]
    count = len(directions)
    wavelengths = (
        torch.full((count,), torch.nan, dtype=torch.float64)
        if sources.wavelengths_m is None
        else torch.as_tensor(sources.wavelengths_m, dtype=torch.float64)
    )
    return unit(Vec(*columns)), torch.where(torch.isnan(wavelengths), lambda_m, wavelengths)
