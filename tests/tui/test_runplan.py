"""What is typed into the run form, understood or refused with words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from braggtrace.errors import UsageError
from braggtrace_tui.runplan import (
    Beside,
    Pixels,
    RunPlan,
    around,
    experiment_of,
    more_text,
    parse_more,
    parse_pixels,
    pixels_text,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("684 1039", Pixels(((684, 1039),))),
        (" 684   1039 ", Pixels(((684, 1039),))),
        ("10 12 20 22", Pixels((), ((10, 12, 20, 22),))),
        ("10 20 ±2", Pixels((), ((8, 12, 18, 22),))),
        ("1 20 +-2", Pixels((), ((0, 3, 18, 22),))),
        ("1 20 + 2", Pixels((), ((0, 3, 18, 22),))),
        ("1 2, 3 4; 10 12 20 22", Pixels(((1, 2), (3, 4)), ((10, 12, 20, 22),))),
        ("1 2,", Pixels(((1, 2),))),
    ],
)
def test_pixels_are_typed_as_people_think_of_them(text: str, expected: Pixels) -> None:
    """One pixel, one with a margin, or inclusive bounds, slow first."""
    assert parse_pixels(text) == expected
    assert parse_pixels(pixels_text(expected)) == expected


@pytest.mark.parametrize(
    "text", ["", "  ", "1", "1 2 3", "a b", "1 -2", "5 3 1 1", "1 2 ± x", "1 2 3 4 ±1", "0 999 0 999"]
)
def test_what_is_no_pixel_is_refused(text: str) -> None:
    """With what would be right."""
    with pytest.raises(UsageError):
        parse_pixels(text)


def test_every_pixel_is_listed_once_and_counted() -> None:
    """Also where a ROI holds a pixel that is named too."""
    chosen = parse_pixels("1 1, 0 1 0 1")
    assert chosen.each() == ((1, 1), (0, 0), (0, 1), (1, 0))
    assert chosen.count == 5
    assert around((3, 4), 0) == (3, 3, 4, 4)


def test_pixels_must_be_on_the_detector() -> None:
    """The first one that is not is named."""
    assert parse_pixels("9 19").inside((10, 20)) == ""
    assert parse_pixels("9 20").inside((10, 20)) == ("pixel 9 20 is not on the detector of 10 x 20 pixels (slow, fast)")
    assert "pixel 10 3" in parse_pixels("8 10 2 3").inside((10, 20))


def test_the_rarer_options_are_typed_as_on_the_command_line() -> None:
    """And written back so."""
    text = "--quirk pivot-forced=off --build fma --c-threads 4 --mtz-column F"
    more = parse_more(text)
    assert more.quirks == {"pivot-forced": False}
    assert (more.build, more.c_threads, more.mtz_column) == ("fma", 4, "F")
    assert more_text(experiment_of(RunPlan(flags="-N 5", more=text))) == text
    assert parse_more("--c-threads=2").c_threads == 2
    assert more_text(experiment_of(RunPlan())) == ""


@pytest.mark.parametrize(
    "text", ["--quirk", "--quirk a", "--quirk a=maybe", "--build slow", "--c-threads 0", "--c-threads x", "-N 5", "'"]
)
def test_other_options_are_refused(text: str) -> None:
    """With what would be right."""
    with pytest.raises(UsageError):
        parse_more(text)


def test_flags_are_split_as_a_shell_does() -> None:
    """Quotes group; one that is not closed is said."""
    plan = RunPlan(flags="-mat 'my A.mat' -lambda 1", folder="/data", phi_mode="spec", profile="legacy")
    assert experiment_of(plan) == {
        "flags": ["-mat", "my A.mat", "-lambda", "1"],
        "folder": "/data",
        "profile": "legacy",
        "phi_mode": "spec",
        "quirks": {},
        "build": "plain",
        "c_threads": 1,
        "mtz_column": None,
    }
    assert experiment_of(RunPlan())["folder"] is None
    with pytest.raises(UsageError, match="flags can't be split"):
        experiment_of(replace(plan, flags="-mat 'A.mat"))


def test_the_choices_are_said_in_few_words() -> None:
    """What is usual stays unsaid."""
    assert RunPlan().choices == "torch cpu float64"
    assert RunPlan(phi_mode="spec", profile="phi-fixed").choices == "torch cpu float64 spec phi-fixed"
    assert RunPlan(program="/bin/nb").choices == "C program"
    assert {each.meaning for each in Beside} == {
        "it replaces the candidate", "it replaces the reference", "before and after",
    }  # fmt: skip
