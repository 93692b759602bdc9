"""What a column records: which node, in which loop, in which unit."""

from __future__ import annotations

from pathlib import Path

import pytest

from braggtrace.replay.nodes import PLACES, Place, catalogue_name, node_of
from braggtrace.trace.model import Column
from braggtrace.trace.reader import read_trace

TRACE = """\
TRACE_C: distance_meters 0.1
TRACE_C: lambda_angstroms 1.1
TRACE_C: lambda_meters 1.1e-10
TRACE_C_SOURCE source=0 dir_x=-1 dir_y=0 dir_z=0 lambda_meters=1.1e-10
TRACE_C_MOSAIC mos_tic=0 u00=1 u01=0 u02=0 u10=0 u11=1 u12=0 u20=0 u21=0 u22=1
TRACE_C: detector_convention MOSFLM
TRACE_C: pixel 3 4
TRACE_C: lambda_angstroms 1.1
TRACE_C: polar 0.9
TRACE_C: hkl_frac 1.1 2.2 3.3
TRACE_C: F_latt 5
TRACE_C_SUBPIXEL thick_tic=0 subS=0 subF=0 source=0 polar=0.9 omega_pixel=1e-6
TRACE_C_PHI phi_tic=0 mos_tic=0 source=0 subS=0 subF=0 thick_tic=0 h_frac=1.1 k_frac=2.2 F_latt=5
TRACE_C: I_before_scaling 12
TRACE_C: polar 0.9
TRACE_C: I_pixel_final 3
TRACE_C: no_such_quantity 3
"""


@pytest.fixture
def columns(tmp_path: Path) -> list[Column]:
    """The columns of a small trace."""
    path = tmp_path / "trace.log"
    path.write_text(TRACE, encoding="utf-8")
    return list(read_trace(str(path)).columns)


def nodes(columns: list[Column], name: str) -> set[tuple[tuple[str, ...], Place]]:
    """What the columns of a name record."""
    found = [node_of(column) for column in columns if column.key.name == name]
    return {(node.names, node.place) for node in found if node is not None}


def test_a_name_may_stand_for_several_nodes(columns: list[Column]) -> None:
    """Polar is a factor of a sample; at the end of a pixel it is the factor that was used."""
    assert nodes(columns, "polar") == {(("polar",), Place.SAMPLE), (("pixel_polar",), Place.PIXEL)}
    assert nodes(columns, "lambda_meters") == {(("lambda_meters",), Place.RUN), (("lambda_of_source",), Place.SOURCE)}
    assert nodes(columns, "lambda_angstroms") == {
        (("run_lambda_angstroms",), Place.RUN),
        (("lambda_angstroms",), Place.SAMPLE),
    }


def test_a_column_may_hold_several_nodes(columns: list[Column]) -> None:
    """h, k and l on one line."""
    assert nodes(columns, "hkl_frac") == {(("h_frac", "k_frac", "l_frac"), Place.ITERATION)}
    assert nodes(columns, "h_frac") == {(("h_frac",), Place.ITERATION)}


def test_lines_of_the_loops_have_their_place(columns: list[Column]) -> None:
    """Each kind of line belongs to one of the loops."""
    assert nodes(columns, "u") == {(("u",), Place.MOSAIC)}
    assert nodes(columns, "omega_pixel") == {(("omega_pixel_sr",), Place.SAMPLE)}
    assert nodes(columns, "F_latt") == {(("F_latt",), Place.ITERATION)}
    assert nodes(columns, "I_pixel_final") == {(("I_pixel_final",), Place.PIXEL)}


def test_words_and_unknown_names_are_no_nodes(columns: list[Column]) -> None:
    """They are no numbers that a step computes."""
    assert nodes(columns, "detector_convention") == set()
    assert nodes(columns, "no_such_quantity") == set()


def test_another_unit_is_brought_into_the_catalogues(tmp_path: Path) -> None:
    """A name in millimetres is the same node, times a thousandth."""
    path = tmp_path / "trace.log"
    path.write_text("TRACE_C: distance_mm 100\n", encoding="utf-8")
    (column,) = read_trace(str(path)).columns
    node = node_of(column)
    assert node is not None
    assert node.names == ("distance_meters",)
    assert node.factor == pytest.approx(1e-3)


def test_nodes_have_the_catalogues_names() -> None:
    """For people."""
    assert catalogue_name("pixel_polar") == "polar"
    assert catalogue_name("lambda_of_source") == "lambda_meters"
    assert catalogue_name("F_latt") == "F_latt"


def test_inner_loops_lie_in_outer_ones() -> None:
    """The counters of a table are those of the one around it and more."""
    assert PLACES[Place.ITERATION][: len(PLACES[Place.SAMPLE])] == PLACES[Place.SAMPLE]
    assert PLACES[Place.SAMPLE][:1] == PLACES[Place.PIXEL]
