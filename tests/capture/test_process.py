"""Running programs that nobody can vouch for."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from braggtrace.capture.process import Outcome, how_it_ended, last_lines, run_program, signal_name
from braggtrace.errors import CaptureError


def run(tmp_path: Path, code: str, *, seconds: float = 20.0, limit: int = 1 << 20, last_only: bool = False) -> Outcome:
    """Run some Python."""
    deadline = time.monotonic() + seconds
    command = [sys.executable, "-c", code]
    return run_program(command, tmp_path, os.environ, deadline, limit_bytes=limit, last_only=last_only)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that is dead but not buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(what: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + 10
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_output_and_status(tmp_path: Path) -> None:
    """Both streams, in the folder that was asked for."""
    outcome = run(tmp_path, "import os, sys; print(os.getcwd()); print('no', file=sys.stderr); sys.exit(3)")
    assert outcome == Outcome(3, f"{tmp_path}\n".encode(), b"no\n")
    assert how_it_ended(outcome, 1.0) == "it ended with exit status 3; its last lines: no"


def test_time_is_over(tmp_path: Path) -> None:
    """A program that hangs is ended, with what it wrote until then."""
    outcome = run(tmp_path, "import time; print('here', flush=True); time.sleep(60)", seconds=1.0)
    assert (outcome.stopped, outcome.output) == ("timeout", b"here\n")
    assert how_it_ended(outcome, 1.0).startswith("it was still running after 1 s, and was ended; its last lines: here")


def test_crash(tmp_path: Path) -> None:
    """Named by its signal."""
    outcome = run(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert how_it_ended(outcome, 1.0) == "it crashed: SIGSEGV"
    assert signal_name(9999) == "signal 9999"


def test_flood_is_stopped_or_forgotten(tmp_path: Path) -> None:
    """More than the limit ends the program, or only the last part is kept."""
    endless = "while True: print('x' * 999)"
    assert run(tmp_path, endless, limit=100_000).stopped == "output"
    outcome = run(tmp_path, "for n in range(9999): print(n)", limit=100, last_only=True)
    assert outcome.status == 0
    assert len(outcome.output) <= 300_000
    assert outcome.output.endswith(b"9998\n")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sessions are looked up in /proc")
def test_what_the_program_left_behind_ends_too(tmp_path: Path) -> None:
    """Also a child in a process group of its own, that holds the streams; and nobody waits for it."""
    child = "import subprocess, sys; p = subprocess.Popen(['sleep', '60'], process_group=0); print(p.pid)"
    start = time.monotonic()
    outcome = run(tmp_path, child)
    assert time.monotonic() - start < 15
    assert outcome.status == 0
    until(lambda: not is_alive(int(outcome.output)))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks in /proc")
def test_the_program_does_not_survive_us(tmp_path: Path) -> None:
    """We are killed, so that nothing can be tidied up; the program and its child end all the same."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nsleep 60 &\necho $$ $! > new && mv new ids\nwait\n")
    program.chmod(0o755)
    code = (
        "import os, sys, time; from pathlib import Path; from braggtrace.capture.process import run_program; "
        "run_program([sys.argv[1]], Path('.'), os.environ, time.monotonic() + 60, limit_bytes=100)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(program)], cwd=tmp_path) as us:
        until((tmp_path / "ids").exists)
        ids = [int(word) for word in (tmp_path / "ids").read_text().split()]
        assert len(ids) == 2
        assert all(map(is_alive, ids))
        us.kill()
    until(lambda: not any(map(is_alive, ids)))


def test_what_can_not_be_started(tmp_path: Path) -> None:
    """Neither a missing program nor a damaged one gives a traceback."""
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF rubbish")
    broken.chmod(0o755)
    for command in (["/nowhere/at/all"], [str(broken)]):
        with pytest.raises(CaptureError, match="can't be started"):
            run_program(command, tmp_path, os.environ, time.monotonic() + 5, limit_bytes=100)


def test_last_lines_are_safe_to_show() -> None:
    """Errors before output, control characters made visible, long lines cut."""
    outcome = Outcome(1, b"output\n", b"one\n\n\x1b[2Jtwo\nthree\n" + b"x" * 999)
    assert last_lines(outcome) == ["␛[2Jtwo", "three", "x" * 160]
    assert last_lines(Outcome(1, b"output\n", b"\n")) == ["output"]
    assert last_lines(Outcome(1, b"", b"")) == []
