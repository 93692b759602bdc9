"""What a column of a trace records: which node of the physics, in which of the loops, in which unit.

A node is a quantity as the steps know it. One name can stand for several: `polar` is a factor of a sample, and at the
end of a pixel the factor that was used. One column can hold several: `hkl_frac` holds h, k and l.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from braggtrace.compare.units import conversion, split_unit, stem_of
from braggtrace.quantities import CATALOGUE, Kind, Level, Quantity, lookup
from braggtrace.trace.model import Column

__all__ = ["PLACES", "Node", "Place", "catalogue_name", "node_of", "quantity_of", "unit_of_node"]


class Place(StrEnum):
    """The loops that a node belongs to; each is a table with one row for each time round."""

    RUN = "run"
    SOURCE = "source"
    MOSAIC = "mosaic"
    SAMPLE = "sample"
    ITERATION = "iteration"
    PIXEL = "pixel"


PLACES: Mapping[Place, tuple[str, ...]] = {
    Place.RUN: (),
    Place.SOURCE: ("source",),
    Place.MOSAIC: ("mos_tic",),
    Place.PIXEL: ("pixel",),
    Place.SAMPLE: ("pixel", "thick_tic", "subS", "subF", "source"),
    Place.ITERATION: ("pixel", "thick_tic", "subS", "subF", "source", "phi_tic", "mos_tic"),
}
"""The counters that tell the rows of a table apart, outermost first."""


@dataclass(frozen=True, slots=True)
class Node:
    """What a column records.

    Attributes:
        names: one node, or one for each component.
        place: the loops it belongs to.
        factor: brings the values into the catalogue's unit.
    """

    names: tuple[str, ...]
    place: Place
    factor: float = 1.0


_SPLIT = {"hkl_frac": ("h_frac", "k_frac", "l_frac"), "hkl_rounded": ("h0", "k0", "l0")}
_LEVELS = {Level.RUN: Place.RUN, Level.SAMPLE: Place.SAMPLE, Level.ITERATION: Place.ITERATION, Level.PIXEL: Place.PIXEL}
_AT_THE_END = {"polar": "pixel_polar", "capture_fraction": "pixel_capture"}
_ONLY_IN_PIXELS = {"cos_2theta": "pixel_cos_2theta"}
_NEAREST = "F_cell_nearest"
_BY_STEM: Mapping[str, Quantity] = {split_unit(row.name)[0]: row for row in reversed(CATALOGUE)}


def quantity_of(column: Column) -> tuple[Quantity | None, float]:
    """The catalogue's row of a column, also by a name in another unit, and the factor into the catalogue's unit."""
    name = column.key.name
    if column.quantity is not None:
        return column.quantity, 1.0
    stem, unit = stem_of(name), split_unit(name)[1]
    row = _BY_STEM.get(stem)
    if row is None or not unit or row.size != column.width:
        return None, 1.0
    into = conversion(unit, row.unit)
    return (None, 1.0) if into is None else (row, into.factor)


def node_of(column: Column) -> Node | None:
    """What a column of numbers records; None if the steps know nothing about it."""
    quantity, factor = quantity_of(column)
    family = column.key.family
    if quantity is None or quantity.kind is Kind.TEXT or column.is_text:
        return None
    name = quantity.name
    if column.key.name == _NEAREST:
        name = _NEAREST
    if family == "SOURCE":
        known = {"dir": "dir", "lambda_meters": "lambda_of_source"}
        return Node((known[name],), Place.SOURCE, factor) if name in known else None
    if family == "MOSAIC":
        return Node((name,), Place.MOSAIC, factor) if name == "u" else None
    if family == "SUBPIXEL":
        name = "omega_pixel_sr" if name == "omega_pixel" else name
        row = lookup(name)
        return Node((name,), Place.SAMPLE, factor) if row is not None and row.level is Level.SAMPLE else None
    if family in ("PHI", "ROTSTAR"):
        return Node(_SPLIT.get(name, (name,)), Place.ITERATION, factor) if quantity.level is Level.ITERATION else None
    return None if family else _plain(column, quantity, name, factor)


def unit_of_node(node: Node) -> str:
    """The catalogue's unit of a node."""
    row = lookup(catalogue_name(node.names[0]))
    return "" if row is None else row.unit


def _plain(column: Column, quantity: Quantity, name: str, factor: float) -> Node | None:
    """What a main line records."""
    if not column.key.in_pixel:
        name = "run_lambda_angstroms" if name == "lambda_angstroms" else name
        return Node((name,), Place.RUN, factor) if quantity.level is Level.RUN else None
    if name == "lambda_meters":
        return Node(("source_lambda_meters",), Place.SAMPLE, factor)
    if name == "lambda_angstroms":
        return Node((name,), Place.SAMPLE, factor)
    if column.key.final and name in _AT_THE_END:
        return Node((_AT_THE_END[name],), Place.PIXEL, factor)
    return Node(_SPLIT.get(name, (_ONLY_IN_PIXELS.get(name, name),)), _LEVELS[quantity.level], factor)


def catalogue_name(name: str) -> str:
    """The catalogue's name of a node, for people and for the order of steps."""
    renamed = {"lambda_of_source": "lambda_meters", "source_lambda_meters": "lambda_meters", _NEAREST: "F_cell"}
    renamed |= {"run_lambda_angstroms": "lambda_angstroms"}
    renamed |= {new: old for old, new in (_AT_THE_END | _ONLY_IN_PIXELS).items()}
    return renamed.get(name, name)
