"""Which lines of a trace are there, and which should be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from braggtrace.bundles.lines import Expectation, compare_counts, count_lines, find_problems, split_lines, tag_of
from tests.bundles.build import PIXELS, expectation, trace_text


def problems(text: str, expected: Expectation | None = None) -> list[str]:
    """What is wrong with a text."""
    return find_problems(expected or expectation(), count_lines(split_lines(text.encode())))


def test_split_and_counted() -> None:
    """Inner loops go to a file of their own, with the frames and what made the trace; each line counts once."""
    raw = b"# braggtrace flags: -N 5\n" + trace_text().encode()
    main, inner = split_lines(raw)
    assert inner.splitlines()[:3] == [raw.splitlines()[0], b"TRACE_PY: pixel 684 1039", raw.splitlines()[11]]
    assert main.count(b"_PHI") == 0
    found = count_lines([main, inner])
    assert compare_counts(expectation(), found) == {
        "TRACE_PY": {"expected": 29, "found": 29},
        "TRACE_PY_SUBPIXEL": {"expected": 4, "found": 4},
        "TRACE_PY_PHI": {"expected": 12, "found": 12},
    }
    assert find_problems(expectation(), found) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("TRACE_PY: phisteps 3\n", "", "the run lacks phisteps"),
        ("TRACE_PY: pixel 685 1040\n", "TRACE_PY: pixel 685 1041\n", "pixel 685 1040 is missing"),
        ("TRACE_PY: pixel 685 1040\n", "TRACE_PY: pixel 685 1041\n", "pixel 685 1041 was not asked for"),
        ("TRACE_PY: pixel 685 1040\n", "TRACE_PY: pixel 685 1039\n", "pixel 685 1039 starts 2 times, expected 1"),
        ("TRACE_PY: I_pixel_final", "TRACE_PY: other", "pixel 684 1039 lacks I_pixel_final"),
        ("TRACE_PY_SUBPIXEL", "TRACE_PY_OTHER", "pixel 684 1039 has 0 TRACE_PY_SUBPIXEL lines, expected 1"),
        ("TRACE_PY_PHI phi_tic=1", "phi_tic=1", "pixel 684 1039 has 2 TRACE_PY_PHI lines, expected 3"),
    ],
)
def test_what_is_missing_is_named(old: str, new: str, problem: str) -> None:
    """In words, with the numbers."""
    assert problem in problems(trace_text().replace(old, new))


def test_pixels_that_are_not_rendered() -> None:
    """They have a frame and no more; some of them are fine, all of them are not."""
    dark = "TRACE_PY: pixel 1 1\nTRACE_PY: I_pixel_final 0\n"
    expected = replace(expectation(), pixels=((1, 1, False), *expectation().pixels))
    text = trace_text().replace("TRACE_PY: pixel 684 1039\n", f"{dark}TRACE_PY: pixel 684 1039\n", 1)
    assert problems(text, expected) == []
    found = count_lines([text.encode()])
    assert all(entry["expected"] == entry["found"] for entry in compare_counts(expected, found).values())
    only = replace(expected, pixels=((1, 1, False),))
    assert "none of the pixels is rendered" in problems(text.partition("TRACE_PY: pixel 684")[0], only)[-1]


def test_a_resolution_limit_leaves_out_samples() -> None:
    """As many iterations are expected as there are samples."""
    expected = replace(expectation(PIXELS[:1]), cut=True, samples=3)
    assert problems(trace_text(PIXELS[:1]), expected) == []
    lines = [line for line in trace_text(PIXELS[:1]).splitlines(keepends=True) if "_PHI" not in line]
    assert problems("".join(lines), expected) == ["pixel 684 1039 has 0 TRACE_PY_PHI lines, expected 3"]


def test_survives_json() -> None:
    """It crosses a process boundary."""
    assert Expectation.from_json(expectation().as_json()) == expectation()


def test_tags() -> None:
    """The configuration line of the instrumented program is none."""
    assert tag_of([b"TRACE_CONFIG: tracing pixel (spixel=1, fpixel=2)\nTRACE_C: a 1\n"]) == "TRACE_C"
    assert tag_of([b"nothing"]) == "TRACE"
    found = count_lines([b"TRACE_CONFIG: tracing pixel (spixel=1, fpixel=2)\nTRACE_C: a 1\n"])
    assert found[1, 2].names == {"a": 1}
