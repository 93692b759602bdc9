"""Tiles cover what is to be rendered, once and in order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from braggtrace.simulate.model import Model
from braggtrace.simulate.quirks import PROFILES
from braggtrace.simulate.resolve import resolve
from braggtrace.simulate.tiles import Tile, tiles
from tests.simulate.builders import experiment

WHOLE = resolve(experiment(PROFILES["spec"]))
ROWS, COLUMNS = WHOLE.shape
SLOW = st.integers(0, ROWS - 1)
FAST = st.integers(0, COLUMNS - 1)


@st.composite
def models(draw: st.DrawFn) -> Model:
    """Any region of interest, also empty or beyond the image, with or without a mask."""
    mask = draw(st.none() | st.lists(st.booleans(), min_size=ROWS * COLUMNS, max_size=ROWS * COLUMNS))
    roi = draw(st.tuples(SLOW, st.integers(-1, ROWS + 2), FAST, st.integers(-1, COLUMNS + 2)))
    return replace(WHOLE, roi=roi, mask=None if mask is None else np.reshape(mask, WHOLE.shape))


@given(models(), st.integers(1, 200), st.none() | st.tuples(SLOW, SLOW))
def test_all_pixels_come_once_and_in_loop_order(model: Model, size: int, between: tuple[int, int] | None) -> None:
    """The tiles one after the other are the pixels to render, none larger than asked for."""
    rows = None if between is None else range(*between)
    pieces = list(tiles(model, size, rows))
    assert all(0 < len(piece) <= size for piece in pieces)
    places = [piece.places(COLUMNS) for piece in pieces]
    found = np.concatenate([np.empty(0, dtype=np.int64), *places])
    assert found.tolist() == model.rendered(rows).tolist()


@given(models(), st.integers(1, 200))
def test_pixels_are_found_where_they_are(model: Model, size: int) -> None:
    """Coordinates, places and `find` tell the same, and values land on their pixels."""
    image = torch.full(WHOLE.shape, -1.0, dtype=torch.float64)
    for piece in tiles(model, size):
        slow, fast = piece.coordinates()
        places = piece.places(COLUMNS)
        assert (slow * COLUMNS + fast).tolist() == places.tolist()
        for number in (0, len(piece) // 2, len(piece) - 1):
            pixel = piece.pixel(number)
            assert pixel == (int(slow[number]), int(fast[number]))
            assert piece.find(*pixel) == number
        piece.write(image, torch.from_numpy(places).double())
    expected = torch.full(WHOLE.shape, -1.0, dtype=torch.float64)
    places = model.rendered()
    expected.view(-1)[torch.from_numpy(places)] = torch.from_numpy(places).double()
    assert torch.equal(image, expected)


@pytest.mark.parametrize("pixel", [(1, 4), (4, 4), (2, 3), (2, 7), (3, 5)])
def test_other_pixels_are_not_found(pixel: tuple[int, int]) -> None:
    """Outside the box, or masked in it."""
    used = np.ones((2, 3), dtype=np.bool_)
    used[1, 1] = False
    assert Tile(range(2, 4), range(4, 7), used).find(*pixel) is None
