"""Finding lines and numbers in a piece of text."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from braggtrace.trace.scan import NUMBER, scan, skeleton

WORDS = st.sampled_from(
    ["TRACE_C:", "F_latt", "nan", "2%", "1e", "-", "2026-11-23", "0x1f", "1.2.3", "u00=", "[", "; ", "µ", "x" * 600]
)
NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(allow_nan=False, allow_infinity=False).map("{:.17g}".format),
    st.floats(allow_nan=False, allow_infinity=False).map("{:+.6f}".format),
    st.integers().map(str),
    st.sampled_from([".5", "5.", "007", "-0", "+1e5", "1E-300", "1e999", "18446744073709551616"]),
)
LINES = st.lists(st.one_of(WORDS, NUMBERS), max_size=8).map(" ".join)


def numbers_of(text: str) -> list[str]:
    """The numbers that are found in a text, as written."""
    piece = scan(text.encode())
    return [text.encode()[s:e].decode() for s, e in zip(piece.number_start, piece.number_end, strict=True)]


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        ("TRACE_C: hkl_frac 0.25 -1.5e-10 +3", ["0.25", "-1.5e-10", "+3"]),
        ("TRACE_C_MOSAIC mos_tic=0 u00=1 u01=-0", ["0", "1", "-0"]),
        ("TRACE_C:Rx=[1 0 0; 0 .5 -1.]", ["1", "0", "0", "0", ".5", "-1."]),
        ("rotx:0.1,roty:0.2 (3) |a*| = 4", ["0.1", "0.2", "3", "4"]),
        ("F_latt2 2x x2 2% 2026-11-23 1.2.3 1e 1e+ -- . - +", []),
        ("[0,0,0]=127.89", ["0", "0", "0", "127.89"]),
    ],
)
def test_a_number_stands_between_delimiters(line: str, numbers: list[str]) -> None:
    """Digits inside a word, dates and versions are words."""
    assert numbers_of(line + "\n") == numbers


@given(st.lists(NUMBERS, min_size=1, max_size=30))
def test_numbers_are_read_as_python_reads_them(numbers: list[str]) -> None:
    """Every number is rounded exactly, whatever way it is written in."""
    piece = scan((" ".join(numbers) + "\n").encode())
    assert piece.value.tolist() == [float(number) for number in numbers]


@given(st.lists(LINES, min_size=1, max_size=20), st.sampled_from(["\n", "\r\n"]))
def test_skeletons_and_their_hashes_say_the_same(lines: list[str], newline: str) -> None:
    """Two lines have the same hash exactly if they have the same skeleton; CRLF is no part of it."""
    piece = scan((newline.join(lines) + newline).encode())
    assert len(piece.line_start) == len(lines)
    skeletons = [skeleton(piece, line) for line in range(len(lines))]
    for line, text in enumerate(skeletons):
        count = int(piece.first_number[line + 1] - piece.first_number[line])
        assert text.count(NUMBER) == count
        assert re.fullmatch(re.escape(text).replace(re.escape(NUMBER), r"[-+.0-9eE]+"), lines[line])
    same_hash = piece.skeleton_hash[:, None] == piece.skeleton_hash[None, :]
    same_text = np.array([[one == other for other in skeletons] for one in skeletons])
    assert (same_hash == same_text).all()


@given(st.binary(max_size=300))
def test_no_bytes_break_the_scan(text: bytes) -> None:
    """Any bytes have lines and numbers that lie inside them."""
    piece = scan(text + b"\n")
    assert len(piece.line_start) == text.count(b"\n") + 1
    assert (piece.number_start < piece.number_end).all()
    assert (piece.line_start <= piece.line_end).all()
    for line in range(len(piece.line_start)):
        assert skeleton(piece, line).replace(NUMBER, "").isprintable()
