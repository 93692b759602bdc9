"""Gradients where a formula has a removable singularity; `tests/physics/test_gradients.py` checks every parameter."""

from __future__ import annotations

import pytest
import torch

from braggtrace.simulate.quirks import PROFILES
from tests.simulate.builders import image, number


@pytest.mark.parametrize("shape", ["SQUARE", "ROUND", "GAUSS"])
def test_gradients_at_the_centre_of_a_peak(shape: str) -> None:
    """Where h is a whole number the derivative is finite, and the value the largest there is."""
    misset = number(0.0)
    whole = image(
        PROFILES["spec"],
        shape=shape,
        cell=(10.0, 10.0, 10.0, 90.0, 90.0, 90.0),
        misset_deg=(misset, 0.0, 0.0),
        osc_deg=-1.0,
        phisteps=-1,
        Xbeam_mm=2.0,
        Ybeam_mm=2.2,
    )
    whole.sum().backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(whole).all()
    assert misset.grad is not None
    assert torch.isfinite(misset.grad)
