"""The catalogue of quantities: what a name in a trace means, its unit, shape and place in the dataflow.

One row a quantity, in dataflow order: a row is computed from rows above it. The order of the rows is therefore the
*step order* in which divergences are ranked. Units are the true ones, also where a name lies
(``scattering_vec_A_inv`` is in 1/m). Names are those of nanoBragg's traces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType

from braggtrace._catalogue import ROWS

__all__ = ["CATALOGUE", "Kind", "Level", "Quantity", "lookup"]


class Level(IntEnum):
    """Where in the loops a quantity is computed, in step order."""

    RUN = 0
    SAMPLE = 1
    ITERATION = 2
    PIXEL = 3

    @property
    def label(self) -> str:
        """The words used on screen and in reports."""
        return _LEVEL_LABELS[self]


_LEVEL_LABELS = {
    Level.RUN: "run",
    Level.SAMPLE: "layer, subpixel, source",
    Level.ITERATION: "phi, mosaic",
    Level.PIXEL: "pixel",
}


class Kind(StrEnum):
    """How two values of a quantity are compared."""

    REAL = "real"
    INTEGER = "integer"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A named variable of the simulation.

    Attributes:
        name: the name that nanoBragg traces use.
        unit: the true unit, "" for a pure number.
        shape: () for a scalar, (3,) for a vector, (3, 3) for a matrix.
        level: the loop level at which it is computed.
        kind: how values are compared.
        meaning: one line for people.
        formula: how it follows from other quantities, "" for an input.
        aliases: other names of the same quantity in the same unit.
        order: place in the dataflow; smaller is computed earlier.
        repeats: it is traced twice in a pixel: at the first sample, then as used at the end.
    """

    name: str
    unit: str
    shape: tuple[int, ...]
    level: Level
    kind: Kind
    meaning: str
    formula: str
    aliases: tuple[str, ...]
    order: int
    repeats: bool

    @property
    def size(self) -> int:
        """The number of components."""
        size = 1
        for extent in self.shape:
            size *= extent
        return size


_SHAPES: Mapping[str, tuple[tuple[int, ...], Kind]] = {
    "real": ((), Kind.REAL),
    "vec2": ((2,), Kind.REAL),
    "vec3": ((3,), Kind.REAL),
    "mat3": ((3, 3), Kind.REAL),
    "int": ((), Kind.INTEGER),
    "int3": ((3,), Kind.INTEGER),
    "int4": ((4,), Kind.INTEGER),
    "int6": ((6,), Kind.INTEGER),
    "text": ((), Kind.TEXT),
}


def _read_rows() -> tuple[Quantity, ...]:
    quantities: list[Quantity] = []
    level = Level.RUN
    for line in ROWS.strip().splitlines():
        if line.startswith("##"):
            level = Level[line.strip("# ").upper()]
        elif line.strip():
            name, kind_word, unit, formula, meaning, aliases = (cell.strip() for cell in line.split("|"))
            shape, kind = _SHAPES[kind_word.rstrip("*")]
            quantities.append(
                Quantity(
                    name=name,
                    unit="" if unit == "-" else unit,
                    shape=shape,
                    level=level,
                    kind=kind,
                    meaning=meaning,
                    formula=formula,
                    aliases=tuple(aliases.split()),
                    order=len(quantities),
                    repeats=kind_word.endswith("*"),
                )
            )
    return tuple(quantities)


CATALOGUE: tuple[Quantity, ...] = _read_rows()
_BY_NAME: Mapping[str, Quantity] = MappingProxyType(
    {alias: row for row in CATALOGUE for alias in row.aliases} | {row.name: row for row in CATALOGUE}
)


def lookup(name: str) -> Quantity | None:
    """The catalogue row of a name or alias, or None if the catalogue does not know it."""
    return _BY_NAME.get(name)
