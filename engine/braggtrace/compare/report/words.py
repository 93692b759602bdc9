"""What reports have in common: numbers and places as words, and which quantities deserve a line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from braggtrace.compare.model import Comparison, MatchedBy, Pairing, Verdict
from braggtrace.compare.view import short_coordinate
from braggtrace.trace.model import Coordinate, Trace
from braggtrace.trace.text import visible

__all__ = ["Line", "code", "count", "cut", "file_lines", "label", "lines_of", "only_on", "plain", "short"]

_RUNS = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One quantity in a report.

    Attributes:
        name: the quantity, with the kind of line it stands in.
        compared, diverge: how many of its values.
        first: coordinate of the first diverging one.
        worst_rel: relative difference of the worst one.
        matched_by: how the names were matched.
        candidate_name: the candidate's name where it is another one, else "".
    """

    name: str
    compared: int
    diverge: int
    first: Coordinate
    worst_rel: float
    matched_by: MatchedBy
    candidate_name: str


def short(value: float) -> str:
    """A difference in three digits."""
    return f"{value:.3g}"


def count(number: int, one: str, many: str = "") -> str:
    """`1 value`, `2 values`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def cut(text: str, longest: int) -> str:
    """A text of unknown origin may be very long."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def code(text: str) -> str:
    """Text as Markdown code; a backtick or a bar in it can't end the code or the table cell."""
    return "`" + text.replace("`", "'").replace("|", "¦") + "`"


def plain(text: str) -> str:
    """Text in Markdown that is nothing but text."""
    return "".join(f"\\{character}" if character in "\\`*_[]<>|#" else character for character in text)


def label(pairing: Pairing) -> str:
    """The name of a quantity and, where it matters, the kind of line that wrote it or its part in the pixel."""
    column = pairing.candidate if pairing.reference is None else pairing.reference
    assert column is not None  # a pairing has at least one side
    family = column.key.family
    return column.key.name + (f" ({family})" if family else " (final)" if column.key.final else "")


def lines_of(comparison: Comparison, matched_by: MatchedBy | None = None) -> list[Line]:
    """The diverging quantities in step order, or all that were matched in one way."""
    lines = []
    for pairing in comparison.pairings:
        wanted = pairing.counts.diverge > 0 and pairing.matched_by is not MatchedBy.PROPOSED
        if matched_by is not None:
            wanted = pairing.matched_by is matched_by
        if not wanted:
            continue
        other = "" if pairing.candidate is None else pairing.candidate.key.name
        lines.append(
            Line(
                name=label(pairing),
                compared=pairing.counts.compared,
                diverge=pairing.counts.diverge,
                first=short_coordinate(comparison, pairing, max(pairing.first, 0)),
                worst_rel=float(pairing.rel[pairing.worst]) if pairing.worst >= 0 else float("nan"),
                matched_by=pairing.matched_by,
                candidate_name="" if other == pairing.name else other,
            )
        )
    return lines


def only_on(comparison: Comparison, side: str) -> dict[str, list[tuple[str, int]]]:
    """The quantities of which one side has values that the other lacks, and how many, by where; `side` as in `Counts`.

    "" is where the other side has none at all.
    """
    missing: dict[str, list[tuple[str, int]]] = {}
    for pairing in comparison.pairings:
        counts = pairing.counts
        number = counts.only_reference if side == "reference" else counts.only_candidate
        if number and pairing.matched_by is not MatchedBy.PROPOSED:
            where = _where_only(comparison, pairing, side)
            missing.setdefault(where, []).append((label(pairing), number))
    return missing


def _where_only(comparison: Comparison, pairing: Pairing, side: str) -> str:
    """The pixels and loop counters that hold all of a side's unmatched values, and not all of its values."""
    ours = side == "reference"
    column, rows = (pairing.reference, pairing.reference_rows) if ours else (pairing.candidate, pairing.candidate_rows)
    assert column is not None  # it has values
    verdict = Verdict.ONLY_REFERENCE if ours else Verdict.ONLY_CANDIDATE
    unmatched = rows[pairing.verdict == verdict]
    if len(unmatched) == len(column):
        return ""
    trace = comparison.reference if ours else comparison.candidate
    words = []
    pixels, every = np.unique(column.pixel[unmatched]), np.unique(column.pixel)
    if len(pixels) < len(every):
        slow, fast = trace.pixels[pixels[0]]
        words.append(f"pixel {slow} {fast}" if len(pixels) == 1 else f"{len(pixels):,} of {len(every):,} pixels")
    for name, tics in column.tics.items():
        some, every = np.unique(tics[unmatched]), np.unique(tics)
        if len(some) < len(every):
            words.append(f"{name} {_ranges(some.tolist())}")
    return ", ".join(words)


def _ranges(numbers: list[int]) -> str:
    """Sorted numbers as `0, 3-5`; of many, the first ones."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    words = [str(first) if first == last else f"{first}-{last}" for first, last in runs]
    return " ".join(words[:_RUNS]) + (" …" if len(words) > _RUNS else "")


def file_lines(trace: Trace) -> list[str]:
    """What was read from each file of a side, and what could not be."""
    names = ", ".join(visible(source.name) for source in trace.sources)
    dialects = ", ".join(trace.dialects) or "no trace lines"
    lines = [f"{names}: {count(trace.lines, 'line')} ({dialects}), {trace.skipped:,} skipped as program output"]
    if trace.unreadable_count:
        lines[0] += f", {trace.unreadable_count:,} unreadable"
        lines += [f"  {visible(bad.path)}:{bad.line}: {bad.reason}" for bad in trace.unreadable[:3]]
    return lines
