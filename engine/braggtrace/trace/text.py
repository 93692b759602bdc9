"""Make text from a file safe to show: control characters become visible symbols of width one."""

from __future__ import annotations

__all__ = ["visible"]


def _symbols() -> dict[int, str]:
    table = {code: chr(0x2400 + code) for code in range(0x20)}
    table[0x7F] = "\u2421"
    table |= dict.fromkeys(range(0x80, 0xA0), "\ufffd")
    # Bidirectional controls, zero-width and line-separating characters can hide or reorder what is on screen.
    for first, last in ((0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F), (0xFE00, 0xFE0F), (0xE0000, 0xE01EF)):
        table |= dict.fromkeys(range(first, last + 1), "\ufffd")
    table |= dict.fromkeys((0x00AD, 0x061C, 0x180E, 0xFEFF), "\ufffd")
    table |= dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
    return table


_TABLE = _symbols()


def visible(text: str) -> str:
    """Replace control, bidirectional and invisible characters; tabs become a space.

    The result never drives a terminal and has one symbol for each character of the input.
    """
    if text.isascii() and text.isprintable():
        return text
    return text.replace("\t", " ").translate(_TABLE)
