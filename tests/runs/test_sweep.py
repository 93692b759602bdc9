"""A sweep: every combination, each compared with a reference; one that fails is a row, too."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from braggtrace.compare.options import Options
from braggtrace.errors import EngineError, UsageError
from braggtrace.runs.requests import RunRequest
from braggtrace.runs.store import RunRecord, RunStore
from braggtrace.runs.sweep import sweep, vary
from braggtrace.trace.model import Trace
from braggtrace.trace.reader import read_trace

REQUEST = RunRequest("trace", {"flags": ["-N", "5"]}, pixels=((1, 2),))
PIXEL = "TRACE_{side}: pixel {slow} {fast}\nTRACE_{side}: hkl_frac 1 2 {l}\nTRACE_{side}: F_latt 3\n"


@pytest.fixture
def reference(tmp_path: Path) -> Trace:
    """Two pixels of a C program."""
    path = tmp_path / "c.log"
    text = "TRACE_C: distance_meters 0.25\n"
    path.write_text(text + "".join(PIXEL.format(side="C", slow=slow, fast=2, l="3.5") for slow in (1, 7)))
    return read_trace(str(path))


@pytest.fixture
def run(tmp_path: Path) -> Callable[[RunRequest, Callable[[float], None]], RunRecord]:
    """An engine whose spec mode is off in one component, and that has no GPU."""
    store = RunStore(tmp_path / "runs")

    def run(request: RunRequest, tell: Callable[[float], None]) -> RunRecord:
        kept = store.create(request)
        tell(0.5)
        if request.device == "cuda":
            kept.fail("no GPU")
            raise EngineError("device", "no GPU")
        off = "3.25" if request.experiment.get("phi_mode") == "spec" else "3.5"
        text = "TRACE_PY: distance_meters 0.25\n" + PIXEL.format(side="PY", slow=1, fast=2, l=off)
        kept.finish({} if request.dtype == "none" else {"main": text})
        return store.load(kept.name)

    return run


def test_every_combination_once(tmp_path: Path) -> None:
    """The last setting varies fastest; what isn't varied stays; doubles count once."""
    made = vary(REQUEST, phi_modes=["spec", None], dtypes=["float64", "float32", "float64"])
    assert [(each.experiment["phi_mode"], each.dtype, each.device) for each in made] == [
        ("spec", "float64", "cpu"),
        ("spec", "float32", "cpu"),
        (None, "float64", "cpu"),
        (None, "float32", "cpu"),
    ]
    assert vary(REQUEST) == [REQUEST]


def test_each_row_says_where_it_first_diverges(
    reference: Trace, run: Callable[[RunRequest, Callable[[float], None]], RunRecord]
) -> None:
    """Agreement, the first divergence with both values, failures in words; progress in between."""
    told: list[tuple[int, float]] = []
    requests = vary(REQUEST, phi_modes=["c-parity", "spec"], devices=["cpu", "cuda"])
    rows = list(sweep(requests, run, reference, tell=lambda index, fraction: told.append((index, fraction))))
    assert [row.status for row in rows] == ["AGREES", "failed", "DIVERGES", "failed"]
    agreeing, failed, diverging, _ = rows
    assert (agreeing.compared, agreeing.diverging, agreeing.first) == (3, 0, "")
    assert failed.sentence == "no GPU"
    assert math.isnan(failed.worst)
    assert diverging.first == "hkl_frac.z  pixel 1 2"
    assert (diverging.first_reference, diverging.first_candidate) == ("3.5", "3.25")
    assert diverging.worst == pytest.approx(0.25 / 3.5)
    assert diverging.trace is not None
    assert diverging.run in str(diverging.trace)
    assert told == [(0, 0.0), (0, 0.5), (1, 0.0), (1, 0.5), (2, 0.0), (2, 0.5), (3, 0.0), (3, 0.5)]


def test_rows_come_as_they_are_known(
    reference: Trace, run: Callable[[RunRequest, Callable[[float], None]], RunRecord]
) -> None:
    """Whoever has seen enough can stop: nothing more is run."""
    count = 0

    def counted(request: RunRequest, tell: Callable[[float], None]) -> RunRecord:
        nonlocal count
        count += 1
        return run(request, tell)

    rows = sweep(vary(REQUEST, dtypes=["float64", "float32"]), counted, reference)
    assert next(rows).status == "AGREES"
    assert count == 1


def test_only_what_was_asked_for_is_compared(
    reference: Trace, run: Callable[[RunRequest, Callable[[float], None]], RunRecord]
) -> None:
    """Pixels that only the reference has don't make a row inconclusive; the user's own choice comes first."""
    (row,) = sweep([REQUEST], run, reference, Options(require_all=True))
    assert row.status == "AGREES"
    (row,) = sweep([REQUEST.changed(pixels=(), rois=((1, 1, 2, 2),))], run, reference, Options(require_all=True))
    assert row.status == "AGREES"
    (row,) = sweep([REQUEST], run, reference, Options(pixels=((7, 2),)))
    assert (row.status, row.compared) == ("INCONCLUSIVE", 1)


def test_no_trace_is_a_failure(
    reference: Trace, run: Callable[[RunRequest, Callable[[float], None]], RunRecord]
) -> None:
    """A run without a trace never agrees; images aren't swept."""
    (row,) = sweep([REQUEST.changed(dtype="none")], run, reference)
    assert (row.status, row.sentence) == ("failed", "it wrote no trace")
    with pytest.raises(UsageError):
        list(sweep([RunRequest("simulate", {"flags": []})], run, reference))
