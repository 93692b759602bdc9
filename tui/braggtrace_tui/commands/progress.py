"""How far something long is, on stderr, for whoever sits at a terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Self, TextIO

from braggtrace.trace.text import visible

__all__ = ["Progress"]

EVERY_S = 0.2
BAR_CELLS = 30


class Progress:
    """One line that is written over and over: not before somebody might wonder, and then some times a second.

    Where the stream is no terminal nothing is ever written. A `clock` gives seconds.
    """

    def __init__(
        self, *, silent_s: float = 0.5, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        stream = sys.stderr if stream is None else stream
        self._stream = stream if stream is not None and stream.isatty() else None
        self._clock, self._silent_s = clock, silent_s
        self._begun = self._last = clock()
        self._shown = False

    def bar(self, done: int, total: int) -> None:
        """A bar, the share and the time; its end is shown even just after the step before."""
        if self._due(last=done >= total):
            bar, seconds = "#" * (BAR_CELLS * done // total), self._last - self._begun
            self._write(f"[{bar:<{BAR_CELLS}}] {100 * done // total:3d} % {seconds:6.1f} s")

    def share(self, fraction: float, words: str) -> None:
        """A share of 0 to 1, and what of; as much of the words as fits on the line."""
        if self._due():
            self._write(f"{100 * fraction:3.0f} %  {visible(words)}")

    def clear(self) -> None:
        """Take the line away."""
        if self._stream is not None and self._shown:
            print("\r\x1b[K", end="", file=self._stream, flush=True)
        self._shown = False

    def leave(self) -> None:
        """Let the line stand, and go on below it."""
        if self._stream is not None and self._shown:
            print(file=self._stream)
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the line if nobody cleared it, also when interrupted."""
        self.leave()

    def _due(self, *, last: bool = False) -> bool:
        now = self._clock()
        if self._stream is None or now - self._begun < self._silent_s or (now - self._last < EVERY_S and not last):
            return False
        self._last = now
        return True

    def _write(self, line: str) -> None:
        assert self._stream is not None
        width = max(20, os.get_terminal_size(self._stream.fileno()).columns - 1)
        print(f"\r\x1b[K{line[:width]}", end="", file=self._stream, flush=True)
        self._shown = True
