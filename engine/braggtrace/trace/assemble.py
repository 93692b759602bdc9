"""Make columns from the lines that were gathered: give each value its coordinate and bring it into loop order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.quantities import Level, lookup
from braggtrace.trace.dialects import Reading, Slot, level_of, number_word
from braggtrace.trace.model import LOOPS, RUN_LEVEL, Column, ColumnKey
from braggtrace.trace.scan import Scan

__all__ = ["Batch", "Gathered", "assemble", "whole"]

Ints: TypeAlias = npt.NDArray[np.int32]
Offsets: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]

_NO_FRAME = -1
_LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Lines of one shape: n lines with k numbers each.

    Attributes:
        line: (n,) line of the trace.
        frame: (n,) frame of the line, −1 before the first one.
        value: (n, k) the numbers.
        start: (n, k) byte offsets of their text in the trace.
        length: (n, k) bytes of their text.
    """

    line: Ints
    frame: Ints
    value: Floats
    start: Offsets
    length: npt.NDArray[np.uint16]

    @classmethod
    def from_scan(cls, piece: Scan, lines: Offsets, frame: Ints, first_byte: int, first_line: int) -> Batch:
        """The batch of some lines (n,) of a scanned piece, which all have the same number of numbers."""
        first = piece.first_number[lines]
        count = int(piece.first_number[lines[0] + 1] - first[0]) if len(lines) else 0
        numbers = first[:, None] + np.arange(count)
        start = piece.number_start[numbers]
        length = np.minimum(piece.number_end[numbers] - start, 2**16 - 1).astype(np.uint16)
        return cls((lines + first_line).astype(np.int32), frame, piece.value[numbers], start + first_byte, length)

    @classmethod
    def merge(cls, batches: list[Batch]) -> Batch:
        """All lines of several batches of the same shape; the list is left with the merged one, to free the rest."""
        if len(batches) > 1:
            batches[:] = [cls._concatenate(batches)]
        return batches[0]

    @classmethod
    def _concatenate(cls, batches: Sequence[Batch]) -> Batch:
        return cls(
            np.concatenate([batch.line for batch in batches]),
            np.concatenate([batch.frame for batch in batches]),
            np.concatenate([batch.value for batch in batches]),
            np.concatenate([batch.start for batch in batches]),
            np.concatenate([batch.length for batch in batches]),
        )


