"""Lists of X-ray sources: X Y Z weight wavelength, one source a line.

Source: section 8 and Q17 of the behaviour reference.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from braggtrace.errors import InputError
from braggtrace.formats.files import PathLike, read_bytes
from braggtrace.formats.scan import atof

__all__ = ["SourceList", "read_sources"]

_SEPARATORS = rb"[ \t,;:!]+"
_COLUMNS = 5


@dataclass(frozen=True, slots=True, eq=False)
class SourceList:
    """Sources as they stand in a file; NaN is a blank, for the caller to fill.

    Attributes:
        position: where each source is, seen from the sample, shape (n, 3); only the direction counts. A blank component
            is that of −10 times the beam vector.
        weight: shape (n,); blank is 1. The C program ignores weights.
        wavelength_m: shape (n,) [m]; blank is the central wavelength.
        warnings: what a person should know about how the file was read.
    """

    position: NDArray[np.float64]
    weight: NDArray[np.float64]
    wavelength_m: NDArray[np.float64]
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.weight)

    def filled(self, beam_vector: NDArray[np.float64], wavelength_m: float) -> SourceList:
        """The same with every blank filled.

        Args:
            beam_vector: the direction of the beam, shape (3,).
            wavelength_m: the central wavelength [m].
        """
        return SourceList(
            np.where(np.isnan(self.position), -10.0 * np.asarray(beam_vector), self.position),
            np.where(np.isnan(self.weight), 1.0, self.weight),
            np.where(np.isnan(self.wavelength_m), wavelength_m, self.wavelength_m),
            self.warnings,
        )


def read_sources(path: PathLike, *, literal: bool = True) -> SourceList:
    """Read a source list. Separators are space, tab and `, ; : !`; `nan` is a blank in both ways of reading.

    Args:
        path: the file.
        literal: read as the C program does (quirk `sourcefile-parsing`): a word that is no number is 0, so a comment
            is a source of zeros; and the missing columns of a line with a carriage return, or of a last line without
            newline, are 0 instead of blank. Otherwise `#` starts a comment and a word that is no number is an error.

    Raises:
        InputError: the file is missing, holds no source, a source without direction or with a wavelength ≤ 0 (of which
            the C program would make an image of NaN), or (without `literal`) a line that is no source.
    """
    data = read_bytes(path, "a source list (X Y Z weight wavelength)")
    rows: list[list[float]] = []
    warnings: list[str] = []
    for number, line in enumerate(data.splitlines(keepends=True) if not literal else _c_lines(data), start=1):
        row = _literal_row(line) if literal else _clean_row(line, path, number)
        if not row:
            continue
        if literal and line.lstrip().startswith(b"#"):
            warnings.append(f"line {number}: the C program takes this comment for a source (quirk sourcefile-parsing)")
        _check_row(row, path, number)
        rows.append(row)
    if not rows:
        raise InputError("no sources", path=path, expected="X Y Z weight wavelength")
    table = np.array(rows)
    if literal and len(set(table[:, 3])) > 1:
        warnings.append("the C program ignores the weights: every source counts equally")
    return SourceList(table[:, :3], table[:, 3], table[:, 4], tuple(warnings))


def _c_lines(data: bytes) -> list[bytes]:
    """Lines as `fgets` gives them: only a newline ends one."""
    return [line for line in re.split(rb"(?<=\n)", data) if line]


def _literal_row(line: bytes) -> list[float]:
    words = [word for word in re.split(_SEPARATORS, line.rstrip(b"\r\n")) if word][:_COLUMNS]
    if not words:
        return []
    blank = math.nan if line.endswith(b"\n") and not line.endswith(b"\r\n") else 0.0
    return [atof(word) for word in words] + [blank] * (_COLUMNS - len(words))


def _clean_row(line: bytes, path: PathLike, number: int) -> list[float]:
    words = [word for word in re.split(_SEPARATORS, line.partition(b"#")[0].strip()) if word]
    try:
        row = [float(word) for word in words]
    except ValueError:
        row = [0.0] * (_COLUMNS + 1)
    if len(row) > _COLUMNS:
        raise InputError(
            "not a source",
            path=path,
            line=number,
            expected="at most five numbers: X Y Z weight wavelength [m]",
            got=repr(line.decode("utf-8", "replace").strip()),
        )
    return row + [math.nan] * (_COLUMNS - len(row)) if row else []


def _check_row(row: list[float], path: PathLike, number: int) -> None:
    *position, weight, wavelength = row
    if wavelength <= 0.0 or math.isinf(wavelength):
        raise InputError(
            "a source has an impossible wavelength (the C program makes an image of NaN of it)",
            path=path,
            line=number,
            expected="a positive number of metres",
            got=f"{wavelength:g}",
        )
    if not any(position) or any(map(math.isinf, position)) or math.isinf(weight):
        raise InputError(
            "a source has no direction",
            path=path,
            line=number,
            expected="a position other than 0 0 0",
            got=str(position),
        )
