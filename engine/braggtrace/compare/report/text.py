"""The report for people, in plain text: the answer in the first ten lines, then what it rests on."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from braggtrace.compare.model import Comparison, MatchedBy
from braggtrace.compare.numbers import DIGITS
from braggtrace.compare.report.values import value_rows
from braggtrace.compare.report.why import why_lines
from braggtrace.compare.report.words import count, cut, file_lines, label, lines_of, only_on, short
from braggtrace.compare.view import divergence, sentence, short_coordinate
from braggtrace.trace.text import visible

if TYPE_CHECKING:
    from braggtrace.replay.model import Explanation

__all__ = ["render_text"]

_WIDTH = 100
_LISTED = 24
_LONGEST_NAME = 40
_HOW = {
    MatchedBy.EXACT: "",
    MatchedBy.ALIAS: "matched by alias",
    MatchedBy.MAPPED: "matched by the map file",
    MatchedBy.PROPOSED: "proposed by value",
}


def render_text(comparison: Comparison, explanation: Explanation | None = None) -> str:
    """The text report, with a newline at its end; with why, if that is known."""
    return "".join(f"{line}\n" for line in _lines(comparison, explanation))


def _lines(comparison: Comparison, explanation: Explanation | None) -> Iterator[str]:
    yield from _wrapped(f"{comparison.status}  {sentence(comparison)}", "", "    ")
    if comparison.first is not None:
        yield ""
        yield from _pair(comparison, *comparison.first)
    if explanation is not None:
        yield ""
        yield from why_lines(explanation)
    yield ""
    yield from _totals(comparison)
    for note in comparison.notes:
        yield from _wrapped(f"note: {note}", "", "    ")
    yield from _quantities(comparison)
    yield from _missing(comparison)
    yield from _proposals(comparison)
    yield ""
    for side, trace in (("reference", comparison.reference), ("candidate", comparison.candidate)):
        for position, line in enumerate(file_lines(trace)):
            yield f"{side if not position else '':<10} {line}".rstrip()


def _pair(comparison: Comparison, index: int, row: int) -> Iterator[str]:
    """One pair of values in full."""
    pair = divergence(comparison, index, row)
    other = f"the candidate calls it {pair.candidate_name}" if pair.candidate_name != pair.quantity else ""
    about = [f"[{pair.unit}]" if pair.unit else "", other, _HOW.get(pair.matched_by, ""), pair.conversion]
    quantity = comparison.pairings[index].quantity
    about.append("" if quantity is None else quantity.meaning)
    yield cut("  ".join([pair.quantity, *filter(None, about)]), _WIDTH)
    yield from _row("at", str(pair.coordinate))
    for title, text in value_rows(pair):
        yield from _row(title, text)
    for title, spans in (("from", pair.reference), ("", pair.candidate)):
        yield from _row(title, f"{visible(spans[0].path)}:{spans[0].line}")
    if not math.isnan(pair.rel):
        ulp = "" if pair.ulp is None else f", {pair.ulp:,} ULP, {pair.digits} of {DIGITS} digits equal"
        yield from _row("apart", f"abs {short(pair.abs)}, rel {short(pair.rel)}{ulp}")
    passing, everywhere = pair.smallest_passing_rtol, comparison.smallest_passing_rtol
    helps = "no rtol makes it pass" if passing is None else f"smallest rtol that passes: {short(passing)} here"
    if passing is not None:
        helps += ", none everywhere" if everywhere is None else f", {short(everywhere)} everywhere"
    yield from _row("tolerance", f"{pair.tolerance}; {helps}")


def _row(title: str, text: str) -> Iterator[str]:
    yield f"  {title:<10} {text}".rstrip()


def _totals(comparison: Comparison) -> Iterator[str]:
    counts = comparison.counts
    yield (
        f"{count(counts.compared, 'value')} compared: {counts.agree:,} agree, {counts.diverge:,} diverge; "
        f"only in the reference {counts.only_reference:,}, only in the candidate {counts.only_candidate:,}"
    )
    if comparison.worst is not None and comparison.counts.diverge:
        index, row = comparison.worst
        pairing = comparison.pairings[index]
        name = cut(label(pairing), _LONGEST_NAME)
        where = short_coordinate(comparison, pairing, row)
        yield f"worst: {name} at {where}, rel {short(float(pairing.rel[row]))}"
    if comparison.first is None and comparison.counts.compared:
        rtol = comparison.smallest_passing_rtol
        yield (
            "no rtol makes everything agree" if rtol is None else f"everything compared agrees with rtol {short(rtol)}"
        )


def _quantities(comparison: Comparison) -> Iterator[str]:
    lines = lines_of(comparison)
    if not lines:
        return
    rows = [("diverging, in step order", "values", "worst rel", "first at")]
    for line in lines[:_LISTED]:
        rel = "-" if math.isnan(line.worst_rel) else short(line.worst_rel)
        rows.append((cut(line.name, _LONGEST_NAME), f"{line.diverge:,}/{line.compared:,}", rel, str(line.first)))
    yield ""
    yield from _table(rows)
    if len(lines) > _LISTED:
        yield f"… and {count(len(lines) - _LISTED, 'more quantity', 'more quantities')}"


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Names to the left, numbers to the right, the last column as it comes."""
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
        for where, quantities in missing.items():
            names = [cut(name, _LONGEST_NAME) + (f" ×{number:,}" if number > 1 else "") for name, number in quantities]
            at = f"at {where}: " if where else ""
            yield from _wrapped(at + _listed(names), "    ", "    " if not where else "      ")


def _listed(words: Sequence[str]) -> str:
    shown = list(words[:_LISTED])
    if len(words) > len(shown):
        shown.append(f"… and {len(words) - len(shown):,} more")
    return ", ".join(shown)


def _wrapped(text: str, first: str, rest: str) -> Iterator[str]:
    yield from textwrap.wrap(text, _WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def _proposals(comparison: Comparison) -> Iterator[str]:
    lines = lines_of(comparison, MatchedBy.PROPOSED)
    if lines:
        yield ""
        yield "perhaps the same (equal values; not counted; say so in a map file)"
        for line in lines[:_LISTED]:
            names = (cut(name, _LONGEST_NAME) for name in (line.name, line.candidate_name or line.name))
            yield f"    {' = '.join(names)}"