@dataclass(slots=True)
class Gathered:
    """The frames met so far: which pixel the lines belong to."""

    slow: list[Ints] = field(default_factory=list)
    fast: list[Ints] = field(default_factory=list)
    count: int = 0
    source_lines: list[int] = field(default_factory=list)
    source_frames: list[int] = field(default_factory=list)

    def begin_source(self, first_line: int) -> None:
        """A new file begins: its lines belong to no frame yet."""
        self.source_lines.append(first_line)
        self.source_frames.append(self.count)

    def frames_of(self, piece: Scan, slow_slot: Ints, fast_slot: Ints) -> Ints:
        """(n,) the frame of each line of a piece, −1 before the file's first one.

        Args:
            piece: the lines.
            slow_slot: (n,) which number of a line is slow, if it starts a frame, else −1.
            fast_slot: (n,) likewise.
        """
        starts = slow_slot >= 0
        lines = np.flatnonzero(starts)
        if len(lines):
            first = piece.first_number[lines]
            slow, fast = piece.value[first + slow_slot[lines]], piece.value[first + fast_slot[lines]]
            named = whole(slow) & whole(fast)  # else the values below it belong to a pixel without a name
            self.slow.append(_as_tics(np.where(named, slow, -1)))
            self.fast.append(_as_tics(np.where(named, fast, -1)))
        frame = np.cumsum(starts, dtype=np.int32)
        frame += self.count - 1
        self.count += len(lines)
        frame[frame < self.source_frames[-1]] = _NO_FRAME
        return frame

    def keys(self) -> Offsets:
        """(f,) the pixel of every frame as one number."""
        if not self.slow:
            return np.empty(0, dtype=np.int64)
        return _pixel_key(np.concatenate(self.slow), np.concatenate(self.fast))

    def frameless(self, line: Ints) -> npt.NDArray[np.bool_]:
        """(n,) whether the file of each line starts no frame at all."""
        ends = [*self.source_frames[1:], self.count]
        frameless = np.array([end == begin for begin, end in zip(self.source_frames, ends, strict=True)], dtype=bool)
        return frameless[np.searchsorted(self.source_lines, line, side="right") - 1]


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One field of the lines of one shape, in file order: a part of a column; arrays as in `Column`."""

    pixel: Ints
    tics: Mapping[str, Ints]
    values: Floats
    start: Offsets
    length: npt.NDArray[np.uint16]
    line: Ints
    literals: tuple[str, ...]


def assemble(shapes: Iterable[tuple[Reading, list[Batch]]], gathered: Gathered) -> tuple[Ints, tuple[Column, ...]]:
    """The pixels (p, 2) in loop order and the columns in step order."""
    read = [(reading, Batch.merge(batches)) for reading, batches in shapes if reading.fields and batches]
    keys, pixel_of_batch = _pixels(read, gathered)
    groups: dict[tuple[str, str, int, bool, tuple[str, ...]], list[_Part]] = {}
    for (reading, batch), pixel in zip(read, pixel_of_batch, strict=True):
        tics = {loop: _as_tics(_component(batch, slot)) for loop in LOOPS for tic, slot in reading.tics if tic == loop}
        for each in reading.fields:
            part = _part(each.slots, batch, _field_pixel(reading, each.name, batch, pixel), tics)
            for in_pixel in (False, True):
                chosen = _where(part, (part.pixel != RUN_LEVEL) == in_pixel)
                if len(chosen.line):
                    key = (reading.family, each.name, len(each.slots), in_pixel, tuple(tics))
                    groups.setdefault(key, []).append(chosen)
    columns: list[Column] = []
    totals = _lines_of_totals(groups, len(keys))
    for (family, name, _, in_pixel, _), parts in groups.items():
        numbers = [part for part in parts if not _has_words(part)]
        words = [part for part in parts if _has_words(part)]
        if numbers:
            columns += _columns(ColumnKey(family, name, in_pixel), _in_loop_order(_joined(numbers)), totals)
        if words:  # `n/a` in place of a number must not make words of all the numbers
            words_name = f"{name} (words)" if numbers else name
            columns += _columns(ColumnKey(family, words_name, in_pixel), _in_loop_order(_joined(words)), totals)
    return np.stack((keys >> 32, keys.astype(np.int32)), axis=1).astype(np.int32), tuple(_in_step_order(columns))


def _in_step_order(columns: Iterable[Column]) -> list[Column]:
    """Columns by level, then by the catalogue; an unknown name follows the last known one before it in the file."""
    ranked: list[tuple[tuple[int, int, int], Column]] = []
    last_known: dict[Level, int] = {}
    level: Level | None = None  # of the last known quantity in the main lines of a pixel
    for position, found in enumerate(sorted(columns, key=lambda column: int(column.line.min(initial=_LARGEST)))):
        column = found
        in_main_lines = column.key.in_pixel and not column.key.family
        if column.quantity is not None:
            last_known[column.level] = column.quantity.order
            level = column.level if in_main_lines else level
        elif in_main_lines and level is not None:
            column = replace(column, level=level)
        ranked.append(((column.level, last_known.get(column.level, -1), position), column))
    ranked.sort(key=lambda pair: pair[0])
    return [column for _, column in ranked]


def _pixels(read: Sequence[tuple[Reading, Batch]], gathered: Gathered) -> tuple[Offsets, list[Ints]]:
    """The pixels as sorted keys (p,), and for each batch the pixel (n,) of its lines.

    Lines of a file that names no pixel belong to the only pixel of the trace, or to an unnamed one.
    """
    frame_keys = gathered.keys()
    own = [
        _pixel_key(*(_as_tics(_component(batch, slot)) for slot in reading.pixel)) if reading.pixel else None
        for reading, batch in read
    ]
    named = np.unique(np.concatenate([frame_keys, *(each for each in own if each is not None)]))
    nameless = [
        (batch.frame == _NO_FRAME) & gathered.frameless(batch.line) & _belongs_to_a_pixel(reading)
        for reading, batch in read
    ]
    unnamed_needed = len(named) != 1 and any(each.any() for each in nameless)
    keys = np.unique(np.concatenate([named, [_UNNAMED]])) if unnamed_needed else named
    unnamed = int(np.searchsorted(keys, _UNNAMED if unnamed_needed else named[0])) if len(keys) else RUN_LEVEL

    frame_pixel = np.append(np.searchsorted(keys, frame_keys), RUN_LEVEL).astype(np.int32)  # the last one: no frame
    pixels = []
    for (_, batch), own_keys, without in zip(read, own, nameless, strict=True):
        if own_keys is not None:
            pixel = np.searchsorted(keys, own_keys).astype(np.int32)
        else:
            pixel = frame_pixel[batch.frame]
            if without.any():
                pixel[without] = unnamed
        pixels.append(pixel)
    return keys, pixels


def _belongs_to_a_pixel(reading: Reading) -> bool:
    """Whether a line without pixel holds values that must belong to one."""
    levels = (level_of(reading.family, field.name, in_pixel=True) for field in reading.fields)
    return reading.pixel is None and any(level is not Level.RUN for level in levels)


def _field_pixel(reading: Reading, name: str, batch: Batch, pixel: Ints) -> Ints:
    """(n,) the pixel of one field's values: a file without frames still has run-level quantities."""
    if level_of(reading.family, name, in_pixel=True) is not Level.RUN or reading.pixel is not None:
        return pixel
    return np.where(batch.frame == _NO_FRAME, np.int32(RUN_LEVEL), pixel)


