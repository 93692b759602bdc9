"""The compare screen's key that opens the map of the traced pixels."""

from __future__ import annotations

import numpy as np

from braggtrace.errors import BraggtraceError
from braggtrace.images.traced import traced_maps
from braggtrace_tui.screens.moves import CompareMoves

__all__ = ["CompareMapping"]


class CompareMapping(CompareMoves):
    """From the table to the map, and back to the pixel that was chosen there."""

    def do_open_map(self) -> None:
        from braggtrace_tui.screens.map import MapScreen

        try:
            data = traced_maps(self.comparison)
        except BraggtraceError as error:
            self.say(str(error), warning=True)
            return
        pixel = self.frame.pixel if self.frame is not None else -1
        cursor = None
        if pixel >= 0:
            slow, fast = self.comparison.pixels[pixel]
            cursor = (int(slow), int(fast))
        self.app.push_screen(
            MapScreen(data, open_pixel=self.open_from_map, run_pixels=self.run_from_map, cursor=cursor)
        )

    def run_from_map(self, pixels: str) -> None:
        """Leave the map for the run form."""
        raise NotImplementedError

    def open_from_map(self, slow: int, fast: int) -> str | None:
        """Leave the map for a pixel's values, on its first divergence; why not, if the pixel is not traced."""
        found = np.flatnonzero((self.comparison.pixels == np.array([slow, fast])).all(axis=1))
        if not len(found):
            return f"pixel {slow} {fast} is not traced"
        self.app.pop_screen()
        self.go_to_pixel(int(found[0]))
        if self.frame is not None and self.frame.diverges.any():
            self.table.move_to(0)
            self.do_next_divergence()
        return None
