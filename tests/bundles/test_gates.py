"""Gates, and what they say to the shell and to a CI server."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from braggtrace.bundles.gates import exit_status, junit
from braggtrace.bundles.probe import Outcome
from braggtrace.bundles.request import Gates, Judging
from tests.bundles.build import FakeClock, FakeSource, captured, trace_text

SPEC = trace_text(stale=False)


def answers(outcome: Outcome) -> dict[str, str]:
    """Every gate's status."""
    return {gate["name"]: gate["status"] for gate in outcome.metrics["gates"]}


@pytest.mark.parametrize(("limit", "status"), [("1e-6", 1), ("1e-2", 0), ("F_cell:1e-2", 1)])
def test_worse_than_the_gate(bench: Path, limit: str, status: int) -> None:
    """The limit decides, and not what is only worse than the report's tolerance."""
    gates = Gates(reference=("1e-6", limit) if ":" in limit else (limit,))
    outcome = captured(bench, FakeSource(trace_text(scale=1.0001)), gates=gates)
    assert outcome.exit_status == status
    assert outcome.metrics["status"] == "DIVERGES"
    assert answers(outcome)["c-parity"] == ("DIVERGES" if status else "AGREES")


def test_other_rules_hold_beside_the_gate(bench: Path) -> None:
    """An absolute tolerance is still one."""
    judging = Judging(rules={"atol": ("F_cell:1", "I_*:1e9"), "rtol": ("1e-12",)})
    outcome = captured(bench, FakeSource(trace_text(scale=1.0001)), judging=judging, gates=Gates(("1e-6",)))
    assert outcome.exit_status == 0


def test_earlier_than_the_baseline(bench: Path) -> None:
    """Also where the gate itself is wide."""
    clock = FakeClock()
    wide = Gates(reference=("2",))
    late = captured(bench, FakeSource(trace_text(scale=1.1)), clock)
    outcome = captured(bench, FakeSource(SPEC), clock, baseline=str(late.path), gates=wide)
    assert answers(outcome)["not-earlier"] == "DIVERGES"
    assert outcome.exit_status == 1
    early = captured(bench, FakeSource(SPEC), clock)
    assert answers(captured(bench, FakeSource(trace_text(scale=1.1)), clock, baseline=str(early.path), gates=wide)) == {
        "c-parity": "AGREES",
        "not-earlier": "AGREES",
    }
    fine = captured(bench, FakeSource(), clock, baseline=str(early.path), gates=Gates(("1e-9",), ("1e-9",)))
    assert answers(fine) == {"c-parity": "AGREES", "baseline": "DIVERGES", "not-earlier": "AGREES"}
    assert fine.exit_status == 1


def test_without_gates_the_comparison_decides(bench: Path) -> None:
    """As `braggtrace diff` does."""
    clock = FakeClock()
    assert captured(bench, clock=clock).exit_status == 0
    assert captured(bench, FakeSource(SPEC), clock).exit_status == 1


def test_junit(bench: Path) -> None:
    """A case for each gate; hostile words stay words."""
    metrics = captured(bench, FakeSource(SPEC), gates=Gates(("1e-6",))).metrics
    root = ET.fromstring(junit(metrics).encode())
    (suite,) = root
    assert suite.attrib["tests"] == "2"
    assert suite.attrib["failures"] == "1"
    (failure,) = suite.iter("failure")
    assert str(failure.get("message")).startswith("worse than the gate: rot_a.y at pixel 684 1039")
    metrics["gates"][0] |= {"reason": 'a "<b>" \x1b[31m \x00', "status": "INCONCLUSIVE"}
    (error,) = ET.fromstring(junit(metrics).encode()).iter("error")
    assert error.get("message") == 'a "<b>" ␛[31m ␀'
    assert exit_status(metrics) == 3


def test_junit_without_gates(bench: Path) -> None:
    """The comparison is the case."""
    metrics = captured(bench).metrics
    assert [case.get("name") for case in ET.fromstring(junit(metrics).encode()).iter("testcase")][1:] == ["reference"]
