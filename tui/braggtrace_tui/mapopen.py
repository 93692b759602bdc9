"""From a pixel of two images to its traces: each side is traced as its image was made, then both are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from braggtrace.errors import BraggtraceError
from braggtrace.images.model import MapData
from braggtrace.images.report import number, values_at
from braggtrace_tui.config import Backends
from braggtrace_tui.runflags import plan_of_file, plan_of_request
from braggtrace_tui.runplan import RunPlan
from braggtrace_tui.screens.compare import CompareScreen
from braggtrace_tui.session import Session, Snapshot

if TYPE_CHECKING:
    from braggtrace_tui.engine_desk import Ended
    from braggtrace_tui.mapapp import MapApp
    from braggtrace_tui.running import Progress

__all__ = ["PixelOpener", "Sides", "sides_of"]

Sides = tuple[RunPlan, RunPlan]
"""How the reference is traced, and how the candidate is."""

_SAME = 1e-3
"""A trace that ends this much off its image is of another experiment: images are float32, and may hold noise."""


def sides_of(paths: Sequence[str], backends: Backends) -> Sides | None:
    """How the pixels of images are traced: the folder of a run says how it was made, else the user's flags do.

    Of an image that is in no such folder only the flags are known. Then the reference is the C program, or the profile
    that behaves like it, and the candidate is the physics without quirks.

    Args:
        paths: the images, the reference first.
        backends: the user's flags and C program.

    Returns:
        Both sides, or None where no flags are known.
    """
    recorded = [_recorded(path) for path in paths]
    flags = backends.args or backends.usual_args
    usual = plan_of_file(flags) if flags else next(filter(None, recorded), None)
    if usual is None:
        return None
    reference = recorded[0] or replace(usual, program=backends.program, profile="legacy", phi_mode="")
    candidate = (recorded[1] if len(recorded) > 1 else None) or replace(usual, profile="spec", phi_mode="")
    return replace(reference, image=False), replace(candidate, image=False)


def _recorded(path: str) -> RunPlan | None:
    """How the image of a kept run was made; None for any other image."""
    from braggtrace.runs.requests import RunRequest

    folder = Path(path) if Path(path).is_dir() else Path(path).parent
    try:
        return plan_of_request(RunRequest.from_json(orjson.loads((folder / "request.json").read_bytes())))
    except (OSError, ValueError, BraggtraceError):
        return None


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
    """Traces pixels on both sides, one after the other, and opens their comparison over the map.

    Args:
        app: where runs are launched and said.
        data: the images.
        sides: how their pixels are traced.
    """

    def __init__(self, app: MapApp, data: MapData, sides: Sides) -> None:
        self._app, self._data, self._sides = app, data, sides

    def open_pixel(self, slow: int, fast: int) -> str | None:
        """Trace a pixel; returns why that can't begin."""
        return self._trace(f"{slow} {fast}", [])

    def open_pixels(self, pixels: str) -> None:
        """Trace pixels as the run form has them."""
        problem = self._trace(pixels, [])
        if problem:
            self._app.say(problem, warning=True)

    def _trace(self, pixels: str, traced: list[Ended]) -> str | None:
        side = ("reference", "candidate")[len(traced)]
        plan = replace(self._sides[len(traced)], pixels=pixels)

        def told(progress: Progress) -> None:
            doing = "cancelling" if progress.cancelling else progress.waiting or "tracing"
            self._app.say(f"pixel {pixels}, {side} ({plan.choices}): {doing} · Esc cancels")

        try:
            self._app.desk.launch(plan, told, partial(self._ended, side, [*traced]))
        except BraggtraceError as error:
            return str(error)
        progress = self._app.desk.progress
        if progress is not None:
            told(progress)
        return None

    def _ended(self, side: str, traced: list[Ended], ended: Ended) -> None:
        if ended.outcome == "cancelled":
            self._app.say("cancelled; Enter traces this pixel again")
        elif ended.trace is None:
            self._app.say(f"the {side} can't be traced: {ended.sentence}", warning=True)
        elif traced:
            self._open(traced[0], ended)
        else:
            problem = self._trace(ended.plan.pixels, [ended])
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
        news = f"{self._doubt(snapshot) or sides} · Esc goes back to the map"
        self._app.push_screen(_FromMap(session, snapshot, news))

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
