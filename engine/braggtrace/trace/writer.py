"""Write a trace in the project's own text format, every value as it was written before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from braggtrace.trace.model import RUN_LEVEL, Column, Trace

__all__ = ["format_trace"]

_VECTOR = ("_x", "_y", "_z")
_MATRIX = tuple(f"{row}{column}" for row in range(3) for column in range(3))


@dataclass(slots=True)
class _Line:
    """What stands in one line: its kind, its pixel, its loop counters, and its values by name."""

    family: str
    pixel: int
    tics: dict[str, int]
    values: list[tuple[str, list[str]]] = field(default_factory=list)


def format_trace(trace: Trace, side: str = "C") -> Iterator[str]:
    """The lines of a trace, without newlines: run-level values, then a frame for each pixel in the order of the file.

    Args:
        trace: what to write.
        side: the tag of every line: "C" gives `TRACE_C: …`, "PY" gives `TRACE_PY: …`.
    """
    lines: dict[tuple[int, str, str], _Line] = {}
    for column in trace.columns:
        for row in range(len(column)):
            _add(lines, trace, column, row)
    current = RUN_LEVEL
    for _, line in sorted(lines.items(), key=lambda item: (item[1].pixel != RUN_LEVEL, item[0])):
        if line.pixel not in (RUN_LEVEL, current):
            current = line.pixel
            slow, fast = trace.pixels[current]
            if slow >= 0:
                yield f"TRACE_{side}: pixel {slow} {fast}"
        yield _format(line, side)


def _add(lines: dict[tuple[int, str, str], _Line], trace: Trace, column: Column, row: int) -> None:
    number = int(column.line[row])
    family, name = column.key.family, column.key.name
    tics = {tic: int(values[row]) for tic, values in column.tics.items()}
    # Values of one key=value line stay together; a named value has a line of its own.
    key = (number, "", name) if _is_named(family, tics) else (number, family, "")
    line = lines.setdefault(key, _Line(family, int(column.pixel[row]), tics))
    line.values.append((name, [trace.text(column, row, component) for component in range(column.width)]))


def _is_named(family: str, tics: dict[str, int]) -> bool:
    return family in ("", "prose", "TRICUBIC") or not tics or re.fullmatch(r"SOURCE\d+", family) is not None


def _format(line: _Line, side: str) -> str:
    name, values = line.values[0]
    if line.family == "prose":
        return f"TRACE:   {name} = [{', '.join(values)}]"
    if line.family == "TRICUBIC" and line.tics:
        return f"TRACE_{side}_TRICUBIC: [{line.tics['i']},{line.tics['j']},{line.tics['k']}]={values[0]}"
    if line.family == "TRICUBIC":
        return f"TRACE_{side}_{name.upper()}: [{', '.join(values)}]"
    tag = f"TRACE_{side}_{line.family}" if line.family else f"TRACE_{side}"
    if _is_named(line.family, line.tics):
        return f"{tag}: {name} {' '.join(values)}"
    words = [f"{tic}={value}" for tic, value in line.tics.items()]
    for name, values in line.values:
        suffixes = {3: _VECTOR, 9: _MATRIX}.get(len(values))
        if suffixes is None:
            words.append(f"{name}={' '.join(values)}")
        else:
            words += [f"{name}{suffix}={value}" for suffix, value in zip(suffixes, values, strict=True)]
    return f"{tag} {' '.join(words)}"
