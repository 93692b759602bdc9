"""The pages of evidence look as they did when somebody last looked at them."""

from __future__ import annotations

import asyncio
import os
import re
from datetime import timedelta
from pathlib import Path

import pytest

from braggtrace_tui.app import BraggtraceApp
from braggtrace_tui.config import Backends
from braggtrace_tui.export import portable
from braggtrace_tui.session import Session
from braggtrace_tui.settings import Settings
from tests.bundles.build import NOON, FakeClock, FakeSource, captured, trace_text
from tests.tui.conftest import PLAIN, settled

SNAPSHOTS = Path(__file__).parent / "snapshots"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two traces and the history of two topics: agreed, diverged, agreed; and one that was cut short."""
    monkeypatch.chdir(tmp_path)
    Path("c.log").write_text(trace_text(tag="TRACE_C"))
    Path("carryover.log").write_text(trace_text(stale=False))
    spec = FakeSource(trace_text(stale=False), phi_mode="spec")
    for hours, source in enumerate((FakeSource(), spec, FakeSource())):
        captured(Path(), source, FakeClock(NOON + timedelta(hours=hours)), note="after the fix" if hours == 2 else "")
    captured(Path(), spec, FakeClock(NOON - timedelta(days=1)), topic="older", reference=())
    partial = Path("reports/older/20251007T130000Z.partial")
    partial.mkdir()
    (partial / "attempt.log").write_text("2025-10-07T13:00:01Z BLOCKED in step run: cuda: no CUDA GPU\n")
    return tmp_path


def picture(size: tuple[int, int], theme: str, keys: tuple[str, ...]) -> str:
    """The screen after some keys, as SVG without names that depend on its content."""

    async def draw() -> str:
        session = Session("c.log", "carryover.log")
        app = BraggtraceApp(PLAIN, Settings(theme=theme), session, session.first_look(), Backends())
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            await pilot.press(*keys)
            await settled(pilot)
            return portable(app.export_screenshot(title="braggtrace"))

    return re.sub(r"terminal-\d+", "terminal", asyncio.run(draw()))


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("name", "size", "theme", "keys"),
    [
        ("evidence-form-80x24", (80, 24), "dark", ("E",)),
        ("bundles-80x24", (80, 24), "dark", ("b", "down", "space", "down", "space")),
        ("bundles-light-120x40", (120, 40), "light", ("b", "v")),
    ],
)
def test_the_page_looks_as_it_did(name: str, size: tuple[int, int], theme: str, keys: tuple[str, ...]) -> None:
    """Look at the new picture; if it is right, run again with UPDATE_SNAPSHOTS=1."""
    path = SNAPSHOTS / f"{name}.svg"
    svg = picture(size, theme, keys)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(svg, encoding="utf-8")
    assert svg == path.read_text(encoding="utf-8"), f"the screen differs from {path}"
