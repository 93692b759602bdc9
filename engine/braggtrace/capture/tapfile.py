"""Tap files: which source lines and which variables of a program make which quantity, as data."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from braggtrace.compare.units import conversion, parse_unit
from braggtrace.errors import TapFileError
from braggtrace.quantities import Kind, lookup

__all__ = ["COUNTERS", "LEVELS", "Counter", "ProgramFlags", "Take", "TapFile", "TapPlace", "load_taps", "shipped_taps"]

COUNTERS = ("thick_tic", "subS", "subF", "source", "phi_tic", "mos_tic")
LEVELS = ("run", "source", "mosaic", "sample", "iteration", "pixel")
_RTD = 180.0 * (1.0 / 3.14159265358979323846)  # as C programs have it; one rounding away from 1 / (π / 180)
_NAME = re.compile(r"[A-Za-z_]\w*")
_RANGE = re.compile(r"\[(\d+)\.\.(\d+)\]")
_FORMAT = 1
_LARGEST = 1_000_000
_MOST_COMPONENTS = 100


@dataclass(frozen=True, slots=True)
class Take:
    """One value that is read at a place.

    Attributes:
        quantity: its name.
        level: how often it is read, one of `LEVELS`.
        alternatives: the components' expressions; the first alternative that can be read counts.
        factor: converts to the catalogue's unit.
        condition: an expression; where it is 0, there is no value. "" for none.
        unless: a place; the value counts for an iteration that does not come there. "" for none.
        previous: the value belongs to the iteration before; at the end of a pixel to the last one.
        text: it is a text.
    """

    quantity: str
    level: str
    alternatives: tuple[tuple[str, ...], ...]
    factor: float = 1.0
    condition: str = ""
    unless: str = ""
    previous: bool = False
    text: bool = False


@dataclass(frozen=True, slots=True)
class TapPlace:
    """A place in the source.

    Attributes:
        name: of the place.
        before: patterns of the line to stop before; the first that is found counts.
        after: patterns of the line to stop after, if there is no `before`.
        takes: what to read there.
    """

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    takes: tuple[Take, ...]


@dataclass(frozen=True, slots=True)
class ProgramFlags:
    """Flags of the program. A leading = means the whole word; other flags are found anywhere in a word.

    Attributes:
        roi: takes fast first, fast last, slow first, slow last; "" for none.
        mask: takes a file whose zeros are not rendered.
        trace_pixel: take slow and fast; the program then traces that pixel.
        quiet: save work that no trace needs.
        inputs: take a file to read.
        outputs: take a file to write.
        cache_file: a file in the working folder that is read where `cache_unless` is not among the flags.
        cache_flag: renames it.
        cache_unless: a flag.
    """

    roi: str = ""
    mask: str = ""
    trace_pixel: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    cache_file: str = ""
    cache_flag: str = ""
    cache_unless: str = ""


Alternatives = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Counter:
    """A loop counter.

    Attributes:
        alternatives: expressions of its value.
        rounds: expressions of how many rounds the loop has; where it has one, the counter is 0. May be empty.
    """

    alternatives: Alternatives
    rounds: Alternatives = ()


@dataclass(frozen=True, slots=True)
class TapFile:
    """A tap file.

    Attributes:
        name: the path, for messages.
        title: what kind of program it is for.
        flags: of the program.
        coordinates: name of a loop counter in traces -> the counter.
        row: where a row begins, with the expression of its number; None if not given.
        row_slow: expressions of the row's number.
        pixel: where a pixel begins.
        slow: expressions of its coordinate.
        fast: likewise.
        places: inside a pixel, in the order in which they are come to.
    """

    name: str
    title: str
    flags: ProgramFlags
    coordinates: Mapping[str, Counter]
    row: TapPlace | None
    row_slow: Alternatives
    pixel: TapPlace
    slow: Alternatives
    fast: Alternatives
    places: tuple[TapPlace, ...]

    def takes(self) -> Iterable[tuple[TapPlace, Take]]:
        """Every value that is read anywhere."""
        return ((place, take) for place in (self.pixel, *self.places) for take in place.takes)


def shipped_taps() -> str:
    """The text of the tap file for nanoBragg and programs like it."""
    return files("braggtrace.capture").joinpath("nanobragg.toml").read_text(encoding="utf-8")


def load_taps(path: Path | None = None) -> TapFile:
    """Read a tap file.

    Args:
        path: the file; the shipped one if None.

    Raises:
        TapFileError: it can't be read, or says something that makes no sense.
    """
    if path is None:
        return _Loader("the shipped taps").load(shipped_taps())
    try:
        if path.is_file() and path.stat().st_size > _LARGEST:
            raise TapFileError("too big for a tap file", path=path, expected=f"at most {_LARGEST} bytes")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TapFileError("can't read the tap file", path=path, got=error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise TapFileError("the tap file is not UTF-8 text", path=path) from error
    return _Loader(str(path)).load(text)


class _Loader:
    """Turns TOML into a `TapFile`; every complaint names the key."""

    def __init__(self, name: str) -> None:
        self.name = name

    def wrong(self, what: str, expected: str = "", got: object = "") -> TapFileError:
        return TapFileError(what, path=self.name, expected=expected, got=str(got)[:80])

    def load(self, text: str) -> TapFile:
        try:
            top = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise self.wrong(f"not TOML: {error}") from error
        self.keys(top, "", ("format", "title", "program", "coordinates", "row", "pixel", "place"))
        if top.get("format") != _FORMAT:
            raise self.wrong("unknown format", f"format = {_FORMAT}", top.get("format", "none"))
        pixel, row = self.table(top, "pixel"), self.table(top, "row", optional=True)
        rows = top.get("place", [])
        if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
            raise self.wrong("'place' is no list of tables", "[[place]]")
        places = tuple(self.place(each, str(each.get("name", ""))) for each in rows)
        for number, place in enumerate(places):
            if not place.name or any(place.name == other.name for other in places[:number]):
                raise self.wrong("a place has no name of its own", 'name = "…"', place.name or "none")
            for take in place.takes:
                if take.unless and take.unless not in {other.name for other in places}:
                    raise self.wrong(f"{place.name}: {take.quantity}: 'unless' names no place", got=take.unless)
        tics = self.table(top, "coordinates", optional=True)
        return TapFile(
            name=self.name,
            title=str(top.get("title", "")),
            flags=self.flags(self.table(top, "program", optional=True)),
            coordinates={tic: self.counter(tic, value) for tic, value in tics.items()},
            row=self.place(row, "row", ("slow",)) if row else None,
            row_slow=self.alternatives(row.get("slow"), "row.slow", 1) if row else (),
            pixel=self.place(pixel, "pixel", ("slow", "fast")),
            slow=self.alternatives(pixel.get("slow"), "pixel.slow", 1),
            fast=self.alternatives(pixel.get("fast"), "pixel.fast", 1),
            places=places,
        )

    def keys(self, table: Mapping[str, Any], where: str, known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                raise self.wrong(f"unknown key '{where}{key}'", f"one of {', '.join(known)}")

    def table(self, top: Mapping[str, Any], key: str, *, optional: bool = False) -> Mapping[str, Any]:
        found = top.get(key, {} if optional else None)
        if not isinstance(found, dict):
            raise self.wrong(f"there is no table [{key}]")
        return found

    def words(self, value: Any, where: str) -> tuple[str, ...]:
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or not all(isinstance(word, str) and word for word in found):
            raise self.wrong(f"'{where}' is no text", "a text, or a list of texts", value)
        return tuple(found)

    def counter(self, name: str, value: Any) -> Counter:
        self.keys({name: value}, "coordinates.", COUNTERS)
        table = value if isinstance(value, dict) else {"expr": value}
        self.keys(table, f"coordinates.{name}.", ("expr", "rounds"))
        rounds = self.alternatives(table["rounds"], f"coordinates.{name}.rounds", 1) if "rounds" in table else ()
        return Counter(self.alternatives(table.get("expr"), f"coordinates.{name}", 1), rounds)

    def flags(self, table: Mapping[str, Any]) -> ProgramFlags:
        single, several = ("roi", "mask"), ("trace_pixel", "quiet", "inputs", "outputs")
        self.keys(table, "program.", (*single, *several, "cache"))
        given: dict[str, Any] = {key: self.words(table[key], f"program.{key}") for key in several if key in table}
        given |= {key: self.words(table[key], f"program.{key}")[0] for key in single if key in table}
        cache = self.table(table, "cache", optional=True)
        self.keys(cache, "program.cache.", ("file", "flag", "unless"))
        given |= {f"cache_{key}": self.words(value, f"program.cache.{key}")[0] for key, value in cache.items()}
        return ProgramFlags(**given)

    def place(self, table: Mapping[str, Any], name: str, more: tuple[str, ...] = ()) -> TapPlace:
        self.keys(table, f"{name}.", ("name", "before", "after", *more, *LEVELS))
        if ("before" in table) == ("after" in table) or (more and "after" in table):
            raise self.wrong(f"place '{name}' must say where to stop", "before" if more else "either before or after")
        before = self.words(table["before"], f"{name}.before") if "before" in table else ()
        after = self.words(table["after"], f"{name}.after") if "after" in table else ()
        for pattern in (*before, *after):
            try:
                re.compile(pattern)
            except re.error as error:
                raise self.wrong(f"place '{name}': bad pattern: {error}", got=pattern) from error
        takes = [
            self.take(quantity, level, value, name)
            for level in LEVELS
            for quantity, value in self.table(table, level, optional=True).items()
        ]
        return TapPlace(name, before, after, tuple(takes))

    def take(self, quantity: str, level: str, value: Any, place: str) -> Take:
        where = f"{place}.{level}.{quantity}"
        known = lookup(quantity)
        if known is not None and known.name != quantity:
            raise self.wrong(f"'{where}' is another name of a known quantity", known.name)
        if not _NAME.fullmatch(quantity):
            raise self.wrong(f"'{where}' is no name")
        table = value if isinstance(value, dict) else {"expr": value}
        self.keys(table, f"{where}.", ("expr", "unit", "if", "unless", "of"))
        if table.get("of", "previous") != "previous" or ("of" in table and level not in ("iteration", "pixel")):
            raise self.wrong(f"'{where}.of' makes no sense here", 'of = "previous", at an iteration', table["of"])
        factor = 1.0
        if "unit" in table:
            unit = parse_unit(str(table["unit"]))
            target = known.unit if known is not None else unit
            if unit is None or target is None:
                raise self.wrong(f"'{where}': unknown unit", got=table["unit"])
            found = conversion(unit, target)
            if found is None:
                raise self.wrong(f"'{where}': wrong unit", f"one that converts to {target or 'a number'}", unit)
            factor = _RTD if (unit, target) == ("rad", "deg") else found.factor
        return Take(
            quantity,
            level,
            self.alternatives(table.get("expr"), where, None if known is None else known.size),
            factor,
            self.words(table["if"], f"{where}.if")[0] if "if" in table else "",
            self.words(table["unless"], f"{where}.unless")[0] if "unless" in table else "",
            "of" in table,
            known is not None and known.kind is Kind.TEXT,
        )

    def alternatives(self, value: Any, where: str, size: int | None) -> Alternatives:
        found = tuple(_components(text) for text in self.words(value, where))
        for components in found:
            if not 0 < len(components) <= _MOST_COMPONENTS or not all(components):
                raise self.wrong(f"'{where}' has an empty expression", got=value)
            if size is not None and len(components) != size:
                raise self.wrong(f"'{where}' has the wrong number of components", str(size), len(components))
        return found


def _components(text: str) -> tuple[str, ...]:
    """The expressions in a text, which commas outside brackets part; `v[1..3]` is three of them.

    >>> _components("atan2(x, y), v[1..3]")
    ('atan2(x, y)', 'v[1]', 'v[2]', 'v[3]')
    """
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    parts.append(text[start:])
    out: list[str] = []
    for part in parts:
        span = _RANGE.search(part)
        if span is None:
            out.append(" ".join(part.split()))
        else:
            numbers = range(int(span[1]), min(int(span[2]), int(span[1]) + _MOST_COMPONENTS) + 1)
            out += [" ".join(_RANGE.sub(f"[{number}]", part).split()) for number in numbers]
    return tuple(out)
