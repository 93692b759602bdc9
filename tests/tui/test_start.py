"""The start screen, opening files, and reading in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from braggtrace_tui.app import BraggtraceApp
from braggtrace_tui.findtraces import find_traces
from braggtrace_tui.pieces import plain
from braggtrace_tui.screens.compare import CompareScreen
from braggtrace_tui.screens.openfile import OpenFileScreen
from braggtrace_tui.screens.start import StartScreen
from braggtrace_tui.session import Session, Snapshot
from braggtrace_tui.settings import Recent, Settings, load_settings, state_path
from braggtrace_tui.widgets.paths import completion
from tests.tui.conftest import PLAIN, MakeApp, settled


def tell(app: BraggtraceApp, story: Callable[[Pilot[int]], Awaitable[None]]) -> None:
    """Run a story."""

    async def run() -> None:
        async with app.run_test(size=(100, 30)) as pilot:
            await settled(pilot)
            await story(pilot)

    asyncio.run(run())


def test_choosing_two_traces_that_were_found(
    stale: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enter on the reference, Enter on the candidate."""
    for name, path in zip(("c.log", "torch.log"), stale, strict=True):
        (tmp_path / name).write_text(Path(path).read_text())
    (tmp_path / "notes.txt").write_text("no trace")
    monkeypatch.chdir(tmp_path)
    assert sorted(found.path for found in find_traces(tmp_path)) == ["c.log", "torch.log"]

    async def story(pilot: Pilot[int]) -> None:
        screen = pilot.app.screen
        assert isinstance(screen, StartScreen)
        await pilot.press("enter")
        assert "choose the candidate" in screen.hint.text
        await pilot.press("down", "enter")
        await settled(pilot)
        assert isinstance(pilot.app.screen, CompareScreen)

    tell(BraggtraceApp(PLAIN, Settings()), story)


def test_a_recent_comparison_goes_on_where_it_was_left(
    stale: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the start screen; one that is gone is not offered."""
    monkeypatch.chdir(tmp_path)
    settings = Settings()
    settings.remember(Recent("/gone/c.log", "/gone/p.log"))
    place = Recent(*stale, pixel=[1640, 967], level=3, run=False, tics=[-1] * 9, quantity="I_before_scaling", family="")
    settings.remember(place)

    async def story(pilot: Pilot[int]) -> None:
        start = pilot.app.screen
        assert isinstance(start, StartScreen)
        assert not any("/gone/" in plain(start.choices.line(number)) for number in range(start.choices.line_count))
        await pilot.press("enter")
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, CompareScreen)
        assert "I_before_scaling" in plain(screen.table.line(screen.table.cursor))
        assert "pixel 1640 967" in screen.header.text

    tell(BraggtraceApp(PLAIN, settings), story)


def test_the_demo_is_one_key_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there is nothing to open."""
    monkeypatch.chdir(tmp_path)

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("d")
        await settled(pilot)
        assert isinstance(pilot.app.screen, CompareScreen)

    tell(BraggtraceApp(PLAIN, Settings()), story)


def test_opening_another_file_from_inside(make_app: MakeApp, stale: tuple[str, str]) -> None:
    """`o`; a path that is wrong is said and can be mended."""

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("o")
        screen = pilot.app.screen
        assert isinstance(screen, OpenFileScreen)
        box = screen.query_one("#candidate", Input)
        box.value = "/no/such.log"
        await pilot.press("enter")
        assert "is not there" in screen.problem.text
        box.value = stale[0]
        await pilot.press("enter")
        await settled(pilot)
        compare = pilot.app.screen
        assert isinstance(compare, CompareScreen)
        assert "values agree" in compare.verdict.text

    tell(make_app(*stale), story)


def test_paths_are_completed(tmp_path: Path) -> None:
    """With the first file that fits; directories end in a slash; hidden files only when asked for."""
    (tmp_path / "sub").mkdir()
    (tmp_path / ".hidden").touch()
    (tmp_path / "trace.log").touch()
    assert completion(f"{tmp_path}/tr") == f"{tmp_path}/trace.log"
    assert completion(f"{tmp_path}/s") == f"{tmp_path}/sub/"
    assert completion(f"{tmp_path}/.h") == f"{tmp_path}/.hidden"
    assert completion(f"{tmp_path}/x") is None
    assert completion("/no/such/folder/x") is None


def test_reading_goes_on_in_the_background(stale: tuple[str, str]) -> None:
    """Progress, then a complete snapshot that says the same as reading at once."""
    session = Session(*stale)
    session.first_look(budget_s=-1)
    snapshots: list[Snapshot] = []
    fractions: list[float] = []
    session.follow(snapshots.append, fractions.append)
    session.wait()
    whole = Session(*stale).read_all()
    assert (snapshots or [whole])[-1].complete
    assert (snapshots or [whole])[-1].comparison.counts == whole.comparison.counts


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"recent": 3, "theme": 7}', '{"recent": [{"reference": 1}, 5, {"tics": ["x"]}]}', "\0"]
)
def test_a_damaged_state_is_ignored(tmp_path: Path, text: str) -> None:
    """Nothing in it is worth a message."""
    path = tmp_path / "state.json"
    path.write_text(text)
    settings = load_settings(path)
    assert settings.recent == []
    assert settings.theme == ""


def test_a_state_that_cannot_be_written_is_no_error() -> None:
    """A read-only home is common on clusters."""
    Settings(Path("/proc/no/state.json")).remember(Recent("a", "b"))


def test_the_state_is_where_xdg_says(tmp_path: Path) -> None:
    """A relative XDG_STATE_HOME is ignored, as the standard says."""
    assert state_path({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "braggtrace" / "state.json"
    assert state_path({"XDG_STATE_HOME": "here", "HOME": "/home/me"}) == Path(
        "/home/me/.local/state/braggtrace/state.json"
    )
