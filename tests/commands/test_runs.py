"""`braggtrace runs` as a person uses it, from the first run to the last deletion."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from braggtrace.runs.requests import RunRequest
from braggtrace.runs.store import RunStore
from tests.conftest import Cli
from tests.service.talk import CELL, fake_engine, until

needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="runs are computed with torch")
FLAGS = [*CELL.split(), "-detpixels", "32", "-osc", "1", "-phi", "0", "-phisteps", "3"]


def kept(tmp_path: Path, slug: str, text: str = "TRACE_PY: pixel 1 2\nTRACE_PY: F_latt 3\n") -> str:
    """A run that somebody has kept."""
    run = RunStore(tmp_path / ".braggtrace" / "runs").create(
        RunRequest("trace", {"flags": ["-N", "5"]}, ((1, 2),)), slug
    )
    run.finish({"main": text, "warnings": ["-x \x1b[31m is ignored"]})
    return run.name


def test_no_runs_yet(cli: Cli) -> None:
    """An empty list is no trouble."""
    run = cli("runs")
    assert (run.returncode, run.stdout) == (0, "")
    assert "no runs" in run.stderr
    assert cli("runs", "show", "last").returncode == 2


def test_list_and_show(cli: Cli, tmp_path: Path) -> None:
    """Newest first; one run in full; the same as JSON; nothing that drives a terminal."""
    first, second = kept(tmp_path, "alpha"), kept(tmp_path, "beta")
    lines = cli("runs").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["name", second, first]
    assert "done" in lines[1]
    assert "1 2" in lines[1]
    shown = cli("runs", "show", "alpha")
    assert shown.returncode == 0
    assert first in shown.stdout
    assert "-N 5" in shown.stdout
    assert "\x1b" not in shown.stdout
    listed = json.loads(cli("runs", "list", "--format", "json").stdout)
    assert [run["name"] for run in listed] == [second, first]
    assert json.loads(cli("runs", "show", "last", "--format", "json").stdout)["request"]["pixels"] == [[1, 2]]


def test_diff_is_the_diff(cli: Cli, tmp_path: Path) -> None:
    """Report and exit status are those of `braggtrace diff`, for runs as for files."""
    kept(tmp_path, "alpha")
    kept(tmp_path, "beta", "TRACE_PY: pixel 1 2\nTRACE_PY: F_latt 4\n")
    (tmp_path / "c.log").write_text("TRACE_C: pixel 1 2\nTRACE_C: F_latt 3\n")
    run = cli("runs", "diff", "alpha", "beta")
    assert run.returncode == 1, run.stderr
    assert "F_latt diverges first" in run.stdout
    assert cli("runs", "diff", "c.log", "alpha").returncode == 0
    assert cli("runs", "diff", "alpha", "beta", "--rtol", "0.5").returncode == 0
    report = json.loads(cli("runs", "diff", "alpha", "last", "--format", "json").stdout)
    assert report["status"] == "DIVERGES"
    missing = cli("runs", "diff", "alpha", "gamma")
    assert missing.returncode == 2
    assert "no such run" in missing.stderr


def test_delete(cli: Cli, tmp_path: Path) -> None:
    """All of those that are named, or none if one isn't there."""
    first, second = kept(tmp_path, "alpha"), kept(tmp_path, "beta")
    assert cli("runs", "delete", first, "gamma").returncode == 2
    assert len(RunStore(tmp_path / ".braggtrace" / "runs").list()) == 2
    run = cli("runs", "delete", first, second)
    assert run.returncode == 0
    assert first in run.stderr
    assert list((tmp_path / ".braggtrace" / "runs").iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dance"], "no action of runs"),
        (["again"], "NAME"),
        (["again", "last", "--", "-N", "5"], "are for `new` and `sweep`"),
        (["new", "--pixel", "1", "2"], "no flags are given"),
        (["new", "--", "-N", "5"], "no pixel is given"),
        (["new", "--simulate", "--pixel", "1", "2", "--", "-N", "5"], "no chosen pixels"),
        (["new", "--pixel", "1", "2", "--engine", "none", "--", "-N", "5"], "nothing can be run"),
        (["new", "--pixel", "1", "2", "--engine", "/no/such/engine now", "--", "-N", "5"], "can't start"),
        (["sweep", "--reference", "c.log"], "starts from one thing"),
        (["sweep", "last"], "--reference"),
        (["show", "last", "extra"], "unrecognized"),
    ],
)
def test_wrong_usage(cli: Cli, words: list[str], said: str) -> None:
    """Exit status 2, a message, no traceback."""
    run = cli("runs", *words)
    assert run.returncode == 2
    assert said in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("action", [[], ["list"], ["show"], ["diff"], ["new"], ["again"], ["sweep"], ["delete"]])
