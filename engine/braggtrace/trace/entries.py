"""Per-phi JSON: an object with lists of entries, as under `per_phi_entries` or `traces`."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from braggtrace.errors import TraceReadError
from braggtrace.trace.assemble import Batch
from braggtrace.trace.dialects import Field, Reading, Slot, merge_components
from braggtrace.trace.model import COUNTERS
from braggtrace.trace.text import visible

__all__ = ["is_json", "read_entries"]

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|(-?(?:Infinity|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)|NaN)')


@dataclass(frozen=True, slots=True)
class _Number:
    """A number of the text by its ordinal, so that its place is known."""

    ordinal: int


def is_json(piece: bytes) -> bool:
    """Whether a text that starts with this piece is a JSON object."""
    return piece.lstrip()[:1] == b"{"


def read_entries(text: bytes, name: str, first_byte: int, first_line: int) -> Iterator[tuple[Reading, Batch]]:
    """Every entry as lines of a shape. Byte offsets and lines count from `first_byte` and `first_line`.

    Raises:
        TraceReadError: the text is no JSON, or holds no list of entries.
    """
    places = [match.span(1) for match in _TOKEN.finditer(text) if match[1] is not None]
    seen = 0

    def number(_: str) -> _Number:
        nonlocal seen
        seen += 1
        return _Number(seen - 1)

    try:
        document = json.loads(
            text.decode("utf-8", "replace"), parse_float=number, parse_int=number, parse_constant=number
        )
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        raise TraceReadError(f"damaged JSON ({error})", path=visible(name), line=line) from error
    entries = list(_entries(document, None))
    if not entries:
        raise TraceReadError(
            "no trace entries", path=visible(name), expected="a list of objects, as under per_phi_entries or traces"
        )

    newlines = [match.start() for match in re.finditer(rb"\n", text)]
    for entry, pixel in entries:
        fields, tics, entry_pixel, numbers = _read_entry(entry)
        spans = [places[each.ordinal] for each in numbers]
        if entry_pixel is None and pixel is not None:
            entry_pixel = (len(spans), len(spans) + 1)
            spans += [places[each.ordinal] for each in pixel]
        if not fields or not spans:
            continue
        yield (
            Reading("JSON", "PHI", tuple(merge_components(fields)), tuple(tics), entry_pixel),
            Batch(
                line=np.array([first_line + bisect_right(newlines, spans[0][0])], dtype=np.int32),
                frame=np.array([-1], dtype=np.int32),
                value=np.array([[float(text[start:end]) for start, end in spans]]),
                start=np.array([[first_byte + start for start, _ in spans]]),
                length=np.array([[end - start for start, end in spans]], dtype=np.uint16),
            ),
        )


def _entries(
    document: Any, pixel: tuple[_Number, _Number] | None
) -> Iterator[tuple[dict[str, Any], tuple[_Number, _Number] | None]]:
    """Every object in a list, however deep, with the pixel that it or an object around it names."""
    if not isinstance(document, dict):
        return
    pixel = _pixel(document) or pixel
    for value in document.values():
        for entry in value if isinstance(value, list) else ():
            if isinstance(entry, dict):
                yield entry, _pixel(entry) or pixel
                yield from _entries(entry, pixel)


def _pixel(entry: dict[str, Any]) -> tuple[_Number, _Number] | None:
    for keys in (("slow", "fast"), ("spixel", "fpixel"), ("pixel_slow", "pixel_fast")):
        slow, fast = (entry.get(key) for key in keys)
        if isinstance(slow, _Number) and isinstance(fast, _Number):
            return slow, fast
    value = entry.get("pixel")
    if isinstance(value, dict):
        return _pixel(value)
    if isinstance(value, list) and len(value) == 2 and all(isinstance(each, _Number) for each in value):
        return value[0], value[1]
    return None


_PIXEL_KEYS = frozenset(("slow", "fast", "spixel", "fpixel", "pixel_slow", "pixel_fast", "pixel"))


def _read_entry(
    entry: dict[str, Any],
) -> tuple[list[Field], list[tuple[str, Slot]], tuple[Slot, Slot] | None, list[_Number]]:
    """Fields, loop counters, and the numbers that their slots count."""
    numbers: list[_Number] = []
    fields: list[Field] = []
    tics: list[tuple[str, Slot]] = []

    def slot(value: Any) -> Slot:
        if isinstance(value, _Number):
            numbers.append(value)
            return len(numbers) - 1
        return "nan" if value is None else visible(str(value).strip()) or '""'

    for key, value in entry.items():
        if key in _PIXEL_KEYS:
            continue
        if key in COUNTERS and isinstance(value, _Number):
            tics.append((key, slot(value)))
            continue
        for name, components in _named(visible(key), value):
            fields.append(Field(name, tuple(slot(each) for each in components)))
    return fields, tics, None, numbers


def _named(name: str, value: Any) -> Iterator[tuple[str, list[Any]]]:
    """The quantities in a value: a number, a vector, a matrix as a list of rows, or an object of these."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _named(f"{name}.{visible(key)}", inner)
    elif not isinstance(value, list):
        yield name, [value]
    elif value and not any(isinstance(each, dict) for each in value):
        rows = [each if isinstance(each, list) else [each] for each in value]
        yield name, [each for row in rows for each in row]
