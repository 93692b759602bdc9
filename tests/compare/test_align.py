"""Joining rows: the same coordinates on both sides, in any order, with gaps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from braggtrace.compare.align import Joiner, PixelMap, merge_pixels
from braggtrace.compare.model import Comparison, Status
from braggtrace.compare.options import Options
from braggtrace.errors import UsageError
from braggtrace.quantities import Level
from braggtrace.trace.model import LOOPS, Column, ColumnKey
from tests.compare.build import compared, pairing


def column(places: Sequence[tuple[int, ...]], loops: tuple[str, ...]) -> Column:
    """A column of one value at each (pixel, tic, …, occurrence), which are sorted."""
    table = np.array(places, dtype=np.int32).reshape(len(places), len(loops) + 2)
    number = len(places)
    return Column(
        key=ColumnKey("PHI", "F_latt", in_pixel=True),
        quantity=None,
        level=Level.ITERATION,
        pixel=table[:, 0].copy(),
        tics={name: table[:, 1 + at].copy() for at, name in enumerate(loops)},
        occurrence=table[:, -1].copy(),
        values=np.zeros((number, 1)),
        start=np.zeros((number, 1), np.int64),
        length=np.zeros((number, 1), np.uint16),
        line=np.arange(number, dtype=np.int32),
    )


large = st.sampled_from([0, 1, 2, 5, 2**31 - 1, -(2**31)])
coordinates = st.lists(st.tuples(st.integers(0, 3), large, large, large, st.integers(0, 2)), unique=True, max_size=30)


@given(coordinates, coordinates)
def test_rows_meet_at_equal_coordinates(ours: list[tuple[int, ...]], theirs: list[tuple[int, ...]]) -> None:
    """Exactly as in a dictionary, every row once, in loop order; also where one number can't hold a coordinate."""
    loops = ("subS", "phi_tic", "mos_tic")
    ours, theirs = sorted(ours), sorted(theirs)
    joined = Joiner(PixelMap(np.zeros((4, 2), np.int32))).join(column(ours, loops), column(theirs, loops))
    met = [
        (ours[r] if r >= 0 else None, theirs[c] if c >= 0 else None)
        for r, c in zip(joined.reference.tolist(), joined.candidate.tolist(), strict=True)
    ]
    every = sorted({*ours, *theirs})
    assert met == [(place if place in ours else None, place if place in theirs else None) for place in every]
    assert joined.pixel.tolist() == [place[0] for place in every]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), unique=True, min_size=1, max_size=9))
def test_a_counter_that_is_absent_counts_as_0(places: list[tuple[int, int]]) -> None:
    """On either side."""
    places = sorted(places)
    full = column([(pixel, tic, 0) for pixel, tic in places], ("phi_tic",))
    pixels = sorted({pixel for pixel, _ in places})
    bare = column([(pixel, 0) for pixel in pixels], ())
    joiner = Joiner(PixelMap(np.zeros((4, 2), np.int32)))
    one, two = joiner.join(full, bare), joiner.join(bare, full)
    for rows, others in ((one.reference, one.candidate), (two.candidate, two.reference)):
        met = {places[row] for row, other in zip(rows, others, strict=True) if row >= 0 and other >= 0}
        assert met == {place for place in places if place[1] == 0}


def test_equal_rows_are_joined_without_a_copy() -> None:
    """The common case: nothing is sorted."""
    places = [(pixel, tic, 0) for pixel in range(3) for tic in range(4)]
    joined = Joiner(PixelMap(np.zeros((3, 2), np.int32))).join(column(places, LOOPS[4:5]), column(places, LOOPS[4:5]))
    assert joined.reference is joined.candidate


def test_pixels_of_both_sides_make_one_list() -> None:
    """In loop order; each side knows its places in it."""
    ours, theirs = np.array([[0, 5], [2, 1]], np.int32), np.array([[0, 4], [2, 1], [3, 0]], np.int32)
    merged = merge_pixels(ours, theirs)
    assert merged.pixels.tolist() == [[0, 4], [0, 5], [2, 1], [3, 0]]
    assert merged.reference is not None
    assert merged.candidate is not None
    assert (merged.reference.tolist(), merged.candidate.tolist()) == ([1, 2], [0, 2, 3])


PIXELS = "pixel 1 2\nF_cell 1\npixel 1 3\nF_cell 2"


