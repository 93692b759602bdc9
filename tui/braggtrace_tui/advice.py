"""What is wrong with two traces that can't be compared, and what to do about it. Pure functions."""

from __future__ import annotations

from braggtrace.compare.model import Comparison, Status
from braggtrace.trace.model import Trace
from braggtrace_tui.pieces import BLANK, Line, Role, clip, clip_start, safe, wrap

__all__ = ["advice_lines"]


def advice_lines(comparison: Comparison, width: int) -> list[Line]:
    """Nothing if the traces were compared; else what each file holds, and what helps.

    Args:
        comparison: the result.
        width: cells.
    """
    if comparison.status is not Status.INCONCLUSIVE:
        return []
    lines: list[Line] = [BLANK]
    for name, role, trace in (
        ("reference", Role.REFERENCE, comparison.reference),
        ("candidate", Role.CANDIDATE, comparison.candidate),
    ):
        lines.append(((f" {name} ", role), (clip_start(safe(trace.name), max(8, width - 12)), Role.TEXT)))
        lines += [((f"   {text}", Role.DIM),) for text in wrap(_contents(trace), width - 4, 3)]
        for problem in trace.unreadable[:2]:
            lines.append(((f"   {clip(f'line {problem.line}: {safe(problem.reason)}', width - 4)}", Role.MISSING),))
            lines.append(((f"     {clip(safe(problem.text), width - 6)}", Role.DIM),))
    lines += [((f" {text}", Role.TEXT),) for note in comparison.notes for text in wrap(safe(note), width - 2, 3)]
    lines.append(BLANK)
    for key, text in _remedies(comparison):
        for number, part in enumerate(wrap(text, width - 8, 3)):
            lines.append((((f" {key} " if number == 0 else "").ljust(6), Role.KEY), (part, Role.TEXT)))
    return lines


def _values(trace: Trace) -> int:
    return sum(len(column) for column in trace.columns)


def _contents(trace: Trace) -> str:
    """What was read from one side."""
    if not trace.lines:
        return "is empty"
    words = [f"{trace.lines:,} lines", f"{_values(trace):,} values"]
    if len(trace.pixels):
        words.append(f"{len(trace.pixels):,} pixels")
    if trace.skipped:
        words.append(f"{trace.skipped:,} lines of other output")
    if trace.unreadable_count:
        words.append(f"{trace.unreadable_count:,} unreadable trace lines")
    return ", ".join(words)


def _remedies(comparison: Comparison) -> list[tuple[str, str]]:
    """(key, what to do)."""
    sides = (("reference", comparison.reference), ("candidate", comparison.candidate))
    empty = [name for name, trace in sides if not _values(trace)]
    remedies = []
    if empty:
        which = "neither file holds" if len(empty) == 2 else f"the {empty[0]} holds no"
        which = f"{which} any trace line" if len(empty) == 2 else f"{which} trace line"
        remedies.append(("·", f"{which}: they look like 'TRACE_C: F_latt 12.5'; was tracing switched on?"))
    elif comparison.counts.compared == 0:
        remedies.append(
            ("·", "no quantity is on both sides: a map file can say which names mean the same (--map FILE)")
        )
    else:
        remedies.append(("·", "much is on one side only: a map file can say which names mean the same (--map FILE)"))
    remedies.append(("o", "open another file on either side"))
    remedies.append(("r", "read both again, after the program has written more"))
    return remedies
