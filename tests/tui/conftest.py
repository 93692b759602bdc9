"""Fixtures of the screen tests: comparisons, and an app that remembers nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from braggtrace.compare.model import Comparison
from braggtrace_tui.app import BraggtraceApp
from braggtrace_tui.session import Session
from braggtrace_tui.settings import Settings
from braggtrace_tui.terminal import Terminal

PLAIN = Terminal(remote=False, tmux=False, no_color=False, interactive=True)

MakeApp = Callable[..., BraggtraceApp]


async def settled(pilot: Pilot[int]) -> None:
    """Wait until the screen has stopped changing, however slow the machine is."""
    picture, unchanged = "", 0
    while unchanged < 4:
        await pilot.pause(0.06)
        before, picture = picture, pilot.app.export_screenshot(title="")
        unchanged = unchanged + 1 if _without_ids(picture) == _without_ids(before) else 0


def _without_ids(picture: str) -> str:
    return re.sub(r"terminal-\d+", "", picture)


@pytest.fixture
def stale(sample_traces: Path) -> tuple[str, str]:
    """The demo: two runs of one program, one with a stale vector at a phi step of 0."""
    folder = sample_traces / "stale_phi_zero"
    return str(folder / "reference.log"), str(folder / "candidate.log")


@pytest.fixture
def comparison(stale: tuple[str, str]) -> Comparison:
    """The demo, compared."""
    return Session(*stale).read_all().comparison


@pytest.fixture
def make_app() -> MakeApp:
    """An app on a pair of traces: `make_app(reference, candidate)`."""

    def make(
        reference: str, candidate: str, settings: Settings | None = None, terminal: Terminal = PLAIN
    ) -> BraggtraceApp:
        session = Session(reference, candidate)
        return BraggtraceApp(terminal, settings or Settings(), session, session.first_look())

    return make


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], str]:
    """Write a trace: `write("c.log", "TRACE_C: …")` gives its path."""

    def write_text(name: str, text: str) -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write_text
