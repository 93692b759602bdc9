"""A program on a real pseudo-terminal, measured: when text appears, and what a key costs."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Self

import pexpect
import pyte

__all__ = ["Terminal"]

_QUIET = 0.15  # nothing for so long: the screen has settled


class Terminal:
    """Runs a command in a terminal of a given size and emulates its screen."""

    def __init__(self, command: list[str], environment: Mapping[str, str], columns: int = 120, lines: int = 40) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SSH_", "TMUX"))}
        self._start = time.perf_counter()
        self._process = pexpect.spawn(
            command[0], command[1:], dimensions=(lines, columns), env=inherited | dict(environment), timeout=30
        )
        self._process.delaybeforesend = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.close(force=True)

    def wait_for(self, text: str, timeout: float = 30.0) -> float:
        """Seconds from the start of the program until `text` stands on the screen."""
        while not any(text in line for line in self._screen.display):
            if time.perf_counter() - self._start > timeout:
                raise TimeoutError(f"{text!r} did not appear:\n" + "\n".join(self._screen.display))
            self._read(0.05)
        return time.perf_counter() - self._start

    def settle(self) -> None:
        """Wait until nothing is written any more."""
        while self._read(0.5):
            pass

    def press(self, key: str) -> tuple[float, float, int]:
        """Seconds until the first and until the last piece of output that a key causes, and the number of bytes."""
        start = time.perf_counter()
        first = last = 0.0
        self._process.send(key)
        written = 0
        while count := self._read(_QUIET):
            written += count
            last = time.perf_counter() - start
            first = first or last
        return first, last, written

    def idle(self, seconds: float) -> int:
        """Bytes written while nobody does anything."""
        end = time.perf_counter() + seconds
        written = 0
        while time.perf_counter() < end:
            written += self._read(0.1)
        return written

    def _read(self, seconds: float) -> int:
        try:
            data: bytes = self._process.read_nonblocking(1 << 16, timeout=seconds)
        except pexpect.TIMEOUT:
            return 0
        self._stream.feed(data)
        return len(data)
