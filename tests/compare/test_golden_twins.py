"""Real pairs of traces whose difference is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from braggtrace.compare.judge import compare
from braggtrace.compare.model import Comparison, Status
from braggtrace.compare.options import Options
from braggtrace.compare.view import divergence
from braggtrace.trace.model import ColumnKey, Trace
from braggtrace.trace.reader import read_trace

CASES = 95
ROTATED = {"rot_a", "rot_b", "rot_c", "rot_a_angstroms", "rot_b_angstroms", "rot_c_angstroms"}


def read(golden: Path, case: str) -> Trace:
    """The (first) trace of a case."""
    return read_trace(min((golden / case).glob("trace*.log*")))


def twins(golden: Path, reference: str, candidate: str) -> Comparison:
    """Two cases compared."""
    return compare(read(golden, reference), read(golden, candidate))


def pixels_with_a_step_at_0(trace: Trace) -> set[tuple[int, int]]:
    """The pixels that evaluate a phi step of exactly 0."""
    column = trace.index[ColumnKey("PHI", "phi_deg", in_pixel=True)]
    return {tuple(trace.pixels[place].tolist()) for place in column.pixel[column.values[:, 0] == 0]}


@pytest.mark.parametrize(
    ("reference", "candidate"),
    [
        ("phi0-legacy", "phi0-fixed"),
        ("phi-cross0-legacy", "phi-cross0-fixed"),
        ("beamline-roi-legacy", "beamline-roi-fixed"),
        ("phi0-threads1-legacy", "phi0-threads2-legacy"),
    ],
)
def test_stale_vectors_are_the_first_divergence(golden: Path, reference: str, candidate: str) -> None:
    """The rotated cell, at the phi step of exactly 0, in the first pixel of both where the sides differ there."""
    comparison = twins(golden, reference, candidate)
    assert comparison.status is Status.DIVERGES
    assert comparison.first is not None
    pair = divergence(comparison, *comparison.first)
    assert pair.quantity in ROTATED
    phi = comparison.reference.index[ColumnKey("PHI", "phi_deg", in_pixel=True)]
    row = comparison.pairings[comparison.first[0]].reference_rows[comparison.first[1]]
    assert phi.values[row, 0] == 0

    rotated = ColumnKey("PHI", "rot_a", in_pixel=True)
    sides = [
        {str(trace.coordinate(column, at)): column.values[at] for at in range(len(column))}
        for trace in (comparison.reference, comparison.candidate)
        for column in [trace.index[rotated]]
    ]
    both = [place for place in sides[0] if place in sides[1]]
    differing = [place for place in both if not np.allclose(sides[0][place], sides[1][place], rtol=1e-9)]
    assert str(pair.coordinate) == differing[0]
    assert pair.coordinate.pixel in pixels_with_a_step_at_0(comparison.reference)


@pytest.mark.parametrize(("case", "quantity"), [("oversample-polar", "I_running"), ("oversample-omega", "I_running")])
def test_repeated_factors_show_in_the_running_sum(golden: Path, case: str, quantity: str) -> None:
    """Legacy multiplies the whole sum at every step; every single term agrees."""
    comparison = twins(golden, f"{case}-legacy", f"{case}-weighted")
    assert comparison.status is Status.DIVERGES
    assert comparison.first is not None
    assert comparison.pairings[comparison.first[0]].name == quantity


def test_different_pixels_are_inconclusive(golden: Path) -> None:
    """These two were traced at different pixels."""
    comparison = twins(golden, "oversample-thick-legacy", "oversample-thick-weighted")
    assert comparison.status is Status.INCONCLUSIVE
    assert not comparison.counts.diverge


def test_an_unnamed_pixel_meets_the_chosen_one(golden: Path) -> None:
    """The older program names no pixel; the user does."""
    older = read_trace(golden / "beamline-roi-instrumented" / "trace_s1639_f966.log")
    comparison = compare(read(golden, "beamline-roi-legacy"), older, Options(pixels=((1639, 966),)))
    assert comparison.counts.compared > 30
    assert comparison.counts.diverge == 0


def test_every_golden_trace_agrees_with_itself(golden: Path) -> None:
    """NaN is what the program writes where a lattice factor is no product."""
    paths = sorted(golden.glob("*/trace*.log*"))
    assert len({path.parent for path in paths}) == CASES
    for path in paths:
        trace = read_trace(path)
        comparison = compare(trace, trace, Options(equal_nan=True))
        assert comparison.status is Status.AGREES, path
        assert comparison.counts.only_reference == comparison.counts.only_candidate == 0
