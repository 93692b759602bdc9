"""Whatever one does, the cursor stays in the image and on the screen."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from braggtrace_tui.mapview import CLOSEST, View, closer, farther, whole_image, zoom_steps

SHAPES = st.tuples(st.integers(1, 3000), st.integers(1, 3000))
DOTS = st.tuples(st.integers(1, 140), st.integers(1, 250))
MOVES = st.lists(
    st.tuples(
        st.sampled_from(["at", "step", "pan", "closer", "farther", "whole", "resize"]),
        st.integers(0, 2**31),
        st.integers(0, 2**31),
    ),
    max_size=12,
)


def moved(view: View, move: str, first: int, second: int) -> View:
    """The view after a move of somebody's."""
    if move == "at":
        return view.at((first % view.shape[0], second % view.shape[1]))
    if move == "step":
        block = view.beside(first % 3 - 1, second % 3 - 1)
        return view if block is None else view.at((block.top, block.left))
    if move == "pan":
        return view.panned(first % 41 - 20, second % 41 - 20)
    if move == "resize":
        return view.resized((first % 140 + 1, second % 250 + 1))
    zoom = zoom_steps(view)[-1] if move == "whole" else closer(view) if move == "closer" else farther(view)
    return view if zoom is None else view.zoomed(zoom)


@given(SHAPES, DOTS, MOVES)
@example((3, 1), (1, 1), [("closer", 0, 0), ("at", 2, 0)])
@example((1, 3), (1, 3), [("pan", 0, 22), ("closer", 0, 0)])
def test_the_cursor_is_always_seen(
    shape: tuple[int, int], dots: tuple[int, int], moves: list[tuple[str, int, int]]
) -> None:
    """And what is shown lies in the image, in whole blocks, with no more empty space than the image leaves."""
    view = whole_image(shape, dots)
    assert view.whole
    for move in moves:
        view = moved(view, *move)
        window = view.window
        assert window.top >= 0
        assert window.top + window.height <= shape[0]
        assert window.left + window.width <= shape[1]
        assert view.top % view.block == view.left % view.block == 0
        assert 0 <= view.cursor[0] - window.top < window.height
        assert 0 <= view.cursor[1] - window.left < window.width
        down, across = view.cursor_block
        assert (down + 1) * view.spread <= max(view.dots[0], view.spread)
        assert (across + 1) * view.spread <= max(view.dots[1], view.spread)


@given(SHAPES, DOTS)
def test_zooms_go_from_single_pixels_to_the_whole_image(shape: tuple[int, int], dots: tuple[int, int]) -> None:
    """There and back through the same steps."""
    view = whole_image(shape, dots)
    there = [view.zoom]
    while (zoom := closer(view)) is not None:
        view = view.zoomed(zoom)
        there.append(zoom)
    assert there[-1] == CLOSEST
    back = [view.zoom]
    while (zoom := farther(view)) is not None:
        view = view.zoomed(zoom)
        back.append(zoom)
    assert back == there[::-1]
    assert view.whole


def test_most_steps_scroll_nothing() -> None:
    """When the cursor leaves the page, the page moves by half."""
    view = View((1000, 1000), (20, 40), 1)
    tops = []
    for slow in range(100):
        view = view.at((slow, 0))
        tops.append(view.top)
    assert tops[:20] == [0] * 20
    assert len(set(tops)) == 9


def test_zooming_holds_the_place_on_the_screen() -> None:
    """As far as the image goes on all sides."""
    view = View((1000, 1000), (40, 80), 4, 200, 200, (280, 360))
    near = view.zoomed(1)
    assert near.cursor_block == view.cursor_block == (20, 40)
    assert near.zoomed(4).window == view.window


def test_blocks_at_the_edge_are_cut() -> None:
    """No pixel outside the image belongs to one."""
    view = whole_image((10, 7), (3, 3))
    assert view.block == 4
    last = view.at((9, 6))
    assert last.block_at((9, 6)) == last.block_at((8, 4))
    assert (last.block_at((9, 6)).height, last.block_at((9, 6)).width) == (2, 3)
    assert last.beside(1, 1) is None
    assert view.pixel_of(2, 1) == (8, 4)
    assert view.pixel_of(3, 0) is None


def test_a_small_image_is_drawn_large() -> None:
    """Four traced pixels fill the screen, up to a limit."""
    view = whole_image((2, 2), (36, 74))
    assert (view.zoom, view.spread, view.block) == (CLOSEST, 16, 1)
    assert whole_image((10, 10), (36, 74)).spread == 3
    assert view.pixel_of(17, 15) == (1, 0)
