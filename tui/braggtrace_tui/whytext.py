"""What the compare screen says about causes: the verdict column, the headline, the detail pane. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence

from braggtrace.compare.model import Verdict
from braggtrace.compare.view import component_name
from braggtrace.replay.model import Amplified, Cause, Root
from braggtrace.replay.story import names
from braggtrace_tui.explaining import MENDED, UNEXPLAINED, RowWhy, Why
from braggtrace_tui.pieces import BLANK, Line, Role, clip, plain, wrap

__all__ = [
    "fixes_words",
    "headline_lines",
    "percent",
    "root_words",
    "share_words",
    "sure_words",
    "verdict_piece",
    "waiting_line",
    "waiting_lines",
    "why_lines",
]

_LABEL = 11
_LARGE = 5.0
"""A step that makes a difference so many times larger is worth a sentence."""
_RIVALS, _HEIR_OF = 2, 3


def percent(value: float | None) -> str:
    """A part of a whole, or a relative difference: "0.157 %", "1.4e-12", "a factor 320"; "—" for no number."""
    if value is None or math.isnan(value):
        return "—"
    if value == 0.0:
        return "0 %"
    if math.isinf(value):
        return "an infinite factor"
    size = abs(value)
    if size >= 10:
        return f"a factor {value:.3g}"
    return f"{100 * value:.3g} %" if size >= 1e-4 else f"{value:.1e}"


def share_words(share: float) -> str:
    """A part of the final difference, to a tenth of a per cent."""
    return f"{100 * share:.1f} %" if math.isfinite(share) else "—"


def sure_words(confidence: float) -> str:
    """How sure a cause is; nothing is sure to 100 %, and "" where no cause is claimed."""
    return f"{100 * min(confidence, 0.99):.0f} % sure" if confidence else ""


def fixes_words(count: int) -> str:
    """How many fixes are accepted, for a bar."""
    return "" if not count else "1 fix" if count == 1 else f"{count} fixes"


def root_words(root: Root) -> str:
    """The side and the code of a root, as a remark in brackets would have it."""
    side = "side unknown" if root.side == "unknown" else root.side
    return f"{root.cause.code}, {side}"


# -- the verdict column ------------------------------------------------------------------------------------------------


def verdict_piece(why: RowWhy, verdict: int, width: int, *, first: bool) -> tuple[str, Role] | None:
    """What the verdict column says about a row, in at most `width` cells; None where the usual word is right.

    Args:
        why: what the replay says.
        verdict: what the comparison says, of `braggtrace.compare.model.Verdict`.
        width: of the column; 1 leaves only the glyph.
        first: this is the comparison's first divergence.
    """
    diverges = verdict == Verdict.DIVERGES
    if why.state == MENDED:
        return ("✓ with fix" if width > 1 else "✓", Role.AGREE) if diverges else None
    if not diverges and (verdict != Verdict.AGREES or why.root is None):
        return None
    role = Role.FIRST if first else Role.DIVERGE
    glyph = "≠" if diverges else "="
    return (_fitted(glyph, _verdict_words(why), width), role)


def _fitted(glyph: str, choices: Sequence[str], width: int) -> str:
    if width < 3:
        return glyph
    found = next((words for words in choices if len(words) + 2 <= width), choices[-1])
    return f"{glyph} {clip(found, width - 2)}"


def _verdict_words(why: RowWhy) -> tuple[str, ...]:
    """From wordy to short."""
    root = why.root
    if root is not None:
        if why.state == "printed wrong":
            return ("printed wrong", "misprinted")
        if why.state == "differs" and root.cause.code == UNEXPLAINED:
            return ("differs",)
        return (f"root {root.cause.code}", root.cause.code)
    if why.state in ("inherits", "not replayable") and why.roots:
        sure = "" if why.state == "inherits" else "?"
        if len(why.roots) == 1:
            name = why.roots[0].quantity
            return (f"inherits {name}{sure}", f"from {name}{sure}")
        return (f"inherits {len(why.roots)} roots{sure}", f"from {len(why.roots)} roots{sure}", f"inherits{sure}")
    return {"not replayable": ("not replayable", "no replay"), "masked": ("masked",)}.get(why.state, (why.state,))


# -- the headline ------------------------------------------------------------------------------------------------------


def headline_lines(why: Why, width: int) -> list[Line]:
    """The answer, in at most two lines."""
    text, role = _headline(why)
    return [((" " + line, role),) for line in wrap(text, width - 2, 2)]


def waiting_line(text: str, width: int) -> Line:
    """Where the cause will stand: what it waits for, or what to do."""
    return ((clip(f"   why: {text}", width - 1), Role.DIM),)


def waiting_lines(text: str, width: int) -> list[Line]:
    """The same for the detail pane."""
    head, *others = wrap(text, width - 5, 4) or [""]
    return [(("why  ", Role.TITLE), (head, Role.DIM)), *(((f"     {line}", Role.DIM),) for line in others)]


def _headline(why: Why) -> tuple[str, Role]:
    explanation, fixes = why.explanation, len(why.explanation.accepted)
    roots = explanation.roots
    if not roots:
        if fixes and why.settled:
            what = "this fix" if fixes == 1 else f"these {fixes} fixes"
            mended = names([root.quantity for root in why.fixed], 6)
            return f"✓ with {what} everything agrees: {mended}", Role.AGREE
        return f"≠ {explanation.headline}", Role.FIRST
    lead = f"≠ with {fixes_words(fixes)}: " if fixes else "≠ "
    first = roots[0]
    if first.verdict == "differs":
        return lead + explanation.headline, Role.FIRST
    alike = [root for root in roots[1:] if _kind(root) == _kind(first)]
    others = len(roots) - 1 - len(alike)
    text = f"{lead}{first.quantity} {_verb(first)} in the {first.side}{f' at {first.where}' if first.where else ''}: "
    text += f"{first.cause.code}{_reason(first.cause)}."
    if alike:
        text += f" Likewise {names([root.quantity for root in alike])}."
    if others:
        text += f" {others} other root{'s' if others > 1 else ''}."
    return text, Role.FIRST


def _verb(root: Root) -> str:
    return "is printed wrong" if root.verdict == "printed wrong" else "originates"


def _reason(cause: Cause) -> str:
    return f", {cause.sentence}" if cause.sentence else ""


def _kind(root: Root) -> tuple[str, ...]:
    return root.cause.code, root.side, root.verdict, root.cause.quirk or root.cause.sentence


# -- the detail pane ---------------------------------------------------------------------------------------------------


def why_lines(why: Why, row: RowWhy, place: tuple[int, int], component: int, width: int) -> list[Line]:
    """Why a row diverges.

    Args:
        why: the explanation.
        row: its verdict on this row.
        place: pairing and row.
        component: the one that is looked at.
        width: cells.
    """
    if row.state == MENDED:
        return _mended_lines(why, row, width)
    if row.root is not None:
        return _root_lines(row.root, place, component, width)
    if row.roots:
        return _heir_lines(row, width)
    text = {
        "rounding": "no larger than the digits that were printed, and the roundings of the inputs, allow",
        "not replayable": f"to replay it, {names(row.missing)} would be needed" if row.missing else "",
    }.get(row.state, "")
    return [*_title(row.state, width), *_paragraph(text, width), BLANK]


def _title(text: str, width: int, rest: str = "") -> list[Line]:
    """What it is, after the word "why"."""
    head, *others = wrap(text, width - 5, 3) or [""]
    lines: list[Line] = [(("why  ", Role.TITLE), (head, Role.DIVERGE))]
    lines += [((f"     {line}", Role.DIVERGE),) for line in others]
    fits = rest and len(plain(lines[-1])) + 2 + len(rest) <= width
    return [*lines[:-1], (*lines[-1], (f"  {rest}", Role.DIM))] if fits else lines


def _paragraph(text: str, width: int, role: Role = Role.TEXT, limit: int = 8) -> list[Line]:
    return [((line, role),) for line in wrap(text, width, limit)]


def _fact(label: str, text: str, width: int, role: Role = Role.TEXT, limit: int = 4) -> list[Line]:
    rest = wrap(text, width - _LABEL, limit) or [""]
    lines: list[Line] = [((label.ljust(_LABEL), Role.DIM), (rest[0], role))]
    return lines + [((" " * _LABEL, Role.DIM), (more, role)) for more in rest[1:]]


def _mended_lines(why: Why, row: RowWhy, width: int) -> list[Line]:
    listed = names([root.quantity for root in row.roots])
    own = row.before not in ("inherits", "not replayable")
    title: Line = (("why  ", Role.TITLE), ("✓ agrees with the fix", Role.AGREE))
    fixes = len(why.explanation.accepted)
    return [
        title,
        *_paragraph(f"the fix of {listed}" if own else f"as recorded it inherits {listed}", width),
        *_keys((("U", f" undoes the last of {fixes}" if fixes > 1 else " undoes it"),)),
    ]


def _root_lines(root: Root, place: tuple[int, int], component: int, width: int) -> list[Line]:
    cause = root.cause
    kind = "differs" if root.verdict == "differs" else "printed wrong" if root.verdict == "printed wrong" else "root"
    code = cause.code if cause.code != UNEXPLAINED or kind != "differs" else ""
    title = _title(f"{kind}{': ' if code else ''}{code}", width, sure_words(cause.confidence))
    lines = title
    if cause.code != UNEXPLAINED and root.side != "unknown":
        lines += _paragraph(f"the {root.side}'s value is {cause.sentence}", width)
    if (root.pairing, root.row) != place and root.where:
        lines += _paragraph(f"first met at {root.where}:", width, Role.DIM, 2)
    lines += _before_after(root, component, width)
    if root.masked:
        lines += _paragraph("its own values agree within the tolerance; what comes from it does not", width)
    if root.share_of_final is not None:
        lines += _fact("final", f"{share_words(root.share_of_final)} of the difference", width)
    lines += _fact("look at", cause.look_at, width) if cause.look_at else []
    if cause.quirk:
        lines += _fact("quirk", f"{cause.quirk}, of the C program", width)
    for rival in root.rivals[:_RIVALS]:
        lines += _fact("perhaps", f"{rival.code} ({sure_words(rival.confidence) or 'no'}): {rival.sentence}", width)
    return [*lines, *_paragraph(root.sentence, width, limit=12), *_keys((("F", " fix and go on"), ("C", " causes")))]


def _worst(root: Root) -> int:
    """The component in which the two sides are furthest apart."""
    ours, theirs = (root.recorded.get(side, ()) for side in ("reference", "candidate"))
    apart = [abs(one - other) for one, other in zip(ours, theirs, strict=False)]
    return max(range(len(apart)), key=lambda at: apart[at], default=0)


def _before_after(root: Root, component: int, width: int) -> list[Line]:
    """One component: recorded, as the step gives it, and with the cause put into that."""
    evidence = root.cause.evidence
    size = max((len(values) for values in root.recorded.values()), default=0)
    at = component if 0 <= component < size else _worst(root)
    lines: list[Line] = []
    name = component_name(at, size) if size > 1 else ""
    sides = (("reference", Role.REFERENCE), ("candidate", Role.CANDIDATE))
    rows: list[tuple[str, Sequence[float | str], Role]] = [
        (label, root.recorded.get(label, ()), role) for label, role in sides
    ]
    words = evidence.get("recorded", ())
    if len(words) == len(sides) and all(isinstance(word, str) for word in words):  # of a setting that is a word
        rows = [(label, (word,), role) for (label, role), word in zip(sides, words, strict=True)]
    rows.append(("step gives", root.step_gives, Role.STRONG))
    own = root.recorded.get(root.side, ())
    with_cause = evidence.get("with_change", ())
    if tuple(evidence.get("recorded", ())) == own:  # else the numbers are those of another place
        rows.append(("with cause", with_cause, Role.DIM))
    for label, values, role in rows:
        if at < len(values):
            value = values[at]
            shown = f"{value:.17g}" if isinstance(value, float) else value
            lines.append(((label.ljust(_LABEL), role), (shown, Role.TEXT)))
    if name and lines:
        first, *others = lines
        lines = [(*first, (f"  {name}", Role.KEY)), *others]
    before, after = evidence.get("apart_before"), evidence.get("apart_after")
    if before is not None and root.cause.code != UNEXPLAINED and after is not None:
        count, good = evidence.get("rows", 1), evidence.get("rows_explained", 1)
        places = f", at {good} of {count} places" if count > 1 else ""
        left = "nothing" if after == 0 else percent(after)
        lines += _fact("off by", f"{percent(before)}; with the cause undone {left} is left{places}", width)
    elif before is not None:
        lines += _fact("off by", percent(before), width)
    return lines


def _heir_lines(row: RowWhy, width: int) -> list[Line]:
    sure = "inherits" if row.state == "inherits" else "not replayable; taken to inherit"
    lines = _title(f"{sure} {names([root.quantity for root in row.roots])}", width)
    if row.state == "inherits":
        lines += _paragraph("each side is what the step gives for that side's own inputs", width, Role.DIM)
    elif row.missing:
        lines += _paragraph(f"to replay it, {names(row.missing)} would be needed", width, Role.DIM)
    told = ""
    for root in row.roots[:_HEIR_OF]:
        what = root_words(root)
        if what != told:
            lines += _paragraph(f"{root.quantity}: {what}" if len(row.roots) == 1 else what, width, Role.DIVERGE)
            told = what
        path, grown = _path(root, row.quantity)
        path = "" if grown and "→" not in path[path.find("→") + 1 :] else path  # one step, told in the other sentence
        lines += [((f"  {line}", Role.TEXT),) for line in wrap(path, width - 2, 8)]
        lines += [((f"  {line}", Role.STRONG),) for line in wrap(grown, width - 2, 4)]
    return [*lines, *_keys((("C", " causes; Enter goes to the root"),))]


def _path(root: Root, quantity: str) -> tuple[str, str]:
    """The way from a root to a quantity with the difference at each step, and the largest growth in words."""
    steps = list(root.amplification)
    way: list[Amplified] = []
    at = quantity
    for number in range(len(steps) - 1, -1, -1):
        step = steps[number]
        if step.quantity != at:
            continue
        way.append(step)
        # A sum over iterations takes over from itself: the way goes on with what was computed just before it.
        at = step.source if step.source != step.quantity else steps[number - 1].quantity if number else at
    way.reverse()
    if not way:
        return "", ""
    text = f"{percent(way[0].source_relative)} in {way[0].source}"
    text += "".join(f" → {percent(step.relative)} in {step.quantity}" for step in way)
    large = max(way, key=lambda step: step.factor if math.isfinite(step.factor) else 0.0)
    if not _LARGE <= large.factor < math.inf:
        return text, ""
    because = f" because {large.reason}" if large.reason else ""
    grown = f"{percent(large.source_relative)} in {large.source} becomes {percent(large.relative)} in {large.quantity}"
    return text, grown + because


def _keys(keys: Sequence[tuple[str, str]]) -> list[Line]:
    pieces = [piece for key, words in keys for piece in ((key, Role.KEY), (f"{words}   ", Role.DIM))]
    return [tuple(pieces), BLANK]
