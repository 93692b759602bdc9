"""What the pages of a bundle have in common: Markdown, numbers, and lists of pixels as words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from braggtrace.trace.text import visible

_SPECIAL = re.compile(r"[\\`*\[\]<>|#]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")

__all__ = ["code", "count", "key_pixel", "number", "pixel_words", "plain", "product", "seconds", "table", "tag_lines"]


def code(text: str) -> str:
    """Text as code; a backtick or a bar in it can't end the code or the table cell."""
    return "`" + visible(text).replace("`", "'").replace("|", "¦") + "`"


def plain(text: str) -> str:
    """Text that Markdown leaves alone; an underscore inside a word needs no care."""
    return _SPECIAL.sub(r"\\\g<0>", visible(text))


def number(value: float | None) -> str:
    """A number in six digits; a dash where there is none."""
    return "–" if value is None else f"{value:.6g}"


def count(value: int, one: str, many: str = "") -> str:
    """`1 value`, `2 values`."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def seconds(value: float | None) -> str:
    """A time in three digits."""
    return "–" if value is None else f"{value:.3g} s"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a Markdown table."""
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(row)} |"


def pixel_words(pixels: Sequence[Sequence[int]]) -> str:
    """`pixel 1639 966`, or the box that some pixels fill, or lie in."""
    if len(pixels) == 1:
        return f"pixel {pixels[0][0]} {pixels[0][1]}"
    if not pixels:
        return "no pixel"
    slow, fast = ([pixel[axis] for pixel in pixels] for axis in (0, 1))
    box = f"slow {min(slow)}-{max(slow)}, fast {min(fast)}-{max(fast)}"
    filled = (max(slow) - min(slow) + 1) * (max(fast) - min(fast) + 1) == len(pixels)
    return f"{len(pixels)} pixels, {box}" if filled else f"{len(pixels)} pixels within {box}"


def key_pixel(metrics: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The pixel that stands for all in one line: the brightest one of the candidate, of equal ones the first."""
    pixels = [pixel for pixel in metrics["pixels"] if (pixel["candidate"] or {}).get("I_pixel_final") is not None]
    return max(pixels, key=lambda pixel: pixel["candidate"]["I_pixel_final"], default=None)


def product(values: Mapping[str, Any] | None) -> str:
    """`-6984.44 = 32.7505 × -10.2198 × 20.8676`: F_latt and its factors, where it is a product."""
    if values is None or values.get("F_latt") is None:
        return "–"
    factors = [values.get(f"F_latt_{axis}") for axis in "abc"]
    whole = number(values["F_latt"])
    return whole if None in factors else f"{whole} = {' × '.join(number(factor) for factor in factors)}"


def tag_lines(lines: Mapping[str, Any]) -> str:
    """`124 TRACE_PY lines, 10 TRACE_PY_PHI lines and 70 others`: how many lines of each kind a trace has."""
    main = {tag: entry["found"] for tag, entry in lines.items() if "_" not in tag.partition("_")[2] or "PHI" in tag}
    others = sum(entry["found"] for entry in lines.values()) - sum(main.values())
    said = ", ".join(count(found, f"{tag} line") for tag, found in main.items())
    return said + (f" and {others:,} others" if others else "")
