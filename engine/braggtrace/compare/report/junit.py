"""The report as JUnit XML: one test case a quantity, so that a CI server shows which one fails."""

from __future__ import annotations

import io
import math
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from braggtrace.compare.model import Comparison, MatchedBy, Pairing, Status
from braggtrace.compare.report.why import why_of
from braggtrace.compare.report.words import label, short
from braggtrace.compare.view import divergence, sentence, short_coordinate

if TYPE_CHECKING:
    from braggtrace.replay.model import Explanation

__all__ = ["render_junit"]


# XML can't hold these, however they are escaped; other control characters are symbols already.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(comparison: Comparison, explanation: Explanation | None = None) -> str:
    """The XML document. A quantity on one side only is skipped; an inconclusive comparison is an error of its own.

    A failure says where it comes from, if that is known.
    """
    suite = ET.Element("testsuite", name="braggtrace")
    cases = [_case(comparison, index, pairing, explanation) for index, pairing in enumerate(comparison.pairings)]
    if comparison.status is Status.INCONCLUSIVE:
        case = ET.Element("testcase", classname="braggtrace", name="enough could be compared")
        ET.SubElement(case, "error", message=sentence(comparison))
        cases.insert(0, case)
    suite.extend(cases)
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("tests", str(len(cases)))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    document = io.BytesIO()
    ET.ElementTree(root).write(document, encoding="utf-8", xml_declaration=True)
    return _NOT_XML.sub("\ufffd", document.getvalue().decode()) + "\n"


def _case(comparison: Comparison, index: int, pairing: Pairing, explanation: Explanation | None) -> ET.Element:
    case = ET.Element("testcase", classname=f"braggtrace.{pairing.level.name.lower()}", name=label(pairing))
    counts = pairing.counts
    if counts.diverge and pairing.matched_by is not MatchedBy.PROPOSED:
        pair = divergence(comparison, index, pairing.first)
        where = short_coordinate(comparison, pairing, pairing.first)
        message = f"{counts.diverge} of {counts.compared} diverge, first at {where}"
        message += "" if math.isnan(pair.rel) else f", rel {short(pair.rel)}"
        failure = ET.SubElement(case, "failure", message=message)
        lines = [
            f"{side} {' '.join(span.text for span in spans)}  {spans[0].path}:{spans[0].line}"
            for side, spans in (("reference", pair.reference), ("candidate", pair.candidate))
        ]
        failure.text = "\n".join([*lines, *why_of(explanation, comparison, index)])
    elif not counts.compared or pairing.matched_by is MatchedBy.PROPOSED:
        side = "reference" if pairing.candidate is None else "candidate"
        proposed = pairing.matched_by is MatchedBy.PROPOSED
        ET.SubElement(case, "skipped", message="proposed by value" if proposed else f"only in the {side}")
    return case
