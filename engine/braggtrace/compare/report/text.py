"""The report for people, in plain text: the answer in the first lines, then what it rests on."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence

from braggtrace.compare.model import Comparison, Divergence, MatchedBy, Status, Verdict
from braggtrace.compare.report.words import count, file_lines, label, lines_of, only_on, short
from braggtrace.compare.view import divergence, sentence, short_coordinate
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
        yield from _first(comparison, *comparison.first)
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


def _first(comparison: Comparison, index: int, row: int) -> Iterator[str]:
    """One pair of values in full."""
    pair = divergence(comparison, index, row)
    where = short_coordinate(comparison, comparison.pairings[index], row)
    about = [part for part in (f"[{pair.unit}]" if pair.unit else "", pair.conversion) if part]
    if pair.candidate_name and pair.candidate_name != pair.quantity:
        about.append(f"the candidate calls it {pair.candidate_name}")
    yield " ".join([pair.quantity, *about]) + f"   at {where}   matched by {_matched(pair)}"
    width = max(len(span.text) for span in (*pair.reference, *pair.candidate))
    for component in range(max(len(pair.reference), len(pair.candidate))):
        mark = ">" if component == pair.component and len(pair.reference) > 1 else " "
        axis = f" {_axis(component, len(pair.reference))}" if len(pair.reference) > 1 else ""
        ours, theirs = pair.reference[component], pair.candidate[component]
        yield f"{mark}{axis:<3} reference  {ours.text:<{width}}   {_place(ours)}"
        yield f" {'':<3} candidate  {theirs.text:<{width}}   {_place(theirs)}"
        yield f" {'':<3}            {_marks(ours.text, theirs.text)}".rstrip()
    if pair.verdict is Verdict.DIVERGES and pair.ulp is not None:
        yield f"    abs {short(pair.abs)}, rel {short(pair.rel)}, {pair.ulp:,} ULP, {count(pair.digits, 'digit')} equal"
    passing = pair.smallest_passing_rtol
    helps = "no rtol makes it pass" if passing is None else f"the smallest rtol that passes here is {short(passing)}"
    yield f"    tolerance {pair.tolerance}; {helps}"


def _matched(pair: Divergence) -> str:
    return {MatchedBy.EXACT: "name", MatchedBy.ALIAS: "alias", MatchedBy.MAPPED: "the map file"}.get(
        pair.matched_by, "value"
    )


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
        index, row = comparison.worst
        pairing = comparison.pairings[index]
        where = short_coordinate(comparison, pairing, row)
        yield f"worst: {label(pairing)} at {where}, rel {short(float(pairing.rel[row]))}"
    if comparison.counts.compared:
        rtol = comparison.smallest_passing_rtol
        yield "no rtol makes everything agree" if rtol is None else f"everything agrees with rtol {short(rtol)}"


def _quantities(comparison: Comparison) -> Iterator[str]:
    lines = lines_of(comparison)
    if not lines:
        return
    rows = [("diverging, in step order", "values", "worst rel", "first at")]
    rows += [
        (line.name, f"{line.diverge:,}/{line.compared:,}", _rel(line.worst_rel), str(line.first)) for line in lines
    ]
    yield ""
    yield from _table(rows[: _LISTED * 2 + 1])
    if len(rows) > _LISTED * 2 + 1:
        yield f"… and {count(len(rows) - _LISTED * 2 - 1, 'more quantity', 'more quantities')}"


def _rel(value: float) -> str:
    return "-" if math.isnan(value) else short(value)


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


def _wrapped(words: Sequence[str]) -> Iterator[str]:
    shown = list(words[: _LISTED * 3])
    if len(words) > len(shown):
        shown.append(f"… and {len(words) - len(shown):,} more")
    yield from textwrap.wrap(", ".join(shown), 96, initial_indent="    ", subsequent_indent="    ")


def _proposals(comparison: Comparison) -> Iterator[str]:
    lines = lines_of(comparison, MatchedBy.PROPOSED)
    if lines:
        yield ""
        yield "perhaps the same (equal values; not counted; confirm in a map file)"
        for line in lines[:_LISTED]:
            yield f"    {line.name} = {line.candidate_name or line.name}"
