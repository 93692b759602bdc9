from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from braggtrace.errors import InputError
from braggtrace.formats.hkl import read_cache, read_hkl, table_from_reflections, write_cache
from tests.golden_case import GoldenCase

TABLES = [
    "beamline-roi-legacy",
    "hkl-4col-small",
    "hkl-5col",
    "hkl-sparse",
    "hkl-sparse-default-F",
    "mat-hkl",
    "mat-long-file",
]


@pytest.mark.parametrize("name", TABLES)
def test_golden_tables(golden: Path, name: str) -> None:
    """Ranges and count are those that the C program printed, misread five-column table included."""
    case = GoldenCase(golden / name)
    flags = case.info["flags"]
    table = read_hkl(golden / flags[flags.index("-hkl") + 1], case.number("default_F"))
    assert [*table.h_range, *table.k_range, *table.l_range] == case.numbers("hkl_range")
    assert table.count == case.number("hkls")


def test_golden_traced_amplitudes(golden: Path) -> None:
    """Every F_cell of the trace of the five-column table is found where the C program found it."""
    case = GoldenCase(golden / "hkl-5col")
    table = read_hkl(golden / "inputs/ortho_5col.hkl", 5.0)
    checked = 0
    for line in case.lines:
        if line.startswith("TRACE_C_PHI"):
            values = dict(word.split("=") for word in line.split()[1:])
            if values["F_cell"] != "nan":
                assert table.lookup(*(int(float(values[i])) for i in ("h0", "k0", "l0"))) == float(values["F_cell"])
                checked += 1
    assert checked


def test_plain_table(tmp_path: Path) -> None:
    """Reflections land in a table with a spare zero plane; gaps hold the default, and the last duplicate wins."""
    path = tmp_path / "a.hkl"
    path.write_text("0 0 0 1.5\n1 2 -3 7\n0 0 0 2.5\n")
    for truncation in (True, False):
        table = read_hkl(path, 9.0, truncation=truncation)
        assert (table.h_range, table.k_range, table.l_range) == ((0, 1), (0, 2), (-3, 0))
        assert (table.origin, table.count, table.F.shape, table.warnings) == ((0, 0, -3), 3, (3, 4, 5), ())
        assert (table.lookup(0, 0, 0), table.lookup(1, 2, -3), table.lookup(1, 0, 0)) == (2.5, 7.0, 9.0)
        assert table.lookup(2, 0, 0) == 9.0
        assert not table.F[-1].any()
        assert not table.F[:, -1].any()
        assert not table.F[:, :, -1].any()


def test_lines_do_not_matter_to_the_c_program(tmp_path: Path) -> None:
    """Four numbers at a time make a reflection, wherever the lines end; leftovers are told."""
    path = tmp_path / "a.hkl"
    path.write_text("0 0\n0 1 1 1 1\n2 5 5")
    table = read_hkl(path)
    assert (table.count, table.lookup(0, 0, 0), table.lookup(1, 1, 1)) == (2, 1.0, 2.0)
    assert "2 numbers at the end" in table.warnings[0]


@pytest.mark.parametrize(
    ("text", "count", "found"),
    [
        ("0 0 0 1\n1.0 1 1 2\n2 2 2 3\n", 3, {(0, 0, 0): 1.0, (1, 1, 1): -5.0, (2, 2, 2): -5.0}),
        ("0 0 0 1\n1 1.5 1 2\n2 2 2 3\n", 3, {(0, 0, 0): 1.0, (1, 1, 1): -5.0, (2, 2, 2): -5.0}),
        # "%d" reads the 1 of "1.5", and "%lg" the rest: an amplitude of 0.5. The next reflection would begin at "7.5".
        ("0 0 0 1\n1 1 1.5 7.5\n2 2 2 3\n", 3, {(1, 1, 1): 0.5, (2, 2, 2): -5.0}),
        ("0 0 0 1\nend\n1 1 1 2\n", 1, {(0, 0, 0): 1.0}),
        ("0 0 0 1 # one\n1 1 1 2\n", 1, {(0, 0, 0): 1.0}),
        ("0 0 0 1e1\n+1 1 1 0x10\n", 2, {(0, 0, 0): 10.0, (1, 1, 1): 16.0}),
    ],
)
def test_truncation(tmp_path: Path, text: str, count: int, found: dict[tuple[int, int, int], float]) -> None:
    """The range is that of the float pass, the values stop at the first index that is no plain integer."""
    path = tmp_path / "a.hkl"
    path.write_text(text)
    table = read_hkl(path, -5.0)
    assert table.count == count
    assert {hkl: table.lookup(*hkl) for hkl in found} == found
    assert ("hkl-truncation" in " ".join(table.warnings)) == (-5.0 in found.values())


def test_clean_reading(tmp_path: Path) -> None:
    """By lines, comments and further columns are ignored and an index may be written as a float."""
    path = tmp_path / "a.hkl"
    path.write_text("# h k l F sigma\n0 0 0 1 0.1\n\n1.0 1 1 2 0.1  # strong\n")
    table = read_hkl(path, truncation=False)
    assert (table.count, table.lookup(0, 0, 0), table.lookup(1, 1, 1)) == (2, 1.0, 2.0)


