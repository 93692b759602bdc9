"""What no experiment may hold: numbers that are none."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from torch import Tensor

from braggtrace.errors import UsageError
from braggtrace.simulate.experiment import Experiment

__all__ = ["check_finite"]

_PARTS = ("detector", "beam", "crystal", "sources", "sampling")
_MAY_BE_NAN = frozenset({"directions", "wavelengths_m"})  # there nan stands for the central one


def check_finite(experiment: Experiment) -> None:
    """Refuse nan and infinity, which would only show after all the work, as an image of nan.

    Raises:
        UsageError: a value is not finite.
    """
    for title in _PARTS:
        part = getattr(experiment, title)
        for field in dataclasses.fields(part):
            wrong = None if field.name in _MAY_BE_NAN else _not_finite(getattr(part, field.name))
            if wrong is not None:
                raise UsageError(f"{field.name} of the {title} is no finite number", got=f"{wrong:g}")


def _not_finite(value: Any) -> float | None:
    """The first element that is not finite."""
    if isinstance(value, tuple):
        return next((wrong for wrong in map(_not_finite, value) if wrong is not None), None)
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    if not isinstance(value, (int, float, np.ndarray)):
        return None
    numbers = np.asarray(value)
    finite = np.isfinite(numbers)
    return None if finite.all() else float(numbers[~finite].flat[0])
