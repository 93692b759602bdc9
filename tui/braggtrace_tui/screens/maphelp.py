"""The help page of the pixel map: its keys, and what its colours and signs mean."""

from __future__ import annotations

from braggtrace.images.model import Mark
from braggtrace_tui.actions import ACTIONS, Context, Place, key_label
from braggtrace_tui.mapcolours import MARK_SIGNS
from braggtrace_tui.pieces import BLANK, Line, Role, wrap
from braggtrace_tui.screens.page import PageScreen

__all__ = ["MapHelpScreen", "map_help_lines"]

_COLUMN = 22

_MEANINGS = (
    ("a dot", "half a character cell. Zoomed out it stands for a block of pixels and shows one of them, no average:"),
    ("", "the largest value, the largest |difference|, the ratio furthest from 1"),
    ("intensities", "from dark to light (on a light theme from light to dark), one scale for both sides"),
    ("difference, ratio", "blue is negative or below 1, orange is positive or above 1; black (white) is nothing"),
    ("without colours", "the denser a sign the larger the value; differences are a sign and a level from 1 to 7"),
    (MARK_SIGNS[Mark.NAN], "a pixel of the block is NaN"),
    (MARK_SIGNS[Mark.INFINITE], "… is infinite; in the ratio: the reference is 0"),
    (MARK_SIGNS[Mark.NEGATIVE], "… is negative; in the ratio: the signs differ"),
    (MARK_SIGNS[Mark.UNKNOWN], "nothing is known here: not traced"),
)  # fmt: skip


def map_help_lines(context: Context, width: int) -> list[Line]:
    """The page, `width` cells wide."""
    lines: list[Line] = []
    for place, title in ((Place.MAP, "The map"), (Place.EVERYWHERE, "Program")):
        lines.append(((f" {title}", Role.TITLE),))
        for each in ACTIONS:
            if each.place is place:
                reason = each.why_not(context)
                keys = "  ".join(map(key_label, each.keys))
                text = each.help + (f"  (not now: {reason})" if reason else "")
                lines += _entry(keys, text, Role.DISABLED if reason else Role.KEY, width)
        lines.append(BLANK)
    lines.append(((" Colours and signs", Role.TITLE),))
    for sign, meaning in _MEANINGS:
        lines += _entry(sign, meaning, Role.STRONG, width)
    return lines


def _entry(head: str, text: str, role: Role, width: int) -> list[Line]:
    parts = wrap(text, max(20, width - _COLUMN - 2))
    return [
        ((f"   {head}".ljust(_COLUMN) if not number else " " * _COLUMN, role), (part, Role.TEXT))
        for number, part in enumerate(parts)
    ]


class MapHelpScreen(PageScreen):
    """The keys of the map on one page."""

    def __init__(self, context: Context) -> None:
        super().__init__("the pixel map", lambda width: map_help_lines(context, width))
