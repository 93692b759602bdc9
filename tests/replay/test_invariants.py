"""Which side is wrong, where no step can be replayed."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from braggtrace.corpus.pairs import read_text
from braggtrace.replay.invariants import side_by_invariants
from braggtrace.trace.model import Trace
from tests.replay.pairs import text_of, trace_of, walked


def with_vector(name: str, change: Callable[[list[float]], list[float]]) -> Trace:
    """The trace with one vector of the run changed."""

    def new(match: re.Match[str]) -> str:
        return match[1] + " ".join(f"{value:.17g}" for value in change([float(word) for word in match[2].split()]))

    text, count = re.subn(rf"^(TRACE_C: {name} )(.+)$", new, text_of(rotx_deg=3.0), flags=re.MULTILINE)
    assert count == 1
    return read_text(text, "wrong.log")


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("beam_vec", lambda v: [2 * part for part in v], "beam_vec has the length 1"),
        ("fdet_vec", lambda v: [-part for part in v], "fdet, sdet and odet are right-handed"),
        ("fdet_vec", lambda v: [v[0], v[2], v[1]], "fdet_vec is normal to sdet_vec"),
        ("cell_a_vec_angstroms", lambda v: [3 * part for part in v], "the cell vectors span V_cell"),
    ],
)
def test_the_side_that_breaks_an_invariant_is_wrong(
    name: str, change: Callable[[list[float]], list[float]], words: str
) -> None:
    """On whichever side it is."""
    right, wrong = trace_of(rotx_deg=3.0), with_vector(name, change)
    for side, pair in (("candidate", (right, wrong)), ("reference", (wrong, right))):
        broken = side_by_invariants(walked(*pair).book, name)
        assert broken is not None
        assert (broken.side, broken.words) == (side, words)


def test_what_both_sides_keep_tells_nothing() -> None:
    """Another direction of the same length may be what was asked for."""
    book = walked(trace_of(rotx_deg=3.0), with_vector("spindle_axis", lambda v: [v[1], v[0], v[2]])).book
    assert side_by_invariants(book, "spindle_axis") is None
    assert side_by_invariants(book, "Na") is None
