"""What a probe ran on: the revision of the code, the libraries, the processor."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from braggtrace import __version__
from braggtrace.bundles.places import Json
from braggtrace.bundles.seal import sha256_of
from braggtrace.trace.text import visible

__all__ = ["InputFile", "Revision", "cpu_info", "describe_inputs", "environment", "git_revision"]

_LISTED = 50
_GIT_TIMEOUT_S = 20.0
_LIBRARIES = ("numpy", "orjson", "torch", "gemmi", "fabio")
_VARIABLES = ("NB_C_BIN", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "KMP_DUPLICATE_LIB_OK")
_CPU_KEYS = (
    "vendor_id",
    "model name",
    "cpu family",
    "model",
    "stepping",
    "microcode",
    "cache size",
    "flags",
    "Features",
)


@dataclass(frozen=True, slots=True)
class Revision:
    """The revision of the working folder.

    Attributes:
        commit: full hash, None where there is none.
        reason: why there is none.
        changed: tracked files that differ from the commit.
        untracked: files that git neither tracks nor ignores.
    """

    commit: str | None
    reason: str = ""
    changed: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether the files are those of the commit."""
        return self.commit is not None and not self.changed and not self.untracked

    def __str__(self) -> str:
        if self.commit is None:
            return f"none ({self.reason})"
        if self.clean:
            return self.commit
        parts = [
            f"{len(names)} {word}"
            for word, names in (("changed", self.changed), ("untracked", self.untracked))
            if names
        ]
        return f"{self.commit} ({', '.join(parts)})"

    def as_json(self) -> Json:
        """Plain data; of very many files the first ones."""
        return {
            "revision": self.commit,
            "reason": self.reason or None,
            "clean": self.clean if self.commit else None,
            "changed": [visible(name) for name in self.changed[:_LISTED]],
            "untracked": [visible(name) for name in self.untracked[:_LISTED]],
            "changed_count": len(self.changed),
            "untracked_count": len(self.untracked),
        }


def git_revision(folder: Path, leave_out: Sequence[Path] = ()) -> Revision:
    """The revision of a folder, and what differs from it.

    Args:
        folder: the working folder.
        leave_out: what the probe itself writes: it makes no tree dirty.
    """
    if shutil.which("git") is None:
        return Revision(None, "git is not installed")
    code, top = _git(folder, "rev-parse", "--show-toplevel")
    if code:
        return Revision(None, "not a git repository" if "not a git repository" in top else visible(top[:200]))
    root = Path(top.rstrip("\n"))
    code, commit = _git(folder, "rev-parse", "--verify", "HEAD")
    if code:
        return Revision(None, "no commit yet")
    code, status = _git(
        root, "status", "--porcelain", "-z", "--untracked-files=normal", "--", ".", *_excluded(root, leave_out)
    )
    if code:
        return Revision(commit.strip(), changed=(f"unknown: {visible(status[:200])}",))
    changed: list[str] = []
    untracked: list[str] = []
    entries = iter(status.split("\0"))
    for entry in entries:
        if not entry:
            continue
        (untracked if entry.startswith("??") else changed).append(entry[3:])
        if entry[0] in "RC":
            next(entries, None)  # the old name follows
    return Revision(commit.strip(), changed=tuple(changed), untracked=tuple(untracked))


def _excluded(root: Path, paths: Sequence[Path]) -> list[str]:
    """Pathspecs that leave out paths within a repository."""
    out = []
    for path in paths:
        real = Path(os.path.realpath(path))
        if real.is_relative_to(os.path.realpath(root)) and real != Path(os.path.realpath(root)):
            out.append(f":(exclude,top,literal){real.relative_to(os.path.realpath(root))}")
    return out


def _git(folder: Path, *words: str) -> tuple[int, str]:
    """Exit status and output of git, which neither waits for anybody nor writes anything."""
    settings = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        run = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=settings,
            check=False,
            timeout=_GIT_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, str(error)
    return run.returncode, (run.stderr if run.returncode else run.stdout).decode("utf-8", "replace")


def environment(revision: Revision, facts: Mapping[str, object], inputs: Sequence[Json], time_utc: str) -> Json:
    """The contents of `env.json`.

    Args:
        revision: of the working folder.
        facts: what the process that computed says about itself.
        inputs: as `describe_inputs` gives them.
        time_utc: when the probe started; the only thing here that changes from run to run.
    """
    return {
        "schema": "braggtrace.environment/1",
        "braggtrace": __version__,
        "time_utc": time_utc,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "host": visible(platform.node()),
        "processors": os.cpu_count(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "variables": {name: visible(os.environ[name]) for name in _VARIABLES if name in os.environ},
        "git": revision.as_json(),
        "computed_by": dict(facts),
        "inputs": list(inputs),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that a probe reads.

    Attributes:
        given_by: what names it: `-hkl`, `reference`.
        name: how it is named.
        path: where it is.
    """

    given_by: str
    name: str
    path: Path


def describe_inputs(files: Sequence[InputFile]) -> list[Json]:
    """Size and checksum of every input file; null for a pipe."""
    out = []
    for file in files:
        known = file.path.is_file()
        size, digest = (file.path.stat().st_size, sha256_of(file.path)) if known else (None, None)
        out.append({"given_by": file.given_by, "path": visible(file.name), "bytes": size, "sha256": digest})
    return out


def cpu_info(path: Path = Path("/proc/cpuinfo")) -> str:
    """The processor, without what changes while one looks at it."""
    lines = [f"machine: {platform.machine()}", f"processors: {os.cpu_count()}"]
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        processor = platform.processor() or "unknown"
        return "\n".join([*lines, f"processor: {processor}"]) + "\n"
    first: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        first.setdefault(key.strip(), value.strip())
    lines += [f"{key}: {first[key]}" for key in _CPU_KEYS if key in first]
    sockets = {line.partition(":")[2] for line in text.splitlines() if line.startswith("physical id")}
    lines += [f"sockets: {len(sockets)}"] if sockets else []
    return "\n".join(lines) + "\n"
