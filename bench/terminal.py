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

    def shows(self, text: str) -> bool:
        """Whether `text` stands on the screen now."""
        return any(text in line for line in self._screen.display)

    def type(self, keys: str) -> None:
        """Press keys and wait for nothing."""
        self._process.send(keys)

    def appears(self, text: str, timeout: float = 60.0) -> None:
        """Wait until `text` stands on the screen."""
        end = time.perf_counter() + timeout
        while not self.shows(text):
            if time.perf_counter() > end:
                raise TimeoutError(f"{text!r} did not appear:\n" + "\n".join(self._screen.display))
            self._read(0.01)

    def time_until(self, key: str, text: str, quiet: float = 0.4) -> float:
        """Seconds from a key until `text` stands on the screen; it must not stand there before.

        What comes is only noted at first, because emulating a terminal takes as long as drawing does.
        """
        assert not self.shows(text), f"{text!r} is there already"
        start = time.perf_counter()
        self._process.send(key)
        came: list[tuple[float, bytes]] = []
        while not came or time.perf_counter() - start - came[-1][0] < quiet:
            try:
                data = self._process.read_nonblocking(1 << 16, timeout=0.05)
            except pexpect.TIMEOUT:
                if time.perf_counter() - start > 30:
                    break
                continue
            came.append((time.perf_counter() - start, data))
        for seconds, data in came:
            self._stream.feed(data)
            if self.shows(text):
                return seconds
        raise TimeoutError(f"{text!r} did not appear:\n" + "\n".join(self._screen.display))

    def time_to_end(self, key: str) -> float:
        """Seconds from a key until the program has ended."""
        start = time.perf_counter()
        self._process.send(key)
        while self._process.isalive():
            self._read(0.005)
        return time.perf_counter() - start

    def press(self, key: str, quiet: float = _QUIET) -> tuple[float, float, int]:
        """Seconds until the first and until the last piece of output that a key causes, and the number of bytes."""
        start = time.perf_counter()
        first = last = 0.0
        self._process.send(key)
        written = 0
        while count := self._read(quiet):
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
        except (pexpect.TIMEOUT, pexpect.EOF):
            return 0
        self._stream.feed(data)
        return len(data)
