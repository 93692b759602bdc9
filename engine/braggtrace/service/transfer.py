"""Input files on their way to an engine elsewhere: by content, in pieces, and only what isn't there yet."""

from __future__ import annotations

import base64
import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from braggtrace.errors import EngineError, InputError
from braggtrace.formats.arguments import expand_argument_files
from braggtrace.service.protocol import PIECE, Code

__all__ = ["Answer", "Transfer"]


class Answer(Protocol):
    """The answer to a request, some time."""

    def wait(self) -> dict[str, Any]:
        """Wait for the result."""


Ask: TypeAlias = Callable[[str, Mapping[str, Any]], Answer]
Tell: TypeAlias = Callable[[Mapping[str, Any]], None]

_MEANING = ("profile", "phi_mode", "quirks")
_SIDES = ("reference", "candidate")
_UNDER_WAY = 16


class Transfer:
    """Sends input files over one connection, and remembers which it has sent.

    Args:
        ask: sends a request: verb, fields.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._there: set[str] = set()
        self._hashes: dict[Path, tuple[tuple[int, int, int], str]] = {}

    def forget(self) -> None:
        """Something is not there any more: ask again for everything."""
        self._there.clear()

    def prepared(self, fields: Mapping[str, Any], tell: Tell, stop: Callable[[], bool]) -> dict[str, Any]:
        """The fields of a request as an engine elsewhere understands them; its input files are there afterwards.

        Args:
            fields: as for an engine on this machine.
            tell: gets progress.
            stop: whether nobody waits any more.

        Raises:
            InputError: a file can't be read.
            EngineError: the engine refuses, or `stop` says so.
        """
        folder = Path(fields.get("folder") or Path.cwd())
        prepared = dict(fields)
        if "flags" in fields:
            prepared["flags"] = words = expand_argument_files(fields["flags"], folder)
            asked = {name: fields[name] for name in _MEANING if name in fields}
            found = self._ask("inputs", {"flags": words, **asked}).wait()
            names = [*found["paths"], *found["optional"]]
        else:
            names = [name for side in _SIDES for name in fields.get(side, ())]
        paths = {name: folder / name for name in names}
        files = {name: path for name, path in paths.items() if path.is_file()}
        hashes = {name: self._hash_of(name, path) for name, path in files.items()}
        unknown = {hashes[name]: name for name in files if hashes[name] not in self._there}
        missing = self._ask("have", {"hashes": list(unknown)}).wait()["missing"] if unknown else []
        to_send = {each: files[unknown[each]] for each in missing if each in unknown}
        total = sum(path.stat().st_size for path in to_send.values())
        done = 0
        for content, path in to_send.items():
            for size in self._put(content, unknown[content], path):
                done += size
                known = {"fraction": done / max(total, done, 1), "done": done, "total": total, "rate": None}
                tell({**known, "unit": "bytes"})
                if stop():
                    raise EngineError(Code.CANCELLED, "cancelled while input files were sent")
        self._there.update(unknown)
        return {**prepared, "files": hashes}

    def _put(self, content: str, name: str, path: Path) -> Iterator[int]:
        """Send one file; gives the size of each piece. Some pieces are under way at a time."""
        answers: deque[Answer] = deque()
        for offset, total, piece in _pieces(name, path):
            data = base64.b64encode(piece).decode()
            answers.append(self._ask("put", {"hash": content, "offset": offset, "total": total, "data": data}))
            if len(answers) > _UNDER_WAY:
                answers.popleft().wait()
            yield len(piece)
        for answer in answers:
            answer.wait()

    def _hash_of(self, name: str, path: Path) -> str:
        try:
            with path.open("rb") as file:
                status = path.stat()
                stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
                known = self._hashes.get(path)
                if known is None or known[0] != stamp:
                    known = self._hashes[path] = (stamp, hashlib.file_digest(file, "sha256").hexdigest())
        except OSError as error:
            raise InputError("can't be read", path=name, got=error.strerror or str(error)) from error
        return known[1]


def _pieces(name: str, path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Offset, size of the file, and contents; an empty file has one piece."""
    try:
        with path.open("rb") as file:
            total = path.stat().st_size
            for offset in range(0, max(total, 1), PIECE):
                piece = file.read(min(PIECE, total - offset))
                if len(piece) < min(PIECE, total - offset):
                    raise InputError("the file shrank while it was sent to the engine", path=name)
                yield offset, total, piece
    except OSError as error:
        raise InputError("can't be read", path=name, got=error.strerror or str(error)) from error
