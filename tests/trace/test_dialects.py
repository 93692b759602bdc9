"""What each kind of line says."""

from __future__ import annotations

from pathlib import Path

import pytest

from braggtrace.trace.model import Column, ColumnKey, Trace
from braggtrace.trace.reader import read_trace

MOSAIC = "TRACE_C_MOSAIC mos_tic=1 u00=1 u01=2 u02=3 u10=4 u11=5 u12=6 u20=7 u21=8 u22=9"
TAP = "TRACE_C_TAP5_HKL: subpixel=0 1 hkl_frac=1.5 2 3 h0=1 k0=2 l0=3 F_cell=9 out_of_bounds=0"


def read(tmp_path: Path, text: str) -> Trace:
    """The trace that a text holds."""
    path = tmp_path / "trace.log"
    path.write_text(text, encoding="utf-8")
    return read_trace(path)


def only(trace: Trace, name: str) -> Column:
    """The only column of a name."""
    (column,) = [column for column in trace.columns if column.key.name == name]
    return column


@pytest.mark.parametrize(
    ("line", "family", "name", "values"),
    [
        ("TRACE_C: F_latt 2.5", "", "F_latt", [2.5]),
        ("TRACE_PY: hkl_frac 1 2.5 -3", "", "hkl_frac", [1, 2.5, -3]),
        ("TRACE_C:distance_m=0.1", "", "distance_m", [0.1]),
        ("TRACE_C:fdet_after_rotz=0 0 1", "", "fdet_after_rotz", [0, 0, 1]),
        ("TRACE_C:Rx=[1 0 0; 0 0.5 -0.8; 0 0.8 0.5]", "", "Rx", [1, 0, 0, 0, 0.5, -0.8, 0, 0.8, 0.5]),
        ("TRACE_C:angles_rad=rotx:0.1 roty:0.2 rotz:0.3", "", "angles_rad", [0.1, 0.2, 0.3]),
        ("TRACE_C:beam_center_m=X:0.001 Y:0.002", "", "beam_center_m", [0.001, 0.002]),
        ("TRACE_C_SOURCE2: F_latt 4", "SOURCE2", "F_latt", [4]),
        ("TRACE_C_TAP5: F_cell 7", "TAP5", "F_cell", [7]),
        ("TRACE_C_PHI phi_tic=3 phi_deg=0.3 F_latt=-1.25", "PHI", "F_latt", [-1.25]),
        ("TRACE_C_PHI phi_tic=3 rot_a_x=1 rot_a_y=2 rot_a_z=3", "PHI", "rot_a", [1, 2, 3]),
        ("TRACE_PY_ROTSTAR phi_tic=0 ap_y=1 bp_y=2 cp_y=3", "ROTSTAR", "bp_y", [2]),
        ("TRACE_C_SUBPIXEL subS=0 source=2 stol=1.5 polar=3", "SUBPIXEL", "stol", [1.5]),
        ("TRACE_C_SOURCE source=0 dir_x=-1 dir_y=-0 dir_z=0 lambda_meters=1e-10", "SOURCE", "dir", [-1, 0, 0]),
        (MOSAIC, "MOSAIC", "u", [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (TAP, "TAP5_HKL", "hkl_frac", [1.5, 2, 3]),
        ("TRACE_PY_TRICUBIC: [0,1,2]=127.89", "TRICUBIC", "tricubic_grid", [127.89]),
        ("TRACE_PY_TRICUBIC_H_COORDS: [-8.0, -7.0, -6.0, -5.0]", "TRICUBIC", "tricubic_h_coords", [-8, -7, -6, -5]),
        ("TRACE:   a_star = [0.1, 0.2, 0.3] |a_star| = 0.374166", "prose", "a_star", [0.1, 0.2, 0.3]),
        ("TRACE:   a_star = [0.1, 0.2, 0.3] |a_star| = 0.374166", "prose", "|a_star|", [0.374166]),
        ("TRACE_C_PHI phi_tic=0 h=1.5 k=2.5 l=3.5", "PHI", "k", [2.5]),
        ("INFO:root:TRACE_PY2: F_cell: 300", "", "F_cell", [300]),
        ("TRACE_PY: rot_a tensor([1.5, 2, 3], dtype=torch.float64)", "", "rot_a", [1.5, 2, 3]),
        ("DETECTOR_FAST_AXIS 0 0 1", "", "DETECTOR_FAST_AXIS", [0, 0, 1]),
        ("  TRACE_C: F_latt   -inf", "", "F_latt", [float("-inf")]),
        ("TRACE_C: someone_elses 1 2 3 4 5", "", "someone_elses", [1, 2, 3, 4, 5]),
    ],
)  # fmt: skip
def test_every_form_of_line_is_read(tmp_path: Path, line: str, family: str, name: str, values: list[float]) -> None:
    """The numbers of a line become the components of the quantity that it names."""
    trace = read(tmp_path, line + "\n")
    (column,) = [column for column in trace.columns if column.key.name == name]
    assert column.key.family == family
    assert column.values.tolist() == [values]
    assert not trace.unreadable
    assert trace.skipped == 0


def test_loop_counters_are_coordinates(tmp_path: Path) -> None:
    """Counters in a line place its values; a subpixel pair and a numbered source family count too."""
    trace = read(
        tmp_path,
        "TRACE_C: pixel 4 7\n"
        "TRACE_C_PHI phi_tic=3 mos_tic=1 source=2 F_latt=1\n"
        "TRACE_C_TAP5_HKL: subpixel=0 1 h0=1\n"
        "TRACE_C_SOURCE2: F_cell 3\n",
    )
    coordinates = {column.key.name: str(trace.coordinate(column, 0)) for column in trace.columns}
    assert coordinates == {
        "F_latt": "pixel 4 7, source 2, phi_tic 3, mos_tic 1",
        "h0": "pixel 4 7, subS 0, subF 1",
        "F_cell": "pixel 4 7, source 2",
    }


@pytest.mark.parametrize(
    "line",
    [
        "TRACE_CONFIG: tracing pixel (spixel=38, fpixel=44)",
        "TRACE_PY: pixel 38 44",
        "TRACE_C:pixel=38 44",
        "TRACE_C: pixel = 38 44",
        "TRACE_C: pixel: (38, 44)",
        "TRACE_C: pixel [38, 44]",
        "TRACE_C: pixel fast=44 slow=38",
        "TRACE_PY_PIXEL slow=38 fast=44",
        "TRACE_TORCH_GPU: pixel 38 44",
        "INFO:root:TRACE_PY: pixel 38 44",
    ],
)
def test_a_line_can_say_which_pixel_follows(tmp_path: Path, line: str) -> None:
    """Slow comes first, and lines after it belong to that pixel."""
    trace = read(tmp_path, f"{line}\nTRACE_C: F_latt 1\n")
    assert trace.pixels.tolist() == [[38, 44]]
    assert trace.coordinate(only(trace, "F_latt"), 0).pixel == (38, 44)


def test_words_are_text_values(tmp_path: Path) -> None:
    """A value that is no number is kept as text."""
    trace = read(tmp_path, "TRACE_C: xtal_shape SQUARE\nTRACE_C:convention_mapping=Fbeam←Ybeam_mm + half a pixel\n")
    shape, mapping = only(trace, "xtal_shape"), only(trace, "convention_mapping")
    assert shape.is_text
    assert trace.text(shape, 0, 0) == "SQUARE"
    assert trace.text(mapping, 0, 0) == "Fbeam←Ybeam_mm + half a pixel"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("TRACE_C: F_latt 1 2", "'F_latt' has 2 values, expected 1"),
        ("TRACE_C: rot_a_angstroms 1 2", "'rot_a_angstroms' has 2 values, expected 3"),
        ("TRACE_C: F_latt", "'F_latt' has no value"),
        ("TRACE_C: F_latt 12TRACE_C: F_cell 100", "'F_latt' is '12TRACE_C:', expected a number"),
        ("TRACE_C: F_latt 5:6", "'F_latt' is '#:#', expected a number"),
        ("TRACE_C: [1, 2]", "a list without a name"),
        ("TRACE_C:", "no known form of trace line"),
        ("TRACE_C_PH", "no known form of trace line"),
        ("50% doneTRACE_C: F_latt 1", "a trace line begins in the middle of this line"),
    ],
)
def test_a_damaged_trace_line_is_reported(tmp_path: Path, line: str, reason: str) -> None:
    """A line that looks like trace but can't be read is kept with its number and the reason."""
    trace = read(tmp_path, f"TRACE_C: polar 1\n{line}\nTRACE_C: omega_pixel 2\n")
    (unreadable,) = trace.unreadable
    assert (unreadable.line, unreadable.text, unreadable.reason) == (2, line, reason)
    assert len(trace.columns) == 2


def test_program_output_is_skipped_and_counted(tmp_path: Path) -> None:
    """Progress lines and summaries are no trace and no error; empty lines are nothing."""
    trace = read(tmp_path, "2% done\n\nTRACE_C: polar 1\nmax_I = 4467.08 at 0.0079 0.0093\nTRACE: Cell stage\n")
    assert trace.skipped == 3
    assert not trace.unreadable
    assert [column.key for column in trace.columns] == [ColumnKey("", "polar", in_pixel=True, final=True)]


def test_a_marker_of_a_block_is_neither_value_nor_program_output(tmp_path: Path) -> None:
    """It belongs to the trace and says nothing."""
    trace = read(tmp_path, "TRACE_PY_TRICUBIC_GRID_START\nTRACE_PY_TRICUBIC: [0,0,0]=1\nTRACE_PY_TRICUBIC_GRID_END\n")
    assert (trace.skipped, trace.unreadable_count, len(trace.columns)) == (0, 0, 1)
