"""Pixels are differentiable in every physical parameter, in both phi modes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from braggtrace.simulate.quirks import PROFILES, STALE_PHI_ZERO
from tests.simulate.builders import image, number

SMOOTH = PROFILES["legacy"] - {"single-precision-mosaic"}
MODES = {"c-parity": SMOOTH, "spec": SMOOTH - {STALE_PHI_ZERO}, "clean": PROFILES["spec"]}
ROI = (5, 6, 4, 5)
CELL = (12.3, 15.4, 9.8, 90.0, 101.3, 90.0)

GROUPS: dict[str, tuple[list[float], Callable[..., dict[str, Any]]]] = {
    "cell": (list(CELL), lambda *p: {"cell": p}),
    "misset": ([14.0, -9.0, 27.0], lambda *p: {"misset_deg": p}),
    "distance": ([60.0], lambda p: {"distance_mm": p}),
    "beam-centre": ([2.1, 1.7], lambda x, y: {"Xbeam_mm": x, "Ybeam_mm": y}),
    "rotations": ([1.0, 0.0, -2.0], lambda x, y, z: {"rotx_deg": x, "roty_deg": y, "rotz_deg": z}),
    "two-theta": ([3.0], lambda p: {"twotheta_deg": p}),
    "wavelength": ([1.0], lambda p: {"lambda_A": p}),
    "mosaic-spread": ([0.8], lambda p: {"mosaic_spread_deg": p, "mosaic_domains": 3}),
    "fluence": ([2.0], lambda p: {"fluence": p * 1e29}),
    "polarization": ([0.3], lambda p: {"polarization": p}),
    "default-F": ([100.0], lambda p: {"default_F": p}),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("group", GROUPS)
def test_gradients_of(group: str, mode: str) -> None:
    """Automatic and numerical derivatives of a 2 x 2 region agree."""
    start, fields = GROUPS[group]

    def pixels(*parameters: Tensor) -> Tensor:
        whole = image(MODES[mode], roi=ROI, **fields(*parameters))
        return whole[ROI[2] : ROI[3] + 1, ROI[0] : ROI[1] + 1]

    parameters = tuple(number(value) for value in start)
    scale = float(pixels(*parameters).detach().max())
    assert scale > 0
    assert torch.autograd.gradcheck(lambda *p: pixels(*p) / scale, parameters, eps=1e-7, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("interpolate", [False, True])
def test_gradients_of_structure_factors(mode: str, interpolate: bool) -> None:
    """Each structure factor of a small table, looked up or interpolated."""
    table = torch.linspace(50.0, 150.0, 9**3, dtype=torch.float64).reshape(9, 9, 9)

    def pixels(factor: Tensor) -> Tensor:
        whole = image(
            MODES[mode], roi=ROI, F=table * factor, F_low=(-4, -4, -4), default_F=1.0, interpolate=interpolate
        )
        return whole[ROI[2] : ROI[3] + 1, ROI[0] : ROI[1] + 1]

    scale = float(pixels(number(1.0)).detach().max())
    assert torch.autograd.gradcheck(lambda p: pixels(p) / scale, (number(1.0),), eps=1e-7, atol=1e-5, rtol=1e-4)


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
