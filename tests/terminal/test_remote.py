"""An engine on another machine, from the screen: over a real ssh, with input files, and when the line is cut."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the engine computes with it")
from tests.service.sshd import Sshd, sshd
from tests.service.talk import children
from tests.terminal.conftest import Open, Tty

__all__ = ["sshd"]

ESCAPE, RIGHT = "\x1b", "\x1b[C"
ENGINE = [sys.executable, "-P", "-m", "braggtrace.service"]
GEOMETRY = "-lambda 1 -distance 100 -detpixels 1500 -N 3 -phi 0 -osc 1 -phisteps 3"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a space in its name: input files, and two traces that record their flags."""
    folder = tmp_path_factory.mktemp("with a") / "my data"
    folder.mkdir()
    (folder / "A.mat").write_text("0.01 0 0\n0 0.012 0\n0 0 0.014\n")
    rows = [f"{h} {k} {m} {100 + h + k + m}" for h in range(-3, 4) for k in range(-3, 4) for m in range(-3, 4)]
    (folder / "P1.hkl").write_text("\n".join(rows) + "\n")
    trace = [sys.executable, "-m", "braggtrace_tui", "trace", "--pixel", "700", "800"]
    flags = ["--", "-mat", "A.mat", "-hkl", "P1.hkl", *GEOMETRY.split()]
    for name, mode in (("ref.log", "c-parity"), ("cand.log", "spec")):
        command = [*trace, "--phi-mode", mode, "--out", name, *flags]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def remote(tmp_path: Path, sshd: Sshd) -> str:
    """The command of an engine in another folder, which can't see the user's files, with a cache of its own."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    cache = shlex.quote(str(tmp_path / "cache"))
    line = f"cd {shlex.quote(str(elsewhere))}; XDG_CACHE_HOME={cache} exec {shlex.join(ENGINE)}"
    return shlex.join([*sshd.command, line])


def said(term: Tty) -> str:
    """The screen as one line."""
    return re.sub(r"\s+", " ", term.text)


def opened(tty: Open, data: Path, *options: str, **environment: str) -> Tty:
    """The compare screen on the traces."""
    term = tty(data / "ref.log", data / "cand.log", *options, **environment)
    term.wait_for("diverges first")
    return term


def test_a_pixel_is_traced_over_there(tty: Open, data: Path, remote: str, tmp_path: Path) -> None:
    """As here, with three keys; the input files have been sent."""
    term = opened(tty, data, "--engine", remote)
    term.press("R")
    term.wait_for("Enter runs it", timeout_s=60)
    term.press("\r")
    term.wait_for("traced again in", timeout_s=60)
    assert re.search(r"≠ \w+ +rot_a", term.text)
    sent = {path.name for path in (tmp_path / "cache" / "braggtrace" / "inputs").iterdir()}
    assert sent >= {hashlib.sha256((data / name).read_bytes()).hexdigest() for name in ("A.mat", "P1.hkl")}
    term.press("M")
    assert "ready on" in said(term)
    term.press(ESCAPE)
    term.drain()
    term.press("q")
    assert term.end() == 0


def test_a_cut_line_is_said_and_a_key_connects_again(tty: Open, data: Path, remote: str, sshd: Sshd) -> None:
    """In mid-run; the table stays, and the run can be launched again."""
    term = opened(tty, data, "--engine", remote)
    term.press("R")
    term.wait_for("Enter runs it", timeout_s=60)
    term.press("\t\t-mosaic 1 -mosaic_domains 4000 ")
    term.wait_for("12,000 iterations each")
    term.press("\x1b[Z" * 2 + RIGHT * 5)
    term.wait_for("an image of 1500 x 1500")
    term.child.send("\r")
    term.wait_for("%", timeout_s=60, settle=False)
    for session in children(sshd.pid):
        os.kill(session, 9)
    term.wait_for("the run failed")
    assert "the engine is gone" in said(term)
    assert "M connects again" in said(term)
    term.press("jM")
    assert "the engine is gone" in said(term)
    term.press("r")
    term.wait_for("ready on", timeout_s=60)
    term.press(ESCAPE)
    term.drain()
    term.press("R")
    term.wait_for("Enter runs it", timeout_s=60)
    term.press("\t\t\x15-mat A.mat -hkl P1.hkl -lambda 1 -distance 100 -detpixels 1500")
    term.press("\r")
    term.wait_for("traced again in", timeout_s=60)


def test_engines_of_the_config_file(tty: Open, data: Path, remote: str, tmp_path: Path) -> None:
    """By name; another can be chosen while the program runs."""
    folder = tmp_path / "config" / "braggtrace"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(
        f"engine = 'broken'\n[engines]\ngpubox = '''{remote}'''\nbroken = 'sh -c \"echo no such host >&2; exit 255\"'\n"
    )
    term = opened(tty, data, XDG_CONFIG_HOME=str(tmp_path / "config"))
    term.press("M")
    term.wait_for("no such host")
    assert "gpubox" in term.text
    term.press("\x1b[A\r")
    term.wait_for("ready on", timeout_s=60)
    term.press(ESCAPE)
    term.drain()
    term.press("R")
    term.wait_for("Enter runs it", timeout_s=60)
    term.press("\r")
    term.wait_for("traced again in", timeout_s=60)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("engine = [", "the config file is no TOML"),
        ("speed = 3", "unknown key; expected engine"),
        ("engine = 'gpubxo'", "no such engine"),
        ("[engines]\nbox = 3", "'box' is no text"),
    ],
)
def test_a_bad_config_file_is_refused_before_any_screen(tty: Open, tmp_path: Path, text: str, words: str) -> None:
    """Exit status 2 and what is wrong where."""
    folder = tmp_path / "config" / "braggtrace"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(text)
    term = tty("demo", columns=250, XDG_CONFIG_HOME=str(tmp_path / "config"))
    assert term.end() == 2
    assert words in said(term)
    assert b"\x1b" not in term.received
    assert "Traceback" not in said(term)
