"""How much the pixel depends on a quantity, by automatic differentiation."""

from __future__ import annotations

import numpy as np
import pytest

from braggtrace.corpus.pairs import read_text as read
from braggtrace.replay.sensitivity import sensitivity
from tests.replay.pairs import Walked, scaled, text_of, trace_of, walked


@pytest.fixture(scope="module")
def walk() -> Walked:
    """A pair whose reference is right."""
    return walked(trace_of(), trace_of({"polar": scaled(1.5)}))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("polar", 1.0), ("omega_pixel_sr", 1.0), ("I_pixel_final", 1.0), ("F_latt", 2.0), ("F_cell", 2.0), ("steps", 1.0)],
)
def test_powers_are_their_own_sensitivity(walk: Walked, name: str, expected: float) -> None:
    """The pixel is proportional to a power of these."""
    found = sensitivity(walk.judgement, walk.book.reference, name, 0)
    assert found == pytest.approx(expected, rel=1e-9)


def test_it_is_the_slope_of_the_simulation() -> None:
    """A change of one part in a million of the distance to the pixel, simulated anew, changes the pixel as it says."""
    step = 1e-6
    plain, moved = trace_of(), read(text_of({"R_distance_meters": scaled(1 + step)}), "moved.log")
    walk = walked(plain, moved)
    values = [side.nodes["I_pixel_final"].values[0, 0] for side in walk.book.sides]
    slope = abs(values[1] / values[0] - 1.0) / step
    found = sensitivity(walk.judgement, walk.book.reference, "R_distance_meters", 0)
    assert found == pytest.approx(slope, rel=1e-3)


def test_what_the_pixel_does_not_depend_on_has_none(walk: Walked) -> None:
    """A node that nothing comes from."""
    found = sensitivity(walk.judgement, walk.book.reference, "stol", 0)
    assert found is None or found == pytest.approx(0.0)
    assert sensitivity(walk.judgement, walk.book.reference, "no_such_node", 0) is None


def test_numbers_that_are_none_have_no_slope() -> None:
    """A NaN in the node gives no answer instead of a NaN."""
    walk = walked(trace_of(), trace_of({"polar": scaled(np.nan)}))
    assert sensitivity(walk.judgement, walk.book.candidate, "polar", 0) is None
