"""What the stories about running pixels again share: a hand on the keyboard, and the demo with a fake engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from braggtrace_tui.app import BraggtraceApp
from braggtrace_tui.config import Backends, EngineChoice
from braggtrace_tui.pieces import plain
from braggtrace_tui.screens.compare import CompareScreen
from braggtrace_tui.screens.runform import RunFormScreen
from braggtrace_tui.screens.runlist import RunListScreen
from braggtrace_tui.session import Session
from braggtrace_tui.settings import Settings
from tests.tui.conftest import PLAIN, settled
from tests.tui.fake_engine import FakeEngine, cut_out

__all__ = ["FLAGS", "Hand", "RECORDED", "Story", "Tell", "engine", "tell"]

FLAGS = "-distance 200 -mat A.mat"
RECORDED = f"# braggtrace flags: {FLAGS}\n# braggtrace run: profile=legacy phi_mode=spec dtype=float64 folder=/data\n"


class Hand:
    """A hand on the keyboard, and eyes."""

    def __init__(self, app: BraggtraceApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def until(self, what: Callable[[], bool], seconds: float = 10) -> None:
        """Wait until something is so."""
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, f"it never came\n{self.form_text}\n{self.message}"
            await self.pilot.pause(0.01)

    @property
    def compare(self) -> CompareScreen:
        return next(each for each in self.app.screen_stack if isinstance(each, CompareScreen))

    @property
    def form(self) -> RunFormScreen:
        assert isinstance(self.app.screen, RunFormScreen)
        return self.app.screen

    @property
    def form_text(self) -> str:
        screen = self.app.screen
        if not isinstance(screen, RunFormScreen):
            return ""
        fields = screen.fields
        rows = (fields.where, fields.backend, fields.device, fields.dtype, fields.phi, fields.profile, fields.beside)
        return "\n".join([*(row.text for row in rows), screen.explained.text, screen.status.text])

    @property
    def message(self) -> str:
        return self.compare.footer.message

    @property
    def line(self) -> str:
        """The words of the line under the cursor of the comparison."""
        table = self.compare.table
        return " ".join(plain(table.line(table.cursor)).split())

    async def open_form(self) -> None:
        """`R`, and wait for the check."""
        await self.press("R")
        await self.until(lambda: self.form.status.text.startswith((" =", " !")))

    async def open_list(self, runs: int) -> RunListScreen:
        """`L`, and wait until so many runs have been read."""
        await self.press("L")
        screen = self.app.screen
        assert isinstance(screen, RunListScreen)
        await self.until(lambda: len(screen.runs.rows) == runs)
        return screen


Story = Callable[[Hand], Awaitable[None]]
Tell = Callable[..., None]


@pytest.fixture
def engine(stale: tuple[str, str]) -> FakeEngine:
    """Traces with phi mode spec are like the demo's candidate, others like its reference."""
    reference, candidate = (Path(path).read_text() for path in stale)

    def traces(fields: Mapping[str, Any]) -> str:
        spec = fields["phi_mode"] == "spec" or fields["profile"] == "spec"
        return cut_out(candidate if spec else reference, fields)

    return FakeEngine(traces)


@pytest.fixture
def tell(stale: tuple[str, str], engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Run a story on the demo, whose candidate records its flags unless a story has it otherwise."""
    monkeypatch.chdir(tmp_path)

    def run(
        story: Story,
        *,
        recorded: str = RECORDED,
        size: tuple[int, int] = (100, 30),
        backends: Backends | None = None,
        pair: tuple[str, str] | None = None,
    ) -> None:
        texts = pair or (Path(stale[0]).read_text(), recorded + Path(stale[1]).read_text())
        paths = [tmp_path / name for name in ("reference.log", "candidate.log")]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text)
        session = Session(str(paths[0]), str(paths[1]))
        chosen = backends or Backends(EngineChoice(), {"box": "ssh box engine"}, runs=tmp_path / "runs")
        app = BraggtraceApp(PLAIN, Settings(), session, session.first_look(), chosen, engine.make)

        async def act() -> None:
            async with app.run_test(size=size) as pilot:
                await settled(pilot)
                try:
                    await story(Hand(app, pilot))
                finally:
                    app.close_engine()

        asyncio.run(act())

    return run
