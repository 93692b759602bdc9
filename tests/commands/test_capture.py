"""`capture` and `taps` as a person uses them."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.capture.conftest import Build, build, gdb
from tests.capture.programs import FLAGS, NOT_IN_THE_SOURCE
from tests.conftest import Cli

__all__ = ["build", "gdb"]  # fixtures

HAS_TORCH = importlib.util.find_spec("torch") is not None
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")


@pytest.mark.usefixtures("gdb")
def test_capture_to_a_file(cli: Cli, build: Build, tmp_path: Path) -> None:
    """A main file and one for the inner loops; talk on stderr; existing files are safe without --force."""
    args = ("capture", "--pixel", "3", "4", "--roi", "5", "6", "7", "8", "--out", "c.log")
    environment = os.environ | {"NB_C_BIN": str(build("plain"))}
    run = cli(*args, "--", *FLAGS, env=environment)
    assert run.returncode == 0, run.stderr
    assert run.stdout == ""
    assert "plain is run under gdb, in a temporary folder, with the shipped taps" in run.stderr
    assert "missing: vert_vec, " in run.stderr
    assert "wrote c.log and c_per_phi.log" in run.stderr
    main, inner = (tmp_path / "c.log").read_text(), (tmp_path / "c_per_phi.log").read_text()
    assert main.count("TRACE_C: pixel ") == inner.count("TRACE_C: pixel ") == 5
    assert "TRACE_C_PHI" not in main
    assert inner.count("TRACE_C_PHI") == 5 * 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.log", "c_per_phi.log"]
    again = cli(*args, "--", *FLAGS, env=environment)
    assert again.returncode == 2
    assert "already exists" in again.stderr
    assert cli(*args, "--force", "--", *FLAGS, env=environment).returncode == 0


def test_capture_to_stdout(cli: Cli, build: Build, tmp_path: Path) -> None:
    """Data only; flags may come from a file."""
    (tmp_path / "flags.txt").write_text(" ".join(FLAGS))
    run = cli("capture", "--bin", build("self"), "--pixel", "3", "4", "@flags.txt")
    assert run.returncode == 0, run.stderr
    assert "traces itself" in run.stderr
    assert all(line.startswith(("TRACE_C", "# braggtrace ")) for line in run.stdout.splitlines())
    assert run.stdout.count("TRACE_C_PHI") == 3


@pytest.mark.skipif(not HAS_TORCH, reason="the engine needs torch")
@pytest.mark.usefixtures("gdb")
@pytest.mark.parametrize(
    "flags",
    [
        "-polar 0.9",
        "-oversample 2 -detector_thick 400 -detector_thicksteps 3 -oversample_thick",
        "-misset 3 4 5 -dispersion 2 -dispsteps 3",
        "-roi 3 9 2 12 -dmin 1.9",
    ],
)
def test_diff_of_a_captured_and_our_own_trace(cli: Cli, build: Build, flags: str) -> None:
    """They agree where the physics is the same, the stale vectors at phi 0 included; without these they don't."""
    words = (*FLAGS, *flags.split())
    box = ("--pixel", "2", "3", "--pixel", "3", "3", "--pixel", "5", "5")
    captured = cli("capture", "--bin", build("plain"), *box, "--out", "c.log", "--", *words)
    assert captured.returncode == 0, captured.stderr
    assert cli("trace", *box, "--out", "py.log", "--", *words).returncode == 0
    run = cli("diff", "c.log", "py.log", "--rtol", "1e-9")
    assert run.returncode == 0, run.stdout
    assert cli("trace", *box, "--phi-mode", "spec", "--out", "spec.log", "--", *words).returncode == 0
    run = cli("diff", "c.log", "spec.log", "--rtol", "1e-9")
    assert run.returncode == 1, run.stdout
    assert "rot_" in run.stdout


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--pixel", "1", "1"], "no program is given; expected --bin PROG, or NB_C_BIN"),
        (["--bin", "missing", "--pixel", "1", "1"], "missing: there is no such program"),
        (["--bin", "."], "no pixel is given"),
        (["--bin", ".", "--pixel", "1", "1"], "is no program"),
        (["--bin", "data", "--pixel", "1", "1"], "data: may not be executed"),
        (["--bin", "script", "--pixel", "1", "1"], "is no program that gdb can read"),
        (["--bin", "script", "--pixel", "1", "1", "--out", "nowhere/x.log"], "there is no such folder"),
        (["--bin", "script", "--pixel", "1", "1", "--taps", "no.toml"], "can't read the tap file"),
        (["--bin", "script", "--pixel", "1", "1", "--", "@no.txt"], "can't read flags"),
        (["--bin", "script", "--pixel", "1"], "expected 2 arguments"),
        (["--bin", "script", "--mode", "magic", "--pixel", "1", "1"], "invalid choice"),
    ],
)
def test_errors(cli: Cli, tmp_path: Path, args: list[str], words: str) -> None:
    """A clear message and status 2, no traceback, nothing left behind."""
    (tmp_path / "data").write_text("x")
    (tmp_path / "script").write_text("#!/bin/sh\n")
    (tmp_path / "script").chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "NB_C_BIN"}
    run = cli("capture", *args, env=environment)
    assert run.returncode == 2
    assert words in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""


