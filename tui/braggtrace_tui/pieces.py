"""Text with a role: what the pure functions build, and what the widgets turn into colours.

A `Line` is a tuple of pieces; a piece is a text and the `Role` it plays. Roles become styles in
`braggtrace_tui.palettes`, so that no function that lays out text knows about colours.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TypeAlias

from rich.cells import cell_len, set_cell_size

from braggtrace.trace.text import visible

__all__ = ["BLANK", "Line", "Piece", "Role", "clip", "fit", "plain", "safe", "wrap", "clip_start"]


class Role(IntEnum):
    """What a piece of text is for."""

    TEXT = 0
    DIM = 1
    FAINT = 2
    STRONG = 3
    TITLE = 4
    KEY = 5
    AGREE = 6
    DIVERGE = 7
    MISSING = 8
    PROPOSED = 9
    REFERENCE = 10
    CANDIDATE = 11
    BOTH = 12
    DISABLED = 13
    GROUP = 14
    FIRST = 15


Piece: TypeAlias = tuple[str, Role]
Line: TypeAlias = tuple[Piece, ...]

BLANK: Line = ()


def safe(text: str) -> str:
    """Text from a file, safe to show on one line."""
    return visible(text.replace("\n", " "))


def clip(text: str, width: int) -> str:
    """Text in at most `width` cells, with an ellipsis where something was cut."""
    if text.isascii() and len(text) <= width:
        return text
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 0 else ""


def clip_start(text: str, width: int) -> str:
    """Like `clip`, but keeps the end: for paths."""
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) > width - 1:
        text = text[1:]
    return "…" + text if width > 0 else ""


def fit(line: Line, width: int) -> Line:
    """The line in exactly `width` cells: cut with an ellipsis, or padded."""
    pieces: list[Piece] = []
    left = width
    for number, (text, role) in enumerate(line):
        size = len(text) if text.isascii() else cell_len(text)
        more = any(rest for rest, _ in line[number + 1 :])
        if size > left or (size == left and more):
            pieces.append(
                (clip(text, left) if size > left else set_cell_size(text, max(0, left - 1)) + "…"[:left], role)
            )
            left -= cell_len(pieces[-1][0])
            break
        pieces.append((text, role))
        left -= size
    if left > 0:
        pieces.append((" " * left, Role.TEXT))
    return tuple(pieces)


def plain(line: Line) -> str:
    """The text of a line alone."""
    return "".join(text for text, _ in line)


def wrap(text: str, width: int, limit: int = 99) -> list[str]:
    """Break text into lines of at most `width` cells, at spaces where there are some, `limit` lines at most."""
    lines: list[str] = []
    rest = text.strip()
    while rest and len(lines) < limit:
        if cell_len(rest) <= width:
            lines.append(rest)
            return lines
        head = set_cell_size(rest, width).rstrip("\0")
        cut = len(head) if rest[len(head) : len(head) + 1] == " " else head.rfind(" ")
        if cut <= width // 3:
            cut = max(1, len(head))
        lines.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    if rest and lines:
        lines[-1] = clip(f"{lines[-1]} {rest}", width)
    return lines
