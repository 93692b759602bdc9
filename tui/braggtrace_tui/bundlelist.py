"""Kept evidence as rows of a list: the history of every topic, the latest bundle first. Pure functions over values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from braggtrace.bundles.history import State, trace_of, trend
from braggtrace.bundles.names import MAP
from braggtrace.bundles.places import Change, plainly
from braggtrace.bundles.words import key_pixel, number, pixel_words, product, seconds
from braggtrace.compare.mapping import NO_MAP
from braggtrace.compare.options import DEFAULT_OPTIONS, Options
from braggtrace.errors import BraggtraceError
from braggtrace_tui.pieces import BLANK, Line, Piece, Role, clip, clip_start, safe, wrap

if TYPE_CHECKING:
    from braggtrace.bundles.history import Record
    from braggtrace.bundles.verify import Verified

__all__ = [
    "BundleRow",
    "bundle_detail",
    "bundle_heading",
    "bundle_line",
    "bundle_rows",
    "setup_lines",
    "verified_words",
]

_ANSWERS = {"AGREES": ("=", Role.AGREE), "DIVERGES": ("≠", Role.DIVERGE), "INCONCLUSIVE": ("?", Role.MISSING)}
_CHANGES = {
    Change.NONE: ("–", Role.DIM),
    Change.STAYED: ("stayed", Role.DIM),
    Change.APPEARED: ("APPEARED", Role.DIVERGE),
    Change.EARLIER: ("EARLIER", Role.DIVERGE),
    Change.LATER: ("LATER", Role.AGREE),
    Change.VANISHED: ("VANISHED", Role.AGREE),
}
_FIRST_SETUPS = ("host", "phi_mode", "profile", "dtype", "device", "revision", "braggtrace")
"""What people ask for first when two bundles differ."""

_SHORT = 28
_COLUMNS = (("F_latt", 11), ("I_pixel_final", 14), ("runtime", 9), ("revision", 10), ("configuration", 22))
"""The columns that wider screens have, the most telling first."""


@dataclass(frozen=True, slots=True)
class BundleRow:
    """One bundle of a history.

    Attributes:
        path: its folder.
        name: its time.
        topic: what it is about.
        state: complete, partial or damaged.
        answer: AGREES, DIVERGES, INCONCLUSIVE, or "" where there is no reference.
        divergence: the first one in words, or why there is none.
        change: what became of it since the bundle before, None if that can't be said.
        facts: what the wider columns hold, by name.
        summary: its answer in a sentence, or why it is not complete.
        more: lines that the list has no room for.
        trace: the candidate's trace, "" if there is none.
        reference: the reference's, "" if there is none.
        options: how it was judged.
    """

    path: Path
    name: str
    topic: str
    state: State = State.COMPLETE
    answer: str = ""
    divergence: str = ""
    change: Change | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    more: tuple[str, ...] = ()
    trace: str = ""
    reference: str = ""
    options: Options = DEFAULT_OPTIONS

    @property
    def key(self) -> str:
        """What it is marked by: two machines may have a bundle of one name."""
        return str(self.path)


def bundle_rows(topics: Mapping[str, Sequence[Record]]) -> list[BundleRow]:
    """Every bundle; topics and their bundles from the latest to the oldest."""
    ordered = sorted(topics.items(), key=lambda entry: max(record.name for record in entry[1]), reverse=True)
    return [row for topic, records in ordered for row in reversed(_history(topic, records))]


def _history(topic: str, records: Sequence[Record]) -> list[BundleRow]:
    """In the order in which they were made; what can't be read stands where its name says."""
    rows = [_row(topic, record, moved) for record, moved in trend(records)]
    whole = [row for row in rows if row.state is State.COMPLETE]
    for row in rows:
        if row.state is not State.COMPLETE:
            at = next((number for number, other in enumerate(whole) if other.name > row.name), len(whole))
            whole.insert(at, row)
    return whole


