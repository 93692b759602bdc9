"""The bundles of a folder as a history: what diverged first in each, and when that changed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from braggtrace.bundles.names import ATTEMPT, ENVIRONMENT, MAIN, METRICS, PARTIAL, is_stamp, stored
from braggtrace.bundles.places import Change, Json, change
from braggtrace.bundles.words import key_pixel
from braggtrace.errors import BundleError

__all__ = [
    "SCHEMA",
    "Record",
    "State",
    "bundles_of",
    "compare_setup",
    "differences",
    "history_entry",
    "how_far",
    "load_metrics",
    "read_history",
    "trace_of",
    "trend",
]

SCHEMA = "braggtrace.metrics/1"

_REQUIRED: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("schema", "braggtrace", "bundle", "topic", "time_utc", "summary", "note"), str),
    **dict.fromkeys(("configuration", "git", "files", "lines", "runtime_s", "pages"), dict),
    **dict.fromkeys(("pixels", "per_phi", "sign_changes", "carryover", "gates", "history"), list),
    **dict.fromkeys(("warnings", "notes", "story"), list),
    **dict.fromkeys(("first_divergence", "comparison", "against_baseline", "baseline"), (dict, type(None))),
    **dict.fromkeys(("status", "change"), (str, type(None))),
    **dict.fromkeys(("sequence", "per_phi_omitted"), int),
}
"""The keys of the document, with their kinds; `metrics.schema.json` says more."""


class State(StrEnum):
    """What can be made of a folder."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One bundle of a history.

    Attributes:
        path: its folder.
        state: complete, partial (it was never finished) or damaged (its metrics can't be read).
        metrics: the contents of `metrics.json`; None unless it is complete.
        why: what is wrong with it, or how far it got.
    """

    path: Path
    state: State
    metrics: Mapping[str, Any] | None = None
    why: str = ""

    @property
    def name(self) -> str:
        """The time it was made."""
        return self.path.name.removesuffix(PARTIAL)


def load_metrics(folder: Path) -> dict[str, Any]:
    """The metrics of a bundle.

    Raises:
        BundleError: it has none, or they can't be understood.
    """
    path = folder / METRICS
    if not path.is_file():  # a pipe would be waited for
        raise BundleError("is missing", path=path)
    try:
        document = orjson.loads(path.read_bytes())
    except OSError as error:
        raise BundleError("can't be read", path=path, got=error.strerror or str(error)) from error
    except orjson.JSONDecodeError as error:
        raise BundleError("not JSON", path=path, got=str(error)) from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise BundleError("metrics of another kind", path=path, expected=SCHEMA, got=repr(schema))
    for key, kind in _REQUIRED.items():
        if key not in document or not isinstance(document[key], kind):
            raise BundleError(f"{key!r} is missing or of another kind", path=path)
    return dict(document)


def bundles_of(folder: Path) -> list[Record]:
    """The bundles of one topic, in the order in which they were made; those that can't be read last.

    The order is that of their sequence numbers: a clock may have been set back.
    """
    records = [_record(Path(entry.path)) for entry in _folders(folder) if is_stamp(entry.name.removesuffix(PARTIAL))]
    return sorted(records, key=_order)


def _order(record: Record) -> tuple[bool, int, str]:
    return (record.metrics is None, record.metrics["sequence"] if record.metrics else 0, record.path.name)


def _folders(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from sorted((entry for entry in entries if entry.is_dir()), key=lambda entry: entry.name)
    except OSError as error:
        raise BundleError("can't list the folder", path=folder, got=error.strerror or str(error)) from error


def _record(path: Path) -> Record:
    if path.name.endswith(PARTIAL):
        return Record(path, State.PARTIAL, why=how_far(path))
    try:
        return Record(path, State.COMPLETE, load_metrics(path))
    except BundleError as error:
        return Record(path, State.DAMAGED, why=str(error))


def how_far(folder: Path) -> str:
    """What the log of an unfinished bundle says: why it stopped, else what it did last; "" if it says nothing."""
    if not (folder / ATTEMPT).is_file():
        return ""
    try:
        lines = (folder / ATTEMPT).read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    line = next((line for line in lines if " BLOCKED " in line), lines[-1] if lines else "")
    return line.partition(" ")[2]


def read_history(root: Path) -> dict[str, list[Record]]:
    """The bundles of every topic below a folder; the folder may itself be that of a topic.

    Raises:
        BundleError: the folder can't be listed.
    """
    own = bundles_of(root)
    topics = {root.resolve().name: own} if own else {}
    for entry in _folders(root):
        if not is_stamp(entry.name.removesuffix(PARTIAL)):
            found = bundles_of(Path(entry.path))
            topics |= {entry.name: found} if found else {}
    return topics


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What of the configuration of two bundles differs, as names."""
    ours, theirs = one["configuration"], other["configuration"]
    return [key for key in ours if ours[key] != theirs.get(key)]


def _references(metrics: Mapping[str, Any]) -> list[str]:
    return [entry["sha256"] for entry in metrics["files"]["reference"]]


def _is_conclusive(metrics: Mapping[str, Any]) -> bool:
    """Whether enough could be compared to speak of a divergence, or of none."""
    return metrics["status"] in ("AGREES", "DIVERGES")


def history_entry(record: Record, metrics: Mapping[str, Any]) -> Json:
    """What an earlier bundle says, and what became of its first divergence.

    Args:
        record: a complete bundle.
        metrics: those of the probe that looks back.
    """
    old = record.metrics
    assert old is not None  # the record of a complete bundle has its metrics
    same = bool(_references(old)) and _references(old) == _references(metrics)
    known = same and _is_conclusive(old) and _is_conclusive(metrics)
    key = key_pixel(old)
    values = {} if key is None else key["candidate"]
    return {
        "bundle": record.name,
        "sequence": old["sequence"],
        "same_reference": same,
        "differs": differences(old, metrics),
        "first_divergence": old["first_divergence"],
        "change": str(change(old["first_divergence"], metrics["first_divergence"])) if known else None,
        "pixel": None if key is None else key["pixel"],
        "F_latt": values.get("F_latt"),
        "I_pixel_final": values.get("I_pixel_final"),
        "revision": old["git"]["revision"],
        "runtime_s": old["runtime_s"]["total"],
    }


def trend(records: Sequence[Record]) -> list[tuple[Record, Change | None]]:
    """What became of the first divergence from each complete bundle to the next with the same reference."""
    out: list[tuple[Record, Change | None]] = []
    last: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for record in records:
        moved = None
        if record.metrics is not None and _is_conclusive(record.metrics):
            key = tuple(_references(record.metrics))
            if key in last:
                moved = change(last[key]["first_divergence"], record.metrics["first_divergence"])
            last[key] = record.metrics
        out.append((record, moved))
    return out


def trace_of(folder: Path) -> str:
    """The candidate's trace of a bundle, as the trace reader takes it: it finds the per-phi file beside it.

    Raises:
        BundleError: there is none.
    """
    path = stored(folder, MAIN)
    if path is None:
        raise BundleError("there is no trace in this bundle", path=folder, expected=MAIN)
    return str(path)


def compare_setup(one: Path, other: Path) -> list[tuple[str, str, str]]:
    """What differs in how and where two bundles were made: name, value of the first, value of the second.

    Raises:
        BundleError: one can't be read.
    """
    setups = [_setup(folder) for folder in (one, other)]
    names = list(dict.fromkeys([*setups[0], *setups[1]]))
    rows = [(name, setups[0].get(name, "–"), setups[1].get(name, "–")) for name in names]
    return [row for row in rows if row[1] != row[2]]


def _setup(folder: Path) -> dict[str, str]:
    """Configuration and environment, flat, as words."""
    metrics = load_metrics(folder)
    try:
        facts = orjson.loads((folder / ENVIRONMENT).read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise BundleError("can't be read", path=folder / ENVIRONMENT, got=str(error)) from error
    chosen = {key: facts.get(key) for key in ("braggtrace", "python", "platform", "host", "processors", "libraries")}
    parts = {**metrics["configuration"], "revision": metrics["git"]["revision"], **chosen}
    flat = _inputs(parts.pop("inputs"))
    for key, value in parts.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{name}": _words(inner) for name, inner in value.items()}
        else:
            flat[key] = _words(value)
    return flat


def _inputs(files: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Input files by what names them, with their checksums: another folder makes no other file."""
    flat: dict[str, str] = {}
    for each in files:
        number = sum(name.startswith(f"input {each['given_by']}") for name in flat)
        name = f"input {each['given_by']}" + (f" {number + 1}" if number else "")
        flat[name] = f"{Path(each['path']).name} ({(each['sha256'] or 'unknown')[:8]})"
    return flat


def _words(value: Any) -> str:
    if value is None or value == "" or value == []:
        return "–"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return " ".join(value)
    return str(value) if isinstance(value, str) else orjson.dumps(value).decode()
