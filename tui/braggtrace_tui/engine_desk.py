"""Runs under way: launched, followed, cancelled, and handed over with their files when they have ended.

Launching writes files and asks git for the revision, and cancelling writes to a pipe that may be stuck; so both happen
on threads. What comes back is handed to the screen's loop.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from braggtrace.errors import BraggtraceError, UsageError
from braggtrace_tui.engine import NO_ENGINE_WORDS, EngineHold
from braggtrace_tui.engine_capture import Capture
from braggtrace_tui.running import Progress
from braggtrace_tui.runplan import Pixels, RunPlan, experiment_of, parse_pixels

if TYPE_CHECKING:
    from braggtrace.runs.requests import RunRequest
    from braggtrace.runs.store import RunStore
    from braggtrace.service.client import Event, Ticket

__all__ = ["Ended", "RunDesk", "request_of", "slug_of"]


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that is over.

    Attributes:
        plan: what was to be run.
        outcome: "done", "failed" or "cancelled".
        folder: where it is kept, None if it came to no folder.
        trace: its trace, None if there is none.
        sentence: what went wrong, "" if nothing did.
        code: the engine's word for it.
        seconds: from the key to the end.
    """

    plan: RunPlan
    outcome: str
    folder: Path | None = None
    trace: Path | None = None
    sentence: str = ""
    code: str = ""
    seconds: float = 0.0


def slug_of(plan: RunPlan) -> str:
    """A few words for the name of a run's folder."""
    how = ["c"] if plan.program else [plan.device, plan.dtype, plan.phi_mode, plan.profile]
    if plan.image:
        return "-".join(["image", *filter(None, how)])
    pixels = parse_pixels(plan.pixels)
    first = pixels.each()[0]
    where = f"pixel-{first[0]}-{first[1]}" + (f"-and-{pixels.count - 1}-more" if pixels.count > 1 else "")
    return "-".join([where, *filter(None, how)])


def request_of(plan: RunPlan, engine: str) -> RunRequest:
    """The request that the run store keeps.

    Raises:
        UsageError: what was typed can't be understood.
    """
    from braggtrace.runs.requests import RunRequest

    if plan.image:
        pixels = Pixels()
    else:
        pixels = parse_pixels(plan.pixels)
    return RunRequest(
        kind="c-trace" if plan.program else "simulate" if plan.image else "trace",
        experiment=experiment_of(plan),
        pixels=pixels.pixels,
        rois=pixels.rois,
        device=plan.device,
        dtype=plan.dtype,
        engine="" if plan.program else engine,
        command=plan.program or None,
    )


class _Job:
    """One run under way."""

    def __init__(self, plan: RunPlan, told: Callable[[Progress], None], ended: Callable[[Ended], None]) -> None:
        self.plan = plan
        self.told = told
        self.ended = ended
        count = 0 if plan.image else parse_pixels(plan.pixels).count
        what = "image" if plan.image else plan.pixels if count == 1 else f"{count:,} pixels"
        self.began = time.monotonic()
        self.progress = Progress(f"{what} · {plan.choices}", time.monotonic())
        self.ticket: Ticket | Capture | None = None
        self.cancelled = False
        self.over = False