@pytest.mark.parametrize("line", ["1.5 0 0 1", "1 1 1", "a b c d", "1 1 1 nan", "inf 1 1 1"])
def test_clean_reading_refuses(tmp_path: Path, line: str) -> None:
    """By lines, what is no reflection is an error with its line."""
    path = tmp_path / "a.hkl"
    path.write_text(f"0 0 0 1\n{line}\n")
    with pytest.raises(InputError, match=r"a.hkl:2: not a reflection; expected h k l F"):
        read_hkl(path, truncation=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no reflections; expected .*, got 0 numbers"),
        ("h k l F\n", "no reflections; .* got 0 numbers"),
        ("1 2 3\n", "no reflections; .* got 3 numbers"),
        ("0 0 0 1\n1 1 1 nan\n", r"a.hkl:2: a number is not finite; expected finite h k l F, got nan"),
        ("0 0 0 1\n90000 90000 90000 1\n", "span too much for a table"),
    ],
)
def test_errors(tmp_path: Path, text: str, message: str) -> None:
    """An empty, textual, short, NaN or absurd table is an error that says so."""
    path = tmp_path / "a.hkl"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_hkl(path)


def test_missing(tmp_path: Path) -> None:
    """A missing file is an error that says what was expected."""
    with pytest.raises(InputError, match=r"x.hkl: no such file; expected a reflection table"):
        read_hkl(tmp_path / "x.hkl")


INDEX = st.integers(-9, 9)


@given(st.dictionaries(st.tuples(INDEX, INDEX, INDEX), st.floats(0, 1e4), min_size=1, max_size=30))
def test_both_readings_agree_on_proper_tables(
    tmp_path_factory: pytest.TempPathFactory, rows: dict[tuple[int, int, int], float]
) -> None:
    """A proper table reads the same either way, and as built from arrays."""
    path = tmp_path_factory.mktemp("hkl") / "a.hkl"
    path.write_text("".join(f"{hkl[0]} {hkl[1]} {hkl[2]} {F!r}\n" for hkl, F in rows.items()))
    literal, clean = read_hkl(path, 3.0), read_hkl(path, 3.0, truncation=False)
    built = table_from_reflections(np.array(list(rows)), np.array(list(rows.values())), 3.0)
    for other in (clean, built):
        np.testing.assert_array_equal(literal.F, other.F)
        assert (literal.h_range, literal.k_range, literal.l_range) == (other.h_range, other.k_range, other.l_range)
    assert all(literal.lookup(*hkl) == F for hkl, F in rows.items())


def test_cache_layout(tmp_path: Path) -> None:
    """Indices -3…3 give a header of one line and a form feed, then 8³ doubles, as the reference says; it reads back."""
    hkl = np.array([(h, h, h) for h in range(-3, 4)])
    table = table_from_reflections(hkl, np.arange(7.0) + 1)
    write_cache(tmp_path / "Fdump.bin", table)
    data = (tmp_path / "Fdump.bin").read_bytes()
    header = b"-3 3 -3 3 -3 3\n\f"
    assert data.startswith(header)
    assert len(data) == len(header) + 8 * 8**3
    back = read_cache(tmp_path / "Fdump.bin", 4.0)
    np.testing.assert_array_equal(back.F, table.F)
    assert (back.count, back.h_range, back.default_F, back.warnings) == (343, (-3, 3), 4.0, ())


def test_cache_whitespace(tmp_path: Path) -> None:
    """A first number whose low byte is a space shifts the table in the C program, and doesn't in the clean reading."""
    first = float(np.frombuffer(b"\x20\x0a\0\0\0\0\x59\x40", dtype="<f8")[0])
    table = table_from_reflections(np.array([[0, 0, 0], [1, 1, 1]]), np.array([first, 7.0]))
    write_cache(tmp_path / "Fdump.bin", table)
    clean = read_cache(tmp_path / "Fdump.bin", whitespace=False)
    np.testing.assert_array_equal(clean.F, table.F)
    literal = read_cache(tmp_path / "Fdump.bin")
    assert literal.F.tobytes() == table.F.tobytes()[2:] + b"\0\0"
    assert "first 2 bytes" in literal.warnings[0]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"hello", "not a structure factor cache; expected six indices"),
        (b"0 0 0 0 0 0\n\f" + b"\0" * 63, "truncated; expected 64 bytes of data, got 63"),
        (b"0 -1 0 0 0 0\n\f" + b"\0" * 64, "ranges of the cache are inverted"),
        (b"0 0 0 0 0 0\n\f" + b"\xff" * 64, "values that are not finite"),
    ],
)
def test_cache_errors(tmp_path: Path, data: bytes, message: str) -> None:
    """What is no cache, too short, inverted or NaN is an error."""
    (tmp_path / "Fdump.bin").write_bytes(data)
    with pytest.raises(InputError, match=message):
        read_cache(tmp_path / "Fdump.bin", whitespace=False)
