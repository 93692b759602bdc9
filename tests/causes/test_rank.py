"""What comes first among causes that fit, and how sure it is."""

from __future__ import annotations

import numpy as np
import pytest

from braggtrace.causes.codes import Code
from braggtrace.causes.rank import confidence_of, rank, search
from braggtrace.causes.suspect import Trial, judged_trials
from tests.causes.suspects import NUMBERS, UNIT_RIGHT, suspect


def trial(code: Code, predicted: object, **changes: object) -> Trial:
    """A trial that is called by its code."""
    return Trial(code, code.value.lower(), np.asarray(predicted), **changes)  # type: ignore[arg-type]


def test_confidence_grows_with_lead_and_bits() -> None:
    """Between 0 and 1, and never less for more evidence."""
    values = [confidence_of(lead, bits) for lead, bits in ((0, 0), (2, 8), (5, 20), (20, 40), (99, 999))]
    assert all(0.0 < value < 1.0 for value in values)
    assert values == sorted(values)
    assert values[-1] == values[-2]  # counts as the widest


def test_the_likelier_of_two_that_fit_comes_first() -> None:
    """Both are kept; the confidences add up to no more than 1."""
    case = suspect(-NUMBERS, NUMBERS)
    trials = [trial(Code.SIGN_FLIP, -NUMBERS, prior=6.0), trial(Code.OFFSET, -NUMBERS, prior=1.0)]
    ranked = rank(judged_trials(case, trials))
    assert [each.finding.trial.code for each in ranked] == [Code.SIGN_FLIP, Code.OFFSET]
    assert ranked[0].gap == pytest.approx(5.0)
    assert sum(each.confidence for each in ranked) <= 1.0


def test_what_takes_numbers_from_the_value_needs_more() -> None:
    """A free factor on one number explains nothing: it always fits."""
    one = suspect(NUMBERS[:1] * 1.2345678, NUMBERS[:1])
    assert rank(judged_trials(one, [trial(Code.CONSTANT_FACTOR, one.bad, free=1.0)])) == []
    many = suspect(NUMBERS * 1.2345678, NUMBERS)
    assert len(rank(judged_trials(many, [trial(Code.CONSTANT_FACTOR, many.bad, free=1.0)]))) == 1


def test_what_was_tried_often_needs_more() -> None:
    """Of a million tries one fits by accident."""
    case = suspect(NUMBERS[:1].round(2), NUMBERS[:1], error=np.full((1, 1), 0.1))
    assert rank(judged_trials(case, [trial(Code.SWAPPED_QUANTITIES, case.bad, tries=10**6)])) == []


def test_a_change_of_nothing_is_no_explanation() -> None:
    """Where the right value fits as well, there is nothing to explain."""
    case = suspect(NUMBERS * (1 + 1e-16), NUMBERS)
    assert search(case) == []


def test_most_rows_will_do_where_no_change_explains_all() -> None:
    """Two causes may share one step; the confidence says that some rows are left."""
    bad = -NUMBERS.copy()
    bad[0] = 77.7
    found = search(suspect(bad, NUMBERS))[0]
    assert found.finding.trial.code is Code.SIGN_FLIP
    assert found.finding.coverage == pytest.approx(5 / 6)
    assert found.confidence <= 5 / 6


def test_a_direction_without_its_division_is_not_normalised() -> None:
    """A term that is missing from a unit vector is called by what it does."""
    length = np.linspace(1.3, 2.2, 6)[:, None]
    case = suspect(UNIT_RIGHT * length, UNIT_RIGHT, is_unit_vector=True)
    more = [trial(Code.MISSING_TERM, UNIT_RIGHT * length, prior=6.0)]
    assert search(case, more)[0].finding.trial.code is Code.NOT_NORMALISED
    assert search(suspect(case.bad, case.right), more)[0].finding.trial.code is Code.MISSING_TERM


def test_a_quirk_is_worded_by_the_value_it_gives() -> None:
    """The rule is named by the quirk, the sentence says which value it is."""
    case = suspect(NUMBERS * 3.3, NUMBERS)
    trials = [
        Trial(Code.STALE_VALUE, "by the rule", case.bad, prior=8.0, quirk="stale-phi-zero"),
        Trial(Code.STALE_VALUE, "its own value before", case.bad, prior=5.0),
    ]
    (found,) = rank(judged_trials(case, trials))
    assert (found.finding.trial.quirk, found.finding.trial.text) == ("stale-phi-zero", "its own value before")
