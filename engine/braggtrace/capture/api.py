"""Capturing a trace: the way is chosen, the region limited, the program run in a folder of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from braggtrace.capture.assemble import comments, inner_text, main_text
from braggtrace.capture.confirm import drop_unconfirmed
from braggtrace.capture.gdbrun import BUILD_ADVICE, find_gdb, run_under_gdb
from braggtrace.capture.model import CaptureRequest, CaptureResult, Missing, Pixel
from braggtrace.capture.process import Outcome, how_it_ended, run_program, signal_name
from braggtrace.capture.program import Program, find_program
from braggtrace.capture.recording import Recording
from braggtrace.capture.region import Piece, plan, wanted_pixels
from braggtrace.capture.selftrace import SelfTrace, trace_lines
from braggtrace.capture.tapfile import TapFile, load_taps
from braggtrace.capture.words import (
    argument_after,
    fires,
    history_matters,
    relocated,
    user_region,
    with_region,
    with_traced_pixel,
)
from braggtrace.errors import CaptureError, InputError, UsageError
from braggtrace.formats.arguments import expand_argument_files
from braggtrace.formats.mask import read_mask
from braggtrace.runs.recorded import Recorded

__all__ = ["capture", "scratch_folder"]

_MOST_PIXELS = 100_000
_MOST_BYTES = 1 << 26
_LONGEST_S = 1e7


@dataclass(slots=True)
class _Job:
    """A capture under way."""

    request: CaptureRequest
    taps: TapFile
    program: Program
    words: list[str]
    scratch: Path
    deadline: float
    cancelled: Callable[[], bool]
    tell: Callable[[str], None]
    log: list[str] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    failure: str = ""

    def say(self, sentence: str) -> None:
        self.log.append(sentence)
        self.tell(sentence)


def capture(
    request: CaptureRequest,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    tell: Callable[[str], None] = lambda _: None,
) -> CaptureResult:
    """Take a fresh trace from a C program.

    Args:
        request: what to capture.
        cancelled: asked ten times a second; True ends it.
        tell: gets every sentence of the log at once.

    Returns:
        The trace. Where the program crashed or ran out of time, what there was till then.

    Raises:
        CaptureError: nothing could be captured.
        UsageError: the request makes no sense.
        InputError: a tap file, a file of flags or a mask can't be read.
    """
    pixels = _pixels(request)
    taps = load_taps(request.taps)
    words = expand_argument_files(request.flags, request.folder)
    looked_for = [flag.lstrip("=") for flag in (taps.flags.roi, *taps.flags.trace_pixel, *taps.flags.quiet) if flag]
    program = find_program(request.program, request.folder, looked_for)
    mode = _choose_mode(request, taps, program)
    with scratch_folder() as scratch:
        deadline = time.monotonic() + request.timeout_s
        job = _Job(request, taps, program, words, scratch, deadline, cancelled, tell)
        pieces = _plan(job, pixels)
        if mode == "self":
            main, inner = _self_trace(job, pieces)
        else:
            main, inner = _gdb_trace(job, pieces)
    more = {"program": str(program.path), "mode": mode, "c_threads": str(request.threads)}
    where = os.path.abspath(request.folder)  # noqa: PTH100 - a link must keep its name
    recorded = Recorded(tuple(words), folder=where, more=more)
    head = comments(recorded, job.missing)
    return CaptureResult(
        "".join(f"{line}\n" for line in (*head, *main)),
        "".join(f"{line}\n" for line in (*comments(recorded, ()), *inner)),
        mode,
        tuple(job.missing),
        tuple(job.log),
        job.failure,
    )


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder for a program to run in; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="braggtrace-capture-", ignore_cleanup_errors=True) as root:
        scratch = Path(root, "run")
        scratch.mkdir()
        yield scratch


def _pixels(request: CaptureRequest) -> list[Pixel]:
    count = len(request.pixels)
    for first, last, left, right in request.rois:
        if last < first or right < left:
            raise UsageError("an empty region", expected="S0 <= S1 and F0 <= F1", got=f"{first} {last} {left} {right}")
        count += (last - first + 1) * (right - left + 1)
    if not count:
        raise UsageError("no pixel is given", expected="--pixel S F or --roi S0 S1 F0 F1")
    if count > _MOST_PIXELS:
        raise UsageError("too many pixels to trace", expected=f"at most {_MOST_PIXELS}", got=str(count))
    if request.threads < 1:
        raise UsageError("too few threads", expected="at least 1", got=str(request.threads))
    if not 0.0 < request.timeout_s <= _LONGEST_S:
        raise UsageError("a useless time-out", expected=f"0 to {_LONGEST_S:g} s", got=f"{request.timeout_s:g}")
    pixels = wanted_pixels(request.pixels, request.rois)
    if pixels[0][0] < 0 or any(fast < 0 for _, fast in pixels):
        raise UsageError("no such pixel", expected="slow and fast from 0", got=f"{pixels[0][0]} {pixels[0][1]}")
    return pixels


def _choose_mode(request: CaptureRequest, taps: TapFile, program: Program) -> str:
    """How the program is traced.

    Raises:
        CaptureError: in no way.
    """
    traces_itself = any(flag in program.knows for flag in taps.flags.trace_pixel)
    if request.mode == "self" or (request.mode == "auto" and traces_itself):
        if not taps.flags.trace_pixel:
            raise CaptureError("the tap file names no flag that makes the program trace itself", path=taps.name)
        return "self"
    if request.mode not in ("auto", "gdb"):
        raise UsageError("unknown mode", expected="auto, self or gdb", got=request.mode)
    no_tracing = "" if request.mode == "gdb" else f"does not know {' or '.join(taps.flags.trace_pixel)}, and "
    if not program.is_elf:
        raise CaptureError(
            f"{no_tracing}is no program that gdb can read",
            path=program.path,
            expected="an ELF file; of a script, the program that it starts",
        )
    if not program.has_debug_info:
        raise CaptureError(f"{no_tracing}has no debug information; {BUILD_ADVICE}", path=program.path)
    find_gdb()
    return "gdb"


def _plan(job: _Job, pixels: Sequence[Pixel]) -> list[Piece]:
    """Which runs it takes; what the user's run does not render is missing."""
    flags = job.taps.flags
    history = history_matters(job.words)
    mask = None
    if history:
        job.say("with these flags a pixel may depend on all pixels before it; the run starts at the first one")
    try:
        mask = _mask(job)
    except InputError as error:
        job.say(f"the mask can't be read here, so the run starts at the first pixel: {error}")
        history = True
    pieces, dark = plan(pixels, user_region(job.words, flags), mask, history=history)
    for slow, fast in dark:
        job.missing.append(Missing(f"pixel {slow} {fast}", "not rendered: outside -roi, or masked"))
    if not pieces:
        raise CaptureError("none of the pixels is rendered: they are outside -roi, or masked", path=job.program.path)
    if not flags.roi or flags.roi not in job.program.knows:
        job.say("the program knows no region of interest; the whole image is run")
        pieces = [Piece(pieces[0].region, tuple(pixel for piece in pieces for pixel in piece.pixels))]
    return pieces


