"""Two traces on common tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from braggtrace.compare.judge import compare
from braggtrace.compare.model import Comparison
from braggtrace.replay.nodes import Place
from braggtrace.replay.reading import read_book
from braggtrace.replay.tables import locate
from braggtrace.trace.reader import read_trace


def pair(folder: Path) -> Comparison:
    """The bundled stale vectors."""
    sides = ("reference", "candidate")
    reference, candidate = (read_trace(str(folder / "stale_phi_zero" / f"{side}.log")) for side in sides)
    return compare(reference, candidate)


def test_tables_have_a_row_for_each_time_round(sample_traces: Path) -> None:
    """Two of four pixels, ten iterations each; the same rows on both sides."""
    book = read_book(pair(sample_traces), [1, 2])
    tables = book.tables
    assert tables.pixels.tolist() == [[1639, 967], [1640, 966]]
    assert [tables.count(place) for place in (Place.RUN, Place.PIXEL, Place.SAMPLE, Place.ITERATION)] == [1, 2, 2, 20]
    assert tables.counter(Place.ITERATION, "phi_tic") is not None
    assert tables.varies(Place.ITERATION, "phi_tic")
    assert not tables.varies(Place.ITERATION, "mos_tic")
    for side in book.sides:
        assert side.nodes["F_latt"].present.sum() == 20
        assert side.nodes["I_pixel_final"].values.shape == (2, 1)


def test_rows_lie_in_rows_of_outer_tables(sample_traces: Path) -> None:
    """Ten iterations in each of two pixels."""
    tables = read_book(pair(sample_traces), [1, 2]).tables
    assert tables.rows(Place.ITERATION, Place.PIXEL).tolist() == [0] * 10 + [1] * 10
    assert tables.rows(Place.ITERATION, Place.RUN).tolist() == [0] * 20
    assert (tables.rows(Place.RUN, Place.ITERATION) == -1).all()
    before = tables.moved(Place.ITERATION, "phi_tic", -1)
    assert before is not None
    assert before[:3].tolist() == [-1, 0, 1]
    assert tables.moved(Place.ITERATION, "mos_tic", -1) is None


def test_lines_that_repeat_a_value_are_copies(sample_traces: Path) -> None:
    """The main line's lattice factor is that of the first iteration."""
    side = read_book(pair(sample_traces), [0]).reference
    (copy,) = side.copies["F_latt_b"]
    node = side.nodes["F_latt_b"]
    assert copy.recorded.present.sum() == 1
    assert copy.recorded.values[0] == node.values[0]


def test_what_diverges_is_what_the_comparison_found(sample_traces: Path) -> None:
    """Row by row."""
    book = read_book(pair(sample_traces), [0])
    diverges = book.diverges(book.reference.nodes["rot_b_angstroms"])
    assert diverges.tolist() == [True] + [False] * 9


def test_no_pixel_leaves_the_run(sample_traces: Path) -> None:
    """Its values are there, and tables without rows."""
    book = read_book(pair(sample_traces), [])
    assert book.tables.count(Place.ITERATION) == 0
    assert book.reference.number("pixel_size_meters") == pytest.approx(0.000172)
    assert book.reference.flag("no_such_flag", 7) == 7


def test_keys_are_found_in_sorted_tables() -> None:
    """And what is not there is −1, also with counters that a product would overflow."""
    table = np.array([[0, 0], [0, 5], [2, 0], [2**40, 2**41]], dtype=np.int64)
    keys = np.array([[2, 0], [0, 5], [2, 5], [2**40, 2**41], [-1, 0]], dtype=np.int64)
    assert locate(table, keys).tolist() == [2, 1, -1, 3, -1]
    assert locate(table[:0], keys).tolist() == [-1] * 5
