"""Match the names of two traces: which column of the candidate is the same quantity as which of the reference.

What the user's map says comes first; then a list of passes, from strict to lenient, each of which sees only what the
passes before left over:

1. the same name, written by the same kind of line (`exact`);
2. names that the catalogue knows to be the same quantity (`alias`), by the same kind of line, then by another kind;
3. names that differ in their unit suffix (`alias`, with a conversion), likewise;
4. a value of the whole run against the same quantity recorded in every pixel.

Only columns of the same width match.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from braggtrace.compare.mapping import NameMap
from braggtrace.compare.model import MatchedBy
from braggtrace.compare.units import SAME_UNIT, Conversion, conversion, stem_of, unit_of
from braggtrace.errors import MapFileError
from braggtrace.trace.model import Column

__all__ = ["Match", "Matched", "canonical", "match_columns"]

_Feature: TypeAlias = Callable[[Column], Hashable]


@dataclass(frozen=True, slots=True)
class Match:
    """Two columns of one quantity.

    Attributes:
        reference, candidate: the columns.
        matched_by: how the names were matched.
        conversion: what brings the candidate's values into the reference's unit.
    """

    reference: Column
    candidate: Column
    matched_by: MatchedBy
    conversion: Conversion = SAME_UNIT


@dataclass(frozen=True, slots=True)
class Matched:
    """All columns of both sides, matched or left over."""

    pairs: tuple[Match, ...]
    only_reference: tuple[Column, ...]
    only_candidate: tuple[Column, ...]

    def notes(self) -> list[str]:
        """A sentence for each name that is on both sides in different shapes."""
        shapes: dict[str, set[int]] = defaultdict(set)
        for column in self.only_candidate:
            shapes[canonical(column)].add(column.width)
        return [
            f"{column.key.name}: {_components(column.width)} in the reference, {_components(width)} in the candidate"
            for column in self.only_reference
            for width in sorted(shapes[canonical(column)])
            if width != column.width
        ]


def _components(width: int) -> str:
    return "1 component" if width == 1 else f"{width} components"


def canonical(column: Column) -> str:
    """The catalogue's name of a column's quantity, or its own."""
    return column.key.name if column.quantity is None else column.quantity.name


def _name(column: Column) -> Hashable:
    return column.key.name


def _stem(column: Column) -> Hashable:
    return stem_of(column.key.name)


def _same_line(column: Column) -> Hashable:
    return (column.key.family, column.key.in_pixel, column.key.final, tuple(column.tics))


def _same_family(column: Column) -> Hashable:
    return (column.key.family, column.key.in_pixel, column.key.final)


def _same_frame(column: Column) -> Hashable:
    return (column.key.in_pixel, column.key.final)


def _anywhere(column: Column) -> Hashable:  # noqa: ARG001  # one of the places, which all look at a column
    return None


_PLACES: tuple[_Feature, ...] = (_same_line, _same_family, _same_frame, _anywhere)
_PASSES: tuple[tuple[_Feature, _Feature, MatchedBy], ...] = (
    (_name, _same_line, MatchedBy.EXACT),
    (_name, _same_family, MatchedBy.EXACT),
    (canonical, _same_line, MatchedBy.ALIAS),
    (canonical, _same_family, MatchedBy.ALIAS),
    (canonical, _same_frame, MatchedBy.ALIAS),
    (_stem, _same_family, MatchedBy.ALIAS),
    (_stem, _same_frame, MatchedBy.ALIAS),
    (canonical, _anywhere, MatchedBy.ALIAS),
    (_stem, _anywhere, MatchedBy.ALIAS),
)


def match_columns(reference: Sequence[Column], candidate: Sequence[Column], mapping: NameMap) -> Matched:
    """Match the columns of two traces.

    Args:
        reference: the reference's columns, in step order.
        candidate: the candidate's columns, in step order.
        mapping: what the user says about names and units.

    Raises:
        MapFileError: the map gives a unit that can't be converted into the reference's.
    """
    pairs: list[Match] = []
    left = list(reference)
    mapped = [column for column in candidate if column.key.name in mapping.renames]
    right = [column for column in candidate if column.key.name not in mapping.renames]
    for place in _PLACES:
        renamed = _pair_up(left, mapped, _name, place, lambda column: mapping.renames[column.key.name])
        left, mapped = _accept(pairs, left, mapped, renamed, MatchedBy.MAPPED, mapping)
    for name, place, matched_by in _PASSES:
        found = _pair_up(left, right, name, place, name)
        left, right = _accept(pairs, left, right, found, matched_by, mapping)
    return Matched(tuple(pairs), tuple(left), tuple(mapped + right))


def _pair_up(
    left: Iterable[Column], right: Iterable[Column], name: _Feature, place: _Feature, right_name: _Feature
) -> Iterable[tuple[Column, list[Column]]]:
    """Each reference column with the candidate columns that have its name, place and width."""
    groups: dict[Hashable, list[Column]] = defaultdict(list)
    for column in right:
        groups[right_name(column), place(column), column.width].append(column)
    for column in left:
        yield column, groups.get((name(column), place(column), column.width), [])


def _accept(
    pairs: list[Match],
    left: Sequence[Column],
    right: Sequence[Column],
    found: Iterable[tuple[Column, list[Column]]],
    matched_by: MatchedBy,
    mapping: NameMap,
) -> tuple[list[Column], list[Column]]:
    """Add a match for each reference column whose unit can be had; return what is left over on both sides."""
    used: set[int] = set()
    for ours, group in found:
        for position, theirs in enumerate(group):
            into = _conversion(ours, theirs, matched_by, mapping)
            if into is not None:
                by = MatchedBy.MAPPED if theirs.key.name in mapping.units else matched_by
                pairs.append(Match(ours, theirs, by, into))
                used |= {id(ours), id(theirs)}
                del group[position]
                break
    return [c for c in left if id(c) not in used], [c for c in right if id(c) not in used]


def _conversion(ours: Column, theirs: Column, matched_by: MatchedBy, mapping: NameMap) -> Conversion | None:
    """What brings the candidate's values into the reference's unit; None if the units can't be of one quantity."""
    target, given = unit_of(ours.key.name, ours.quantity), mapping.units.get(theirs.key.name)
    if given is not None:
        into = None if target is None else conversion(given, target)
        if into is None:
            raise MapFileError(
                f"units: {theirs.key.name!r} can't be brought into the unit of the reference's {ours.key.name!r}",
                path=mapping.path,
                expected=target or ("a pure number" if target == "" else "a reference quantity with a known unit"),
                got=given,
            )
        return into
    source = unit_of(theirs.key.name, theirs.quantity)
    if source is None or target is None or canonical(ours) == canonical(theirs):
        return SAME_UNIT
    into = conversion(source, target)
    return SAME_UNIT if into is None and matched_by is MatchedBy.MAPPED else into
