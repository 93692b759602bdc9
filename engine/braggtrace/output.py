"""Write files whole or not at all, and never over somebody's file unasked."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from braggtrace.errors import OutputError, OutputExistsError

__all__ = ["refuse_existing", "write_whole"]


def refuse_existing(path: Path) -> None:
    """Complain before the work is done, not after. A device or a pipe holds nothing that could be lost.

    Raises:
        OutputExistsError: there is something at `path`.
    """
    if os.path.lexists(path) and not _is_stream(path):
        raise OutputExistsError(path)


def _is_stream(path: Path) -> bool:
    """Whether `path` is a device, a pipe or a socket, to be written into and never to be replaced."""
    return path.exists() and not path.is_file() and not path.is_dir()


def write_whole(path: Path, pieces: Iterable[str], *, force: bool = False) -> None:
    """Write text to a file. Whoever reads it sees all of it or none; a failure leaves nothing behind.

    Where a link is to be replaced, the file that it points to is.

    Args:
        path: the file.
        pieces: the text.
        force: replace what is there.

    Raises:
        OutputExistsError: there is something at `path` already, and `force` is not set.
        OutputError: it can't be written.
    """
    if not force:
        refuse_existing(path)
    try:
        if _is_stream(path):
            with path.open("w", encoding="utf-8", errors="backslashreplace") as stream:
                stream.writelines(pieces)
            return
        target = path.resolve() if force else path
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}-")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.writelines(pieces)
            temporary.chmod(0o666 & ~_umask())
            if force:
                temporary.replace(target)
            else:
                _link(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError as error:
        raise OutputExistsError(path) from error
    except OSError as error:
        raise OutputError(f"can't be written: {error.strerror or error}", path=path) from error


def _link(temporary: Path, path: Path) -> None:
    """Give a finished file its name, unless somebody took the name meanwhile."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:  # no hard links on this file system
        refuse_existing(path)
        temporary.replace(path)


def _umask() -> int:
    """The umask can't be asked for, only exchanged."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
