"""Every trace measured on the reference program is read without loss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from braggtrace.trace.reader import read_trace
from braggtrace.trace.writer import format_trace
from tests.trace.test_reader import contents


def golden_traces(golden: Path) -> list[Path]:
    """Every measured trace file."""
    return sorted(golden.glob("*/trace*"))


def test_every_golden_trace_is_read_completely(golden: Path) -> None:
    """No line of any of the 95 cases is unreadable or skipped."""
    paths = golden_traces(golden)
    assert len({path.parent for path in paths}) == 95
    for path in paths:
        trace = read_trace(path)
        assert not trace.unreadable, path
        assert trace.skipped == 0, path
        assert trace.columns, path


def test_writing_and_reading_again_gives_the_same_values(golden: Path, tmp_path: Path) -> None:
    """Through our own text format, for every golden trace."""
    for path in golden_traces(golden):
        trace = read_trace(path)
        copy = tmp_path / "copy.log"
        copy.write_text("".join(f"{line}\n" for line in format_trace(trace)), encoding="utf-8")
        assert contents(read_trace(copy)) == contents(trace), path


@pytest.mark.parametrize("case", ["phi0-legacy", "div-dispersion", "mosaic-seed", "sensor-absorption"])
def test_the_columns_hold_what_the_text_says(golden: Path, case: str) -> None:
    """Against a plain line-by-line reading of the same file."""
    path = golden / case / "trace.log"
    trace = read_trace(path)
    plain: dict[tuple[int, str], list[float]] = {}
    for number, line in enumerate(path.read_text().splitlines()):
        head, _, rest = line.partition(" ")
        words = rest.split()
        if head == "TRACE_C:" and words[0] != "pixel":
            try:
                plain[number, words[0]] = [float(word) for word in words[1:]]
            except ValueError:
                continue
        elif head == "TRACE_C_PHI":
            pairs = dict(word.split("=") for word in words)
            for name in ("F_latt", "h_frac", "I_running", "F_cell"):
                plain[number, name] = [float(pairs[name])]
            plain[number, "rot_b"] = [float(pairs[f"rot_b_{axis}"]) for axis in "xyz"]
    found = {
        (int(column.line[row]), column.key.name): column.values[row].tolist()
        for column in trace.columns
        if not column.is_text
        for row in range(len(column))
    }
    for key, values in plain.items():
        np.testing.assert_array_equal(found[key], values)
