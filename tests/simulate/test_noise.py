from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from braggtrace.errors import InputError
from braggtrace.simulate.noise import log_gamma, noise_image, poisson_deviates
from braggtrace.simulate.random import UniformStream
from tests.golden_case import GoldenCase


def test_golden_noise_image(golden: Path) -> None:
    """The noise image has every pixel of the C program's, and its printed totals."""
    case = GoldenCase(golden / "noise")
    noise = noise_image(case.image, UniformStream(-4242))
    expected = np.fromfile(case.folder / "noise.img", dtype="<u2", offset=case.info["noise_header_bytes"])
    np.testing.assert_array_equal(noise.pixels.ravel(), expected)
    assert round(noise.photons) == case.info["program_reported"]["noise_photons"]
    assert noise.overloads == case.info["program_reported"]["noise_overloads"]


def test_fused_build_takes_another_stream(golden: Path) -> None:
    """With fused multiply-add some acceptance differs, and everything after it; the statistics stay."""
    image = GoldenCase(golden / "noise").image
    plain, fused = (noise_image(image, UniformStream(-4242), fma=fma) for fma in (False, True))
    assert (plain.pixels != fused.pixels).any()
    assert fused.photons == pytest.approx(plain.photons, rel=1e-3)


@pytest.mark.parametrize("fma", [False, True])
@pytest.mark.parametrize("mean", [0.05, 3.0, 11.9, 12.0, 40.0, 5000.0, 2e6])
def test_deviates_have_mean_and_variance_of_poisson(mean: float, fma: bool) -> None:
    """In all three ranges of the generator, mean and variance are those of a Poisson distribution."""
    sample = np.array(list(poisson_deviates([mean] * 4000, UniformStream(-31), fma=fma)))
    assert sample.mean() == pytest.approx(mean, abs=4 * (mean / 4000) ** 0.5 + 1e-6 * mean)
    assert sample.var() == pytest.approx(mean, rel=0.2)


def test_zero_takes_one_deviate() -> None:
    """A pixel of 0 photons gives 0 and takes one uniform deviate."""
    stream = UniformStream(-8)
    assert list(poisson_deviates([0.0, -1.0, 0.0], stream)) == [0.0, 0.0, 0.0]
    assert stream.draw() == UniformStream(-8).take(4)[3]


def test_pixels_outside_the_region_take_no_deviates() -> None:
    """The region of interest of a large image has the noise of the same pixels alone; outside all is 0."""
    image = np.full((6, 8), 7.5, dtype=np.float32)
    noise = noise_image(image, UniformStream(-2), roi=(1, 3, 2, 9))
    alone = noise_image(image[1:4, 2:8].copy(), UniformStream(-2))
    np.testing.assert_array_equal(noise.pixels[1:4, 2:8], alone.pixels)
    assert noise.pixels[0].sum() == noise.pixels[:, :2].sum() == 0
    assert noise.photons == alone.photons


def test_offset_and_overload() -> None:
    """The offset is added after the draw, what exceeds 65535 is stored as that and counted, fractions are cut."""
    image = np.array([[0.0, 60000.0, 9e5]], dtype=np.float32)
    noise = noise_image(image, UniformStream(-1), adc=40.9)
    assert noise.pixels[0, 0] == 40
    assert noise.pixels[0, 2] == 65535
    assert noise.overloads == 1


def test_inverted_region_is_empty() -> None:
    """An inverted region of interest renders nothing."""
    noise = noise_image(np.ones((4, 4), dtype=np.float32), UniformStream(-1), roi=(3, 1, 0, 3))
    assert not noise.pixels.any()
    assert noise.photons == 0.0


def test_not_finite() -> None:
    """An image with NaN is refused, and the message says where."""
    image = np.zeros((3, 4), dtype=np.float32)
    image[2, 1] = np.nan
    with pytest.raises(InputError, match=r"got nan at pixel \(slow, fast\) = \(2, 1\)"):
        noise_image(image, UniformStream(-1))


@given(st.integers(1, 20))
def test_log_gamma_of_factorials(n: int) -> None:
    """The series gives ln (n−1)! to single precision."""
    expected = float(np.log(float(np.prod(np.arange(1, n, dtype=np.float64)))))
    assert log_gamma(float(n)) == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert log_gamma(float(n), fma=True) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("fma", [False, True])
@pytest.mark.parametrize("brightest", [0.0, 0.01, 0.3, 8.0, 40.0, 3e6])
def test_dark_pixels_together_are_dark_pixels_one_by_one(brightest: float, fma: bool) -> None:
    """Taking many at a time changes no deviate, nor where the stream stands afterwards."""
    generator = np.random.default_rng(4)
    means = (brightest * generator.random((150, 1000)) ** 8).astype(np.float32)
    means[generator.random(means.shape) < 0.3] = 0.0
    one, many = UniformStream(-7), UniformStream(-7)
    expected = list(poisson_deviates(means.reshape(-1).tolist(), one, fma=fma))
    noise = noise_image(means, many, adc=0.0, fma=fma)
    assert noise.pixels.reshape(-1).tolist() == [min(int(each), 65535) for each in expected]
    assert noise.photons == float(np.add.accumulate(expected)[-1])
    assert one.state() == many.state()
