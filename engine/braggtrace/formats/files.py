"""Reading and writing whole files, with errors that a user understands and without half-written results."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from braggtrace.errors import InputError, OutputError

__all__ = ["PathLike", "line_at", "read_bytes", "write_atomic"]

PathLike = str | os.PathLike[str]
Chunk = bytes | memoryview | NDArray[np.generic]


def read_bytes(path: PathLike, what: str) -> bytes:
    """The contents of a file.

    Args:
        path: the file.
        what: what it should be, for the message: "a reflection table".

    Raises:
        InputError: it can't be read.
    """
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError("no such file", path=path, expected=what) from None
    except OSError as error:
        raise InputError("can't be read", path=path, expected=what, got=error.strerror or str(error)) from error


def line_at(data: bytes, offset: int) -> int:
    """The number of the line, from 1, that holds the byte at `offset`."""
    return data.count(b"\n", 0, offset) + 1


def write_atomic(path: PathLike, chunks: Iterable[Chunk]) -> None:
    """Write a file so that it is either complete or not there: beside the target first, then renamed.

    A link is followed; a device or a pipe is written to directly. Any exception, Ctrl-C included, removes the temporary
    file.

    Args:
        path: the file; an existing one is replaced.
        chunks: bytes, or arrays whose memory is written as it lies (C order).

    Raises:
        OutputError: it can't be written.
    """
    target = Path(os.path.realpath(path))
    direct = target.exists() and not target.is_file()
    temporary = target if direct else target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        try:
            with temporary.open("wb") as file:
                for chunk in chunks:
                    file.write(np.ascontiguousarray(chunk).data if isinstance(chunk, np.ndarray) else chunk)
            if not direct:
                temporary.replace(target)
        except BaseException:
            if not direct:
                temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError("can't be written", path=path, got=error.strerror or str(error)) from error
