"""Bytes, signals and hostile input, seen from the terminal's side."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from tests.terminal.conftest import Open

DOWN, RIGHT, PAGE_DOWN, PAGE_UP = "\x1b[B", "\x1b[C", "\x1b[6~", "\x1b[5~"
LEAVES_ALTERNATE_SCREEN = b"\x1b[?1049l"
SHOWS_CURSOR = b"\x1b[?25h"

# What a terminal may receive from us: moves, pen, modes, queries, keyboard protocol; no other sequence.
_ALLOWED = re.compile(
    rb"\x1b\[[0-9;]*[HmC]|\x1b\[\?[0-9;]+(?:[hl]|\$p)|\x1b\[[<>][0-9]*u|\x1b\[m|[\r\n]|\x1b\]22;default\x07"
)


def test_the_demo_opens_on_the_first_divergence(tty: Open) -> None:
    """The answer is on the first screen, and quitting leaves the terminal as it was."""
    term = tty("demo")
    term.wait_for("rot_a.y diverges first")
    assert "≠ first        rot_a.y" in term.text
    term.press("q")
    assert term.end() == 0
    assert LEAVES_ALTERNATE_SCREEN in term.received
    assert SHOWS_CURSOR in term.received


def test_a_step_costs_less_than_a_kilobyte_and_nothing_is_written_when_idle(tty: Open) -> None:
    """So that it is quick over a slow line."""
    pytest.importorskip("torch", reason="the cause comes from the engine, and is drawn once")
    term = tty("demo")
    term.wait_for("originates in the reference", timeout_s=60)
    term.press(DOWN + "\x1b[A")
    assert term.drain(2.5) == b"", "no timer draws anything"
    steps = [len(term.press(DOWN)) for _ in range(4)]
    assert sorted(steps)[-2] < 1000, "all but one at most, which turns the page"
    assert max(steps) < 4000
    assert len(term.press(PAGE_UP)) < 10_000
    assert len(term.press(PAGE_DOWN)) < 10_000


def test_a_wide_terminal_stays_cheap_too(tty: Open) -> None:
    """With the detail pane beside the table."""
    term = tty("demo", rows=40, columns=120)
    term.wait_for("cell vector a after phi")
    assert len(term.press(DOWN)) < 4000
    assert len(term.press(PAGE_DOWN)) < 10_000


def test_no_sequence_of_a_hostile_trace_reaches_the_terminal(tty: Open, sample_traces: Path) -> None:
    """Everything that we send is one of a few sequences that we know."""
    folder = sample_traces / "hostile"
    term = tty(folder / "reference.log", folder / "candidate.log", rows=40, columns=120)
    term.wait_for("rtol 1e-6")
    term.press("z")
    for keys in (DOWN * 8, "n", "n", "d", "d", "/", "\x1b", PAGE_DOWN, "p", "\x1b", "y", "n"):
        term.press(keys)
    rest = _ALLOWED.sub(b"", term.received)
    rest = re.sub(rb"\x1b\]52;c;[A-Za-z0-9+/=]*\x07", b"", rest)
    assert b"\x1b" not in rest, rest[rest.index(b"\x1b") - 20 :][:80]
    assert not set(rest) & (set(range(0x20)) | {0x7F})
    assert rest.decode().isprintable()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_leave_the_terminal_clean(tty: Open, number: signal.Signals) -> None:
    """The alternate screen is left, the cursor is shown, the status says which signal it was."""
    term = tty("demo")
    term.wait_for("diverges first")
    assert term.child.pid is not None
    os.kill(term.child.pid, number)
    assert term.end() == 128 + number
    assert LEAVES_ALTERNATE_SCREEN in term.received
    assert SHOWS_CURSOR in term.received


def test_control_c_quits(tty: Open) -> None:
    """As people expect; nothing can be lost."""
    term = tty("demo")
    term.wait_for("diverges first")
    term.press("\x03")
    assert term.end() == 0
    assert LEAVES_ALTERNATE_SCREEN in term.received


def test_the_program_ends_when_the_terminal_goes_away(tmp_path: Path) -> None:
    """It neither spins nor hangs, whether or not the kernel tells it."""
    ours, theirs = pty.openpty()
    # No controlling terminal, so no SIGHUP comes: reading must notice the end by itself.
    process = subprocess.Popen(
        [sys.executable, "-m", "braggtrace_tui", "demo"],
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=os.environ | {"TERM": "xterm-256color", "XDG_STATE_HOME": str(tmp_path)},
    )
    os.close(theirs)
    seen = b""
    while b"diverges first" not in seen:
        seen += os.read(ours, 65536)
    os.close(ours)
    assert process.wait(timeout=5) == 129


def test_a_resized_terminal_is_drawn_anew(tty: Open) -> None:
    """Also while the program draws."""
    term = tty("demo")
    term.wait_for("diverges first")
    term.screen.resize(40, 120)
    term.child.setwinsize(40, 120)
    term.wait_for("cell vector a after phi")
    term.screen.resize(20, 60)
    term.child.setwinsize(20, 60)
    term.drain()
    assert "rot_a" in term.text


def test_no_color_sends_no_colour(tty: Open) -> None:
    """Words, glyphs, bold and reverse are enough."""
    term = tty("demo", NO_COLOR="1")
    term.wait_for("diverges first")
    term.press(DOWN)
    pens = re.findall(rb"\x1b\[([0-9;]*)m", term.received)
    used = {int(word or 0) for pen in pens for word in pen.split(b";")}
    assert used <= {0, 1, 2, 3, 7, 22, 23, 27, 39, 49}
    assert "≠ first" in term.text


def test_over_ssh_the_mouse_stays_off(tty: Open) -> None:
    """So that the terminal's own selection works."""
    term = tty("demo", SSH_CONNECTION="1 2 3 4")
    term.wait_for("diverges first")
    assert b"\x1b[?1000h" not in term.received


def test_one_side_may_come_through_a_pipe(sample_traces: Path, tmp_path: Path) -> None:
    """Keys are then read from the terminal itself."""
    folder = sample_traces / "stale_phi_zero"
    script = tmp_path / "pipe.sh"
    script.write_text(f"cat {folder}/reference.log | {sys.executable} -m braggtrace_tui - {folder}/candidate.log\n")
    child = pexpect.spawn("sh", [str(script)], dimensions=(24, 80), timeout=20, env=os.environ | {"TERM": "xterm"})
    child.expect(b"diverges first")
    child.send("q")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_a_missing_file_is_said_before_any_screen(tty: Open) -> None:
    """Exit status 2, one line."""
    term = tty("no.log", "such.log")
    assert term.end() == 2
    assert b"no.log" in term.received
    assert b"\x1b" not in term.received


def test_without_a_terminal_the_report_is_printed() -> None:
    """`braggtrace demo | less` works, and its status is the report's."""
    done = subprocess.run([sys.executable, "-m", "braggtrace_tui", "demo"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "rot_a" in done.stdout
    assert "\x1b" not in done.stdout


def test_the_screen_loads_no_torch() -> None:
    """The physics stays in the engine process."""
    code = "import sys, braggtrace_tui.screens.compare, braggtrace_tui.screens.start; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