def _mask(job: _Job) -> NDArray[np.bool_] | None:
    name = argument_after(job.words, job.taps.flags.mask) if job.taps.flags.mask else None
    if name is None or not (job.request.folder / name).exists():
        return None  # the program goes on without it
    return read_mask(job.request.folder / name)


def _prepared(job: _Job, piece: Piece) -> list[str]:
    """The argument list of a run."""
    flags = job.taps.flags
    words = relocated(job.words, flags, job.request.folder)
    if flags.roi in job.program.knows:
        words = with_region(words, flags, piece.region)
    quiet = [flag for flag in flags.quiet if flag in job.program.knows]
    _offer_cache(job)
    return [*quiet, *words]


def _offer_cache(job: _Job) -> None:
    """A program that reads no reflections reads the cache in its working folder."""
    flags = job.taps.flags
    if not flags.cache_file or any(fires(flags.cache_unless, word) for word in job.words if flags.cache_unless):
        return
    name = (argument_after(job.words, flags.cache_flag) if flags.cache_flag else None) or flags.cache_file
    cache = job.request.folder / name
    target = job.scratch / Path(name).name
    if cache.is_file() and not target.exists():
        shutil.copyfile(cache, target)
        job.say(f"the program may read {name}; it gets a copy")


def _self_trace(job: _Job, pieces: Sequence[Piece]) -> tuple[list[str], list[str]]:
    flag = next((flag for flag in job.taps.flags.trace_pixel if flag in job.program.knows), None)
    flag = flag or job.taps.flags.trace_pixel[0]
    job.say(f"{job.program.path.name} traces itself ({flag}); it is run once for each pixel, in a temporary folder")
    traced = SelfTrace()
    environment = {**os.environ, "OMP_NUM_THREADS": str(job.request.threads)}
    for piece in pieces:
        for pixel in piece.pixels:
            command = [str(job.program.path), *with_traced_pixel(_prepared(job, piece), flag, pixel)]
            outcome = run_program(
                command,
                job.scratch,
                environment,
                job.deadline,
                limit_bytes=_MOST_BYTES,
                cancelled=job.cancelled,
            )
            lines = [] if outcome.stopped == "output" else trace_lines(outcome.output) + trace_lines(outcome.errors)
            found = traced.add(pixel, lines)
            words = "" if not outcome.stopped and outcome.status == 0 else how_it_ended(outcome, job.request.timeout_s)
            job.failure = job.failure or words
            if words or not found:
                why = words or "the program printed nothing about it; is it on the detector?"
                job.missing.append(Missing(f"{'the rest of ' if found else ''}pixel {pixel[0]} {pixel[1]}", why))
            if outcome.stopped:
                _rest_is_missing(job, pieces, pixel)
                return _self_lines(job, traced)
    return _self_lines(job, traced)


