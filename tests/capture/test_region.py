"""How little is rendered: every wanted pixel keeps its predecessor."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from braggtrace.capture.model import Pixel
from braggtrace.capture.region import Piece, Region, plan, wanted_pixels

SHAPE = (9, 7)
pixels_there = st.tuples(st.integers(0, SHAPE[0] - 1), st.integers(0, SHAPE[1] - 1))
edges = st.one_of(st.none(), st.integers(0, 9))
regions = st.builds(Region, st.integers(0, 8), edges, st.integers(0, 6), edges)
masks = st.one_of(
    st.none(),
    st.lists(st.booleans(), min_size=SHAPE[0] * SHAPE[1], max_size=SHAPE[0] * SHAPE[1]).map(
        lambda bits: np.array(bits, dtype=np.bool_).reshape(SHAPE)
    ),
)


def rendered(region: Region, mask: NDArray[np.bool_] | None) -> list[Pixel]:
    """What a program renders, in loop order."""
    everything = [(slow, fast) for slow in range(SHAPE[0]) for fast in range(SHAPE[1])]
    return [pixel for pixel in everything if region.holds(pixel) and (mask is None or mask[pixel])]


def predecessor(pixel: Pixel, order: list[Pixel]) -> Pixel | None:
    """The pixel rendered right before one."""
    at = order.index(pixel)
    return order[at - 1] if at else None


@given(st.sets(pixels_there, min_size=1, max_size=6), regions, masks, st.booleans())
def test_every_pixel_keeps_what_came_before_it(
    wanted: set[Pixel], user: Region, mask: NDArray[np.bool_] | None, history: bool
) -> None:
    """In its run a pixel follows the pixel that it follows in the user's run; with history, all of them."""
    pieces, dark = plan(sorted(wanted), user, mask, history=history)
    full = rendered(user, mask)
    assert sorted([*dark, *(pixel for piece in pieces for pixel in piece.pixels)]) == sorted(wanted)
    assert not set(dark) & set(full)
    for piece in pieces:
        order = [pixel for pixel in rendered(piece.region, mask) if pixel in full]
        assert order == rendered(piece.region, mask)
        for pixel in piece.pixels:
            assert predecessor(pixel, order) == predecessor(pixel, full)
            if history:
                assert order[: order.index(pixel)] == full[: full.index(pixel)]


def test_a_pixel_in_a_row_needs_the_one_before_it() -> None:
    """And nothing else."""
    pieces, _ = plan([(684, 1039)], Region())
    assert pieces == [Piece(Region(684, 684, 1038, 1039), ((684, 1039),))]


def test_the_first_pixel_of_a_row_needs_the_row_before() -> None:
    """In full: a box can't hold the end of one row and the start of the next without them."""
    assert plan([(5, 0)], Region())[0] == [Piece(Region(4, 5, 0, None), ((5, 0),))]
    assert plan([(5, 3)], Region(2, 8, 3, 6))[0] == [Piece(Region(4, 5, 3, 6), ((5, 3),))]
    assert plan([(0, 0)], Region())[0] == [Piece(Region(0, 0, 0, 0), ((0, 0),))]


def test_neighbours_share_a_run_and_others_do_not() -> None:
    """Another run costs less than a big detector."""
    near, _ = plan(wanted_pixels([], [(684, 686, 1039, 1040)]), Region())
    assert [piece.region for piece in near] == [Region(684, 686, 1038, 1040)]
    far, _ = plan([(10, 10), (2000, 2000)], Region())
    assert len(far) == 2


def test_wanted_pixels_come_once_and_in_loop_order() -> None:
    """However they were asked for."""
    assert wanted_pixels([(3, 1), (1, 2), (3, 1)], [(1, 1, 1, 2)]) == [(1, 1), (1, 2), (3, 1)]