def test_without_gdb(cli: Cli, build: Build, tmp_path: Path) -> None:
    """It is said what gdb is wanted for."""
    environment = os.environ | {"PATH": str(tmp_path)}
    run = cli("capture", "--bin", build("plain"), "--pixel", "1", "1", "--", *FLAGS, env=environment)
    assert run.returncode == 2
    assert "gdb is not installed" in run.stderr


def test_incomplete_trace_is_written_and_trouble(cli: Cli, build: Build, tmp_path: Path) -> None:
    """What there was till the crash, with the reason, and status 2."""
    flags = (*FLAGS, "-misbehave", "crash", "-misbehave_at", "5", "5")
    args = ("--pixel", "3", "4", "--pixel", "5", "5", "--out", "c.log")
    run = cli("capture", "--bin", build("self"), *args, "--", *flags)
    assert run.returncode == 2
    assert "error: the trace is not complete: it crashed: SIGSEGV" in run.stderr
    assert "# missing: pixel 5 5 (it crashed: SIGSEGV)" in (tmp_path / "c.log").read_text()


def alive(program: Path) -> list[int]:
    """The processes that run a program, or gdb on it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if str(program).encode() in command and b"capture" not in command:
                found.append(int(entry.name))
    return found


@needs_proc
@pytest.mark.parametrize("name", ["plain", "self"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted(
    build: Build, tmp_path: Path, number: signal.Signals, name: str, request: pytest.FixtureRequest
) -> None:
    """Ctrl-C and the like leave no gdb, no program, no folder and no half a trace."""
    if name == "plain":
        request.getfixturevalue("gdb")
    program = tmp_path / "hanging"
    shutil.copy(build(name), program)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    command = [sys.executable, "-m", "braggtrace_tui", "capture", "--bin", str(program), "--pixel", "3", "4"]
    command += ["--out", "c.log", "--", *FLAGS, "-misbehave", "hang"]
    environment = os.environ | {"TMPDIR": str(temporary)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as capturing:
        deadline = time.monotonic() + 30
        while not alive(program) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
        capturing.send_signal(number)
        _, errors = capturing.communicate(timeout=20)
    assert capturing.returncode == 128 + number
    assert "Traceback" not in errors
    while alive(program) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive(program) == []
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "c.log").exists()


@needs_proc
@pytest.mark.usefixtures("gdb")
def test_killed(build: Build, tmp_path: Path) -> None:
    """Even a killed braggtrace takes gdb and the program along."""
    program = tmp_path / "hanging"
    shutil.copy(build("plain"), program)
    command = [sys.executable, "-m", "braggtrace_tui", "capture", "--bin", str(program), "--pixel", "3", "4"]
    command += ["--", *FLAGS, "-misbehave", "hang"]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL) as capturing:
        deadline = time.monotonic() + 30
        while len(alive(program)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        capturing.kill()
    while alive(program) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive(program) == []


@pytest.mark.usefixtures("gdb")
def test_taps_check(cli: Cli, build: Build, tmp_path: Path) -> None:
    """Which taps bind, where and by which variables; those that don't make status 1."""
    run = cli("taps", "check", build("plain"))
    assert run.returncode == 1, run.stderr
    assert re.search(r"^pixel      before nanolike\.c:\d+$", run.stdout, re.MULTILINE)
    assert re.search(r"^stored     after nanolike\.c:\d+$", run.stdout, re.MULTILINE)
    assert "  + rot_a_angstroms            a[1], a[2], a[3]\n" in run.stdout
    lacking = re.findall(r"^  - (\w+) +no variable", run.stdout, re.MULTILINE)
    assert set(lacking) == {*NOT_IN_THE_SOURCE, "hkl_range"}
    shipped = cli("taps", "show").stdout.splitlines()
    kept = [line for line in shipped if line.partition(" ")[0] not in lacking]
    (tmp_path / "own.toml").write_text("\n".join(kept))
    run = cli("taps", "check", build("plain"), "--taps", "own.toml")
    assert run.returncode == 0, run.stdout
    assert re.search(r"^(\d+) of \1 taps bind$", run.stdout, re.MULTILINE)


@pytest.mark.usefixtures("gdb")
def test_taps_check_of_other_programs(cli: Cli, build: Build, tmp_path: Path) -> None:
    """Trouble is status 2: no program, nothing that gdb can read, no place where a pixel begins."""
    (tmp_path / "own.toml").write_text("format = 1\n[pixel]\nbefore = 'elsewhere'\nslow = 's'\nfast = 'f'\n")
    for args, words in (
        (["missing"], "there is no such program"),
        ([build("without-g")], "has no debug information; build it with -O0 -g"),
        ([build("plain"), "--taps", "own.toml"], "no line matches elsewhere"),
        ([build("plain"), "--taps", "no.toml"], "can't read the tap file"),
    ):
        run = cli("taps", "check", *args)
        assert run.returncode == 2
        assert words in run.stderr
        assert "Traceback" not in run.stderr
    optimised = cli("taps", "check", build("optimised"))
    assert optimised.returncode == 1
    assert "built with optimisation" in optimised.stdout
    itself = cli("taps", "check", build("self"))
    assert "the program knows -trace_pixel" in itself.stdout


def test_taps_needs_to_know_what(cli: Cli) -> None:
    """Show or check."""
    run = cli("taps")
    assert run.returncode == 2
    assert "show | check" in run.stderr
