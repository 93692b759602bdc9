"""Small experiments for tests."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from braggtrace.simulate.experiment import Beam, Crystal, Detector, Experiment, Sampling, Sources
from braggtrace.simulate.image import render
from braggtrace.simulate.quirks import PROFILES
from braggtrace.simulate.resolve import resolve
from braggtrace.simulate.setup import setup_from_flags

__all__ = ["experiment", "from_flags", "image", "number"]

_PARTS = {"detector": Detector, "beam": Beam, "crystal": Crystal, "sources": Sources, "sampling": Sampling}


def number(value: float) -> Tensor:
    """A parameter that takes gradients."""
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


def experiment(quirks: frozenset[str] = PROFILES["legacy"], threads: int = 1, **changes: Any) -> Experiment:
    """A small crystal on a small detector, with any fields changed."""
    base: dict[str, dict[str, Any]] = {
        "detector": {
            "fpixels": 12,
            "spixels": 10,
            "pixel_mm": 0.4,
            "distance_mm": 60.0,
            "Xbeam_mm": 2.1,
            "Ybeam_mm": 1.7,
        },
        "beam": {"lambda_A": 1.0, "polarization": 0.8},
        "crystal": {
            "cell": (12.3, 15.4, 9.8, 90.0, 101.3, 90.0),
            "misset_deg": (14.0, -9.0, 27.0),
            "default_F": 100.0,
            "Na": 3,
            "Nb": 4,
            "Nc": 3,
        },
        "sources": {},
        "sampling": {"oversample": 1, "phi_deg": 0.0, "osc_deg": 2.0, "phisteps": 3},
    }
    for name, cls in _PARTS.items():
        names = cls.__dataclass_fields__  # type: ignore[attr-defined]
        base[name] |= {key: value for key, value in changes.items() if key in names}
    unknown = set(changes) - {key for cls in _PARTS.values() for key in cls.__dataclass_fields__}  # type: ignore[attr-defined]
    assert not unknown
    parts = {name: cls(**base[name]) for name, cls in _PARTS.items()}
    return Experiment(**parts, quirks=quirks, threads=threads)


def image(quirks: frozenset[str] = PROFILES["legacy"], threads: int = 1, **changes: Any) -> Tensor:
    """Its image."""
    return render(resolve(experiment(quirks, threads, **changes)))


def from_flags(flags: str, profile: str = "legacy") -> Experiment:
    """The experiment of a line of flags."""
    return setup_from_flags(flags.split(), PROFILES[profile]).experiment
