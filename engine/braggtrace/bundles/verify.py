"""Whether a bundle is what it was: checksums, completeness, and that its metrics and pages follow from its traces."""

from __future__ import annotations

import hashlib
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from braggtrace import __version__
from braggtrace.bundles import names
from braggtrace.bundles.baseline import restore
from braggtrace.bundles.evidence import Evidence, Files, derive, gather, previous_of
from braggtrace.bundles.history import how_far, load_metrics
from braggtrace.bundles.lines import count_lines, tag_of, total_kinds
from braggtrace.bundles.metrics import gates_of, judging_of
from braggtrace.bundles.places import Json
from braggtrace.bundles.seal import Fault, FaultKind, check_seal, read_seal, sha256_of
from braggtrace.bundles.source import read_text
from braggtrace.bundles.summary import summary
from braggtrace.errors import BraggtraceError, BundleError

__all__ = ["Verified", "verify"]

_ALWAYS = (
    names.README,
    names.COMMANDS,
    names.MAIN,
    names.STDOUT,
    names.DIFF,
    names.METRICS,
    names.ENVIRONMENT,
    names.CPU,
    names.OBSERVATIONS,
    names.PER_PHI_PICTURE,
    names.ROI_PICTURE,
)
_SHOWN = 3
_WORDS = ("sentence", "notes", "reason", "place", "tolerance")
"""Keys whose words may be others in another version, though they say the same."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What came out of looking at a bundle.

    Attributes:
        path: the folder.
        files: how many files its list of checksums has.
        faults: what is wrong; () if nothing is.
        summary: what the bundle says, "" if that can't be read.
    """

    path: Path
    files: int
    faults: tuple[Fault, ...]
    summary: str = ""


def verify(folder: Path) -> Verified:
    """Check a bundle. Nothing is written to it.

    Raises:
        BundleError: it is no folder, or can't be looked at.
    """
    try:
        present = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise BundleError("not a bundle", path=folder, expected="a folder", got=error.strerror or str(error)) from error
    if folder.resolve().name.endswith(names.PARTIAL):
        last = how_far(folder)
        why = "it was never finished" + (f": {last}" if last else "")
        return Verified(folder, 0, (Fault(FaultKind.MISSING, names.SEAL, why),))
    odd = [name for name in present if not stat.S_ISREG((folder / name).lstat().st_mode)]
    if names.SEAL in odd:
        return Verified(folder, 0, (Fault(FaultKind.ALTERED, names.SEAL, "no longer a plain file"),))
    if names.SEAL not in present:
        if names.METRICS not in present and names.README not in present:
            raise BundleError("not a bundle", path=folder, expected=f"a folder with {names.SEAL}")
        return Verified(folder, 0, (Fault(FaultKind.MISSING, names.SEAL),))
    try:
        listed = read_seal(folder)
        faults = check_seal(folder)
    except BundleError as error:
        return Verified(folder, 0, (Fault(FaultKind.ALTERED, names.SEAL, error.what),))
    except OSError as error:
        raise BundleError("can't be read", path=folder, got=error.strerror or str(error)) from error
    if odd:  # nothing is read through a link, or from a pipe
        return Verified(folder, len(listed), tuple(faults))
    known = {fault.name for fault in faults}
    faults += [Fault(FaultKind.MISSING, name) for name in _lacking(folder) if name not in known]
    said = ""
    try:
        metrics = load_metrics(folder)
        said = str(metrics["summary"])
        faults += _inconsistent(folder, metrics)
    except (BraggtraceError, OSError) as error:
        if not faults:  # else it follows from what is altered or missing
            faults.append(Fault(FaultKind.INCONSISTENT, names.METRICS, str(error)))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        faults.append(Fault(FaultKind.INCONSISTENT, names.METRICS, f"not as its schema says ({error!r})"))
    return Verified(folder, len(listed), tuple(dict.fromkeys(faults)), said)


def _lacking(folder: Path) -> Iterator[str]:
    """Files that every bundle has, and those that its metrics imply."""
    yield from (name for name in _ALWAYS if names.stored(folder, name) is None)
    try:
        metrics = load_metrics(folder)
        for side in ("candidate", "reference"):
            for entry in metrics["files"][side]:
                if not (folder / Path(entry["stored"]).name).is_file():
                    yield entry["stored"]
        if metrics.get("baseline") is not None and names.stored(folder, names.BASELINE_PATCH) is None:
            yield names.BASELINE_PATCH
    except (BraggtraceError, KeyError, TypeError):
        return


def _inconsistent(folder: Path, metrics: Mapping[str, Any]) -> Iterator[Fault]:
    """What does not follow from the traces.

    Raises:
        BraggtraceError: the traces can't be read or compared.
        KeyError, TypeError, ValueError, IndexError, AttributeError: the metrics are not as their schema says.
    """
    if metrics["bundle"] != folder.resolve().name:
        yield Fault(FaultKind.INCONSISTENT, names.METRICS, f"it is the bundle {metrics['bundle']}")
    texts = _texts(folder, metrics, "candidate")
    yield from _sums(metrics, texts | _texts(folder, metrics, "reference"))
    yield from _lines(metrics, texts)
    with tempfile.TemporaryDirectory(prefix="braggtrace-") as scratch:
        evidence = _evidence(folder, metrics, texts, Path(scratch))
        derived = derive(evidence, previous_of(evidence, _previous(metrics)), gates_of(metrics))
        yield from _differences(derived, metrics)
    yield from _pages(folder, metrics)


