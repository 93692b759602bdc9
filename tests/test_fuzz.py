"""No input crashes it: random bytes and damaged traces go through reading, comparing and every report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from braggtrace.compare.judge import compare
from braggtrace.compare.report import FORMATS, render
from braggtrace.errors import BraggtraceError
from braggtrace.trace.model import Trace
from braggtrace.trace.reader import read_trace
from braggtrace.trace.writer import format_trace

SAMPLES = ["stale_phi_zero/reference.log", "older_program/reference.log", "hostile/candidate.log"]
NASTY = [b"\x00", b"\x1b[2J", b"\n", b"\r", b" ", b"=", b"[", b"nan", b"-", b"9" * 400, b"1e999", b"TRACE_C: ", b"\xff"]


@st.composite
def damaged(draw: st.DrawFn, texts: list[bytes]) -> bytes:
    """A trace after a few cuts, copies and overwrites."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(text)))
        size = draw(st.integers(0, 200))
        kind = draw(st.sampled_from(["cut", "copy", "overwrite", "truncate"]))
        if kind == "cut":
            text = text[:at] + text[at + size :]
        elif kind == "copy":
            target = draw(st.integers(0, len(text)))
            text = text[:target] + text[at : at + size] + text[target:]
        elif kind == "overwrite":
            text = text[:at] + draw(st.one_of(st.binary(max_size=20), st.sampled_from(NASTY))) + text[at + size :]
        else:
            text = text[:at]
    return text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the examples overwrite."""
    return tmp_path_factory.mktemp("fuzz")


def survives(path: Path, against: Trace | None = None) -> None:
    """Reading works or says why not; what was read can be looked at, written, compared and reported."""
    try:
        trace = read_trace(path)
    except BraggtraceError as error:
        assert str(error)  # noqa: PT017  # whether it is raised depends on the example
        return
    for line in format_trace(trace):
        assert line.isprintable()
    for number in range(0, trace.lines, 97):
        assert trace.line_text(number).isprintable()
    if against is not None:
        comparison = compare(against, trace)
        for form in FORMATS:
            odd = {each for each in render(comparison, form) if not each.isprintable()}
            assert odd <= {"\n"}
        assert compare(trace, trace).counts.diverge <= np.isnan(values_of(trace)).sum()


def values_of(trace: Trace) -> npt.NDArray[np.float64]:
    """Every number of a trace."""
    return np.concatenate([[0.0], *(column.values.ravel() for column in trace.columns)])


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=2000))
def test_random_bytes(folder: Path, text: bytes) -> None:
    """Whatever the bytes are."""
    (folder / "bytes.log").write_bytes(text)
    survives(folder / "bytes.log")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_traces(folder: Path, sample_traces: Path, data: st.DataObject) -> None:
    """Real traces, cut, copied, overwritten and truncated."""
    texts = [(sample_traces / name).read_bytes()[:12_000] for name in SAMPLES]
    (folder / "damaged.log").write_bytes(data.draw(damaged(texts)))
    survives(folder / "damaged.log", read_trace(sample_traces / SAMPLES[0]))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_json(folder: Path, data: st.DataObject) -> None:
    """Per-phi JSON likewise."""
    text = b'{"pixel": [1, 2], "per_phi_entries": [{"phi_tic": 0, "k_frac": 1.5, "v": [1, 2, 3]}, {"phi_tic": 1}]}'
    (folder / "damaged.json").write_bytes(data.draw(damaged([text])))
    survives(folder / "damaged.json")
