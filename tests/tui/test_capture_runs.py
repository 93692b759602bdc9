"""Tracing the user's C program from the run form, told key by key."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from braggtrace.runs.store import RunStore
from braggtrace_tui.config import Backends
from tests.capture.programs import BUILDS, FLAGS, SOURCE
from tests.tui.fake_engine import FakeEngine
from tests.tui.rerun_hand import Hand, Tell, engine, tell

__all__ = ["engine", "tell"]

RECORDED = f"# braggtrace flags: {' '.join(FLAGS)}\n"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small C program, which traces itself."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("gcc is not installed")
    path = tmp_path_factory.mktemp("program") / "nanolike"
    command = [compiler, "-std=gnu11", *BUILDS["self"], "-o", str(path), str(SOURCE), "-lm"]
    subprocess.run(command, check=True, timeout=120)
    return path


async def choose_c(hand: Hand, pixel: str) -> None:
    """Fill in the form for the C program."""
    await hand.press("R")
    fields = hand.form.fields
    fields.backend.focus()
    await hand.press("right")
    fields.pixels.box.value = pixel
    await hand.until(lambda: "= 1 pixel" in hand.form_text)


def test_the_c_program_is_traced_without_an_engine(
    tell: Tell, engine: FakeEngine, program: Path, tmp_path: Path
) -> None:
    """It replaces the reference unless told otherwise, and is kept like any run."""
    backends = Backends(program=str(program), runs=tmp_path / "runs")

    async def story(hand: Hand) -> None:
        await choose_c(hand, "5 6")
        assert hand.form.fields.beside.value == "CANDIDATE"
        hand.form.fields.beside.choose({"BEFORE"})
        await hand.press("enter")
        await hand.until(lambda: "traced again" in hand.message or "failed" in hand.message, seconds=30)
        assert "the old candidate has no such pixel" in hand.message
        screen = await hand.open_list(1)
        assert screen.runs.rows[0].state == "done"

    tell(story, recorded=RECORDED, backends=backends)
    run = RunStore(tmp_path / "runs").list()[0]
    assert run.request is not None
    assert (run.request.kind, run.request.command) == ("c-trace", str(program))
    assert run.trace is not None
    assert "TRACE_C: pixel 5 6" in run.trace.read_text()
    assert engine.asked == []


def test_a_program_that_fails_says_why(tell: Tell, tmp_path: Path) -> None:
    """The last line of what was printed about it; the run is kept as failed."""
    script = tmp_path / "broken"
    script.write_text("#!/bin/sh\n# knows -trace_pixel\necho 'no such crystal' >&2\nexit 3\n")
    script.chmod(0o755)
    backends = Backends(program=str(script), runs=tmp_path / "runs")

    async def story(hand: Hand) -> None:
        await choose_c(hand, "5 6")
        await hand.press("enter")
        await hand.until(lambda: "the run failed" in hand.message, seconds=30)

    tell(story, recorded=RECORDED, backends=backends)
    run = RunStore(tmp_path / "runs").list()[0]
    assert run.status == "failed"
    assert run.sentence


def test_a_program_that_hangs_is_cancelled(tell: Tell, tmp_path: Path) -> None:
    """Esc ends it and whatever it has started."""
    script = tmp_path / "hanging"
    mark = tmp_path / "pid"
    script.write_text(f"#!/bin/sh\n# knows -trace_pixel\necho $$ > {mark}\nsleep 300\n")
    script.chmod(0o755)
    backends = Backends(program=str(script), runs=tmp_path / "runs")

    async def story(hand: Hand) -> None:
        await choose_c(hand, "5 6")
        await hand.press("enter")
        await hand.until(mark.exists, seconds=30)
        await hand.until(lambda: "Esc cancels" in hand.compare.running.text)
        await hand.press("escape")
        await hand.until(lambda: "was cancelled" in hand.message)

    tell(story, recorded=RECORDED, backends=backends)
    assert RunStore(tmp_path / "runs").list()[0].status == "cancelled"
    assert subprocess.run(["ps", "-p", mark.read_text().strip()], check=False, capture_output=True).returncode == 1
