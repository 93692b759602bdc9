"""The engine as a child process: lines to it, lines from it, and what it said when it ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from braggtrace.service.protocol import Lines
from braggtrace.trace.text import visible

__all__ = ["Link"]

_READ = 1 << 18
_KEPT_LINES = 40
_KEPT_LINE = 500
_PATIENCE_S = 0.3


class Link:
    """One run of the engine program. Callbacks come on the link's own threads.

    Args:
        command: the program and its arguments.
        on_line: called with every line of its stdout; None stands for one that was too long.
        on_end: called once, when its stdout has ended, with what is known about why.

    Raises:
        OSError: the program can't be started.
    """

    def __init__(
        self, command: Sequence[str], on_line: Callable[[bytes | None], None], on_end: Callable[[str], None]
    ) -> None:
        self._on_line, self._on_end = on_line, on_end
        self._said: deque[str] = deque(maxlen=_KEPT_LINES)
        self._lock = threading.Lock()
        # A session of its own: Ctrl-C is ours to handle, and ssh can't ask for a password on our screen.
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        self._hearing = threading.Thread(target=self._hear, name="engine stderr", daemon=True)
        self._reading = threading.Thread(target=self._read, name="engine stdout", daemon=True)

    def start(self) -> None:
        """Begin to read. Not done on creation, so that callbacks find whoever created the link ready."""
        self._hearing.start()
        self._reading.start()

    @property
    def pid(self) -> int:
        """The process id of the child."""
        return self._process.pid

    def send(self, line: bytes) -> bool:
        """Write a line; False if nobody can read it any more. Blocks while the other side is behind."""
        stream = self._process.stdin
        if stream is None:
            return False
        try:
            with self._lock:
                view = memoryview(line)
                while view:
                    view = view[os.write(stream.fileno(), view) :]
        except (OSError, ValueError):
            return False
        return True

    def said(self) -> str:
        """The last lines of its stderr."""
        return "\n".join(self._said)

    def end(self) -> None:
        """End it, politely at first; takes at most about half a second. Callbacks may still come."""
        self._close_stdin()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE_S)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)  # its session: also what it has started
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE_S)
        self._close_stdin()

    def _close_stdin(self) -> None:
        stream = self._process.stdin
        # A writer that is stuck holds the lock; it lets go when the process is killed.
        if stream is not None and self._lock.acquire(timeout=0.05):
            try:
                stream.close()
            finally:
                self._lock.release()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None  # it was asked for
        lines = Lines()
        try:
            while data := os.read(stream.fileno(), _READ):
                for line in lines.feed(data):
                    self._on_line(line)
        except (OSError, ValueError):
            pass
        stream.close()
        self._on_end(self._why())

    def _why(self) -> str:
        """Why it ended, in a few words."""
        self._hearing.join(_PATIENCE_S)
        try:
            status = self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            return "it closed its output"
        last = self._said[-1] if self._said else ""
        how = f"ended by {_signal_name(-status)}" if status < 0 else f"exit status {status}"
        return f"{how}: {last}" if last else how

    def _hear(self) -> None:
        stream = self._process.stderr
        assert stream is not None  # it was asked for
        lines = Lines(1 << 16)
        with contextlib.suppress(OSError, ValueError):
            while data := os.read(stream.fileno(), _READ):
                self._keep(lines.feed(data))
        self._keep(lines.feed(b"\n"))  # a last line without end
        stream.close()

    def _keep(self, lines: Iterable[bytes | None]) -> None:
        words = (visible((line or b"").decode("utf-8", "replace").rstrip("\r"))[:_KEPT_LINE] for line in lines)
        self._said.extend(line for line in words if line.strip())


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
