"""What must hold for any experiment: regions, tiles, threads, order, rotations of the laboratory, precision."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from braggtrace.simulate import pixels as pixels_module
from braggtrace.simulate.image import render
from braggtrace.simulate.quirks import PROFILES
from braggtrace.simulate.resolve import resolve
from tests.simulate.builders import experiment, image

SPEC = PROFILES["spec"]
LEGACY = PROFILES["legacy"]


def close(one: Tensor, other: Tensor, rtol: float = 1e-12) -> bool:
    """Within `rtol` of the maximum."""
    return float((one - other).abs().max()) <= rtol * float(other.abs().max())


@settings(max_examples=15)
@given(st.integers(0, 11), st.integers(0, 11), st.integers(0, 9), st.integers(0, 9))
def test_roi_is_the_crop_of_the_whole(x0: int, x1: int, y0: int, y1: int) -> None:
    """With the clean physics a region has the values of the whole image, and 0 outside."""
    x0, x1, y0, y1 = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
    whole = image(SPEC)
    part = image(SPEC, roi=(x0, x1, y0, y1))
    inside = torch.zeros_like(whole)
    inside[y0 : y1 + 1, x0 : x1 + 1] = whole[y0 : y1 + 1, x0 : x1 + 1]
    assert torch.equal(part, inside)


@pytest.mark.parametrize("elements", [1, 7, 50, 333, 65536])
@pytest.mark.parametrize("quirks", [LEGACY, SPEC], ids=["legacy", "spec"])
def test_tiles_of_any_size_agree(elements: int, quirks: frozenset[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """However the work is cut into pieces, every bit is the same."""
    changes: dict[str, Any] = {
        "mosaic_spread_deg": 0.5,
        "mosaic_domains": 3,
        "oversample": 2,
        "hdivrange_mrad": 2.0,
        "hdivsteps": 3,
    }
    expected = image(quirks, **changes)
    monkeypatch.setattr(pixels_module, "ELEMENTS", elements)
    assert torch.equal(image(quirks, **changes), expected)


@pytest.mark.parametrize("threads", [2, 3, 5, 50])
def test_clean_physics_knows_no_threads(threads: int) -> None:
    """The number of imitated threads matters for the stale phi only."""
    assert torch.equal(image(SPEC, threads), image(SPEC))
    assert torch.equal(image(LEGACY - {"stale-phi-zero"}, threads), image(LEGACY - {"stale-phi-zero"}))
    differ = (image(LEGACY, threads) != image(LEGACY)).nonzero()
    assert 1 <= len(differ) <= threads
    assert (differ[:, 1] == 0).all()


def test_rotating_everything_changes_nothing() -> None:
    """Beam, detector, spindle, polarization and crystal turned together."""

    def turned(angle: float) -> Tensor:
        c, s = math.cos(angle), math.sin(angle)

        def turn(x: float, y: float, z: float) -> tuple[float, float, float]:
            return (c * x - s * y, s * x + c * y, z)

        columns = [turn(0.08, 0.01, 0.0), turn(-0.005, 0.065, 0.01), turn(0.0, 0.004, 0.1)]
        return image(
            SPEC,
            convention="CUSTOM",
            beam_vector=turn(1, 0, 0),
            fdet_vector=turn(0, 0, 1),
            sdet_vector=turn(0, -1, 0),
            odet_vector=turn(1, 0, 0),
            polar_vector=turn(0, 0, 1),
            spindle_axis=turn(0, 0.6, 0.8),
            twotheta_axis=turn(0, 1, 0),
            cell=None,
            matrix=torch.tensor(columns, dtype=torch.float64).T,
            misset_deg=(0.0, 0.0, 0.0),
        )

    assert close(turned(0.7), turned(0.0), 1e-9)
    assert close(turned(-2.1), turned(0.0), 1e-9)


def test_oversampling_converges() -> None:
    """The mean over subpixels settles as they become more."""
    images = [image(SPEC, oversample=n) for n in (2, 4, 8, 16)]
    steps = [float((finer - coarser).abs().max()) for coarser, finer in pairwise(images)]
    assert steps[2] < steps[1] < steps[0]
    assert steps[2] < 0.02 * float(images[-1].max())


def test_a_mask_leaves_the_other_pixels_alone() -> None:
    """Masked pixels are 0, the rest is as without a mask."""
    mask = torch.rand((10, 12), generator=torch.Generator().manual_seed(1)) > 0.4
    masked = image(SPEC, mask=mask.numpy())
    assert torch.equal(masked, image(SPEC) * mask)


def test_stale_phi_depends_on_the_first_pixel_only() -> None:
    """A region that starts elsewhere differs from the crop of the whole in its first pixel alone."""
    whole, part = image(LEGACY), image(LEGACY, roi=(3, 8, 2, 7))
    differ = (part[2:8, 3:9] != whole[2:8, 3:9]).nonzero().tolist()
    assert differ == [[0, 0]]


def test_float32_keeps_the_digits_of_phases() -> None:
    """Hundreds of cells in single precision agree to the seventh digit or so."""
    model = resolve(experiment(LEGACY, Na=300, Nb=400, Nc=350, oversample=2))
    assert close(render(model, dtype=torch.float32), render(model), 1e-6)
