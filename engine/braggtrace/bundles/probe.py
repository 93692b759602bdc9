"""The steps of a probe, from a request to a sealed bundle.

Whatever happens on the way, what was captured stays in a folder whose name says that it is not complete, with an
`attempt.log` that says how far it got and what to do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import orjson

from braggtrace.bundles import names
from braggtrace.bundles.baseline import Baseline, find_baseline, patch_against, text_sums
from braggtrace.bundles.environment import Revision, cpu_info, describe_inputs, environment
from braggtrace.bundles.evidence import Evidence, Files, derive, gather, previous_of
from braggtrace.bundles.gates import exit_status
from braggtrace.bundles.history import Record, State, bundles_of
from braggtrace.bundles.ledger import append_attempt, attempt_of, check_ledger, format_attempt
from braggtrace.bundles.lines import Found, compare_counts, count_lines, find_problems, tag_of, total_kinds
from braggtrace.bundles.metrics import Made, assemble, configuration, dump
from braggtrace.bundles.pages import render_pages
from braggtrace.bundles.places import Json
from braggtrace.bundles.preflight import check_arguments, preflight
from braggtrace.bundles.records import commands_text
from braggtrace.bundles.request import Judging, ProbeRequest
from braggtrace.bundles.source import Captured, GivenTrace, TraceSource, read_text, side_texts
from braggtrace.bundles.words import tag_lines
from braggtrace.bundles.workspace import Clock, SystemClock, Workspace, claim
from braggtrace.errors import BraggtraceError, BundleError, ProbeBlockedError
from braggtrace.trace.model import Trace
from braggtrace.trace.reader import files_of
from braggtrace.trace.text import visible

__all__ = ["Outcome", "Reporter", "Storyteller", "probe"]

Pixel = tuple[int, int]

Reporter: TypeAlias = Callable[[str, str], None]
"""Told the step and what it did or does."""

Storyteller: TypeAlias = Callable[[Evidence, Files, Judging], tuple[Sequence[str], str]]
"""Says in lines of plain text why the candidate diverges; where it can't, why not."""

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
        raise run.blocked(str(error)) from error
    except OSError as error:
        raise run.blocked(f"{f'{error.filename}: ' if error.filename else ''}{error.strerror or error}") from error
    except BaseException as error:
        run.note(f"stopped by {type(error).__name__} in step {run.step}")
        raise


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

    def blocked(self, what: str) -> ProbeBlockedError:
        """The error that says which step failed, what to do, and where everything is."""
        remedy = _REMEDIES.get(self.step, "")
        kept = self.finished or self.space.folder
        if self.finished is None:
            self.note(f"BLOCKED in step {self.step}: {what}")
            self.note(f"to do: {remedy}")
        return ProbeBlockedError(self.step, what, remedy, kept)

    def all_steps(self) -> Outcome:
        """From preflight to ledger."""
        self.say(f"building {self.space.final}")
        self.step = "preflight"
        revision, inputs, warnings = preflight(self.request, self.source)
        self.warnings += warnings
        described = describe_inputs(inputs)
        earlier = self._earlier()
        baseline = find_baseline(self.request.baseline, earlier, self.request.topic)
        references = self._take_reference()
        self._report_preflight(revision, len(inputs), baseline)

        self.step = "run"
        captured = self.source.take(self.request, self.space, self.say)
        self.warnings += captured.warnings
        if self.request.capture is not None:
            self.step = "capture"
            references = self._capture()

        self.step = "check"
        texts = self._texts(captured)
        lines, pixels = self._check(captured, texts)

        self.step = "compare"
        files = Files(
            candidate=tuple(self.space.folder / name for name in (captured.main, captured.per_phi) if name),
            reference=tuple(self.space.folder / stored for stored in references),
            baseline=() if baseline is None else baseline.paths,
        )
        evidence = gather(files, self.request.judging, pixels)
        evidence = replace(evidence, pixels=pixels or _pixels_of(evidence.traces["candidate"]))
        derived = derive(evidence, previous_of(evidence, captured.previous), self.request.gates)

        made = self._made(captured, described, revision, lines, baseline, earlier, evidence)
        made = replace(made, files=self._files(captured, texts, references))
        if (
            self.story is not None
            and evidence.against_reference is not None
            and derived["first_divergence"] is not None
        ):
            self.say("searching for the cause")
            told, why_not = self.story(evidence, files, self.request.judging)
            made = replace(made, story=tuple(told), notes=(*made.notes, *([why_not] if why_not else [])))
        total = self.space.clock.monotonic() - self._begun
        made = replace(made, runtime_s={"trace": round(captured.seconds, 3), "total": round(total, 3)})
        metrics = assemble(made, derived)
        self.say(metrics["summary"])

        self.step = "bundle"
        self._write(metrics, evidence, captured, revision, baseline, texts, described)
        self.finished = self.space.finish()
        self.say(str(self.finished))

        self.step = "ledger"
        entry = self._ledger(metrics)
        return Outcome(self.finished, metrics, exit_status(metrics), entry)

    def _report_preflight(self, revision: Revision, inputs: int, baseline: Baseline | None) -> None:
        base = "no baseline" if baseline is None else f"baseline {baseline.name}"
        self.say(f"{inputs} input files are there; revision {revision}; {base}")
        for warning in self.warnings:
            self.say(f"warning: {warning}")
        for fault in baseline.faults if baseline is not None else ():
            self.say(f"warning: the baseline does not verify: {fault}")

    def _earlier(self) -> list[Record]:
        """The finished bundles of the topic, and a word about a clock that has been set back."""
        records = [record for record in bundles_of(self.space.final.parent) if record.state is State.COMPLETE]
        newest = max((record.name for record in records), default="")
        if newest > self.space.stamp:
            self.warnings.append(
                f"the clock is behind the bundle {newest}; bundles are ordered by their sequence number"
            )
        return records

    def _take_reference(self) -> list[str]:
        """Copy the reference into the bundle; gives the names it is stored under."""
        self._origins: dict[str, str] = {}
        texts = [entry for path in self.request.reference for file in files_of(path) for entry in side_texts(file)]
        return [self._store(number, len(texts), origin, text) for number, (origin, text) in enumerate(texts, 1)]

    def _store(self, number: int, count: int, origin: str, text: bytes) -> str:
        """One file of the reference, as `trace_c.log`, `trace_c_per_phi.log`, `trace_c_2.log`, …"""
        suffix = ".json" if text.lstrip()[:1] in (b"{", b"[") else ".log"
        inner = number > 1 and "per_phi" in Path(origin).name
        middle = "_per_phi" if inner and count == 2 else f"_{number}" if count > 1 and number > 1 else ""
        stored = self.space.write(f"trace_c{middle}{suffix}", text, compressible=True)
        self._origins[stored] = origin
        return stored

    def _capture(self) -> list[str]:
        """Run the C program for the reference; its talk is kept beside it."""
        from braggtrace.capture import capture

        asked = self.request.capture
        assert asked is not None  # the only caller asked
        self.say(f"running {asked.program}")
        result = capture(asked, tell=self.say)
        texts = [text.encode("utf-8", "surrogateescape") for text in (result.main_text, result.per_phi_text)]
        stored = []
        for name, text in zip(("trace_c.log", "trace_c_per_phi.log"), texts, strict=True):
            if text:
                stored.append(self.space.write(name, text, compressible=True))
                self._origins[stored[-1]] = f"{asked.program} ({result.mode})"
        self.space.write(names.CAPTURE, "".join(f"{visible(line)}\n" for line in result.log))
        self.warnings += [f"the C program gave no {missing}" for missing in result.missing]
        if result.failure or not stored:
            raise BundleError(f"{asked.program}: {result.failure or 'it gave no trace'}")
        self.say(f"captured by {'its own tracing' if result.mode == 'self' else result.mode}")
        return stored

    def _texts(self, captured: Captured) -> dict[str, bytes]:
        """The candidate's files without compression, by their names without it."""
        stored = [name for name in (captured.main, captured.per_phi) if name]
        return {names.unstored(name): read_text(str(self.space.folder / name)) for name in stored}

    def _check(self, captured: Captured, texts: Mapping[str, bytes]) -> tuple[Json, tuple[Pixel, ...]]:
        """Whether the trace holds what the configuration implies; gives the counts and the pixels."""
        found = count_lines(list(texts.values()))
        expected = captured.expectation
        if expected is None:
            return self._check_given(found, tag_of(texts.values()))
        lines = compare_counts(expected, found)
        problems = find_problems(expected, found)
        problems += [
            f"there are {entry['found']:,} {tag} lines, {entry['expected']:,} are implied"
            for tag, entry in lines.items()
            if entry["found"] != entry["expected"]
        ]
        if problems:
            shown = "; ".join(problems[:8]) + (f"; and {len(problems) - 8} more" if len(problems) > 8 else "")
            raise BundleError(f"the trace is not complete: {shown}")
        dark = sum(not rendered for *_, rendered in expected.pixels)
        if dark:
            self.warnings.append(f"{dark} of {len(expected.pixels)} pixels are not rendered: masked or outside -roi")
        self.say(f"{tag_lines(lines)}, as many as the configuration implies")
        return lines, tuple((slow, fast) for slow, fast, _ in expected.pixels)

    def _check_given(self, found: Mapping[Pixel | None, Found], tag: str) -> tuple[Json, tuple[Pixel, ...]]:
        """Of a trace of unknown origin only the pixels can be asked for."""
        boxes = self.request.boxes
        asked = set(self.request.pixels)
        asked |= {(s, f) for a, b, c, d in boxes for s in range(a, b + 1) for f in range(c, d + 1)}
        there = {pixel for pixel in found if pixel is not None}
        missing = sorted(asked - there)
        if missing and not (len(asked) == 1 and not there):
            shown = ", ".join(f"{slow} {fast}" for slow, fast in missing[:8])
            raise BundleError(f"the trace lacks {len(missing)} of {len(asked)} pixels: {shown}")
        counts = total_kinds(found)
        lines = {
            tag + (f"_{kind}" if kind else ""): {"expected": None, "found": counts[kind]} for kind in sorted(counts)
        }
        self.say(tag_lines(lines) if lines else "no lines of the text format; the comparison says what can be read")
        return lines, tuple(sorted(asked or there))

    def _made(
        self,
        captured: Captured,
        inputs: Sequence[Json],
        revision: Revision,
        lines: Json,
        baseline: Baseline | None,
        earlier: Sequence[Record],
        evidence: Evidence,
    ) -> Made:
        setup = configuration(self.request, captured, inputs)
        return Made(
            bundle=self.space.stamp,
            topic=self.request.topic,
            time_utc=f"{self.space.started:%Y-%m-%dT%H:%M:%SZ}",
            configuration=setup,
            revision=revision,
            files={},
            lines=lines,
            baseline=None if baseline is None else baseline.as_json({"configuration": setup}),
            earlier=earlier,
            warnings=tuple(self.warnings),
            notes=evidence.notes,
            note="\n".join(visible(line) for line in self.request.note.splitlines()),
        )

    def _files(self, captured: Captured, texts: Mapping[str, bytes], references: Sequence[str]) -> Json:
        """Names and checksums of the traces."""
        own = [
            {**entry, "stored": stored}
            for entry, stored in zip(text_sums(texts), filter(None, (captured.main, captured.per_phi)), strict=True)
        ]
        theirs = []
        for stored in references:
            (entry,) = text_sums({names.unstored(stored): read_text(str(self.space.folder / stored))})
            theirs.append({**entry, "stored": stored, "from": visible(self._origins[stored])})
        return {"candidate": own, "reference": theirs}

    def _write(
        self,
        metrics: Json,
        evidence: Evidence,
        captured: Captured,
        revision: Revision,
        baseline: Baseline | None,
        texts: Mapping[str, bytes],
        inputs: Sequence[Json],
    ) -> None:
        """Everything else, `README.md` last."""
        space, request = self.space, self.request
        space.write(names.COMMANDS, commands_text(request, metrics, revision, request.experiment.folder.absolute()))
        facts = environment(revision, captured.facts, inputs, metrics["time_utc"])
        space.write(names.ENVIRONMENT, orjson.dumps(facts, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        space.write(names.CPU, cpu_info())
        if "gpu" in captured.facts:
            space.write(names.GPU, "".join(f"{key}: {value}\n" for key, value in captured.facts["gpu"].items()))
        if request.judging.mapping:
            space.write(names.MAP, request.judging.mapping)
        if request.judging.tolerances:
            space.write(names.TOLERANCES, request.judging.tolerances)
        if baseline is not None:
            space.write(names.BASELINE_PATCH, patch_against(baseline, texts), compressible=True)
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
