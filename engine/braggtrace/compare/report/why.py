"""Why two traces diverge, as the reports tell it. An explanation is plain data: nothing here replays anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from braggtrace.compare.model import Comparison
from braggtrace.compare.report.words import code, plain
from braggtrace.replay.model import Explanation, Root, Traced, jsonable
from braggtrace.replay.story import names, story_lines
from braggtrace.trace.text import visible

__all__ = ["why_json", "why_lines", "why_markdown", "why_of"]

_LISTED = 20


def why_lines(explanation: Explanation) -> Iterator[str]:
    """The story, under a heading of its own."""
    yield "why"
    yield from (f"  {line}".rstrip() for line in story_lines(explanation))


def why_json(explanation: Explanation) -> dict[str, Any]:
    """`headline` and `roots`."""
    return {"headline": explanation.headline, "roots": [_root(root) for root in explanation.roots]}


def _root(root: Root) -> dict[str, Any]:
    cause = root.cause
    return {
        "id": visible(root.id),
        "quantity": visible(root.quantity),
        "coordinate": jsonable(root.coordinate),
        "side": root.side,
        "verdict": root.verdict,
        "sentence": root.sentence,
        "cause": {
            "code": cause.code,
            "sentence": visible(cause.sentence),
            "confidence": jsonable(cause.confidence),
            "evidence": jsonable(cause.evidence),
            "quirk": cause.quirk,
            "look_at": visible(cause.look_at),
        },
        "inherited": root.inherited,
        "inherited_by": [visible(name) for name in root.inherited_by],
        "share_of_final": jsonable(root.share_of_final),
    }


def why_markdown(explanation: Explanation) -> Iterator[str]:
    """The headline, and a table of the roots."""
    yield f"**Why**: {plain(explanation.headline)}"
    if explanation.roots:
        yield ""
        yield "| originates here | side | cause | confidence | inherit it | of the final difference |"
        yield "|---|---|---|---:|---:|---:|"
    for root in explanation.roots[:_LISTED]:
        share = "" if root.share_of_final is None else f"{100 * root.share_of_final:.1f} %"
        where = f" {plain(root.where)}" if root.where else ""
        cells = (f"{code(visible(root.quantity))}{where}", root.side, code(root.cause.code))
        yield f"| {' | '.join(cells)} | {_sure(root.cause.confidence)} | {root.inherited} | {share} |"
    if len(explanation.roots) > _LISTED:
        yield f"| … {len(explanation.roots) - _LISTED} more | | | | | |"
    yield from _advice(explanation)


def _sure(confidence: float) -> str:
    """In percent, of which nothing has 100; "" where no cause is claimed."""
    return f"{100 * min(confidence, 0.99):.0f} %" if confidence else ""


def _advice(explanation: Explanation) -> Iterator[str]:
    looks = dict.fromkeys((root.cause.quirk, visible(root.cause.look_at)) for root in explanation.roots[:_LISTED])
    lines = [
        (f"This is the quirk {code(quirk)} of the C program. " if quirk else "") + f"Look at: {plain(look)}."
        for quirk, look in looks
    ]
    lines += [plain(visible(note)) for note in explanation.notes]
    if lines:
        yield ""
    yield from (f"- {line}" for line in lines)


def why_of(explanation: Explanation | None, comparison: Comparison, pairing: int) -> Iterator[str]:
    """What is known about one diverging quantity: that it originates, or from what it inherits.

    Args:
        explanation: None if nobody asked.
        comparison: of the two traces.
        pairing: index of the quantity's pairing.
    """
    if explanation is None:
        return
    traced = _traced(explanation, comparison, pairing)
    if traced is None:
        return
    own = [root for root in explanation.roots if root.pairing >= 0 and root.pairing == traced.pairing]
    roots = {root.id: root for root in explanation.roots}
    if own:
        yield from (root.sentence for root in own)
    elif traced.roots:
        verdict = "inherits" if traced.verdict == "inherits" else f"{traced.verdict}; taken to inherit"
        yield f"{verdict} from {names([_short(roots[each]) for each in traced.roots])}"
    else:
        yield traced.verdict


def _short(root: Root) -> str:
    return f"{visible(root.quantity)} ({root.cause.code}, {root.side})"


def _traced(explanation: Explanation, comparison: Comparison, pairing: int) -> Traced | None:
    """The verdict on a pairing, or on the pairing that holds the same quantity at all its coordinates."""
    exact = next((each for each in explanation.quantities if each.pairing == pairing), None)
    quantity = comparison.pairings[pairing].quantity
    if exact is not None or quantity is None:
        return exact
    fuller = (each for each in explanation.quantities if each.pairing >= 0)
    return next((each for each in fuller if comparison.pairings[each.pairing].quantity is quantity), None)
