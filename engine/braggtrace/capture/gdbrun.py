"""Running a program under gdb, and what gdb can be asked without running it."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from braggtrace.capture.model import Pixel
from braggtrace.capture.process import Outcome, how_it_ended, run_program
from braggtrace.capture.program import Program
from braggtrace.capture.recording import Recording
from braggtrace.capture.tapfile import TapFile, TapPlace
from braggtrace.errors import CaptureError

__all__ = ["BUILD_ADVICE", "bind_taps", "find_gdb", "run_under_gdb"]

BUILD_ADVICE = (
    "build it with -O0 -g, which gives every value; -Og -g gives about two thirds, "
    "-O2 -g -fno-inline -fno-tree-loop-optimize less than half"
)
_TAIL_BYTES = 1 << 16
_CHECK_S = 60.0


def find_gdb() -> str:
    """Where gdb is.

    Raises:
        CaptureError: there is none.
    """
    found = shutil.which(os.environ.get("BRAGGTRACE_GDB", "gdb"))
    if found is None:
        raise CaptureError("gdb is not installed; it reads the program's variables", expected="gdb on the PATH")
    return found


def run_under_gdb(
    program: Program,
    words: Sequence[str],
    wanted: Sequence[Pixel],
    recording: Recording,
    scratch: Path,
    *,
    source: Path | None = None,
    threads: int = 1,
    deadline: float,
    cancelled: Callable[[], bool] | None = None,
) -> Outcome:
    """Run a program until the wanted pixels are read, and add what was read to a recording.

    Args:
        program: what to run.
        words: its arguments.
        wanted: the pixels.
        recording: where records go.
        scratch: an empty folder, its working folder.
        source: where to look for its source.
        threads: OpenMP threads.
        deadline: on `time.monotonic`.
        cancelled: asked ten times a second.

    Raises:
        CaptureError: gdb can't be started, or the program can't be read.
    """
    config = _config(program, recording.taps, wanted, threads)
    outcome = _gdb(config, program, words, recording, scratch, source, threads, deadline, cancelled)
    _complain(recording, program, outcome)
    return outcome


def bind_taps(program: Program, taps: TapFile, scratch: Path, source: Path | None = None) -> Recording:
    """Which places and variables of a tap file a program has; it is not run.

    Raises:
        CaptureError: it has no place where a pixel begins, so nothing can be read.
    """
    recording = Recording(taps)
    config = {**_config(program, taps, (), 1), "do": "check"}
    deadline = time.monotonic() + _CHECK_S
    outcome = _gdb(config, program, (), recording, scratch, source, 1, deadline, None)
    _complain(recording, program, outcome)
    return recording


def _gdb(
    config: Mapping[str, Any],
    program: Program,
    words: Sequence[str],
    recording: Recording,
    scratch: Path,
    source: Path | None,
    threads: int,
    deadline: float,
    cancelled: Callable[[], bool] | None,
) -> Outcome:
    home = scratch.with_name(f"{scratch.name}.gdb")
    home.mkdir(exist_ok=True)
    records, config_path = home / "records.jsonl", home / "config.json"
    records.unlink(missing_ok=True)
    config_path.write_text(json.dumps({**config, "records": str(records)}), encoding="utf-8")
    start = (
        f"import sys; sys.dont_write_bytecode = True; sys.path.append({str(Path(__file__).parent)!r}); "
        f"from inside_gdb.driver import main; main({str(config_path)!r})"
    )
    settings = ["debuginfod enabled off", "pagination off", "confirm off", "disable-randomization off", "width 0"]
    command = [find_gdb(), "-nx", "-nh", "-batch-silent"]
    command += [word for setting in settings for word in ("-iex", f"set {setting}")]
    for folder in (source, program.path.parent):
        if folder is not None:
            if not folder.is_dir():
                raise CaptureError("there is no such folder with the source", path=folder)
            absolute = os.path.abspath(folder)  # noqa: PTH100 - as it is named
            command += ["-iex", f'directory "{absolute}"']
    command += ["-ex", f"python {start}"]
    command += ["--args", str(program.path), *words]
    # gdb starts the program by a shell, and knows how to quote for this one.
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "SHELL": "/bin/sh"}
    outcome = run_program(
        command, scratch, environment, deadline, limit_bytes=_TAIL_BYTES, last_only=True, cancelled=cancelled
    )
    if records.exists():
        with records.open(encoding="utf-8", errors="replace") as lines:
            recording.read(lines)
    return outcome


def _config(program: Program, taps: TapFile, wanted: Sequence[Pixel], threads: int) -> dict[str, Any]:
    pixel = {**_place(taps.pixel), "slow": taps.slow, "fast": taps.fast}
    return {
        "do": "run",
        "wanted": list(wanted),
        "threads": threads,
        "location_lists": program.has_location_lists,
        "coordinates": {name: [tic.alternatives, tic.rounds] for name, tic in taps.coordinates.items()},
        "row": {**_place(taps.row), "slow": taps.row_slow} if taps.row is not None else None,
        "pixel": pixel,
        "places": [_place(place) for place in taps.places],
    }


def _place(place: TapPlace) -> dict[str, Any]:
    takes = [
        {
            "quantity": take.quantity,
            "level": take.level,
            "alternatives": take.alternatives,
            "if": take.condition,
            "text": take.text,
        }
        for take in place.takes
    ]
    return {"name": place.name, "before": place.before, "after": place.after, "takes": takes}


def _complain(recording: Recording, program: Program, outcome: Outcome) -> None:
    """Raise where gdb could make nothing of the program."""
    ending = recording.ending
    if ending.get("kind") == "gave up":
        why = ending["why"]
        if why == "no pixel":
            raise CaptureError(
                f"no tap of {recording.taps.name} says where a pixel begins: {recording.unbound.get('pixel', '')}",
                path=program.path,
                expected="a tap file for this program (--taps)",
            )
        if why == "no source":
            files = [f"{name} ({why})" for name, why in recording.unreadable.items()]
            if files:
                what = f"gdb does not find its source: {', '.join(files[:3])}"
                raise CaptureError(what, path=program.path, expected="--source DIR")
            raise CaptureError(f"gdb knows of no source of it; {BUILD_ADVICE}", path=program.path)
        raise CaptureError(why, path=program.path, expected=BUILD_ADVICE if "optimised out" in why else "")
    if not recording.bound and not recording.unbound and not outcome.stopped and ending.get("kind") != "exited":
        words = how_it_ended(outcome, 0.0)
        raise CaptureError(f"gdb could not read it: {words}", path=program.path, expected="a gdb with Python")
