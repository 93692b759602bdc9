"""The worker as a child of the engine: started, listened to, killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from braggtrace.service.protocol import RETIRED, Lines

__all__ = ["WORKER_COMMAND", "Child"]

WORKER_COMMAND = (sys.executable, "-P", "-m", "braggtrace.service.worker")
"""Starts a worker; -P, so that the working folder can't put its modules before ours."""

_KEPT_LINES = 40
_KEPT_LINE = 500
_LONGEST_PRINTED = 1 << 16


class Child:
    """One run of the worker. Its stdout carries the protocol, its stderr whatever libraries print.

    Args:
        cache: the folder of input files that were sent.
        command: the program; it is told our process id, to end when we do, and the folder.

    Raises:
        OSError: it can't be started.
    """

    def __init__(self, cache: Path, command: Sequence[str] = WORKER_COMMAND) -> None:
        # A process group of its own: what it starts, a compiler say, is killed with it.
        self._process = subprocess.Popen(
            [*command, str(os.getpid()), str(cache.absolute())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            process_group=0,
        )
        self.printed: deque[str] = deque(maxlen=_KEPT_LINES)
        self._lines = Lines()
        self._printed = Lines(_LONGEST_PRINTED)

    @property
    def replies(self) -> int:
        """The file descriptor from which to `take_replies`."""
        assert self._process.stdout is not None  # it was asked for
        return self._process.stdout.fileno()

    @property
    def prints(self) -> int:
        """The file descriptor from which to `take_printed`."""
        assert self._process.stderr is not None  # it was asked for
        return self._process.stderr.fileno()

    def send(self, line: bytes) -> None:
        """Write a request. A worker reads at once whatever it is doing, so this doesn't block for long."""
        assert self._process.stdin is not None  # it was asked for
        view = memoryview(line)
        with contextlib.suppress(BrokenPipeError):  # its end will be noticed
            while view:
                view = view[os.write(self._process.stdin.fileno(), view) :]

    def take_replies(self) -> list[bytes | None] | None:
        """The lines that have come, None for each that is too long; None at the end."""
        data = os.read(self.replies, 1 << 18)
        return list(self._lines.feed(data)) if data else None

    def take_printed(self) -> list[str] | None:
        """The lines that were printed; None at the end."""
        data = os.read(self.prints, 1 << 16)
        if not data:
            return None
        lines = [(line or b"").decode("utf-8", "replace").rstrip() for line in self._printed.feed(data)]
        self.printed.extend(line[:_KEPT_LINE] for line in lines)
        return lines

    def stop(self) -> None:
        """Tell the system to end it and all that it has started; returns at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def kill(self) -> str:
        """End it and all that it has started, at once; how it ended, in words, "" if it wanted to be replaced."""
        self.stop()
        status = self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        if status < 0:
            with contextlib.suppress(ValueError):
                return f"ended by {signal.Signals(-status).name}"
        return "" if status == RETIRED else f"exit status {status}"
