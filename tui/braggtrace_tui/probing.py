"""Evidence under way: `braggtrace probe` as a child, which can be ended at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from braggtrace.trace.text import visible
from braggtrace_tui.evidence import EvidencePlan, EvidenceResult, probe_command
from braggtrace_tui.running import Progress

__all__ = ["ProbeDesk"]

_ERROR = "braggtrace: error: "
_KEPT = "kept: "
_POLITE_S = 2.0
_AT_THE_END_S = 0.6


class _Probing:
    """One probe under way."""

    def __init__(
        self, plan: EvidencePlan, told: Callable[[Progress], None], ended: Callable[[EvidenceResult], None]
    ) -> None:
        self.plan, self.told, self.ended = plan, told, ended
        self.progress = Progress(f"evidence · {plan.topic}", time.monotonic())
        self.child: subprocess.Popen[str] | None = None
        self.cancelled = False

    def run(self, tell: Callable[[str], None]) -> EvidenceResult:
        """Run it to its end; blocks.

        Args:
            tell: gets what it says about how far it is.
        """
        streams: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        said: list[str] = []
        # A session of its own: Ctrl-C is the screen's to handle, and whatever it starts ends with it.
        with subprocess.Popen(
            probe_command(self.plan), text=True, errors="replace", start_new_session=True, **streams
        ) as child:
            self.child = child
            if self.cancelled:
                self.end()
            assert child.stderr is not None  # both were asked for
            assert child.stdout is not None
            for line in child.stderr:
                said = [*said, visible(line.rstrip("\n"))][-200:]
                tell(said[-1].removeprefix("braggtrace: "))
            path = child.stdout.read().removesuffix("\n")  # one line: it fits into the pipe
        return self._result(path, said)

    def _result(self, path: str, said: list[str]) -> EvidenceResult:
        from braggtrace.bundles.history import load_metrics

        if path:  # complete, however it ended after that
            return EvidenceResult(Path(path), str(load_metrics(Path(path))["summary"]), made=True)
        kept = next((line.removeprefix(_KEPT) for line in reversed(said) if line.startswith(_KEPT)), "")
        failed = next((line.removeprefix(_ERROR) for line in said if line.startswith(_ERROR)), "")
        if self.cancelled:
            building = (line.partition("workspace: building ")[2] for line in said)
            final = next(filter(None, building), "")
            partial = Path(f"{final}.partial")
            return EvidenceResult(partial if final and partial.is_dir() else None, "cancelled", cancelled=True)
        last = said[-1] if said else "it said nothing"
        return EvidenceResult(Path(kept) if kept else None, failed or f"the probe ended early: {last}")

    def end(self, *, after_s: float = _POLITE_S) -> None:
        """Ask it to end; whatever is left of it after a moment is killed."""
        child = self.child
        if child is None:
            return
        with suppress(ProcessLookupError):
            child.send_signal(signal.SIGTERM)
        limit = time.monotonic() + after_s
        while child.poll() is None and time.monotonic() < limit:
            time.sleep(0.01)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)


class ProbeDesk:
    """Makes one bundle at a time."""

    def __init__(self, hop: Callable[[Callable[[], None]], object]) -> None:
        """Make a desk.

        Args:
            hop: runs a function in the screen's loop; may be called from any thread.
        """
        self._hop = hop
        self._job: _Probing | None = None

    @property
    def progress(self) -> Progress | None:
        """How far the probe is that is under way, None if there is none."""
        return None if self._job is None else self._job.progress

    def launch(
        self, plan: EvidencePlan, told: Callable[[Progress], None], ended: Callable[[EvidenceResult], None]
    ) -> None:
        """Start one; returns at once.

        Args:
            plan: what it is about.
            told: is called in the screen's loop with progress.
            ended: is called there once.
        """
        assert self._job is None  # whoever launches has looked
        job = self._job = _Probing(plan, told, ended)
        threading.Thread(target=self._run, args=(job,), name="evidence", daemon=True).start()

    def cancel(self) -> bool:
        """Cancel what is under way; False if nothing is."""
        job = self._job
        if job is None:
            return False
        if not job.cancelled:
            job.cancelled = True
            job.progress = replace(job.progress, cancelling=True)
            job.told(job.progress)
            threading.Thread(target=job.end, name="cancelling", daemon=True).start()
        return True

    def close(self) -> None:
        """End what is under way and tell nobody; takes less than a second."""
        job, self._job = self._job, None
        if job is not None:
            job.cancelled = True
            job.end(after_s=_AT_THE_END_S)

    def _run(self, job: _Probing) -> None:
        """On a thread."""

        def tell(said: str) -> None:
            self._hop(lambda: self._told(job, said))

        try:
            result = job.run(tell)
        except Exception as error:  # noqa: BLE001 - a probe that never ends would block all others
            said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            result = EvidenceResult(None, said, cancelled=job.cancelled)
        self._hop(lambda: self._ended(job, result))

    # -- in the screen's loop ------------------------------------------------------------------------------------------

    def _told(self, job: _Probing, said: str) -> None:
        if self._job is job and not job.cancelled:
            job.progress = replace(job.progress, waiting=said)
            job.told(job.progress)

    def _ended(self, job: _Probing, result: EvidenceResult) -> None:
        if self._job is job:
            self._job = None
            job.ended(result)
