"""Gates: what has to hold for a probe to pass, and the answers as JUnit for a CI server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

from braggtrace.bundles.places import Json, first_divergence, is_earlier, plainly
from braggtrace.bundles.request import Gates
from braggtrace.compare.judge import compare
from braggtrace.compare.model import Comparison, Status
from braggtrace.compare.tolerance import Measure, Tolerances, parse_rules
from braggtrace.trace.text import visible

__all__ = ["exit_status", "judge_gates", "junit"]


def judge_gates(
    gates: Gates, main: Comparison | None, before: Comparison | None, since: Comparison | None
) -> list[Json]:
    """The answer of every gate: `name`, `limit`, `status` as of a comparison, `reason`, `first_divergence`.

    Args:
        gates: what has to hold.
        main: reference and candidate.
        before: reference and baseline.
        since: baseline and candidate.
    """
    out = []
    if gates.reference and main is not None:
        out.append(_limit("c-parity", gates.reference, "--c-parity-gate", main))
    if gates.baseline and since is not None:
        out.append(_limit("baseline", gates.baseline, "--baseline-gate", since))
    if gates and before is not None and main is not None:
        out.append(_not_earlier(before, main))
    return out


def _limit(name: str, rules: Sequence[str], source: str, comparison: Comparison) -> Json:
    """Whether anything is worse than the gate, whose rules take the place of every other rtol."""
    others = tuple(rule for rule in comparison.options.tolerances.rules if rule.measure is not Measure.RTOL)
    options = replace(comparison.options, tolerances=Tolerances(parse_rules(Measure.RTOL, rules, source) + others))
    judged = compare(comparison.reference, comparison.candidate, options)
    first = first_divergence(judged, judged.first)
    reason = f"nothing is worse than {' '.join(rules)}" if first is None else f"worse than the gate: {plainly(first)}"
    if judged.status is Status.INCONCLUSIVE:
        reason = f"too little could be compared; {reason}"
    limit = " ".join(rules)
    return {"name": name, "limit": limit, "status": judged.status.value, "reason": reason, "first_divergence": first}


def _not_earlier(before: Comparison, after: Comparison) -> Json:
    """Whether the first divergence comes no earlier than that of the baseline."""
    old, new = (first_divergence(comparison, comparison.first) for comparison in (before, after))
    status, reason = Status.AGREES, "the first divergence is no earlier than in the baseline"
    if Status.INCONCLUSIVE in (before.status, after.status):
        status, reason = Status.INCONCLUSIVE, "too little could be compared"
    elif new is None:
        reason = "nothing diverges"
    elif old is None:
        status, reason = Status.DIVERGES, f"the baseline has no divergence, this has {plainly(new)}"
    elif is_earlier(new, old):
        status, reason = Status.DIVERGES, f"earlier than in the baseline ({plainly(old)}): {plainly(new)}"
    return {"name": "not-earlier", "limit": "", "status": status.value, "reason": reason, "first_divergence": new}


def exit_status(metrics: Mapping[str, Any]) -> int:
    """What a probe says to the shell: the gates' answer, else that of the comparison.

    Without gates the answer is that of the reference, of the baseline where there is no reference, else 0.
    """
    statuses = [gate["status"] for gate in metrics["gates"]]
    if not statuses:
        statuses = [metrics["status"]]
        if metrics["status"] is None and metrics["against_baseline"] is not None:
            statuses = [metrics["against_baseline"]["status"]]
    worst = next((status for status in ("DIVERGES", "INCONCLUSIVE") if status in statuses), "AGREES")
    return Status(worst).exit_status


def junit(metrics: Mapping[str, Any]) -> str:
    """The answers as JUnit XML: the bundle is complete, then each gate (the comparison where there is no gate)."""
    suite = ET.Element("testsuite", name=f"braggtrace probe {metrics['topic']}", timestamp=metrics["time_utc"])
    ET.SubElement(suite, "testcase", classname="probe", name=f"bundle {metrics['bundle']} is complete")
    cases = [(gate["name"], gate["status"], gate["reason"]) for gate in metrics["gates"]]
    if not cases and metrics["status"] is not None:
        cases = [("reference", metrics["status"], metrics["comparison"]["sentence"])]
    for name, status, reason in cases:
        case = ET.SubElement(suite, "testcase", classname="probe.gate", name=name)
        if status != "AGREES":
            tag = "failure" if status == "DIVERGES" else "error"
            ET.SubElement(case, tag, message=visible(reason))
    for attribute, tag in (("failures", "failure"), ("errors", "error")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("tests", str(len(suite.findall("testcase"))))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document.decode() + "\n"
