"""Writing the current comparison to a file: whole or not at all, and never over a file that is there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from braggtrace.errors import OutputError, OutputExistsError
from braggtrace.output import write_whole

if TYPE_CHECKING:
    from braggtrace.compare.model import Comparison
    from braggtrace.replay.model import Explanation

__all__ = ["EXPORTS", "export", "portable"]

EXPORTS: Mapping[str, tuple[str, str]] = {
    "t": ("text", "text report"),
    "j": ("json", "JSON"),
    "m": ("markdown", "Markdown"),
    "s": ("svg", "picture (SVG)"),
}
"""Second key -> (kind, what it is called)."""

_CELL = 12.2
"""Width of a character in Textual's pictures."""

_SUFFIX = {"text": ".txt", "json": ".json", "markdown": ".md", "svg": ".svg"}


def export(
    kind: str,
    comparison: Comparison,
    picture: str,
    directory: Path | None = None,
    explanation: Explanation | None = None,
) -> Path:
    """Write a report into the current directory, under the first name that is free.

    Args:
        kind: text, json, markdown or svg.
        comparison: what is reported.
        picture: the SVG, for that kind.
        directory: where to; the current directory if None.
        explanation: why it diverges, as far as that is known.

    Returns:
        The path.

    Raises:
        OutputError: it can't be written.
    """
    text = portable(picture) if kind == "svg" else _render(kind, comparison, explanation)
    folder = Path() if directory is None else directory
    for number in range(1, 1000):
        path = folder / f"braggtrace{'' if number == 1 else f'-{number}'}{_SUFFIX[kind]}"
        try:
            write_whole(path, [text])
        except OutputExistsError:
            continue
        return path
    raise OutputError("a thousand exports are here already", path=folder)


_TEXT = re.compile(r'(<text [^>]*?x=")([\d.]+)(" [^>]*?textLength=")([\d.]+)("[^>]*>)((?:&#160;)+)')


def portable(svg: str) -> str:
    """The same picture for every viewer: some drop blanks at the start of a text and move what follows.

    Args:
        svg: as Textual makes it: each piece of text has a place and a length, blanks included.
    """

    def moved(match: re.Match[str]) -> str:
        head, x, middle, length, tail, blanks = match.groups()
        shift = _CELL * (len(blanks) // len("&#160;"))
        if shift >= float(length):  # nothing but blanks
            return match[0]
        return f"{head}{float(x) + shift:g}{middle}{float(length) - shift:g}{tail}"

    return _TEXT.sub(moved, svg)


def _render(kind: str, comparison: Comparison, explanation: Explanation | None) -> str:
    from braggtrace.compare.report import render  # only wanted here, and the screen opens quicker without it

    return render(comparison, kind, explanation=explanation)
