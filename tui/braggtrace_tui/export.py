"""Writing the current comparison to a file: whole or not at all, and never over a file that is there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from braggtrace.errors import OutputError

if TYPE_CHECKING:
    from braggtrace.compare.model import Comparison

__all__ = ["EXPORTS", "export", "write_new"]

EXPORTS: Mapping[str, tuple[str, str]] = {
    "t": ("text", "text report"),
    "j": ("json", "JSON"),
    "m": ("markdown", "Markdown"),
    "s": ("svg", "picture (SVG)"),
}
"""Second key -> (kind, what it is called)."""

_SUFFIX = {"text": ".txt", "json": ".json", "markdown": ".md", "svg": ".svg"}


def export(kind: str, comparison: Comparison, picture: str, directory: Path | None = None) -> Path:
    """Write a report into the current directory, under the first name that is free.

    Args:
        kind: text, json, markdown or svg.
        comparison: what is reported.
        picture: the SVG, for that kind.
        directory: where to; the current directory if None.

    Returns:
        The path.

    Raises:
        OutputError: it can't be written.
    """
    text = picture if kind == "svg" else _render(kind, comparison)
    folder = Path() if directory is None else directory
    for number in range(1, 1000):
        path = folder / f"braggtrace{'' if number == 1 else f'-{number}'}{_SUFFIX[kind]}"
        try:
            write_new(path, text)
        except FileExistsError:
            continue
        except OSError as error:
            raise OutputError(error.strerror or "can't be written", path=path) from error
        return path
    raise OutputError("a thousand exports are here already", path=folder)


def _render(kind: str, comparison: Comparison) -> str:
    from braggtrace.compare.report import render

    return render(comparison, kind)


def write_new(path: Path, text: str) -> None:
    """Write a file that must not exist yet; a reader sees all of it or nothing.

    Raises:
        FileExistsError: it is there already.
        OSError: it can't be written.
    """
    if path.exists():
        raise FileExistsError(str(path))
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o666 & ~_umask())
        os.link(name, path)  # fails if somebody made the file meanwhile
    finally:
        Path(name).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
