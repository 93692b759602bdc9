"""The C program's argument list: what it says about the region, and how it is changed for a run elsewhere.

Flags are replaced where they stand, or put in front. Nothing is appended: a flag at the end of the list that lacks its
values is ignored by the C program, and words after it would bring it to life.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from braggtrace.capture.model import Pixel
from braggtrace.capture.region import Region
from braggtrace.capture.tapfile import ProgramFlags

__all__ = ["argument_after", "fires", "history_matters", "relocated", "user_region", "with_region", "with_traced_pixel"]

_INTEGER = re.compile(r"\s*[-+]?\d+")
_NEVER_INTERPOLATED = 2  # cells along an axis; the C program interpolates if there are no more
_LARGEST = 2**31 - 1


def fires(spelling: str, word: str) -> bool:
    """Whether the C program takes a word for a flag: flags are found anywhere in a word that starts with -."""
    if spelling.startswith("="):
        return word == spelling[1:]
    return word.startswith("-") and spelling in word


def _last(words: Sequence[str], spelling: str, count: int) -> int | None:
    """Where a flag stands that has `count` words after it; the last one counts."""
    if not spelling:
        return None
    found = [at for at, word in enumerate(words) if fires(spelling, word) and at + count < len(words)]
    return found[-1] if found else None


def argument_after(words: Sequence[str], spelling: str) -> str | None:
    """The value of a flag with one value, None if the flag is not there."""
    at = _last(words, spelling, 1)
    return None if at is None else words[at + 1]


def _integer(word: str) -> int:
    """As C's atoi reads it."""
    match = _INTEGER.match(word)
    return max(-_LARGEST, min(_LARGEST, int(match[0]))) if match else 0


def user_region(words: Sequence[str], flags: ProgramFlags) -> Region:
    """What the flags let the program render; without a region of interest all of it."""
    at = _last(words, flags.roi, 4)
    if at is None:
        return Region()
    left, right, first, last = (_integer(word) for word in words[at + 1 : at + 5])
    return Region(
        max(0, first), None if last < 0 else last, max(0, left), None if right < 0 else right
    )  # a negative limit means the edge


def history_matters(words: Sequence[str]) -> bool:
    """Whether a pixel may depend on all pixels before it, not only on the last one.

    Interpolation, once it has left the table, stays off for the rest of the run; and with a resolution limit the pixel
    before may have come to nothing, so that an earlier one left its vectors.
    """
    if any(fires("-dmin", word) for word in words):
        return True
    switches = [word for word in words if fires("interpolate", word)]
    if switches:
        return "-nointerpolate" not in switches[-1]
    cells = {"a": 1, "b": 1, "c": 1}
    for at, word in enumerate(words[:-1]):
        for axis in cells:
            if word == "-N" or fires(f"-N{axis}", word):
                cells[axis] = _integer(words[at + 1])
    return any(fires("-hkl", word) for word in words) and min(cells.values()) <= _NEVER_INTERPOLATED


def with_region(words: Sequence[str], flags: ProgramFlags, region: Region) -> list[str]:
    """The argument list with another region of interest."""
    if not flags.roi:
        return list(words)
    limits = (region.fast_first, region.fast_last, region.slow_first, region.slow_last)
    return _with_values(words, flags.roi, ["-1" if limit is None else str(limit) for limit in limits])


def with_traced_pixel(words: Sequence[str], flag: str, pixel: Pixel) -> list[str]:
    """The argument list that makes a program trace one pixel, and no other one."""
    return _with_values(words, flag, [str(pixel[0]), str(pixel[1])])


def _with_values(words: Sequence[str], flag: str, values: Sequence[str]) -> list[str]:
    at = _last(words, flag, len(values))
    if at is None:
        return [flag, *values, *words]
    return [*words[: at + 1], *values, *words[at + 1 + len(values) :]]


def relocated(words: Sequence[str], flags: ProgramFlags, folder: Path) -> list[str]:
    """The argument list for a run in another folder: it reads the same files, and writes none of its own there.

    Args:
        words: the argument list.
        flags: which of them take files.
        folder: where the user's relative paths start.
    """
    out = list(words)
    for at in range(len(words) - 1):
        value = words[at + 1]
        if any(fires(spelling, words[at]) for spelling in flags.inputs):
            path = folder / value
            if value and path.exists():
                out[at + 1] = os.path.abspath(path)  # noqa: PTH100 - a link must keep its name
        elif any(fires(spelling, words[at]) for spelling in flags.outputs) and not value.startswith("-"):
            out[at + 1] = Path(value).name or value
    return out
