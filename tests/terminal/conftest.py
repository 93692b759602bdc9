"""A real terminal for the real program."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pyte
import pytest

ROWS, COLUMNS = 24, 80


class Tty:
    """The program on a pseudo-terminal, and what a terminal would show."""

    def __init__(self, arguments: list[str], folder: Path, rows: int, columns: int, **environment: str) -> None:
        kept = {
            name: os.environ[name] for name in ("PATH", "HOME", "LANG", "COVERAGE_PROCESS_START") if name in os.environ
        }
        settings = {"TERM": "xterm-256color", "XDG_STATE_HOME": str(folder / "state"), "LC_ALL": "C.UTF-8"}
        self.child: pexpect.spawn[bytes] = pexpect.spawn(
            sys.executable,
            ["-m", "braggtrace_tui", *arguments],
            dimensions=(rows, columns),
            env=kept | settings | environment,
            cwd=str(folder),
            timeout=30,
        )
        self.child.delaybeforesend = None
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.received = b""

    def drain(self, quiet_s: float = 0.4) -> bytes:
        """Everything until the program is quiet for a while."""
        data, end = b"", time.monotonic() + quiet_s
        while time.monotonic() < end:
            try:
                piece = self.child.read_nonblocking(65536, timeout=0.05)
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                break
            data += piece
            end = time.monotonic() + quiet_s
        self.received += data
        self._stream.feed(data)
        return data

    def wait_for(self, text: str, timeout_s: float = 20, *, settle: bool = True) -> None:
        """Until the screen shows a text, and then until it is quiet, which it is not while something runs."""
        end = time.monotonic() + timeout_s
        while text not in self.text:
            assert time.monotonic() < end, f"{text!r} never came:\n{self.text}"
            self.drain(0.1)
        if settle:
            self.drain()

    @property
    def text(self) -> str:
        """What the terminal shows."""
        return "\n".join(self.screen.display)

    def press(self, keys: str) -> bytes:
        """Press keys; returns what was written in answer."""
        self.child.send(keys)
        return self.drain()

    def end(self) -> int:
        """The exit status once the program has ended; negative for a signal."""
        self.drain(0.2)
        end = time.monotonic() + 10
        while self.child.isalive():
            assert time.monotonic() < end, "the program did not end"
            self.drain(0.1)
        self.drain(0.2)
        return -self.child.signalstatus if self.child.signalstatus else int(self.child.exitstatus or 0)


Open = Callable[..., Tty]


@pytest.fixture
def tty(tmp_path: Path) -> Iterator[Open]:
    """Start the program: `tty("demo")`, `tty(REF, CAND, rows=40, columns=120)`."""
    opened: list[Tty] = []

    def start(*arguments: str | Path, rows: int = ROWS, columns: int = COLUMNS, **environment: str) -> Tty:
        opened.append(Tty([str(each) for each in arguments], tmp_path, rows, columns, **environment))
        return opened[-1]

    yield start
    for each in opened:
        each.child.close(force=True)
