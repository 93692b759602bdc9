"""Small experiments that many tests start from."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from braggtrace.simulate.experiment import Beam, Crystal, Detector, Experiment, Sampling
from braggtrace.simulate.quirks import choose_quirks

__all__ = ["CELL", "small_experiment", "structure_factors", "with_box"]

CELL = (40.0, 45.0, 50.0, 85.0, 95.0, 100.0)


def structure_factors(half: int = 3, seed: int = 1) -> Tensor:
    """Positive structure factors of h, k, l from −half to half."""
    generator = torch.Generator().manual_seed(seed)
    edge = 2 * half + 1
    return 10.0 + 90.0 * torch.rand(edge, edge, edge, dtype=torch.float64, generator=generator)


def small_experiment(
    profile: str = "legacy", switches: tuple[str, ...] = (), phi_mode: str | None = None, pixels: int = 16
) -> Experiment:
    """A triclinic crystal in a general orientation that turns from phi 0, before a detector that is no multiple of it.

    Args:
        profile: the quirks.
        switches: more of them.
        phi_mode: c-parity or spec.
        pixels: edge of the detector.
    """
    return Experiment(
        detector=Detector(convention="MOSFLM", fpixels=pixels, spixels=pixels, pixel_mm=0.4, distance_mm=60.0),
        beam=Beam(lambda_A=1.3, fluence=1e24, polarization=0.6),
        crystal=Crystal(
            cell=CELL,
            misset_deg=(11.0, 23.0, 37.0),
            Na=4,
            Nb=5,
            Nc=3,
            F=structure_factors(),
            F_low=(-3, -3, -3),
            default_F=20.0,
        ),
        sampling=Sampling(phi_deg=0.0, osc_deg=1.0, phisteps=2, oversample=1),
        quirks=choose_quirks(profile, switches, phi_mode),
    )


def with_box(experiment: Experiment, roi: tuple[int, int, int, int]) -> Experiment:
    """The same, but for the region of interest: xmin, xmax, ymin, ymax, fast first."""
    return replace(experiment, sampling=replace(experiment.sampling, roi=roi))
