"""Evidence on a real terminal: made, listed, verified; killed and cancelled; and no torch in the screen's process."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from braggtrace.bundles.history import State, bundles_of
from braggtrace.bundles.verify import verify
from tests.conftest import Cli
from tests.terminal.conftest import Open, Tty

TOPIC = "stale_phi_zero"


def start(tty: Open, sample_traces: Path) -> Tty:
    """The demo's traces, with Enter pressed in the form."""
    term = tty(*(sample_traces / TOPIC / f"{side}.log" for side in ("reference", "candidate")))
    term.wait_for("rot_a.y")
    term.press("E")
    term.wait_for("Enter makes it")
    return term


def topic(folder: Path) -> Path:
    """Where the bundles are."""
    return folder / "reports" / TOPIC


def descendants(pid: int) -> list[int]:
    """Every process that a process has started, and they."""
    tasks = Path(f"/proc/{pid}/task")
    mine = [int(word) for task in tasks.iterdir() for word in (task / "children").read_text().split()]
    return mine + [each for child in mine for each in descendants(child)]


def test_made_in_two_keys_and_verified_by_the_shell(tty: Open, cli: Cli, sample_traces: Path, tmp_path: Path) -> None:
    """`E`, Enter: the path is said; `b` lists it, `v` verifies it, Enter opens it; the shell agrees."""
    term = start(tty, sample_traces)
    term.press("\r")
    term.wait_for("Esc closes", timeout_s=90)
    assert f"= evidence  reports/{TOPIC}/" in term.text
    assert "DIVERGES: first divergence rot_a.y at pixel 1639 966" in term.text
    assert term.child.pid is not None
    if Path(f"/proc/{term.child.pid}/maps").exists():
        assert "torch" not in Path(f"/proc/{term.child.pid}/maps").read_text()
    (path,) = topic(tmp_path).iterdir()
    term.press("b")
    term.wait_for(path.name)
    term.press("v")
    term.wait_for("verifies:")
    term.press("\r")
    term.wait_for("B goes back")
    term.wait_for("rot_a.y")
    term.press("q")
    assert term.end() == 0
    done = cli("verify", path)
    assert done.returncode == 0, done.stdout
    assert cli("bundles", tmp_path / "reports").stdout.count(path.name) == 1


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_screen_ends_in_the_middle(tty: Open, sample_traces: Path, tmp_path: Path, how: signal.Signals) -> None:
    """Whatever ends it, no bundle is half true."""
    term = start(tty, sample_traces)
    term.press("\r")
    end = time.monotonic() + 20
    while not topic(tmp_path).is_dir():
        assert time.monotonic() < end
        time.sleep(0.01)
    assert term.child.pid is not None
    children = descendants(term.child.pid)
    os.kill(term.child.pid, how)
    term.end()
    if how is not signal.SIGKILL:
        deadline = time.monotonic() + 5
        while any("braggtrace_tui" in command_of(pid) for pid in children):
            assert time.monotonic() < deadline, "the probe is still there"
            time.sleep(0.02)
        for record in bundles_of(topic(tmp_path)):
            assert (record.state is State.COMPLETE) == (verify(record.path).faults == ())
    else:  # nobody could tell the child, which ends by itself
        deadline = time.monotonic() + 90
        while not [record for record in bundles_of(topic(tmp_path)) if record.state is State.COMPLETE]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert all(verify(record.path).faults == () for record in bundles_of(topic(tmp_path)))


def command_of(pid: int) -> str:
    """What a process runs, "" if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode()
    except OSError:
        return ""
