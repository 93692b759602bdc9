from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from braggtrace.errors import InputError
from braggtrace.formats.mask import read_mask
from braggtrace.formats.pgm import write_pgm
from braggtrace.simulate.levels import (
    Roi,
    image_statistics,
    integer_image,
    integer_scale,
    pgm_levels,
    pgm_scale,
    roi_slices,
)
from tests.golden_case import GoldenCase


@pytest.mark.parametrize(
    ("name", "scale", "adc", "roi"),
    [
        ("int-image", 2.5, 13.7, None),
        ("int-image-auto", None, 40.0, (5, 70, 10, 80)),
        ("int-image-long-header", None, 40.0, None),
    ],
)
def test_golden_integer_images(golden: Path, name: str, scale: float | None, adc: float, roi: Roi | None) -> None:
    """Every pixel of the integer images is the C program's, and so is the automatic scale."""
    case = GoldenCase(golden / name)
    if scale is None:
        scale = integer_scale(image_statistics(case.image, roi))
        assert f"{scale:g}" == f"{case.info['program_reported']['intfile_scale']:g}"
    expected = np.fromfile(case.folder / "int.img", dtype="<u2", offset=case.info["int_header_bytes"])
    np.testing.assert_array_equal(integer_image(case.image, scale, adc=adc, roi=roi).ravel(), expected)


def test_golden_pgm(golden: Path, tmp_path: Path) -> None:
    """The PGM file is the C program's, byte for byte."""
    case = GoldenCase(golden / "pgm")
    statistics = image_statistics(case.image)
    scale = pgm_scale(statistics, integer_scale(statistics))
    write_pgm(tmp_path / "image.pgm", pgm_levels(case.image, scale), scale)
    assert (tmp_path / "image.pgm").read_bytes() == (case.folder / "image.pgm").read_bytes()


@pytest.mark.parametrize(
    ("name", "roi"),
    [("noise", None), ("int-image-auto", (5, 70, 10, 80)), ("mask", None), ("mask-header", None), ("pgm", None)],
)
def test_golden_statistics(golden: Path, name: str, roi: Roi | None) -> None:
    """Maximum, mean, rms and rmsd are what the C program printed; only rmsd counts the masked pixels."""
    case = GoldenCase(golden / name)
    mask = read_mask(golden / case.info["inputs"][0]) if name.startswith("mask") else None
    statistics = image_statistics(case.image, roi, mask)
    reported = case.info["program_reported"]
    got = [statistics.maximum, statistics.mean, statistics.rms, statistics.rmsd]
    assert got == pytest.approx([reported[k] for k in ("max_I", "mean_in_roi", "rms_in_roi", "rmsd_in_roi")], rel=6e-6)
    assert list(statistics.max_index or ()) == case.info["stats"]["max_index"]


def test_empty_and_flat_images() -> None:
    """An image of zeros has scale 1 and no maximum; one pixel has no deviation; an inverted region has no pixels."""
    statistics = image_statistics(np.zeros((2, 3), dtype=np.float32))
    assert (statistics.maximum, statistics.max_index, statistics.rmsd) == (0.0, None, 0.0)
    assert integer_scale(statistics) == 1.0
    assert pgm_scale(statistics, 3.0) == 3.0
    assert math.isnan(image_statistics(np.ones((1, 1), dtype=np.float32)).rms)
    assert image_statistics(np.ones((4, 4), dtype=np.float32), (3, 2, 0, 3)).pixels == 0


def test_saturation() -> None:
    """Counts are clamped to 16 bits on both sides, and rounded to the nearest."""
    image = np.array([[1e9, -1e9, 1.5, 1.4]], dtype=np.float32)
    assert integer_image(image, 1.0, adc=0.0).tolist() == [[65535, 0, 2, 1]]
    assert pgm_levels(image, 2.0).tolist() == [[255, 0, 3, 2]]


def test_region_limits_may_exceed_the_image() -> None:
    """The last pixel of a region is inside, and a limit beyond the image is clipped."""
    assert roi_slices((10, 20), (0, 10, 3, 20)) == (slice(0, 10), slice(3, 20))
    assert roi_slices((10, 20), (2, 2, 3, 3)) == (slice(2, 3), slice(3, 4))


def test_wrong_type() -> None:
    """A float64 image is refused: the program's numbers come from float32."""
    with pytest.raises(InputError, match=r"expected float32 of shape \(slow, fast\), got float64 of shape \(2, 2\)"):
        image_statistics(np.zeros((2, 2)))  # type: ignore[arg-type]
