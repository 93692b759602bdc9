"""Damaged traces: whatever is left of them is compared and reported."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from braggtrace.compare.judge import compare
from braggtrace.compare.options import Options
from braggtrace.compare.report import FORMATS, render
from braggtrace.compare.view import divergence, pixel_totals
from braggtrace.errors import TraceReadError
from braggtrace.trace.reader import read_trace

TRACE = Path(__file__).parents[2] / "sample_traces" / "running_sum" / "reference.log"
TEXT = b"".join(TRACE.read_bytes().splitlines(keepends=True)[60:95])

damage = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.one_of(
            st.sampled_from([b"", b"\n", b"TRACE_C: pixel 1 2\n", b" nan", b"=1e999", b"\xff\x1b[2J", b"-", b"9" * 40]),
            st.binary(max_size=8),
        ),
        st.integers(0, 200),
    ),
    max_size=6,
)


def damaged(cuts: list[tuple[float, bytes, int]]) -> bytes:
    """A real trace with pieces replaced."""
    text = TEXT
    for where, piece, length in cuts:
        at = int(where * len(text))
        text = text[:at] + piece + text[at + length :]
    return text


@settings(max_examples=60)
@given(damage, damage, st.booleans())
def test_damaged_traces_are_compared_and_reported(
    ours: list[tuple[float, bytes, int]], theirs: list[tuple[float, bytes, int]], strict: bool
) -> None:
    """No exception, in no format; every line can be shown."""
    with tempfile.TemporaryDirectory() as folder:
        reference, candidate = Path(folder) / "c.log", Path(folder) / "py.log"
        reference.write_bytes(damaged(ours))
        candidate.write_bytes(damaged(theirs))
        options = Options(equal_nan=strict, require_all=strict)
        try:
            sides = read_trace(reference), read_trace(candidate)
        except TraceReadError:  # a brace at the beginning makes it damaged JSON
            return
        comparison = compare(sides[0], sides[1], options)
        for form in FORMATS:
            for line in render(comparison, form, all_pairs=strict).splitlines():
                assert line.isprintable()
        pixel_totals(comparison)
        for index, pairing in enumerate(comparison.pairings):
            assert divergence(comparison, index, len(pairing) - 1).quantity == pairing.name
