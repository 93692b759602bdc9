"""The steps of a probe, from a request to a sealed bundle.

Whatever happens on the way, what was captured stays in a folder whose name says that it is not complete, with an
`attempt.log` that says how far it got and what to do.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import orjson

from braggtrace.bundles import names
from braggtrace.bundles.baseline import Baseline, find_baseline, patch_against, text_sums
from braggtrace.bundles.completeness import Complete, check_trace
from braggtrace.bundles.environment import Revision, cpu_info, describe_inputs, environment
from braggtrace.bundles.evidence import Evidence, Files, Told, derive, gather, previous_of
from braggtrace.bundles.gates import exit_status
from braggtrace.bundles.history import Record, State, bundles_of
from braggtrace.bundles.ledger import append_attempt, attempt_of, check_ledger, format_attempt
from braggtrace.bundles.metrics import Made, assemble, configuration, dump
from braggtrace.bundles.pages import render_pages
from braggtrace.bundles.places import Json
from braggtrace.bundles.preflight import check_arguments, preflight
from braggtrace.bundles.records import commands_text
from braggtrace.bundles.reference import Reference, capture_reference, copy_reference
from braggtrace.bundles.request import Judging, ProbeRequest
from braggtrace.bundles.source import Captured, GivenTrace, TraceSource, read_text
from braggtrace.bundles.workspace import Clock, SystemClock, Workspace, claim
from braggtrace.errors import BraggtraceError, OutputError, ProbeBlockedError
from braggtrace.trace.model import Trace
from braggtrace.trace.text import visible

__all__ = ["Outcome", "Reporter", "Storyteller", "probe"]

Pixel = tuple[int, int]

Reporter: TypeAlias = Callable[[str, str], None]
"""Told the step and what it did or does."""

Storyteller: TypeAlias = Callable[[Evidence, Files, Judging], Told]
"""Says why the candidate diverges; where it can't, why not."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_REMEDIES = {
    "preflight": "mend what is missing and start the probe again",
    "run": "mend the flags, the device or the installation (`braggtrace doctor`) and start again",
    "capture": "see the messages of the C program in this folder, and start again",
    "check": "the trace is not what its configuration implies: look at it in this folder before trusting any of it",
    "compare": "`braggtrace diff` shows what it can read of the reference; the trace itself is in this folder",
    "bundle": "make room, or write somewhere else with --root, and start again",
    "ledger": "the bundle is complete; append its entry by hand or start again",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a probe made.

    Attributes:
        path: the finished bundle.
        metrics: the contents of its `metrics.json`.
        exit_status: what to say to the shell.
        entry: the ledger's entry, "" without a ledger.
    """

    path: Path
    metrics: Json
    exit_status: int
    entry: str


def probe(
    request: ProbeRequest,
    *,
    source: TraceSource | None = None,
    clock: Clock | None = None,
    report: Reporter | None = None,
    story: Storyteller | None = None,
) -> Outcome:
    """Capture the evidence about some pixels.

    Args:
        request: what to do.
        source: where the candidate's trace comes from: `compute.ComputedTrace` computes it; None takes the file that
            the request names.
        clock: the time.
        report: told every step, if anybody wants to know.
        story: says why something diverges, if anybody can.

    Raises:
        BraggtraceError: the request makes no sense, or the folder can't be made; nothing was begun.
        ProbeBlockedError: a step failed; it says where what was captured is.
    """
    check_arguments(request)
    chosen = source or GivenTrace()
    chosen.check(request)
    clock = clock or SystemClock()
    begun = clock.monotonic()
    space = claim(request.root, request.topic, clock)
    run = _Probe(request, chosen, space, report, story, begun)
    try:
        return run.all_steps()
    except ProbeBlockedError:
        raise
    except BraggtraceError as error:
        raise run.blocked(str(error), in_writing=isinstance(error, OutputError)) from error
    except OSError as error:
        said = f"{f'{error.filename}: ' if error.filename else ''}{error.strerror or error}"
        raise run.blocked(said, in_writing=error.errno in _NO_ROOM) from error
    except BaseException as error:
        asked = isinstance(error, (KeyboardInterrupt, SystemExit))
        run.note(f"{'interrupted' if asked else f'stopped by {type(error).__name__}'} in step {run.step}")
        raise


@dataclass(frozen=True, slots=True)
class _Ready:
    """What was found out before the work."""

    revision: Revision
    inputs: list[Json]
    earlier: list[Record]
    baseline: Baseline | None
    reference: Reference


class _Probe:
    """One probe on its way."""

    def __init__(
        self,
        request: ProbeRequest,
        source: TraceSource,
        space: Workspace,
        report: Reporter | None,
        story: Storyteller | None,
        begun: float,
    ) -> None:
        self.request, self.source, self.space, self.story = request, source, space, story
        self._report, self._begun = report, begun
        self.step = "workspace"
        self.finished: Path | None = None
        self.warnings: list[str] = []

    def say(self, text: str) -> None:
        """Report what the current step did."""
        if self.finished is None:
            self.space.log(f"{self.step}: {text}")
        if self._report is not None:
            self._report(self.step, text)

    def note(self, text: str) -> None:
        """A last line in `attempt.log`, as far as it can still be written."""
        if self.finished is None:
            with suppress(BraggtraceError):
                self.space.log(text)

    def blocked(self, what: str, *, in_writing: bool) -> ProbeBlockedError:
        """The error that says which step failed, what to do, and where everything is."""
        step = "bundle" if in_writing and self.finished is None else self.step  # writing fails alike in every step
        remedy = _REMEDIES.get(step, "")
        kept = self.finished or self.space.folder
        if self.finished is None:
            self.note(f"BLOCKED in step {self.step}: {what}")
            self.note(f"to do: {remedy}")
        return ProbeBlockedError(self.step, what, remedy, kept)

    def all_steps(self) -> Outcome:
        """From preflight to ledger."""
        request, space = self.request, self.space
        self.say(f"building {space.final}")
        self.step = "preflight"
        ready = self._preflight()

        self.step = "run"
        captured = self.source.take(request, space, self.say)
        self.warnings += captured.warnings
        reference = ready.reference
        if request.capture is not None:
            self.step = "capture"
            reference = capture_reference(request, space, self.say)
            self.warnings += reference.warnings

        self.step = "check"
        texts = self._texts(captured)
        complete = check_trace(request, captured.expectation, texts)
        self.warnings += complete.warnings
        self.say(complete.said)

        self.step = "compare"
        files = Files(
            candidate=tuple(space.folder / name for name in (captured.main, captured.per_phi)),
            reference=tuple(space.folder / stored for stored in reference.origins),
            baseline=() if ready.baseline is None else ready.baseline.paths,
        )
        evidence = gather(files, request.judging, complete.pixels)
        evidence = replace(evidence, pixels=complete.pixels or _pixels_of(evidence.traces["candidate"]))
        derived = derive(evidence, previous_of(evidence, captured.previous), request.gates)
        told = self._told(evidence, files, derived)
        notes = (*evidence.notes, *([told.why_not] if told.why_not else []))
        made = self._made(captured, ready, complete, {"candidate": self._own(captured, texts)})
        made.files["reference"] = self._theirs(reference)
        metrics = assemble(replace(made, told=told, notes=notes), derived)
        self.say(metrics["summary"])

        self.step = "bundle"
        self._write(metrics, evidence, captured, ready, texts)
        self.finished = space.finish()
        self.say(str(self.finished))

        self.step = "ledger"
        entry = self._ledger(metrics)
        return Outcome(self.finished, metrics, exit_status(metrics), entry)

    def _preflight(self) -> _Ready:
        """Whatever can be found wrong before the work is found here."""
        request = self.request
        revision, inputs, warnings = preflight(request, self.source)
        self.warnings += warnings
        earlier = self._earlier()
        baseline = find_baseline(request.baseline, earlier, request.topic)
        reference = copy_reference(request, self.space)
        base = "no baseline" if baseline is None else f"baseline {baseline.name}"
        self.say(f"{len(inputs)} input files are there; revision {revision}; {base}")
        for warning in self.warnings:
            self.say(f"warning: {warning}")
        for fault in baseline.faults if baseline is not None else ():
            self.say(f"warning: the baseline does not verify: {fault}")
        return _Ready(revision, describe_inputs(inputs), earlier, baseline, reference)

    def _earlier(self) -> list[Record]:
        """The finished bundles of the topic, and a word about a clock that has been set back."""
        records = [record for record in bundles_of(self.space.final.parent) if record.state is State.COMPLETE]
        newest = max((record.name for record in records), default="")
        if newest > self.space.stamp:
            self.warnings.append(
                f"the clock is behind the bundle {newest}; bundles are ordered by their sequence number"
            )
        return records

    def _told(self, evidence: Evidence, files: Files, derived: Json) -> Told:
        """The cause of the divergence, if there is one and somebody can tell."""
        if self.story is None or derived["first_divergence"] is None:
            return Told()
        self.say("searching for the cause")
        return self.story(evidence, files, self.request.judging)

    def _texts(self, captured: Captured) -> dict[str, bytes]:
        """The candidate's files without compression, by their names without it."""
        stored = (captured.main, captured.per_phi)
        return {names.unstored(name): read_text(str(self.space.folder / name)) for name in stored}

    def _own(self, captured: Captured, texts: Mapping[str, bytes]) -> list[Json]:
        """Names and checksums of the candidate's files."""
        stored = (captured.main, captured.per_phi)
        return [{**entry, "stored": name} for entry, name in zip(text_sums(texts), stored, strict=True)]

    def _theirs(self, reference: Reference) -> list[Json]:
        """Names, checksums and origins of the reference's files."""
        out = []
        for stored, origin in reference.origins.items():
            (entry,) = text_sums({names.unstored(stored): read_text(str(self.space.folder / stored))})
            out.append({**entry, "stored": stored, "from": visible(origin)})
        return out

    def _made(self, captured: Captured, ready: _Ready, complete: Complete, files: Json) -> Made:
        """How the bundle came about, as the metrics say it."""
        setup = configuration(self.request, captured, ready.inputs)
        total = self.space.clock.monotonic() - self._begun
        return Made(
            bundle=self.space.stamp,
            topic=self.request.topic,
            time_utc=f"{self.space.started:%Y-%m-%dT%H:%M:%SZ}",
            configuration=setup,
            revision=ready.revision,
            files=files,
            lines=complete.lines,
            baseline=None if ready.baseline is None else ready.baseline.as_json({"configuration": setup}),
            earlier=ready.earlier,
            warnings=tuple(self.warnings),
            note="\n".join(visible(line) for line in self.request.note.splitlines()),
            runtime_s={"trace": round(captured.seconds, 3), "total": round(total, 3)},
        )

    def _write(
        self, metrics: Json, evidence: Evidence, captured: Captured, ready: _Ready, texts: Mapping[str, bytes]
    ) -> None:
        """Everything else; what follows from the metrics is written from them alone."""
        space, request = self.space, self.request
        folder = request.experiment.folder.absolute()
        space.write(names.COMMANDS, commands_text(request, metrics, ready.revision, folder))
        facts = environment(ready.revision, captured.facts, ready.inputs, metrics["time_utc"])
        space.write(names.ENVIRONMENT, orjson.dumps(facts, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        space.write(names.CPU, cpu_info())
        if "gpu" in captured.facts:
            space.write(names.GPU, "".join(f"{key}: {value}\n" for key, value in captured.facts["gpu"].items()))
        for name, text in ((names.MAP, request.judging.mapping), (names.TOLERANCES, request.judging.tolerances)):
            if text:
                space.write(name, text)
        if ready.baseline is not None:
            space.write(names.BASELINE_PATCH, patch_against(ready.baseline, texts), compressible=True)
        present = [path.name for path in space.folder.iterdir()]
        pages = {name: page.encode() for name, page in render_pages(metrics, evidence, present).items()}
        for name, page in pages.items():
            space.write(name, page)
        metrics["pages"] = {name: hashlib.sha256(page).hexdigest() for name, page in pages.items()}
        space.write(names.METRICS, dump(metrics))

    def _ledger(self, metrics: Json) -> str:
        ledger = self.request.ledger
        if ledger is None or self.finished is None:
            return ""
        attempt = attempt_of(metrics, self.request.command, self.finished, ledger)
        if self.request.dry_run:
            entry = format_attempt(attempt, check_ledger(ledger))
        else:
            entry = append_attempt(ledger, attempt)
            self.say(f"appended to {ledger}")
        return entry


def _pixels_of(trace: Trace) -> tuple[Pixel, ...]:
    """The pixels that a trace names."""
    return tuple((slow, fast) for slow, fast in trace.pixels.tolist() if slow >= 0)
