"""Make text from a file safe to show: control characters become visible symbols."""

from __future__ import annotations

import unicodedata

__all__ = ["visible"]

_DELETE = 0x7F


def visible(text: str) -> str:
    """Replace every character that could drive, reorder or hide what a terminal shows; tabs become a space.

    ASCII control characters become their control pictures (␛); other control, bidirectional, invisible, combining and
    unassigned characters become U+FFFD. Every character of the input gives one of the output.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character.isprintable():
        return "\ufffd" if unicodedata.category(character).startswith("M") else character
    code = ord(character)
    if character == "\t":
        return " "
    if code < ord(" "):
        return chr(0x2400 + code)
    return "\u2421" if code == _DELETE else "\ufffd"
