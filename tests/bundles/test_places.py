"""First divergences as data: where they are and which comes first."""

from __future__ import annotations

from typing import Any

import pytest

from braggtrace.bundles.places import Change, change, first_divergence, is_earlier, plainly
from tests.compare.build import compared

FRAME = "pixel 1 2\n"


def place(reference: str, candidate: str) -> dict[str, Any]:
    """The first divergence of two texts."""
    comparison = compared(reference, candidate)
    found = first_divergence(comparison, comparison.first)
    assert found is not None
    return found


def at(quantity: str, pixel: tuple[int, int] | None = (1, 2), occurrence: int = 0, **tics: int) -> dict[str, Any]:
    """A place."""
    where = None if pixel is None else list(pixel)
    coordinate = {"quantity": quantity, "candidate_name": quantity, "pixel": where, "coordinate": tics}
    return {**coordinate, "occurrence": occurrence, "component": 0}


def test_numbers_are_numbers() -> None:
    """With the place in words."""
    found = place(FRAME + "rot_a 1 2 3", FRAME + "rot_a 1 2.5 3")
    assert found["place"] == "rot_a.y at pixel 1 2"
    assert found["reference"] == [1.0, 2.0, 3.0]
    assert found["candidate"] == [1.0, 2.5, 3.0]
    assert found["rel"] == pytest.approx(1 / 6)
    assert plainly(found) == "rot_a.y at pixel 1 2, rel 1.7e-01"


@pytest.mark.parametrize(
    ("reference", "candidate", "words"),
    [
        ("xtal_shape SQUARE", "xtal_shape GAUSS", "xtal_shape at the whole run: SQUARE against GAUSS"),
        (FRAME + "F_cell 3", FRAME + "F_cell nan", "F_cell at pixel 1 2: 3 against no number"),
        (FRAME + "F_cell inf", FRAME + "F_cell 3", "F_cell at pixel 1 2: no number against 3"),
    ],
)
def test_what_has_no_difference_shows_both_sides(reference: str, candidate: str, words: str) -> None:
    """Words and what is no number."""
    assert plainly(place(reference, candidate)) == words


def test_nothing_diverges() -> None:
    """Then there is no place."""
    comparison = compared("a 1", "a 1")
    assert first_divergence(comparison, comparison.first) is None


@pytest.mark.parametrize(
    ("early", "late"),
    [
        (at("distance_meters", None), at("rot_a", (0, 0))),
        (at("I_pixel_final", (1, 1)), at("rot_a", (1, 2))),
        (at("rot_a"), at("F_latt")),
        (at("F_latt", phi_tic=0), at("F_latt", phi_tic=1)),
        (at("F_latt", source=0, phi_tic=5), at("F_latt", source=1, phi_tic=0)),
        (at("F_cell"), at("unheard_of")),
        (at("polar", occurrence=0), at("polar", occurrence=1)),
    ],
)
def test_order(early: dict[str, Any], late: dict[str, Any]) -> None:
    """The run first, then pixels, step order, loop order."""
    assert is_earlier(early, late)
    assert not is_earlier(late, early)
    assert change(early, late) is Change.LATER
    assert change(late, early) is Change.EARLIER


def test_changes() -> None:
    """An alias, another component and an untraced counter are the same place."""
    assert change(None, None) is Change.NONE
    assert change(None, at("rot_a")) is Change.APPEARED
    assert change(at("rot_a"), None) is Change.VANISHED
    assert change(at("rot_a", phi_tic=0), at("rot_a_angstroms") | {"component": 2}) is Change.STAYED
