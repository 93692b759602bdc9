"""The pixel map on a real terminal: what it shows, what it costs, how it ends."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest

from braggtrace_tui.mapcolours import ramps_of
from braggtrace_tui.palettes import PALETTES
from tests.conftest import Cli
from tests.terminal.conftest import Open

DOWN, RIGHT = "\x1b[B", "\x1b[C"
FRAME = 44_000
_ALLOWED = re.compile(
    rb"\x1b\[[0-9;]*[HmC]|\x1b\[\?[0-9;]+(?:[hl]|\$p)|\x1b\[[<>][0-9]*u|\x1b\[m|[\r\n]|\x1b\]22;default\x07"
)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Noise in every pixel of a large image, which is the most that a map can have to say."""
    random = np.random.default_rng(1)
    ours = (random.exponential(size=(1000, 1200)) ** 4).astype(np.float32)
    theirs = (ours * (1 + 0.1 * random.standard_normal(ours.shape))).astype(np.float32)
    theirs[500, 600] = np.nan
    paths = (tmp_path / "c.npy", tmp_path / "t.npy")
    for path, pixels in zip(paths, (ours, theirs), strict=True):
        np.save(path, pixels)
    return paths


@pytest.mark.parametrize(("rows", "columns"), [(24, 80), (40, 120)])
def test_a_map_is_cheap_over_a_slow_line(tty: Open, pair: tuple[Path, Path], rows: int, columns: int) -> None:
    """A frame, a step, a flip and nothing at all, in bytes; the image is as bad as it gets."""
    term = tty("map", *pair, rows=rows, columns=columns)
    term.wait_for("correlation")
    term.drain()
    assert "[difference]" in term.text
    assert len(term.received) < FRAME
    steps = [len(term.press(key)) for key in (DOWN, RIGHT, DOWN, RIGHT, "n", "n")]
    assert max(steps) < 1000
    assert len(term.press("c")) < FRAME
    assert len(term.press(" ")) < FRAME
    assert len(term.press("+")) < FRAME
    assert len(term.press("\x0c")) < FRAME
    assert term.drain(2.0) == b"", "no timer draws anything"
    term.press("q")
    assert term.end() == 0
    assert b"\x1b[?1049l" in term.received


def test_from_two_images_on_disk_to_the_comparison_of_a_pixel(tty: Open, cli: Cli, tmp_path: Path) -> None:
    """Enter on the worst pixel traces it on both sides; Esc comes back, Ctrl-C leaves."""
    pytest.importorskip("torch", reason="the engine computes with it")
    (tmp_path / "my flags.txt").write_text(
        "-cell 70 80 90 90 90 90 -default_F 100 -N 5 -lambda 1 -distance 100 -detpixels 64 -phi 0 -osc 1 -phisteps 4\n"
    )
    for name, mode in (("c.bin", "c-parity"), ("t.bin", "spec")):
        outputs = ("-floatfile", name, "-nonoise", "-nopgm", "-intfile", f"{name}.img")
        done = cli("simulate", "--phi-mode", mode, "@my flags.txt", *outputs)
        assert done.returncode == 0, done.stderr
    images = ("c.bin", "t.bin", "--shape", "64", "64")
    term = tty("map", *images)
    term.wait_for("correlation")
    term.press("\r")
    assert "--args FILE says it" in term.text
    term.press("q")
    term = tty("map", *images, "--args", "my flags.txt")
    term.wait_for("correlation")
    term.press("\r")
    term.wait_for("Esc goes back to the map", timeout_s=60)
    assert re.search(r"≠ \w+ +rot_a", term.text)
    assert "reference: torch cpu float64, candidate: " in term.text, "and no doubt: both end at their images"
    term.press("\x1b")
    term.wait_for("correlation")
    term.press("\x03")
    assert term.end() == 0


def test_a_map_without_colours(tty: Open, pair: tuple[Path, Path]) -> None:
    """NO_COLOR sends none, and the map can be read all the same."""
    term = tty("map", *pair, NO_COLOR="1")
    term.wait_for("correlation")
    term.press(DOWN)
    assert re.search(r"[+−][1-7][+−][1-7]", term.text)
    assert "NN" in term.text
    pens = re.findall(rb"\x1b\[([0-9;]*)m", term.received)
    used = {int(word or 0) for pen in pens for word in pen.split(b";")}
    assert used <= {0, 1, 2, 3, 7, 22, 23, 27, 39, 49}


def test_colours_are_entries_of_the_cube(tty: Open, pair: tuple[Path, Path]) -> None:
    """In 256 colours and in true colour the same ones are sent."""
    seen = []
    for environment in ({}, {"COLORTERM": "truecolor"}):
        term = tty("map", *pair, **environment)
        term.wait_for("correlation")
        term.press("c")
        seen.append(term.received)
    ramps = ramps_of(PALETTES["dark"])
    assert ramps is not None
    wanted = {*ramps.rising, *ramps.below, *ramps.above, ramps.cursor}
    indexed = {_cube(int(number)) for number in re.findall(rb"[34]8;5;(\d+)", seen[0])}
    found = re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", seen[1])
    full = {"#" + "".join(f"{int(part):02x}" for part in each) for each in found}
    assert indexed & wanted == full & wanted
    assert len(full & wanted) > 20


def _cube(index: int) -> str:
    """The colour of an entry of the 256."""
    if index >= 232:
        return f"#{8 + 10 * (index - 232):02x}" + f"{8 + 10 * (index - 232):02x}" * 2
    levels = (0, 95, 135, 175, 215, 255)
    parts = ((index - 16) // 36, (index - 16) // 6 % 6, (index - 16) % 6) if index >= 16 else (0, 0, 0)
    return "#" + "".join(f"{levels[part]:02x}" for part in parts)


def test_no_sequence_of_a_hostile_name_reaches_the_terminal(tty: Open, tmp_path: Path) -> None:
    """A file may be called anything, and its name stands beside the map."""
    path = tmp_path / "a\x1b]0;owned\x07\x1b[31m.npy"
    np.save(path, np.arange(12, dtype=np.float32).reshape(3, 4))
    term = tty("map", path, rows=40, columns=120)
    term.wait_for("sum")
    term.press("i")
    term.press("i")
    rest = _ALLOWED.sub(b"", term.received)
    assert b"\x1b" not in rest, rest[rest.index(b"\x1b") - 20 :][:80]
    assert b"\x07" not in rest


def test_a_signal_leaves_the_terminal_clean(tty: Open, pair: tuple[Path, Path]) -> None:
    """As everywhere in the program."""
    term = tty("map", *pair)
    term.wait_for("correlation")
    assert term.child.pid is not None
    os.kill(term.child.pid, signal.SIGTERM)
    assert term.end() == 128 + signal.SIGTERM
    assert b"\x1b[?1049l" in term.received


def test_the_table_is_printed_on_request(tty: Open, pair: tuple[Path, Path]) -> None:
    """On a terminal too; and what can't be read is said before any screen."""
    term = tty("map", "--text", *pair)
    assert term.end() == 1
    assert b"DIVERGES" in term.received
    assert b"\x1b" not in term.received
    term = tty("map", pair[0], "nothing.npy")
    assert term.end() == 2
    assert b"no such file" in term.received
    assert b"\x1b" not in term.received
