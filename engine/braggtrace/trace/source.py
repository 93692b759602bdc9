"""The text of a trace: a file, a compressed file or standard input, read in pieces and fetched again by offset."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import stat
import sys
import weakref
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from braggtrace.errors import TraceReadError
from braggtrace.trace.text import visible

__all__ = ["PIECE_BYTES", "Source", "open_source"]

PIECE_BYTES = 2 << 20  # the arrays over one piece stay in the cache
_LONGEST_SHOWN = 10_000

_DECOMPRESS: Mapping[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ\0": lzma.decompress,
}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(slots=True, eq=False, weakref_slot=True)
class Source:
    """One file of a trace. Its text is read once in pieces, then fetched by offset for what is looked at.

    An uncompressed file stays on disk and is read again with `pread`, never mapped: a file that shrinks while it is
    shown gives short text instead of a fatal signal. Compressed text and standard input are kept in memory.

    Attributes:
        name: the path as the user gave it, "-" for standard input.
        descriptor: the open file, closed with the source; None where `held` keeps the text.
        held: the text of a compressed file or of standard input.
        size: bytes to read, as far as known beforehand: for progress.
        first_byte: offset of its first byte in the trace's text (all files one after another, uncompressed).
        first_line: number of its first line in the trace, from 0.
        lines: number of lines read so far.
        stamp: modification time in ns and size when opened, to notice a change; None for standard input.
    """

    name: str
    descriptor: int | None = None
    held: bytes = b""
    size: int = 0
    first_byte: int = 0
    first_line: int = 0
    lines: int = 0
    stamp: tuple[int, int] | None = None
    _marks: list[tuple[int, int]] = field(default_factory=list)

    def pieces(self) -> Iterator[bytes]:
        """The text in pieces that end with a newline; one is added after a last line that has none."""
        offset = 0
        rest = b""
        while True:
            piece = self._read(offset, PIECE_BYTES)
            if not offset and piece.startswith(_BYTE_ORDER_MARK):
                piece = piece.replace(_BYTE_ORDER_MARK, b"   ", 1)  # offsets stay what they are
            offset += len(piece)
            if not piece:
                if rest:
                    yield rest + b"\n"
                return
            cut = piece.rfind(b"\n") + 1
            if not cut:
                rest += piece
                continue
            yield rest + piece[:cut]
            rest = piece[cut:]

    def mark(self, line: int, offset: int) -> None:
        """Remember that `line` (of this file) starts at byte `offset` (of this file)."""
        self._marks.append((line, offset))

    def text(self, start: int, length: int) -> str:
        """A piece of the text by its offset in the trace; "?" marks where the file has shrunk since."""
        raw = self._read(start - self.first_byte, length)
        return visible(raw.decode("utf-8", "replace")) if len(raw) == length else "?" * length

    def line_text(self, line: int) -> str:
        """A whole line by its number in the trace, at most 10,000 characters of it."""
        line -= self.first_line
        at = bisect_right(self._marks, (line, sys.maxsize)) - 1
        if at < 0:
            return ""
        marked_line, offset = self._marks[at]
        skip = line - marked_line
        raw = b""
        while True:
            piece = self._read(offset, 1 << 16)
            offset += len(piece)
            newlines = piece.count(b"\n")
            if skip > newlines and piece:
                skip -= newlines
                continue
            for _ in range(skip):
                piece = piece[piece.find(b"\n") + 1 :]
            skip = 0
            head, newline, _ = piece.partition(b"\n")
            raw += head
            if newline or not piece or len(raw) > _LONGEST_SHOWN:
                return visible(raw[:_LONGEST_SHOWN].decode("utf-8", "replace").rstrip("\r"))

    def sha256(self) -> str:
        """The checksum of the file as it is on disk (of the text, for standard input)."""
        if self.stamp is None:
            return hashlib.sha256(self.held).hexdigest()
        with Path(self.name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def changed(self) -> bool:
        """Whether the file on disk is no longer the one that was opened."""
        if self.stamp is None:
            return False
        try:
            return _stamp(Path(self.name).stat()) != self.stamp
        except OSError:
            return True

    def _read(self, offset: int, length: int) -> bytes:
        if self.descriptor is None:
            return self.held[offset : offset + length]
        return os.pread(self.descriptor, length, offset)


def open_source(name: str) -> Source:
    """Open a trace file, a gzip, bzip2 or xz compressed one, a pipe, or "-" for standard input.

    Raises:
        TraceReadError: the file is missing, a folder, unreadable, or damaged.
    """
    if name == "-":
        return _held(name, sys.stdin.buffer.read(), None)
    try:
        descriptor = os.open(name, os.O_RDONLY)
        status = os.fstat(descriptor)
        regular = stat.S_ISREG(status.st_mode)
        if regular and not os.pread(descriptor, 6, 0).startswith(tuple(_DECOMPRESS)):
            source = Source(name, descriptor, b"", status.st_size, stamp=_stamp(status))
            weakref.finalize(source, os.close, descriptor)
            return source
        with os.fdopen(descriptor, "rb") as file:
            return _held(name, file.read(), _stamp(status) if regular else None)
    except (OSError, ValueError) as error:
        what = getattr(error, "strerror", None) or str(error)
        raise TraceReadError(what, path=visible(name), expected="a trace file") from error


def _held(name: str, raw: bytes, stamp: tuple[int, int] | None) -> Source:
    for start, decompress in _DECOMPRESS.items():
        if raw.startswith(start):
            try:
                raw = decompress(raw)
            except (OSError, EOFError, lzma.LZMAError, zlib.error, ValueError) as error:
                raise TraceReadError(f"damaged compressed file ({error})", path=visible(name)) from error
            break
    return Source(name, None, raw, len(raw), stamp=stamp)


def _stamp(status: os.stat_result) -> tuple[int, int]:
    return status.st_mtime_ns, status.st_size
