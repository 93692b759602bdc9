"""`sha256.txt`: what a finished bundle holds, so that everybody can tell whether it still does.

The list is that of sha256sum, sorted by name; `sha256sum -c sha256.txt` checks it. A file that is stored compressed has
a comment above its line that tells its size and checksum without the compression.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from braggtrace.bundles.names import SEAL
from braggtrace.errors import BundleError

__all__ = ["COMPRESSED_FROM", "Fault", "FaultKind", "check_seal", "read_seal", "sha256_of", "write_seal"]

COMPRESSED_FROM = 1 << 20
"""Logs of at least so many bytes are stored compressed."""

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


class FaultKind(StrEnum):
    """What can be wrong with a bundle."""

    MISSING = "missing"
    ALTERED = "altered"
    UNLISTED = "not in the list of checksums"
    UNREADABLE = "can't be read"
    INCONSISTENT = "inconsistent"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a bundle.

    Attributes:
        kind: what is wrong.
        name: the file it is about.
        detail: more about it, "" if there is nothing to add.
    """

    kind: FaultKind
    name: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.kind}" + (f": {self.detail}" if self.detail else "")


def sha256_of(path: Path) -> str:
    """The checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_seal(folder: Path, texts: Mapping[str, bytes]) -> None:
    """Write the list over everything else in the folder.

    Args:
        folder: the bundle.
        texts: uncompressed bytes of the files that are stored compressed.
    """
    lines = []
    for path in sorted(folder.iterdir(), key=lambda path: path.name.encode()):
        if path.name in texts:
            text = texts[path.name]
            lines.append(
                f"# {path.name} is compressed: {len(text)} bytes, sha256 {hashlib.sha256(text).hexdigest()} without\n"
            )
        lines.append(f"{sha256_of(path)}  {path.name}\n")
    with (folder / SEAL).open("x", encoding="utf-8") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())


def read_seal(folder: Path) -> dict[str, str]:
    """The checksum of every file in the list.

    Raises:
        BundleError: there is no such list, or it can't be read.
    """
    path = folder / SEAL
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise BundleError("no list of checksums, so this is no complete bundle", path=folder, expected=SEAL) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError("can't read the checksums", path=path, got=str(error)) from error
    sums: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None and not line.startswith("#"):
            raise BundleError("not a line of sha256sum", path=path, line=number, got=repr(line[:80]))
        if match is not None:
            name = match[2]
            if "/" in name or name in (".", "..", SEAL) or name in sums:
                raise BundleError("not the name of one of the bundle's files", path=path, line=number, got=repr(name))
            sums[name] = match[1]
    return sums


def check_seal(folder: Path) -> list[Fault]:
    """What differs from the list of checksums.

    Raises:
        BundleError: there is no list, or it can't be read.
    """
    sums = read_seal(folder)
    faults = []
    present = {path.name: path for path in folder.iterdir() if path.name != SEAL}
    for name, expected in sums.items():
        path = present.pop(name, None)
        if path is None:
            faults.append(Fault(FaultKind.MISSING, name))
            continue
        try:
            if not stat.S_ISREG(path.lstat().st_mode):
                faults.append(Fault(FaultKind.ALTERED, name, "no longer a plain file"))
            elif sha256_of(path) != expected:
                faults.append(Fault(FaultKind.ALTERED, name, "the checksum differs"))
        except OSError as error:
            faults.append(Fault(FaultKind.UNREADABLE, name, error.strerror or str(error)))
    faults += [Fault(FaultKind.UNLISTED, name) for name in sorted(present)]
    return faults
