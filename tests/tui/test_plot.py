"""The small plot of both sides."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from braggtrace_tui.pieces import plain
from braggtrace_tui.plot import plot


def test_few_values_are_marks() -> None:
    """Where both agree one mark stands for both; divergences and the cursor are marked below."""
    lines = [plain(line) for line in plot([1, 2, 3], [3, 2, 3], [True, False, False], 1, 30, 3)]
    assert [line.rstrip() for line in lines] == ["3 ×               •", "          •", "1 o", "  ≠       ▲       ·"]


def test_many_values_are_braille() -> None:
    """More values than cells still fit."""
    values = [math.sin(number / 20) for number in range(500)]
    lines = plot(values, values, [False] * 500, 0, 40, 6)
    assert len(lines) == 7
    assert any("\u2800" < character <= "\u28ff" for line in lines for character in plain(line))


def test_nothing_finite_draws_nothing() -> None:
    """A quantity that is nan everywhere has no plot."""
    assert plot([math.nan], [math.inf], [True], 0, 40, 6) == []


@given(
    st.lists(st.tuples(st.floats(), st.floats(), st.booleans()), min_size=1, max_size=60),
    st.integers(12, 60),
    st.integers(2, 9),
)
def test_any_values_fit(pairs: list[tuple[float, float, bool]], width: int, height: int) -> None:
    """Never wider or higher than asked, whatever the numbers."""
    reference, candidate, diverges = (list(side) for side in zip(*pairs, strict=True))
    lines = plot(reference, candidate, diverges, 0, width, height)
    assert len(lines) in (0, height + 1)
    assert all(len(plain(line)) <= width for line in lines)
