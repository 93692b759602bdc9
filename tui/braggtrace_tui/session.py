"""Two traces being read and compared: the first look at once, the rest in the background, as immutable snapshots."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from braggtrace.compare.judge import compare, rejudge
from braggtrace.compare.options import Options
from braggtrace.errors import BraggtraceError
from braggtrace.trace.reader import TraceReader, files_of

if TYPE_CHECKING:
    from braggtrace.compare.model import Comparison
    from braggtrace.trace.model import Trace

__all__ = ["Session", "Snapshot", "stamp_of"]

FIRST_LOOK_S = 0.15
"""Reading time before the screen opens; small traces are complete by then."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What is known at one moment.

    Attributes:
        comparison: of what has been read so far.
        fraction: how much of the files that is.
        complete: everything has been read.
        problem: why reading stopped early, "" if it did not.
    """

    comparison: Comparison
    fraction: float
    complete: bool
    problem: str = ""


def stamp_of(paths: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """Size and change time of files, (−1, −1) for what is not there: equal stamps mean nothing was written."""
    stamps = []
    for path in paths:
        try:
            status = Path(path).stat()
            stamps.append((status.st_size, status.st_mtime_ns))
        except OSError:
            stamps.append((-1, -1))
    return tuple(stamps)


class Session:
    """Reads and compares one pair of traces.

    Attributes:
        reference, candidate: the paths.
        options: how they are compared; `decades` changes their tolerances.
        decades: powers of ten by which the tolerances are loosened.

    A side that has been read for another comparison can be passed as `kept`, and is not read again.
    """

    def __init__(
        self,
        reference: str,
        candidate: str,
        options: Options | None = None,
        kept: tuple[Trace | None, Trace | None] = (None, None),
    ) -> None:
        self._kept = kept
        self.reference = reference
        self.candidate = candidate
        self.options = options or Options()
        self.decades = 0
        self._readers: tuple[_Side, _Side] | None = None
        self._steps: Iterator[float] | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self.stamp = stamp_of(self.files)

    @property
    def files(self) -> tuple[str, ...]:
        """The files that can be read again."""
        return tuple(path for side in (self.reference, self.candidate) for path in files_of(side) if path != "-")

    @property
    def reloadable(self) -> bool:
        """Both sides are files, and not standard input or a pipe."""
        return "-" not in (self.reference, self.candidate) and all(Path(path).is_file() for path in self.files)

    @property
    def judged_options(self) -> Options:
        """The options with the tolerances that are on."""
        return replace(self.options, tolerances=self.options.tolerances.scaled(10.0**self.decades))

    def first_look(self, budget_s: float = FIRST_LOOK_S) -> Snapshot:
        """Read for a moment and compare what is there; standard input is read whole.

        Raises:
            TraceReadError: a file can't be read at all.
            BraggtraceError: the options don't fit the traces.
        """
        started = time.monotonic()
        pairs = zip((self.reference, self.candidate), self._kept, strict=True)
        if any(side == "-" and kept is None for side, kept in pairs):
            budget_s = float("inf")
        self._readers = (_side(self.reference, self._kept[0]), _side(self.candidate, self._kept[1]))
        self._steps = _alternate(*self._readers)
        for fraction in self._steps:
            if time.monotonic() - started > budget_s:
                try:
                    return self._snapshot(fraction, complete=False)
                except BraggtraceError:  # an option is about something that has not been read yet
                    budget_s = float("inf")
        self._steps = None
        return self._snapshot(1.0, complete=True)

    def read_all(self) -> Snapshot:
        """Read everything now."""
        return self.first_look(budget_s=float("inf"))

    def follow(self, publish: Callable[[Snapshot], None], progress: Callable[[float], None]) -> None:
        """Read the rest in a thread.

        Args:
            publish: is called, in the thread, with ever more complete snapshots; the last one is complete.
            progress: is called, in the thread, with the fraction that has been read.
        """
        if self._steps is None:
            return
        self._thread = threading.Thread(target=self._follow, args=(publish, progress), name="indexing", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop reading; waits for the piece that is being read."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=0.5)

    def wait(self) -> None:
        """Wait until everything has been read."""
        if self._thread is not None:
            self._thread.join()

    def judge(self, snapshot: Snapshot) -> Snapshot:
        """The same values, judged with the tolerances that are on."""
        return replace(snapshot, comparison=rejudge(snapshot.comparison, self.judged_options.tolerances))

    def changed_on_disk(self) -> bool:
        """One of the files was written since it was read."""
        return stamp_of(self.files) != self.stamp

    def again(self) -> Session:
        """A new session for the same files."""
        session = Session(self.reference, self.candidate, self.options)
        session.decades = self.decades
        return session

    def _follow(self, publish: Callable[[Snapshot], None], progress: Callable[[float], None]) -> None:
        """Publish while it is cheap: comparing takes as long as reading, so the gaps grow with what has been read."""
        assert self._steps is not None  # follow() has checked
        fraction, next_look, shown = 0.0, 0.0, -1
        try:
            for fraction in self._steps:
                if self._stop.is_set():
                    return
                if int(fraction * 100) != shown:
                    shown = int(fraction * 100)
                    progress(fraction)
                if not next_look:
                    next_look = fraction * 2
                if next_look <= fraction < 0.7:
                    next_look = fraction * 2
                    publish(self._snapshot(fraction, complete=False))
            if not self._stop.is_set():
                publish(self._snapshot(1.0, complete=True))
        except BraggtraceError as error:
            publish(replace(self._snapshot(fraction, complete=True), problem=str(error)))

    def _snapshot(self, fraction: float, *, complete: bool) -> Snapshot:
        assert self._readers is not None  # first_look() has made them
        reference, candidate = (reader.snapshot() for reader in self._readers)
        options = self.judged_options
        return Snapshot(compare(reference, candidate, options), fraction, complete)


class _KeptSide:
    """A trace that has been read already, as a reader with nothing left to read."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def __iter__(self) -> Iterator[float]:
        return iter(())

    def snapshot(self) -> Trace:
        """The trace."""
        return self._trace


_Side: TypeAlias = TraceReader | _KeptSide


def _side(name: str, kept: Trace | None) -> _Side:
    return TraceReader(name) if kept is None else _KeptSide(kept)


def _alternate(reference: _Side, candidate: _Side) -> Iterator[float]:
    """Read both sides in turn, the one that is behind first, so that the same pixels are there on both."""
    steps = {0: iter(reference), 1: iter(candidate)}
    done = [0.0, 0.0]
    while steps:
        side = min(steps, key=lambda each: done[each])
        try:
            done[side] = next(steps[side])
        except StopIteration:
            done[side] = 1.0
            del steps[side]
            continue
        yield sum(done) / 2
