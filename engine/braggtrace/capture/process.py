"""Running a program that nobody can vouch for: with a time limit, an end to its output, and no survivors."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from braggtrace.errors import CaptureError

__all__ = ["Outcome", "how_it_ended", "last_lines", "run_program", "signal_name"]

_TICK_S = 0.1
_CHUNK = 1 << 16
_TAIL_LINES = 3
_LONGEST_LINE = 160


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run went.

    Attributes:
        status: the exit status; negative is a signal.
        output: what it wrote to stdout.
        errors: what it wrote to stderr.
        stopped: why we ended it ("" if we didn't).
    """

    status: int
    output: bytes
    errors: bytes
    stopped: str = ""


class _Kept:
    """A stream's bytes: all of them up to a limit, or only the last ones."""

    def __init__(self, limit: int, last_only: bool) -> None:
        self.data, self.limit, self.last_only = bytearray(), limit, last_only

    def add(self, chunk: bytes) -> bool:
        """Keep a chunk; False if there are too many."""
        self.data += chunk
        if self.last_only and len(self.data) > 2 * self.limit:
            del self.data[: -self.limit]
        return self.last_only or len(self.data) <= self.limit


def run_program(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    deadline: float,
    *,
    limit_bytes: int,
    last_only: bool = False,
    cancelled: Callable[[], bool] | None = None,
) -> Outcome:
    """Run a program to its end, or to ours.

    Whatever it started is ended with it, also when this function is left by an exception such as Ctrl-C, or when we are
    killed.

    Args:
        command: the program and its arguments.
        folder: its working folder.
        environment: all of its environment.
        deadline: on `time.monotonic`.
        limit_bytes: how much output is kept of each stream.
        last_only: more than that is forgotten; else it ends the program.
        cancelled: asked ten times a second.

    Raises:
        CaptureError: it can't be started.
    """
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise CaptureError("can't be started", path=command[0], got=error.strerror or str(error)) from error
    assert process.stdout is not None
    assert process.stderr is not None
    streams = {process.stdout: _Kept(limit_bytes, last_only), process.stderr: _Kept(limit_bytes, last_only)}
    stopped, watchdog = "", None
    try:
        watchdog = _watchdog(process.pid)
        stopped = _listen(process, streams, deadline, cancelled or (lambda: False))
    finally:
        _end_session(process.pid)
        if watchdog is not None:
            watchdog.kill()  # before the program is waited for: from then on its id may be another's
            watchdog.communicate()
        process.wait()
        for stream in streams:
            stream.close()
    output, errors = (bytes(kept.data) for kept in streams.values())
    return Outcome(process.returncode, output, errors, stopped)


def _watchdog(session: int) -> subprocess.Popen[bytes]:
    """A shell that ends the program and its children when its stdin ends, which it does if we are killed."""
    nothing = subprocess.DEVNULL
    command = ["/bin/sh", "-c", 'read -r _; kill -s KILL -- "-$0"', str(session)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=nothing, stderr=nothing, cwd="/", start_new_session=True
    )


def _listen(
    process: subprocess.Popen[bytes],
    streams: Mapping[IO[bytes], _Kept],
    deadline: float,
    cancelled: Callable[[], bool],
) -> str:
    """Take in the output until the program ends; why it has to be ended, "" if it has ended."""
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            selector.register(stream, selectors.EVENT_READ, streams[stream])
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return "timeout"
            if cancelled():
                return "cancelled"
            ready = selector.select(min(left, _TICK_S)) if selector.get_map() else []
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif not key.data.add(chunk):
                    return "output"
            if not selector.get_map():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(min(left, _TICK_S))
                    return ""
            elif not ready and process.poll() is not None:
                return ""  # a child that it left behind holds the streams


def _end_session(session: int) -> None:
    """End the program and all that it started. gdb's program has a process group of its own, but not a session."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(session, signal.SIGKILL)
    if not sys.platform.startswith("linux"):
        return
    for _ in range(5):  # what forks while we look is seen the next time
        members = [pid for pid, of, state in _processes() if of == session and state not in "ZX"]
        for pid in members:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not members:
            return


def _processes() -> list[tuple[int, int, str]]:
    """Every process: its id, its session, its state."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            with suppress(OSError, ValueError, IndexError):
                stat = Path(entry.path, "stat").read_bytes()
                fields = stat[stat.rindex(b")") + 2 :].split()
                found.append((int(entry.name), int(fields[3]), fields[0].decode()))
    return found


def how_it_ended(outcome: Outcome, timeout_s: float) -> str:
    """In words, for a message: `it ended with exit status 9; its last lines: …`."""
    if outcome.stopped == "timeout":
        words = f"it was still running after {timeout_s:g} s, and was ended"
    elif outcome.stopped == "cancelled":
        return "it was cancelled"
    elif outcome.stopped == "output":
        words = "it wrote more than any trace of these pixels could have, and was ended"
    elif outcome.status < 0:
        words = f"it crashed: {signal_name(-outcome.status)}"
    else:
        words = f"it ended with exit status {outcome.status}"
    lines = last_lines(outcome)
    return f"{words}; its last lines: {' | '.join(lines)}" if lines else words


def signal_name(number: int) -> str:
    """`SIGSEGV` for 11."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def last_lines(outcome: Outcome) -> list[str]:
    """The last lines of what it said, errors before output, safe to show."""
    from braggtrace.trace.text import visible

    for data in (outcome.errors, outcome.output):
        text = data[-4096:].decode("utf-8", "replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if lines:
            return [visible(line[:_LONGEST_LINE]) for line in lines[-_TAIL_LINES:]]
    return []
