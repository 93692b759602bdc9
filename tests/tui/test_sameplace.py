"""The cursor's place in another comparison, of which a side was written by another program."""

from __future__ import annotations

from pathlib import Path

import pytest

from braggtrace.compare.view import rows_of_pixel
from braggtrace_tui.frame import Anchor, Frame, build_frame
from braggtrace_tui.sameplace import find_again
from braggtrace_tui.session import Session


def frame_of(reference: Path, candidate: Path) -> Frame:
    """The first pixel of a comparison."""
    comparison = Session(str(reference), str(candidate)).read_all().comparison
    return build_frame(comparison, 0, [rows_of_pixel(comparison, -1), rows_of_pixel(comparison, 0)])


def place_of(frame: Frame, name: str) -> Anchor:
    """A quantity of the inner loop at phi_tic 0, by its name."""
    for row in range(len(frame)):
        pairing = frame.comparison.pairings[frame.pairing[row]]
        if pairing.name == name and any(tic == 0 for tic in frame.groups[frame.group[row]].tics):
            return frame.anchor(row)
    raise AssertionError(name)


def name_at(frame: Frame, row: int | None) -> str:
    """The quantity of a row."""
    assert row is not None
    return str(frame.comparison.pairings[frame.pairing[row]].name)


@pytest.mark.parametrize("quantity", ["rot_a", "k_frac", "F_latt"])
@pytest.mark.parametrize(
    ("reference", "candidate"),
    [
        ("c_against_torch/candidate.log", "stale_phi_zero/candidate.log"),  # PyTorch's is the reference now
        ("stale_phi_zero/reference.log", "c_against_torch/candidate.log"),
        ("stale_phi_zero/candidate.log", "stale_phi_zero/reference.log"),
    ],
)
def test_a_quantity_is_found_at_the_same_coordinate(
    sample_traces: Path, quantity: str, reference: str, candidate: str
) -> None:
    """Whoever wrote the sides."""
    before = frame_of(sample_traces / "stale_phi_zero/reference.log", sample_traces / "stale_phi_zero/candidate.log")
    place = place_of(before, quantity)
    after = frame_of(sample_traces / reference, sample_traces / candidate)
    group, row = find_again(after, place)
    assert name_at(after, row) == quantity
    assert group is not None
    assert {max(tic, 0) for tic in after.groups[group].tics} == {0}


def test_counters_that_a_program_does_not_write_are_zero(sample_traces: Path) -> None:
    """The older program names fewer loops, and no pixel."""
    before = frame_of(sample_traces / "stale_phi_zero/reference.log", sample_traces / "stale_phi_zero/candidate.log")
    older = frame_of(sample_traces / "older_program/reference.log", sample_traces / "older_program/candidate.log")
    _, row = find_again(older, place_of(before, "k_frac"))
    assert name_at(older, row) == "k_frac"


def test_a_group_is_found_and_what_is_gone_is_not(sample_traces: Path) -> None:
    """A group's own line has a place too."""
    frame = frame_of(sample_traces / "stale_phi_zero/reference.log", sample_traces / "stale_phi_zero/candidate.log")
    place = place_of(frame, "rot_a")
    assert find_again(frame, Anchor(place.pixel, place.group)) == (frame.groups.index(place.group), None)
    other = frame_of(sample_traces / "swallowed_seed/reference.log", sample_traces / "swallowed_seed/candidate.log")
    assert find_again(other, place) == (None, None)
