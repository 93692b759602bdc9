"""Numbers about images are right, also for the pixels that are no numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from braggtrace.compare.model import Status
from braggtrace.compare.tolerance import Tolerance
from braggtrace.errors import InputError
from braggtrace.images.measure import WORST, agreement, agrees_at, map_data, statistics
from braggtrace.images.model import Image

Pixels = NDArray[np.float64]
ODD = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, 1.0 + 1e-9, -2.0, 1e300, 5e-324]
IMAGES = arrays(np.float64, st.tuples(st.integers(1, 7), st.integers(1, 9)), elements=st.sampled_from(ODD))


def noisy(shape: tuple[int, int], seed: int, noise: float = 1e-3) -> tuple[Pixels, Pixels]:
    """An image with bright spots, and the same with noise; more than one block of rows."""
    random = np.random.default_rng(seed)
    image = random.exponential(size=shape) ** 4
    return image, image * (1 + noise * random.standard_normal(shape))


def test_statistics_are_numpys() -> None:
    """Sum, mean, rms, extremes and where they are, over more pixels than one block."""
    pixels, _ = noisy((300, 401), 1)
    pixels[7, 8] = -3
    one = statistics(Image(pixels, origin=(1000, 2000)))
    assert one.pixels == one.finite == pixels.size
    assert (one.nan, one.infinite, one.negative) == (0, 0, 1)
    assert one.total == pytest.approx(pixels.sum(), rel=1e-13)
    assert one.mean == pytest.approx(pixels.mean(), rel=1e-13)
    assert one.rms == pytest.approx(math.sqrt((pixels**2).mean()), rel=1e-13)
    slow, fast = divmod(int(pixels.argmax()), 401)
    assert (one.maximum, one.maximum_at) == (float(pixels.max()), (1000 + slow, 2000 + fast))
    assert (one.minimum, one.minimum_at) == (-3, (1007, 2008))
    assert one.smallest_positive == pixels[pixels > 0].min()


def test_pixels_that_are_no_numbers_are_counted_and_left_out() -> None:
    """NaN, both infinities and negative ones."""
    one = statistics(Image(np.array([[np.nan, np.inf, -np.inf], [-1.0, 3.0, 4.0]])))
    assert (one.pixels, one.finite, one.nan, one.infinite, one.negative) == (6, 3, 1, 2, 1)
    assert (one.total, one.minimum, one.maximum, one.maximum_at) == (6, -1, 4, (1, 2))
    nothing = statistics(Image(np.full((2, 2), np.nan)))
    assert (nothing.finite, nothing.nan, nothing.total, nothing.maximum, nothing.peaks) == (0, 4, 0, None, ())


def test_unknown_pixels_are_no_nan() -> None:
    """Between traced pixels there is nothing, which is not the same."""
    known = np.array([[True, False], [True, True]])
    one = statistics(Image(np.array([[1.0, np.nan], [np.nan, 2.0]]), known=known))
    assert (one.pixels, one.finite, one.nan) == (3, 2, 1)


def test_agreement_is_numpys() -> None:
    """Correlation, sum ratio, rms and the largest difference, over more pixels than one block."""
    ours, theirs = noisy((300, 401), 2)
    agree = agreement(Image(ours), Image(theirs), Tolerance(rtol=1e-3))
    apart = np.abs(theirs - ours)
    rel = apart / np.maximum(ours, theirs)
    assert agree.compared == ours.size
    assert agree.diverge == np.count_nonzero(rel > 1e-3)
    assert agree.correlation == pytest.approx(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1], abs=1e-12)
    assert agree.sum_ratio == pytest.approx(theirs.sum() / ours.sum(), rel=1e-13)
    assert agree.rms_difference == pytest.approx(math.sqrt((apart**2).mean()), rel=1e-12)
    assert agree.largest_difference == apart.max()
    assert agree.largest_difference_at == divmod(int(apart.argmax()), 401)
    assert agree.largest_rel == agree.smallest_passing_rtol == rel.max()
    assert agree.ratios == ((theirs / ours).min(), (theirs / ours).max())


def test_the_correlation_of_a_bright_background_loses_no_digits() -> None:
    """Naive sums of squares would give nonsense here."""
    random = np.random.default_rng(3)
    ours = 1e8 + random.standard_normal((200, 200))
    theirs = ours + 0.5 * random.standard_normal((200, 200))
    expected = np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]
    assert agreement(Image(ours), Image(theirs)).correlation == pytest.approx(expected, abs=1e-9)
    assert agreement(Image(ours * 0 + 7), Image(theirs)).correlation is None
    assert agreement(Image(np.zeros((3, 3))), Image(np.zeros((3, 3)))).sum_ratio is None


def test_the_worst_pixels_come_in_order() -> None:
    """By difference and by ratio; the first of equal ones first."""
    ours, theirs = noisy((300, 401), 4)
    agree = agreement(Image(ours, origin=(5, 6)), Image(theirs, origin=(5, 6)))
    assert len(agree.worst) == len(agree.worst_by_ratio) == agree.listed == WORST < agree.diverge
    apart = np.abs(theirs - ours).ravel()
    rel = apart / np.maximum(ours, theirs).ravel()
    for keys, worst in ((apart, agree.worst), (rel, agree.worst_by_ratio)):
        order = np.argsort(-keys, kind="stable")[:WORST]
        np.testing.assert_array_equal(worst, np.stack(np.divmod(order, 401), axis=1) + np.array([5, 6]))
    flat = agreement(Image(np.ones((90, 500))), Image(np.full((90, 500), 2.0)))
    np.testing.assert_array_equal(flat.worst[:502], [*((0, fast) for fast in range(500)), (1, 0), (1, 1)])


def test_what_is_a_number_on_one_side_only_is_the_worst() -> None:
    """NaN against NaN diverges unless asked otherwise; equal infinities agree."""
    ours = np.array([[1.0, np.nan, np.inf, 1.0, np.nan]])
    theirs = np.array([[9.0, np.nan, np.inf, np.nan, 1.0]])
    strict = agreement(Image(ours), Image(theirs))
    assert (strict.compared, strict.diverge, strict.odd) == (5, 4, 3)
    assert strict.worst.tolist() == [[0, 1], [0, 3], [0, 4], [0, 0]]
    assert strict.smallest_passing_rtol is None
    assert (strict.largest_difference, strict.largest_difference_at) == (8, (0, 0))
    lenient = agreement(Image(ours), Image(theirs), equal_nan=True)
    assert (lenient.diverge, lenient.odd) == (3, 2)


def test_tolerances_are_those_of_a_comparison() -> None:
    """The rtol is relative to the larger side, atol is absolute, a fraction of the largest value, or float64 steps."""
    ours, theirs = Image(np.array([[100.0, 1.0, 0.0]])), Image(np.array([[101.0, 1.0 + 2**-52, 1e-3]]))
    assert agreement(ours, theirs, Tolerance(rtol=0.01)).diverge == 1
    assert agreement(ours, theirs, Tolerance(rtol=0, atol=0.5)).diverge == 1
    assert agreement(ours, theirs, Tolerance(rtol=0, ulp=4)).diverge == 2
    resolved = map_data(ours, theirs, Tolerance(rtol=0, atol_of_max=1e-2)).agreement
    assert resolved is not None
    assert resolved.tolerance.atol == pytest.approx(1.01)
    assert resolved.diverge == 0
    assert not agrees_at(resolved, 100.0, 102.0)
    assert agrees_at(resolved, 100.0, 101.0)


def test_images_that_don_t_fit_are_refused() -> None:
    """Shapes and origins are named."""
    with pytest.raises(InputError, match=r"shapes; expected 2 x 3 \(slow x fast\), as c.bin has, got 3 x 2"):
        map_data(Image(np.zeros((2, 3)), "c.bin"), Image(np.zeros((3, 2)), "t.bin"))
    with pytest.raises(InputError, match="different origins"):
        map_data(Image(np.zeros((2, 3))), Image(np.zeros((2, 3)), origin=(1, 0)))


def test_pixels_that_one_side_lacks_are_missing() -> None:
    """They neither agree nor diverge; without any pixel on both sides nothing can be said."""
    ours = Image(np.array([[1.0, np.nan]]), known=np.array([[True, False]]))
    theirs = Image(np.array([[np.nan, 1.0]]), known=np.array([[False, True]]))
    apart = agreement(ours, theirs)
    assert (apart.compared, apart.missing, apart.status) == (0, 2, Status.INCONCLUSIVE)
    assert agreement(ours, Image(np.ones((1, 2)))).status is Status.AGREES


@given(IMAGES, st.data())
def test_any_numbers_give_an_answer(ours: Pixels, data: st.DataObject) -> None:
    """Odd, huge and tiny values: counts add up, every verdict is the single pixel's, nothing warns."""
    theirs = data.draw(arrays(np.float64, ours.shape, elements=st.sampled_from(ODD)))
    whole = map_data(Image(ours), Image(theirs))
    agree = whole.agreement
    assert agree is not None
    one = whole.reference_statistics
    assert one.finite + one.nan + one.infinite == one.pixels == ours.size
    single = [agrees_at(agree, mine, yours) for mine, yours in zip(ours.flat, theirs.flat, strict=True)]
    assert agree.diverge == single.count(False) == len(agree.worst)
    assert {tuple(each) for each in agree.worst.tolist()} == {
        divmod(at, ours.shape[1]) for at, fine in enumerate(single) if not fine
    }
    assert agree.correlation is None or -1 <= agree.correlation <= 1
