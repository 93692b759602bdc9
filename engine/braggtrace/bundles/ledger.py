"""The ledger: a Markdown file of numbered attempts, to which a probe appends its own without touching anything else.

Attempts are found where a line starts with one: `* [2025-10-08] Attempt #152 — …`, `### Attempt 12: …`. The new one has
the next number and the form of the last one. The file is replaced as a whole, so it is never half written; a lock file
beside it keeps two probes from taking the same number.
"""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from braggtrace.bundles.places import plainly
from braggtrace.bundles.summary import result_since, summary
from braggtrace.bundles.words import code, key_pixel, number, plain, product, seconds
from braggtrace.errors import InputError, OutputError

__all__ = ["Attempt", "append_attempt", "attempt_of", "check_ledger", "format_attempt", "next_number"]

_ATTEMPT = re.compile(
    r"^(?P<indent>[ \t]*)(?:(?P<mark>[*+-]|#{1,6}|\d{1,9}[.)])[ \t]+)?"
    r"(?P<date>\[[^\]\n]{1,40}\][ \t]+)?(?P<bold>\*\*|__)?Attempt[ \t]+(?P<hash>#)?(?P<number>\d{1,9})\b",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^[ \t]{0,3}(```+|~~~+)")
_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an entry says.

    Attributes:
        date: of the probe, `2025-10-08`.
        title: the answer in one sentence.
        facts: name and words of the rest.
    """

    date: str
    title: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Form:
    """How entries look in a file."""

    indent: str = ""
    mark: str = "*"
    dated: bool = True
    hashed: bool = True
    bold: str = ""


def attempt_of(metrics: Mapping[str, Any], command: tuple[str, ...], bundle: Path, ledger: Path) -> Attempt:
    """The entry about a probe.

    Args:
        metrics: the contents of `metrics.json`.
        command: the command line.
        bundle: the folder of the finished bundle.
        ledger: where the entry goes: links are relative to it.
    """
    word, rest = summary(metrics)
    first = metrics["first_divergence"]
    key = key_pixel(metrics)
    link = quote(os.path.relpath(bundle.resolve(), ledger.resolve().parent).replace(os.sep, "/"))
    lattice = "–"
    if key is not None:
        where = f"pixel {key['pixel'][0]} {key['pixel'][1]}"
        lattice = f"{product(key['candidate'])} at {where}, I_pixel_final {number(key['candidate']['I_pixel_final'])}"
    return Attempt(
        date=metrics["time_utc"][:10],
        title=f"{metrics['topic']}: {word}: {rest}",
        facts=(
            ("Time", metrics["time_utc"]),
            ("Command", code(shlex.join(command)) if command else "from the screen"),
            ("Runtime", seconds(metrics["runtime_s"]["total"])),
            ("First divergence", "none" if first is None else plain(plainly(first))),
            ("F_latt", plain(lattice)),
            ("Result", plain(f"{word}; {result_since(metrics)}")),
            ("Evidence", f"[{metrics['topic']}/{metrics['bundle']}]({link}/README.md)"),
        ),
    )


def next_number(text: str) -> int:
    """One more than the largest number of an attempt; 1 in a file without any."""
    return max((int(match["number"]) for match in _attempts(text)), default=0) + 1


def _attempts(text: str) -> Iterator[re.Match[str]]:
    """The lines that start an attempt; examples in code blocks don't count."""
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if mark is not None and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        elif not fence and (match := _ATTEMPT.match(line)) is not None:
            yield match


def format_attempt(attempt: Attempt, text: str) -> str:
    """The entry for a ledger with this text, in the form of its last attempt; lines end with a newline."""
    form = _Form()
    for match in _attempts(text):
        mark = match["mark"] or "*"
        form = _Form(
            indent=match["indent"],
            mark="1." if mark[0].isdigit() else mark,
            dated=match["date"] is not None,
            hashed=match["hash"] is not None,
            bold=match["bold"] or "",
        )
    date = f"[{attempt.date}] " if form.dated else ""
    name = f"{form.bold}Attempt {'#' if form.hashed else ''}{next_number(text)}{form.bold}"
    title = plain(attempt.title)
    if form.mark.startswith("#"):
        facts = "".join(f"- {key}: {words}\n" for key, words in attempt.facts)
        return f"{form.mark} {date}{name} — {title}\n\n{facts}"
    inner = form.indent + " " * (len(form.mark) + 1) + ("-" if form.mark != "-" else "*")
    facts = "".join(f"{inner} {key}: {words}\n" for key, words in attempt.facts)
    return f"{form.indent}{form.mark} {date}{name} — {title}\n{facts}"


def check_ledger(path: Path) -> str:
    """The text of a ledger; read before any work is done, so that a wrong path costs nothing.

    Raises:
        InputError: there is no such file, or it is no text.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError("no such ledger; make an empty file to start one", path=path) from None
    except OSError as error:
        raise InputError("can't read the ledger", path=path, got=error.strerror or str(error)) from error
    if b"\0" in data:
        raise InputError("not a text in UTF-8", path=path, expected="a Markdown file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError("not a text in UTF-8", path=path, got=str(error)) from error


def append_attempt(path: Path, attempt: Attempt, *, wait_s: float = _WAIT_S) -> str:
    """Append an entry. What was there stays as it is, byte for byte; links, rights and line ends are kept.

    Args:
        path: the ledger.
        attempt: what to append.
        wait_s: how long to wait while somebody else appends.

    Returns:
        The entry as it was written.

    Raises:
        InputError: the ledger can't be read.
        OutputError: it can't be written, or is locked for too long.
    """
    target = Path(os.path.realpath(path))
    with _locked(target, wait_s):
        text = check_ledger(target)
        entry = format_attempt(attempt, text)
        data = text.encode("utf-8")
        try:
            _replace(target, data + _joined(data, entry))
        except OSError as error:
            raise OutputError(f"can't be written: {error.strerror or error}", path=path) from error
    return entry


def _joined(before: bytes, entry: str) -> bytes:
    """The entry as bytes that continue a file: its line ends, its blank lines, its lack of a last newline."""
    newline = b"\r\n" if before.count(b"\r\n") * 2 > before.count(b"\n") else b"\n"
    is_open = bool(before) and not before.endswith(b"\n")
    text = entry.encode("utf-8").replace(b"\n", newline)
    if entry.startswith("#") and before:
        blank = before.endswith((b"\n\n", b"\r\n\r\n"))
        text = text if blank else newline + text
    return newline + text.removesuffix(newline) if is_open else text


def _replace(target: Path, data: bytes) -> None:
    """Write beside the file, then take its place."""
    status = target.stat()
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}-")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        shutil.copystat(target, temporary)  # rights and extended attributes; the times are put right below
        with suppress(PermissionError):
            os.chown(temporary, status.st_uid, status.st_gid)
            temporary.chmod(status.st_mode & 0o7777)  # a change of owner clears some bits
        os.utime(temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _locked(target: Path, wait_s: float) -> Iterator[None]:
    """Hold the lock file of a ledger. The system frees it when its holder dies, however that happens."""
    lock = target.with_name(f".{target.name}.lock")
    end = time.monotonic() + wait_s
    try:
        descriptor = _acquire(lock, end)
    except OSError as error:
        raise OutputError(f"can't be locked: {error.strerror or error}", path=lock) from error
    if descriptor is None:
        raise OutputError(f"somebody else has been writing to the ledger for {wait_s:g} s", path=lock)
    try:
        yield
    finally:
        with suppress(OSError):
            lock.unlink()  # while we hold it: who waits for it looks whether it is still there
        os.close(descriptor)


def _acquire(lock: Path, end: float) -> int | None:
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_ino == lock.stat().st_ino:
                return descriptor
        except (BlockingIOError, FileNotFoundError):
            pass
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if time.monotonic() >= end:
            return None
        time.sleep(0.02)
