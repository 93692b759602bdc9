"""The textual ways of writing a trace: what each kind of line says.

A dialect reads a line's *skeleton* (`braggtrace.trace.scan`): the line with `NUMBER` in place of each number. Its
answer, a `Reading`, says which number of the line is which component of which quantity, and holds for all lines of
that skeleton. To add a dialect, write a pattern and a function from its match to a `Reading`, and add a row to
`DIALECTS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from braggtrace.quantities import Kind, Level, lookup
from braggtrace.trace.model import COUNTERS
from braggtrace.trace.scan import NUMBER

__all__ = [
    "DIALECTS",
    "Dialect",
    "Field",
    "Reading",
    "Slot",
    "Unreadable",
    "level_of",
    "merge_components",
    "number_word",
    "read_skeleton",
]

Slot: TypeAlias = int | str
"""The index of a number in the line, or a word that stands in the skeleton itself."""


class Unreadable(Exception):
    """The line starts like a trace line, but says nothing that can be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Field:
    """One quantity in a line: its name and where its components stand."""

    name: str
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the lines of one skeleton say.

    Attributes:
        dialect: the name of the dialect, for reports.
        family: the kind of line, part of the column's key.
        fields: the quantities.
        tics: loop counters and where they stand.
        pixel: where slow and fast stand, if the line says which pixel its values belong to.
        starts_frame: the lines after this one belong to that pixel too.
    """

    dialect: str
    family: str = ""
    fields: tuple[Field, ...] = ()
    tics: tuple[tuple[str, Slot], ...] = ()
    pixel: tuple[Slot, Slot] | None = None
    starts_frame: bool = False


@dataclass(frozen=True, slots=True)
class Dialect:
    """A way of writing trace lines: the lines it claims, and how it reads them."""

    name: str
    pattern: re.Pattern[str]
    read: Callable[[re.Match[str]], Reading]


FAMILY_LEVELS = {
    "SOURCE": Level.RUN,
    "MOSAIC": Level.RUN,
    "SUBPIXEL": Level.SAMPLE,
    "PHI": Level.ITERATION,
    "ROTSTAR": Level.ITERATION,
}
"""Levels of the families whose lines belong to one loop level, whatever they hold."""

_KEY = re.compile(r"(\|?[A-Za-z_][\w.'*]*\|?)\s*=")
_NOT_FINITE = re.compile(r"[-+]?(nan|inf|infinity)(\(\w*\))?", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\s,;\[\]()]+")
_PIXEL_KEYS = (("slow", "fast"), ("spixel", "fpixel"), ("pixel_slow", "pixel_fast"))
_COMPONENTS = ("_x", "_y", "_z")
_MATRIX = tuple(f"{row}{column}" for row in range(3) for column in range(3))
_COMMENT = "# braggtrace "
_LOOKS_LIKE_TRACE = re.compile(r"\s*(TRACE(_|:|\s|$)|DETECTOR_(FAST|SLOW|NORMAL|PIX0))")
_LOG_PREFIX = re.compile(r"^[^\0]{1,80}?[:\s\]-](?=TRACE_[A-Z]|TRACE:)")  # INFO:root:
_TENSOR = re.compile(r"\btensor\(|,\s*(?:dtype|device|requires_grad|grad_fn)=[^,)\0]+")  # tensor(1.5, dtype=…)
_TRACE_INSIDE = re.compile(r"\bTRACE_[A-Z][A-Z0-9_]*[: ]|[a-z0-9.]TRACE_[A-Z]")


def read_skeleton(skeleton: str) -> Reading | None:
    """What lines of this skeleton say; None if they are no trace lines.

    Raises:
        Unreadable: they look like trace lines, but can't be read.
    """
    if skeleton.startswith(_COMMENT):  # flags can hold anything, what looks like a trace line too
        return None
    skeleton = _TENSOR.sub("", _LOG_PREFIX.sub("", skeleton))
    for dialect in DIALECTS:
        match = dialect.pattern.fullmatch(skeleton)
        if match is not None:
            return _checked(dialect.read(match))
    if _LOOKS_LIKE_TRACE.match(skeleton):
        raise Unreadable("no known form of trace line")
    if _TRACE_INSIDE.search(skeleton):
        raise Unreadable("a trace line begins in the middle of this line")
    return None


def level_of(family: str, name: str, in_pixel: bool) -> Level:
    """The loop level at which a column is ranked: by its family, by the catalogue, or by where it was found."""
    if family in FAMILY_LEVELS:
        return FAMILY_LEVELS[family]
    quantity = lookup(name)
    if family == "prose":
        return Level.RUN if quantity is None else quantity.level
    if family:
        return Level.ITERATION if quantity is None else max(quantity.level, Level.SAMPLE)
    if quantity is not None:
        return quantity.level
    return Level.PIXEL if in_pixel else Level.RUN


def number_word(word: str) -> float | None:
    """The value of a word that is a number without digits (nan, -inf), else None."""
    if not _NOT_FINITE.fullmatch(word):
        return None
    return float(word.partition("(")[0])


def _checked(reading: Reading) -> Reading:
    if reading.pixel is not None and not reading.fields:
        reading = replace(reading, starts_frame=True)
    for field in reading.fields:
        quantity = lookup(field.name)
        if not field.slots:
            raise Unreadable(f"'{field.name}' has no value")
        if quantity is None or quantity.kind is Kind.TEXT:
            continue
        for slot in field.slots:
            if isinstance(slot, str) and number_word(slot) is None:
                raise Unreadable(f"'{field.name}' is '{slot[:40].replace(NUMBER, '#')}', expected a number")
        if len(field.slots) != quantity.size:
            raise Unreadable(f"'{field.name}' has {len(field.slots)} values, expected {quantity.size}")
    return reading


def _slots(text: str, first: int) -> tuple[Slot, ...]:
    """The components in a value text: `v v v`, `[v, v, v]`, `[r; r; r]`, `label:value …`, or words."""
    slots: list[Slot] = []
    for token in _SEPARATORS.split(text):
        label, _, value = token.rpartition(":")
        word = value if label and NUMBER in value and NUMBER not in label else token
        if word == NUMBER:
            slots.append(first)
        elif word:
            slots.append(word)
        first += token.count(NUMBER)
    return tuple(slots)


def _fields(name: str, text: str, first: int) -> Iterator[Field]:
    """A named value text as fields. Words become one text; words among numbers become a field of their own."""
    slots = _slots(text, first)
    words = [slot for slot in slots if isinstance(slot, str) and number_word(slot) is None]
    quantity = lookup(name)
    known_number = quantity is not None and quantity.kind is not Kind.TEXT
    if not words or known_number:
        yield Field(name, slots)
    elif NUMBER not in text:
        yield Field(name, (text.strip(),))
    else:
        numbers = tuple(slot for slot in slots if not isinstance(slot, str) or number_word(slot) is not None)
        yield Field(name, numbers)
        yield Field(f"{name} (words)", (" ".join(words).replace(NUMBER, "#"),))


def _assignments(text: str, first: int) -> Iterator[tuple[str, str, int]]:
    """Every `key=value` of a text: key, value text, and how many numbers of the line stand before the value."""
    keys = list(_KEY.finditer(text))
    if not keys or text[: keys[0].start()].strip():
        raise Unreadable("expected key=value")
    ends = [key.start() for key in keys[1:]] + [len(text)]
    for key, end in zip(keys, ends, strict=True):
        yield key[1], text[key.end() : end], first + text[: key.end()].count(NUMBER)


def merge_components(fields: list[Field]) -> list[Field]:
    """Components scattered over keys (`dir_x= dir_y= dir_z=`, `u00= … u22=`) become one vector or matrix."""
    by_name = {field.name: field for field in fields}
    merged: list[Field] = []
    used: set[str] = set()
    for field in fields:
        if field.name in used:
            continue
        for suffixes in (_COMPONENTS, _MATRIX):
            stem = field.name.removesuffix(suffixes[0])
            parts = [by_name.get(stem + suffix) for suffix in suffixes]
            whole = [part for part in parts if part is not None and len(part.slots) == 1]
            if stem and stem != field.name and len(whole) == len(suffixes):
                merged.append(Field(stem, tuple(part.slots[0] for part in whole)))
                used.update(part.name for part in whole)
                break
        else:
            merged.append(field)
    return merged


def _key_values(dialect: str, family: str, text: str, first: int = 0) -> Reading:
    """`phi_tic=0 mos_tic=0 … F_latt=…`: loop counters, pixel and quantities by key."""
    tics: list[tuple[str, Slot]] = []
    fields: list[Field] = []
    for key, value, before in _assignments(text, first):
        slots = _slots(value, before)
        if key in COUNTERS and len(slots) == 1:
            tics.append((key, slots[0]))
        elif key == "subpixel" and len(slots) == 2:
            tics += [("subS", slots[0]), ("subF", slots[1])]
        else:
            fields += _fields(key, value, before)
    by_name = {field.name: field.slots for field in fields}
    pixel: tuple[Slot, Slot] | None = None
    if len(by_name.get("pixel", ())) == 2:
        pixel = (by_name["pixel"][0], by_name["pixel"][1])
        fields = [field for field in fields if field.name != "pixel"]
    for slow, fast in _PIXEL_KEYS:
        if slow in by_name and fast in by_name:
            pixel = (by_name[slow][0], by_name[fast][0])
            fields = [field for field in fields if field.name not in (slow, fast)]
    return Reading(dialect, family, tuple(merge_components(fields)), tuple(tics), pixel)


def _config(_: re.Match[str]) -> Reading:
    return Reading("config", pixel=(0, 1), starts_frame=True)


def _pixel(match: re.Match[str]) -> Reading:
    return Reading(_side(match), pixel=(0, 1), starts_frame=True)


def _pixel_keys(match: re.Match[str]) -> Reading:
    """`TRACE_C: pixel slow=5 fast=8`."""
    return _key_values(_side(match), "", match["values"])


def _side(match: re.Match[str]) -> str:
    return f"TRACE_{match['side']}"


def _named(match: re.Match[str]) -> Reading:
    """`TRACE_C: name v v v`, also with a family (`TRACE_C_SOURCE2: name v`)."""
    family = match["family"] or ""
    source = re.fullmatch(r"SOURCE(\d+)", family)
    tics: tuple[tuple[str, Slot], ...] = (("source", source[1]),) if source else ()
    return Reading(_side(match), family, tuple(_fields(match["name"], match["values"], 0)), tics)


def _assigned(match: re.Match[str]) -> Reading:
    """`TRACE_C:name=v v v`, `TRACE_C_PHI key=value …`, `TRACE_C_TAP5_HKL: key=value …`."""
    return _key_values(_side(match), match["family"] or "", match["values"])


def _tricubic(match: re.Match[str]) -> Reading:
    node = (("i", 0), ("j", 1), ("k", 2))
    return Reading(_side(match), "TRICUBIC", (Field("tricubic_grid", (3,)),), node)


def _tricubic_list(match: re.Match[str]) -> Reading:
    family = match["family"]
    if family is None:
        raise Unreadable("a list without a name")
    return Reading(_side(match), "TRICUBIC", (Field(family.lower(), _slots(match["values"], 0)),))


def _marker(match: re.Match[str]) -> Reading:
    return Reading(_side(match))


def _prose_values(match: re.Match[str]) -> Reading:
    return _key_values("prose", "prose", match["values"])


def _prose(_: re.Match[str]) -> Reading:
    return Reading("prose")


def _axis(match: re.Match[str]) -> Reading:
    return Reading("axes", "", (Field(match["name"], _slots(match["values"], 0)),))


_TAG = r"\s*TRACE_(?P<side>[A-Z][A-Z0-9]*)(?:_(?P<family>[A-Z0-9_]+))?"
DIALECTS: tuple[Dialect, ...] = (
    Dialect("config", re.compile(r"\s*TRACE_CONFIG:.*spixel=\0,\s*fpixel=\0\D*"), _config),
    Dialect("pixel", re.compile(_TAG + r":\s*pixel\s*[:=]?[\s(\[]*\0[\s,]+\0[\s)\]]*"), _pixel),
    Dialect("pixel keys", re.compile(_TAG + r":\s*pixel\s+(?P<values>\w+\s*=.*)"), _pixel_keys),
    Dialect("tricubic node", re.compile(_TAG + r":\s*\[\0,\s*\0,\s*\0\]\s*=\s*\0\s*"), _tricubic),
    Dialect("tricubic list", re.compile(_TAG + r":\s*(?P<values>\[.*\])\s*"), _tricubic_list),
    Dialect("tricubic marker", re.compile(_TAG + r"_(?:START|END):?\s*"), _marker),
    Dialect("key=value", re.compile(_TAG + r"(?:\s|:)\s*(?P<values>[^\s=]+\s*=.*)"), _assigned),
    Dialect("name values", re.compile(_TAG + r":\s*(?P<name>[^\s=\0:]+):?(?P<values>(?:\s.*)?)"), _named),
    Dialect("prose values", re.compile(r"\s*TRACE:\s+(?P<values>[^\s=]+\s+=\s.*)"), _prose_values),
    Dialect("prose", re.compile(r"\s*TRACE:(?:\s.*)?"), _prose),
    Dialect(
        "axes",
        re.compile(r"\s*(?P<name>DETECTOR_(?:FAST|SLOW|NORMAL)_AXIS|DETECTOR_PIX0_VECTOR)\s+(?P<values>.*)"),
        _axis,
    ),
)
"""Every dialect, tried in this order."""
