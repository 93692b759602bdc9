"""Runs, kept in a folder each: `.braggtrace/runs/<UTC time>-<words>/`. What is there survives a crash.

| file | holds |
|---|---|
| `request.json` | what was asked for |
| `environment.json` | versions, machine, git revision |
| `status.json` | running, done, failed or cancelled, and when |
| `log.txt` | what was printed and what was warned of |
| `trace.log`, `trace_per_phi.log` | the trace |
| `image.npy` | the image, float32 (slow, fast) |
| `timing.json` | seconds, and what the C program prints about an image |

A run that is under way holds a lock on the file `lock`, which ends with its process: without it, it was interrupted.
"""

from __future__ import annotations

import fcntl
import os
import platform
import re
import shutil
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import orjson

from braggtrace import __version__
from braggtrace.errors import BraggtraceError, InputError, OutputError, UsageError
from braggtrace.formats.files import write_atomic
from braggtrace.formats.floatimage import write_float_image
from braggtrace.runs.requests import RunRequest

__all__ = ["DEFAULT_ROOT", "OpenRun", "RunRecord", "RunStore", "Status"]

DEFAULT_ROOT = ".braggtrace/runs"

Status: TypeAlias = Literal["running", "done", "failed", "cancelled", "interrupted", "damaged"]

