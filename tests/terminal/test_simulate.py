"""`braggtrace simulate` in a real terminal: a long run shows how far it is, and can be interrupted."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.terminal.conftest import Open

pytest.importorskip("torch", reason="the engine needs torch")

CELL = "-cell 40 45 50 85 95 100 -N 3 -lambda 1 -distance 60 -pixel 0.1 -default_F 100"
LONG = f"{CELL} -detpixels 1000 -oversample 9 -phisteps 20 -osc 1"
SHORT = f"{CELL} -detpixels 40"
FILES = {"floatimage.bin", "intimage.img", "image.pgm", "noiseimage.img"}


def files(folder: Path) -> set[str]:
    """What lies in a folder, hidden or not, but for what the test's terminal puts there."""
    return {path.name for path in folder.iterdir()} - {"state"}


def test_control_c_ends_a_long_run_and_leaves_no_file(tty: Open, tmp_path: Path) -> None:
    """The bar appears and grows; Ctrl-C ends the line and the run, with status 130 and no file."""
    terminal = tty("simulate", "--compile", "off", *LONG.split())
    shares: set[int] = set()
    end = time.monotonic() + 60
    while len(shares) < 3:
        assert time.monotonic() < end, terminal.text
        terminal.drain(0.1)
        bar = re.search(r"^\[(#*) *\] +(\d+) % +\d+\.\d s", terminal.text, re.MULTILINE)
        if bar is not None:
            assert int(bar[2]) < 100
            assert int(bar[2]) >= max(shares, default=0)
            shares.add(int(bar[2]))
    terminal.press("\x03")
    assert terminal.end() == 130
    assert terminal.received.rstrip(b"^C").endswith(b"\r\n")
    assert "Traceback" not in terminal.text
    assert not files(tmp_path)


def test_the_bar_is_complete_before_the_summary(tty: Open, tmp_path: Path) -> None:
    """If the machine is slow enough for one to be shown."""
    terminal = tty("simulate", "--compile", "off", *f"{CELL} -detpixels 700 -oversample 4 -phisteps 3 -osc 1".split())
    terminal.wait_for("wrote floatimage.bin", 120)
    assert terminal.end() == 0
    shares = [int(share) for share in re.findall(rb"(\d+) % ", terminal.received)]
    assert shares == sorted(shares)
    assert not shares or shares[-1] == 100
    assert files(tmp_path) == FILES


def test_without_a_terminal_there_is_no_bar(tmp_path: Path) -> None:
    """Into a pipe goes the summary alone."""
    done = simulate(tmp_path, "", "--compile", "off", *f"{CELL} -detpixels 500 -oversample 3".split())
    assert done.returncode == 0
    assert b"%" not in done.stderr
    assert b"wrote floatimage.bin" in done.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_no_harm(closed: str, tmp_path: Path) -> None:
    """The files are written whoever listens; nothing that belongs on stderr comes out of stdout."""
    done = simulate(tmp_path, closed, *SHORT.split())
    assert done.returncode == 0
    assert done.stdout == b""
    assert files(tmp_path) == FILES


def simulate(folder: Path, redirection: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run it in a shell that closes some streams."""
    command = f'exec "$0" -m braggtrace_tui simulate "$@" {redirection}'
    words = ["sh", "-c", command, sys.executable, *arguments]
    return subprocess.run(words, cwd=folder, capture_output=True, timeout=120, check=False)
