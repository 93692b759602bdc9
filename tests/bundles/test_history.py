"""Bundles as a history."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from braggtrace.bundles.history import State, bundles_of, compare_setup, read_history, trace_of, trend
from braggtrace.compare.judge import compare
from braggtrace.errors import BundleError, ProbeBlockedError
from braggtrace.trace.reader import read_trace
from tests.bundles.build import NOON, FakeClock, FakeSource, captured, trace_text

SPEC = trace_text(stale=False)


def test_order_and_trend(bench: Path) -> None:
    """Bundles are in the order in which they were made, and the moment a divergence moved is known."""
    clock = FakeClock()
    for text in (trace_text(), SPEC, SPEC, trace_text(scale=1.1)):
        captured(bench, FakeSource(text), clock)
    captured(bench, clock=FakeClock(NOON - timedelta(days=1)))
    records = bundles_of(bench / "reports/carryover")
    assert [record.metrics["sequence"] for record in records if record.metrics] == [1, 2, 3, 4, 5]
    assert [moved for _, moved in trend(records)] == [None, "appeared", "stayed", "moved later", "vanished"]


def test_what_is_not_complete(bench: Path) -> None:
    """Partial and damaged bundles are listed as such, and come last."""
    clock = FakeClock()
    captured(bench, clock=clock)
    damaged = captured(bench, clock=clock).path
    (damaged / "metrics.json").chmod(0o644)
    (damaged / "metrics.json").write_text("{")
    with pytest.raises(ProbeBlockedError):
        captured(bench, clock=clock, reference=("missing.log",))
    (bench / "reports/carryover/notes").mkdir()
    records = bundles_of(bench / "reports/carryover")
    assert [record.state for record in records] == [State.COMPLETE, State.DAMAGED, State.PARTIAL]
    assert "not JSON" in records[1].why
    assert "BLOCKED in step preflight" in records[2].why


def test_topics_of_a_root(bench: Path) -> None:
    """A root has topics; a topic is a history of its own."""
    captured(bench)
    captured(bench, topic="other")
    (bench / "reports/empty").mkdir()
    assert list(read_history(bench / "reports")) == ["carryover", "other"]
    assert list(read_history(bench / "reports/other")) == ["other"]
    with pytest.raises(BundleError, match="missing"):
        read_history(bench / "missing")


def test_two_bundles_side_by_side(bench: Path) -> None:
    """Their traces open like any trace, and what differs in their making is listed."""
    clock = FakeClock()
    one = captured(bench, clock=clock).path
    other = captured(bench, FakeSource(SPEC, phi_mode="spec"), clock).path
    comparison = compare(read_trace(trace_of(one)), read_trace(trace_of(other)))
    assert comparison.status == "DIVERGES"
    assert len(comparison.candidate.sources) == 2
    assert compare_setup(one, other) == [("phi_mode", "c-parity", "spec")]
    assert compare_setup(one, one) == []


def test_bundles_of_different_machines(bench: Path) -> None:
    """The machine is part of how a bundle was made."""
    clock = FakeClock()
    one, other = (captured(bench, clock=clock).path for _ in range(2))
    path = other / "env.json"
    path.chmod(0o644)
    text = path.read_text()
    path.write_text(text.replace('"host": "', '"host": "gpubox-').replace('"numpy": "', '"numpy": "9'))
    assert [name for name, *_ in compare_setup(one, other)] == ["host", "libraries.numpy"]


def test_a_bundle_without_a_trace(tmp_path: Path) -> None:
    """A message says what is missing."""
    with pytest.raises(BundleError, match="no trace"):
        trace_of(tmp_path)
