"""The rows of the compare table, as arrays: everything traced for the run and for one pixel, grouped by coordinate.

A `Frame` holds the values of one pixel in the order in which they are shown; a `Layout` holds the lines of the table
after folding, filtering and expanding. Both are immutable and made by pure functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.compare.model import Comparison, MatchedBy, Pairing, Verdict
from braggtrace.quantities import Level
from braggtrace.trace.model import LOOPS, RUN_LEVEL, Column, ColumnKey

__all__ = [
    "ABSENT",
    "SECTION",
    "Anchor",
    "Frame",
    "GroupKey",
    "Layout",
    "PairingKey",
    "build_frame",
    "build_layout",
    "default_folds",
    "open_header",
    "pairing_key",
]

Ints: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]

ABSENT = -1
"""Stands for a loop counter that was not traced."""

SECTION = -2
"""Stands for the line above all groups of a level."""

PairingKey: TypeAlias = tuple[ColumnKey | None, ColumnKey | None]


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What makes a group: a level and a place in the loops.

    Attributes:
        level: the loop level.
        run: the group belongs to the run, not to a pixel.
        tics: one counter for each of `LOOPS`, `ABSENT` where it was not traced.
        occurrence: as in `Coordinate`.
    """

    level: Level
    run: bool
    tics: tuple[int, ...]
    occurrence: int


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place in a comparison that survives reloading, rejudging and growing.

    Attributes:
        pixel: (slow, fast), or None where there is no pixel.
        group: the group of the row.
        pairing: the quantity of the row, or None for the group's own line.
        component: a component of it, or −1; `SECTION` for the line above the groups of a level.
    """

    pixel: tuple[int, int] | None
    group: GroupKey
    pairing: PairingKey | None = None
    component: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The values of the run and of one pixel; parallel arrays over n rows and g groups.

    Attributes:
        comparison: what it was made from.
        pixel: index into `comparison.pixels`, −1 if there is none.
        pairing: (n,) index into `comparison.pairings`.
        row: (n,) row of that pairing.
        verdict: (n,) `Verdict` values.
        counted: (n,) False where the pairing is only proposed.
        width: (n,) number of components.
        group: (n,) index of the row's group.
        start: (g + 1,) first row of each group.
        groups: (g,) keys, in the order shown.
        diverging: (g,) rows that diverge.
        missing: (g,) rows on one side only.
        section: (g,) index of the group's section: consecutive groups of one level.
        section_start: (s + 1,) first group of each section.
    """

    comparison: Comparison
    pixel: int
    pairing: Ints
    row: Ints
    verdict: npt.NDArray[np.uint8]
    counted: Mask
    width: Ints
    group: Ints
    start: Ints
    groups: tuple[GroupKey, ...]
    diverging: Ints
    missing: Ints
    section: Ints
    section_start: Ints

    def __len__(self) -> int:
        return len(self.row)

    @property
    def diverges(self) -> Mask:
        """(n,) rows that diverge and count."""
        wanted: Mask = (self.verdict == int(Verdict.DIVERGES)) & self.counted
        return wanted

    @property
    def pixel_coordinates(self) -> tuple[int, int] | None:
        """(slow, fast) of the pixel, or None."""
        if self.pixel < 0:
            return None
        slow, fast = self.comparison.pixels[self.pixel]
        return int(slow), int(fast)

    @property
    def headers(self) -> int:
        """The number of lines that can be folded: groups, then sections."""
        return len(self.groups) + len(self.section_start) - 1

    def section_size(self, section: int) -> int:
        """The number of groups of a section; the line of a section with one group is not shown."""
        return int(self.section_start[section + 1] - self.section_start[section])

    def rows_of_header(self, header: int) -> slice:
        """The rows of a group, or of a section."""
        if header < len(self.groups):
            return slice(int(self.start[header]), int(self.start[header + 1]))
        section = header - len(self.groups)
        return slice(*(int(self.start[self.section_start[each]]) for each in (section, section + 1)))

    def find(self, pairing: int, row: int) -> int | None:
        """The frame's row that shows a row of a pairing."""
        found = np.flatnonzero((self.pairing == pairing) & (self.row == row))
        return int(found[0]) if len(found) else None

    def anchor(self, row: int, component: int = -1) -> Anchor:
        """The lasting name of a row."""
        key = pairing_key(self.comparison.pairings[self.pairing[row]])
        return Anchor(self.pixel_coordinates, self.groups[self.group[row]], key, component)

    def header_anchor(self, header: int) -> Anchor:
        """The lasting name of a group's or section's line."""
        if header < len(self.groups):
            return Anchor(self.pixel_coordinates, self.groups[header])
        first = int(self.section_start[header - len(self.groups)])
        return Anchor(self.pixel_coordinates, self.groups[first], None, SECTION)

    def locate(self, anchor: Anchor) -> tuple[int | None, int | None]:
        """(group or section, row) of an anchor in this frame, None for what is not there."""
        group = next((number for number, key in enumerate(self.groups) if key == anchor.group), None)
        if anchor.pairing is None:
            section = group is not None and anchor.component == SECTION
            return (len(self.groups) + int(self.section[group]) if section and group is not None else group), None
        keys = self.comparison.pairings
        candidates = range(len(self)) if group is None else range(int(self.start[group]), int(self.start[group + 1]))
        for row in candidates:
            if pairing_key(keys[self.pairing[row]]) == anchor.pairing:
                return group, row
        return group, None


