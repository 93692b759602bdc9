"""Input files that clients sent, by content. This is the only place where the engine writes.

A file is named by the SHA-256 of its contents, which is checked before the file gets its name and again by each engine
that uses it. The least recently used ones go when the cache gets too big.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from braggtrace.errors import EngineError, InputError, OutputError
from braggtrace.service.protocol import Code

__all__ = ["DEFAULT_LIMIT", "FileCache", "default_folder"]

DEFAULT_LIMIT = 4 << 30
"""Bytes that a cache may hold."""

_NAME = re.compile(r"[0-9a-f]{64}")
_ENDING = re.compile(r"(\.[A-Za-z0-9]{1,8}){1,2}$")
_LEFT_OVER_S = 86400.0


def default_folder() -> Path:
    """Below the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "braggtrace" / "inputs"


@dataclass(slots=True)
class _Incoming:
    """A file of which some pieces have come."""

    file: IO[bytes]
    path: Path
    total: int
    digest: Any
    received: int = 0


class FileCache:
    """A folder of files by content.

    Args:
        folder: where; made when the first file comes.
        limit: bytes it may hold.
    """

    def __init__(self, folder: Path | None = None, limit: int = DEFAULT_LIMIT) -> None:
        self.folder = default_folder() if folder is None else folder
        self.limit = limit
        self._incoming: dict[str, _Incoming] = {}
        self._checked: dict[str, tuple[int, int, int]] = {}
        self._kept: set[str] = set()

    def path(self, content: str) -> Path:
        """Where a file is, if it is there."""
        if not _NAME.fullmatch(content):
            raise EngineError(Code.USAGE, f"no SHA-256: {content[:80]!r}")
        return self.folder / content

    def named(self, content: str, name: str) -> Path | None:
        """Where a file is, named so that it ends like `name`, by which formats are told; None if it isn't there."""
        path = self.path(content)
        if not path.is_file():
            return None
        ending = _ENDING.search(name)
        if ending is None:
            return path
        link = path.with_name(f"{content}{ending.group().lower()}")
        with contextlib.suppress(FileExistsError):
            link.symlink_to(content)
        return link

    def keep(self, contents: Iterable[str]) -> None:
        """These are in use; they stay as long as this engine runs."""
        self._kept.update(contents)

    def missing(self, contents: Iterable[str]) -> list[str]:
        """Those that are not there, or are damaged. Those that are there stay as long as this engine runs."""
        contents = list(dict.fromkeys(contents))
        self.keep(contents)
        return [content for content in contents if not self._is_there(content)]

    def put(self, content: str, offset: int, total: int, data: bytes) -> bool:
        """Take a piece of a file; pieces come in order.

        Args:
            content: SHA-256 of the whole file.
            offset: where the piece belongs.
            total: bytes of the whole file.
            data: the piece.

        Returns:
            Whether the file is complete.

        Raises:
            EngineError: the pieces don't fit together, or the file is too big for the cache.
            InputError: the contents are not those that were announced.
            OutputError: the cache can't be written.
        """
        path = self.path(content)
        if not 0 <= total <= self.limit:
            raise EngineError(Code.TOO_BIG, f"a file of {total} bytes; the engine's cache holds {self.limit}")
        if offset + len(data) > total:
            raise EngineError(Code.USAGE, f"a piece from {offset} to {offset + len(data)} of a file of {total} bytes")
        try:
            if offset == 0:
                self._begin(content, total)
            coming = self._incoming.get(content)
            if coming is None or offset != coming.received or total != coming.total:
                at = "none" if coming is None else str(coming.received)
                raise EngineError(Code.USAGE, f"pieces of a file come in order; expected offset {at}, got {offset}")
            coming.file.write(data)
            coming.digest.update(data)
            coming.received += len(data)
            if coming.received < total:
                return False
            self._complete(content, coming, path)
        except OSError as error:
            self._drop(content)
            raise OutputError("the engine's cache can't be written", path=self.folder, got=str(error)) from error
        return True

    def close(self) -> None:
        """Throw away what has come in part."""
        for content in list(self._incoming):
            self._drop(content)

    def _begin(self, content: str, total: int) -> None:
        self._drop(content)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._make_room(total)
        path = self.folder / f"{content}.{os.getpid()}.part"
        path.unlink(missing_ok=True)
        self._incoming[content] = _Incoming(path.open("xb"), path, total, hashlib.sha256())

    def _complete(self, content: str, coming: _Incoming, path: Path) -> None:
        del self._incoming[content]
        coming.file.close()
        if coming.digest.hexdigest() != content:
            coming.path.unlink()
            raise InputError("a file changed while it was sent to the engine", got="other contents than announced")
        coming.path.replace(path)
        self._checked[content] = _stamp(path)

    def _drop(self, content: str) -> None:
        coming = self._incoming.pop(content, None)
        if coming is not None:
            coming.file.close()
            coming.path.unlink(missing_ok=True)

    def _is_there(self, content: str) -> bool:
        """Whether a file is there with the right contents, which is checked once."""
        path = self.path(content)
        try:
            if self._checked.get(content) != _stamp(path):
                with path.open("rb") as file:
                    if hashlib.file_digest(file, "sha256").hexdigest() != content:
                        path.unlink()
                        return False
                self._checked[content] = _stamp(path)
            os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))  # used now; the contents are what they were
        except OSError:
            return False
        return True

    def _make_room(self, size: int) -> None:
        """Remove what was not used for longest, until `size` bytes more fit."""
        now = time.time()
        files = []
        for path in self.folder.iterdir():
            with contextlib.suppress(OSError):  # another engine may be at it, too
                status = path.lstat()
                left_over = path.name.endswith(".part") and now - status.st_mtime > _LEFT_OVER_S
                if left_over or (path.is_symlink() and not path.exists()):
                    path.unlink()
                elif _NAME.fullmatch(path.name):
                    files.append((status.st_atime, status.st_size, path))
        held = sum(each[1] for each in files)
        for _, held_by_it, path in sorted(files):
            if held + size <= self.limit:
                return
            if path.name not in self._kept:
                path.unlink(missing_ok=True)
                held -= held_by_it


def _stamp(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino
