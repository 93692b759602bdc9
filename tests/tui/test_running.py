"""The progress line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from braggtrace_tui.pieces import plain
from braggtrace_tui.running import Progress, eta_words, progress_line, rate_words, seconds_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0372, "37 ms"), (0.9999, "1.0 s"), (1.44, "1.4 s"), (125, "2 min 05 s"), (3720, "1 h 02 min")],
)
def test_durations_are_read_at_a_glance(seconds: float, words: str) -> None:
    """In the unit that fits."""
    assert seconds_words(seconds) == words


@pytest.mark.parametrize(
    ("rate", "words"),
    [(0, ""), (3.14, "3.1 pixels/s"), (420, "420 pixels/s"), (1234, "1.2 k pixels/s"), (5e6, "5 M pixels/s")],
)
def test_rates_have_two_digits(rate: float, words: str) -> None:
    """More would only flicker."""
    assert rate_words(rate, "pixels") == words


def test_what_is_left_is_coarse() -> None:
    """So that it changes seldom."""
    assert eta_words(None) == ""
    assert eta_words(0.2) == "1 s left"
    assert eta_words(77) == "1 min 20 s left"


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_line_fits_and_says_how_to_end_it(width: int) -> None:
    """What is run gives way first."""
    progress = Progress("1639 966 · torch cpu float64 phi-fixed", 0.0, 0.25, 1234.0)
    line = plain(progress_line(progress, 10.0, width))
    assert "25 %" in line
    if width >= 80:
        assert len(line) <= width
        assert "1.2 k pixels/s" in line
        assert "30 s left" in line
        assert line.endswith("Esc cancels ")


def test_the_line_says_what_it_waits_for() -> None:
    """For the engine, or for the end."""
    waiting = Progress("1639 966", 0.0, waiting="the engine is starting")
    assert "the engine is starting" in plain(progress_line(waiting, 0.0, 80))
    assert "starting" in plain(progress_line(replace(waiting, waiting=""), 0.0, 80))
    assert "cancelling" in plain(progress_line(replace(waiting, cancelling=True), 0.0, 80))
