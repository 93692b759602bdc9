"""What the program makes of the float image: statistics, the integer image, the grey levels of the PGM image.

Sums run over the pixels in file order, each addition rounded, as the C program adds them.

Source of the formulas: sections 9.5 and 11 of the behaviour reference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from braggtrace.errors import InputError

__all__ = [
    "ImageStatistics",
    "Roi",
    "check_image",
    "full_roi",
    "image_statistics",
    "integer_image",
    "integer_scale",
    "pgm_levels",
    "pgm_scale",
    "roi_slices",
]

Roi = tuple[int, int, int, int]
"""Slow first, slow last, fast first, fast last; all inclusive, and as in C the last ones may exceed the image."""

SATURATION = 65535.0


@dataclass(frozen=True, slots=True)
class ImageStatistics:
    """What the program prints about an image, over the region of interest.

    Attributes:
        maximum: the largest positive value [photons], 0 if there is none.
        max_index: where it is, (slow, fast), the first one in file order; None if there is none.
        mean: of the n pixels that are not masked [photons].
        rms: √(Σx²/(n−1)) of the same [photons].
        rmsd: √(Σ(x−mean)²/(m−1)) [photons], where the m pixels include the masked ones, as in the C program.
        pixels: n.
    """

    maximum: float
    max_index: tuple[int, int] | None
    mean: float
    rms: float
    rmsd: float
    pixels: int


def full_roi(shape: tuple[int, ...]) -> Roi:
    """The region of interest that covers an image of this shape (slow, fast)."""
    return 0, shape[0] - 1, 0, shape[1] - 1


def roi_slices(shape: tuple[int, ...], roi: Roi) -> tuple[slice, slice]:
    """The region of interest as slices (slow, fast), clipped to the image; empty where the limits are inverted."""
    (n_slow, n_fast), (slow0, slow1, fast0, fast1) = shape, roi
    return (
        slice(max(slow0, 0), max(min(slow1 + 1, n_slow), 0)),
        slice(max(fast0, 0), max(min(fast1 + 1, n_fast), 0)),
    )


def check_image(image: NDArray[np.float32]) -> None:
    """Nothing, if `image` has two axes, is float32 and holds finite values only.

    Raises:
        InputError: otherwise, with the first bad pixel.
    """
    if image.ndim != 2 or image.dtype != np.float32:
        raise InputError(
            "not a float image", expected="float32 of shape (slow, fast)", got=f"{image.dtype} of shape {image.shape}"
        )
    bad = ~np.isfinite(image)
    if bad.any():
        slow, fast = np.unravel_index(int(bad.argmax()), image.shape)
        raise InputError(
            f"the float image holds {int(bad.sum())} values that are not finite",
            expected="finite photons a pixel",
            got=f"{image[slow, fast]} at pixel (slow, fast) = ({slow}, {fast})",
        )


def _sum(values: NDArray[np.float64]) -> float:
    """The sum in file order, every addition rounded; by rows, so that memory stays small."""
    total = 0.0
    for row in values:
        total = float(np.add.accumulate(np.concatenate([[total], row]))[-1])
    return total


def image_statistics(
    image: NDArray[np.float32], roi: Roi | None = None, mask: NDArray[np.bool_] | None = None
) -> ImageStatistics:
    """The statistics of a float image, shape (slow, fast), over a region of interest.

    With fewer than two pixels rms and rmsd are NaN.

    Args:
        image: photons a pixel; masked ones are 0.
        roi: the whole image by default.
        mask: True where a pixel is used, the same shape; everywhere by default.

    Raises:
        InputError: see `check_image`.
    """
    check_image(image)
    rows, columns = roi_slices(image.shape, full_roi(image.shape) if roi is None else roi)
    inside = image[rows, columns].astype(np.float64)
    if inside.size == 0:
        return ImageStatistics(0.0, None, math.nan, math.nan, math.nan, 0)
    first = int(inside.argmax())
    slow, fast = divmod(first, inside.shape[1])
    maximum = float(inside.flat[first])
    used = inside.size if mask is None else int(mask[rows, columns].sum())
    mean = _sum(inside) / used if used else math.nan  # masked pixels are 0 and add nothing
    rms = math.sqrt(_sum(inside * inside) / (used - 1)) if used > 1 else math.nan
    rmsd = math.sqrt(_sum((inside - mean) ** 2) / (inside.size - 1)) if inside.size > 1 else math.nan
    index = (slow + rows.start, fast + columns.start) if maximum > 0.0 else None
    return ImageStatistics(max(maximum, 0.0), index, mean, rms, rmsd, used)


def integer_scale(statistics: ImageStatistics) -> float:
    """The automatic scale of the integer image: 55000 counts for the maximum, 1 for an image without one."""
    return 55000.0 / statistics.maximum if statistics.maximum > 0.0 else 1.0


def integer_image(
    image: NDArray[np.float32], scale: float, *, adc: float = 40.0, roi: Roi | None = None
) -> NDArray[np.uint16]:
    """The integer image, uint16 of shape (slow, fast).

    Args:
        image: photons a pixel; masked pixels are 0 and become the offset.
        scale: counts a photon; `integer_scale` gives the automatic one.
        adc: the offset [counts].
        roi: outside it all is 0, without offset; the whole image by default.

    Raises:
        InputError: see `check_image`.
    """
    check_image(image)
    rows, columns = roi_slices(image.shape, full_roi(image.shape) if roi is None else roi)
    counts = np.clip(image[rows, columns].astype(np.float64) * scale + adc, 0.0, SATURATION)
    pixels = np.zeros(image.shape, dtype=np.uint16)
    pixels[rows, columns] = np.floor((counts + 0.5).astype(np.float32)).astype(np.uint16)
    return pixels


def pgm_scale(statistics: ImageStatistics, fallback: float) -> float:
    """The automatic scale of the PGM image: grey level 250 at five times rmsd.

    Args:
        statistics: of the float image.
        fallback: the scale of the integer image, used where rmsd is 0.
    """
    return 250.0 / (5.0 * statistics.rmsd) if statistics.rmsd > 0.0 else fallback


def pgm_levels(image: NDArray[np.float32], scale: float) -> NDArray[np.uint8]:
    """The grey levels of the PGM image, uint8 of shape (slow, fast): cut at 255, then truncated.

    Raises:
        InputError: see `check_image`.
    """
    check_image(image)
    return np.clip(image.astype(np.float64) * scale, 0.0, 255.0).astype(np.uint8)
