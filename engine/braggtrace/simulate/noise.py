"""The photon-noise image: every pixel of the float image replaced by a Poisson deviate of that mean.

The deviates come one after another from one stream, and how many uniform numbers a pixel takes depends on them, so
a single rounding that differs shifts everything after it. So every float32 of the C program is a float32 here, the
elementary functions are those of the C library (`math`), and a build with fused multiply-add is a switch. Being
sequential, it is a tight loop over Python floats: 0.3 µs for a pixel of mean 0.05, 1.2 µs for mean 6, 3 µs from 12 on.
Only pixels so dark that their first uniform number settles them are taken many at a time.

Source of the formulas: sections 7.3 to 7.5 of the behaviour reference.
"""

from __future__ import annotations

import math
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from braggtrace.simulate.levels import Roi, check_image, full_roi, roi_slices
from braggtrace.simulate.random import BLOCK, GaussianDeviates, Lookahead, UniformStream
from braggtrace.simulate.single import float32, fma32, fma64

__all__ = ["NoiseImage", "log_gamma", "noise_image", "poisson_deviates"]

SATURATION = 65535.0
GAUSSIAN_ABOVE = 1e6
MULTIPLY_BELOW = 12.0
_SHORT = 32  # dark pixels in a row from which on it pays to take them together

# Lanczos' series as published, with the digits of the C program.
LANCZOS = (
    76.18009172947146,
    -86.50532032941677,
    24.01409824083091,
    -1.231739572450155,
    0.1208650973866179e-2,
    -0.5395239384953e-5,
)


@dataclass(frozen=True, slots=True, eq=False)
class NoiseImage:
    """A noise image and what the program reports about it.

    Attributes:
        pixels: uint16, shape (slow, fast); 0 outside the region of interest.
        photons: the sum of all deviates, before the offset.
        overloads: the number of pixels above 65535, which are stored as 65535.
    """

    pixels: NDArray[np.uint16]
    photons: float
    overloads: int


def noise_image(
    image: NDArray[np.float32], stream: UniformStream, *, adc: float = 40.0, roi: Roi | None = None, fma: bool = False
) -> NoiseImage:
    """The noise image of a float image.

    Pixels inside the region of interest take deviates in file order, masked ones (value 0) included; the others take
    none.

    Args:
        image: photons a pixel, shape (slow, fast).
        stream: where the deviates come from; it stands just behind the last one afterwards.
        adc: the offset added to every deviate [counts].
        roi: slow first, slow last, fast first, fast last, inclusive; the whole image by default.
        fma: the arithmetic of a build with fused multiply-add.

    Raises:
        InputError: the image has the wrong shape, or holds NaN or an infinite value.
    """
    check_image(image)
    rows, columns = roi_slices(image.shape, full_roi(image.shape) if roi is None else roi)
    inside = image[rows, columns]
    deviates = _image_deviates(inside.reshape(-1), stream, fma=fma)
    counts = deviates + adc
    overloads = int((counts > SATURATION).sum())
    pixels = np.zeros(image.shape, dtype=np.uint16)
    # A negative offset can give a negative count, which wraps around like the cast in C.
    stored = np.minimum(counts, SATURATION).astype(np.int64).astype(np.uint16)
    pixels[rows, columns] = stored.reshape(inside.shape)
    return NoiseImage(pixels, float(np.add.accumulate(deviates)[-1]) if deviates.size else 0.0, overloads)


def poisson_deviates(means: Iterable[float], stream: UniformStream, *, fma: bool = False) -> Iterator[float]:
    """A Poisson deviate for each mean, in order, all from one stream.

    Args:
        means: float32 values as Python floats; a mean ≤ 0 gives 0 and takes one uniform deviate.
        stream: the uniform deviates. It runs ahead while the iterator lives.
        fma: the arithmetic of a build with fused multiply-add.
    """
    ahead = Lookahead(stream)
    try:
        yield from _deviates(means, ahead.next, fma=fma)
    finally:
        ahead.close()


