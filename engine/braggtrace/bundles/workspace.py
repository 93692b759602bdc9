"""The folder in which a bundle grows: it has the name of a bundle only once it is one.

A bundle is built in `<root>/<topic>/<time>.partial` and renamed when it is complete. Whoever wants a time's name has
to make that folder first, so that no two probes can have the same; what is killed leaves a folder that says so.
"""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from braggtrace.bundles.names import ATTEMPT, PARTIAL, check_topic, stamp_of
from braggtrace.bundles.seal import COMPRESSED_FROM, write_seal
from braggtrace.errors import OutputError

__all__ = ["Clock", "SystemClock", "Workspace", "claim"]

_TRIES = 100


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """The time, with its zone."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(slots=True, eq=False)
class Workspace:
    """A bundle that is being built.

    Attributes:
        folder: where it is built.
        final: the name that it gets.
        clock: for the times in `attempt.log`.
        started: when it was claimed.
        texts: uncompressed bytes of what was compressed, by the name it is stored under.
    """

    folder: Path
    final: Path
    clock: Clock
    started: datetime
    texts: dict[str, bytes] = field(default_factory=dict)

    @property
    def stamp(self) -> str:
        """The time in its name."""
        return self.final.name

    def log(self, text: str) -> None:
        """Add a line to `attempt.log`, which tells how far an unfinished bundle got.

        Raises:
            OutputError: it can't be written.
        """
        line = f"{self.clock.now().astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} {text.rstrip()}\n"
        try:
            with (self.folder / ATTEMPT).open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(line)
        except OSError as error:
            raise _failed(self.folder / ATTEMPT, error) from error

    def write(self, name: str, content: str | bytes, *, compressible: bool = False) -> str:
        """Write a file that isn't there yet.

        Args:
            name: of the file.
            content: text is written as UTF-8.
            compressible: compress it if it is large.

        Returns:
            The name it is stored under.

        Raises:
            OutputError: it can't be written.
        """
        data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
        if compressible and len(data) >= COMPRESSED_FROM:
            name = f"{name}.gz"
            self.texts[name] = data
            data = gzip.compress(data, 6, mtime=0)
        path = self.folder / name
        try:
            with path.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _failed(path, error) from error
        return name

    def compress(self, name: str) -> str:
        """Compress a file that somebody else wrote here, if it is large; gives the name it is stored under.

        Raises:
            OutputError: it can't be written.
        """
        path = self.folder / name
        try:
            if path.stat().st_size < COMPRESSED_FROM:
                return name
            stored = self.write(name, path.read_bytes(), compressible=True)
            path.unlink()
        except OSError as error:
            raise _failed(path, error) from error
        return stored

    def finish(self) -> Path:
        """Seal what is there and give it its name; from now on nothing changes it.

        Raises:
            OutputError: it can't be written, or somebody took the name.
        """
        try:
            (self.folder / ATTEMPT).unlink(missing_ok=True)
            write_seal(self.folder, self.texts)
            _read_only(self.folder.iterdir())
            _sync(self.folder)
            if os.path.lexists(self.final):
                raise FileExistsError(17, "somebody else made it meanwhile")
            self.folder.rename(self.final)
            _sync(self.final.parent)
        except OSError as error:
            raise _failed(self.final, error) from error
        return self.final


def claim(root: Path, topic: str, clock: Clock) -> Workspace:
    """Take the first second from now on that nobody has.

    Args:
        root: the folder of all topics.
        topic: what the probe is about.
        clock: the time.

    Raises:
        UsageError: the topic is no ASCII name.
        OutputError: the folder can't be made.
    """
    parent = root / check_topic(topic)
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _failed(parent, error) from error
    for _ in range(_TRIES):
        now = clock.now()
        final = parent / stamp_of(now)
        folder = final.with_name(final.name + PARTIAL)
        if _taken(final, folder):
            clock.sleep(1.0 - now.microsecond / 1e6)
            continue
        return Workspace(folder, final, clock, now.replace(microsecond=0))
    raise OutputError(f"no free name in {_TRIES} seconds; does the clock stand still?", path=parent)


def _taken(final: Path, folder: Path) -> bool:
    """Make the folder, unless it or its final name is there already."""
    try:
        folder.mkdir()
    except FileExistsError:
        return True
    except OSError as error:
        raise _failed(folder, error) from error
    if os.path.lexists(final):  # asked after the folder is ours, so that nobody can finish in between
        folder.rmdir()
        return True
    return False


def _failed(path: Path, error: OSError) -> OutputError:
    return OutputError(f"can't be written: {error.strerror or error}", path=path)


def _read_only(paths: Iterable[Path]) -> None:
    for path in paths:
        path.chmod(path.stat().st_mode & ~0o222)


def _sync(folder: Path) -> None:
    """Make names survive a power cut, as far as the file system lets us."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some network file systems can't; the seal tells whether anything is missing
    finally:
        os.close(descriptor)
