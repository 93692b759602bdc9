"""Traced pixels become maps; what was not traced stays unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from braggtrace.compare.judge import compare
from braggtrace.compare.options import Options
from braggtrace.compare.view import pixel_totals
from braggtrace.errors import InputError
from braggtrace.images.model import Layer
from braggtrace.images.report import values_at
from braggtrace.images.traced import traced_maps
from braggtrace.trace.reader import read_trace
from tests.compare.build import compared, rules

PIXEL = "pixel {} {}\nF_latt {}\nI_pixel_final {}\n"


def test_the_demo_has_four_pixels(sample_traces: Path) -> None:
    """Their final intensities on both sides, and how many values diverge in each."""
    folder = sample_traces / "stale_phi_zero"
    traces = [read_trace(folder / f"{side}.log") for side in ("reference", "candidate")]
    comparison = compare(traces[0], traces[1], Options())
    data = traced_maps(comparison)
    assert data.layers == tuple(Layer)
    assert data.reference.origin == (1639, 966)
    ours, theirs, _, ratio = values_at(data, (1639, 966))
    assert (ours, theirs) == (245.09506902687116, 210.37333694325042) or (theirs, ours) == (
        245.09506902687116,
        210.37333694325042,
    )
    assert ratio == pytest.approx(210.37333694325042 / 245.09506902687116)
    assert data.divergences is not None
    counts = [data.divergences.at((int(slow), int(fast))) for slow, fast in comparison.pixels]
    assert counts == pixel_totals(comparison).diverge.tolist()


def test_pixels_between_traced_ones_are_unknown() -> None:
    """They are neither zero nor NaN, on either side."""
    text = PIXEL.format(10, 20, 1, 5) + PIXEL.format(12, 23, 2, 6)
    data = traced_maps(compared(text, text))
    assert data.reference.roi == (10, 12, 20, 23)
    assert data.reference_statistics.pixels == 2
    assert data.reference_statistics.nan == 0
    assert data.reference.at((12, 23)) == 6
    assert data.reference.at((11, 21)) is None
    assert data.divergences is not None
    assert data.divergences.at((10, 20)) == 0
    assert data.divergences.at((11, 21)) is None


def test_a_pixel_on_one_side_only_is_missing_on_the_other() -> None:
    """Its divergences are known all the same."""
    shared = PIXEL.format(10, 20, 1, 5)
    data = traced_maps(compared(shared + PIXEL.format(10, 21, 1, 7), shared))
    assert values_at(data, (10, 21)) == (7, None, None, None)
    assert data.agreement is not None
    assert (data.agreement.compared, data.agreement.missing, data.agreement.diverge) == (1, 1, 0)


def test_verdicts_are_those_of_the_comparison() -> None:
    """The tolerance of the quantity decides, whatever kind it is."""
    ours, theirs = PIXEL.format(1, 2, 1, 100), PIXEL.format(1, 2, 1, 101)
    for tolerances, diverge in ((rules(), 1), (rules(rtol="I_pixel_*:0.1"), 0), (rules(atol="2e-2*max"), 0)):
        data = traced_maps(compared(ours, theirs, Options(tolerances=tolerances)))
        assert data.agreement is not None
        assert data.agreement.diverge == diverge


def test_without_final_intensities_there_is_no_map() -> None:
    """Nor without pixels, nor if they are so far apart that the map would fill the memory."""
    for ours, theirs in (
        ("pixel 1 2\nF_latt 3\n", "pixel 1 2\nF_latt 3\n"),
        (PIXEL.format(1, 2, 1, 1), "pixel 1 2\nF_latt 1\n"),
        ("F_latt 1\n", "F_latt 1\n"),
    ):
        with pytest.raises(InputError, match="no traced pixel has its I_pixel_final on both sides"):
            traced_maps(compared(ours, theirs))
    far = PIXEL.format(1, 2, 1, 1) + PIXEL.format(2_000_000_000, 2_000_000_000, 1, 1)
    with pytest.raises(InputError, match="too far apart for a map"):
        traced_maps(compared(far, far))