class RunDesk:
    """Launches one run at a time."""

    def __init__(self, hold: EngineHold, root: Path, hop: Callable[[Callable[[], None]], object]) -> None:
        """Make a desk.

        Args:
            hold: the engine.
            root: where runs are kept.
            hop: runs a function in the screen's loop; may be called from any thread.
        """
        self.hold = hold
        self.root = root
        self._hop = hop
        self._job: _Job | None = None

    @staticmethod
    def prepare() -> None:
        """Import, in the background, what the first run would have to wait for."""

        def load() -> None:
            import braggtrace.bundles.environment
            import braggtrace.runs.launch  # noqa: F401 - all for their effect
            import braggtrace_tui.screens.runform  # noqa: F401

        threading.Thread(target=load, name="preparing", daemon=True).start()

    @property
    def store(self) -> RunStore:
        """The runs that are kept."""
        from braggtrace.runs.store import RunStore

        return RunStore(self.root)

    def latest(self) -> RunRequest | None:
        """What the latest kept run was asked for."""
        return next((record.request for record in self.store.list() if record.request is not None), None)

    @property
    def progress(self) -> Progress | None:
        """How far the run is that is under way, None if there is none."""
        return None if self._job is None else self._job.progress

    def launch(self, plan: RunPlan, told: Callable[[Progress], None], ended: Callable[[Ended], None]) -> None:
        """Run something; returns at once.

        Args:
            plan: what.
            told: is called in the screen's loop with progress.
            ended: is called there once.

        Raises:
            BraggtraceError: a run is under way, or the plan makes no sense.
        """
        if self._job is not None:
            raise UsageError("a run is under way; Esc cancels it")
        request = request_of(plan, self.hold.choice.name)
        job = self._job = _Job(plan, told, ended)
        if not plan.program:
            self.hold.start()
            if self.hold.kind in ("idle", "starting"):
                job.progress = replace(job.progress, waiting="the engine is starting")
        threading.Thread(target=self._run, args=(job, request), name="running", daemon=True).start()

    def cancel(self) -> bool:
        """Ask the run that is under way to end; False if there is none."""
        job = self._job
        if job is None:
            return False
        job.cancelled = True
        job.progress = replace(job.progress, cancelling=True)
        job.told(job.progress)
        if job.ticket is not None:
            threading.Thread(target=job.ticket.cancel, name="cancelling", daemon=True).start()
        return True

    # -- on a thread ---------------------------------------------------------------------------------------------------

    def _run(self, job: _Job, request: RunRequest) -> None:
        try:
            if request.kind == "c-trace":
                self._capture(job, request)
            else:
                self._launch(job, request)
        except Exception as error:  # noqa: BLE001 - a run that never ends would block all others
            expected = isinstance(error, (BraggtraceError, OSError))
            sentence = str(error) if expected else f"a bug: {error!r}"
            self._hop(lambda: self._end(job, "failed", None, sentence))

    def _capture(self, job: _Job, request: RunRequest) -> None:
        """Run the C program; what it has traced before it failed is kept."""
        run = self.store.create(request, slug_of(job.plan))
        capture = job.ticket = Capture(request, run.folder / "trace.log")
        started = time.monotonic()

        def tell(said: str) -> None:
            self._hop(lambda: self._waiting(job, said))

        try:
            status = 0 if job.cancelled else capture.run(tell)
            said = "\n".join(capture.said)
        except OSError as error:
            run.fail(str(error))
            raise
        sentence = next((line for line in reversed(capture.said) if line.strip()), f"exit status {status}")
        if job.cancelled:
            run.fail("cancelled", cancelled=True, detail=said)
            self._hop(lambda: self._end(job, "cancelled", run.folder))
        elif (run.folder / "trace.log").exists():
            run.finish({"timing": {"run_s": time.monotonic() - started}, "log": said})
            self._hop(lambda: self._end(job, "done", run.folder, sentence if status else ""))
        else:
            run.fail(sentence, detail=said)
            self._hop(lambda: self._end(job, "failed", run.folder, sentence))

    def _launch(self, job: _Job, request: RunRequest) -> None:
        from braggtrace.runs.launch import launch

        client = self.hold.client
        if client is None:
            self._hop(lambda: self._end(job, "failed", None, NO_ENGINE_WORDS))
            return
        folder: Path | None = None
        opened = threading.Event()

        def heard(event: Event) -> None:
            opened.wait(5)
            self._heard(job, event, folder)

        run, ticket = launch(client, self.store, request, self.hold.throttled(heard), slug=slug_of(job.plan))
        folder, job.ticket = run.folder, ticket
        opened.set()
        if job.cancelled:
            ticket.cancel()

    # -- in the screen's loop ------------------------------------------------------------------------------------------

    def _heard(self, job: _Job, event: Event, folder: Path | None) -> None:
        fields: Any = event.fields
        if event.kind == "progress":
            self._hop(lambda: self._progress(job, fields))
        elif event.kind == "result":
            self._hop(lambda: self._end(job, "done", folder))
        else:
            outcome = "cancelled" if fields.get("code") == "cancelled" else "failed"
            code, sentence = str(fields.get("code")), str(fields.get("sentence") or "no reason was given")
            self._hop(lambda: self._end(job, outcome, folder, sentence, code))

    def _waiting(self, job: _Job, said: str) -> None:
        """A program that does not say how far it is has at least said something."""
        if not (job.over or job.cancelled):
            job.progress = replace(job.progress, waiting=said)
            job.told(job.progress)

    def _progress(self, job: _Job, fields: Any) -> None:
        if job.over or job.cancelled:
            return
        unit = str(fields.get("unit") or "pixels")
        fresh = job.progress.fraction < 0 or unit != job.progress.unit  # first input files are sent, then it computes
        job.progress = replace(
            job.progress,
            started=time.monotonic() if fresh else job.progress.started,
            fraction=float(fields.get("fraction") or 0.0),
            rate=float(fields.get("rate") or 0.0),
            unit=unit,
            waiting="",
        )
        job.told(job.progress)

    def _end(self, job: _Job, outcome: str, folder: Path | None, sentence: str = "", code: str = "") -> None:
        if job.over:
            return
        job.over = True
        self._job = None
        done = folder is not None and outcome == "done"
        trace = folder / "trace.log" if folder is not None and done and not job.plan.image else None
        seconds = time.monotonic() - job.began
        job.ended(Ended(job.plan, outcome, folder, trace, sentence, code, seconds))

    def close(self) -> None:
        """Forget what is under way; whoever runs it is ended with the engine."""
        job, self._job = self._job, None
        if job is not None:
            job.over = job.cancelled = True
            if isinstance(job.ticket, Capture):
                job.ticket.end()
