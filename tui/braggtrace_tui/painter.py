"""What is on the terminal, so that only the cells that change are sent.

Textual repaints whole lines of a widget, and Rich resets the pen after every segment. The painter reads what they would
send, keeps the wanted and the shown picture as cells, and sends the difference: a cursor step costs hundreds of bytes
instead of thousands, and drawing the same picture again costs none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from rich.cells import get_character_cell_size

__all__ = ["Painter"]

_TOKEN = re.compile(
    r"\x1b\[(?:(\d*);(\d*)H|([0-9;]*)m)"  # move, pen
    r"|(\n)"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: title, clipboard
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: modes, queries
    r"|\x1b[^\[\]]|[\x00-\x1f\x7f]"
)
_FORGETTING = re.compile(r"\x1b\[\?1049[hl]|\x1b\[[0-3]?J|\x1bc")
_GAP = 5
"""Unchanged cells that are cheaper to send again than to jump over."""

_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "7": "27", "9": "29"}
"""What ends an attribute."""

_FOLLOWER = "\0"
"""Stands in the second cell of a wide character."""


@dataclass(frozen=True, slots=True)
class _Pen:
    """Colours and attributes, as SGR parameters."""

    attributes: frozenset[str] = frozenset()
    foreground: str = ""
    background: str = ""


@lru_cache(maxsize=4096)
def _pen(parameters: str) -> _Pen:
    """The pen after a reset and these parameters, which is how Rich writes every style."""
    attributes, foreground, background = set(), "", ""
    words = parameters.split(";")
    at = 0
    while at < len(words):
        word = words[at]
        number = int(word or 0)
        size = 1
        if number in (38, 48):
            size = 3 if words[at + 1 : at + 2] == ["5"] else 5
            colour = ";".join(words[at : at + size])
            foreground, background = (colour, background) if number == 38 else (foreground, colour)
        elif 30 <= number <= 39 or 90 <= number <= 97:
            foreground = "" if number == 39 else word
        elif 40 <= number <= 49 or 100 <= number <= 107:
            background = "" if number == 49 else word
        elif number:
            attributes.add(word)
        at += size
    return _Pen(frozenset(attributes), foreground, background)


@lru_cache(maxsize=16384)
def _change(before: _Pen, after: _Pen) -> str:
    """The shortest sequence that takes one pen to another."""
    if before == after:
        return ""
    colours = [
        new or default
        for old, new, default in (
            (before.foreground, after.foreground, "39"),
            (before.background, after.background, "49"),
        )
        if old != new
    ]
    gone = before.attributes - after.attributes
    if not gone <= _OFF.keys():
        everything = [*sorted(after.attributes), *filter(None, (after.foreground, after.background))]
        return f"\x1b[{';'.join(['', *everything])}m"
    off = {_OFF[attribute] for attribute in gone}
    kept = before.attributes if "22" not in off else before.attributes - {"1", "2"}  # bold and dim end together
    return f"\x1b[{';'.join([*sorted(off), *sorted(after.attributes - kept), *colours])}m"


_PLAIN = _Pen()
_Cell = tuple[str, _Pen]
_NOTHING: _Cell = ("", _PLAIN)


class Painter:
    """Turns what Textual writes into the smallest update of the terminal."""

    def __init__(self) -> None:
        self._shown: list[list[_Cell]] = []
        self._wanted: list[list[_Cell]] = []
        self._dirty: dict[int, tuple[int, int]] = {}

    def forget(self) -> None:
        """The terminal may show anything now: the next update is sent in full."""
        self._shown = []
        self._wanted = []
        self._dirty = {}

    def feed(self, data: str) -> str:
        """What to send instead of `data`. The pen is plain before and after it."""
        out: list[str] = []
        x, y, pen = 0, 0, _PLAIN
        end = 0
        for token in _TOKEN.finditer(data):
            if token.start() > end:
                x = self._put(data[end : token.start()], x, y, pen)
            end = token.end()
            if token[3] is not None:
                pen = _pen(token[3])
            elif token[1] is not None:
                y, x = int(token[1] or 1) - 1, int(token[2] or 1) - 1
            elif token[4] is not None:
                x, y = 0, y + 1
            else:  # something else, for the terminal itself
                out.append(self._flush())
                out.append(token[0])
                if _FORGETTING.match(token[0]):
                    self.forget()
        if end < len(data):
            self._put(data[end:], x, y, pen)
        out.append(self._flush())
        return "".join(out)

    def _put(self, text: str, x: int, y: int, pen: _Pen) -> int:
        """Write text into the wanted picture; returns the column after it."""
        while len(self._wanted) <= y:
            self._wanted.append([])
            self._shown.append([])
        row = self._wanted[y]
        start = x
        if text.isascii():
            cells = [(character, pen) for character in text]
        else:
            cells = []
            for character in text:
                size = get_character_cell_size(character)
                if size:
                    cells.append((character, pen))
                    cells.extend([(_FOLLOWER, pen)] * (size - 1))
                elif cells:  # it combines with the one before
                    cells[-1] = (cells[-1][0] + character, pen)
        if len(row) < x:
            row.extend([_NOTHING] * (x - len(row)))
        row[x : x + len(cells)] = cells
        x += len(cells)
        before = self._dirty.get(y)
        self._dirty[y] = (start, x) if before is None else (min(before[0], start), max(before[1], x))
        return x

    def _flush(self) -> str:
        """The sequences that make the shown picture the wanted one."""
        out: list[str] = []
        pen = _PLAIN
        for y in sorted(self._dirty):
            first, last = self._dirty[y]
            shown, wanted = self._shown[y], self._wanted[y]
            if len(shown) < len(wanted):
                shown.extend([_NOTHING] * (len(wanted) - len(shown)))
            column = -1
            for begin, end in _runs(shown, wanted, first, last):
                if column < 0:
                    out.append(f"\x1b[{y + 1};{begin + 1}H" if begin else f"\x1b[{y + 1}H")
                elif begin > column:
                    out.append(f"\x1b[{begin - column}C" if begin - column > 1 else "\x1b[C")
                for character, wish in wanted[begin:end]:
                    if wish is not pen and wish != pen:
                        out.append(_change(pen, wish))
                        pen = wish
                    if character != _FOLLOWER:
                        out.append(character)
                shown[begin:end] = wanted[begin:end]
                column = end
        self._dirty = {}
        if pen != _PLAIN:
            out.append("\x1b[m")
        return "".join(out)


def _runs(shown: list[_Cell], wanted: list[_Cell], first: int, last: int) -> list[tuple[int, int]]:
    """Spans of cells to send: those that differ, joined where the gap is not worth a jump."""
    last = min(last, len(wanted))
    changed = [x for x in range(first, last) if shown[x] is not wanted[x] and shown[x] != wanted[x] and wanted[x][0]]
    if not changed:
        return []
    starts = [changed[0]]
    ends = []
    for before, after in pairwise(changed):
        if after - before > _GAP or any(not wanted[x][0] for x in range(before + 1, after)):
            ends.append(before + 1)
            starts.append(after)
    ends.append(changed[-1] + 1)
    return [_whole(wanted, begin, end) for begin, end in zip(starts, ends, strict=True)]


def _whole(wanted: list[_Cell], begin: int, end: int) -> tuple[int, int]:
    """A span that cuts no wide character in two."""
    while begin > 0 and wanted[begin][0] == _FOLLOWER:
        begin -= 1
    while end < len(wanted) and wanted[end][0] == _FOLLOWER:
        end += 1
    return begin, end
