"""What was read of a program: the records that come out of gdb, sorted by pixel and coordinate."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from braggtrace.capture.model import Missing, Pixel
from braggtrace.capture.tapfile import TapFile

__all__ = ["PixelRecord", "Recording", "Row", "Values"]

Value: TypeAlias = float | int | str
Values: TypeAlias = dict[str, list[Value]]
"""Quantity -> its components, in the catalogue's unit."""

Tics: TypeAlias = tuple[int, ...]


@dataclass(slots=True)
class Row:
    """Values at one coordinate.

    Attributes:
        values: what was read.
        instead: quantity -> (place, components): values that count if the row did not come to that place.
        places: the places it came to.
        doubt: quantities read from memory that an optimised program need not keep up to date.
        before: of an iteration: the one that the program came to before it.
        contradicts: the program came to the same place with the same loop counters again, and found another value.
    """

    values: Values = field(default_factory=dict)
    instead: dict[str, tuple[str, list[Value]]] = field(default_factory=dict)
    places: set[str] = field(default_factory=set)
    doubt: set[str] = field(default_factory=set)
    before: Row | None = None
    contradicts: bool = False


@dataclass(slots=True)
class PixelRecord:
    """What was read in one pixel.

    Attributes:
        samples: (thick_tic, subS, subF, source) -> values.
        iterations: those and (phi_tic, mos_tic) -> values.
        final: values at its end.
        latest: the iteration that the program came to last.
    """

    samples: dict[Tics, Row] = field(default_factory=dict)
    iterations: dict[Tics, Row] = field(default_factory=dict)
    final: Row = field(default_factory=Row)
    latest: Row | None = None

    def iteration(self, tics: Tics) -> Row:
        """The row of an iteration."""
        if tics not in self.iterations:
            self.latest = self.iterations[tics] = Row(before=self.latest)
        return self.iterations[tics]


@dataclass(slots=True)
class _Lost:
    """How often a quantity could not be read, and why the first time."""

    reason: str
    count: int = 0


