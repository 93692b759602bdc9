"""Reading whole traces: files, frames, repeated names, damaged input."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braggtrace.errors import TraceReadError
from braggtrace.quantities import Level
from braggtrace.trace import reader as reader_module
from braggtrace.trace import source as source_module
from braggtrace.trace.model import RUN_LEVEL, ColumnKey, Trace
from braggtrace.trace.reader import TraceReader, files_of, read_trace, sibling_of

TEXT = """\
TRACE_C: steps 80
TRACE_C: pixel 3 4
TRACE_C: polar 0.5
TRACE_C_PHI phi_tic=1 F_latt=11
TRACE_C_PHI phi_tic=0 F_latt=10
TRACE_C: steps 80
TRACE_C: polar 0.25
TRACE_C: pixel 3 2
TRACE_C: polar 0.75
TRACE_C_PHI phi_tic=0 F_latt=nan
TRACE_C: polar 1.00000000000000000
"""


def values(trace: Trace, family: str, name: str, *, in_pixel: bool = True, final: bool = False) -> list[float]:
    """The first components of a column."""
    return [float(value) for value in trace.index[ColumnKey(family, name, in_pixel, final)].values[:, 0]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A small trace of two pixels."""
    path = tmp_path / "c.log"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_values_before_the_first_frame_belong_to_the_run(path: Path) -> None:
    """The same name in a frame is another column."""
    trace = read_trace(path)
    run = trace.index[ColumnKey("", "steps", in_pixel=False)]
    assert run.pixel.tolist() == [RUN_LEVEL]
    assert values(trace, "", "steps") == [80]


def test_a_file_of_run_values_has_no_pixel(tmp_path: Path) -> None:
    """Without a frame, run-level quantities belong to the run, others to a pixel that the file doesn't name."""
    path = tmp_path / "c.log"
    path.write_text("TRACE_C: steps 80\nTRACE_C: fdet_vec 0 0 1\n")
    assert read_trace(path).pixels.tolist() == []
    path.write_text("TRACE_C: steps 80\nTRACE_C: F_latt 1\n")
    assert read_trace(path).pixels.tolist() == [[-1, -1]]


def test_a_lone_value_is_final_only_below_the_sum(tmp_path: Path) -> None:
    """`polar` above `I_before_scaling` is that of the first sample, also if it is the only one."""
    path = tmp_path / "c.log"
    path.write_text(
        "TRACE_C: pixel 0 0\nTRACE_C: polar 0.9\nTRACE_C: I_before_scaling 5\n"
        "TRACE_C: pixel 0 1\nTRACE_C: I_before_scaling 5\nTRACE_C: polar 0.8\n"
    )
    trace = read_trace(path)
    assert values(trace, "", "polar") == [0.9]
    assert values(trace, "", "polar", final=True) == [0.8]


def test_an_unknown_name_follows_the_known_one_before_it(tmp_path: Path) -> None:
    """In step order, whatever the level of that one."""
    path = tmp_path / "c.log"
    names = ["pixel_pos_meters 1 2 3", "mine 1", "diffracted_vec 1 2 3", "hkl_frac 1 2 3", "my_hkl 2", "F_latt 3"]
    path.write_text("TRACE_C: pixel 0 0\n" + "".join(f"TRACE_C: {name}\n" for name in names))
    assert [column.key.name for column in read_trace(path).columns] == [name.split()[0] for name in names]


def test_a_word_among_numbers_makes_no_text_of_them(tmp_path: Path) -> None:
    """It is a text value beside them."""
    path = tmp_path / "c.log"
    path.write_text("TRACE_C: pixel 0 0\nTRACE_C: foo 1.5\nTRACE_C: pixel 0 1\nTRACE_C: foo n/a\n")
    trace = read_trace(path)
    assert {column.key.name: column.is_text for column in trace.columns} == {"foo": False, "foo (words)": True}


