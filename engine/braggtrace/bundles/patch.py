"""Unified diffs of traces: written so that `patch` applies them, and undone to get the older trace back.

Traces are cut at their frames and the frames are compared one by one, which stays fast however long they are.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from braggtrace.errors import BundleError

__all__ = ["FileChange", "undo", "unified_diff"]

_CONTEXT = 3
_FRAME = re.compile(rb"TRACE_[A-Z]+: pixel\s|TRACE_CONFIG\b")
_LARGE = 4000
_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_NO_NEWLINE = b"\\ No newline at end of file\n"
_NOTHING = b"/dev/null"

Edit = tuple[int, int, int, int]
"""Lines old[a:b] become new[c:d]."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file before and after.

    Attributes:
        old_name: its name before, "" where there was none.
        old: its bytes before.
        new_name: its name after.
        new: its bytes after.
    """

    old_name: str
    old: bytes
    new_name: str
    new: bytes


def unified_diff(changes: Sequence[FileChange]) -> bytes:
    """The difference of some files, for `patch -p1`; nothing for those that are the same."""
    return b"".join(piece for change in changes for piece in _file(change))


def _file(change: FileChange) -> Iterator[bytes]:
    old, new = _by_newline(change.old), _by_newline(change.new)
    edits = _edits(old, new)
    if not edits:
        return
    yield b"--- " + _header("baseline/", change.old_name) + b"\n"
    yield b"+++ " + _header("candidate/", change.new_name) + b"\n"
    for group in _grouped(edits):
        yield from _hunk(group, old, new)


def _by_newline(data: bytes) -> list[bytes]:
    """Lines as `patch` sees them: only a newline ends one."""
    lines = data.split(b"\n")
    out = [line + b"\n" for line in lines[:-1]]
    return [*out, lines[-1]] if lines[-1] else out


def _header(folder: str, name: str) -> bytes:
    """A file name as diff writes it: a tab ends one that has blanks."""
    if not name:
        return _NOTHING
    safe = re.sub(r"[\x00-\x1f\x7f]", "_", name)
    return (folder + safe + ("\t" if " " in safe else "")).encode("utf-8", "surrogateescape")


def _edits(old: list[bytes], new: list[bytes]) -> list[Edit]:
    """What changes, block by block."""
    ours, theirs = _blocks(old), _blocks(new)
    matcher = difflib.SequenceMatcher(None, [old[a] for a, _ in ours], [new[c] for c, _ in theirs], autojunk=False)
    edits: list[Edit] = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            for (a, b), (c, d) in zip(ours[i1:i2], theirs[j1:j2], strict=True):
                edits += _within(old, new, (a, b, c, d))
            continue
        a, b = _extent(ours, i1, i2, len(old))
        c, d = _extent(theirs, j1, j2, len(new))
        edits += _within(old, new, (a, b, c, d))
    return edits


def _blocks(lines: list[bytes]) -> list[tuple[int, int]]:
    starts = [number for number, line in enumerate(lines) if _FRAME.match(line)]
    if not lines:
        return []
    if not starts or starts[0]:
        starts.insert(0, 0)
    return list(zip(starts, [*starts[1:], len(lines)], strict=True))


def _extent(blocks: list[tuple[int, int]], first: int, last: int, end: int) -> tuple[int, int]:
    """The lines of some blocks; an empty place between two where there are none."""
    if first < last:
        return blocks[first][0], blocks[last - 1][1]
    place = blocks[first][0] if first < len(blocks) else end
    return place, place


def _within(old: list[bytes], new: list[bytes], extent: Edit) -> Iterator[Edit]:
    a, b, c, d = extent
    while a < b and c < d and old[a] == new[c]:
        a, c = a + 1, c + 1
    while a < b and c < d and old[b - 1] == new[d - 1]:
        b, d = b - 1, d - 1
    if a == b and c == d:
        return
    if a == b or c == d or max(b - a, d - c) > _LARGE:
        yield (a, b, c, d)
        return
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old[a:b], new[c:d], autojunk=False).get_opcodes():
        if tag != "equal":
            yield (a + i1, a + i2, c + j1, c + j2)


def _grouped(edits: Sequence[Edit]) -> Iterator[list[Edit]]:
    """Edits whose context would touch stand in one hunk."""
    group: list[Edit] = []
    for edit in edits:
        if group and edit[0] - group[-1][1] > 2 * _CONTEXT:
            yield group
            group = []
        group.append(edit)
    if group:
        yield group


def _hunk(group: Sequence[Edit], old: list[bytes], new: list[bytes]) -> Iterator[bytes]:
    first, last = group[0], group[-1]
    before = min(_CONTEXT, first[0])
    after = min(_CONTEXT, len(old) - last[1])
    a, b, c, d = first[0] - before, last[1] + after, first[2] - before, last[3] + after
    yield b"@@ -%s +%s @@\n" % (_range(a, b), _range(c, d))
    at = a
    for edit in group:
        yield from (_marked(b" ", line) for line in old[at : edit[0]])
        yield from (_marked(b"-", line) for line in old[edit[0] : edit[1]])
        yield from (_marked(b"+", line) for line in new[edit[2] : edit[3]])
        at = edit[1]
    yield from (_marked(b" ", line) for line in old[at:b])


def _range(first: int, last: int) -> bytes:
    count = last - first
    return b"%d,%d" % (first + (count > 0), count) if count != 1 else b"%d" % (first + 1)


def _marked(mark: bytes, line: bytes) -> bytes:
    return mark + line if line.endswith(b"\n") else mark + line + b"\n" + _NO_NEWLINE


def undo(patch: bytes, new: dict[str, bytes]) -> dict[str, bytes]:
    """The files as they were before a patch of `unified_diff`.

    Args:
        patch: the difference.
        new: the files after it, by name.

    Returns:
        The files before it, by their old names; those that the patch doesn't mention are as they were.

    Raises:
        BundleError: the patch doesn't belong to these files, or can't be read.
    """
    out = dict(new)
    lines = _by_newline(patch)
    at = 0
    while at < len(lines):
        if not lines[at].startswith(b"--- ") or at + 1 >= len(lines) or not lines[at + 1].startswith(b"+++ "):
            raise BundleError("not a line of this patch", line=at + 1, got=repr(lines[at][:60]))
        old_name, new_name = _name(lines[at]), _name(lines[at + 1])
        if new_name not in out:
            raise BundleError("the patch is about a file that isn't there", got=repr(new_name))
        at, text = _undo_file(lines, at + 2, _by_newline(out.pop(new_name)))
        if old_name:
            out[old_name] = text
    return out


def _name(line: bytes) -> str:
    path = line[4:].rstrip(b"\n").removesuffix(b"\t")
    return "" if path == _NOTHING else path.partition(b"/")[2].decode("utf-8", "surrogateescape")


def _undo_file(lines: list[bytes], at: int, new: list[bytes]) -> tuple[int, bytes]:
    out: list[bytes] = []
    done = 0
    while at < len(lines) and (match := _HUNK.match(lines[at])):
        counts = [1 if match[group] is None else int(match[group]) for group in (2, 4)]
        start = int(match[3]) - (counts[1] > 0)
        out += new[done:start]
        done = start
        at += 1
        while counts[0] > 0 or counts[1] > 0:
            if at >= len(lines):
                raise BundleError("the patch ends in the middle of a hunk")
            mark, line = lines[at][:1], lines[at][1:]
            if at + 1 < len(lines) and lines[at + 1] == _NO_NEWLINE:
                line, at = line.removesuffix(b"\n"), at + 1
            at += 1
            if mark in b" +":
                if done >= len(new) or new[done] != line:
                    raise BundleError("the patch doesn't fit its file", line=at)
                done, counts[1] = done + 1, counts[1] - 1
            if mark in b" -":
                out.append(line)
                counts[0] -= 1
    return at, b"".join([*out, *new[done:]])
