"""Numbers as text: on which digits do two of them agree, and how do they fit into a column.

Works on the text that was written, because that is what a person compares. Pure functions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Split", "count", "short", "shorten", "split"]

_NUMBER = re.compile(r"([+-]?)(\d*)\.?(\d*)(?:[eEdD]([+-]?\d+))?")


@dataclass(frozen=True, slots=True)
class Split:
    """One number's text in three parts.

    Attributes:
        common: leading characters on which both numbers agree.
        differing: characters from the first differing digit on.
        tail: the exponent, where both have the same.
    """

    common: str
    differing: str
    tail: str = ""


@dataclass(frozen=True, slots=True)
class _Parsed:
    negative: bool
    digits: str  # from the first digit that is not zero
    exponent: int  # decimal exponent of that digit
    mantissa_end: int  # index in the text of the exponent part


def _parse(text: str) -> _Parsed | None:
    match = _NUMBER.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        return None
    sign, whole, part, exponent = match.groups()
    digits = (whole + part).lstrip("0")
    leading_zeros = len(whole + part) - len(digits)
    place = len(whole) - 1 - leading_zeros + int(exponent or 0)
    end = match.start(4) - 1 if exponent else len(text)
    return _Parsed(sign == "-", digits, place if digits else 0, end)


def split(reference: str, candidate: str) -> tuple[Split, Split]:
    """Mark the leading digits on which two numbers agree, whatever notation they are written in.

    Args:
        reference: a number or word as written.
        candidate: the other one.

    Returns:
        The parts of `reference` and of `candidate`.
    """
    if reference == candidate:
        return Split(reference, ""), Split(candidate, "")
    r, c = _parse(reference), _parse(candidate)
    if r is None or c is None:
        return Split("", reference), Split("", candidate)
    if not r.digits.rstrip("0") and not c.digits.rstrip("0"):
        return Split(reference, ""), Split(candidate, "")
    if r.negative != c.negative or r.exponent != c.exponent or not r.digits or not c.digits:
        return Split("", reference), Split("", candidate)
    width = max(len(r.digits), len(c.digits))
    pairs = zip(r.digits.ljust(width, "0"), c.digits.ljust(width, "0"), strict=True)
    same = next((number for number, (one, other) in enumerate(pairs) if one != other), width)
    return _cut(reference, r, same), _cut(candidate, c, same)


def _cut(text: str, parsed: _Parsed, same: int) -> Split:
    if same >= len(parsed.digits):  # all that was written here agrees; the other side goes on
        return Split(text, "")
    seen, leading, index = 0, True, 0
    for index, character in enumerate(text[: parsed.mantissa_end]):  # noqa: B007 - its last value is the answer
        if character.isdigit():
            leading = leading and character == "0"
            if not leading:
                if seen == same:
                    break
                seen += 1
    return Split(text[:index], text[index : parsed.mantissa_end], text[parsed.mantissa_end :])


def shorten(parts: Split, width: int) -> Split:
    """Make a number fit: drop its last digits, never its exponent; the ellipsis stands in the part that was cut."""
    if len(parts.common) + len(parts.differing) + len(parts.tail) <= width:
        return parts
    text = parts.common + parts.differing
    tail = parts.tail
    parsed = None if tail else _parse(text)
    if parsed is not None and parsed.mantissa_end < len(text):  # the exponent may be part of what differs, or agrees
        text, tail = text[: parsed.mantissa_end], text[parsed.mantissa_end :]
    keep = width - 1 - len(tail)
    if keep < 1:
        return Split("", (text + tail)[: max(0, width - 1)] + "…"[:width])
    cut_is_common = not parts.differing
    common = text[: min(keep, len(parts.common))]
    differing = text[len(common) : keep]
    if cut_is_common:
        return Split(common + "…" + tail, "")
    if parts.tail:
        return Split(common, differing + "…", tail)
    return Split(common, differing + "…" + tail)


def short(value: float) -> str:
    """A difference or tolerance in at most eight characters: 0, 0.0903, 1.2e-09, inf."""
    if value != value:
        return ""
    if value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e5:
        text = f"{value:.3g}"
        if "e" not in text:
            return text
    mantissa, _, exponent = f"{value:.2g}".partition("e")
    if not exponent:
        mantissa, _, exponent = f"{value:.1e}".partition("e")
    mantissa = mantissa.removesuffix(".0")
    if len(exponent) > 3:  # -100 and beyond
        mantissa = mantissa.partition(".")[0]
    return f"{mantissa}e{int(exponent)}"


def count(number: int) -> str:
    """A count with separators; large ones in thousands and millions: 1,320 · 158k · 3.0M."""
    if number < 100_000:
        return f"{number:,}"
    if number < 10_000_000:
        return f"{number / 1000:,.0f}k"
    return f"{number / 1e6:,.1f}M"
