"""Which side is wrong, where no step can be replayed: values of the run that must fit each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from braggtrace.replay.tables import Book, Side

__all__ = ["Broken", "side_by_invariants"]

_ROOM = 4096.0
_VOLUME_ROOM = 1e-2  # the program's own cell is off by less, where its angles are far from right ones


@dataclass(frozen=True, slots=True)
class Broken:
    """An invariant that one side breaks: the side, and the invariant in words."""

    side: str
    words: str


_Vectors = Mapping[str, "np.ndarray[tuple[int, ...], np.dtype[np.float64]]"]
_Rule = tuple[tuple[str, ...], str, Callable[[_Vectors], tuple[float, float]]]


def _unit(name: str) -> _Rule:
    return (name,), f"{name} has the length 1", lambda v: (float(np.linalg.norm(v[name])), 1.0)


def _orthogonal(first: str, second: str) -> _Rule:
    return (first, second), f"{first} is normal to {second}", lambda v: (float(v[first] @ v[second]) + 1.0, 1.0)


_AXES = ("a", "b", "c")
_CELL = tuple(f"cell_{axis}_vec_angstroms" for axis in _AXES)


def _volume(v: _Vectors) -> tuple[float, float]:
    a, b, c = (v[name] for name in _CELL)
    return float(a @ np.cross(b, c)), float(v["V_cell_A3"][0])


def _positive(name: str) -> _Rule:
    return (name, "pix0_vector_meters"), f"{name} is positive", lambda v: (float(v[name][0] > 0), 1.0)


_RULES: tuple[_Rule, ...] = (
    _positive("distance_meters"),
    *(_unit(name) for name in ("beam_vec", "polar_vec", "spindle_axis", "fdet_vec", "sdet_vec", "odet_vec")),
    _orthogonal("fdet_vec", "sdet_vec"),
    (
        ("fdet_vec", "sdet_vec", "odet_vec"),
        "fdet, sdet and odet are right-handed",
        lambda v: (float(np.cross(v["fdet_vec"], v["sdet_vec"]) @ v["odet_vec"]), 1.0),
    ),
    _orthogonal("fdet_vec", "odet_vec"),
    _orthogonal("sdet_vec", "odet_vec"),
    ((*_CELL, "V_cell_A3"), "the cell vectors span V_cell", _volume),
    (
        ("pix0_vector_meters", "Fclose_meters", "Xbeam_meters"),
        "the nearest point along fast is Xbeam",
        lambda v: (float(v["Fclose_meters"][0]), float(v["Xbeam_meters"][0])),
    ),
    (
        ("pix0_vector_meters", "Sclose_meters", "Ybeam_meters"),
        "the nearest point along slow is Ybeam",
        lambda v: (float(v["Sclose_meters"][0]), float(v["Ybeam_meters"][0])),
    ),
    (
        ("phistep_deg", "phisteps", "osc_deg"),
        "phistep · phisteps is osc",
        lambda v: (float(v["phistep_deg"][0] * v["phisteps"][0]), float(v["osc_deg"][0])),
    ),
)


def side_by_invariants(book: Book, node: str) -> Broken | None:
    """The side that breaks an invariant which the other side keeps, None if none tells."""
    for names, words, rule in _RULES:
        if node not in names:
            continue
        kept = [_keeps(side, names, rule) for side in book.sides]
        if None not in kept and kept[0] != kept[1]:
            return Broken("candidate" if kept[0] else "reference", words)
    return None


def _keeps(side: Side, names: tuple[str, ...], rule: Callable[[_Vectors], tuple[float, float]]) -> bool | None:
    values = dict(_run_values(side, names))
    if len(values) != len(names):
        return None
    found, expected = rule(values)
    errors = [side.nodes[name].error[0].max() / max(np.abs(side.nodes[name].values[0]).max(), 1e-300) for name in names]
    room = _VOLUME_ROOM if "V_cell_A3" in names else _ROOM * sum(errors)
    return bool(abs(found - expected) <= room * max(abs(expected), 1e-300))


def _run_values(
    side: Side, names: tuple[str, ...]
) -> Iterator[tuple[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]]:
    for name in names:
        node = side.nodes.get(name)
        if node is not None and len(node.present) == 1 and node.present[0] and np.isfinite(node.values).all():
            yield name, node.values[0]
