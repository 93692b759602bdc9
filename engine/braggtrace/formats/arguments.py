"""Flags that people keep in files: `@file` stands for the words in it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from braggtrace.errors import InputError

__all__ = ["expand_argument_files"]


def expand_argument_files(arguments: Sequence[str], folder: Path | None = None) -> list[str]:
    """Replace every `@file` by the words in that file; # starts a comment there, and quotes group words.

    Args:
        arguments: the words.
        folder: where relative paths start; the working folder if None.

    Raises:
        InputError: a file can't be read, or has an unclosed quote.
    """
    out: list[str] = []
    for argument in arguments:
        if not argument.startswith("@") or len(argument) == 1:
            out.append(argument)
            continue
        path = Path(argument[1:])
        try:
            text = (path if folder is None else folder / path).read_text(encoding="utf-8")
            words = shlex.split(text.replace("\\\n", " "), comments=True)
        except OSError as error:
            raise InputError("can't read flags", path=path, got=error.strerror or str(error)) from error
        except ValueError as error:
            raise InputError("can't read flags", path=path, got=str(error)) from error
        out += words
    return out
