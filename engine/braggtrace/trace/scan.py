"""Find the lines and numbers of a piece of text, all at once with numpy.

A line's *skeleton* is its text with every number taken out. Lines of the same skeleton say the same thing about
different numbers, so the dialects read each skeleton once and the numbers stay in arrays. Nothing here runs Python
code per line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import orjson

__all__ = ["NUMBER", "Scan", "scan", "skeleton"]

Offsets: TypeAlias = npt.NDArray[np.int64]
Bytes: TypeAlias = npt.NDArray[np.uint8]
Hashes: TypeAlias = npt.NDArray[np.uint64]

NUMBER = "\0"
"""What stands for a number in a skeleton. Control characters of the text are made visible, so it can't occur there."""

_DIGIT, _SIGN, _DOT, _EXPONENT, _BEFORE, _AFTER = (1 << bit for bit in range(6))
_VALID = re.compile(rb"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_LONGEST_HASHED = 512
_SHORT_RUN = 4


def _byte_classes() -> bytes:
    classes = [0] * 256
    for characters, bit in (
        (b"0123456789", _DIGIT),
        (b"+-", _SIGN),
        (b".", _DOT),
        (b"eE", _EXPONENT),
        (b" \t\n=,;:([|", _BEFORE),
        (b" \t\n\r,;:)]|", _AFTER),
    ):
        for character in characters:
            classes[character] |= bit
    return bytes(classes)


_CLASSES = _byte_classes()
_KEEP = np.array([(1 << (8 * count)) - 1 for count in range(9)], dtype=np.uint64)
_MIX_1, _MIX_2, _MIX_3 = (np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
_SHIFT = np.uint64(29)


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """Lines and numbers of a piece of text that ends with a newline. Offsets count from the start of the piece.

    Attributes:
        text: the piece.
        line_start: (n,) first byte of each line.
        line_end: (n,) byte after its last one, without newline and carriage return.
        first_number: (n + 1,) index of each line's first number; the next entry ends it.
        number_start: (k,) first byte of each number.
        number_end: (k,) byte after its last one.
        value: (k,) float64.
        skeleton_hash: (n,) equal for lines of the same skeleton.
    """

    text: bytes
    line_start: Offsets
    line_end: Offsets
    first_number: Offsets
    number_start: Offsets
    number_end: Offsets
    value: npt.NDArray[np.float64]
    skeleton_hash: Hashes


def scan(text: bytes) -> Scan:
    """Find lines and numbers in `text`, which must end with a newline.

    A number stands between delimiters (space, = , ; : brackets |), so digits inside a word belong to the skeleton.
    """
    data = np.frombuffer(text, dtype=np.uint8)
    line_end = np.flatnonzero(data == ord("\n"))
    line_start = np.concatenate(([0], line_end[:-1] + 1))
    line_end = line_end - ((data[np.maximum(line_end - 1, 0)] == ord("\r")) & (line_end > line_start))

    number_start, number_end, inside = _find_numbers(text)
    value = _parse(data, inside, number_end)
    if value is None:
        number_start, number_end = _drop_invalid(text, number_start, number_end)
        value = np.array([float(text[s:e]) for s, e in zip(number_start, number_end, strict=True)], dtype=np.float64)
    first_number = np.concatenate((np.searchsorted(number_start, line_start), [len(number_start)]))
    hashes = _hash_skeletons(text, line_start, line_end, first_number, number_start, number_end)
    return Scan(text, line_start, line_end, first_number, number_start, number_end, value, hashes)


def skeleton(piece: Scan, line: int) -> str:
    """The text of a line with `NUMBER` in place of every number; control characters made visible."""
    from braggtrace.trace.text import visible

    first, last = int(piece.first_number[line]), int(piece.first_number[line + 1])
    cuts = [int(piece.line_start[line])]
    for number in range(first, last):
        cuts += [int(piece.number_start[number]), int(piece.number_end[number])]
    cuts.append(int(piece.line_end[line]))
    words = (piece.text[start:end].decode("utf-8", "replace") for start, end in zip(cuts[::2], cuts[1::2], strict=True))
    return NUMBER.join(visible(word) for word in words)


def _find_numbers(text: bytes) -> tuple[Offsets, Offsets, npt.NDArray[np.bool_]]:
    """Start and end of every run of digits, signs, dots and exponents that stands between delimiters.

    The third array has an entry for each byte: whether it is part of such a run.
    """
    classes = np.frombuffer(text.translate(_CLASSES), dtype=np.uint8)
    inside = (classes & (_DIGIT | _DOT)) != 0
    exponent = np.zeros_like(inside)
    exponent[1:] = ((classes[1:] & _EXPONENT) != 0) & inside[:-1]
    before = np.ones_like(inside)
    before[1:] = ((classes[:-1] & _BEFORE) != 0) | exponent[:-1]
    inside |= exponent
    inside |= ((classes & _SIGN) != 0) & before
    inside[-1] = False  # the final newline: every run has an end

    edge = np.empty_like(inside)
    edge[0] = inside[0]
    np.not_equal(inside[1:], inside[:-1], out=edge[1:])
    edges = np.flatnonzero(edge)
    start, end = edges[0::2], edges[1::2]
    first, last = classes[start], classes[end - 1]
    valid = before[start] & ((classes[end] & _AFTER) != 0)
    valid &= ((first & _EXPONENT) == 0) & ((last & (_DIGIT | _DOT)) != 0)
    valid &= (end - start > 1) | ((first & _DIGIT) != 0)
    at, stop = start[~valid], end[~valid]
    for _ in range(_SHORT_RUN):  # the digits of cos_2theta, of 2%, of dates
        inside[at] = False
        at, stop = (at + 1)[at + 1 < stop], stop[at + 1 < stop]
    for first, past in zip(at, stop, strict=True):
        inside[first:past] = False
    return start[valid], end[valid], inside


def _parse(data: Bytes, inside: npt.NDArray[np.bool_], end: Offsets) -> npt.NDArray[np.float64] | None:
    """The numbers as float64, exactly rounded, or None if one of them is not written as JSON would."""
    if not len(end):
        return np.empty(0, dtype=np.float64)
    keep = np.negative(inside.view(np.uint8))  # 0xff inside a number, 0 elsewhere
    numbers = data & keep
    np.invert(keep, out=keep)
    keep &= ord(" ")
    numbers |= keep
    numbers[end] = ord(",")
    numbers[end[-1]] = ord("]")
    try:
        # A JSON parser is the fastest exactly rounding reader of decimal numbers that Python has.
        return np.array(orjson.loads(b"[" + numbers[: end[-1] + 1].tobytes()), dtype=np.float64)
    except (orjson.JSONDecodeError, OverflowError):
        return None


def _drop_invalid(text: bytes, start: Offsets, end: Offsets) -> tuple[Offsets, Offsets]:
    valid = np.array([_VALID.fullmatch(text, s, e) is not None for s, e in zip(start, end, strict=True)], dtype=bool)
    return start[valid], end[valid]


def _hash_skeletons(
    text: bytes, line_start: Offsets, line_end: Offsets, first_number: Offsets, start: Offsets, end: Offsets
) -> Hashes:
    """Hash of every line's words: what stands before each number, and what stands after the last one."""
    # One word stands before each number and one ends each line.
    numbers_in_line = np.diff(first_number)
    word_start = np.empty_like(start)
    if len(start):
        word_start[0] = line_start[0]
        word_start[1:] = end[:-1]
        with_numbers = numbers_in_line > 0
        word_start[first_number[:-1][with_numbers]] = line_start[with_numbers]
    tail_start = line_start.copy()
    tail_start[numbers_in_line > 0] = end[first_number[1:][numbers_in_line > 0] - 1]

    ordinal = np.arange(len(start)) - np.repeat(first_number[:-1], numbers_in_line)
    before = _hash_words(text, word_start, start)
    before *= _odd_powers(int(ordinal.max(initial=0)) + 1)[ordinal]
    running = np.zeros(len(start) + 1, dtype=np.uint64)
    np.cumsum(before, out=running[1:])
    total = running[first_number[1:]] - running[first_number[:-1]]
    total += _hash_words(text, tail_start, np.maximum(line_end, tail_start)) * _MIX_3
    return total + numbers_in_line.astype(np.uint64) * _MIX_2


def _odd_powers(count: int) -> Hashes:
    powers = np.full(count, _MIX_1 | np.uint64(1), dtype=np.uint64)
    return np.multiply.accumulate(powers)


def _hash_words(text: bytes, start: Offsets, end: Offsets) -> Hashes:
    """Hash of text[start:end] for each pair, eight bytes at a time."""
    padded = np.frombuffer(text + bytes(8), dtype=np.uint8)
    eights = np.ndarray(shape=(len(text) + 1,), dtype="<u8", buffer=padded.data, strides=(1,))
    length = end - start
    hashes = length.astype(np.uint64) * _MIX_2
    rows: Offsets | slice = slice(None)
    done = 0
    while True:
        left = length[rows] - done
        longer = left > 0
        if not longer.any() or done >= _LONGEST_HASHED:
            break
        if not longer.all():
            rows = np.flatnonzero(longer) if isinstance(rows, slice) else rows[longer]
            left = left[longer]
        word = eights[start[rows] + done] & _KEEP[np.minimum(left, 8)]
        mixed = (hashes[rows] ^ word) * _MIX_1
        mixed ^= mixed >> _SHIFT
        mixed *= _MIX_2
        mixed ^= mixed >> _SHIFT
        hashes[rows] = mixed
        done += 8
    for row in np.flatnonzero(length > _LONGEST_HASHED):
        hashes[row] = hash(text[start[row] : end[row]]) & 0xFFFFFFFFFFFFFFFF
    return hashes