def _row(topic: str, record: Record, moved: Change | None) -> BundleRow:
    metrics = record.metrics
    why = record.why.removeprefix(f"{record.path}/")
    row = BundleRow(record.path, record.name, topic, record.state, summary=why)
    if metrics is None:
        return row
    try:
        return _complete(row, metrics, moved)
    except (BraggtraceError, KeyError, TypeError, ValueError, AttributeError, IndexError, OSError) as error:
        said = str(error) if isinstance(error, BraggtraceError) else "its metrics are not as their schema says"
        return BundleRow(record.path, record.name, topic, State.DAMAGED, summary=said)


def _complete(row: BundleRow, metrics: Mapping[str, Any], moved: Change | None) -> BundleRow:
    from braggtrace.bundles.metrics import judging_of

    first, status = metrics["first_divergence"], metrics["status"] or ""
    said = plainly(first) if first else {"AGREES": "none", "": "no reference"}.get(status, "too little compared")
    stored = [str(row.path / Path(entry["stored"]).name) for entry in metrics["files"]["reference"]]
    pixels = tuple((int(slow), int(fast)) for slow, fast in (entry["pixel"] for entry in metrics["pixels"]))
    options = judging_of(metrics).options(pixels)
    if options.mapping != NO_MAP:  # its file is in the bundle
        options = replace(options, mapping=replace(options.mapping, path=str(row.path / MAP)))
    return BundleRow(
        row.path,
        row.name,
        str(metrics["topic"]),
        answer=str(status),
        divergence=said,
        change=moved,
        facts=_facts(metrics),
        summary=str(metrics["summary"]),
        more=tuple(_more(metrics)),
        trace=trace_of(row.path),
        reference="+".join(stored),
        options=options,
    )


def _facts(metrics: Mapping[str, Any]) -> dict[str, str]:
    setup, git, key = metrics["configuration"], metrics["git"], key_pixel(metrics)
    values: Mapping[str, Any] = {} if key is None else key["candidate"]
    revision = "none" if git["revision"] is None else git["revision"][:8] + ("" if git["clean"] else "+")
    how = " ".join(str(setup[name]) for name in ("phi_mode", "dtype", "device") if setup[name])
    return {
        "F_latt": number(values.get("F_latt")),
        "I_pixel_final": number(values.get("I_pixel_final")),
        "runtime": seconds(metrics["runtime_s"]["total"]),
        "revision": revision,
        "configuration": how,
    }


def _more(metrics: Mapping[str, Any]) -> Iterator[str]:
    facts, setup, key = _facts(metrics), metrics["configuration"], key_pixel(metrics)
    pixels = pixel_words([entry["pixel"] for entry in metrics["pixels"]])
    words = [f"{setup['trace']} trace", *filter(None, (facts["configuration"], setup["profile"]))]
    yield f"{', '.join(words)} · {pixels}"
    yield f"revision {facts['revision']} · runtime {facts['runtime']}"
    if key is not None:
        where = f"pixel {key['pixel'][0]} {key['pixel'][1]}"
        yield f"{where}: F_latt {product(key['candidate'])} · I_pixel_final {facts['I_pixel_final']}"
    if metrics["warnings"]:
        count = len(metrics["warnings"])
        yield f"{count} warning{'s' if count > 1 else ''}: {metrics['warnings'][0]}"
    if metrics["note"]:
        yield f"note: {metrics['note'].splitlines()[0]}"


def _columns(width: int) -> list[tuple[str, int]]:
    """The columns that fit beside time, topic and divergence."""
    room = width - 80
    chosen = []
    for name, size in _COLUMNS:
        if size <= room:
            chosen.append((name, size))
            room -= size
    return chosen


def bundle_heading(width: int) -> Line:
    """The names of the columns."""
    columns = _columns(width)
    room = _room(width, columns)
    tail = "".join(f"{name:>{size}}" for name, size in columns)
    return ((f" {'':<5}{'time (UTC)':<18}{'topic':<16}{'first divergence':<{room}}{tail}  {'since':<8}", Role.DIM),)


