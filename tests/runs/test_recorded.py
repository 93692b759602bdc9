"""What made a trace is written into it, and read from it again."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from braggtrace.runs.recorded import Recorded, comment_lines, flags_of, recorded_in
from braggtrace.trace.reader import read_trace

LINES = "TRACE_PY: distance_mm 250\nTRACE_PY: pixel 1 2\nTRACE_PY: F_latt 3\n"


def written(folder: Path, recorded: Recorded, name: str = "trace.log") -> Path:
    """A trace that says what made it."""
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in comment_lines(recorded)) + LINES, encoding="utf-8")
    return path


def test_everything_comes_back(tmp_path: Path) -> None:
    """Flags, folder, quirks and the rest are read as they were written."""
    recorded = Recorded(
        flags=("-mat", "my crystal's A.mat", "-lambda", "0.98", "-floatfile", ""),
        folder="/data/a b",
        profile="phi-fixed",
        phi_mode="spec",
        quirks={"stale-phi-zero": False, "pix0-inert": True},
        dtype="float32",
        device="cuda",
        more={"build": "fma", "c_threads": "4", "mtz_column": "F OBS"},
    )
    trace = read_trace(written(tmp_path, recorded))
    assert recorded_in(trace) == recorded
    assert flags_of(trace) == list(recorded.flags)


def test_experiment_is_what_the_engine_takes() -> None:
    """What is known becomes the fields of a request; what isn't is left out."""
    assert Recorded(("-N", "5")).experiment() == {"flags": ["-N", "5"]}
    full = Recorded(("-N", "5"), folder="/d", profile="spec", more={"c_threads": "2", "build": "fma", "program": "x"})
    assert full.experiment() == {
        "flags": ["-N", "5"],
        "folder": "/d",
        "profile": "spec",
        "c_threads": 2,
        "build": "fma",
    }


@given(st.lists(st.text(max_size=20), max_size=5))
def test_any_words_stay_on_one_line_and_come_back(tmp_path_factory: pytest.TempPathFactory, words: list[str]) -> None:
    """Line breaks, quotes, control characters and lone surrogates in flags do no harm."""
    recorded = Recorded(tuple(words))
    lines = comment_lines(recorded)
    assert len(lines) == 1
    assert len(lines[0].splitlines()) == 1
    path = written(tmp_path_factory.mktemp("any"), recorded)
    assert flags_of(read_trace(path)) == words


def test_comments_are_no_trace_lines(tmp_path: Path) -> None:
    """Flags that look like a trace line change nothing of what is read."""
    bare = tmp_path / "bare.log"
    bare.write_text(LINES)
    recorded = Recorded(("-mat", "TRACE_C: hkl_frac 1 2 3", "TRACE:"), folder="/a/TRACE_PY: k_frac 1")
    trace, plain = read_trace(written(tmp_path, recorded)), read_trace(bare)
    assert [column.key for column in trace.columns] == [column.key for column in plain.columns]
    assert (trace.unreadable_count, trace.dialects) == (0, plain.dialects)
    assert flags_of(trace) == list(recorded.flags)


def test_compressed_and_absent(tmp_path: Path) -> None:
    """A compressed trace says it, too; one that says nothing has no flags."""
    path = written(tmp_path, Recorded(("-N", "5")))
    packed = tmp_path / "trace.log.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    path.write_text(LINES)
    assert flags_of(read_trace(packed)) == ["-N", "5"]
    assert flags_of(read_trace(path)) is None
    assert recorded_in(read_trace(path)) is None


@pytest.mark.parametrize("line", ["-mat 'unclosed", "[1, 2]", "[", '["a", {}]', "[" * 5000])
def test_damaged_comment_is_none(tmp_path: Path, line: str) -> None:
    """A comment that can't be read is as good as none."""
    path = tmp_path / "trace.log"
    path.write_text(f"# braggtrace flags: {line}\n{LINES}")
    assert flags_of(read_trace(path)) is None
