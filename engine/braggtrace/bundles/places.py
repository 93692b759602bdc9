"""A first divergence as data, and what became of it since an earlier probe."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeAlias

from braggtrace.compare.model import Comparison
from braggtrace.compare.view import component_name, divergence, short_coordinate
from braggtrace.quantities import lookup
from braggtrace.trace.model import LOOPS

__all__ = ["Change", "Json", "change", "finite", "first_divergence", "is_earlier", "plainly"]

Json: TypeAlias = dict[str, Any]

_UNKNOWN = 10**6


class Change(StrEnum):
    """What became of the first divergence."""

    NONE = "none"
    APPEARED = "appeared"
    VANISHED = "vanished"
    STAYED = "stayed"
    EARLIER = "moved earlier"
    LATER = "moved later"


def finite(value: float) -> float | None:
    """A number as JSON has them: one that is not finite is null."""
    return value if math.isfinite(value) else None


def first_divergence(comparison: Comparison, place: tuple[int, int] | None) -> Json | None:
    """A diverging pair, with numbers as numbers.

    Args:
        comparison: where it is from.
        place: (pairing, row), as in `Comparison.first`; None where nothing diverges.
    """
    if place is None:
        return None
    pair = divergence(comparison, *place)
    pairing = comparison.pairings[place[0]]
    where = short_coordinate(comparison, pairing, place[1])
    name = component_name(pair.component, max(len(pair.reference), 1))
    at = str(where) if where.pixel or where.tics or where.occurrence else "the whole run"
    return {
        "quantity": pair.quantity,
        "candidate_name": pair.candidate_name,
        "component": pair.component,
        "pixel": None if pair.coordinate.pixel is None else list(pair.coordinate.pixel),
        "coordinate": dict(pair.coordinate.tics),
        "occurrence": pair.coordinate.occurrence,
        "place": f"{pair.quantity}{f'.{name}' if name else ''} at {at}",
        "reference": [
            _value(value, span.text) for value, span in zip(pair.reference_values, pair.reference, strict=True)
        ],
        "candidate": [
            _value(value, span.text) for value, span in zip(pair.candidate_values, pair.candidate, strict=True)
        ],
        "abs": finite(pair.abs),
        "rel": finite(pair.rel),
        "ulp": pair.ulp,
        "digits": pair.digits,
        "unit": pair.unit,
        "tolerance": str(pair.tolerance),
        "reference_line": pair.reference[0].line if pair.reference else None,
        "candidate_line": pair.candidate[0].line if pair.candidate else None,
    }


def _value(value: float, text: str) -> float | str | None:
    """A number; a word where the trace has one."""
    if math.isfinite(value):
        return value
    return None if text.lower().lstrip("+-") in ("nan", "inf", "infinity") else text


def change(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Change:
    """What became of a first divergence: another component of the same value is the same place."""
    if before is None:
        return Change.NONE if after is None else Change.APPEARED
    if after is None:
        return Change.VANISHED
    if _key(before) == _key(after):
        return Change.STAYED
    return Change.EARLIER if is_earlier(after, before) else Change.LATER


def is_earlier(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether one first divergence comes before another: in the order that makes a divergence the first."""
    return _key(one) < _key(other)


def _key(place: Mapping[str, Any]) -> tuple[Any, ...]:
    """The run before the pixels; in a pixel step order; of one quantity loop order. An untraced counter counts as 0."""
    pixel = (-1, -1) if place["pixel"] is None else tuple(place["pixel"])
    quantity = lookup(place["quantity"]) or lookup(place["candidate_name"])
    rank = (_UNKNOWN, _UNKNOWN, place["quantity"]) if quantity is None else (quantity.level, quantity.order, "")
    tics = tuple(place["coordinate"].get(name, 0) for name in LOOPS)
    return (pixel, rank, tics, place["occurrence"])


def plainly(place: Mapping[str, Any]) -> str:
    """A first divergence in words: `rot_a.y at pixel 1639 966, phi_tic 0, rel 1.6e-03`."""
    if place["rel"] is not None:
        return f"{place['place']}, rel {place['rel']:.1e}"
    component = place["component"]
    pairs = [_word(place[side], component) for side in ("reference", "candidate")]
    return f"{place['place']}: {pairs[0]} against {pairs[1]}"


def _word(values: list[Any], component: int) -> str:
    value = values[component] if component < len(values) else None
    return "no number" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
