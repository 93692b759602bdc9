"""Running pixels again on a real terminal, with the real engine."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the engine computes with torch")
from tests.conftest import Cli
from tests.terminal.conftest import Open, Tty

FLAGS = shlex.split(
    "-cell 70 80 90 90 90 90 -default_F 100 -N 5 -lambda 1 -distance 100 -pixel 0.1 -detpixels 1500 -oversample 2 "
    "-phi 0 -osc 1 -phisteps 10 -misset 10 20 30"
)
DOWN, RIGHT, ESCAPE = "\x1b[B", "\x1b[C", "\x1b"
Pair = tuple[Path, Path]

ENGINE = [sys.executable, "-P", "-m", "braggtrace.service"]


@pytest.fixture
def pair(cli: Cli, tmp_path: Path) -> Pair:
    """Two traces of one pixel that diverge at phi 0; they record their flags."""
    paths = tmp_path / "ref.log", tmp_path / "cand.log"
    for path, mode in zip(paths, ("c-parity", "spec"), strict=True):
        done = cli("trace", "--pixel", "700", "800", "--phi-mode", mode, "--out", path, "--", *FLAGS)
        assert done.returncode == 0, done.stderr
    return paths


def open_form(term: Tty) -> None:
    """`R`, and wait until the engine has explained the flags."""
    term.press("R")
    term.wait_for("Enter runs it", timeout_s=60)


def start_image(term: Tty) -> None:
    """Choose the whole image, made to take a minute, and wait until it is being computed."""
    open_form(term)
    term.press("\t\t-mosaic 1 -mosaic_domains 300 ")
    term.wait_for("12,000 iterations each")
    term.press("\x1b[Z" * 2 + RIGHT * 5)
    term.wait_for("an image of 1500 x 1500")
    term.press("\r")
    term.wait_for("Esc cancels", timeout_s=60)


def engines_of(term: Tty) -> list[int]:
    """The process ids of the engine and its worker."""
    assert term.child.pid is not None
    found, parents = [], [term.child.pid]
    listing = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    children = [tuple(map(int, line.split())) for line in listing.splitlines()]
    while parents:
        parent = parents.pop()
        mine = [pid for pid, its_parent in children if its_parent == parent]
        found += mine
        parents += mine
    return [pid for pid in found if "braggtrace.service" in command_of(pid)]


def command_of(pid: int) -> str:
    """What a process runs, "" if it is gone."""
    return subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout


def until(what: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def gone(pids: list[int]) -> bool:
    """Whether none of the processes is there any more."""
    return not any("braggtrace" in command_of(pid) for pid in pids)


def test_from_divergence_to_a_fresh_aligned_trace_in_three_keys(tty: Open, pair: Pair) -> None:
    """Open, `R`, Enter: nothing typed; then one change, and everything agrees."""
    term = tty(*pair)
    term.wait_for("rot_a.y diverges first")
    open_form(term)
    assert "recorded in the candidate" in term.text
    assert "1 pixel of 1500 x 1500, 40 iterations each" in term.text
    term.press("\r")
    term.wait_for("traced again in")
    assert re.search(r"≠ \w+ +rot_a\.y", term.text)
    assert "pixel 700 800" in term.text
    open_form(term)
    term.press("\t" * 7)  # to the phi mode
    assert "▸ phi mode" in term.text
    term.press("\x1b[D\r")
    term.wait_for("values agree")
    assert re.search("= agrees +rot_a", term.text)
    term.press("q")
    assert term.end() == 0


def test_an_image_shows_progress_while_the_table_is_read_and_can_be_cancelled(tty: Open, pair: Pair) -> None:
    """Progress costs few bytes, a step stays cheap, and idling writes nothing again."""
    term = tty(*pair)
    term.wait_for("rot_a.y diverges first")
    start_image(term)
    assert 0 < len(term.press(DOWN)) < 2500
    assert "Esc cancels" in term.text
    begun = time.monotonic()
    progress = term.drain(1.0)
    assert len(progress) < 1000 * (time.monotonic() - begun)
    term.press(ESCAPE)
    term.wait_for("was cancelled")
    assert "Esc cancels" not in term.text
    assert term.drain(1.5) == b""
    term.press("L")
    term.wait_for("- cancelled")


def test_an_engine_killed_in_mid_run_leaves_the_screen(tty: Open, pair: Pair) -> None:
    """A message; the engine comes back by itself, and the next run works."""
    term = tty(*pair)
    term.wait_for("rot_a.y diverges first")
    start_image(term)
    for pid in engines_of(term):
        os.kill(pid, signal.SIGKILL)
    term.wait_for("the run failed")
    assert "SIGKILL" in term.text
    open_form(term)
    term.press("\x1b[D" * 6 + "\r")
    term.wait_for("traced again in", timeout_s=60)


@pytest.mark.parametrize("number", [None, signal.SIGTERM, signal.SIGHUP])
def test_leaving_in_mid_run_waits_for_nothing_and_leaves_no_process(
    tty: Open, pair: Pair, number: signal.Signals | None
) -> None:
    """Whether by a key or by a signal."""
    term = tty(*pair)
    term.wait_for("rot_a.y diverges first")
    start_image(term)
    engines = engines_of(term)
    assert len(engines) == 2
    if number is None:
        term.child.send("q")
    else:
        assert term.child.pid is not None
        os.kill(term.child.pid, number)
    until(lambda: not term.child.isalive())
    until(lambda: gone(engines))
    assert term.end() == (0 if number is None else 128 + number)


def test_no_engine_survives_a_killed_screen(tty: Open, pair: Pair) -> None:
    """SIGKILL leaves no time to tidy up; the engine notices by itself."""
    term = tty(*pair)
    term.wait_for("rot_a.y diverges first")
    start_image(term)
    engines = engines_of(term)
    assert term.child.pid is not None
    os.kill(term.child.pid, signal.SIGKILL)
    until(lambda: gone(engines), seconds=5)


def test_a_malformed_reply_is_said_and_harms_nothing(tty: Open, pair: Pair) -> None:
    """The program at the other end is something else; a key tries again."""
    term = tty(*pair, "--engine", "sh -c 'read line; echo \"{not json\"; sleep 60'")
    term.wait_for("rot_a.y diverges first")
    term.press("R")
    term.wait_for("Ctrl+R connects again")
    assert "no reply" in re.sub(r"\s+", " ", term.text)
    term.press(ESCAPE)
    time.sleep(0.2)
    term.press(DOWN + "q")
    assert term.end() == 0


def test_a_slow_link_only_takes_longer(tty: Open, pair: Pair, tmp_path: Path) -> None:
    """Half a second each way; the keys do not wait, input files are sent along."""
    slow = tmp_path / "slow.py"
    slow.write_text(
        "import subprocess, sys, threading, time, os\n"
        f"child = subprocess.Popen({ENGINE!r}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "def back():\n"
        "    while data := os.read(child.stdout.fileno(), 65536):\n"
        "        time.sleep(0.5); os.write(1, data)\n"
        "    os._exit(0)\n"
        "threading.Thread(target=back, daemon=True).start()\n"
        "while data := os.read(0, 65536):\n"
        "    time.sleep(0.5); child.stdin.write(data); child.stdin.flush()\n"
        "child.stdin.close(); child.wait()\n"
    )
    term = tty(*pair, "--engine", f"{sys.executable} {slow}", XDG_CACHE_HOME=str(tmp_path / "cache"))
    term.wait_for("rot_a.y diverges first")
    term.press("R\r")
    assert "starting" in term.text or "checking" in term.text
    term.wait_for("traced again in", timeout_s=60)
    term.press("q")
    assert term.end() == 0


def test_without_torch_the_form_says_how_to_install_it(tty: Open, pair: Pair, tmp_path: Path) -> None:
    """The rest of the screen works."""
    blocked = tmp_path / "blocked" / "torch"
    blocked.mkdir(parents=True)
    (blocked / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')\n")
    term = tty(*pair, PYTHONPATH=str(blocked.parent))
    term.wait_for("rot_a.y diverges first")
    term.press("R")
    term.wait_for("pip install 'braggtrace[torch]'", timeout_s=30)
    term.press(ESCAPE)
    time.sleep(0.2)
    term.press("q")
    assert term.end() == 0


def test_an_unknown_engine_is_refused_before_any_screen(tty: Open, pair: Pair) -> None:
    """Exit status 2, one line."""
    term = tty(*pair, "--engine", "gpubxo")
    assert term.end() == 2
    assert b"no such engine" in term.received
    assert b"\x1b" not in term.received