def _pixel_key(slow: Ints, fast: Ints) -> Offsets:
    return (slow.astype(np.int64) << 32) | (fast.astype(np.int64) & 0xFFFFFFFF)


_UNNAMED = -1  # the key of slow −1, fast −1


def whole(values: Floats) -> npt.NDArray[np.bool_]:
    """Which numbers can be a loop counter or a pixel's coordinate."""
    with np.errstate(invalid="ignore"):
        return np.asarray((values == np.rint(values)) & (np.abs(values) <= _LARGEST))


def _as_tics(values: Floats) -> Ints:
    return np.clip(np.nan_to_num(values, nan=-1), -_LARGEST, _LARGEST).astype(np.int32)


def _component(batch: Batch, slot: Slot) -> Floats:
    """(n,) one number of every line of a batch, or the same word for all."""
    if isinstance(slot, int):
        return batch.value[:, slot]
    value = number_word(slot)
    if value is None:
        value = float(slot) if slot.isdecimal() else np.nan
    return np.full(len(batch.line), value)


def _part(slots: Sequence[Slot], batch: Batch, pixel: Ints, tics: Mapping[str, Ints]) -> _Part:
    if all(isinstance(slot, int) for slot in slots):
        first = slots[0]
        assert isinstance(first, int)
        consecutive = list(slots) == list(range(first, first + len(slots)))
        pick = slice(first, first + len(slots)) if consecutive else np.array(slots)
        return _Part(pixel, tics, batch.value[:, pick], batch.start[:, pick], batch.length[:, pick], batch.line, ())
    values = np.stack([_component(batch, slot) for slot in slots], axis=1)
    start = np.empty(values.shape, dtype=np.int64)
    length = np.zeros(values.shape, dtype=np.uint16)
    literals: list[str] = []
    for component, slot in enumerate(slots):
        if isinstance(slot, int):
            start[:, component], length[:, component] = batch.start[:, slot], batch.length[:, slot]
        else:
            literals.append(slot)
            start[:, component] = -len(literals)
            values[:, component] = np.nan if number_word(slot) is None else number_word(slot)
    return _Part(pixel, tics, values, start, length, batch.line, tuple(literals))


