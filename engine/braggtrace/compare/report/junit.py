"""The report as JUnit XML: one test case a quantity, so that a CI server shows which one fails."""

from __future__ import annotations

import io
from xml.etree import ElementTree

from braggtrace.compare.model import Comparison, MatchedBy, Pairing, Status
from braggtrace.compare.report.words import label, short
from braggtrace.compare.view import divergence, sentence

__all__ = ["render_junit"]


def render_junit(comparison: Comparison) -> str:
    """The XML document. A quantity on one side only is skipped; an inconclusive comparison is an error of its own."""
    suite = ElementTree.Element("testsuite", name="braggtrace")
    cases = [_case(comparison, index, pairing) for index, pairing in enumerate(comparison.pairings)]
    if comparison.status is Status.INCONCLUSIVE:
        case = ElementTree.Element("testcase", classname="braggtrace", name="enough could be compared")
        ElementTree.SubElement(case, "error", message=sentence(comparison))
        cases.insert(0, case)
    suite.extend(cases)
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("tests", str(len(cases)))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    document = io.BytesIO()
    ElementTree.ElementTree(root).write(document, encoding="utf-8", xml_declaration=True)
    return document.getvalue().decode() + "\n"


def _case(comparison: Comparison, index: int, pairing: Pairing) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=f"braggtrace.{pairing.level.name.lower()}", name=label(pairing))
    counts = pairing.counts
    if counts.diverge and pairing.matched_by is not MatchedBy.PROPOSED:
        pair = divergence(comparison, index, pairing.first)
        message = f"{counts.diverge} of {counts.compared} diverge, first at {pair.coordinate}, rel {short(pair.rel)}"
        failure = ElementTree.SubElement(case, "failure", message=message)
        failure.text = "\n".join(
            f"{side} {' '.join(span.text for span in spans)}  {spans[0].path}:{spans[0].line}"
            for side, spans in (("reference", pair.reference), ("candidate", pair.candidate))
        )
    elif not counts.compared or pairing.matched_by is MatchedBy.PROPOSED:
        side = "reference" if pairing.candidate is None else "candidate"
        proposed = pairing.matched_by is MatchedBy.PROPOSED
        ElementTree.SubElement(case, "skipped", message="proposed by value" if proposed else f"only in the {side}")
    return case
