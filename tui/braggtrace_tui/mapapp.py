"""The app that opens with a pixel map."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from braggtrace.images.model import MapData
from braggtrace_tui.app import BraggtraceApp
from braggtrace_tui.config import Backends
from braggtrace_tui.engine import MakeEngine, make_engine
from braggtrace_tui.screens.map import MapScreen
from braggtrace_tui.screens.start import StartScreen
from braggtrace_tui.settings import Settings, load_settings, state_path
from braggtrace_tui.terminal import Terminal, detect

if TYPE_CHECKING:
    from braggtrace_tui.mapopen import PixelOpener

__all__ = ["MapApp", "run_map"]


class MapApp(BraggtraceApp):
    """The same app, with a map where the start screen would be.

    Args:
        terminal: what the terminal can do.
        settings: what is remembered.
        data: the images.
        paths: where they are from, the reference first.
        backends: what traces their pixels.
        make: makes the client of the engine.
    """

    def __init__(
        self,
        terminal: Terminal,
        settings: Settings,
        data: MapData,
        paths: Sequence[str] = (),
        backends: Backends | None = None,
        make: MakeEngine = make_engine,
    ) -> None:
        from braggtrace_tui.bothsides import sides_of_images

        sides = sides_of_images(paths, backends) if backends is not None else None
        # Without an experiment there is nothing to trace, and no engine need be started.
        super().__init__(terminal, settings, backends=backends if sides is not None else None, make=make)
        self._data = data
        self._sides = sides

    def open_pixel(self, slow: int, fast: int) -> str | None:
        """Trace a pixel on both sides and open that; why not, if that can't begin."""
        return self._opener.open_pixel(slow, fast)

    def open_pixels(self, pixels: str) -> None:
        """Trace pixels, as the run form has them, on both sides and open that."""
        self._opener.open_pixels(pixels)

    @cached_property
    def _opener(self) -> PixelOpener:
        from braggtrace_tui.mapopen import PixelOpener  # the compare screen, which the first picture does not wait for

        assert self._sides is not None  # else there is no key that leads here
        return PixelOpener(self, self._data, self._sides)

    def push_screen(self, screen: Screen[Any] | str, *args: Any, **options: Any) -> Any:
        if isinstance(screen, StartScreen):
            known = self._sides is not None
            screen = MapScreen(
                self._data,
                open_pixel=self.open_pixel if known else None,
                run_pixels=self.open_pixels if known else None,
            )
        return super().push_screen(screen, *args, **options)

    def say(self, text: str, *, warning: bool = False) -> None:
        """Answer the user on whatever screen is shown."""
        say = getattr(self.screen, "say", None)
        if say is not None:
            say(text, warning=warning)

    def hush(self) -> None:
        """Take back what was said."""
        if isinstance(self.screen, MapScreen):
            self.screen.footer.clear()


def run_map(data: MapData, paths: Sequence[str], backends: Backends, *, mouse: bool | None) -> int:
    """Run the screen on a map; returns the exit status."""
    terminal = detect()
    app = MapApp(terminal, load_settings(state_path()), data, paths, backends)
    try:
        app.run(mouse=(not terminal.remote) if mouse is None else mouse)
    finally:
        app.close_engine()
    return app.return_code or 0
