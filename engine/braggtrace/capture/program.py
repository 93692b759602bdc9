"""Looking at a C program before it is run: is it there, can it be run, does it trace itself, can gdb read it."""

from __future__ import annotations

import mmap
import os
import shutil
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from braggtrace.errors import CaptureError

__all__ = ["Program", "find_program"]

_DEBUG = frozenset([".debug_info", ".zdebug_info", ".gnu_debuglink"])
_LOCATIONS = frozenset([".debug_loc", ".debug_loclists", ".zdebug_loc", ".zdebug_loclists"])


@dataclass(frozen=True, slots=True)
class Program:
    """A program.

    Attributes:
        path: absolute.
        is_elf: it is machine code for Linux, not a script.
        sections: names of its parts.
        knows: which of the flags that we asked for occur in it.
    """

    path: Path
    is_elf: bool
    sections: frozenset[str]
    knows: frozenset[str]

    @property
    def has_debug_info(self) -> bool:
        """It was built with -g, or says where such information lies."""
        return bool(self.sections & _DEBUG)

    @property
    def has_location_lists(self) -> bool:
        """Variables move about in it, as optimising compilers have it."""
        return bool(self.sections & _LOCATIONS)


def find_program(name: str, folder: Path, flags: Iterable[str]) -> Program:
    """Find a program and look into it.

    Args:
        name: a path, or a name to be found on the PATH.
        folder: where a relative path starts.
        flags: which flags to look for.

    Raises:
        CaptureError: it is missing, or can't be run.
    """
    path = folder / name
    if not path.exists() and os.sep not in name:
        found = shutil.which(name)
        path = path if found is None else Path(found)
    if not path.exists():
        raise CaptureError("there is no such program", path=name)
    if not path.is_file():
        raise CaptureError("is no program", path=name, expected="an executable file", got="a folder or a device")
    if not os.access(path, os.X_OK):
        raise CaptureError("may not be executed", path=name, expected="an executable file; chmod +x makes it one")
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - a link may be what the program looks at
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise CaptureError("is empty", path=name, expected="an executable file")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                knows = frozenset(flag for flag in flags if data.find(flag.encode()) >= 0)
                return Program(absolute, data[:4] == b"\x7fELF", _sections(data), knows)
    except OSError as error:
        raise CaptureError("can't be read", path=name, got=error.strerror or str(error)) from error


def _sections(data: mmap.mmap) -> frozenset[str]:
    """The names of the sections of an ELF file; none if it is something else, or damaged."""
    try:
        if data[:4] != b"\x7fELF":
            return frozenset()
        order = "<" if data[5] == 1 else ">"
        wide = data[4] == 2
        (start,) = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", data, 40 if wide else 32)
        size, count, names = struct.unpack_from(f"{order}HHH", data, 58 if wide else 46)
        offset = 24 if wide else 16
        word = f"{order}{'Q' if wide else 'I'}"
        (table,) = struct.unpack_from(word, data, start + size * names + offset)
        found = []
        for number in range(count):
            (name,) = struct.unpack_from(f"{order}I", data, start + size * number)
            end = data.find(b"\0", table + name)
            found.append(data[table + name : end].decode("ascii", "replace"))
        return frozenset(found)
    except (struct.error, IndexError):
        return frozenset()
