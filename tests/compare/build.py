"""Traces for tests, from a few lines of text."""

from __future__ import annotations

import tempfile
from pathlib import Path

from braggtrace.compare.judge import compare
from braggtrace.compare.model import Comparison, Pairing
from braggtrace.compare.options import Options
from braggtrace.compare.tolerance import Measure, Tolerances, parse_rules
from braggtrace.trace.model import Trace
from braggtrace.trace.reader import read_trace

__all__ = ["compared", "names", "pairing", "rules", "trace"]


def trace(text: str, name: str = "c.log") -> Trace:
    """The trace of some lines; a line `name v v` is short for `TRACE_C: name v v`."""
    lines = [line.strip() for line in text.strip().splitlines()]
    written = "".join(f"{line if line.startswith(('TRACE', '{')) else f'TRACE_C: {line}'}\n" for line in lines)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(written, encoding="utf-8")
        return read_trace(path)


def compared(reference: str, candidate: str, options: Options | None = None) -> Comparison:
    """The comparison of two texts."""
    return compare(trace(reference, "c.log"), trace(candidate, "py.log"), options or Options())


def rules(**texts: str | list[str]) -> Tolerances:
    """Tolerances as on the command line: `rules(rtol=["1e-3", "rot_*:1"])`."""
    parsed = [
        rule
        for measure, words in texts.items()
        for rule in parse_rules(Measure(measure), [words] if isinstance(words, str) else words, f"--{measure}")
    ]
    return Tolerances(tuple(parsed))


def pairing(comparison: Comparison, name: str) -> Pairing:
    """The only pairing of a quantity, by its name on the reference's side."""
    (found,) = [each for each in comparison.pairings if each.name == name]
    return found


def names(comparison: Comparison) -> list[tuple[str, str, str]]:
    """Reference name, candidate name and how they were matched, of every pairing in step order."""
    return [
        (
            "" if each.reference is None else each.reference.key.name,
            "" if each.candidate is None else each.candidate.key.name,
            each.matched_by.value,
        )
        for each in comparison.pairings
    ]
