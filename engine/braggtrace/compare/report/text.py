"""The report for people, in plain text: the answer in the first lines, then what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from braggtrace.compare.model import Comparison, Divergence, MatchedBy, Status, Verdict
from braggtrace.compare.report.words import count, file_lines, lines_of, only_on, short
from braggtrace.compare.view import divergence, sentence
from braggtrace.trace.model import Span
from braggtrace.trace.text import visible

__all__ = ["render_text"]

_LISTED = 12
_AXES = ("x", "y", "z")


def render_text(comparison: Comparison) -> str:
    """The text report, with a newline at its end."""
    return "".join(f"{line}\n" for line in _lines(comparison))


def _lines(comparison: Comparison) -> Iterator[str]:
    yield f"{comparison.status}  {sentence(comparison)}"
    if comparison.first is not None:
        yield ""
        yield from _pair(divergence(comparison, *comparison.first))
    counts = comparison.counts
    yield ""
    yield f"{count(counts.compared, 'value')} compared: {counts.agree:,} agree, {counts.diverge:,} diverge"
    yield f"only in the reference: {counts.only_reference:,}; only in the candidate: {counts.only_candidate:,}"
    yield from _totals(comparison)
    for note in comparison.notes:
        yield f"note: {note}"
    yield from _quantities(comparison)
    yield from _missing(comparison)
    yield from _proposals(comparison)
    yield ""
    for side, trace in (("reference", comparison.reference), ("candidate", comparison.candidate)):
        for position, line in enumerate(file_lines(trace)):
            yield f"{side if not position else '':<10} {line}".rstrip()


def _pair(pair: Divergence) -> Iterator[str]:
    """One pair of values in full."""
    about = [part for part in (f"[{pair.unit}]" if pair.unit else "", pair.conversion) if part]
    if pair.candidate_name and pair.candidate_name != pair.quantity:
        about.append(f"the candidate calls it {pair.candidate_name}")
    yield " ".join([pair.quantity, *about]) + f"   at {pair.coordinate}   matched by {pair.matched_by}"
    width = max(len(span.text) for span in (*pair.reference, *pair.candidate))
    for component in range(max(len(pair.reference), len(pair.candidate))):
        mark = ">" if component == pair.component and len(pair.reference) > 1 else " "
        axis = f" {_axis(component, len(pair.reference))}" if len(pair.reference) > 1 else ""
        ours, theirs = pair.reference[component], pair.candidate[component]
        yield f"{mark}{axis:<3} reference  {ours.text:<{width}}   {_place(ours)}"
        yield f" {'':<3} candidate  {theirs.text:<{width}}   {_place(theirs)}"
        yield f" {'':<3}            {_marks(ours.text, theirs.text)}".rstrip()
    if pair.verdict is Verdict.DIVERGES and pair.ulp is not None:
        yield f"    abs {short(pair.abs)}, rel {short(pair.rel)}, {pair.ulp:,} ULP, {pair.digits} digits agree"
    passing = pair.smallest_passing_rtol
    helps = "no rtol makes it pass" if passing is None else f"the smallest rtol that passes here is {short(passing)}"
    yield f"    tolerance {pair.tolerance}; {helps}"


def _axis(component: int, width: int) -> str:
    return _AXES[component] if width <= len(_AXES) else str(component)


def _place(span: Span) -> str:
    return f"{visible(span.path)}:{span.line}"


def _marks(ours: str, theirs: str) -> str:
    """Carets under the characters from which on two texts differ."""
    if ours == theirs:
        return ""
    same = next(
        (at for at, (mine, yours) in enumerate(zip(ours, theirs, strict=False)) if mine != yours),
        min(len(ours), len(theirs)),
    )
    return " " * same + "^" * (max(len(ours), len(theirs)) - same)


def _totals(comparison: Comparison) -> Iterator[str]:
    if comparison.worst is not None and comparison.status is not Status.AGREES:
        worst = divergence(comparison, *comparison.worst)
        yield f"worst: {worst.quantity} at {worst.coordinate}, rel {short(worst.rel)}"
    if comparison.counts.compared:
        rtol = comparison.smallest_passing_rtol
        yield "no rtol makes everything agree" if rtol is None else f"everything agrees with rtol {short(rtol)}"


def _quantities(comparison: Comparison) -> Iterator[str]:
    lines = lines_of(comparison)
    if not lines:
        return
    rows = [("diverging, in step order", "values", "worst rel", "first at")]
    rows += [
        (line.name, f"{line.diverge:,}/{line.compared:,}", short(line.worst_rel), str(line.first)) for line in lines
    ]
    yield ""
    yield from _table(rows[: _LISTED * 2 + 1])
    if len(rows) > _LISTED * 2 + 1:
        yield f"… and {count(len(rows) - _LISTED * 2 - 1, 'more quantity').replace('quantitys', 'quantities')}"


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        name, *numbers, last = row
        middle = "  ".join(f"{cell:>{width}}" for cell, width in zip(numbers, widths[1:], strict=False))
        yield f"{name:<{widths[0]}}  {middle}  {last}"


def _missing(comparison: Comparison) -> Iterator[str]:
    for side in ("reference", "candidate"):
        missing = only_on(comparison, side)
        if missing:
            yield ""
            yield f"only in the {side}"
            yield from _wrapped([f"{name} ×{number:,}" if number > 1 else name for name, number in missing])


def _wrapped(words: Sequence[str], width: int = 96) -> Iterator[str]:
    line = "   "
    for position, word in enumerate(words):
        if position == _LISTED * 3:
            word = f"… and {len(words) - position:,} more"
        if len(line) + len(word) + 2 > width:
            yield line
            line = "   "
        line += f" {word}" + ("," if position + 1 < min(len(words), _LISTED * 3 + 1) else "")
        if position == _LISTED * 3:
            break
    yield line


def _proposals(comparison: Comparison) -> Iterator[str]:
    lines = lines_of(comparison, MatchedBy.PROPOSED)
    if lines:
        yield ""
        yield "perhaps the same (equal values; not counted; confirm in a map file)"
        for line in lines[:_LISTED]:
            yield f"    {line.name} = {line.candidate_name or line.name}"
