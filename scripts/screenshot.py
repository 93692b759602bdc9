"""Draw the real screen on the demo, with the cause, into docs/: `make screenshot`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from braggtrace_tui.app import BraggtraceApp
from braggtrace_tui.config import Backends, EngineChoice
from braggtrace_tui.export import portable
from braggtrace_tui.samples import demo_pair
from braggtrace_tui.screens.compare import CompareScreen
from braggtrace_tui.session import Session
from braggtrace_tui.settings import Settings
from braggtrace_tui.terminal import Terminal

DOCS = Path(__file__).parent.parent / "docs"
PICTURES = {
    "screenshot.svg": ((120, 40), "dark", ()),
    "screenshot-light.svg": ((120, 40), "light", ()),
    "screenshot-80x24.svg": ((80, 24), "dark", ()),
}
"""File -> terminal size, theme, keys to press first."""

_PATIENCE_S = 60.0


async def draw(size: tuple[int, int], theme: str, keys: tuple[str, ...]) -> str:
    """The demo as SVG."""
    session = Session(*demo_pair())
    terminal = Terminal(remote=False, tmux=False, no_color=False, interactive=True)
    app = BraggtraceApp(terminal, Settings(theme=theme), session, session.first_look(), Backends(EngineChoice()))
    async with app.run_test(size=size) as pilot:
        async with asyncio.timeout(_PATIENCE_S):  # PyTorch has to be loaded before the cause is known
            while not isinstance(app.screen, CompareScreen) or app.screen.why is None:
                await pilot.pause(0.1)
        await pilot.press(*keys)
        await pilot.pause(0.3)
        return portable(app.export_screenshot(title="braggtrace demo"))


def main() -> None:
    """Write every picture."""
    for name, (size, theme, keys) in PICTURES.items():
        (DOCS / name).write_text(asyncio.run(draw(size, theme, keys)), encoding="utf-8")


if __name__ == "__main__":
    main()
