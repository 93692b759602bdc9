"""Programs that trace themselves: run once for each pixel, their outputs put together to one trace."""

from __future__ import annotations

import re
from collections.abc import Sequence

from braggtrace.capture.model import Pixel
from braggtrace.quantities import Level, lookup
from braggtrace.trace.text import visible

__all__ = ["SelfTrace", "trace_lines"]

_TRACE_LINE = re.compile(r"\s*(TRACE[_:]|DETECTOR_(FAST|SLOW|NORMAL)_AXIS|DETECTOR_PIX0)")
_PIXEL_LINE = re.compile(r"\s*TRACE_(CONFIG:.*\bspixel=|[A-Z0-9]+:\s*pixel\b)")
_INNER_LINE = re.compile(r"\s*TRACE_[A-Z0-9]+_PHI\b")
_RUN_LINE = re.compile(r"\s*(TRACE_[A-Z0-9]+_(SOURCE|MOSAIC)\b\s*\w+=|DETECTOR_|TRACE:)")
_NAME = re.compile(r"\s*TRACE_[A-Z0-9]+:\s*(\w+)")


def trace_lines(output: bytes) -> list[str]:
    """The lines of a trace in what a program wrote, safe to show. Whatever else it wrote is left out."""
    lines = output.decode("utf-8", "replace").split("\n")
    return [visible(line.rstrip("\r")) for line in lines if _TRACE_LINE.match(line)]


class SelfTrace:
    """Puts the traces of single pixels together.

    Attributes:
        run: lines of run-level values; those of the first pixel, and what other pixels have besides.
        main: the lines of all frames but those of the inner loops.
        inner: those of the inner loops.
    """

    def __init__(self) -> None:
        self.run: list[str] = []
        self.main: list[str] = []
        self.inner: list[str] = []
        self._seen: set[str] = set()

    def add(self, pixel: Pixel, lines: Sequence[str]) -> bool:
        """Add the trace of a pixel, as its program wrote it; whether there is anything about the pixel in it."""
        head, frame = _split(lines)
        for line in head:
            if line not in self._seen:
                self._seen.add(line)
                self.run.append(line)
        if frame:
            start = f"TRACE_C: pixel {pixel[0]} {pixel[1]}"
            self.main += [start, *(line for line in frame if not _INNER_LINE.match(line))]
            self.inner += [start, *(line for line in frame if _INNER_LINE.match(line))]
        return bool(frame)


def _split(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """Run-level lines, and those of the pixel; where the program does not name the pixel, what comes first decides."""
    for at, line in enumerate(lines):
        if _PIXEL_LINE.match(line):
            return list(lines[:at]), list(lines[at + 1 :])
    at = 0
    while at < len(lines) and _belongs_to_the_run(lines[at]):
        at += 1
    return list(lines[:at]), list(lines[at:])


def _belongs_to_the_run(line: str) -> bool:
    if _RUN_LINE.match(line):
        return True
    name = _NAME.match(line)
    quantity = lookup(name[1]) if name else None
    return quantity is not None and quantity.level is Level.RUN
