"""Numbers in text as the C library reads them: longest valid prefix, with whatever follows left for the next number."""

from __future__ import annotations

import re

__all__ = ["atof", "scan_float", "scan_int"]

_SPACE = rb"[ \t\n\v\f\r]*"
_FLOAT = re.compile(
    _SPACE + rb"([+-]?(?:inf(?:inity)?|nan|0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?\d+)?"
    rb"|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?))",
    re.IGNORECASE,
)
_INT = re.compile(_SPACE + rb"([+-]?\d+)")


def scan_float(data: bytes, start: int) -> tuple[float, int] | None:
    """What `scanf("%lg")` reads at `start`: the number and the position behind it, or None."""
    match = _FLOAT.match(data, start)
    if match is None:
        return None
    text = match[1].decode("ascii").lower()
    return float.fromhex(text) if "0x" in text else float(text), match.end()


def scan_int(data: bytes, start: int) -> tuple[int, int] | None:
    """What `scanf("%d")` reads at `start`: the number and the position behind it, or None."""
    match = _INT.match(data, start)
    return None if match is None else (int(match[1]), match.end())


def atof(text: bytes) -> float:
    """What `atof` makes of a text: its longest leading number, 0 if there is none."""
    found = scan_float(text, 0)
    return 0.0 if found is None else found[0]