class Recording:
    """Gathers records of one or more runs of a program.

    Attributes:
        run: values of the whole run.
        sources: source -> values.
        mosaic: mos_tic -> values.
        pixels: in loop order, once `finish` is called.
        bound: place -> `file:line`, only those that were found.
        unbound: place -> why it was not found.
        optimised: the program was built with optimisation.
        source_file: the file that the pixels' loop is in.
        unreadable: source files that could not be read.
        ending: the last record that says how a run ended.
    """

    def __init__(self, taps: TapFile) -> None:
        self.taps = taps
        self.takes = {(place.name, take.level, take.quantity): take for place, take in taps.takes()}
        self.run = Row()
        self.sources: dict[int, Row] = {}
        self.mosaic: dict[int, Row] = {}
        self.pixels: dict[Pixel, PixelRecord] = {}
        self.bound: dict[str, str] = {}
        self.unbound: dict[str, str] = {}
        self.other_lines: dict[str, list[int]] = {}
        self.lacking: dict[tuple[str, str], list[str]] = {}
        self.optimised = False
        self.source_file = ""
        self.unreadable: dict[str, str] = {}
        self.ending: Mapping[str, Any] = {}
        self._lost: dict[str, _Lost] = {}

    def read(self, lines: Iterable[str]) -> None:
        """Take in the records of one run. What follows a damaged line is not read: there gdb was killed."""
        self.ending = {}
        for line in lines:
            try:
                record = json.loads(line)
            except ValueError:
                return
            self._record(record)

    def _record(self, record: Mapping[str, Any]) -> None:
        kind = record["kind"]
        if kind == "values":
            self._values(record)
        elif kind == "pixel":
            self.pixels[_pixel(record)] = PixelRecord()
        elif kind == "place":
            (self.bound if record["where"] else self.unbound)[record["name"]] = record["where"] or record["why"]
            self.other_lines[record["name"]] = record["others"]
        elif kind == "take":
            self.lacking[record["place"], record["quantity"]] = record["lacking"]
        elif kind == "source":
            self.optimised, self.source_file = record["optimised"], record["file"]
        elif kind == "unreadable":
            self.unreadable[record["file"]] = record["why"]
        elif kind == "lost":
            for quantity in record["quantities"]:
                self.lose(quantity, _at(record["why"], record["where"]))
        else:
            self.ending = record

    def _values(self, record: Mapping[str, Any]) -> None:
        here = self._row(record)
        place, level = record["place"], record["level"]
        again = place in here.places and level in ("sample", "iteration")
        here.places.add(place)
        for quantity, components in record["values"].items():
            take = self.takes[place, level, quantity]
            row = self._previous(here, record) if take.previous else here
            if row is None or (components is None and level != "iteration"):
                continue  # nothing comes before the first iteration; here the quantity has no meaning
            if components is None:
                row.values[quantity] = [math.nan]  # an iteration says so
                continue
            converted = components if take.factor == 1.0 else [each * take.factor for each in components]
            if take.unless:
                row.instead[quantity] = (take.unless, converted)
                continue
            here.contradicts |= again and row is here and row.values.get(quantity, converted) != converted
            row.values[quantity] = converted
            row.doubt.discard(quantity)
            if quantity in record["doubt"] or (take.previous and self.optimised):
                row.doubt.add(quantity)
        for quantity, why in record["missing"].items():
            row = self._previous(here, record) if self.takes[place, level, quantity].previous else here
            if row is not None:
                row.values.pop(quantity, None)
                row.instead.pop(quantity, None)
                self.lose(quantity, _at(why, record["where"]))

    def _previous(self, row: Row, record: Mapping[str, Any]) -> Row | None:
        """The iteration before; at the end of a pixel the last one."""
        return self.pixels[_pixel(record)].latest if record["level"] == "pixel" else row.before

    def _row(self, record: Mapping[str, Any]) -> Row:
        level, tics = record["level"], tuple(record["tics"])
        if level == "run":
            return self.run
        if level in ("source", "mosaic"):
            return (self.sources if level == "source" else self.mosaic).setdefault(tics[0], Row())
        pixel = self.pixels[_pixel(record)]
        if level == "pixel":
            return pixel.final
        return pixel.samples.setdefault(tics, Row()) if level == "sample" else pixel.iteration(tics)

    def lose(self, quantity: str, reason: str) -> None:
        """A value could not be had."""
        self._lost.setdefault(quantity, _Lost(reason)).count += 1

    def rows(self) -> Iterable[Row]:
        """Every row there is."""
        yield from (self.run, *self.sources.values(), *self.mosaic.values())
        for pixel in self.pixels.values():
            yield from (*pixel.samples.values(), *pixel.iterations.values(), pixel.final)

    def finish(self) -> None:
        """Settle what counts for rows that did not come to a place, and the order of pixels and rows."""
        for row in self.rows():
            for quantity, (place, components) in row.instead.items():
                if quantity not in row.values and place in self.bound and place not in row.places:
                    row.values[quantity] = components
            row.instead.clear()
        self.pixels = dict(sorted(self.pixels.items()))
        for pixel in self.pixels.values():
            pixel.samples = dict(sorted(pixel.samples.items()))
            pixel.iterations = dict(sorted(pixel.iterations.items()))
        for at, take in self.taps.takes():
            if at.name in self.unbound:
                self._lost.setdefault(take.quantity, _Lost(self.unbound[at.name]))

    def missing(self) -> list[Missing]:
        """What could not be had, in the order of the tap file; how often, if it could be had elsewhere."""
        had: dict[str, int] = {}
        for row in self.rows():
            for quantity in row.values:
                had[quantity] = had.get(quantity, 0) + 1
        order = {take.quantity: number for number, (_, take) in enumerate(self.taps.takes())}
        found = []
        for quantity, lost in sorted(self._lost.items(), key=lambda item: order.get(item[0], len(order))):
            total = lost.count + had.get(quantity, 0)
            partly = f", {lost.count} of {total} values" if lost.count and quantity in had else ""
            found.append(Missing(quantity, lost.reason + partly))
        return found


def _at(why: str, where: str) -> str:
    """A reason with its place, but not for what is nowhere."""
    return why if why.startswith("no variable") else f"{why} at {where.rpartition('/')[2]}"


def _pixel(record: Mapping[str, Any]) -> Pixel:
    slow, fast = record["pixel"]
    return slow, fast
