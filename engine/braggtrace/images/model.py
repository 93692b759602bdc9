"""What is known about one or two images: plain values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from braggtrace.compare.model import Status
from braggtrace.compare.tolerance import Tolerance
from braggtrace.errors import UsageError

__all__ = ["Agreement", "Image", "Layer", "MapData", "Mark", "Peak", "Pixel", "Roi", "Statistics"]

Pixel: TypeAlias = tuple[int, int]
"""(slow, fast) on the whole detector."""

Roi: TypeAlias = tuple[int, int, int, int]
"""First and last slow, first and last fast pixel, all of them inside."""

Values: TypeAlias = NDArray[np.float32] | NDArray[np.float64]


class Layer(StrEnum):
    """What a map shows."""

    REFERENCE = "reference"
    CANDIDATE = "candidate"
    DIFFERENCE = "difference"
    RATIO = "ratio"
    DIVERGENCES = "divergences"


class Mark(IntEnum):
    """Why a pixel has no level; of the pixels of a block the largest mark counts."""

    NONE = 0
    UNKNOWN = 1
    NEGATIVE = 2
    INFINITE = 3
    NAN = 4


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """An image, or a part of one.

    Attributes:
        pixels: float32 or float64, shape (slow, fast), at least one pixel; usually photons a pixel.
        name: where it is from, for people.
        origin: the detector's pixel that `pixels[0, 0]` is.
        known: where there is a pixel at all, shape (slow, fast); None for everywhere. The others hold NaN.
    """

    pixels: Values
    name: str = ""
    origin: Pixel = (0, 0)
    known: NDArray[np.bool_] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Number of pixels, (slow, fast)."""
        slow, fast = self.pixels.shape
        return slow, fast

    @property
    def roi(self) -> Roi:
        """The part of the detector that it covers."""
        (slow, fast), (slows, fasts) = self.origin, self.shape
        return slow, slow + slows - 1, fast, fast + fasts - 1

    def holds(self, pixel: Pixel) -> bool:
        """Whether the pixel is one of the image's."""
        first_slow, last_slow, first_fast, last_fast = self.roi
        return first_slow <= pixel[0] <= last_slow and first_fast <= pixel[1] <= last_fast

    def at(self, pixel: Pixel) -> float | None:
        """The value of a pixel of the image; None where nothing is known."""
        slow, fast = pixel[0] - self.origin[0], pixel[1] - self.origin[1]
        return None if self.known is not None and not self.known[slow, fast] else float(self.pixels[slow, fast])

    def cropped(self, roi: Roi) -> Image:
        """The part of it that a region of interest covers.

        Raises:
            UsageError: the region is empty or reaches beyond the image.
        """
        first_slow, last_slow, first_fast, last_fast = roi
        corners = ((first_slow, first_fast), (last_slow, last_fast))
        if first_slow > last_slow or first_fast > last_fast or not all(map(self.holds, corners)):
            raise UsageError(
                "the region of interest (first and last slow, first and last fast pixel) is no part of the image",
                expected="within {} to {} slow, {} to {} fast, first before last".format(*self.roi),
                got="{} {} {} {}".format(*roi),
            )
        part = (
            slice(first_slow - self.origin[0], last_slow - self.origin[0] + 1),
            slice(first_fast - self.origin[1], last_fast - self.origin[1] + 1),
        )
        known = None if self.known is None else self.known[part]
        return replace(self, pixels=self.pixels[part], origin=(first_slow, first_fast), known=known)


@dataclass(frozen=True, slots=True)
class Peak:
    """A pixel that none of its neighbours within three pixels exceeds.

    Attributes:
        pixel: (slow, fast).
        value: as in the image.
    """

    pixel: Pixel
    value: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """Numbers about one image. Sum, mean, rms and extremes are over the finite pixels, in float64.

    Attributes:
        pixels: pixels that are known.
        finite, nan, infinite, negative: how many of them are that.
        total, mean, rms: 0 where no pixel is finite.
        minimum, maximum: None where no pixel is finite.
        minimum_at, maximum_at: the first such pixel, slow first.
        smallest_positive: the smallest value above 0, or None.
        peaks: the highest ones, highest first.
    """

    pixels: int
    finite: int
    nan: int
    infinite: int
    negative: int
    total: float
    mean: float
    rms: float
    minimum: float | None
    minimum_at: Pixel | None
    maximum: float | None
    maximum_at: Pixel | None
    smallest_positive: float | None
    peaks: tuple[Peak, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """How far two images of one shape agree. Numbers are over the pixels that are finite on both sides.

    Attributes:
        tolerance: the rule, with `atol` in the image's unit.
        equal_nan: NaN equals NaN.
        compared: pixels that both sides know.
        missing: pixels that only one side knows.
        diverge: pixels out of tolerance; one that is finite on one side only is.
        odd: how many of them are not finite on both sides.
        correlation: Pearson's; None where a side is constant.
        sum_ratio: candidate / reference; None where the reference's sum is 0.
        rms_difference: root of the mean of (c − r)².
        largest_difference: of |c − r|, 0 where no pixel is finite on both sides.
        largest_difference_at: the first such pixel; None where nothing differs.
        largest_rel: of |c − r| / max(|r|, |c|); inf where a pixel is finite on one side only.
        smallest_passing_rtol: the smallest rtol with which every pixel agrees, None if no rtol helps.
        ratios: smallest and largest c / r of the pixels where both are positive; None if there is none.
        worst: (n, 2) diverging pixels, the largest |c − r| first, those that are odd before all others.
        worst_by_ratio: the same, the largest |c − r| / max(|r|, |c|) first.
        listed: how many pixels `worst` holds at most; there may be more that diverge.
    """

    tolerance: Tolerance
    equal_nan: bool
    compared: int
    missing: int
    diverge: int
    odd: int
    correlation: float | None
    sum_ratio: float | None
    rms_difference: float
    largest_difference: float
    largest_difference_at: Pixel | None
    largest_rel: float
    smallest_passing_rtol: float | None
    ratios: tuple[float, float] | None
    worst: NDArray[np.int64]
    worst_by_ratio: NDArray[np.int64]
    listed: int

    @property
    def status(self) -> Status:
        """Diverges, agrees, or inconclusive where no pixel is on both sides."""
        if self.diverge:
            return Status.DIVERGES
        return Status.AGREES if self.compared else Status.INCONCLUSIVE


@dataclass(frozen=True, slots=True, eq=False)
class MapData:
    """Everything that a pixel map shows.

    Attributes:
        reference: the reference's image, or the only one.
        candidate: an image of the same shape and origin, or None.
        reference_statistics, candidate_statistics: numbers about each.
        agreement: how far they agree; None for a single image.
        divergences: how many values of each traced pixel diverge, where the images are from traces.
    """

    reference: Image
    candidate: Image | None
    reference_statistics: Statistics
    candidate_statistics: Statistics | None
    agreement: Agreement | None
    divergences: Image | None = None

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The maps that can be drawn."""
        both = (Layer.CANDIDATE, Layer.DIFFERENCE, Layer.RATIO) if self.candidate is not None else ()
        return (Layer.REFERENCE, *both, *((Layer.DIVERGENCES,) if self.divergences is not None else ()))
