"""Real processes and real file systems: killed, out of room, not allowed, several at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from braggtrace.bundles.history import State, bundles_of
from braggtrace.bundles.verify import verify
from tests.bundles.build import names_in, trace_text

KILLS = 16


def command(folder: Path, *more: str) -> list[str]:
    """A probe that takes traces that are there, and writes to a ledger."""
    words = ["probe", "--candidate", "py.log", "--reference", "c.log", "--root", "reports", "--topic", "kill"]
    return [sys.executable, "-m", "braggtrace_tui", *words, *more]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with blanks in its name, two traces and a ledger."""
    folder = tmp_path / "my probes"
    folder.mkdir()
    pixels = [(684, 1039 + number) for number in range(60)]
    (folder / "c.log").write_text(trace_text(pixels, tag="TRACE_C"))
    (folder / "py.log").write_text(trace_text(pixels, stale=False))
    (folder / "plan.md").write_text("* [2025-10-07] Attempt #1 — before\n")
    return folder


def check(folder: Path) -> list[State]:
    """Every bundle is complete, or says that it isn't; the ledger has whole entries about complete ones."""
    topic = folder / "reports/kill"
    records = bundles_of(topic) if topic.is_dir() else []
    for record in records:
        assert record.state is not State.DAMAGED
        found = verify(record.path)
        assert (found.faults == ()) == (record.state is State.COMPLETE), found
    text = (folder / "plan.md").read_text()
    assert text.startswith("* [2025-10-07] Attempt #1 — before\n")
    entries = text.count("Attempt #")
    assert all(f"Attempt #{number} " in text for number in range(1, entries + 1))
    assert text.count("/README.md)\n") == entries - 1
    assert entries - 1 <= sum(record.state is State.COMPLETE for record in records)
    return [record.state for record in records]


def test_killed_at_any_moment(place: Path) -> None:
    """SIGKILL at random moments, the end included: complete bundles and named partial ones, nothing else."""
    chance = random.Random(7)
    started = time.monotonic()
    subprocess.run(command(place, "--ledger", "plan.md"), cwd=place, capture_output=True, check=False)
    usual_s = time.monotonic() - started
    for _ in range(KILLS):
        child = subprocess.Popen(
            command(place, "--ledger", "plan.md"), cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(chance.uniform(0.3, 1.1) * usual_s)
        child.send_signal(signal.SIGKILL)
        child.wait()
    states = check(place)
    assert State.COMPLETE in states
    again = subprocess.run(command(place, "--ledger", "plan.md"), cwd=place, capture_output=True, check=False)
    assert again.returncode == 1, again.stderr
    assert check(place).count(State.COMPLETE) == states.count(State.COMPLETE) + 1


def test_interrupted_from_the_keyboard(place: Path) -> None:
    """Ctrl-C ends it at once, with the shell's status and no traceback."""
    os.mkfifo(place / "pipe")  # a reference that never comes
    words = ["--reference", "pipe"]
    child = subprocess.Popen(command(place, *words), cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stderr is not None
    assert b"building" in child.stderr.readline()
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    _, talk = child.communicate(timeout=30)
    assert child.returncode == 130
    assert b"Traceback" not in talk
    assert check(place) == [State.PARTIAL]


def test_two_at_once(place: Path) -> None:
    """Both are complete, each with a second and a ledger entry of its own."""
    children = [
        subprocess.Popen(
            command(place, "--ledger", "plan.md"), cwd=place, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        for _ in range(3)
    ]
    said = [child.communicate(timeout=60)[0].decode().strip() for child in children]
    assert [child.returncode for child in children] == [1, 1, 1]
    assert len(set(said)) == 3
    assert check(place) == [State.COMPLETE] * 3
    assert (place / "plan.md").read_text().count("Attempt #") == 4


def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """A small file system of its own, where this process may mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", *options, "braggtrace-test", str(folder)]
    try:
        run = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount")
    if run.returncode:
        pytest.skip(f"can't mount a tmpfs here: {run.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=False)


@pytest.fixture(params=[4, 40, 120, 180])
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A disk with room for some of a bundle."""
    yield from mounted(tmp_path / "disk", "-o", f"size={request.param}k")


def test_disk_full(place: Path, small_disk: Path) -> None:
    """A message, status 2, and no bundle that looks complete."""
    run = subprocess.run(
        command(place, "--root", str(small_disk / "reports")), cwd=place, capture_output=True, check=False
    )
    assert run.returncode == 2
    assert b"No space left" in run.stderr
    assert b"Traceback" not in run.stderr
    if (small_disk / "reports/kill").is_dir():
        assert b"to do: make room" in run.stderr  # whichever step it was
        assert all(name.endswith(".partial") for name in names_in(small_disk / "reports/kill"))


def test_ledger_on_a_full_disk(place: Path, tmp_path: Path) -> None:
    """The ledger stays as it was, the bundle is complete."""
    for disk in mounted(tmp_path / "disk", "-o", "size=12k"):
        ledger = disk / "plan.md"
        ledger.write_text("* Attempt #1\n")
        with suppress(OSError), (disk / "fill").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        more = command(place, "--ledger", str(ledger))
        run = subprocess.run(more, cwd=place, capture_output=True, check=False)
        assert run.returncode == 2
        assert b"No space left" in run.stderr
        assert ledger.read_text() == "* Attempt #1\n"
        assert check(place) == [State.COMPLETE]


def test_read_only_root(place: Path, tmp_path: Path) -> None:
    """Nothing can be written, so there is only the message."""
    for disk in mounted(tmp_path / "disk"):
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        more = command(place, "--root", str(disk))
        run = subprocess.run(more, cwd=place, capture_output=True, check=False)
        assert run.returncode == 2
        assert b"Read-only file system" in run.stderr
        assert b"Traceback" not in run.stderr


def test_root_that_cant_be_made(place: Path) -> None:
    """Likewise where the path leads nowhere."""
    run = subprocess.run(command(place, "--root", "/proc/nowhere"), cwd=place, capture_output=True, check=False)
    assert run.returncode == 2
    assert b"/proc/nowhere" in run.stderr


def test_a_closed_pipe(place: Path) -> None:
    """Nobody reads what is said: the bundle is complete all the same."""
    child = subprocess.Popen(command(place), cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    child.stderr.close()
    assert child.wait(60) == 141
    assert check(place) == [State.COMPLETE]
