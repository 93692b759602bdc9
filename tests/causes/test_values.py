"""Causes that show in the value alone: each is claimed where its change fits, and not where it nearly does."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from braggtrace.causes.codes import Code
from braggtrace.causes.suspect import Suspect
from tests.causes.suspects import NUMBERS, UNIT_RIGHT, VECTORS, Floats, codes, first, history, suspect

MATRICES = np.random.default_rng(7).uniform(-1.0, 1.0, (3, 9))
SHORT = np.round(NUMBERS, 6)
FACTOR = {"scalars": {"polar": np.linspace(0.3, 0.9, 6)}, "inputs": frozenset({"polar"})}
TERM = {"scalars": {"other": np.linspace(2.0, 3.0, 6) ** 2}, "units": {"other": ""}}


def transposed(matrices: Floats) -> Floats:
    """(n, 9) by columns."""
    return matrices.reshape(-1, 3, 3).transpose(0, 2, 1).reshape(-1, 9)


def cut(values: Floats) -> Floats:
    """At most 4.2."""
    return np.minimum(values, 4.2)


CASES: list[tuple[str, Code, Suspect]] = [
    ("negated", Code.SIGN_FLIP, suspect(-NUMBERS, NUMBERS)),
    ("negated vector", Code.SIGN_FLIP, suspect(-VECTORS, VECTORS)),
    ("twice", Code.CONSTANT_FACTOR, suspect(2 * NUMBERS, NUMBERS)),
    ("2 pi", Code.CONSTANT_FACTOR, suspect(2 * math.pi * NUMBERS, NUMBERS)),
    ("1.37", Code.CONSTANT_FACTOR, suspect(1.37 * VECTORS, VECTORS)),
    ("no known factor", Code.CONSTANT_FACTOR, suspect(1.23456789 * NUMBERS, NUMBERS)),
    ("plus 0.25", Code.OFFSET, suspect(NUMBERS + 0.25, NUMBERS)),
    ("degrees", Code.DEGREES_RADIANS, suspect(NUMBERS * 180 / math.pi, NUMBERS, unit="deg")),
    ("millimetres", Code.UNIT_SCALE, suspect(1000 * VECTORS, VECTORS)),
    ("angstroms", Code.UNIT_SCALE, suspect(1e-10 * NUMBERS, NUMBERS)),
    ("y, z, x", Code.AXIS_PERMUTATION, suspect(VECTORS[:, [1, 2, 0]], VECTORS)),
    ("z reversed", Code.AXIS_REVERSAL, suspect(VECTORS * [1, 1, -1], VECTORS)),
    ("transposed", Code.TRANSPOSED_MATRIX, suspect(transposed(MATRICES), MATRICES)),
    (
        "length",
        Code.NOT_NORMALISED,
        suspect(UNIT_RIGHT * np.linspace(1.5, 3.1, 6)[:, None] ** 2, UNIT_RIGHT, is_unit_vector=True),
    ),
    ("float32", Code.PRECISION_LOSS, suspect(NUMBERS.astype(np.float32), NUMBERS)),
    ("float16", Code.PRECISION_LOSS, suspect(NUMBERS.astype(np.float16), NUMBERS)),
    ("six decimals", Code.PRECISION_LOSS, suspect(SHORT, NUMBERS)),
    ("a factor too few", Code.MISSING_TERM, suspect(NUMBERS / np.linspace(0.3, 0.9, 6)[:, None], NUMBERS, **FACTOR)),
    (
        "a factor too many",
        Code.EXTRA_FACTOR,
        suspect(NUMBERS * np.linspace(2.0, 3.0, 6)[:, None] ** 2, NUMBERS, **TERM),
    ),
    ("a term too few", Code.MISSING_TERM, suspect(NUMBERS - np.linspace(2.0, 3.0, 6)[:, None] ** 2, NUMBERS, **TERM)),
    ("the default", Code.DEFAULT_USED, suspect([[100.0]], [[60.0]], replayed=False, default=np.array([100.0]))),
    ("cut from above", Code.CLAMPED, suspect(cut(NUMBERS)[NUMBERS > 4.2][:, None], NUMBERS[NUMBERS > 4.2][:, None])),
    ("cut at 0", Code.CLAMPED, suspect(0 * NUMBERS, -NUMBERS, kept=4)),
    ("nan", Code.NON_FINITE, suspect(NUMBERS * math.nan, NUMBERS)),
    ("infinite", Code.NON_FINITE, suspect(NUMBERS * math.inf, NUMBERS)),
]


@pytest.mark.parametrize(("code", "case"), [each[1:] for each in CASES], ids=[each[0] for each in CASES])
def test_the_change_that_fits_is_named_first(code: Code, case: Suspect) -> None:
    """The cause has its code, explains every row, and what is left is no more than roundings."""
    found = first(case)
    assert found.finding.trial.code is code
    assert found.finding.coverage == 1.0
    assert found.finding.residual <= 1.0
    assert 0.5 <= found.confidence < 1.0


def disturbed(case: Suspect, by: Callable[[Floats], Floats]) -> Suspect:
    """The same wrong values, all of them a little off."""
    return suspect(
        by(case.bad),
        case.right,
        unit=case.unit,
        is_unit_vector=case.is_unit_vector,
        replayed=case.replayed,
        scalars=case.scalars,
        units=case.units,
        inputs=case.inputs,
        default=case.default,
        kept=case.kept,
    )


NEARLY = [each for each in CASES if each[1] not in (Code.NON_FINITE, Code.PRECISION_LOSS)]


@pytest.mark.parametrize(("code", "case"), [each[1:] for each in NEARLY], ids=[each[0] for each in NEARLY])
def test_a_change_that_nearly_fits_is_not_claimed(code: Code, case: Suspect) -> None:
    """One part in a million more than roundings allow, different on each number: nothing is claimed for that code."""
    noise = 1.0 + 1e-6 * np.random.default_rng(8).uniform(0.5, 1.0, case.bad.shape)
    assert code not in codes(disturbed(case, lambda bad: bad * noise + (1e-6 * noise if not bad.any() else 0.0)))


@pytest.mark.parametrize(
    "bad",
    [
        NUMBERS.astype(np.float32).astype(np.float64) * (1 + 3e-7),
        SHORT + 3e-6,
        NUMBERS * (1 + 1e-4 * np.random.default_rng(9).uniform(-1, 1, NUMBERS.shape)),
    ],
    ids=["beside a float32", "beside six decimals", "noise"],
)
def test_what_was_not_rounded_is_no_loss_of_precision(bad: Floats) -> None:
    """The wrong value must itself be a rounded number, and within half a last place of the right one."""
    assert Code.PRECISION_LOSS not in codes(suspect(bad, NUMBERS))


def test_a_huge_number_is_finite() -> None:
    """Only NaN and infinity are no numbers."""
    assert Code.NON_FINITE not in codes(suspect(NUMBERS * 1e300, NUMBERS))


def test_a_bound_that_right_values_exceed_is_none() -> None:
    """Where another row is right and lies beyond it, nothing was cut."""
    high = NUMBERS[NUMBERS > 4.2][:, None]
    rows = np.vstack([high, [[8.9]]])
    past = history(list(range(len(high))), rows, list(range(len(high))))
    assert Code.CLAMPED not in codes(suspect(cut(high), high, history=past))


@pytest.mark.parametrize(
    ("name", "rounded"), [("floor", np.floor), ("ceil", np.ceil), ("truncation", np.trunc)], ids=str
)
def test_wrong_rounding_is_told_from_a_shift(name: str, rounded: Callable[[Floats], Floats]) -> None:
    """Rows of either sign, right ones among them, tell which rounding it was."""
    fraction = np.array([-2.7, -2.2, -0.6, 0.4, 0.8, 1.3, 3.6])
    nearest = np.ceil(fraction - 0.5)[:, None]
    case = suspect(rounded(fraction)[:, None], nearest, is_integer=True, fraction=fraction)
    found = first(case)
    assert found.finding.trial.code is Code.WRONG_ROUNDING
    assert name in found.finding.trial.text


def test_an_index_that_is_always_one_more_is_shifted() -> None:
    """Whatever the fraction, so that no rounding explains it."""
    fraction = np.array([-2.7, -2.2, -0.6, 0.4, 0.8, 1.3, 3.6])
    nearest = np.ceil(fraction - 0.5)[:, None]
    shifted = first(suspect(nearest + 1, nearest, is_integer=True, fraction=fraction))
    assert shifted.finding.trial.code is Code.SHIFTED_INDEX
    odd = nearest + np.array([[1.0], [2.0], [1.0], [3.0], [1.0], [2.0], [5.0]])
    assert not {Code.SHIFTED_INDEX, Code.WRONG_ROUNDING} & set(
        codes(suspect(odd, nearest, is_integer=True, fraction=fraction))
    )


def test_numbers_of_people_claim_nothing() -> None:
    """Two settings that differ always differ by a short number: that is no cause."""
    case = suspect([[12.5]], [[10.25]], replayed=False)
    assert codes(case) == []


def test_what_is_right_elsewhere_speaks_against_a_change_of_the_whole_step() -> None:
    """With right rows beside the wrong ones, a factor is less sure than without."""
    alone = first(suspect(2 * NUMBERS, NUMBERS))
    beside = first(suspect(2 * NUMBERS, NUMBERS, kept=9))
    assert beside.finding.spoils
    assert not alone.finding.spoils
    assert beside.score < alone.score


def test_random_numbers_are_not_explained() -> None:
    """Nothing turns one into the other: no cause is made up."""
    other = np.random.default_rng(11).uniform(1.0, 9.0, NUMBERS.shape)
    scalars = {f"s{each}": np.random.default_rng(100 + each).uniform(1, 9, 6) for each in range(40)}
    assert codes(suspect(other, NUMBERS, scalars=scalars)) == []