def _image_deviates(means: NDArray[np.float32], stream: UniformStream, *, fma: bool) -> NDArray[np.float64]:
    """The same for an array, (P,): dark pixels, which take one deviate and get 0, many at a time."""
    # A hair below the limit, so that what is certain here is certain whatever the last bit of the exponential.
    surely_dark = np.where(means < MULTIPLY_BELOW, np.exp(-np.maximum(means, 0.0)) * (1.0 - 1e-6), -1.0)
    surely_dark[means <= 0.0] = 1.0
    out = np.zeros(len(means))
    ahead = Lookahead(stream)
    queue: deque[float] = deque()
    others = _deviates(iter(queue.popleft, None), ahead.next, fma=fma)
    place, window, singles = 0, _SHORT, 1
    while place < len(means):
        uniform = ahead.peek(min(window, len(means) - place))
        bright = np.flatnonzero(uniform > surely_dark[place : place + len(uniform)])
        run = int(bright[0]) if bright.size else len(uniform)
        ahead.skip(run)
        place += run
        # Among bright pixels looking for dark ones costs more than it gains: try ever less often.
        window, singles = (min(2 * window, BLOCK), 1) if run >= _SHORT else (_SHORT, min(2 * singles, BLOCK))
        queue.extend(means[place : place + singles].tolist())
        end = place + len(queue)
        out[place:end] = list(islice(others, end - place))
        place = end
    ahead.close()
    return out


def _deviates(means: Iterable[float], uniform: Callable[[], float], *, fma: bool) -> Iterator[float]:
    """A Poisson deviate for each mean."""
    gaussian = GaussianDeviates(uniform, fma=fma)
    bright = _bright_fused if fma else _bright
    cell = array("f", [0.0])
    exp = math.exp
    for mean in means:
        if mean < MULTIPLY_BELOW:
            cell[0] = exp(-mean) if mean > 0.0 else 1.0
            limit = cell[0]
            product = uniform()
            count = 0.0
            while product > limit:
                cell[0] = product * uniform()
                product = cell[0]
                count += 1.0
            yield count
        elif mean > GAUSSIAN_ABOVE:
            root, deviate = math.sqrt(mean), gaussian.draw()
            yield float32(fma64(root, deviate, mean) if fma else mean + root * deviate)
        else:
            yield bright(mean, uniform)


def _bright(mean: float, uniform: Callable[[], float]) -> float:
    """The rejection method for 12 ≤ mean ≤ 1e6, every operation rounded."""
    cell = array("f", [0.0])
    cell[0] = math.sqrt(2.0 * mean)
    width = cell[0]
    cell[0] = math.log(mean)
    log_mean = cell[0]
    cell[0] = mean * log_mean
    cell[0] -= log_gamma(mean + 1.0)
    offset = cell[0]
    while True:
        while True:
            cell[0] = math.tan(math.pi * uniform())
            y = cell[0]
            cell[0] = width * y
            cell[0] += mean
            count = cell[0]
            if count >= 0.0:
                break
        count = float(math.floor(count))
        cell[0] = count * log_mean
        cell[0] -= _log_gamma_of(count)
        cell[0] -= offset
        exponent = cell[0]
        cell[0] = y * y
        cell[0] = 0.9 * (1.0 + cell[0]) * math.exp(exponent)
        if uniform() <= cell[0]:
            return count


def _bright_fused(mean: float, uniform: Callable[[], float]) -> float:
    """The same with the fusions of section 7.5."""
    width, log_mean = float32(math.sqrt(2.0 * mean)), float32(math.log(mean))
    offset = fma32(mean, log_mean, -log_gamma(mean + 1.0, fma=True))
    while True:
        count = -1.0
        while not count >= 0.0:
            y = float32(math.tan(math.pi * uniform()))
            count = fma32(width, y, mean)
        count = float(math.floor(count))
        exponent = float32(fma32(count, log_mean, -log_gamma(count + 1.0, fma=True)) - offset)
        if uniform() <= float32(0.9 * (1.0 + float32(y * y)) * math.exp(exponent)):
            return count


def log_gamma(value: float, *, fma: bool = False) -> float:
    """The logarithm of Γ(value) as the C program has it: Lanczos' series in double between two roundings to float32."""
    x = float32(value)
    shifted = x + 5.5
    log = math.log(shifted)
    shifted = fma64(-(x + 0.5), log, shifted) if fma else shifted - (x + 0.5) * log
    series = 1.000000000190015
    y = x
    for coefficient in LANCZOS:
        y += 1.0
        series += coefficient / y
    return float32(-shifted + math.log(2.5066282746310005 * series / x))


_FACTORIALS: list[float] = []


def _log_gamma_of(count: float) -> float:
    """The logarithm of count! from a table that grows up to 65536 entries; what is larger is computed anew."""
    if count >= 65536.0:
        return log_gamma(count + 1.0)
    while len(_FACTORIALS) <= count:
        _FACTORIALS.append(log_gamma(len(_FACTORIALS) + 1.0))
    return _FACTORIALS[int(count)]
