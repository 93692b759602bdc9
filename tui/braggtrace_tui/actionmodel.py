"""What an action is: its keys and texts, where it works, and what decides whether it is possible now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Action", "Context", "Place", "Reason", "Section", "possible"]


class Section(StrEnum):
    """The headings of the help page."""

    MOVE = "Move"
    FIND = "Find the divergence"
    STEP = "Step like a debugger"
    LOOK = "Look closer"
    JUDGE = "Judge"
    RUN = "Run again"
    FILES = "Files and reports"
    PROGRAM = "Program"
    MAP = "Pixel map"


class Place(StrEnum):
    """The screen on which an action works."""

    COMPARE = "compare"
    MAP = "map"
    EVERYWHERE = "everywhere"


@dataclass(frozen=True, slots=True)
class Context:
    """What an action needs to know to say whether it is possible.

    Attributes:
        rows: values in the table, before filtering.
        divergences: diverging values that are known.
        pixels: traced pixels.
        iterations: phi and mosaic steps of the current pixel.
        on_row: the cursor is on a value, not on a group's own line.
        on_vector: that value has components.
        filtered: a filter hides rows.
        reloadable: both sides are files that can be read again.
        saved_place: there is a place where an earlier session left off.
        complete: everything has been read.
        earlier: there is a comparison to go back to.
        roots: roots of the divergence that are known and not fixed.
        fixes: fixes that are accepted.
        causes: why no cause is known, "" if that is no question.
        two_images: the map has two sides.
        traced_map: the map is of traced pixels.
        openable: the map knows how to open a pixel's comparison.
    """

    rows: int = 0
    divergences: int = 0
    pixels: int = 0
    iterations: int = 0
    on_row: bool = False
    on_vector: bool = False
    filtered: bool = False
    reloadable: bool = True
    saved_place: bool = False
    complete: bool = True
    earlier: bool = False
    roots: int = 0
    fixes: int = 0
    causes: str = ""
    two_images: bool = True
    traced_map: bool = True
    openable: bool = True


Reason = Callable[[Context], str]
"""Why an action is not possible, "" if it is."""


def possible(_: Context) -> str:
    """Always possible."""
    return ""


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person can do.

    Attributes:
        id: the name in code: screens implement `do_<id>`.
        keys: in Textual's spelling; the first is the one that is shown.
        title: one or two words for the footer.
        help: one line for the help page and the palette.
        section: its heading on the help page.
        place: where it works.
        footer: rank in the footer, smaller first; 0 keeps it out.
        why_not: why it is not possible now, "" if it is.
    """

    id: str
    keys: tuple[str, ...]
    title: str
    help: str
    section: Section
    place: Place = Place.COMPARE
    footer: int = 0
    why_not: Reason = possible
