"""Pixels that neither side has: how each side was made, and tracing both, one after the other. No screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from braggtrace.errors import BraggtraceError
from braggtrace_tui.config import Backends
from braggtrace_tui.runflags import plan_of_file, plan_of_request, plan_of_trace
from braggtrace_tui.runplan import RunPlan

if TYPE_CHECKING:
    from braggtrace.trace.model import Trace
    from braggtrace_tui.engine_desk import Ended, RunDesk
    from braggtrace_tui.running import Progress

__all__ = ["BothSides", "Say", "Sides", "sides_of_images", "sides_of_traces"]

Sides = tuple[RunPlan, RunPlan]
"""How the reference is traced, and how the candidate is."""


class Say(Protocol):
    """Answers the user."""

    def __call__(self, text: str, /, *, warning: bool = False) -> None:
        """Show a sentence until the next key."""


def sides_of_images(paths: Sequence[str | Path], backends: Backends) -> Sides | None:
    """How the pixels of images are traced: the folder of a run says how it was made, else the user's flags do.

    Of an image that is in no such folder only the flags are known. Then the reference is the C program, or the profile
    that behaves like it, and the candidate is the physics without quirks.

    Args:
        paths: the images, the reference first.
        backends: the user's flags and C program.

    Returns:
        Both sides, or None where no flags are known.
    """
    recorded = [_recorded_image(Path(path)) for path in paths]
    flags = backends.args or backends.usual_args
    usual = plan_of_file(flags) if flags else next(filter(None, recorded), None)
    if usual is None:
        return None
    reference = recorded[0] or replace(usual, program=backends.program, profile="legacy", phi_mode="")
    candidate = (recorded[1] if len(recorded) > 1 else None) or replace(usual, profile="spec", phi_mode="")
    return replace(reference, image=False), replace(candidate, image=False)


def _recorded_image(path: Path) -> RunPlan | None:
    """How the image of a kept run was made; None for any other image."""
    import orjson

    from braggtrace.runs.requests import RunRequest

    folder = path if path.is_dir() else path.parent
    try:
        return plan_of_request(RunRequest.from_json(orjson.loads((folder / "request.json").read_bytes())))
    except (OSError, ValueError, BraggtraceError):
        return None


def sides_of_traces(reference: Trace, usual: RunPlan, program: str) -> Sides | None:
    """How pixels are traced that neither of two traces has.

    A reference of which nothing is known, and one from a C program, is traced by the user's own C program. A program
    that a trace names is never run: anybody may have written the trace.

    Args:
        reference: the reference's trace.
        usual: how the candidate is traced.
        program: the user's C program, "" for none.

    Returns:
        Both sides, or None where the reference can't be traced.
    """
    recorded = plan_of_trace(reference)
    if recorded is None or _is_from_c(reference):
        recorded = replace(recorded or usual, program=program) if program else None
    return None if recorded is None or not usual.flags else (recorded, replace(usual, program="", image=False))


def _is_from_c(trace: Trace) -> bool:
    """Whether a trace says that a C program made it."""
    from braggtrace.runs.recorded import recorded_in

    recorded = recorded_in(trace)
    return recorded is not None and "program" in recorded.more


class BothSides:
    """Traces the same pixels on both sides.

    Args:
        desk: launches the runs.
        sides: how each side is traced.
        say: is told what happens.
        opened: gets both runs once they are done.
    """

    def __init__(self, desk: RunDesk, sides: Sides, say: Say, opened: Callable[[Ended, Ended], None]) -> None:
        self._desk, self._sides, self._say, self._opened = desk, sides, say, opened

    def start(self, pixels: str) -> str | None:
        """Begin; returns why that is not possible, or None.

        Args:
            pixels: as the run form has them.
        """
        if self._desk.hold.kind == "lost" and not all(side.program for side in self._sides):
            self._desk.hold.reconnect()
            return "the engine was lost; it is connected again now: press the key once more"
        return self._trace(pixels, None)

    def _trace(self, pixels: str, reference: Ended | None) -> str | None:
        side = "reference" if reference is None else "candidate"
        plan = replace(self._sides[reference is not None], pixels=pixels)

        def told(progress: Progress) -> None:
            doing = "cancelling" if progress.cancelling else progress.waiting or "tracing"
            self._say(f"pixel {pixels}, {side} ({plan.choices}): {doing} · Esc cancels")

        try:
            self._desk.launch(plan, told, partial(self._ended, reference))
        except BraggtraceError as error:
            return str(error)
        progress = self._desk.progress
        if progress is not None:
            told(progress)
        return None

    def _ended(self, reference: Ended | None, ended: Ended) -> None:
        if ended.outcome == "cancelled":
            self._say("cancelled; Enter traces it again")
        elif ended.trace is None:
            side = "reference" if reference is None else "candidate"
            self._say(f"the {side} can't be traced: {ended.sentence}", warning=True)
        elif reference is not None:
            self._opened(reference, ended)
        else:
            problem = self._trace(ended.plan.pixels, ended)
            if problem:
                self._say(problem, warning=True)
