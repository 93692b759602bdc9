"""Peaks are the pixels that stand out, wherever they are."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from braggtrace.images.model import Image, Peak
from braggtrace.images.peaks import find_peaks


def by_hand(pixels: NDArray[np.float64]) -> list[Peak]:
    """Every peak, by looking at every pixel: none within three exceeds it, no equal one comes before it."""
    found = []
    finite = np.where(np.isfinite(pixels), pixels, 0)
    for slow, fast in np.ndindex(finite.shape):
        near = finite[max(0, slow - 3) : slow + 4, max(0, fast - 3) : fast + 4]
        before = min(slow, 3) * near.shape[1] + min(fast, 3)
        value = finite[slow, fast]
        if value > 0 and near.max() == value and int(near.argmax()) == before:
            found.append(Peak((slow, fast), float(value)))
    return sorted(found, key=lambda peak: (-peak.value, peak.pixel))


@given(
    arrays(
        np.float64,
        st.tuples(st.integers(1, 14), st.integers(1, 14)),
        elements=st.sampled_from([0.0, 1.0, 2.0, 3.0, -1.0, np.nan, np.inf]),
    )
)
def test_peaks_are_those_found_by_looking_at_every_pixel(pixels: NDArray[np.float64]) -> None:
    """Also at the edges, in plateaus and beside NaN."""
    assert list(find_peaks(Image(pixels), 1000)) == by_hand(pixels)


def test_only_the_highest_are_given() -> None:
    """In detector coordinates."""
    pixels = np.zeros((40, 50), dtype=np.float32)
    for height, (slow, fast) in enumerate([(5, 5), (5, 9), (30, 44), (39, 49)], start=1):
        pixels[slow, fast] = height
    peaks = find_peaks(Image(pixels, origin=(100, 200)), 2)
    assert peaks == (Peak((139, 249), 4.0), Peak((130, 244), 3.0))


def test_a_dark_image_has_none() -> None:
    """Zero is no peak, and neither is nothing."""
    assert find_peaks(Image(np.zeros((9, 9))), 5) == ()
    assert find_peaks(Image(np.full((3, 9), np.nan)), 5) == ()