@pytest.mark.parametrize("line", ["TRACE_C_PHI phi_tic=0.5 F_latt=1", "TRACE_C: pixel 5.5 7", "TRACE_C: pixel 5 1e20"])
def test_a_place_that_is_no_whole_number_is_reported(tmp_path: Path, line: str) -> None:
    """Never rounded; values below such a pixel belong to no named one."""
    path = tmp_path / "c.log"
    path.write_text(f"TRACE_C: pixel 1 1\n{line}\nTRACE_C: F_cell 1\n")
    trace = read_trace(path)
    (bad,) = trace.unreadable
    assert (bad.line, bad.text) == (2, line)
    where = trace.coordinate(trace.index[ColumnKey("", "F_cell", in_pixel=True)], 0)
    assert str(where) == ("unnamed pixel" if "pixel" in line else "pixel 1 1")


def test_rows_are_in_loop_order_whatever_the_order_of_the_file(path: Path) -> None:
    """Pixel 3 2 comes before pixel 3 4, phi step 0 before 1."""
    trace = read_trace(path)
    assert trace.pixels.tolist() == [[3, 2], [3, 4]]
    column = trace.index[ColumnKey("PHI", "F_latt", in_pixel=True)]
    np.testing.assert_array_equal(column.values[:, 0], [np.nan, 10, 11])
    assert column.line.tolist() == [9, 4, 3]


def test_the_last_value_of_a_pixel_is_the_final_one(path: Path) -> None:
    """`polar` is traced at the first sample and as used at the end."""
    trace = read_trace(path)
    assert values(trace, "", "polar") == [0.75, 0.5]
    assert values(trace, "", "polar", final=True) == [1, 0.25]
    assert trace.index[ColumnKey("", "polar", in_pixel=True, final=True)].level is Level.PIXEL


def test_text_and_place_of_a_value_are_kept(path: Path) -> None:
    """What was written can be shown to the last digit, with file and line."""
    trace = read_trace(path)
    column = trace.index[ColumnKey("", "polar", in_pixel=True, final=True)]
    assert trace.text(column, 0, 0) == "1.00000000000000000"
    assert trace.place(int(column.line[0])) == (str(path), 11)
    assert trace.line_text(int(column.line[0])) == "TRACE_C: polar 1.00000000000000000"


def test_repeated_names_are_numbered(tmp_path: Path) -> None:
    """Main lines that repeat for every subpixel are told apart by their occurrence."""
    path = tmp_path / "c.log"
    path.write_text("TRACE_C: pixel 0 0\n" + "".join(f"TRACE_C: obliquity_factor {i}\n" for i in range(3)))
    trace = read_trace(path)
    (column,) = trace.columns
    assert column.occurrence.tolist() == [0, 1, 2]
    assert str(trace.coordinate(column, 2)) == "pixel 0 0, occurrence 3"


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_are_read(path: Path, compress: Callable[[bytes], bytes]) -> None:
    """By their content, whatever their name; values keep their text."""
    expected = contents(read_trace(path))
    path.write_bytes(compress(path.read_bytes()))
    trace = read_trace(path)
    assert contents(trace) == expected
    assert trace.line_text(10) == "TRACE_C: polar 1.00000000000000000"


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_damaged_compressed_file_is_an_error(path: Path, compress: Callable[[bytes], bytes]) -> None:
    """Half a file is no trace."""
    raw = compress(path.read_bytes() * 50)
    path.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(TraceReadError, match="damaged compressed file"):
        read_trace(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.removesuffix("\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("TRACE_C: polar 0.75", "TRACE_C: polar 0.75\n\n5% done"),
    ],
    ids=["crlf", "no last newline", "byte order mark", "progress line"],
)
def test_how_lines_end_does_not_matter(path: Path, change: Callable[[str], str]) -> None:
    """CRLF, a missing last newline, a byte order mark and program output change no value."""
    expected = contents(read_trace(path))
    path.write_text(change(TEXT), encoding="utf-8", newline="")
    trace = read_trace(path)
    assert contents(trace) == expected
    assert not trace.unreadable