def verdicts(comparison: Comparison, name: str) -> list[str]:
    """Pixel and verdict of every row of a quantity."""
    found = pairing(comparison, name)
    names = ["agrees", "diverges", "only reference", "only candidate"]
    return [f"{place} {names[verdict]}" for place, verdict in zip(found.pixel, found.verdict, strict=True)]


def test_a_pixel_on_one_side_is_missing_on_the_other() -> None:
    """And nothing else is shifted by it."""
    comparison = compared(
        PIXELS + "\npixel 1 4\nF_cell 3", "pixel 1 3\nF_cell 2\npixel 1 2\nF_cell 9\npixel 0 0\nF_cell 0"
    )
    assert comparison.pixels.tolist() == [[0, 0], [1, 2], [1, 3], [1, 4]]
    assert verdicts(comparison, "F_cell") == ["0 only candidate", "1 diverges", "2 agrees", "3 only reference"]


def test_an_unnamed_pixel_is_taken_for_the_only_one() -> None:
    """With a note."""
    comparison = compared("F_cell 1", "pixel 1 2\nF_cell 1")
    assert comparison.status is Status.AGREES
    assert comparison.pixels.tolist() == [[1, 2]]
    assert comparison.notes == ("the reference doesn't name its pixel; it is taken for pixel 1 2",)


def test_an_unnamed_pixel_is_not_taken_for_one_of_many() -> None:
    """Unless the user says which."""
    assert compared(PIXELS, "F_cell 1").status is Status.INCONCLUSIVE
    chosen = compared(PIXELS, "F_cell 2", Options(pixels=((1, 3),)))
    assert chosen.status is Status.AGREES
    assert chosen.notes == ("the candidate doesn't name its pixel; it is taken for pixel 1 3",)


def test_a_run_level_value_stands_against_every_pixel() -> None:
    """A side may trace a constant once or with every pixel."""
    once, always = "steps 5\n" + PIXELS, "pixel 1 2\nsteps 5\nF_cell 1\npixel 1 3\nsteps 6\nF_cell 2"
    assert verdicts(compared(once, always), "steps") == ["0 agrees", "1 diverges"]
    assert verdicts(compared(always, once), "steps") == ["0 agrees", "1 diverges"]


def test_a_run_level_value_with_counters_stands_where_they_meet() -> None:
    """A list by source against the value of one source in every pixel."""
    sources = "TRACE_C_SOURCE source=0 lambda_meters=1e-10\nTRACE_C_SOURCE source=1 lambda_meters=2e-10"
    comparison = compared(sources, "pixel 1 2\nlambda_meters 1e-10")
    assert verdicts(comparison, "lambda_meters") == ["-1 only reference", "0 agrees"]


def test_only_the_chosen_pixels_are_compared() -> None:
    """And what belongs to the run."""
    comparison = compared("Na 5\n" + PIXELS, "Na 5\n" + PIXELS.replace("1\n", "7\n"), Options(pixels=((1, 3),)))
    assert comparison.counts.compared == 2
    assert comparison.status is Status.AGREES
    assert comparison.pixels.tolist() == [[1, 3]]


def test_a_pixel_that_is_nowhere_is_an_error() -> None:
    """With the pixels that there are."""
    with pytest.raises(UsageError, match="pixel 2 1 is in neither trace; expected 1 2, 1 3"):
        compared(PIXELS, PIXELS, Options(pixels=((2, 1),)))


def test_repeated_values_meet_by_number() -> None:
    """The second F_cell of a pixel against the second one."""
    comparison = compared("pixel 1 2\nF_cell 1\nF_cell 2\nF_cell 3", "pixel 1 2\nF_cell 1\nF_cell 9")
    assert verdicts(comparison, "F_cell") == ["0 agrees", "0 diverges", "0 only reference"]


def test_an_unnamed_pixel_beside_several_gets_advice() -> None:
    """A note says how to name it; its values are not shown as values of the run."""
    ours = "F_latt 1\nF_cell 2"
    theirs = "pixel 1 1\nF_latt 1\npixel 1 2\nF_latt 1"
    comparison = compared(ours, theirs)
    (note,) = [note for note in comparison.notes if "--pixel" in note]
    assert note.startswith("the reference holds values of a pixel that it doesn't name")
    assert "unnamed pixel" in {
        str(comparison.reference.coordinate(column, 0)) for column in comparison.reference.columns
    }