def _where(part: _Part, chosen: npt.NDArray[np.bool_] | Offsets) -> _Part:
    """Some rows of a part, by a mask (n,) or by indices."""
    if chosen.dtype == bool and chosen.all():
        return part
    return _Part(
        part.pixel[chosen],
        {tic: values[chosen] for tic, values in part.tics.items()},
        part.values[chosen],
        part.start[chosen],
        part.length[chosen],
        part.line[chosen],
        part.literals,
    )


def _joined(parts: Sequence[_Part]) -> _Part:
    if len(parts) == 1:
        return parts[0]
    literals: list[str] = []
    starts = []
    for part in parts:
        starts.append(np.where(part.start < 0, part.start - len(literals), part.start))
        literals += part.literals
    return _Part(
        np.concatenate([part.pixel for part in parts]),
        {tic: np.concatenate([part.tics[tic] for part in parts]) for tic in parts[0].tics},
        np.concatenate([part.values for part in parts]),
        np.concatenate(starts),
        np.concatenate([part.length for part in parts]),
        np.concatenate([part.line for part in parts]),
        tuple(literals),
    )


def _in_loop_order(part: _Part) -> _Part:
    """The rows by pixel, then by loop counters, outermost first, then as they stood in the file."""
    keys = [part.pixel, *part.tics.values(), part.line]
    same = np.ones(max(0, len(part.line) - 1), dtype=bool)
    for key in keys:
        step = np.diff(key)
        if (same & (step < 0)).any():
            return _where(part, np.lexsort(keys[::-1]))
        same &= step == 0
    return part


def _has_words(part: _Part) -> bool:
    return any(number_word(literal) is None for literal in part.literals)


def _lines_of_totals(groups: Mapping[tuple[str, str, int, bool, tuple[str, ...]], list[_Part]], pixels: int) -> Offsets:
    """(p,) the line of each pixel's `I_before_scaling`, −1 where there is none: what stands below is final."""
    lines = np.full(pixels + 1, -1, dtype=np.int64)
    for (family, name, *_), parts in groups.items():
        quantity = lookup(name)
        if not family and quantity is not None and quantity.name == "I_before_scaling":
            for part in parts:
                lines[part.pixel] = part.line
    return lines


def _columns(key: ColumnKey, part: _Part, totals: Offsets) -> list[Column]:
    """The column of a part; two where a value is traced at the first sample and again as used at the end."""
    repeated = np.zeros(len(part.line), dtype=bool)  # same coordinate as the row before
    if len(part.line) > 1:
        repeated[1:] = part.pixel[1:] == part.pixel[:-1]
        for tic in part.tics.values():
            repeated[1:] &= tic[1:] == tic[:-1]
    occurrence = np.broadcast_to(np.int32(0), len(part.line))  # mostly: a million zeros in four bytes
    if repeated.any():
        row = np.arange(len(part.line), dtype=np.int32)
        occurrence = row - np.maximum.accumulate(np.where(repeated, 0, row))
    quantity = lookup(key.name)
    level = level_of(key.family, key.name, key.in_pixel)
    if not (quantity is not None and quantity.repeats and key.in_pixel and not key.family):
        return [_column(key, level, part, occurrence)]
    total = totals[part.pixel]
    last = np.append(~repeated[1:], True) & ((part.line > total) | (total < 0))
    columns = []
    for final, chosen in ((False, ~last), (True, last)):
        if chosen.any():
            of_key = occurrence[chosen] if not final else np.zeros(int(chosen.sum()), dtype=np.int32)
            own_level = Level.PIXEL if final else level
            columns.append(_column(replace(key, final=final), own_level, _where(part, chosen), of_key))
    return columns


def _column(key: ColumnKey, level: Level, part: _Part, occurrence: Ints) -> Column:
    return Column(
        key=key,
        quantity=lookup(key.name),
        level=level,
        pixel=part.pixel,
        tics=part.tics,
        occurrence=occurrence,
        values=part.values,
        start=part.start,
        length=part.length,
        line=part.line,
        literals=part.literals,
        is_text=_has_words(part),
    )
