"""The function that answers `replay`: why two traces diverge. The traces and their comparison are kept warm."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from braggtrace.compare.judge import compare
from braggtrace.compare.model import Comparison
from braggtrace.errors import BraggtraceError, TraceReadError, UsageError
from braggtrace.replay.pair import Limits, explain_pair
from braggtrace.replay.story import story
from braggtrace.service.replayrequest import JUDGING, options_of
from braggtrace.service.verbs import Task
from braggtrace.service.warm import Stamp, stamp_of
from braggtrace.trace.model import Trace
from braggtrace.trace.reader import TraceReader
from braggtrace.trace.text import visible

__all__ = ["replay"]

_SIDES = ("reference", "candidate")


def replay(task: Task) -> dict[str, Any]:
    """Why two traces diverge, as `explanation` and in words."""
    fields = task.fields
    start = time.perf_counter()
    comparison = _compared(task)
    pixels = tuple((slow, fast) for slow, fast in fields["pixels"])
    _require(pixels, comparison)
    begun = time.perf_counter()
    explanation = explain_pair(
        comparison.reference, comparison.candidate, comparison, Limits(pixels=pixels), fields["accepted"]
    )
    task.part("explanation", orjson.dumps(explanation.to_json(rows=True)).decode())
    return {
        "story": story(explanation),
        "status": comparison.status.value,
        "timing": {"setup_s": begun - start, "run_s": time.perf_counter() - begun},
    }


def _compared(task: Task) -> Comparison:
    """The comparison, made now or kept."""
    fields, warm = task.fields, task.warm
    options = options_of(fields)
    sides = {side: _files(task, side) for side in _SIDES}
    keys = {side: _key(files) for side, files in sides.items()}
    how = orjson.dumps({name: fields[name] for name in JUDGING}, option=orjson.OPT_SORT_KEYS)
    found: Comparison | None = warm.comparisons.find((*keys.values(), how))
    if found is not None:
        return found
    reading = _Reading(task, [path for files in sides.values() for path in files.values()])
    traces = {side: warm.traces.find(keys[side]) or reading.trace(files) for side, files in sides.items()}
    comparison = compare(traces["reference"], traces["candidate"], options)
    if keys == {side: _key(files) for side, files in sides.items()}:  # else a file has changed while it was read
        for side, trace in traces.items():
            warm.traces.keep(keys[side], trace)
        warm.comparisons.keep((*keys.values(), how), comparison)
    return comparison


def _files(task: Task, side: str) -> dict[str, Path]:
    """The files of a side, by the names that the client has for them.

    Raises:
        UsageError: there is none.
        TraceReadError: a file was not sent, or is none.
        EngineError: a file has to be sent (again).
    """
    fields = task.fields
    if not fields[side]:
        raise UsageError(f"the {side} has no file", expected="a trace")
    sent = fields["files"]
    if sent is None:
        paths = {name: Path(fields["folder"] or "", name).absolute() for name in fields[side]}
    else:
        paths = {name: task.warm.sent(name, sent[name]) if name in sent else Path(name) for name in fields[side]}
    for name, path in paths.items():
        if sent is not None and name not in sent:
            raise TraceReadError("No such file or directory", path=visible(name), expected="a trace file")
        if path.exists() and not path.is_file():  # a pipe would never end
            raise TraceReadError("is no regular file", path=visible(name), expected="a trace file")
    return paths


def _key(files: Mapping[str, Path]) -> tuple[tuple[str, Stamp], ...]:
    """All that the trace in some files follows from."""
    return tuple((name, stamp_of(path)) for name, path in files.items())


class _Reading:
    """Reads traces, and says how far it is.

    Args:
        task: whom to tell.
        paths: all that may have to be read.
    """

    def __init__(self, task: Task, paths: Sequence[Path]) -> None:
        self._task = task
        self._total = sum(path.stat().st_size for path in paths if path.exists())
        self._done = 0

    def trace(self, files: Mapping[str, Path]) -> Trace:
        """The trace in some files.

        Raises:
            TraceReadError: a file is missing, unreadable or damaged.
        """
        names = {str(path): name for name, path in files.items()}
        try:
            reader = TraceReader(list(names), siblings=False)
            size = sum(source.size for source in reader.sources)
            for source in reader.sources:
                source.name = names[source.name]
            for fraction in reader:
                self._task.progress(self._done + int(fraction * size), self._total, "bytes")
        except BraggtraceError as error:
            shown = {visible(path): visible(name) for path, name in names.items()}
            error.path = shown.get(error.path or "", error.path)
            raise
        self._done += size
        return reader.snapshot()


def _require(pixels: Sequence[tuple[int, int]], comparison: Comparison) -> None:
    """Complain about pixels that were not compared."""
    there = set(map(tuple, comparison.pixels.tolist()))
    absent = [pixel for pixel in pixels if pixel not in there]
    if absent:
        slow, fast = absent[0]
        raise UsageError(f"pixel {slow} {fast} (slow, fast) is not among the pixels that are compared")
