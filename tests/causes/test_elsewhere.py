"""Values that belong elsewhere: to another row, another quantity, another reflection."""

from __future__ import annotations

import numpy as np
import pytest

from braggtrace.causes.codes import Code
from tests.causes.suspects import NUMBERS, VECTORS, Floats, codes, first, history, suspect

ALL = np.vstack([VECTORS, VECTORS[::-1] * 1.1])


def test_the_value_of_the_row_before_is_stale() -> None:
    """Every wrong row has what the row before should have; the sentence says where it comes from."""
    rows = list(range(1, 12))
    case = suspect(ALL[:-1], ALL[1:], history=history(rows, ALL, rows))
    found = first(case).finding.trial
    assert found.code is Code.STALE_VALUE
    assert found.text == "its own value at row 0"


def test_one_stale_row_is_enough() -> None:
    """A branch that skips an update may do so once."""
    case = suspect(ALL[[2]], ALL[[5]], history=history([5], ALL, [5]))
    assert first(case).finding.trial.code is Code.STALE_VALUE
    assert "row 2" in first(case).finding.trial.text


def test_a_value_of_a_later_row_is_shifted() -> None:
    """What is read one index too far comes from ahead."""
    rows = list(range(11))
    case = suspect(ALL[1:], ALL[:-1], history=history(rows, ALL, rows))
    assert first(case).finding.trial.code is Code.SHIFTED_INDEX


def test_nearly_the_value_before_is_not_stale() -> None:
    """One part in a million away from it."""
    rows = list(range(1, 12))
    case = suspect(ALL[:-1] * (1 + 1e-6), ALL[1:], history=history(rows, ALL, rows))
    assert not {Code.STALE_VALUE, Code.SHIFTED_INDEX} & set(codes(case))


def test_another_quantity_stands_in_its_place() -> None:
    """It is named; one that is close but not the same is not."""
    other = np.linspace(20.0, 21.0, 6) ** 2
    pool = {"other": other, "third": other * (1 + 1e-6)}
    found = first(suspect(other[:, None], NUMBERS, scalars=pool))
    assert (found.finding.trial.code, found.finding.trial.text) == (Code.SWAPPED_QUANTITIES, "that of other")
    nearly = suspect(other[:, None], NUMBERS, scalars={"third": pool["third"]})
    assert Code.SWAPPED_QUANTITIES not in codes(nearly)


TABLE = {(h, k, m): 50.0 + 3.7 * h + 11.3 * k + 0.19 * m * m for h in range(6) for k in range(6) for m in range(6)}
INDICES = np.array([[1, 2, 3], [2, 3, 4], [3, 1, 2], [4, 4, 1]], dtype=np.float64)


def of_table(step: tuple[int, int, int]) -> Floats:
    """The factors of reflections that lie one step away."""
    return np.array([[TABLE[int(h) + step[0], int(k) + step[1], int(m) + step[2]]] for h, k, m in INDICES])


@pytest.mark.parametrize("step", [(0, 0, 1), (-1, 0, 0), (1, -1, 0)])
def test_the_factor_of_a_neighbour_is_a_mismatch(step: tuple[int, int, int]) -> None:
    """The same step away on every row."""
    case = suspect(of_table(step), of_table((0, 0, 0)), factors=TABLE, indices=INDICES)
    found = first(case).finding.trial
    assert found.code is Code.LOOKUP_MISMATCH
    assert f"({step[0]:+d}, {step[1]:+d}, {step[2]:+d})" in found.text


def test_exchanged_indices_are_a_mismatch() -> None:
    """F[k, h, l] for F[h, k, l]."""
    bad = np.array([[TABLE[int(k), int(h), int(m)]] for h, k, m in INDICES])
    found = first(suspect(bad, of_table((0, 0, 0)), factors=TABLE, indices=INDICES))
    assert (found.finding.trial.code, "k h l" in found.finding.trial.text) == (Code.LOOKUP_MISMATCH, True)


def test_a_factor_that_no_trace_shows_is_not_claimed() -> None:
    """What can't be applied is not proved."""
    bad = of_table((0, 0, 0)) + np.array([[0.17], [0.31], [0.52], [0.77]])
    assert Code.LOOKUP_MISMATCH not in codes(suspect(bad, of_table((0, 0, 0)), factors=TABLE, indices=INDICES))
