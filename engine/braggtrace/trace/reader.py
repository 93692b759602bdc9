"""Read a trace: every piece of text is scanned, its lines sorted by what they say, and columns made from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.trace.assemble import Batch, Gathered, assemble, whole
from braggtrace.trace.dialects import Reading, Unreadable, read_skeleton
from braggtrace.trace.entries import is_json, read_entries
from braggtrace.trace.model import Trace, UnreadableLine
from braggtrace.trace.scan import Scan, scan, skeleton
from braggtrace.trace.source import Source, open_source

__all__ = ["TraceReader", "read_trace", "files_of", "sibling_of"]

Ints: TypeAlias = npt.NDArray[np.int64]

_MARK_EVERY = 4096
_KEPT_UNREADABLE = 10_000
_TABLE_BITS = 16


def read_trace(side: str | Path | Sequence[str], *, siblings: bool = True) -> Trace:
    """Read a whole trace.

    Args:
        side: a file, "-" for standard input, or several files of one run, as a sequence or joined by `+`.
        siblings: also read the `_per_phi` file that stands beside a single main file.

    Raises:
        TraceReadError: a file is missing, unreadable or damaged.
    """
    reader = TraceReader(side, siblings=siblings)
    for _ in reader:
        pass
    return reader.snapshot()


def files_of(side: str) -> list[str]:
    """The files that one side names: several are joined by `+`, unless a file of that very name exists."""
    return [side] if Path(side).exists() else side.split("+")


def sibling_of(name: str) -> str | None:
    """The per-phi file that belongs to a main trace by its name, if there is one.

    `trace_py.log` has `trace_py_per_phi.log`, `.json`, or one of these compressed.
    """
    path = Path(name)
    stem = path.name.split(".")[0]
    if name == "-" or "per_phi" in stem:
        return None
    suffixes = dict.fromkeys(("".join(path.suffixes), ".log", ".json", ".log.gz", ".json.gz"))
    return next((str(s) for suffix in suffixes if (s := path.with_name(f"{stem}_per_phi{suffix}")).is_file()), None)


@dataclass(slots=True)
class _Shape:
    """What the lines of one skeleton say, and all of them that were met."""

    reading: Reading | None
    reason: str = ""
    batches: list[Batch] = field(default_factory=list)


class TraceReader:
    """Reads a trace piece by piece, so that a face can show what is there while the rest is being indexed.

    Iterate it to read: each step does one piece of about 2 MB and gives the fraction that is done. `snapshot` makes a
    trace of what has been read so far.
    """

    def __init__(self, side: str | Path | Sequence[str], *, siblings: bool = True) -> None:
        names = files_of(str(side)) if isinstance(side, (str, Path)) else [str(name) for name in side]
        self._sources = [open_source(name) for name in names]
        sibling = sibling_of(names[0]) if siblings and len(names) == 1 else None
        self._sibling = None if sibling is None else open_source(sibling)
        self._gathered = Gathered()
        self._shapes: list[_Shape] = []
        self._shape_of_skeleton: dict[int, int] = {}
        self._known_hash = np.zeros(1 << _TABLE_BITS, dtype=np.uint64)
        self._known_shape = np.full(1 << _TABLE_BITS, -1, dtype=np.int32)
        self._lines = 0
        self._bytes = 0
        self._skipped = 0
        self._unreadable: list[UnreadableLine] = []
        self._unreadable_count = 0
        self._dialects: Counter[str] = Counter()
        self._complete = False

    @property
    def sources(self) -> Sequence[Source]:
        """The files of this side."""
        return self._sources

    def __iter__(self) -> Iterator[float]:
        position = 0
        while position < len(self._sources):
            source = self._sources[position]
            source.first_byte, source.first_line = self._bytes, self._lines
            self._gathered.begin_source(self._lines)
            yield from self._read_source(source)
            position += 1
            if position == len(self._sources) and self._sibling is not None and not self._has_phi_lines():
                self._sources.append(self._sibling)
                self._sibling = None
        self._complete = True

    def snapshot(self) -> Trace:
        """A trace of all that has been read so far."""
        pixels, columns = assemble(
            [(shape.reading, shape.batches) for shape in self._shapes if shape.reading], self._gathered
        )
        return Trace(
            sources=tuple(self._sources),
            pixels=pixels,
            columns=columns,
            lines=self._lines,
            skipped=self._skipped,
            unreadable=tuple(sorted(self._unreadable, key=lambda bad: bad.line)),
            unreadable_count=self._unreadable_count,
            dialects=tuple(name for name, _ in self._dialects.most_common()),
            complete=self._complete,
        )

    def _has_phi_lines(self) -> bool:
        return any(shape.reading is not None and shape.reading.family == "PHI" for shape in self._shapes)

    def _read_source(self, source: Source) -> Iterator[float]:
        size = sum(each.size for each in self._sources) or 1
        first = True
        for piece in source.pieces():
            if first and is_json(piece):
                self._read_json(source)
                return
            first = False
            self._read_piece(source, piece)
            yield min(1.0, self._bytes / size)

    def _read_json(self, source: Source) -> None:
        text = b"".join(source.pieces())
        source.mark(0, 0)
        for reading, batch in read_entries(text, source.name, self._bytes, self._lines):
            self._shapes.append(_Shape(reading, "", [batch]))
            self._dialects["JSON"] += len(batch.line)
        source.lines = text.count(b"\n")
        self._lines += source.lines
        self._bytes += len(text)

    def _read_piece(self, source: Source, text: bytes) -> None:
        piece = scan(text)
        for line in range(0, len(piece.line_start), _MARK_EVERY):
            offset = self._bytes - source.first_byte + int(piece.line_start[line])
            source.mark(self._lines - source.first_line + line, offset)
        shape_of_line = self._shapes_of(piece)
        slots = np.array([_frame_slots(shape.reading) for shape in self._shapes], dtype=np.int32)
        frame = self._gathered.frames_of(piece, slots[shape_of_line, 0], slots[shape_of_line, 1])

        order = np.argsort(shape_of_line.astype(np.uint16 if len(self._shapes) < 1 << 16 else np.int64), kind="stable")
        counts = np.bincount(shape_of_line, minlength=len(self._shapes))
        ends = np.cumsum(counts)
        for index in np.flatnonzero(counts):
            lines = order[ends[index] - counts[index] : ends[index]]
            self._take(source, piece, lines, frame[lines], self._shapes[index])
        source.lines += len(piece.line_start)
        self._lines += len(piece.line_start)
        self._bytes += len(text)

    def _take(self, source: Source, piece: Scan, lines: Ints, frame: npt.NDArray[np.int32], shape: _Shape) -> None:
        """Keep the lines of one shape: their numbers, or the fact that they can't be read or hold nothing."""
        if shape.reason:
            self._keep_unreadable(source, piece, lines, shape.reason)
        elif shape.reading is None:
            self._skipped += int((piece.line_end[lines] > piece.line_start[lines]).sum())
        elif shape.reading.fields or shape.reading.starts_frame:
            self._dialects[shape.reading.dialect] += len(lines)
            fit = _whole_coordinates(piece, lines, shape.reading)
            if not fit.all():
                self._keep_unreadable(source, piece, lines[~fit], "a loop counter or pixel is no whole number")
                lines, frame = lines[fit], frame[fit]
            if len(lines):
                shape.batches.append(Batch.from_scan(piece, lines, frame, self._bytes, self._lines))
        elif shape.reading.dialect == "prose":  # a heading
            self._skipped += len(lines)

    def _keep_unreadable(self, source: Source, piece: Scan, lines: Ints, reason: str) -> None:
        from braggtrace.trace.text import visible

        self._unreadable_count += len(lines)
        for line in lines[: _KEPT_UNREADABLE - len(self._unreadable)]:
            raw = piece.text[piece.line_start[line] : piece.line_end[line]][:1000]
            number = self._lines + int(line) - source.first_line + 1
            self._unreadable.append(
                UnreadableLine(source.name, number, visible(raw.decode("utf-8", "replace")), reason)
            )

    def _shapes_of(self, piece: Scan) -> npt.NDArray[np.int32]:
        """(n,) index of each line's shape; a skeleton that was never met is read here, once."""
        hashes = piece.skeleton_hash
        slot = (hashes >> np.uint64(64 - _TABLE_BITS)).astype(np.int64)
        shapes = np.where(self._known_hash[slot] == hashes, self._known_shape[slot], -1).astype(np.int32)
        while len(unknown := np.flatnonzero(shapes < 0)):
            some = unknown[:4096]
            for value, line in zip(*np.unique(hashes[some], return_index=True), strict=True):
                self._shape_of(int(value), piece, int(some[line]))
            shapes[some] = [self._shape_of_skeleton[int(value)] for value in hashes[some]]
            rest = unknown[4096:]
            known = self._known_hash[slot[rest]] == hashes[rest]
            shapes[rest[known]] = self._known_shape[slot[rest[known]]]
        return shapes

    def _shape_of(self, value: int, piece: Scan, line: int) -> int:
        if value in self._shape_of_skeleton:
            return self._shape_of_skeleton[value]
        try:
            shape = _Shape(read_skeleton(skeleton(piece, line)))
        except Unreadable as problem:
            shape = _Shape(None, str(problem))
        index = len(self._shapes)
        self._shapes.append(shape)
        self._shape_of_skeleton[value] = index
        slot = value >> (64 - _TABLE_BITS)
        if self._known_shape[slot] < 0:
            self._known_hash[slot], self._known_shape[slot] = value, index
        return index


def _frame_slots(reading: Reading | None) -> tuple[int, int]:
    """Which numbers of a line are slow and fast if it starts a frame, −1 if it doesn't."""
    if reading is None or not reading.starts_frame or reading.pixel is None:
        return -1, -1
    slow, fast = reading.pixel
    return (slow, fast) if isinstance(slow, int) and isinstance(fast, int) else (-1, -1)


def _whole_coordinates(piece: Scan, lines: Ints, reading: Reading) -> npt.NDArray[np.bool_]:
    """(n,) whether the loop counters and the pixel in some lines of one shape are whole numbers."""
    slots = [slot for _, slot in reading.tics] + list(reading.pixel or ())
    numbers = [slot for slot in slots if isinstance(slot, int)]
    values = piece.value[piece.first_number[lines][:, None] + np.array(numbers, dtype=np.int64)]
    return np.asarray(whole(values).all(axis=1))
