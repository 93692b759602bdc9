"""Small text inputs: numbers, matrices, source lists."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from braggtrace.errors import InputError
from braggtrace.formats.matrix import read_matrix
from braggtrace.formats.scan import atof, scan_float, scan_int
from braggtrace.formats.sources import read_sources
from tests.golden_case import GoldenCase


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12abc", 12.0),
        (" -.5e1x", -5.0),
        ("1e", 1.0),
        ("x", 0.0),
        ("", 0.0),
        ("0x1p3", 8.0),
        ("-inf", -math.inf),
        ("5.", 5.0),
    ],
)
def test_atof(text: str, number: float) -> None:
    """The longest leading number counts, and 0 if there is none."""
    assert atof(text.encode()) == number


def test_scanning_leaves_the_rest() -> None:
    """An integer ends where a float goes on."""
    assert scan_int(b" 1.5", 0) == (1, 2)
    assert scan_float(b" 1.5", 2) == (0.5, 4)
    assert scan_int(b".5", 0) is None


def test_matrix_of_a_golden_case(golden: Path) -> None:
    """The columns of the first nine numbers, scaled by the wavelength, are the reciprocal axes of the trace."""
    for name in ("mat-hkl", "mat-long-file"):
        case = GoldenCase(golden / name)
        flags = case.info["flags"]
        matrix = read_matrix(golden / flags[flags.index("-mat") + 1])
        scaled = matrix * 1e-10 / case.number("lambda_meters")
        for column, axis in enumerate(("a_star", "b_star", "c_star")):
            np.testing.assert_allclose(scaled[:, column], case.numbers(axis), rtol=2e-6, atol=2e-9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 0 0\n0 1 0\n0 0 oops", "a.mat:3: not an A matrix; expected nine numbers, got 8, then 'oops'"),
        ("1 2 3", "expected nine numbers, got 3"),
        ("1 0 0 0 1 0 0 0 nan", "the A matrix is not finite"),
        ("1 2 3 2 4 6 0 0 1", "singular"),
    ],
)
def test_matrix_errors(tmp_path: Path, text: str, message: str) -> None:
    """A short, textual, NaN or flat matrix is an error."""
    path = tmp_path / "a.mat"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_matrix(path)


def test_matrix_missing(tmp_path: Path) -> None:
    """A missing matrix file is an error here."""
    with pytest.raises(InputError, match="no such file; expected an A matrix"):
        read_matrix(tmp_path / "a.mat")


def test_sources_of_the_golden_case(golden: Path) -> None:
    """Directions and wavelengths are those that the C program traced, one line a source."""
    case = GoldenCase(golden / "sourcefile")
    sources = read_sources(golden / "inputs/sources.txt")
    rows = [dict(w.split("=") for w in line.split()[1:]) for line in case.lines if line.startswith("TRACE_C_SOURCE ")]
    directions = np.array([[float(row[f"dir_{axis}"]) for axis in "xyz"] for row in rows])
    assert len(sources) == len(rows) == 5
    unit = sources.position / np.linalg.norm(sources.position, axis=1, keepdims=True)
    np.testing.assert_allclose(unit, directions, rtol=1e-15, atol=1e-17)
    np.testing.assert_array_equal(sources.wavelength_m, [float(row["lambda_meters"]) for row in rows])
    assert "ignores the weights" in sources.warnings[0]


def test_blanks(tmp_path: Path) -> None:
    """Missing columns and `nan` are blanks, filled from the beam."""
    path = tmp_path / "s.txt"
    path.write_text("-10 0.1\n\nnan, nan; nan : 2 ! 1e-10\n")
    for literal in (True, False):
        filled = read_sources(path, literal=literal).filled(np.array([1.0, 0.0, 0.0]), 2e-10)
        np.testing.assert_array_equal(filled.position, [[-10, 0.1, 0], [-10, 0, 0]])
        np.testing.assert_array_equal(filled.weight, [1, 2])
        np.testing.assert_array_equal(filled.wavelength_m, [2e-10, 1e-10])


def test_comment_is_a_source_in_c(tmp_path: Path) -> None:
    """A comment of two words is a source with zeros in its first two columns; the clean reading skips it."""
    path = tmp_path / "s.txt"
    path.write_text("# sources\n-10 0 0 1 1e-10\n")
    literal = read_sources(path)
    assert len(literal) == 2
    assert literal.position[0, :2].tolist() == [0, 0]
    assert math.isnan(literal.position[0, 2])
    assert "line 1" in literal.warnings[0]
    assert len(read_sources(path, literal=False)) == 1


@pytest.mark.parametrize("text", ["-10 0 0 1 1e-10\n-10 0 0", "-10 0 0\r\n", "# X Y Z weight lambda\n"])
def test_columns_that_become_zero_in_c(tmp_path: Path, text: str) -> None:
    """A last line without newline, a carriage return or a full comment give a wavelength of 0, which is an error."""
    path = tmp_path / "s.txt"
    path.write_bytes(text.encode())
    with pytest.raises(InputError, match="impossible wavelength"):
        read_sources(path)


def test_clean_sources_ignore_line_ends(tmp_path: Path) -> None:
    """The clean reading takes a carriage return and a missing newline as people mean them."""
    path = tmp_path / "s.txt"
    path.write_bytes(b"-10 0 0\r\n-10 0 0.1")
    sources = read_sources(path, literal=False)
    assert np.isnan(sources.wavelength_m).all()
    assert len(sources) == 2


@pytest.mark.parametrize(
    ("text", "literal", "message"),
    [
        ("\n \n", True, "no sources"),
        ("1 2 x\n", False, "s.txt:1: not a source"),
        ("1 2 3 4 5e-10 6\n", False, "at most five numbers"),
        ("0 0 0 1 1e-10\n", True, "no direction"),
        ("1 0 0 1 -1e-10\n", False, "impossible wavelength"),
    ],
)
def test_source_errors(tmp_path: Path, text: str, literal: bool, message: str) -> None:
    """An empty list, words, too many columns and impossible sources are errors with their line."""
    path = tmp_path / "s.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_sources(path, literal=literal)