def test_invalid_utf8_is_shown_as_such(path: Path) -> None:
    """A broken byte makes a replacement symbol, not an error."""
    path.write_bytes(b"TRACE_C: my\xff_name 1\nTRACE_C: xtal_shape \x1b[2J\n")
    trace = read_trace(path)
    shape, name = trace.columns
    assert name.key.name == "my\ufffd_name"
    assert trace.text(shape, 0, 0) == "\u241b[2J"


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """`-` names it."""
    stdin = io.TextIOWrapper(io.BytesIO(TEXT.encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    trace = read_trace("-")
    assert contents(trace) == contents(read_trace(path))
    assert trace.text(trace.index[ColumnKey("", "polar", in_pixel=True)], 0, 0) == "0.75"


@pytest.mark.parametrize("name", ["missing.log", "."])
def test_what_is_no_file_is_an_error(tmp_path: Path, name: str) -> None:
    """The error says which path and why."""
    with pytest.raises(TraceReadError) as caught:
        read_trace(tmp_path / name)
    assert caught.value.path == str(tmp_path / name)


def test_an_empty_file_is_an_empty_trace(tmp_path: Path) -> None:
    """It holds nothing, which is for the comparison to judge."""
    (tmp_path / "empty.log").touch()
    trace = read_trace(tmp_path / "empty.log")
    assert (trace.lines, trace.columns, len(trace.pixels)) == (0, (), 0)


PHI_LINES = "TRACE_C_PHI phi_tic=0 F_latt=1.50\nTRACE_C_PHI phi_tic=1 F_latt=2\n"
PHI_JSON = json.dumps({"per_phi_entries": [{"phi_tic": 0, "F_latt": 1.5}, {"phi_tic": 1, "F_latt": 2}]}, indent=1)


@pytest.mark.parametrize(("suffix", "text"), [(".log", PHI_LINES), (".json", PHI_JSON)])
def test_the_per_phi_sibling_is_found_by_its_name(tmp_path: Path, suffix: str, text: str) -> None:
    """Its values belong to the pixel of the main file."""
    (tmp_path / "c.log").write_text("TRACE_C: pixel 3 4\nTRACE_C: F_cell 100\n")
    sibling = tmp_path / f"c_per_phi{suffix}"
    sibling.write_text(text)
    assert sibling_of(str(tmp_path / "c.log")) == str(sibling)
    trace = read_trace(tmp_path / "c.log")
    column = trace.index[ColumnKey("PHI", "F_latt", in_pixel=True)]
    assert [str(trace.coordinate(column, row)) for row in (0, 1)] == ["pixel 3 4, phi_tic 0", "pixel 3 4, phi_tic 1"]
    assert column.values[:, 0].tolist() == [1.5, 2]
    assert trace.text(column, 0, 0).startswith("1.5")
    path, line = trace.place(int(column.line[1]))
    assert path == str(sibling)
    assert "2" in trace.line_text(int(column.line[1])) or line > 1


def test_several_files_are_one_side(tmp_path: Path) -> None:
    """Each starts without a pixel of its own."""
    for name, pixel in (("one.log", 1), ("two.log", 2)):
        (tmp_path / name).write_text(f"TRACE_C: pixel {pixel} 0\nTRACE_C: F_cell {pixel}\n")
    trace = read_trace([str(tmp_path / "one.log"), str(tmp_path / "two.log")])
    assert trace.pixels.tolist() == [[1, 0], [2, 0]]
    assert values(trace, "", "F_cell") == [1, 2]
    assert trace.place(2) == (str(tmp_path / "two.log"), 1)


def test_files_of_one_side_are_joined_by_a_plus(tmp_path: Path) -> None:
    """Unless a file has that very name."""
    (tmp_path / "one").touch()
    (tmp_path / "a+b").touch()
    assert files_of(f"{tmp_path}/one+{tmp_path}/two") == [f"{tmp_path}/one", f"{tmp_path}/two"]
    assert files_of(f"{tmp_path}/a+b") == [f"{tmp_path}/a+b"]


def test_json_entries_may_name_their_pixel(tmp_path: Path) -> None:
    """In the entry or around it, as two numbers or by name."""
    document = {
        "traces": [
            {"pixel": [1, 2], "per_phi_entries": [{"phi_tic": 0, "hkl_frac": [1, 2.5, 3], "note": "first"}]},
            {"spixel": 3, "fpixel": 4, "phi_tic": 5, "F_latt": None},
        ]
    }
    (tmp_path / "phi.json").write_text(json.dumps(document))
    trace = read_trace(tmp_path / "phi.json")
    found = {column.key.name: str(trace.coordinate(column, 0)) for column in trace.columns}
    assert found == {
        "hkl_frac": "pixel 1 2, phi_tic 0",
        "note": "pixel 1 2, phi_tic 0",
        "F_latt": "pixel 3 4, phi_tic 5",
    }


def test_json_of_any_depth_is_read(tmp_path: Path) -> None:
    """Lists under any name, objects and rows inside entries, components scattered over keys."""
    document = {
        "pixel": {"slow": 5, "fast": 7},
        "phis": [{"phi_tic": 0, "k": 2.5, "rot_a_x": 1, "rot_a_y": 2, "rot_a_z": 3, "extra": {"u": [[1, 2], [3, 4]]}}],
    }
    (tmp_path / "phi.json").write_text(json.dumps(document))
    trace = read_trace(tmp_path / "phi.json")
    assert {column.key.name: column.values.tolist() for column in trace.columns} == {
        "rot_a": [[1, 2, 3]],
        "k": [[2.5]],
        "extra.u": [[1, 2, 3, 4]],
    }
    assert str(trace.coordinate(trace.columns[0], 0)) == "pixel 5 7, phi_tic 0"


@pytest.mark.parametrize("text", ['{"per_phi_entries": [', '{"other": 1}', "{" * 100_000])
def test_damaged_json_is_an_error(tmp_path: Path, text: str) -> None:
    """With the path, and what was expected."""
    (tmp_path / "phi.json").write_text(text)
    with pytest.raises(TraceReadError, match=r"phi\.json"):
        read_trace(tmp_path / "phi.json")


def test_a_snapshot_holds_what_was_read_so_far(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the last one holds everything."""
    monkeypatch.setattr(source_module, "PIECE_BYTES", 64)
    reader = TraceReader(path)
    steps = iter(reader)
    fraction = next(steps)
    early = reader.snapshot()
    assert 0 < fraction < 1
    assert not early.complete
    assert 0 < early.lines < 11
    *_, last = steps
    assert last == 1
    assert reader.snapshot().complete
    assert contents(reader.snapshot()) == contents(read_trace(path))


def test_a_file_that_shrinks_gives_marks_not_a_crash(path: Path) -> None:
    """Text is fetched from disk when it is looked at."""
    trace = read_trace(path)
    column = trace.index[ColumnKey("", "polar", in_pixel=True, final=True)]
    with path.open("r+b") as file:
        file.truncate(20)
    assert set(trace.text(column, 0, 0)) == {"?"}
    assert trace.line_text(10) == ""
    assert trace.sources[0].changed()


@settings(max_examples=30)
@given(piece_bytes=st.integers(1, 200))
def test_pieces_of_any_size_give_the_same_trace(piece_bytes: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where a piece ends must not matter."""
    path = tmp_path_factory.mktemp("pieces") / "c.log"
    path.write_text(TEXT)
    expected = contents(read_trace(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "PIECE_BYTES", piece_bytes)
        patch.setattr(reader_module, "_MARK_EVERY", 3)
        assert contents(read_trace(path)) == expected


def contents(trace: Trace) -> dict[ColumnKey, list[tuple[str, list[str], list[str]]]]:
    """All that a trace says: coordinate, values and texts of every row of every column."""
    return {
        key: [
            (
                str(trace.coordinate(column, row)),
                [repr(value) for value in column.values[row].tolist()],
                [trace.text(column, row, component) for component in range(column.width)],
            )
            for row in range(len(column))
        ]
        for key, column in trace.index.items()
    }
