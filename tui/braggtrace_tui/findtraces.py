"""Find files that look like traces, near where one stands."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Found", "find_traces", "looks_like_trace"]

_SUFFIXES = (".log", ".txt", ".json", ".trace", ".out")
_PACKED = (".gz", ".bz2", ".xz")
_SIGNS = (b"TRACE", b"DETECTOR_FAST_AXIS", b'"per_phi_entries"', b'"traces"')
_SKIPPED = frozenset({"node_modules", "__pycache__", "build", "dist", "venv", "site-packages"})
_LOOKED_AT = 400
_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A file that looks like a trace."""

    path: str
    size: int
    when: float


def looks_like_trace(path: Path) -> bool:
    """Its first 4 kB hold a line of a trace; a packed file is taken by its name."""
    if path.name.endswith(_PACKED):
        return "trace" in path.name.lower()
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    return any(sign in head for sign in _SIGNS)


def find_traces(folder: Path, limit: int = 50) -> list[Found]:
    """Traces below a folder, the latest first; looks at a few hundred files at most, so that it is quick."""
    found: list[Found] = []
    for _, path in zip(range(_LOOKED_AT), _candidates(folder, _DEPTH), strict=False):
        try:
            status = path.stat()
        except OSError:
            continue
        if status.st_size and looks_like_trace(path):
            found.append(Found(str(path.relative_to(folder)), status.st_size, status.st_mtime))
    return sorted(found, key=lambda each: (-each.when, each.path))[:limit]


def _candidates(folder: Path, depth: int) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    folders = []
    for entry in entries:
        if entry.name.startswith("."):
            continue
        try:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _SKIPPED:
                    folders.append(Path(entry.path))
            elif (
                entry.is_file()
                and Path(entry.name.removesuffix(".gz").removesuffix(".bz2").removesuffix(".xz")).suffix in _SUFFIXES
            ):
                yield Path(entry.path)
        except OSError:
            continue
    if depth > 1:
        for each in folders:
            yield from _candidates(each, depth - 1)
