"""The compare screen, fifth part: evidence of what is on screen, and the evidence that is kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from textual import events

from braggtrace_tui.evidence import EvidencePlan, EvidenceResult, result_lines, tolerance_words, topic_of
from braggtrace_tui.pieces import Line
from braggtrace_tui.running import Progress, progress_line
from braggtrace_tui.screens.rerun import CompareRuns
from braggtrace_tui.session import Session, Snapshot

if TYPE_CHECKING:
    from braggtrace_tui.runplan import RunPlan
    from braggtrace_tui.screens.bundlelist import BundleChoice

__all__ = ["CompareEvidence"]

Notice: TypeAlias = Callable[[int], list[Line]]
"""Lines for a width."""

_BUSY = "evidence is being gathered; Esc cancels it"


def _bundles_in(folder: Path) -> int:
    """How many finished bundles a folder has."""
    from braggtrace.bundles.names import is_stamp

    try:
        return sum(is_stamp(path.name) for path in folder.iterdir())
    except OSError:
        return 0


class CompareEvidence(CompareRuns):
    """What `E` and `b` do."""

    def __init__(self, session: Session, snapshot: Snapshot) -> None:
        super().__init__(session, snapshot)
        self._topic = ""
        self._root = ""
        self._looked_into = ""
        self._notice: Notice | None = None
        self._made: Path | None = None

    # -- making ------------------------------------------------------------------------------------------------------

    def do_evidence(self) -> None:
        from braggtrace_tui.screens.evidenceform import EvidenceFormScreen

        busy = _BUSY if self.home.probes.progress else "a run is under way; Esc cancels it"
        if self.home.probes.progress is not None or self.home.desk.progress is not None:
            self.say(busy, warning=True)
            return
        if self.session.changed_on_disk():
            self.say("a file has changed on disk, of which the evidence would be: r reads both again", warning=True)
            return
        session = self.session
        options = session.judged_options
        plan = EvidencePlan(
            session.reference,
            session.candidate,
            options,
            pixels=options.pixels,
            root=self._root or self.home.backends.root,
            topic=topic_of(session.reference, session.candidate, self._topic),
        )
        tolerance = tolerance_words(options.all_tolerances, self.context.fixes)

        def chosen(plan: EvidencePlan | None) -> None:
            if plan is not None:
                self._topic, self._root, self._looked_into = plan.topic, plan.root, ""
                self._clear_notice()
                self.home.probes.launch(plan, self._probe_told, self._probe_ended)
                self._show_probe()

        traced = len(self.comparison.pixels) if self.snapshot.complete else 0
        form = EvidenceFormScreen(plan, here=self.here, traced=traced, tolerance=tolerance, known=_bundles_in)
        self.app.push_screen(form, chosen)

    def _probe_told(self, _: Progress) -> None:
        self._show_probe()

    def _show_probe(self) -> None:
        progress = self.home.probes.progress
        if progress is not None and self.is_running:
            self._show_lines([progress_line(progress, time.monotonic(), self.size.width or 80)])

    def _probe_ended(self, result: EvidenceResult) -> None:
        if not self.is_running:
            return
        self._made = result.path if result.made else None
        self._show_notice(lambda width: result_lines(result, width))

    def _show_lines(self, lines: list[Line]) -> None:
        """Lines between the table and the footer; none of them hides the place."""
        self.set_class(bool(lines), "running")
        self.running.styles.height = max(1, len(lines))
        self.running.show(lines)

    def _show_notice(self, notice: Notice) -> None:
        """Say something that stays until Esc, or until something else is compared."""
        self._notice = notice
        self._show_lines(notice(self.size.width or 80))

    def _clear_notice(self) -> bool:
        """Take it away; False if nothing was said."""
        notice, self._notice, self._made = self._notice, None, None
        if notice is not None:
            self._show_lines([])
        return notice is not None

    def on_resize(self) -> None:
        """Break the lines anew; the base's own method is called besides."""
        if self._notice is not None:
            self._show_lines(self._notice(self.app.size.width))

    def on_key(self, event: events.Key) -> None:
        """While the answer stands there, y copies its path; any other key does what it always does."""
        made = self._made
        if made is not None and event.character == "y":
            event.stop()
            event.prevent_default()
            self._clear_notice()
            self.copy_text(str(made.absolute()))

    def copy_text(self, text: str) -> None:
        """Copy something, and say how."""
        raise NotImplementedError

    # -- one thing at a time -----------------------------------------------------------------------------------------

    def launch(self, plan: RunPlan) -> None:
        """Run it, unless evidence is being gathered."""
        if self.home.probes.progress is not None:
            self.say(_BUSY, warning=True)
            return
        self._clear_notice()
        self.running.styles.height = 1
        super().launch(plan)

    def open_sweep(self, plan: RunPlan) -> None:
        """Vary a run, unless evidence is being gathered."""
        if self.home.probes.progress is not None:
            self.say(_BUSY, warning=True)
            return
        super().open_sweep(plan)

    def show_session(self, session: Session, news: str) -> None:
        """Go on with another pair of traces; what was said about this one goes."""
        self._clear_notice()
        super().show_session(session, news)

    def forget_runs(self) -> None:
        """Other traces were opened."""
        self._clear_notice()
        super().forget_runs()

    def do_earlier(self) -> None:
        self._clear_notice()
        super().do_earlier()

    def cancel_run(self) -> bool:
        """Cancel the run or the probe that is under way; False if there is none."""
        return self._clear_notice() or self.home.probes.cancel() or super().cancel_run()

    # -- what is kept ------------------------------------------------------------------------------------------------

    def do_bundles(self) -> None:
        from braggtrace_tui.screens.bundlelist import BundleListScreen

        def chosen(choice: BundleChoice | None) -> None:
            if choice is not None:
                self._show_bundles(choice)

        def left(root: str) -> None:
            self._looked_into = root

        root = self._looked_into or self._root or self.home.backends.root
        self.app.push_screen(BundleListScreen(root, left), chosen)

    def _show_bundles(self, choice: BundleChoice) -> None:
        """One bundle as it was judged; or the candidates of two, as the screen judges."""
        one, other = choice.bundle, choice.other
        options = replace(self.session.options, pixels=()) if other is not None else one.options
        reference = one.trace if other is not None else one.reference
        candidate = one.trace if other is None else other.trace
        session = Session(reference, candidate, options)
        before = self.session
        if other is None:
            self.show_session(session, f"{one.name}: its candidate beside its reference · B goes back")
        else:
            self.show_session(session, f"the candidates of {one.name} and {other.name} · B goes back")
        if self.session is not before:
            self._show_setups(choice)

    def _show_setups(self, choice: BundleChoice) -> None:
        from braggtrace_tui.bundlelist import setup_lines

        setups = choice.setups
        if setups is not None:
            self._show_notice(lambda width: setup_lines(setups, width, 2))