_NAME = re.compile(r"\d{8}T\d{6}Z-[a-z0-9][a-z0-9.-]{0,79}")
_LONGEST_SLUG = 60
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as it is found on disk.

    Attributes:
        name: of its folder.
        folder: where it is.
        status: "interrupted" if whoever ran it is gone; "damaged" if the folder can't be read.
        sentence: what went wrong, "" if nothing did.
        request: what was asked for; None if that can't be read.
        started: when.
        ended: when, None if it has not ended.
        environment: versions, machine, git revision.
        timing: seconds, and what else is known about the result.
    """

    name: str
    folder: Path
    status: Status
    sentence: str
    request: RunRequest | None
    started: datetime | None
    ended: datetime | None
    environment: Mapping[str, Any]
    timing: Mapping[str, Any]

    @property
    def trace(self) -> Path | None:
        """The trace, if there is one; the part for the inner loops lies beside it."""
        return self._file("trace.log")

    @property
    def image(self) -> Path | None:
        """The image, if there is one."""
        return self._file("image.npy")

    @property
    def log(self) -> Path | None:
        """What was printed, if anything was."""
        return self._file("log.txt")

    @property
    def seconds(self) -> float | None:
        """How long it took, None if it has not ended."""
        return None if self.started is None or self.ended is None else (self.ended - self.started).total_seconds()

    @property
    def size(self) -> int:
        """Bytes on disk."""
        total = 0
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            with suppress(OSError):
                total += path.lstat().st_size
        return total

    def _file(self, name: str) -> Path | None:
        path = self.folder / name
        return path if path.is_file() else None


class OpenRun:
    """A run that is under way. Ends once, with `finish` or `fail`; may be used from any thread.

    Attributes:
        name: of its folder.
        folder: where it is.
        request: what was asked for.
    """

    def __init__(self, folder: Path, request: RunRequest, environment: Mapping[str, Any]) -> None:
        self.name, self.folder, self.request = folder.name, folder, request
        self._started = _now()
        self._guard = threading.Lock()
        self._over = False
        self._lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o666)
        with suppress(OSError):  # a file system without locks: then it looks interrupted until it has ended
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._write_json("request.json", request.as_json())
        self._write_json("environment.json", environment)
        self._write_status("running")

    def log(self, text: str) -> None:
        """Keep some text.

        Raises:
            OutputError: it can't be written.
        """
        try:
            with (self.folder / "log.txt").open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text if text.endswith("\n") or not text else f"{text}\n")
        except OSError as error:
            raise OutputError("can't be written", path=self.folder / "log.txt", got=str(error)) from error

    def finish(self, result: Mapping[str, Any]) -> None:
        """Write the results: `main`, `per_phi`, `image` with `shape`, `timing`, `statistics`, `warnings`, `log`.

        Raises:
            OutputError: a file can't be written; the run has failed then.
        """
        with self._guard:
            if self._over:
                return
            try:
                self._write_results(result)
            except (OutputError, InputError) as error:
                self._end("failed", str(error))
                raise
            self._end("done", "")

    def fail(self, sentence: str, *, cancelled: bool = False, detail: str = "") -> None:
        """Write why there is no result."""
        with self._guard:
            if self._over:
                return
            if detail:
                with suppress(OutputError):
                    self.log(detail)
            self._end("cancelled" if cancelled else "failed", sentence)

    def _write_results(self, result: Mapping[str, Any]) -> None:
        for name, file in (("per_phi", "trace_per_phi.log"), ("main", "trace.log")):
            if isinstance(result.get(name), str):
                write_atomic(self.folder / file, [result[name].encode("utf-8", "backslashreplace")])
        if result.get("image"):
            from braggtrace.service.protocol import image_of

            write_float_image(self.folder / "image.npy", image_of(result))
        warnings = [f"warning: {sentence}\n" for sentence in result.get("warnings") or ()]
        if warnings or result.get("log"):
            self.log("".join(warnings) + (result.get("log") or ""))
        known = {name: result[name] for name in ("statistics", "shape", "roi", "pixels") if name in result}
        self._write_json("timing.json", {**(result.get("timing") or {}), **known})

    def _end(self, status: Status, sentence: str) -> None:
        self._over = True
        with suppress(OutputError):  # a full disk; it will look interrupted
            self._write_status(status, sentence)
        os.close(self._lock)
        (self.folder / "lock").unlink(missing_ok=True)

    def _write_status(self, status: Status, sentence: str = "") -> None:
        ended = None if status == "running" else _now()
        self._write_json(
            "status.json", {"status": status, "sentence": sentence, "started": self._started, "ended": ended}
        )

    def _write_json(self, name: str, data: Mapping[str, Any]) -> None:
        write_atomic(self.folder / name, [orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)])


class RunStore:
    """The runs of a folder.

    Args:
        root: where they are kept; made when the first run begins.
    """

    def __init__(self, root: Path | str = DEFAULT_ROOT) -> None:
        self.root = Path(root)

    def create(self, request: RunRequest, slug: str = "", environment: Mapping[str, Any] | None = None) -> OpenRun:
        """Begin a run: its folder is there, with the request and the environment, when this returns.

        Args:
            request: what is asked for.
            slug: some words for the name of the folder.
            environment: what is known besides what can be found out here, such as the engine's `hello`.

        Raises:
            OutputError: the folder can't be made or written.
        """
        words = re.sub(r"[^a-z0-9.]+", "-", (slug or f"{request.kind} {request.settings()}").lower()).strip("-.")
        known = {**_environment(request, self.root), **(environment or {})}
        stem = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{words[:_LONGEST_SLUG].strip('-.') or request.kind}"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            for name in (stem, *(f"{stem}-{number}" for number in range(2, 10_000))):
                with suppress(FileExistsError):
                    (self.root / name).mkdir()
                    return OpenRun(self.root / name, request, known)
        except OSError as error:
            wanted = "a folder that can be written: start braggtrace in one"
            why = error.strerror or str(error)
            raise OutputError("can't keep a run here", path=self.root, expected=wanted, got=why) from error
        raise OutputError("there are too many runs of this second", path=self.root)

    def list(self) -> Sequence[RunRecord]:
        """Every run, newest first; also those that were interrupted or can't be read."""
        try:
            folders = [path for path in self.root.iterdir() if _NAME.fullmatch(path.name) and path.is_dir()]
        except OSError:
            return []
        return sorted(map(self._read, folders), key=lambda run: (run.started or _LONG_AGO, run.name), reverse=True)

    def load(self, name: str) -> RunRecord:
        """One run.

        Args:
            name: of its folder, a part of it that only one run has, or "last".

        Raises:
            InputError: there is no such run, or more than one.
        """
        runs = self.list()
        if name == "last":
            found = [*runs[:1]]
        else:
            found = [run for run in runs if run.name == name] or [run for run in runs if name and name in run.name]
        if len(found) == 1:
            return found[0]
        if not found:
            raise InputError("no such run; `braggtrace runs` lists them", path=self.root, got=name or "no name")
        raise InputError(
            "more than one run is called that", path=self.root, got=", ".join(run.name for run in found[:5])
        )

    def delete(self, name: str) -> None:
        """Delete a run for good.

        Raises:
            InputError: there is no such run.
            UsageError: it is under way.
            OutputError: it can't be deleted.
        """
        run = self.load(name)
        if run.status == "running":
            raise UsageError("the run is under way; cancel it first", got=run.name)
        if run.folder.is_symlink():
            raise UsageError("the run is a link to somewhere else; delete it by hand", got=str(run.folder))
        try:
            shutil.rmtree(run.folder)
        except OSError as error:
            raise OutputError("can't be deleted", path=run.folder, got=error.strerror or str(error)) from error

    def _read(self, folder: Path) -> RunRecord:
        status = _json(folder / "status.json")
        sentence = str(status.get("sentence") or "")
        kind = "running" if _is_locked(folder / "lock") else status.get("status")
        request: RunRequest | None = None
        try:
            request = RunRequest.from_json(_json(folder / "request.json"), str(folder / "request.json"))
        except BraggtraceError as error:
            if kind != "running":
                kind, sentence = "damaged", str(error)
        if kind == "running" and not _is_locked(folder / "lock"):
            kind, sentence = "interrupted", "whoever ran it ended before the run did"
        if kind not in ("running", "done", "failed", "cancelled", "interrupted", "damaged"):
            kind, sentence = "interrupted", "it ended before it began"
        return RunRecord(
            name=folder.name,
            folder=folder,
            status=cast("Status", kind),
            sentence=sentence,
            request=request,
            started=_time(status.get("started")) or _time_of_name(folder.name),
            ended=_time(status.get("ended")),
            environment=_json(folder / "environment.json"),
            timing=_json(folder / "timing.json"),
        )


def _environment(request: RunRequest, root: Path) -> dict[str, Any]:
    """What can be found out without an engine."""
    from braggtrace.bundles.environment import git_revision

    folder = Path(request.experiment.get("folder") or ".")
    return {
        "braggtrace": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": platform.node(),
        "working_folder": str(Path.cwd()),
        "program": sys.argv[:1],
        "git": git_revision(folder, [root]).as_json(),
    }


def _json(path: Path) -> dict[str, Any]:
    """The object in a file; nothing if there is none that can be read."""
    try:
        data = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return data if isinstance(data, dict) else {}


def _is_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _time(text: object) -> datetime | None:
    try:
        when = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _time_of_name(name: str) -> datetime | None:
    with suppress(ValueError):
        return datetime.strptime(name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return None