def pairing_key(pairing: Pairing) -> PairingKey:
    """What names a pairing for good: its index changes while a file is still being read."""
    reference, candidate = pairing.reference, pairing.candidate
    return (None if reference is None else reference.key, None if candidate is None else candidate.key)


def build_frame(comparison: Comparison, pixel: int, parts: Sequence[tuple[Ints, Ints]]) -> Frame:
    """Group the values of the run and of one pixel.

    Args:
        comparison: the comparison.
        pixel: index of the pixel, −1 if there is none.
        parts: for the run and for the pixel, (pairing, row) of every value, in any order.

    Returns:
        The frame: run level first, then by level and place in the loops, inside a group in step order.
    """
    pairing = np.concatenate([np.asarray(each[0], dtype=np.int64) for each in parts] or [np.zeros(0, np.int64)])
    row = np.concatenate([np.asarray(each[1], dtype=np.int64) for each in parts] or [np.zeros(0, np.int64)])
    n = len(pairing)
    level = np.zeros(n, np.int64)
    order = np.zeros(n, np.int64)
    width = np.ones(n, np.int64)
    in_pixel = np.zeros(n, np.int64)
    occurrence = np.zeros(n, np.int64)
    tics = np.full((n, len(LOOPS)), ABSENT, np.int64)
    verdict = np.zeros(n, np.uint8)
    counted = np.ones(n, np.bool_)
    for index in np.unique(pairing):
        where = np.flatnonzero(pairing == index)
        pair = comparison.pairings[index]
        rows = row[where]
        level[where], order[where] = int(pair.level), pair.order
        counted[where] = pair.matched_by is not MatchedBy.PROPOSED
        in_pixel[where] = pair.pixel[rows] != RUN_LEVEL
        verdict[where] = pair.verdict[rows]
        width[where] = max(column.width for column in (pair.reference, pair.candidate) if column is not None)
        _fill_places(pair, rows, where, tics, occurrence)
    keys = np.column_stack([in_pixel, level, tics, occurrence])
    sorting = np.lexsort((order, *keys.T[::-1]))
    keys, pairing, row = keys[sorting], pairing[sorting], row[sorting]
    fresh = np.ones(n, np.bool_)
    fresh[1:] = (keys[1:] != keys[:-1]).any(axis=1)
    start = np.append(np.flatnonzero(fresh), n)
    group = np.cumsum(fresh) - 1
    verdict, counted = verdict[sorting], counted[sorting]
    groups = len(start) - 1
    levels = keys[start[:-1], :2]
    opens = np.ones(groups, np.bool_)
    opens[1:] = (levels[1:] != levels[:-1]).any(axis=1)
    return Frame(
        comparison=comparison,
        pixel=pixel,
        pairing=pairing,
        row=row,
        verdict=verdict,
        counted=counted,
        width=width[sorting],
        group=group,
        start=start,
        groups=tuple(
            GroupKey(Level(int(key[1])), not key[0], tuple(int(tic) for tic in key[2:-1]), int(key[-1]))
            for key in keys[start[:-1]]
        ),
        diverging=np.bincount(group[(verdict == Verdict.DIVERGES) & counted], minlength=groups),
        missing=np.bincount(group[(verdict >= Verdict.ONLY_REFERENCE) & counted], minlength=groups),
        section=np.cumsum(opens) - 1,
        section_start=np.append(np.flatnonzero(opens), groups),
    )


