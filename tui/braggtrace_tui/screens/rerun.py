"""The compare screen, fourth part: run pixels again, and show the fresh trace beside what was there."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from braggtrace.errors import BraggtraceError
from braggtrace_tui.bothsides import BothSides, Sides, sides_of_images, sides_of_traces
from braggtrace_tui.engine_desk import Ended, request_of
from braggtrace_tui.runflags import first_plan
from braggtrace_tui.running import Progress, progress_line, seconds_words
from braggtrace_tui.runplan import Beside, RunPlan, parse_pixels
from braggtrace_tui.screens.moves import CompareMoves
from braggtrace_tui.session import Session, Snapshot

if TYPE_CHECKING:
    from textual.timer import Timer

    from braggtrace.runs.sweep import SweepRow
    from braggtrace.trace.model import Trace
    from braggtrace_tui.app import BraggtraceApp
    from braggtrace_tui.frame import Anchor
    from braggtrace_tui.screens.runform import FormAnswer
    from braggtrace_tui.screens.runlist import RunChoice

__all__ = ["CompareRuns"]

_FLASH_S = 0.15
"""A run that is over sooner shows no progress: its line would only flicker."""

_KEPT_BACK = 20


@dataclass(frozen=True, slots=True, eq=False)
class _Earlier:
    """A comparison to go back to."""

    session: Session
    snapshot: Snapshot
    place: Anchor | None


def _holds(trace: Trace, pixels: tuple[tuple[int, int], ...]) -> bool:
    """Whether a trace has one of these pixels; one without a name may be any."""
    known = {(slow, fast) for slow, fast in trace.pixels.tolist()}
    return not known.isdisjoint(pixels) or (-1, -1) in known


def _other_way(plan: RunPlan) -> str:
    """How the other side gets a pixel that it lacks."""
    return "" if plan.program or plan.beside is not Beside.REFERENCE else " (--bin PROGRAM traces the reference too)"


class CompareRuns(CompareMoves):
    """What the keys of the section Run again do."""

    def __init__(self, session: Session, snapshot: Snapshot) -> None:
        super().__init__(session, snapshot)
        self._plan: RunPlan | None = None
        self._earlier: list[_Earlier] = []
        self._showing: Timer | None = None

    # -- what is known -----------------------------------------------------------------------------------------------

    @property
    def here(self) -> tuple[int, int] | None:
        """(slow, fast) of the pixel that is shown."""
        where = self.frame.pixel_coordinates if self.frame is not None else None
        return where if where is not None and where[0] >= 0 else None

    @property
    def traced(self) -> tuple[tuple[int, int], ...]:
        """Every traced pixel that has a name."""
        return tuple((slow, fast) for slow, fast in self.comparison.pixels.tolist() if slow >= 0)

    def plan_here(self) -> RunPlan:
        """The form as it is opened: the last one of this screen, or what is known about the traces, at this pixel."""
        if self._plan is not None:
            plan = self._plan
        else:
            traces = (("candidate", self.comparison.candidate), ("reference", self.comparison.reference))
            plan = first_plan(traces, self.home.backends, self.home.desk.latest)
        here = self.here
        return replace(plan, image=False, pixels=plan.pixels if here is None else f"{here[0]} {here[1]}")

    def forget_runs(self) -> None:
        """Other traces were opened: what was known about the old ones is of no use."""
        self._plan, self._earlier = None, []

    # -- the form ----------------------------------------------------------------------------------------------------

    def do_rerun(self) -> None:
        self.open_form(self.plan_here())

    def open_form(self, plan: RunPlan) -> None:
        """Ask how to run; what is chosen is launched, or varied."""
        from braggtrace_tui.screens.runform import RunFormScreen

        def chosen(answer: FormAnswer | None) -> None:
            if answer is None:
                return
            self._plan = answer.plan
            if answer.sweep:
                self.open_sweep(answer.plan)
            else:
                self.launch(answer.plan)

        program = self.home.backends.program
        self.app.push_screen(RunFormScreen(plan, here=self.here, traced=self.traced, program=program), chosen)

    def trace_pixels(self, pixels: str) -> None:
        """Trace other pixels as the last run did; where nothing is known about how, ask.

        Args:
            pixels: as the form takes them: `S F` or `S0 S1 F0 F1`.
        """
        plan = replace(self.plan_here(), pixels=pixels)
        if plan.flags:
            self.launch(plan)
        else:
            self.open_form(plan)

    # -- a run -------------------------------------------------------------------------------------------------------

    def launch(self, plan: RunPlan) -> None:
        """Run it; the fresh trace is shown when it is there."""
        try:
            self.home.desk.launch(plan, self._run_told, self._run_ended)
        except BraggtraceError as error:
            self.say(str(error), warning=True)
            return
        self._plan = plan
        self._showing = self.set_timer(_FLASH_S, self._show_running)

    def cancel_run(self) -> bool:
        """Cancel the run that is under way; False if there is none."""
        return self.home.desk.cancel()

    def _run_told(self, _: Progress) -> None:
        if self.has_class("running"):
            self._show_running()

    def _show_running(self) -> None:
        progress = self.home.desk.progress
        if progress is None:
            return
        self.add_class("running")
        self.running.show([progress_line(progress, time.monotonic(), self.size.width or 80)])

    def _run_ended(self, ended: Ended) -> None:
        if self._showing is not None:
            self._showing.stop()
        self.remove_class("running")
        self.running.show([])
        if not self.is_running:
            return
        if ended.outcome == "cancelled":
            self.say("the run was cancelled; R starts another")
        elif ended.outcome == "failed":
            self.say(self._failure(ended), warning=True)
        elif ended.trace is None:
            self.say(f"the image is in {ended.folder}, after {seconds_words(ended.seconds)}")
            if ended.folder is not None and self.is_current:
                self.show_images([ended.folder])
        else:
            self.show_fresh(ended.plan, ended.trace, f"traced again in {seconds_words(ended.seconds)}")
            if ended.sentence:
                self.say(ended.sentence, warning=True)

    def _after_resize(self) -> None:
        super()._after_resize()
        if self.has_class("running"):
            self._show_running()

    def _failure(self, ended: Ended) -> str:
        """What to do comes first: the rest may be wider than the screen."""
        if ended.code in ("lost", "died", "protocol"):
            remote = bool(self.home.engine.choice.command) and ended.code != "died"
            return f"the run failed, {'M connects again' if remote else 'R runs it again'}: {ended.sentence}"
        if ended.folder is not None and len(ended.sentence) > self.size.width - 20:
            return f"the run failed, L has the whole message: {ended.sentence}"
        return f"the run failed: {ended.sentence}"

    def engine_changed(self) -> None:
        """The engine became ready, or was lost, while something waits for it."""
        if self.has_class("running"):
            self._show_running()

    # -- the fresh trace ---------------------------------------------------------------------------------------------

    def show_fresh(self, plan: RunPlan, trace: Path, news: str) -> None:
        """Show a fresh trace beside the trace that the plan says, at the same place."""
        kept: tuple[Trace | None, Trace | None]
        session, comparison = self.session, self.comparison
        complete = self.snapshot.complete
        if plan.beside is Beside.CANDIDATE:
            pair, kept = (str(trace), session.candidate), (None, comparison.candidate)
        elif plan.beside is Beside.BEFORE:
            pair, kept = (session.candidate, str(trace)), (comparison.candidate, None)
        else:
            pair, kept = (session.reference, str(trace)), (comparison.reference, None)
        pixels = parse_pixels(plan.pixels).each()
        other = comparison.reference if plan.beside is Beside.REFERENCE else comparison.candidate
        fresh = Session(*pair, replace(session.options, pixels=pixels), kept if complete else (None, None))
        words = f"beside the {plan.beside.value}: {plan.choices}"
        if complete and not _holds(other, pixels):
            words = f"but the {plan.beside.value} has no such pixel: all is on one side only{_other_way(plan)}"
        self.show_session(fresh, f"{news} · B goes back · {words}")

    def show_session(self, session: Session, news: str) -> None:
        """Go on with another pair of traces, at the same place, and keep this one to come back to."""
        session.decades = self.session.decades
        try:
            snapshot = session.first_look()
        except (BraggtraceError, OSError) as error:
            self.say(f"not shown: {error}", warning=True)
            return
        if self.snapshot.complete:
            self._remember()
            self._earlier = [*self._earlier, _Earlier(self.session, self.snapshot, self.table.place)][-_KEPT_BACK:]
        self.adopt(session, snapshot)
        self.say(news)

    def _remember(self) -> None:
        """Store where the cursor is, for the next time."""
        raise NotImplementedError

    def has_earlier(self) -> bool:
        return bool(self._earlier)

    def do_earlier(self) -> None:
        before = self._earlier.pop()
        self.adopt(before.session, before.snapshot)
        if before.place is not None:
            self.go_to_place(before.place)
        self.show_all()
        self.say("back to the comparison before")

    # -- other screens -----------------------------------------------------------------------------------------------

    def do_sweep(self) -> None:
        plan = self.plan_here()
        if plan.flags:
            self.open_sweep(plan)
        else:
            self.open_form(plan)

    def open_sweep(self, plan: RunPlan) -> None:
        """Vary a run; the combination that is chosen there is shown here."""
        from braggtrace_tui.screens.sweep import SweepScreen, Swept

        if self.home.desk.progress is not None:
            self.say("a run is under way; Esc cancels it", warning=True)
            return
        comparison, options = self.comparison, replace(self.session.judged_options, pixels=())
        fixed = comparison.candidate if plan.beside is not Beside.REFERENCE else comparison.reference

        def judged(plan: RunPlan, trace: Path) -> SweepRow:
            from braggtrace.runs.store import RunRecord
            from braggtrace.runs.sweep import judge

            request = request_of(plan, "")
            return judge(RunRecord(trace.parent.name, trace.parent, "done", "", request, None, None, {}, {}), request,
                         fixed, options)  # fmt: skip

        def chosen(swept: Swept | None) -> None:
            if swept is not None:
                self._plan = swept.plan
                self.show_fresh(swept.plan, swept.trace, "from the sweep")

        self.app.push_screen(SweepScreen(plan, judged, plan.beside.value), chosen)

    def do_engine(self) -> None:
        from braggtrace_tui.screens.enginestate import EngineScreen

        self.app.push_screen(EngineScreen(self.home.engine))

    def show_images(self, folders: list[Path]) -> None:
        """Open the map of one image run, or of two: the reference's first."""
        reading = (folders, self.home)
        threading.Thread(target=self._read_images, args=reading, name="images", daemon=True).start()

    def _read_images(self, folders: list[Path], app: BraggtraceApp) -> None:
        """On a thread: a detector has millions of pixels."""
        from braggtrace.images.load import read_images
        from braggtrace.images.measure import map_data
        from braggtrace_tui.screens.map import MapScreen

        try:
            images = read_images(folders)
            data = map_data(images[0], images[1] if len(images) > 1 else None)
        except (BraggtraceError, OSError) as error:
            app.call_later(self.say, f"no map: {error}", warning=True)
            return

        sides = sides_of_images(folders, app.backends) if len(folders) > 1 else None

        def open_pixel(slow: int, fast: int) -> str | None:
            if sides is None:
                return self.open_from_map(slow, fast)
            app.pop_screen()
            self._trace_both(f"{slow} {fast}", sides)
            return None

        def show() -> None:
            app.push_screen(MapScreen(data, open_pixel=open_pixel, run_pixels=self.run_from_map))

        app.call_later(show)

    def run_from_map(self, pixels: str) -> None:
        """Leave the map for the run form."""
        self.app.pop_screen()
        self.open_form(replace(self.plan_here(), pixels=pixels, image=False))

    def open_from_map(self, slow: int, fast: int) -> str | None:
        """Leave the map for a pixel's values, traced first: on both sides if neither has it and both can be traced."""
        self.app.pop_screen()
        plan = self.plan_here()
        neither = not any(
            _holds(each, ((slow, fast),)) for each in (self.comparison.reference, self.comparison.candidate)
        )
        sides = sides_of_traces(self.comparison.reference, plan, self.home.backends.program) if neither else None
        if sides is None:
            self.trace_pixels(f"{slow} {fast}")
        else:
            self._trace_both(f"{slow} {fast}", sides)
        return None

    def _trace_both(self, pixels: str, sides: Sides) -> None:
        """Trace pixels on both sides, and go on with that comparison."""

        def opened(reference: Ended, candidate: Ended) -> None:
            options = replace(self.session.options, pixels=())
            words = f"reference: {reference.plan.choices}, candidate: {candidate.plan.choices}"
            self.show_session(Session(str(reference.trace), str(candidate.trace), options), f"B goes back · {words}")

        problem = BothSides(self.home.desk, sides, self.say, opened).start(pixels)
        if problem:
            self.say(problem, warning=True)

    def do_runs(self) -> None:
        from braggtrace_tui.runlist import RunRow, run_row
        from braggtrace_tui.screens.runlist import RunListScreen

        store = self.home.desk.store

        def load() -> list[RunRow]:
            return [run_row(record) for record in store.list()]

        def chosen(choice: RunChoice | None) -> None:
            if choice is not None:
                self._show_run(choice)

        self.app.push_screen(RunListScreen(load, lambda row: store.delete(row.name), str(store.root)), chosen)

    def _show_run(self, choice: RunChoice) -> None:
        run, other = choice.run, choice.other
        if choice.what == "change":
            self.open_form(replace(run.plan, origin=f"run {run.name}"))
        elif choice.what in ("compare", "open") and run.plan.image:
            self.show_images([each.folder for each in (run, other) if each is not None])
        elif choice.what == "compare" and other is not None:
            session = Session(str(run.trace), str(other.trace), replace(self.session.options, pixels=()))
            words = f"{run.plan.choices} (reference) with {other.plan.choices} (candidate)"
            self.show_session(session, f"B goes back · {words}")
        elif run.trace is not None:
            plan = replace(run.plan, beside=Beside.REFERENCE)
            self.show_fresh(plan, run.trace, "a kept run")
