"""Kept runs as rows of a list. Pure functions over values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from braggtrace_tui.pieces import BLANK, Line, Role, clip, safe, wrap
from braggtrace_tui.runflags import plan_of_request
from braggtrace_tui.running import seconds_words
from braggtrace_tui.runplan import RunPlan

if TYPE_CHECKING:
    from braggtrace.runs.store import RunRecord

__all__ = ["RunRow", "bytes_words", "list_heading", "openable", "run_detail", "run_line", "run_row"]

_STATES = {
    "done": ("= done", Role.AGREE),
    "running": ("▸ running", Role.KEY),
    "failed": ("! failed", Role.MISSING),
    "cancelled": ("- cancelled", Role.DIM),
    "interrupted": ("! interrupted", Role.MISSING),
    "damaged": ("! damaged", Role.MISSING),
}


@dataclass(frozen=True, slots=True)
class RunRow:
    """One kept run.

    Attributes:
        name: of its folder.
        state: done, running, failed, cancelled, interrupted or damaged.
        when: local time, `2026-11-23 23:47:08`.
        plan: what was run; the form starts from it.
        kind: trace, simulate or c-trace.
        seconds: how long it took; negative if unknown.
        size: bytes on disk.
        folder: where it is.
        trace, image: its result, None if there is none.
        engine: which engine ran it.
        sentence: what went wrong.
    """

    name: str
    state: str
    when: str
    plan: RunPlan
    kind: str
    seconds: float
    size: int
    folder: Path
    trace: Path | None = None
    image: Path | None = None
    engine: str = ""
    sentence: str = ""

    @property
    def key(self) -> str:
        """What it is marked by."""
        return self.name


def openable(row: RunRow) -> bool:
    """Whether there is something to look at."""
    return row.trace is not None or row.image is not None


def run_row(record: RunRecord) -> RunRow:
    """A kept run as a row; reads nothing but the sizes of its files."""
    request = record.request
    return RunRow(
        name=record.name,
        state=record.status,
        when=_local(record.started),
        plan=RunPlan() if request is None else plan_of_request(request),
        kind="" if request is None else request.kind,
        seconds=-1.0 if record.seconds is None else record.seconds,
        size=record.size,
        folder=record.folder,
        trace=record.trace if record.status == "done" else None,
        image=record.image if record.status == "done" else None,
        engine="" if request is None else request.engine,
        sentence=record.sentence,
    )


def _local(when: datetime | None) -> str:
    return "" if when is None else f"{when.astimezone():%Y-%m-%d %H:%M:%S}"


def bytes_words(size: int) -> str:
    """A size on disk: 381 kB, 25 MB."""
    for unit, letter in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:.3g} {letter}" if size < 100 * unit else f"{size / unit:.0f} {letter}"
    return f"{size} B"


_WIDE = 100
"""From this width on sizes have a column."""


def list_heading(width: int) -> Line:
    """The names of the columns."""
    size = f"{'size':>9}" if width >= _WIDE else ""
    left = f" {'':<5}{'state':<14}{'started':<16}{'pixels':<15}how"
    return ((left.ljust(width - 9 - len(size)) + f"{'time':>8}{size}", Role.DIM),)


def run_line(row: RunRow, mark: str, width: int) -> Line:
    """One row.

    Args:
        row: the run.
        mark: "r" or "c" where it is chosen as reference or candidate, else "".
        width: cells.
    """
    state, role = _STATES.get(row.state, (row.state, Role.TEXT))
    chosen = {"r": ("ref  ", Role.REFERENCE), "c": ("cand ", Role.CANDIDATE)}.get(mark, ("     ", Role.TEXT))
    what = "image" if row.plan.image else row.plan.pixels
    how = f"C {Path(row.plan.program).name}" if row.plan.program else row.plan.choices.removeprefix("torch ")
    tail = f"{'' if row.seconds < 0 else seconds_words(row.seconds):>8}"
    tail += f"{bytes_words(row.size):>9}" if width >= _WIDE else ""
    room = max(4, width - 6 - 14 - 16 - 15 - len(tail) - 1)
    return (
        (" ", Role.TEXT),
        chosen,
        (f"{safe(state):<14}", role),
        (f"{safe(row.when[5:]):<16}", Role.TEXT),
        (f"{clip(safe(what), 14):<15}", Role.STRONG),
        (clip(safe(how), room).ljust(room), Role.TEXT),
        (tail, Role.DIM),
    )


def run_detail(row: RunRow | None, width: int) -> list[Line]:
    """What the list has no room for."""
    if row is None:
        return [BLANK]
    lines: list[Line] = [((f" {safe(str(row.folder))}", Role.TITLE), (f"   {bytes_words(row.size)}", Role.DIM))]
    if row.sentence:
        lines += [((f" ! {part}", Role.MISSING),) for part in wrap(safe(row.sentence), width - 4, 3)]
    where = f"   engine {row.engine}" if row.engine else ""
    lines.append(((f" flags from {safe(row.plan.folder or '.')}{safe(where)}", Role.DIM),))
    lines += [((f"   {part}", Role.TEXT),) for part in wrap(safe(row.plan.flags), width - 4, 6)]
    return lines