def _fill_places(pair: Pairing, rows: Ints, where: Ints, tics: Ints, occurrence: Ints) -> None:
    """Loop counters of some rows of a pairing: the reference's, or the candidate's where it alone has the value."""
    sides: list[tuple[Column | None, npt.NDArray[np.int32]]] = [
        (pair.candidate, pair.candidate_rows[rows]),
        (pair.reference, pair.reference_rows[rows]),
    ]
    for column, there in sides:
        if column is None:
            continue
        has = there >= 0
        target, source = where[has], there[has]
        occurrence[target] = column.occurrence[source]
        tics[target] = ABSENT
        for number, name in enumerate(LOOPS):
            if name in column.tics:
                tics[target, number] = column.tics[name][source]


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The lines of the table; parallel arrays over m lines.

    Attributes:
        rows: (m,) row of the frame, −1 − group for a group's own line, −1 − groups − section for a section's.
        components: (m,) component of an expanded row, −1 for the row itself.
    """

    rows: Ints
    components: Ints

    def __len__(self) -> int:
        return len(self.rows)

    def line_of(self, row: int, component: int = -1) -> int | None:
        """The line that shows a row (or −1 − group), None if it is folded away."""
        found = np.flatnonzero((self.rows == row) & (self.components == component))
        return int(found[0]) if len(found) else None


def build_layout(frame: Frame, folded: Mask, keep: Mask | None, expanded: frozenset[int]) -> Layout:
    """Choose the lines that are shown.

    Args:
        frame: the rows.
        folded: (`frame.headers`,) groups, then sections, of which only the own line is shown.
        keep: (n,) rows that pass the filter; None for all. Groups without such rows vanish.
        expanded: rows that show each component on a line of its own.
    """
    count = len(frame.groups)
    many = np.diff(frame.section_start) > 1
    hidden = (folded[count:] & many)[frame.section] if count else np.zeros(0, np.bool_)
    groups = np.arange(count)
    sections = np.flatnonzero(many)
    chosen = np.ones(len(frame), np.bool_)
    if keep is not None:
        chosen = keep.copy()
        groups = np.unique(frame.group[keep])
        sections = np.intersect1d(sections, frame.section[groups])
    if count:
        chosen &= ~(folded[:count] | hidden)[frame.group]
    groups = groups[~hidden[groups]]
    rows = np.flatnonzero(chosen)
    lines = np.concatenate([-1 - count - sections, -1 - groups, rows])
    place = np.concatenate([3 * frame.start[frame.section_start[sections]], 3 * frame.start[groups] + 1, 3 * rows + 2])
    lines = lines[np.argsort(place, kind="stable")]
    components = np.full(len(lines), -1, np.int64)
    if expanded:
        opened = np.isin(lines, list(expanded))
        repeats = np.where(opened, 1 + frame.width[np.maximum(lines, 0)], 1)
        first = np.cumsum(repeats) - repeats
        components = np.arange(int(repeats.sum())) - np.repeat(first, repeats) - 1
        lines = np.repeat(lines, repeats)
    return Layout(lines, components)


def default_folds(frame: Frame, room: int) -> Mask:
    """Which groups and sections start folded: what agrees is; in a section that diverges one group is open.

    That group holds the first divergence, or is the first one that diverges.

    Args:
        frame: the rows.
        room: lines of the table; if everything fits, nothing is folded.

    Returns:
        (`frame.headers`,) flags: groups, then sections.
    """
    count = len(frame.groups)
    folded = np.ones(frame.headers, np.bool_)
    if len(frame) + frame.headers <= room:
        return ~folded
    first_row = None if frame.comparison.first is None else frame.find(*frame.comparison.first)
    first_group = -1 if first_row is None else int(frame.group[first_row])
    for section, first in enumerate(frame.section_start[:-1]):
        groups = np.arange(first, frame.section_start[section + 1])
        diverging = groups[frame.diverging[groups] > 0]
        if len(diverging):
            opened = first_group if first_group in diverging else diverging[0]
            folded[opened] = folded[count + section] = False
    if folded[:count].all():  # nothing diverges: what belongs to the pixel alone is short and worth a look
        for number, key in enumerate(frame.groups):
            folded[number] = key.run or key.level is Level.RUN or any(tic != ABSENT for tic in key.tics)
    return folded


def open_header(frame: Frame, folded: Mask, header: int) -> Mask:
    """Flags with a group (and its section) or a section opened."""
    opened = folded.copy()
    opened[header] = False
    if header < len(frame.groups):
        opened[len(frame.groups) + frame.section[header]] = False
    return opened
