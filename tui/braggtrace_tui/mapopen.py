"""From a pixel of two images on disk to the comparison of its traces, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from braggtrace.errors import BraggtraceError
from braggtrace.images.model import MapData
from braggtrace.images.report import number, values_at
from braggtrace_tui.bothsides import BothSides, Sides
from braggtrace_tui.screens.compare import CompareScreen
from braggtrace_tui.session import Session, Snapshot

if TYPE_CHECKING:
    from braggtrace_tui.engine_desk import Ended
    from braggtrace_tui.mapapp import MapApp

__all__ = ["PixelOpener"]

_SAME = 1e-3
"""A trace that ends this much off its image is of another experiment: images are float32, and may hold noise."""


class _FromMap(CompareScreen):
    """A comparison from which Esc leads back to the map."""

    def __init__(self, session: Session, snapshot: Snapshot, news: str) -> None:
        super().__init__(session, snapshot)
        self._news = news

    def start(self) -> None:
        super().start()
        self.say(self._news)

    def do_clear(self) -> None:
        busy = self.filter_text or self.only or self.query("#filter") or self.home.desk.progress is not None
        super().do_clear()
        if not busy:
            self.app.pop_screen()


class PixelOpener:
    """Traces pixels on both sides and opens their comparison over the map.

    Args:
        app: where runs are launched and said.
        data: the images.
        sides: how their pixels are traced.
    """

    def __init__(self, app: MapApp, data: MapData, sides: Sides) -> None:
        self._app, self._data = app, data
        self._both = BothSides(app.desk, sides, app.say, self._open)

    def open_pixel(self, slow: int, fast: int) -> str | None:
        """Trace a pixel; returns why that can't begin."""
        return self._both.start(f"{slow} {fast}")

    def open_pixels(self, pixels: str) -> None:
        """Trace pixels as the run form has them."""
        problem = self._both.start(pixels)
        if problem:
            self._app.say(problem, warning=True)

    def _open(self, reference: Ended, candidate: Ended) -> None:
        session = Session(str(reference.trace), str(candidate.trace))
        try:
            snapshot = session.first_look()
        except (BraggtraceError, OSError) as error:
            self._app.say(f"not opened: {error}", warning=True)
            return
        sides = f"reference: {reference.plan.choices}, candidate: {candidate.plan.choices}"
        self._app.hush()
        self._app.push_screen(
            _FromMap(session, snapshot, f"Esc goes back to the map · {self._doubt(snapshot) or sides}")
        )

    def _doubt(self, snapshot: Snapshot) -> str:
        """Which trace does not end at its image's value: then it is of another experiment. "" if none is known to."""
        from braggtrace.images.traced import traced_maps

        try:
            traced = traced_maps(snapshot.comparison)
        except BraggtraceError:
            return ""
        pixel = traced.reference.origin
        if not self._data.reference.holds(pixel):
            return ""
        ends = zip(("reference", "candidate"), values_at(self._data, pixel), values_at(traced, pixel), strict=False)
        for side, image, trace in ends:
            if image is None or trace is None or abs(image - trace) <= _SAME * max(abs(image), abs(trace)):
                continue
            return f"here the {side}'s image has {number(image, 5)}, its trace {number(trace, 5)}"
        return ""
