"""Which digits two numbers share, and how numbers fit into a column."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from braggtrace_tui.digits import Split, count, short, shorten, split

numbers = st.floats(allow_nan=True, allow_infinity=True).map(repr) | st.from_regex(
    r"[+-]?\d{1,6}\.?\d{0,18}(e[+-]?\d{1,2})?", fullmatch=True
)


@pytest.mark.parametrize(
    ("reference", "candidate", "common", "differing"),
    [
        ("15.24036", "13.86435", "1", "5.24036"),
        ("1.2345e-10", "1.2399e-10", "1.23", "45"),
        ("0.10000000000000001", "0.1", "0.1000000000000000", "1"),
        ("-8.715", "-8.715", "-8.715", ""),
        ("0.000123", "0.000129", "0.00012", "3"),
        ("98.5", "9.85e1", "98.5", ""),
        ("1", "-1", "", "1"),
        ("100", "1000", "", "100"),
        ("SQUARE", "ROUND", "", "SQUARE"),
        ("0", "6e-17", "", "0"),
        ("0", "-0.0", "0", ""),
    ],
)
def test_common_digits_are_found_whatever_the_notation(
    reference: str, candidate: str, common: str, differing: str
) -> None:
    """Leading digits count as common only at the same place of the number."""
    ours, _ = split(reference, candidate)
    assert (ours.common, ours.differing) == (common, differing)


@given(numbers, numbers)
def test_nothing_is_lost_when_a_number_is_split(reference: str, candidate: str) -> None:
    """The parts put together are what was written."""
    for text, parts in zip((reference, candidate), split(reference, candidate), strict=True):
        assert parts.common + parts.differing + parts.tail == text


@given(numbers, numbers, st.integers(1, 30))
def test_a_number_fits_its_column(reference: str, candidate: str, width: int) -> None:
    """However narrow the column, the text is not wider."""
    for parts in split(reference, candidate):
        cut = shorten(parts, width)
        assert len(cut.common + cut.differing + cut.tail) <= width


def test_a_shortened_number_keeps_its_exponent() -> None:
    """Otherwise it would look like another number."""
    ours, _ = split("1.2593201528622709e+29", "1.2593201528622999e+29")
    cut = shorten(ours, 14)
    assert cut.common + cut.differing + cut.tail == "1.2593201…e+29"
    assert cut.differing == "…", "the difference lies in what was cut"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.0903, "0.0903"),
        (1.24e-9, "1.2e-9"),
        (1e-6, "1e-6"),
        (math.inf, "inf"),
        (math.nan, ""),
        (123456.0, "1.2e5"),
    ],
)
def test_differences_are_short(value: float, text: str) -> None:
    """Two or three digits are enough for a difference."""
    assert short(value) == text


@given(st.floats(min_value=0))
def test_differences_fit_their_column(value: float) -> None:
    """The column is seven cells wide."""
    assert len(short(value)) <= 7


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (1320, "1,320"), (157_894, "158k"), (30_000_000, "30.0M")])
def test_counts_are_readable(number: int, text: str) -> None:
    """Large counts are rounded."""
    assert count(number) == text


def test_equal_texts_are_all_common() -> None:
    """Words too."""
    assert split("MOSFLM", "MOSFLM")[0] == Split("MOSFLM", "")
