"""Find a place of one comparison in another one, of which a side was written by another program. Pure functions."""

from __future__ import annotations

from dataclasses import replace

from braggtrace_tui.frame import ABSENT, Anchor, Frame, GroupKey

__all__ = ["find_again"]


def find_again(frame: Frame, place: Anchor) -> tuple[int | None, int | None]:
    """(group, row) of a place, None for what is not there.

    Programs differ in the loop counters that they write and in the names that they give: a counter that is absent is
    0, and a quantity is the same if either side's name is.

    Args:
        frame: where to look.
        place: as the other comparison named it.
    """
    group, row = frame.locate(place)
    if row is not None or (place.pairing is None and group is not None):
        return group, row
    alike = [number for number, key in enumerate(frame.groups) if _plain(key) == _plain(place.group)]
    if place.pairing is None:
        return (alike[0] if alike else None), None
    wanted = {(key.name, key.in_pixel, key.final) for key in place.pairing if key is not None}
    for number in alike:
        for each in range(int(frame.start[number]), int(frame.start[number + 1])):
            pairing = frame.comparison.pairings[frame.pairing[each]]
            columns = (pairing.reference, pairing.candidate)
            names = {
                (column.key.name, column.key.in_pixel, column.key.final) for column in columns if column is not None
            }
            if names & wanted:
                return number, each
    return (alike[0] if alike else group), None


def _plain(key: GroupKey) -> GroupKey:
    return replace(key, tics=tuple(0 if tic == ABSENT else tic for tic in key.tics))