def _texts(folder: Path, metrics: Mapping[str, Any], side: str) -> dict[str, bytes]:
    entries = metrics["files"][side]
    return {entry["name"]: read_text(str(folder / Path(entry["stored"]).name)) for entry in entries}


def _sums(metrics: Mapping[str, Any], texts: Mapping[str, bytes]) -> Iterator[Fault]:
    for side in ("candidate", "reference"):
        for entry in metrics["files"][side]:
            if hashlib.sha256(texts[entry["name"]]).hexdigest() != entry["sha256"]:
                yield Fault(FaultKind.INCONSISTENT, entry["stored"], "not the trace that the metrics are about")


def _lines(metrics: Mapping[str, Any], texts: Mapping[str, bytes]) -> Iterator[Fault]:
    """The numbers of lines that are expected are those that are there."""
    there = total_kinds(count_lines(list(texts.values())))
    base = tag_of(texts.values())
    for tag, entry in metrics["lines"].items():
        kind = tag.removeprefix(base).lstrip("_")
        expected = entry["found"] if entry["expected"] is None else entry["expected"]
        if not entry["found"] == there[kind] == expected:
            detail = f"there are {there[kind]} {tag} lines, expected {expected}"
            yield Fault(FaultKind.INCONSISTENT, names.MAIN if kind != "PHI" else names.PER_PHI, detail)


def _evidence(folder: Path, metrics: Mapping[str, Any], texts: Mapping[str, bytes], scratch: Path) -> Evidence:
    """The traces, compared again; the baseline comes back from the patch."""
    baseline: list[Path] = []
    if metrics["baseline"] is not None:
        patch = names.stored(folder, names.BASELINE_PATCH)
        if patch is None:
            raise BundleError("is missing", path=folder / names.BASELINE_PATCH)
        for name, text in restore(read_text(str(patch)), texts, metrics["baseline"]["files"]).items():
            baseline.append(scratch / Path(name).name)
            baseline[-1].write_bytes(text)
    files = Files(
        candidate=tuple(folder / Path(entry["stored"]).name for entry in metrics["files"]["candidate"]),
        reference=tuple(folder / Path(entry["stored"]).name for entry in metrics["files"]["reference"]),
        baseline=tuple(baseline),
    )
    pixels = [(int(slow), int(fast)) for slow, fast in (entry["pixel"] for entry in metrics["pixels"])]
    return gather(files, judging_of(metrics), pixels)


def _previous(metrics: Mapping[str, Any]) -> dict[tuple[int, int], tuple[int, int] | None]:
    """Which pixel comes before each one can't be seen in the traces; it is taken as it is written."""
    out: dict[tuple[int, int], tuple[int, int] | None] = {}
    for entry in metrics["carryover"]:
        if entry["previous_known"]:
            before = entry["previous"]
            out[entry["pixel"][0], entry["pixel"][1]] = None if before is None else (before[0], before[1])
    return out


def _differences(derived: Json, metrics: Mapping[str, Any]) -> Iterator[Fault]:
    """Where the metrics say something else than the traces. How they word it may change from version to version."""
    fresh = orjson.loads(orjson.dumps(derived))
    same_version = metrics["braggtrace"] == __version__
    places = [
        place
        for key, value in fresh.items()
        if key in metrics or same_version
        for place in _unequal(value, metrics.get(key), key, strict=same_version)
    ]
    if summary(metrics)[0] != metrics["summary"].partition(":")[0]:
        places.append("summary")
    if places:
        more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
        other = "" if same_version else f"; made by braggtrace {metrics['braggtrace']}"
        detail = f"does not follow from the traces: {', '.join(places[:_SHOWN])}{more}{other}"
        yield Fault(FaultKind.INCONSISTENT, names.METRICS, detail)


def _unequal(fresh: Any, said: Any, path: str, *, strict: bool) -> Iterator[str]:
    if isinstance(fresh, dict) and isinstance(said, dict):
        for key in fresh:
            if key not in _WORDS and (key in said or strict):
                yield from _unequal(fresh[key], said.get(key), f"{path}.{key}", strict=strict)
    elif isinstance(fresh, list) and isinstance(said, list) and len(fresh) == len(said):
        for at, (one, other) in enumerate(zip(fresh, said, strict=True)):
            yield from _unequal(one, other, f"{path}[{at}]", strict=strict)
    elif fresh != said:
        yield path


def _pages(folder: Path, metrics: Mapping[str, Any]) -> Iterator[Fault]:
    """Pages that are not those that were written from these metrics."""
    for name, digest in metrics["pages"].items():
        path = names.stored(folder, Path(name).name)
        if path is not None and sha256_of(path) != digest:
            yield Fault(FaultKind.INCONSISTENT, name, "not the page that was written from the metrics")
    path = folder / names.README
    if path.is_file():
        first = path.read_text("utf-8", "replace").partition("\n")[0]
        said = re.sub(r"\\(.)", r"\1", first.removeprefix("**").replace("**:", ":", 1).removesuffix("."))
        if said != metrics["summary"]:
            yield Fault(FaultKind.INCONSISTENT, names.README, "its first line is not the summary of the metrics")
