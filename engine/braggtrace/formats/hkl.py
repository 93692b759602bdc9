"""Structure factors as a dense table: text tables and the binary cache (`Fdump.bin`).

The C program reads a text table twice, four numbers at a time whatever the lines: as floats for the ranges, then with
integer indices for the values. Where an index is not a plain integer the second pass stops and nobody is told (quirk
`hkl-truncation`). `truncation=False` reads a table as people mean it: a reflection a line, `#` comments, further
columns ignored.

Source: section 11 and Q14 to Q16 of the behaviour reference.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from braggtrace.errors import InputError
from braggtrace.formats.files import PathLike, line_at, read_bytes, write_atomic
from braggtrace.formats.scan import scan_float, scan_int

__all__ = ["HklTable", "Range", "read_cache", "read_hkl", "table_from_reflections", "write_cache"]

Range = tuple[int, int]

LARGEST_TABLE_BYTES = 8 * 2**30
_WHAT = "a reflection table (h k l F)"
_DECIMAL = b"0123456789+-.eE \t\n\v\f\r"
_MARKS = re.compile(rb"[.eE]")
_WHITESPACE = b" \t\n\v\f\r"


@dataclass(frozen=True, slots=True, eq=False)
class HklTable:
    """Structure factor amplitudes on a grid of Miller indices.

    Attributes:
        h_range: smallest and largest h, both in the table.
        k_range: the same of k.
        l_range: the same of l.
        F: amplitudes [electrons], float64, shape (nh + 1, nk + 1, nl + 1) with n = largest − smallest + 1. The last
            plane of each axis is spare, as in the C program: 0 unless a cache says otherwise, and never looked up.
        count: the number of reflections, as the program counts them (`hkls`): those of the float pass for a text table,
            the product of the ranges for a cache.
        default_F: the amplitude of what is not in the table [electrons].
        warnings: what a person should know about how the file was read.
    """

    h_range: Range
    k_range: Range
    l_range: Range
    F: NDArray[np.float64]
    count: int
    default_F: float
    warnings: tuple[str, ...] = ()

    @property
    def origin(self) -> tuple[int, int, int]:
        """The indices (h, k, l) of `F[0, 0, 0]`."""
        return self.h_range[0], self.k_range[0], self.l_range[0]

    def lookup(self, h: int, k: int, l: int) -> float:  # noqa: E741  the field's name for it
        """The amplitude of one reflection; `default_F` outside the ranges."""
        ranges = (self.h_range, self.k_range, self.l_range)
        if all(low <= index <= high for index, (low, high) in zip((h, k, l), ranges, strict=True)):
            return float(self.F[h - self.h_range[0], k - self.k_range[0], l - self.l_range[0]])
        return self.default_F


def read_hkl(path: PathLike, default_F: float = 0.0, *, truncation: bool = True) -> HklTable:
    """Read a text table of reflections; of duplicates the last one wins.

    Args:
        path: the file.
        default_F: the amplitude of gaps inside the ranges, and outside [electrons].
        truncation: read as the C program does (quirk `hkl-truncation`); otherwise a reflection a line.

    Raises:
        InputError: the file is missing, has no reflections, has NaN or infinite numbers, would need an absurd table, or
            (without `truncation`) has a line that is no reflection.
    """
    data = read_bytes(path, _WHAT)
    return _read_as_c(data, path, default_F) if truncation else _read_lines(data, path, default_F)


def table_from_reflections(
    hkl: NDArray[np.int64], F: NDArray[np.float64], default_F: float = 0.0, *, path: PathLike | None = None
) -> HklTable:
    """The table of given reflections, its ranges theirs; of duplicates the last one wins.

    Args:
        hkl: Miller indices, shape (n, 3).
        F: amplitudes [electrons], shape (n,).
        default_F: the amplitude of gaps [electrons].
        path: where they come from, for messages.

    Raises:
        InputError: there are none, or they would need an absurd table.
    """
    if len(hkl) == 0:
        raise InputError("no reflections", path=path, expected=_WHAT)
    low, high = hkl.min(axis=0), hkl.max(axis=0)
    ranges = _ranges(low, high)
    table = _empty(ranges, default_F, path)
    table[tuple((hkl - low).T)] = F
    return HklTable(*ranges, table, len(hkl), default_F)


def _ranges(low: NDArray[Any], high: NDArray[Any]) -> tuple[Range, Range, Range]:
    h, k, l = ((int(a), int(b)) for a, b in zip(low, high, strict=True))  # noqa: E741
    return h, k, l


def _empty(ranges: tuple[Range, Range, Range], default_F: float, path: PathLike | None) -> NDArray[np.float64]:
    """A table that holds `default_F` in range and 0 in the spare planes."""
    sizes = [high - low + 1 for low, high in ranges]
    needed = 8 * math.prod(size + 1 for size in sizes)
    if needed > LARGEST_TABLE_BYTES:
        raise InputError(
            "the Miller indices span too much for a table; are there more than four columns, or is one not an index?",
            path=path,
            expected=f"at most {LARGEST_TABLE_BYTES // 2**30} GiB",
            got=f"{needed / 2**30:.3g} GiB for h, k, l in {', '.join(f'{low}..{high}' for low, high in ranges)}",
        )
    table = np.zeros([size + 1 for size in sizes])
    if default_F:
        table[:-1, :-1, :-1] = default_F
    return table


def _read_as_c(data: bytes, path: PathLike, default_F: float) -> HklTable:
    numbers, tokens = _float_pass(data)
    quadruples = numbers[: len(numbers) // 4 * 4].reshape(-1, 4)
    if len(quadruples) == 0:
        raise InputError("no reflections", path=path, expected=_WHAT, got=f"{len(numbers)} numbers")
    _check_finite(quadruples, data, path)
    low, high = np.trunc(quadruples[:, :3].min(axis=0)), np.trunc(quadruples[:, :3].max(axis=0))
    ranges = _ranges(low, high)
    hkl, F, lost = _value_pass(data, quadruples, tokens)
    table = _empty(ranges, default_F, path)
    inside = np.all((hkl >= low) & (hkl <= high), axis=1)
    table[tuple((hkl[inside] - low.astype(np.int64)).T)] = F[inside]
    warnings = []
    if lost is not None:
        warnings.append(
            f"the C program reads values only up to reflection {len(hkl)} of {len(quadruples)}, because the next one "
            f"has an index that is no plain integer (quirk hkl-truncation); the rest keeps F = {default_F:g}"
        )
    if not inside.all():
        warnings.append(f"{int((~inside).sum())} reflections lie outside the ranges of the float pass and were dropped")
    leftover = len(numbers) % 4
    if leftover:
        warnings.append(f"{leftover} numbers at the end make no complete reflection (h k l F) and were ignored")
    return HklTable(*ranges, table, len(quadruples), default_F, tuple(warnings))


def _float_pass(data: bytes) -> tuple[NDArray[np.float64], list[bytes] | None]:
    """All numbers up to the first thing that is none; and the tokens where each of them is one decimal number."""
    if not data.translate(None, _DECIMAL):
        tokens = data.split()
        try:
            return np.array(list(map(float, tokens)), dtype=np.float64), tokens
        except ValueError:  # such as "1-2", which is two numbers to scanf
            pass
    numbers: list[float] = []
    position = 0
    while (found := scan_float(data, position)) is not None:
        number, position = found
        numbers.append(number)
    return np.array(numbers, dtype=np.float64), None


def _value_pass(
    data: bytes, quadruples: NDArray[np.float64], tokens: list[bytes] | None
) -> tuple[NDArray[np.int64], NDArray[np.float64], int | None]:
    """Indices (n, 3) and amplitudes (n,) of the integer pass, and the quadruple that stopped it, if any."""
    done = 0
    if tokens is not None:
        done = _plain_rows(tokens, len(quadruples))
        if done == len(quadruples):
            return quadruples[:, :3].astype(np.int64), quadruples[:, 3], None
        data = b" ".join(tokens[4 * done :])
    scanned: list[tuple[int, int, int, float]] = []
    position = 0
    while (found := _scan_reflection(data, position)) is not None:
        reflection, position = found
        scanned.append(reflection)
    hkl = np.concatenate([quadruples[:done, :3].astype(np.int64), np.array([r[:3] for r in scanned]).reshape(-1, 3)])
    F = np.concatenate([quadruples[:done, 3], np.array([r[3] for r in scanned])])
    stopped = len(hkl) if len(hkl) < len(quadruples) else None
    return hkl.astype(np.int64), F, stopped


def _plain_rows(tokens: list[bytes], count: int) -> int:
    """How many of the first `count` quadruples have three plain integers in front, up to the first that has not."""
    columns = [tokens[column : 4 * count : 4] for column in range(3)]
    if not any(mark in b" ".join(column) for column in columns for mark in (b".", b"e", b"E")):
        return count
    return next((row for row, words in enumerate(zip(*columns, strict=True)) if _MARKS.search(b" ".join(words))), count)


def _scan_reflection(data: bytes, position: int) -> tuple[tuple[int, int, int, float], int] | None:
    indices = []
    for _ in range(3):
        index = scan_int(data, position)
        if index is None:
            return None
        indices.append(index[0])
        position = index[1]
    F = scan_float(data, position)
    return None if F is None else ((indices[0], indices[1], indices[2], F[0]), F[1])


def _check_finite(quadruples: NDArray[np.float64], data: bytes, path: PathLike) -> None:
    bad = ~np.isfinite(quadruples)
    if not bad.any():
        return
    number = int(bad.argmax())
    words = list(re.finditer(rb"\S+", data))
    word = words[min(number, len(words) - 1)]
    raise InputError(
        "a number is not finite",
        path=path,
        line=line_at(data, word.start()),
        expected="finite h k l F",
        got=str(quadruples.flat[number]),
    )


def _read_lines(data: bytes, path: PathLike, default_F: float) -> HklTable:
    """A reflection a line; `#` starts a comment; columns after the fourth are ignored."""
    hkl: list[list[float]] = []
    F: list[float] = []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            values = [float(word) for word in words[:4]]
        except ValueError:
            values = []
        if len(values) != 4 or not all(map(math.isfinite, values)) or not all(v.is_integer() for v in values[:3]):
            raise InputError(
                "not a reflection",
                path=path,
                line=number,
                expected="h k l F with integer h k l",
                got=repr(line.strip()),
            )
        hkl.append(values[:3])
        F.append(values[3])
    return table_from_reflections(
        np.array(hkl, dtype=np.float64).reshape(-1, 3).astype(np.int64), np.array(F), default_F, path=path
    )


def read_cache(path: PathLike, default_F: float = 0.0, *, whitespace: bool = True) -> HklTable:
    """Read the binary cache of a table.

    Args:
        path: the file, usually `Fdump.bin`.
        default_F: the amplitude outside the ranges [electrons]; it does not change what is in the cache.
        whitespace: skip all bytes that look like white space after the header, as the C program does even where they
            belong to the first number (quirk `cache-whitespace`); what is then missing at the end is 0.

    Raises:
        InputError: the file is missing, is no cache, is too short for its ranges, or (without `whitespace`) holds NaN.
    """
    data = read_bytes(path, "a structure factor cache")
    match = re.match(rb"\s*" + rb"\s+".join([rb"([+-]?\d+)"] * 6) + rb"\n\f", data)
    if match is None:
        raise InputError(
            "not a structure factor cache", path=path, expected="six indices, newline, form feed", got=repr(data[:40])
        )
    limits = [int(word) for word in match.groups()]
    ranges = ((limits[0], limits[1]), (limits[2], limits[3]), (limits[4], limits[5]))
    if any(high < low for low, high in ranges):
        raise InputError("the ranges of the cache are inverted", path=path, expected="hmin ≤ hmax …", got=f"{limits}")
    shape = tuple(high - low + 2 for low, high in ranges)
    body = data[match.end() :]
    needed = 8 * math.prod(shape)
    if len(body) < needed:
        raise InputError("the cache is truncated", path=path, expected=f"{needed} bytes of data", got=str(len(body)))
    warnings: tuple[str, ...] = ()
    if whitespace and (skipped := len(body) - len(body.lstrip(_WHITESPACE))):
        body = body[skipped:].ljust(needed, b"\0")
        shifted = (
            f"the C program takes the first {skipped} bytes of the cache for white space and shifts the whole table"
        )
        warnings = (f"{shifted} (quirk cache-whitespace)",)
    table = np.frombuffer(body, dtype="<f8", count=needed // 8).reshape(shape).astype(np.float64)
    if not whitespace and not np.isfinite(table).all():
        raise InputError("the cache holds values that are not finite", path=path)
    count = math.prod(size - 1 for size in shape)
    return HklTable(*ranges, table, count, default_F, warnings)


def write_cache(path: PathLike, table: HklTable) -> None:
    """Write the binary cache of a table, as the C program writes `Fdump.bin`.

    Raises:
        OutputError: it can't be written.
    """
    limits = (*table.h_range, *table.k_range, *table.l_range)
    write_atomic(path, [(" ".join(map(str, limits)) + "\n\f").encode("ascii"), table.F.astype("<f8")])
