"""Generated pages are current, and the screen looks as it did when somebody last looked at it."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
from pathlib import Path

import pytest

from braggtrace_tui.app import BraggtraceApp
from braggtrace_tui.config import Backends, EngineChoice
from braggtrace_tui.export import portable
from braggtrace_tui.screens.compare import CompareScreen
from braggtrace_tui.session import Session
from braggtrace_tui.settings import Settings
from tests.tui.conftest import PLAIN, settled
from tests.tui.fake_engine import FakeEngine
from tests.tui.why_answers import answer

ROOT = Path(__file__).parent.parent.parent
SNAPSHOTS = Path(__file__).parent / "snapshots"


def test_the_key_table_is_current() -> None:
    """If not: `make docs`."""
    spec = importlib.util.spec_from_file_location("docs_script", ROOT / "scripts" / "docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / "keys.md").read_text(encoding="utf-8") == module.keys_page()


def picture(
    size: tuple[int, int],
    theme: str,
    keys: tuple[str, ...],
    engine: FakeEngine | None = None,
    first_look_s: float = float("inf"),
) -> str:
    """The demo's screen after some keys, as SVG without names that depend on its content."""

    async def draw() -> str:
        session = Session("sample_traces/stale_phi_zero/reference.log", "sample_traces/stale_phi_zero/candidate.log")
        settings, snapshot = Settings(theme=theme), session.first_look(first_look_s)
        if engine is None:
            app = BraggtraceApp(PLAIN, settings, session, snapshot)
        else:
            app = BraggtraceApp(PLAIN, settings, session, snapshot, Backends(EngineChoice()), engine.make)
        async with app.run_test(size=size) as pilot:
            while not (isinstance(app.screen, CompareScreen) and app.screen.snapshot.complete):
                await pilot.pause(0.02)
            await settled(pilot)
            while engine is not None and not engine.replays:
                await pilot.pause(0.02)
            await settled(pilot)
            for key in keys:
                await pilot.press(key)
                await settled(pilot)
            return portable(app.export_screenshot(title="braggtrace"))

    return re.sub(r"terminal-\d+", "terminal", asyncio.run(draw()))


@pytest.mark.parametrize(
    ("name", "size", "theme", "keys"),
    [
        ("demo-80x24", (80, 24), "dark", ()),
        ("demo-120x40", (120, 40), "dark", ()),
        ("details-80x24", (80, 24), "dark", ("enter",)),
        ("only-divergent-light-120x40", (120, 40), "light", ("d", "n")),
        ("pixels-80x24", (80, 24), "colour-blind-safe", ("p",)),
    ],
)
def test_the_screen_looks_as_it_did(
    monkeypatch: pytest.MonkeyPatch, name: str, size: tuple[int, int], theme: str, keys: tuple[str, ...]
) -> None:
    """Look at the new picture; if it is right, run again with UPDATE_SNAPSHOTS=1."""
    monkeypatch.chdir(ROOT)
    compare_with(name, picture(size, theme, keys))


@pytest.mark.parametrize(("name", "size"), [("demo-80x24", (80, 24)), ("demo-120x40", (120, 40))])
def test_the_screen_ends_the_same_however_slowly_the_files_are_read(
    monkeypatch: pytest.MonkeyPatch, name: str, size: tuple[int, int]
) -> None:
    """What was unfolded on the way to the first divergence leaves nothing behind."""
    monkeypatch.chdir(ROOT)
    assert picture(size, "dark", (), first_look_s=0.0) == (SNAPSHOTS / f"{name}.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "size", "theme", "keys"),
    [
        ("why-80x24", (80, 24), "dark", ()),
        ("why-120x40", (120, 40), "dark", ()),
        ("why-inherits-80x24", (80, 24), "colour-blind-safe", ("enter", "n", "n", "n", "n")),
        ("why-fixed-120x40", (120, 40), "light", ("F",)),
        ("causes-80x24", (80, 24), "dark", ("C", "space", "down", "down")),
        ("causes-120x40", (120, 40), "dark", ("F", "C", "down", "space")),
    ],
)
def test_causes_look_as_they_did(
    monkeypatch: pytest.MonkeyPatch, name: str, size: tuple[int, int], theme: str, keys: tuple[str, ...]
) -> None:
    """With an engine that knows why."""
    monkeypatch.chdir(ROOT)
    engine = FakeEngine()
    engine.why = answer
    compare_with(name, picture(size, theme, keys, engine))


def compare_with(name: str, svg: str) -> None:
    """Compare a picture with the one that somebody has looked at."""
    path = SNAPSHOTS / f"{name}.svg"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(svg, encoding="utf-8")
    assert svg == path.read_text(encoding="utf-8"), f"the screen differs from {path}"
