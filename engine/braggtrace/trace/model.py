"""A trace in memory: columns of values, each at its coordinate, with the text they were written in.

`Trace` holds one `Column` for each quantity and kind of line. A column's rows are in loop order. Numbers are float64;
their text is fetched from the file when somebody looks at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.quantities import Level, Quantity
from braggtrace.trace.source import Source

__all__ = ["COUNTERS", "LOOPS", "RUN_LEVEL", "Column", "ColumnKey", "Coordinate", "Span", "Trace", "UnreadableLine"]

Ints: TypeAlias = npt.NDArray[np.int32]
Offsets: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]

COUNTERS = ("thick_tic", "subS", "subF", "source", "phi_tic", "mos_tic")
"""The loop counters inside a pixel, outermost first, as keys of trace lines."""

LOOPS = (*COUNTERS, "i", "j", "k")
"""All that can place a value inside a pixel; i, j, k count the nodes of the tricubic neighbourhood."""

RUN_LEVEL = -1
"""The pixel index of a value that belongs to the whole run."""


@dataclass(frozen=True, slots=True)
class ColumnKey:
    """What makes a column: values of one name, written by one kind of line.

    Attributes:
        family: the kind of line: "" for `TRACE_C: name v`, "PHI" for `TRACE_C_PHI key=value …`, and so on.
        name: the quantity's name as written.
        in_pixel: the values belong to pixels, not to the whole run.
        final: the value as used at the end of the pixel, where the same name was traced at the first sample too.
    """

    family: str
    name: str
    in_pixel: bool
    final: bool = False


@dataclass(frozen=True, slots=True)
class Coordinate:
    """Where in the loops a value was taken.

    Attributes:
        pixel: (slow, fast), or None for a run-level value or an unnamed pixel.
        tics: the loop counters that were traced, a subset of `LOOPS`, outermost first.
        occurrence: 0 for the first value of its name at this place, 1 for the second, …
        unnamed: the value belongs to a pixel that the trace doesn't name.
    """

    pixel: tuple[int, int] | None
    tics: tuple[tuple[str, int], ...] = ()
    occurrence: int = 0
    unnamed: bool = False

    def __str__(self) -> str:
        words = ["unnamed pixel"] if self.unnamed else []
        words += [] if self.pixel is None else [f"pixel {self.pixel[0]} {self.pixel[1]}"]
        words += [f"{name} {tic}" for name, tic in self.tics]
        if self.occurrence:
            words.append(f"occurrence {self.occurrence + 1}")
        return ", ".join(words) or "run"


@dataclass(frozen=True, slots=True)
class Span:
    """One written value: where it stands and its text, to the last digit."""

    text: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class UnreadableLine:
    """A line that starts like a trace line but can't be read; `line` counts from 1."""

    path: str
    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """All values of one quantity written by one kind of line, in loop order.

    Attributes:
        key: what makes this column.
        quantity: the catalogue row, or None if the catalogue doesn't know the name.
        level: the loop level it is ranked in.
        pixel: (n,) index into `Trace.pixels`, or `RUN_LEVEL`.
        tics: loop counters that were traced, each (n,); a counter that is absent counts as 0.
        occurrence: (n,) how many values of this name came before at the same coordinate.
        values: (n, width) float64; nan where the text is no number.
        start: (n, width) byte offset of the text in the trace's text, or −1 − index into `literals`.
        length: (n, width) bytes of text.
        line: (n,) line of the trace, from 0, counting through all its files.
        literals: words that stand where numbers could: text values, nan, inf.
        is_text: the values are words, not numbers.
    """

    key: ColumnKey
    quantity: Quantity | None
    level: Level
    pixel: Ints
    tics: Mapping[str, Ints]
    occurrence: Ints
    values: Floats
    start: Offsets
    length: npt.NDArray[np.uint16]
    line: Ints
    literals: tuple[str, ...] = ()
    is_text: bool = False

    def __len__(self) -> int:
        return len(self.line)

    @property
    def width(self) -> int:
        """The number of components."""
        return int(self.values.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A recording of one run, read from one or more files.

    Attributes:
        sources: the files, in reading order.
        pixels: (p, 2) slow, fast of every traced pixel, in loop order; −1 −1 for a pixel that the trace doesn't name.
        columns: the values, in step order.
        lines: total number of lines.
        skipped: lines of program output that hold no trace values.
        unreadable: lines that start like trace lines but can't be read, the first 10,000 of them.
        unreadable_count: how many there are.
        dialects: names of the dialects met, most frequent first.
        complete: False for a snapshot taken while the files are still being indexed.
    """

    sources: tuple[Source, ...]
    pixels: Ints
    columns: tuple[Column, ...]
    lines: int
    skipped: int
    unreadable: tuple[UnreadableLine, ...]
    unreadable_count: int
    dialects: tuple[str, ...]
    complete: bool = True
    index: Mapping[ColumnKey, Column] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", {column.key: column for column in self.columns})

    @property
    def name(self) -> str:
        """The path of the first file, for messages."""
        return self.sources[0].name if self.sources else "(nothing)"

    def coordinate(self, column: Column, row: int) -> Coordinate:
        """The coordinate of one row of a column."""
        where = int(column.pixel[row])
        pixel = None
        if where != RUN_LEVEL and self.pixels[where, 0] >= 0:
            pixel = (int(self.pixels[where, 0]), int(self.pixels[where, 1]))
        tics = tuple((name, int(column.tics[name][row])) for name in LOOPS if name in column.tics)
        return Coordinate(pixel, tics, int(column.occurrence[row]), unnamed=where != RUN_LEVEL and pixel is None)

    def text(self, column: Column, row: int, component: int) -> str:
        """One value as it was written."""
        start = int(column.start[row, component])
        if start < 0:
            return column.literals[-1 - start]
        return self._source_at(start).text(start, int(column.length[row, component]))

    def place(self, line: int) -> tuple[str, int]:
        """The path of the file that holds a line of the trace, and its number there, from 1."""
        source = self._source_of_line(line)
        return source.name, line - source.first_line + 1

    def line_text(self, line: int) -> str:
        """A whole line as it was written, control characters made visible."""
        return self._source_of_line(line).line_text(line)

    def _source_at(self, offset: int) -> Source:
        return next(source for source in reversed(self.sources) if source.first_byte <= offset)

    def _source_of_line(self, line: int) -> Source:
        return next(source for source in reversed(self.sources) if source.first_line <= line)
