"""The C program's argument list, read and changed as the program reads it."""

from __future__ import annotations

from pathlib import Path
from shlex import split

import pytest

from braggtrace.capture.region import Region
from braggtrace.capture.tapfile import load_taps
from braggtrace.capture.words import (
    argument_after,
    history_matters,
    relocated,
    user_region,
    with_region,
    with_traced_pixel,
)

FLAGS = load_taps().flags


@pytest.mark.parametrize(
    ("words", "region"),
    [
        ("-N 5", Region()),
        ("-roi 1 2 3 4", Region(3, 4, 1, 2)),
        ("-roi -1 2 3 -1", Region(3, None, 0, 2)),
        ("-roi 1 2 3 4 -x -roi 5 6 7 8", Region(7, 8, 5, 6)),
        ("-roi 1 2 3 4 -roi 5 6 7", Region(3, 4, 1, 2)),
        ("--my-roi 1 2px 3.7 x", Region(3, 0, 1, 2)),
        ("roi 1 2 3 4", Region()),
    ],
)
def test_region_is_read_as_the_program_reads_it(words: str, region: Region) -> None:
    """Fast first; negative is the edge; the last one that has its values counts; numbers by their leading digits."""
    assert user_region(split(words), FLAGS) == region


def test_region_is_replaced_where_it_stands_or_put_in_front() -> None:
    """Never behind: words after a last flag that lacks its values would bring it to life."""
    assert with_region(["-N", "5", "-misset_seed", "1"], FLAGS, Region(7, 8, 0, None))[:6] == [
        "-roi", "0", "-1", "7", "8", "-N",
    ]  # fmt: skip
    replaced = with_region(split("-roi 9 9 9 9 -N 5 -roi 1 2 3 4 -x"), FLAGS, Region(7, 8, 5, 6))
    assert replaced == split("-roi 9 9 9 9 -N 5 -roi 5 6 7 8 -x")


def test_traced_pixel_replaces_the_users() -> None:
    """Slow first."""
    assert with_traced_pixel(["-N", "5"], "-trace_pixel", (3, 4)) == split("-trace_pixel 3 4 -N 5")
    assert with_traced_pixel(split("-trace_pixel 1 2 -N 5"), "-trace_pixel", (3, 4)) == split("-trace_pixel 3 4 -N 5")


@pytest.mark.parametrize(
    ("words", "matters"),
    [
        ("-N 5", False),
        ("-N 5 -dmin 2", True),
        ("-N 5 -interpolate", True),
        ("-N 5 -interpolate -nointerpolate", False),
        ("-hkl a.hkl -N 5", False),
        ("-hkl a.hkl -N 2", True),
        ("-hkl a.hkl -Na 5 -Nb 5", True),
        ("-hkl a.hkl", True),
        ("-N 1", False),
    ],
)
def test_when_history_matters(words: str, matters: bool) -> None:
    """With a resolution limit, or where the program may interpolate."""
    assert history_matters(split(words)) is matters


def test_inputs_are_found_and_outputs_stay_away(tmp_path: Path) -> None:
    """A relative input that is there becomes absolute; an output keeps its name only; other words stay."""
    for name in ("A.mat", "5", "x.hkl"):
        (tmp_path / name).touch()
    words = split("-mat A.mat -hkl sub/none.hkl -N 5 -floatfile ../out.bin -intfile /data/i.img -stol x.hkl -xstol 5")
    assert relocated(words, FLAGS, tmp_path) == [
        "-mat", str(tmp_path / "A.mat"), "-hkl", "sub/none.hkl", "-N", "5", "-floatfile", "out.bin", "-intfile",
        "i.img", "-stol", str(tmp_path / "x.hkl"), "-xstol", "5",
    ]  # fmt: skip


def test_value_of_a_flag() -> None:
    """The last one counts; without a value it is not there."""
    assert argument_after(split("-mask a -mask b"), "-mask") == "b"
    assert argument_after(["-N", "5", "-mask"], "-mask") is None
