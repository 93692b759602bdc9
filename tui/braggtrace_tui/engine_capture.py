"""A trace of the user's C program, taken by `braggtrace capture` as a child: it may hang, crash or print a lot."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from braggtrace.trace.text import visible

if TYPE_CHECKING:
    from braggtrace.runs.requests import RunRequest

__all__ = ["Capture", "capture_command"]

_POLITE_S = 0.6
_KEPT = 400


def capture_command(request: RunRequest, trace: Path) -> list[str]:
    """The command line that takes the trace.

    Args:
        request: what to take; its `command` is the C program.
        trace: the file to write.
    """
    words = [sys.executable, "-P", "-m", "braggtrace_tui", "capture", "--bin", request.command or ""]
    for slow, fast in request.pixels:
        words += ["--pixel", str(slow), str(fast)]
    for bounds in request.rois:
        words += ["--roi", *map(str, bounds)]
    threads = request.experiment.get("c_threads") or 1
    words += ["--threads", str(threads)] if threads != 1 else []
    return [*words, "--out", str(trace.absolute()), "--", *request.experiment["flags"]]


class Capture:
    """One run of the C program.

    Attributes:
        said: what was printed about it, the last lines.
    """

    def __init__(self, request: RunRequest, trace: Path) -> None:
        self._command = capture_command(request, trace)
        self._folder = request.experiment.get("folder") or None
        self._child: subprocess.Popen[str] | None = None
        self._cancelled = False
        self.said: list[str] = []

    def run(self, tell: Callable[[str], None]) -> int:
        """Run it to its end; blocks.

        Args:
            tell: gets every line that is printed about it.

        Returns:
            The exit status of `braggtrace capture`; negative for a signal.

        Raises:
            OSError: it can't be started.
        """
        streams: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        # A session of its own: Ctrl-C is the screen's to handle, and everything it starts can be ended with it.
        with subprocess.Popen(
            self._command, cwd=self._folder, text=True, errors="replace", start_new_session=True, **streams
        ) as child:
            self._child = child
            if self._cancelled:
                self.cancel()
            assert child.stderr is not None  # it was asked for
            for line in child.stderr:
                said = visible(line.rstrip("\n").removeprefix("braggtrace: "))
                self.said = [*self.said, said][-_KEPT:]
                tell(said)
        return child.returncode

    def cancel(self) -> None:
        """Ask it to end; it takes the program along."""
        self._cancelled = True
        if self._child is not None:
            with suppress(ProcessLookupError):
                self._child.send_signal(signal.SIGTERM)

    def end(self) -> None:
        """End it, and wait for that; takes less than a second."""
        self.cancel()
        child = self._child
        if child is None:
            return
        limit = time.monotonic() + _POLITE_S
        while child.poll() is None and time.monotonic() < limit:
            time.sleep(0.01)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
