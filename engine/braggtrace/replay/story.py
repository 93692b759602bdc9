"""Explanations in plain words: the sentence of a root, the headline, and a dozen lines to paste into an issue."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from braggtrace.replay.model import Amplified, Cause, Explanation, Root
from braggtrace.trace.text import visible

__all__ = ["headline", "names", "root_sentence", "story", "story_lines"]

_WIDTH = 100
_UNEXPLAINED = "UNEXPLAINED"
_ROOTS, _RIVALS = 6, 2


def names(words: Sequence[str], most: int = 4) -> str:
    """`a, b and c`, or `a, b, c and 5 more`."""
    shown = list(words[:most])
    if len(words) > most:
        return f"{', '.join(shown)} and {len(words) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def root_sentence(root: Root) -> str:
    """What is wrong with a root, in one or two sentences, with a full stop.

    `rot_b originates here: the reference's value at phi_tic 0 is not U·A(spindle, phi)·b0 but, to 16 digits, its own
    value at phi_tic 9 of the previous pixel: STALE_VALUE. 9 later quantities inherit it.`
    """
    where = f" at {root.where}" if root.where else ""
    cause = root.cause
    if root.verdict == "differs":
        text = _differs(root, where)
    else:
        gives = root.formula or "what its step gives"
        digits = cause.evidence.get("digits")
        known = f"but, to {digits} digits, {cause.sentence}" if digits else f"but {cause.sentence}"
        if cause.code == _UNEXPLAINED:
            known = f"and {cause.sentence}"
        verb = "is printed wrong" if root.verdict == "printed wrong" else "originates here"
        text = f"{root.quantity} {verb}: the {root.side}'s value{where} is not {gives} {known}: {cause.code}."
    if root.coordinates > 1:
        text = f"{text[:-1]} ({root.coordinates} places)."
    return visible(f"{text} {_consequence(root)}".strip())


def _differs(root: Root, where: str) -> str:
    cause = root.cause
    missing = f"; to replay it, {names(root.missing)} would be needed" if root.missing else ""
    start = f"{root.quantity} differs{where}{_both(root)}, and nothing before it does"
    if cause.code == _UNEXPLAINED:
        return f"{start}{missing}."
    side = "candidate" if root.side == "unknown" else root.side
    return f"{start}: the {side}'s is {cause.sentence}: {cause.code}{missing}."


def _both(root: Root) -> str:
    """What either side recorded, where that is short."""
    values = [root.recorded.get(side, ()) for side in ("reference", "candidate")]
    if not all(1 <= len(each) <= 3 for each in values):
        return ""
    shown = [", ".join(f"{value:.10g}" for value in each) for each in values]
    words = root.cause.evidence.get("recorded", ())
    if len(words) == 2 and all(isinstance(word, str) for word in words):
        shown = list(words)
    if shown[0] == shown[1]:
        shown = [", ".join(f"{value:.17g}" for value in each) for each in values]
    return f" ({shown[0]} in the reference, {shown[1]} in the candidate)"


def _consequence(root: Root) -> str:
    if root.verdict == "printed wrong":
        return "Later steps used the right value: only the trace is wrong."
    if not root.inherited:
        return ""
    if root.inherited == 1:
        return "1 later quantity inherits it and is consistent with its inputs."
    return f"{root.inherited} later quantities inherit it and are consistent with their inputs."


def headline(
    roots: Sequence[Root], rounding: Sequence[str], unknown: Sequence[str], diverges: bool, mended: int = 0
) -> str:
    """The answer: the first root, and how many like it.

    Args:
        roots: in step order.
        rounding: quantities that differ by no more than roundings allow.
        unknown: quantities that no step computes.
        diverges: something does.
        mended: how many roots were taken as mended.
    """
    if roots:
        first = roots[0]
        starts = [root for root in roots if _starts(root)]
        alike = starts[1:] if len(starts) > 1 and _starts(first) else [r for r in roots[1:] if _kind(r) == _kind(first)]
        others = len(roots) - 1 - len(alike)
        if len(starts) > 1 and _starts(first):
            listed = names([f"{root.quantity}{_both(root)}" for root in starts], 3)
            text = visible(f"The sides don't start from the same values: {listed}.")
        else:
            text = first.sentence + _likewise(first.verdict, [visible(root.quantity) for root in alike])
        if others:
            text += f" {others} other independent {'root' if others == 1 else 'roots'}."
        return text
    if not diverges:
        return "With what was taken as mended, nothing diverges." if mended else "Nothing diverges."
    if rounding:
        return (
            f"No step originates a divergence: every value is what its step gives for its inputs, and the differences "
            f"({names(rounding)}) are no larger than the digits and roundings of the inputs allow."
        )
    if unknown:
        listed = names([visible(each) for each in unknown])
        return f"What diverges ({listed}) is unknown to the steps, so it can't be replayed."
    return "What diverges can't be replayed: the traces lack the inputs."


def _starts(root: Root) -> bool:
    """Whether it is a value of the run that no step here computes: a setting, or what follows from one."""
    return root.verdict == "differs" and not root.where and not root.inputs and not root.missing


def _likewise(verdict: str, alike: Sequence[str]) -> str:
    if not alike:
        return ""
    one = len(alike) == 1
    verbs = {"originates": "originates" if one else "originate", "differs": "differs" if one else "differ"}
    verb = verbs.get(verdict, f"{'is' if one else 'are'} {verdict}")
    return f" {visible(names(alike))} {verb} likewise."


def _kind(root: Root) -> tuple[str, ...]:
    """What roots have in common that are one mistake: three vectors that are stale, say."""
    return root.cause.code, root.side, root.verdict, root.cause.quirk or root.cause.sentence


def story(explanation: Explanation) -> str:
    """The explanation as plain text, with a newline at its end."""
    return "".join(f"{line}\n" for line in story_lines(explanation))


def story_lines(explanation: Explanation) -> Iterator[str]:
    """About a dozen lines: what originates, why, what it does, what to look at."""
    yield from _wrapped(explanation.headline)
    if explanation.roots:
        yield ""
    for _, group in groupby(explanation.roots[:_ROOTS], key=_kind):
        yield from _root(list(group))
    if len(explanation.roots) > _ROOTS:
        yield f"… and {len(explanation.roots) - _ROOTS} more roots"
    if explanation.budget is not None and any(root.share_of_final is not None for root in explanation.roots):
        yield from _wrapped(_budget(explanation), "  ")
    profiles = _profiles(explanation)
    if profiles:
        yield from _wrapped(profiles, "  ")
    for note in explanation.notes:
        yield from _wrapped(f"note: {visible(note)}", "  ")


def _root(roots: Sequence[Root]) -> Iterator[str]:
    """Roots of one kind."""
    first = roots[0]
    listed = names([visible(root.quantity) for root in roots], 6)
    who = ", side unknown" if first.side == "unknown" else f" in the {first.side}"
    yield f"{listed}: {first.cause.code}{who}"
    yield from _wrapped(f"{_proof(first)}", "  ")
    grown = _growth(first.amplification)
    if grown:
        yield from _wrapped(grown, "  ")
    rivals = [rival for rival in first.cause_and_rivals[1 : 1 + _RIVALS] if rival.confidence >= 0.02]
    if rivals:
        yield from _wrapped("also possible: " + "; ".join(_short(rival) for rival in rivals), "  ")
    quirk = f"This is the quirk {first.cause.quirk} of the C program. " if first.cause.quirk else ""
    yield from _wrapped(f"{quirk}Look at: {first.cause.look_at}.", "  ")


def _proof(root: Root) -> str:
    """Numbers before and after."""
    cause = root.cause
    sure = f"confidence {_percent(cause.confidence)}"
    before, after = cause.evidence.get("apart_before"), cause.evidence.get("apart_after")
    if cause.code == _UNEXPLAINED:
        return f"Off by {_relative(before)}; no known change explains it."
    if before is None or after is None:
        return f"{sure[0].upper()}{sure[1:]}."
    rows = cause.evidence.get("rows", 1)
    explained = cause.evidence.get("rows_explained", rows)
    places = f" at {explained} of {rows} places" if rows > 1 else ""
    return f"Off by {_relative(before)}; with the mistake undone {_relative(after)} is left{places}; {sure}."


def _percent(confidence: float) -> str:
    """Nothing is certain."""
    return f"{min(confidence, 0.99):.0%}"


def _relative(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return "something that is no number"
    if value == 0.0:
        return "nothing"
    return f"{100 * value:.3g}%" if 1e-3 <= value < 10 else f"a factor {value:.3g}" if value >= 10 else f"{value:.1e}"


def _growth(steps: Sequence[Amplified]) -> str:
    large = max(steps, key=lambda step: step.factor, default=None)
    if large is None or large.factor < 5.0 or not math.isfinite(large.factor):
        return ""
    why = f" because {large.reason}" if large.reason else ""
    return (
        f"{_relative(large.source_relative)} in {visible(large.source)} becomes {_relative(large.relative)} "
        f"in {visible(large.quantity)}{why}."
    )


def _short(cause: Cause) -> str:
    return f"{cause.code} ({_percent(cause.confidence)}): {cause.sentence}"


def _budget(explanation: Explanation) -> str:
    budget = explanation.budget
    assert budget is not None
    where = "" if budget.pixel is None else f" at pixel {budget.pixel[0]} {budget.pixel[1]}"
    parts = [
        f"{visible(root.quantity)} {root.share_of_final:.1%}"
        for root in explanation.roots
        if root.share_of_final is not None and abs(root.share_of_final) >= 5e-4
    ]
    left = "nothing is left" if abs(budget.remainder) < 5e-4 else f"{budget.remainder:.1%} comes from elsewhere"
    if any(root.share_of_final is not None and not -0.05 < root.share_of_final < 1.05 for root in explanation.roots):
        left += "; they work against each other"
    ratio = f"{visible(budget.quantity)}{where}: candidate/reference = {budget.ratio:.6g}"
    explained = f"Of the difference: {', '.join(parts)}; {left}." if parts else "None of it comes from these roots."
    return f"{ratio}. {explained}"


def _profiles(explanation: Explanation) -> str:
    words = [
        f"the {side} behaves like profile {' or '.join(profiles)}"
        for side, profiles in explanation.profiles.items()
        if profiles
    ]
    text = "; ".join(words)
    return f"{text[0].upper()}{text[1:]} (see `braggtrace quirks`)." if text else ""


def _wrapped(text: str, indent: str = "") -> Iterator[str]:
    yield from textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
