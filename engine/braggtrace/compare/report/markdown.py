"""The report as Markdown, to paste into an issue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from braggtrace.compare.model import Comparison
from braggtrace.compare.report.why import why_markdown
from braggtrace.compare.report.words import code, count, cut, file_lines, lines_of, only_on, plain, short
from braggtrace.compare.view import component_name, divergence, sentence
from braggtrace.trace.text import visible

if TYPE_CHECKING:
    from braggtrace.replay.model import Explanation

__all__ = ["render_markdown"]

_LISTED = 40
_LONGEST = 60


def render_markdown(comparison: Comparison, explanation: Explanation | None = None) -> str:
    """The Markdown report, with a newline at its end; with why, if that is known."""
    return "".join(f"{line}\n" for line in _lines(comparison, explanation))


def _lines(comparison: Comparison, explanation: Explanation | None) -> Iterator[str]:
    yield f"**{comparison.status}**: {plain(sentence(comparison))}"
    if comparison.first is not None:
        pair = divergence(comparison, *comparison.first)
        yield ""
        yield f"| {code(pair.quantity)} {plain(pair.unit)} | reference | candidate |"
        yield "|---|---|---|"
        for component, (ours, theirs) in enumerate(zip(pair.reference, pair.candidate, strict=True)):
            name = component_name(component, len(pair.reference)) or "value"
            mark = " ←" if component == pair.component and len(pair.reference) > 1 else ""
            converted = f" = {pair.candidate_values[component]:.17g} {pair.unit}" if pair.conversion else ""
            words = [code(cut(text, _LONGEST)) for text in (ours.text, theirs.text)]
            yield f"| {name}{mark} | {words[0]} | {words[1]}{converted} |"
        ours, theirs = pair.reference[0], pair.candidate[0]
        yield f"| line | {_where(ours.path, ours.line)} | {_where(theirs.path, theirs.line)} |"
        yield ""
        ulp = "" if pair.ulp is None else f", {pair.ulp:,} ULP, {count(pair.digits, 'digit')} equal"
        yield f"abs {short(pair.abs)}, rel {short(pair.rel)}{ulp}; tolerance {plain(str(pair.tolerance))}."
    if explanation is not None:
        yield ""
        yield from why_markdown(explanation)
    counts = comparison.counts
    yield ""
    yield (
        f"{count(counts.compared, 'value')} compared: {counts.agree:,} agree, {counts.diverge:,} diverge; "
        f"{counts.only_reference:,} only in the reference, {counts.only_candidate:,} only in the candidate."
    )
    for note in comparison.notes:
        yield f"- {plain(note)}"
    yield from _quantities(comparison)
    yield from _missing(comparison)
    yield ""
    for side, trace in (("Reference", comparison.reference), ("Candidate", comparison.candidate)):
        yield f"- {side}: {plain(' '.join(file_lines(trace)))}"


def _quantities(comparison: Comparison) -> Iterator[str]:
    lines = lines_of(comparison)
    if not lines:
        return
    yield ""
    yield "| diverging, in step order | values | worst rel | first at |"
    yield "|---|---:|---:|---|"
    for line in lines[:_LISTED]:
        values = f"{line.diverge:,}/{line.compared:,}"
        yield f"| {code(line.name)} | {values} | {short(line.worst_rel)} | {plain(str(line.first))} |"
    if len(lines) > _LISTED:
        yield f"| … {len(lines) - _LISTED} more | | | |"


def _missing(comparison: Comparison) -> Iterator[str]:
    for side in ("reference", "candidate"):
        for where, missing in only_on(comparison, side).items():
            names = ", ".join(code(name) for name, _ in missing[:_LISTED])
            more = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
            yield ""
            yield f"Only in the {side}{f' at {where}' if where else ''}: {names}{more}"


def _where(path: str, line: int) -> str:
    return code(f"{visible(path)}:{line}")
