"""The earlier probe, or trace, that a probe is compared with; and how it is got back from the patch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from braggtrace.bundles.history import Record, State, differences, load_metrics
from braggtrace.bundles.names import PARTIAL
from braggtrace.bundles.patch import FileChange, undo, unified_diff
from braggtrace.bundles.places import Json
from braggtrace.bundles.seal import check_seal
from braggtrace.bundles.source import read_text, side_texts
from braggtrace.errors import BundleError, InputError
from braggtrace.trace.text import visible

__all__ = ["LATEST", "Baseline", "find_baseline", "patch_against", "restore", "text_sums"]

LATEST = "latest"
"""Instead of a path: the newest complete bundle of the topic."""


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """What a probe is compared with.

    Attributes:
        name: its time if it is a bundle, else its file name.
        kind: bundle or trace.
        given: how the user named it.
        paths: its files, the main one first.
        texts: the same, decompressed, by name.
        metrics: of a bundle.
        faults: what is wrong with the bundle, if anything.
    """

    name: str
    kind: str
    given: str
    paths: tuple[Path, ...]
    texts: Mapping[str, bytes]
    metrics: Mapping[str, Any] | None = None
    faults: tuple[str, ...] = ()

    def as_json(self, document: Mapping[str, Any]) -> Json:
        """What the metrics say about it.

        Args:
            document: has the configuration of the probe.
        """
        return {
            "name": self.name,
            "kind": self.kind,
            "from": visible(self.given),
            "files": text_sums(self.texts),
            "differs": [] if self.metrics is None else differences(self.metrics, document),
            "faults": list(self.faults),
        }


def text_sums(texts: Mapping[str, bytes]) -> list[Json]:
    """Name, size and checksum of some files without compression."""
    return [
        {"name": visible(name), "bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
        for name, text in texts.items()
    ]


def find_baseline(given: str, earlier: Sequence[Record], topic: str) -> Baseline | None:
    """What the user calls the baseline.

    Args:
        given: a bundle, a trace, "latest", or "" for none.
        earlier: the bundles of the topic, in order.
        topic: what the probe is about.

    Raises:
        BundleError: it is no complete bundle.
        InputError: there is no such file.
        TraceReadError: it can't be read.
    """
    if not given:
        return None
    path = Path(given)
    if given == LATEST and not path.exists():
        complete = [record for record in earlier if record.state is State.COMPLETE]
        if not complete:
            raise BundleError(
                "there is no earlier bundle of this topic", expected="the path of a bundle or a trace", got=LATEST
            )
        path = complete[-1].path
    if path.is_dir():
        return _bundle(path, given, topic)
    if not path.exists():
        raise InputError("no such baseline", path=given, expected="a bundle or a trace")
    texts = {Path(name).name: text for name, text in side_texts(given)}
    return Baseline(visible(path.name), "trace", given, tuple(Path(name) for name, _ in side_texts(given)), texts)


def _bundle(path: Path, given: str, topic: str) -> Baseline:
    folder = path.resolve()
    if folder.name.endswith(PARTIAL):
        raise BundleError("not a complete bundle", path=given, expected="one that was finished")
    metrics = load_metrics(folder)
    faults = tuple(str(fault) for fault in check_seal(folder))
    names = [str(entry["stored"]) for entry in metrics["files"]["candidate"]]
    paths = tuple(folder / Path(name).name for name in names)
    texts = {
        entry["name"]: read_text(str(file)) for entry, file in zip(metrics["files"]["candidate"], paths, strict=True)
    }
    name = folder.name if metrics["topic"] == topic else f"{metrics['topic']}/{folder.name}"
    return Baseline(name, "bundle", given, paths, texts, metrics, faults)


def patch_against(baseline: Baseline, candidate: Mapping[str, bytes]) -> bytes:
    """The unified diff from the baseline's files to the candidate's: main file to main file, inner loops likewise.

    Args:
        baseline: the older trace.
        candidate: the newer one, by name, the main file first.
    """
    old = [*baseline.texts.items(), *[("", b"")] * len(candidate)][: max(len(baseline.texts), len(candidate))]
    new = list(candidate.items())
    return unified_diff([FileChange(*before, *after) for before, after in zip(old, new, strict=False)])


def restore(patch: bytes, candidate: Mapping[str, bytes], expected: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
    """The baseline's files, from the patch and the candidate's.

    Args:
        patch: as `patch_against` made it.
        candidate: the files of the candidate, by name.
        expected: what the metrics say about the baseline's files.

    Raises:
        BundleError: what comes out isn't what the metrics say.
    """
    back = undo(patch, dict(candidate))
    texts: dict[str, bytes] = {}
    for entry in expected:
        found = next((text for text in back.values() if hashlib.sha256(text).hexdigest() == entry["sha256"]), None)
        if found is None:
            raise BundleError(f"the patch does not give back the baseline's {entry['name']}")
        texts[entry["name"]] = found
    return texts