def _self_lines(job: _Job, traced: SelfTrace) -> tuple[list[str], list[str]]:
    if not traced.main:
        why = job.failure or "the program printed nothing about them; are they on the detector?"
        raise CaptureError(f"no pixel could be traced: {why}", path=job.program.path)
    return [*traced.run, *traced.main], traced.inner


def _rest_is_missing(job: _Job, pieces: Sequence[Piece], last: Pixel) -> None:
    rest = [pixel for piece in pieces for pixel in piece.pixels if pixel > last]
    job.missing += [Missing(f"pixel {slow} {fast}", "the time was over") for slow, fast in rest]


def _gdb_trace(job: _Job, pieces: Sequence[Piece]) -> tuple[list[str], list[str]]:
    job.say(f"{job.program.path.name} is run under gdb, in a temporary folder, with {job.taps.name}")
    recording = Recording(job.taps)
    for piece in pieces:
        outcome = run_under_gdb(
            job.program,
            _prepared(job, piece),
            piece.pixels,
            recording,
            job.scratch,
            source=None if job.request.source is None else job.request.folder / job.request.source,
            threads=job.request.threads,
            deadline=job.deadline,
            cancelled=job.cancelled,
        )
        job.failure = job.failure or _gdb_failure(job, recording, outcome)
        if outcome.stopped:
            break
    wanted = [pixel for piece in pieces for pixel in piece.pixels]
    recording.finish()
    if _is_newer(Path(recording.source_file), job.program.path):
        job.say(f"{recording.source_file} is newer than the program: if it was changed, rebuild, or values are wrong")
    if not recording.pixels:
        why = job.failure or f"the program did not come to any{_where_else(recording)}"
        raise CaptureError(f"no pixel could be read: {why}", path=job.program.path)
    if recording.optimised:
        drop_unconfirmed(recording)
        recording.lose("innermost_iterations", "some may have been missed in an optimised program")
        job.say(f"it was built with optimisation, so that much can't be read; {BUILD_ADVICE}")
    _tell_missing(job, recording, wanted)
    return list(main_text(recording)), list(inner_text(recording))


def _gdb_failure(job: _Job, recording: Recording, outcome: Outcome) -> str:
    """Why the run is not what it should be, "" if it is."""
    ending = recording.ending
    if outcome.stopped:
        return how_it_ended(outcome, job.request.timeout_s)
    if ending.get("kind") == "signal":
        where = f" at {ending['where'].rpartition('/')[2]}" if ending["where"] else ""
        return f"it crashed: {ending['name']}{where}"
    if ending.get("kind") == "exited" and ending["code"] != 0:
        if ending["code"] is None:
            return "it was ended by a signal"
        return how_it_ended(Outcome(ending["code"], outcome.output, outcome.errors), 0.0)
    if not ending:
        words = how_it_ended(outcome, 0.0) if outcome.status >= 0 else signal_name(-outcome.status)
        return f"gdb ended early: {words}"
    return ""


def _is_newer(source: Path, program: Path) -> bool:
    return source.is_file() and source.stat().st_mtime > program.stat().st_mtime


def _where_else(recording: Recording) -> str:
    if recording.optimised:
        return "; is it on the detector, or is the place optimised away?"
    return "; is it on the detector?"


def _tell_missing(job: _Job, recording: Recording, wanted: Sequence[Pixel]) -> None:
    job.missing += recording.missing()
    if job.taps.flags.roi in job.program.knows:
        job.missing.append(Missing("roi", "the region was narrowed for this trace"))
    for slow, fast in wanted:
        pixel = recording.pixels.get((slow, fast))
        if pixel is None:
            why = job.failure or f"the program did not come to it{_where_else(recording)}"
            job.missing.append(Missing(f"pixel {slow} {fast}", why))
        elif not pixel.final.values and job.failure:
            job.missing.append(Missing(f"the rest of pixel {slow} {fast}", job.failure))