def _room(width: int, columns: Iterable[tuple[str, int]]) -> int:
    """Cells for the first divergence."""
    return max(8, width - 1 - 5 - 18 - 16 - sum(size for _, size in columns) - 10)


def bundle_line(row: BundleRow, mark: str, width: int) -> Line:
    """One row.

    Args:
        row: the bundle.
        mark: "r" or "c" where it is chosen as reference or candidate, else "".
        width: cells.
    """
    columns = _columns(width)
    room = _room(width, columns)
    chosen = {"r": ("ref  ", Role.REFERENCE), "c": ("cand ", Role.CANDIDATE)}.get(mark, ("     ", Role.TEXT))
    lead: Line = (
        (" ", Role.TEXT),
        chosen,
        (f"{safe(row.name):<18}", Role.TEXT),
        (f"{clip(safe(row.topic), 15):<16}", Role.STRONG),
    )
    if row.state is not State.COMPLETE:
        return (*lead, (f"! {row.state.value}: {safe(row.summary)}", Role.MISSING))
    glyph, role = _ANSWERS.get(row.answer, ("·", Role.TEXT))
    where = row.divergence if room > 48 else row.divergence.replace(" at pixel ", "  ")
    said = clip(f"{glyph} {safe(where)}", room - 1).ljust(room)
    moved = ("", Role.DIM) if row.change is None else _CHANGES[row.change]
    tail = "".join(f"{clip(safe(row.facts[name]), size - 1):>{size}}" for name, size in columns)
    return (*lead, (said, role), (tail, Role.TEXT), (f"  {moved[0]:<8}", moved[1]))


def bundle_detail(
    row: BundleRow | None, width: int, verified: Sequence[str] = (), setups: Sequence[Line] = ()
) -> list[Line]:
    """What the list has no room for.

    Args:
        row: the bundle under the cursor.
        width: cells.
        verified: what came of verifying it.
        setups: in what the two that are marked differ.
    """
    if row is None:
        return [BLANK]
    lines: list[Line] = [((f" {clip_start(safe(str(row.path)), width - 2)}", Role.TITLE),)]
    role = Role.TEXT if row.state is State.COMPLETE else Role.MISSING
    lines += [((f" {part}", role),) for part in wrap(safe(row.summary or "it says nothing"), width - 3, 4)]
    for each in verified:
        good = each.startswith("=")
        lines.append(((f" {clip(safe(each), width - 2)}", Role.AGREE if good else Role.MISSING),))
    lines += setups
    lines += [((f" {clip(safe(each), width - 2)}", Role.DIM),) for each in row.more]
    return lines


def verified_words(verified: Verified) -> list[str]:
    """What came of verifying a bundle, the answer first."""
    if not verified.faults:
        return [f"= verifies: {verified.files} files, and the metrics follow from the traces"]
    count = len(verified.faults)
    return [f"! does not verify: {count} fault{'s' if count > 1 else ''}", *(f"! {fault}" for fault in verified.faults)]


def setup_lines(rows: Sequence[tuple[str, str, str]], width: int, limit: int) -> list[Line]:
    """In what the set-ups of two bundles differ, those that people ask for first; few lines.

    Args:
        rows: name, value of the first, value of the second.
        width: cells.
        limit: how many lines at most.
    """
    if not rows:
        return [((" set up alike: settings, machine and revision", Role.TEXT),)]
    rank = {name: number for number, name in enumerate(_FIRST_SETUPS)}
    ordered = sorted(rows, key=lambda row: rank.get(row[0], len(rank)))
    words = " · ".join(_setup_words(*row) for row in ordered)
    parts = wrap(safe(f"set up differently: {words}"), width - 2, limit)
    head: Piece = (f" {parts[0]}", Role.STRONG)
    return [(head,), *(((f"   {part}", Role.STRONG),) for part in parts[1:])]


def _setup_words(name: str, first: str, second: str) -> str:
    """`phi_mode c-parity | spec`; of long values the name alone."""
    return f"{name} {first} | {second}" if max(len(first), len(second)) <= _SHORT else name
