"""The app that opens with a pixel map."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen

from braggtrace.images.model import MapData
from braggtrace_tui.app import BraggtraceApp
from braggtrace_tui.screens.map import MapScreen, OpenPixel
from braggtrace_tui.screens.start import StartScreen
from braggtrace_tui.settings import Settings, load_settings, state_path
from braggtrace_tui.terminal import Terminal, detect

__all__ = ["MapApp", "run_map"]


class MapApp(BraggtraceApp):
    """The same app, with a map where the start screen would be."""

    def __init__(
        self, terminal: Terminal, settings: Settings, data: MapData, open_pixel: OpenPixel | None = None
    ) -> None:
        super().__init__(terminal, settings)
        self._data = data
        self._open_pixel = open_pixel

    def push_screen(self, screen: Screen[Any] | str, *args: Any, **options: Any) -> Any:
        if isinstance(screen, StartScreen):
            screen = MapScreen(self._data, open_pixel=self._open_pixel)
        return super().push_screen(screen, *args, **options)


def run_map(data: MapData, *, mouse: bool | None) -> int:
    """Run the screen on a map; returns the exit status."""
    terminal = detect()
    app = MapApp(terminal, load_settings(state_path()), data)
    try:
        app.run(mouse=(not terminal.remote) if mouse is None else mouse)
    finally:
        app.close_engine()
    return app.return_code or 0