def test_help_of_every_action(cli: Cli, action: list[str]) -> None:
    """Each says how it is used."""
    run = cli("runs", *action, "--help")
    assert run.returncode == 0
    assert "usage: braggtrace runs" in run.stdout


@needs_torch
def test_new_again_and_compare(cli: Cli, tmp_path: Path) -> None:
    """A run is kept, repeated with one change, and the two compared: the story of a parity hunt."""
    (tmp_path / "flags.txt").write_text(" ".join(FLAGS))
    first = cli("runs", "new", "--pixel", "10", "20", "--", "@flags.txt")
    assert first.returncode == 0, first.stderr
    trace = tmp_path / first.stdout.strip()
    assert "TRACE_PY: pixel 10 20" in trace.read_text()
    (tmp_path / "flags.txt").unlink()  # a kept run stands on its own
    again = cli("runs", "again", "last", "--phi-mode", "spec", "--pixel", "11", "20", "--pixel", "10", "20")
    assert again.returncode == 0, again.stderr
    assert cli("runs", "diff", str(trace), "last", "--pixel", "10", "20").returncode == 1
    image = cli("runs", "new", "--simulate", "--", *FLAGS)
    assert image.returncode == 0, image.stderr
    assert image.stdout.strip().endswith("image.npy")
    assert cli("runs", "again", "last", "--dtype", "float32").returncode == 0
    listed = json.loads(cli("runs", "list", "--format", "json").stdout)
    assert [run["status"] for run in listed] == ["done"] * 4


@needs_torch
def test_a_failed_run_is_kept(cli: Cli) -> None:
    """Exit status 2, the reason, and the reason again in the list."""
    run = cli("runs", "new", "--pixel", "10", "20", "--", "-mat", "absent.mat", "-lambda", "1")
    assert run.returncode == 2
    assert "absent.mat: no such file" in run.stderr
    shown = cli("runs", "show", "last")
    assert "status      failed: " in shown.stdout
    assert "absent.mat: no such file" in shown.stdout


@needs_torch
def test_sweep_says_which_combination_agrees(cli: Cli, tmp_path: Path) -> None:
    """One table; the exit status is the worst of its rows."""
    made = cli("trace", "--pixel", "10", "20", "--out", "c.log", "--", *FLAGS)
    assert made.returncode == 0, made.stderr
    start = ["runs", "sweep", "--reference", "c.log", "--pixel", "10", "20"]
    run = cli(*start, "--phi-mode", "c-parity,spec", "--dtype", "float64,float32", "--", *FLAGS)
    assert run.returncode == 1, run.stderr
    rows = [line.split() for line in run.stdout.splitlines()[1:]]
    assert [row[1:5] for row in rows] == [
        ["c-parity", "cpu", "float64", "agrees"],
        ["c-parity", "cpu", "float32", "agrees"],
        ["spec", "cpu", "float64", "diverges"],
        ["spec", "cpu", "float32", "diverges"],
    ]
    assert "rot_a" in run.stdout
    assert len(RunStore(tmp_path / ".braggtrace" / "runs").list()) == 4
    good = cli("runs", "sweep", "trace-cpu-float64-c-parity", "--reference", "c.log", "--dtype", "float64,float32")
    assert good.returncode == 0, good.stderr
    bad = cli(*start, "--device", "abacus,cpu", "--format", "json", "--", *FLAGS)
    assert bad.returncode == 2
    assert [row["status"] for row in json.loads(bad.stdout)] == ["failed", "AGREES"]


@needs_torch
def test_an_engine_by_command(cli: Cli, tmp_path: Path) -> None:
    """Any command that starts an engine will do."""
    command = f"sh -c 'XDG_CACHE_HOME={tmp_path}/cache exec {sys.executable} -P -m braggtrace.service'"
    run = cli("runs", "new", "--pixel", "10", "20", "--engine", command, "--", *FLAGS)
    assert run.returncode == 0, run.stderr
    shown = json.loads(cli("runs", "show", "last", "--format", "json").stdout)
    assert shown["environment"]["engine"]["command"].startswith("sh -c")


def test_ctrl_c_ends_engine_and_run(tmp_path: Path) -> None:
    """At once, with the shell's exit status; the run is kept as cancelled, no process is left."""
    engine = fake_engine(tmp_path, "hello()\nhello()\nheard()\ntime.sleep(60)")
    command = [sys.executable, "-m", "braggtrace_tui", "runs", "new", "--pixel", "1", "2", "--engine"]
    process = subprocess.Popen(
        [*command, " ".join(["sh", "-c", f"'exec {' '.join(engine)}'"]), "--", "-N", "5"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    store = RunStore(tmp_path / ".braggtrace" / "runs")
    until(lambda: store.list() and store.list()[0].status == "running")
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert store.list()[0].status == "cancelled"
