"""From a pixel of two images on disk to its comparison."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from braggtrace.images.measure import map_data
from braggtrace.images.model import Image
from braggtrace_tui.config import Backends, EngineChoice
from braggtrace_tui.mapapp import MapApp
from braggtrace_tui.screens.compare import CompareScreen
from braggtrace_tui.screens.map import MapScreen
from braggtrace_tui.settings import Settings
from tests.tui.conftest import PLAIN, settled
from tests.tui.fake_engine import FakeEngine
from tests.tui.rerun_hand import Hand

HERE = (1639, 966)


@pytest.fixture
def flags(tmp_path: Path) -> str:
    """A file of flags."""
    path = tmp_path / "flags.txt"
    path.write_text("-distance 200 -mat A.mat")
    return str(path)


Tell = Callable[..., None]


@pytest.fixture
def tell(stale: tuple[str, str], flags: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Run a story on a map of two images, with an engine that has the demo's traces."""
    monkeypatch.chdir(tmp_path)
    reference, candidate = (Path(path).read_text() for path in stale)

    def traces(fields: Mapping[str, Any]) -> str:
        return candidate if fields["profile"] == "spec" else reference

    def run(story: Callable[[Hand, FakeEngine], Awaitable[None]]) -> None:
        ours, theirs = (np.full((2, 2), value, np.float32) for value in (1, 2))
        data = map_data(Image(ours, "c.bin", HERE), Image(theirs, "t.bin", HERE))
        fake = FakeEngine(traces)
        backends = Backends(EngineChoice("box", ("ssh", "box")), args=flags, runs=tmp_path / "runs")
        app = MapApp(PLAIN, Settings(), data, ["c.bin", "t.bin"], backends, fake.make)

        async def act() -> None:
            async with app.run_test(size=(100, 30)) as pilot:
                await settled(pilot)
                try:
                    await story(Hand(app, pilot), fake)
                finally:
                    app.close_engine()

        asyncio.run(act())

    return run


def message(hand: Hand) -> str:
    """The footer of the map."""
    assert isinstance(hand.app.screen, MapScreen)
    return hand.app.screen.footer.message


def test_enter_traces_both_sides_and_opens_the_comparison(tell: Tell) -> None:
    """On the first divergence; a trace that is not of its image is told, and Esc goes back to the map."""

    async def story(hand: Hand, fake: FakeEngine) -> None:
        below = hand.app.screen
        await hand.press("enter")
        await hand.until(lambda: isinstance(hand.app.screen, CompareScreen))
        await hand.until(lambda: "first" in hand.line)
        asked = [fields for do, fields in fake.asked if do == "trace"]
        assert [each["profile"] for each in asked] == ["legacy", "spec"]
        assert [each["pixels"] for each in asked] == [(HERE,)] * 2
        assert "the reference's image has 1, its trace" in hand.message
        await hand.press("slash", "r", "o", "t", "escape")
        assert isinstance(hand.app.screen, CompareScreen), "Esc ends the filter first"
        await hand.press("escape")
        assert hand.app.screen is below
        await hand.press("R")
        await hand.until(lambda: isinstance(hand.app.screen, CompareScreen))
        assert [fields["rois"] for do, fields in fake.asked if do == "trace"][-1] == ((1639, 1640, 966, 967),)

    tell(story)


def test_escape_cancels_the_trace(tell: Tell) -> None:
    """The map stays, and Enter tries again."""

    async def story(hand: Hand, fake: FakeEngine) -> None:
        fake.seconds = 30
        await hand.press("enter")
        assert "pixel 1639 966, reference (torch cpu float64): " in message(hand)
        await hand.press("enter")
        assert "a run is under way" in message(hand)
        await hand.press("escape")
        await hand.until(lambda: "cancelled; Enter" in message(hand))
        fake.seconds = 0
        await hand.press("enter")
        await hand.until(lambda: isinstance(hand.app.screen, CompareScreen))

    tell(story)


def test_a_side_that_cant_be_traced_says_why(tell: Tell) -> None:
    """In the engine's words."""

    async def story(hand: Hand, fake: FakeEngine) -> None:
        fake.fails["trace"] = ("input", "A.mat: no such file")
        await hand.press("enter")
        await hand.until(lambda: "the reference can't be traced: A.mat: no such file" in message(hand))

    tell(story)


def test_an_engine_that_was_lost_is_connected_again(tell: Tell) -> None:
    """There is no other key for it on the map."""

    async def story(hand: Hand, fake: FakeEngine) -> None:
        await hand.until(lambda: fake.starts == 1)
        fake.become("lost", "the line was cut")
        await hand.pilot.pause()
        await hand.press("enter")
        assert "the engine was lost" in message(hand)
        await hand.until(lambda: fake.starts == 2)
        await hand.press("enter")
        await hand.until(lambda: isinstance(hand.app.screen, CompareScreen))

    tell(story)
