"""Every measured image, from its flags, within what float32 files can tell."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from braggtrace.simulate.image import render
from braggtrace.simulate.resolve import resolve
from tests.parity.cases import CASES, Case, worst

pytestmark = pytest.mark.usefixtures("golden")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_image_in_float64(case: Case) -> None:
    """Each pixel within 2e-7 of itself or 1e-9 of the maximum, the sum within 1e-9."""
    image = render(resolve(case.setup().experiment))
    found, expected = image.numpy()[case.box], case.image()
    assert worst(found, expected) <= 1.0
    stored = found.astype(np.float32).sum(dtype=np.float64)
    assert stored == pytest.approx(expected.sum(dtype=np.float64), rel=1e-9)
    outside = image.clone()
    outside[case.box] = 0.0
    assert not outside.any()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_image_in_float32(case: Case) -> None:
    """Single precision keeps every digit of the phases: each pixel within 2e-6 of itself or 1e-8 of the maximum."""
    image = render(resolve(case.setup().experiment), dtype=torch.float32)
    found, expected = image.numpy()[case.box], case.image()
    assert worst(found, expected) <= 10.0
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] >= 0.9999
    assert found.sum() == pytest.approx(expected.sum(dtype=np.float64), rel=1e-6)
