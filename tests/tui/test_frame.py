"""The rows of the table: grouping, folding, filtering, and names of places that last."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from braggtrace.compare.model import Comparison
from braggtrace.compare.view import rows_of_pixel
from braggtrace.quantities import Level
from braggtrace_tui.frame import Frame, build_frame, build_layout, default_folds, open_header
from braggtrace_tui.navigate import axes_of, next_row, next_same, next_step, series_along, steps_of
from braggtrace_tui.pieces import plain
from braggtrace_tui.rowtext import Columns, Measure, columns_for, group_title, heading, row_line
from braggtrace_tui.search import matches
from braggtrace_tui.session import Session


def frame_of(comparison: Comparison, pixel: int = 0) -> Frame:
    """The rows of the run and of a pixel."""
    return build_frame(comparison, pixel, [rows_of_pixel(comparison, -1), rows_of_pixel(comparison, pixel)])


def test_rows_stand_in_step_order(comparison: Comparison) -> None:
    """Run before pixel, samples before iterations before the total; every value once."""
    frame = frame_of(comparison)
    levels = [(not key.run, key.level) for key in frame.groups]
    assert levels == sorted(levels)
    assert len(frame) == len({(pairing, row) for pairing, row in zip(frame.pairing, frame.row, strict=True)})
    for group in range(len(frame.groups)):
        orders = [
            comparison.pairings[index].order for index in frame.pairing[frame.start[group] : frame.start[group + 1]]
        ]
        assert orders == sorted(orders)


def test_the_first_divergence_is_open_and_the_rest_is_folded(comparison: Comparison) -> None:
    """One look is enough: its group is open, what agrees is one line."""
    frame = frame_of(comparison)
    assert comparison.first is not None
    first = frame.find(*comparison.first)
    assert first is not None
    folded = default_folds(frame, room=20)
    layout = build_layout(frame, folded, None, frozenset())
    assert layout.line_of(first) is not None
    assert folded[: len(frame.groups)].sum() > len(frame.groups) / 2
    assert group_title(frame, int(frame.group[first])) == "phi_tic 0  phi 0°"


def test_small_traces_are_not_folded(comparison: Comparison) -> None:
    """What fits on the screen is shown."""
    frame = frame_of(comparison)
    assert not default_folds(frame, room=10_000).any()


def test_everything_open_shows_every_row_and_header_once(comparison: Comparison) -> None:
    """The layout leaves nothing out."""
    frame = frame_of(comparison)
    layout = build_layout(frame, np.zeros(frame.headers, np.bool_), None, frozenset())
    rows = [int(row) for row in layout.rows]
    many = sum(frame.section_size(section) > 1 for section in range(len(frame.section_start) - 1))
    assert sorted(row for row in rows if row >= 0) == list(range(len(frame)))
    assert len([row for row in rows if row < 0]) == len(frame.groups) + many


def test_a_filter_hides_groups_without_rows(comparison: Comparison) -> None:
    """Only the groups that hold what was asked for stay."""
    frame = frame_of(comparison)
    keep = frame.diverges
    layout = build_layout(frame, np.zeros(frame.headers, np.bool_), keep, frozenset())
    assert {int(row) for row in layout.rows if row >= 0} == set(np.flatnonzero(keep).tolist())
    assert not any("run: " in group_title(frame, -1 - int(row)) for row in layout.rows if row < 0)


def test_an_expanded_vector_shows_its_components(comparison: Comparison) -> None:
    """The row stays, its components follow."""
    frame = frame_of(comparison)
    vector = int(np.flatnonzero(frame.width == 3)[0])
    layout = build_layout(frame, np.zeros(frame.headers, np.bool_), None, frozenset({vector}))
    line = layout.line_of(vector)
    assert line is not None
    assert [int(each) for each in layout.components[line : line + 5]] == [-1, 0, 1, 2, -1]


def test_opening_a_group_opens_its_section(comparison: Comparison) -> None:
    """A group inside a folded section would stay invisible."""
    frame = frame_of(comparison)
    step = steps_of(frame)[3]
    folded = open_header(frame, np.ones(frame.headers, np.bool_), step)
    layout = build_layout(frame, folded, None, frozenset())
    assert layout.line_of(int(frame.start[step])) is not None


def test_places_last(comparison: Comparison) -> None:
    """A place is found again in another frame of the same pixel, and in another pixel."""
    frame, other = frame_of(comparison), frame_of(comparison, 2)
    row = int(np.flatnonzero(frame.diverges)[0])
    group, found = other.locate(frame.anchor(row))
    assert group is not None
    assert found is not None
    assert other.pairing[found] == frame.pairing[row]
    assert frame.locate(frame.header_anchor(frame.headers - 1))[0] in (frame.headers - 1, len(frame.groups) - 1)


def test_a_step_keeps_the_quantity(comparison: Comparison) -> None:
    """From one phi step to the next, the cursor stays on the same name."""
    frame = frame_of(comparison)
    steps = steps_of(frame)
    row = int(frame.start[steps[0]]) + 3
    found = next_step(frame, steps[0], row, 1)
    assert found is not None
    assert found[0] == steps[1]
    assert found[1] is not None
    assert frame.pairing[found[1]] == frame.pairing[row]
    assert next_step(frame, steps[-1], None, 1) is None


def test_the_next_place_of_a_quantity_may_be_in_another_pixel(comparison: Comparison) -> None:
    """The walk follows one quantity through all pixels and ends."""
    assert comparison.first is not None
    pairing, row = comparison.first
    pixels = []
    while (target := next_same(comparison, pairing, row, 1)) is not None:
        row = target.row
        pixels.append(target.pixel)
    assert pixels == sorted(pixels)
    assert len(set(pixels)) > 1


def test_rows_before_and_after() -> None:
    """Next and previous skip what is not wanted."""
    wanted = np.array([True, False, True, False])
    assert (next_row(wanted, 0, 1), next_row(wanted, 2, 1), next_row(wanted, 2, -1), next_row(wanted, -1, 1)) == (
        2,
        None,
        0,
        0,
    )


def test_a_quantity_along_phi(comparison: Comparison) -> None:
    """The plot takes one value a phi step, of this pixel and subpixel only."""
    assert comparison.first is not None
    index, row = comparison.first
    pair = comparison.pairings[index]
    assert axes_of(pair, row)[0] == "phi_tic"
    series = series_along(pair, row, 1, "phi_tic")
    assert series.tics.tolist() == list(range(10))
    assert series.current == 0
    assert series.diverges.tolist() == [True] + [False] * 9


def test_lines_are_as_wide_as_their_columns(comparison: Comparison) -> None:
    """Whatever the width of the terminal, cells stand under their headings."""
    frame = frame_of(comparison)
    for width in (40, 64, 80, 120, 200):
        columns = columns_for(width, 22, 24)
        assert columns.total == width
        for measure in Measure:
            assert len(plain(heading(columns, measure))) == width
            for row in range(0, len(frame), 7):
                line = row_line(frame, row, -1, columns, measure, first=False, expanded=False)
                assert len(plain(line)) == width


def test_a_row_says_verdict_name_and_both_values(comparison: Comparison) -> None:
    """Read as a line of text it makes sense."""
    frame = frame_of(comparison)
    assert comparison.first is not None
    row = frame.find(*comparison.first)
    assert row is not None
    line = plain(row_line(frame, row, -1, Columns(10, 20, 20, 7), Measure.REL, first=True, expanded=False))
    assert line.split() == ["≠", "first", "rot_a.y", "0.57066091685103237", "0.52014934029535964", "0.00157"]


def test_a_value_on_one_side_only(write: Callable[[str, str], str]) -> None:
    """The side that lacks it shows a dash; the verdict says missing."""
    reference = write("c.log", "TRACE_C: pixel 1 2\nTRACE_C: polar 1\nTRACE_C: omega_pixel 2\nTRACE_C: F_latt 3\n")
    candidate = write("p.log", "TRACE_PY: pixel 1 2\nTRACE_PY: polar 1\nTRACE_PY: omega_pixel 2\n")
    frame = frame_of(Session(reference, candidate).read_all().comparison)
    row = int(np.flatnonzero(frame.verdict == 2)[0])
    line = plain(row_line(frame, row, -1, columns_for(80, 10, 10), Measure.REL, first=False, expanded=False))
    assert "- missing" in line
    assert "—" in line
    assert frame.groups[frame.group[row]].level is Level.ITERATION


def test_filters_match_parts_patterns_and_every_word() -> None:
    """As people type them."""
    names = ("F_latt_a", "F_latt")
    assert matches("latt", names)
    assert matches("f_LATT", names)
    assert matches("f_*_a", names)
    assert matches("latt _a", names)
    assert not matches("latt _b", names)
    assert not matches("latt*b", names)
