"""Pairs measured from the C reference: the cause that is known, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from braggtrace.compare.judge import compare
from braggtrace.replay.judge import judge
from braggtrace.replay.loops import add_carried
from braggtrace.replay.model import Explanation
from braggtrace.replay.pair import explain_pair
from braggtrace.replay.quirks import fit_quirks
from braggtrace.replay.reading import read_book
from braggtrace.replay.replayer import Replayer
from braggtrace.trace.model import Trace
from braggtrace.trace.reader import read_trace

ROTATED = {"rot_a_angstroms", "rot_b_angstroms", "rot_c_angstroms"}


def trace_of(golden: Path, name: str) -> Trace:
    """The trace of a case."""
    plain = golden / name / "trace.log"
    return read_trace(str(plain if plain.exists() else plain.with_name("trace.log.gz")))


def explained(golden: Path, reference: str, candidate: str) -> Explanation:
    """Two cases."""
    return explain_pair(trace_of(golden, reference), trace_of(golden, candidate))


@pytest.mark.parametrize(
    ("case", "tic"), [("phi0", 0), ("phi-cross0", 2), ("beamline-roi", 0)], ids=["phi0", "phi-cross0", "beamline-roi"]
)
def test_legacy_keeps_stale_vectors_where_phi_is_zero(golden: Path, case: str, tic: int) -> None:
    """Three roots in the legacy program, no other, and they make up the whole difference."""
    explanation = explained(golden, f"{case}-legacy", f"{case}-fixed")
    assert {root.node for root in explanation.roots} == ROTATED
    for root in explanation.roots:
        assert (root.side, root.cause.code, root.cause.quirk) == ("reference", "STALE_VALUE", "stale-phi-zero")
        assert root.coordinate["phi_tic"] == tic
        assert "its own value at" in root.cause.sentence
        assert root.cause.evidence["digits"] == 16
    assert explanation.profiles["reference"][0] == "legacy"
    assert explanation.profiles["candidate"][0] == "phi-fixed"
    assert explanation.budget is not None
    assert abs(explanation.budget.remainder) < 1e-9


@pytest.mark.parametrize("case", ["oversample-polar", "oversample-omega"])
def test_the_profile_that_explains_the_sum_is_named(golden: Path, case: str) -> None:
    """Legacy multiplies the running sum, weighted-oversample the contributions."""
    explanation = explained(golden, f"{case}-legacy", f"{case}-weighted")
    (root,) = explanation.roots
    assert (root.node, root.side, root.cause.quirk) == ("I_running", "reference", "running-sum-oversample")
    assert "legacy" in explanation.profiles["reference"]
    assert "weighted-oversample" not in explanation.profiles["reference"]
    assert "weighted-oversample" in explanation.profiles["candidate"]


def test_the_first_pixel_of_the_second_thread_is_found(golden: Path) -> None:
    """One and two threads: at 23 52 the second thread has nothing to be stale from."""
    explanation = explained(golden, "phi0-threads1-legacy", "phi0-threads2-legacy")
    assert {(root.node, root.where) for root in explanation.roots} == {
        (name, "pixel 23 52, phi_tic 0") for name in ROTATED
    }
    assert {root.side for root in explanation.roots} == {"reference"}
    assert any("first pixel that a thread computes" in note and "23 52" in note for note in explanation.notes)


QUIRKS = {
    "phi0-legacy": ROTATED,
    "phi-cross0-legacy": ROTATED,
    "oversample-thick-legacy": {"I_running"},
    "oversample-polar-legacy": {"I_running"},
}
CLEAN = (
    "conv-mosflm",
    "conv-custom",
    "pivot-xds-rot",
    "twotheta-axis",
    "curved-det",
    "shape-round",
    "shape-gauss",
    "mat-hkl",
    "mosaic-seed",
    "div-dispersion",
    "sensor-absorption",
    "polar-vector",
    "interpolate",
    "water",
    "phi0-fixed",
    "oversample-thick-weighted",
)


@pytest.mark.parametrize("name", [*QUIRKS, *CLEAN])
def test_the_c_program_follows_the_steps_but_for_its_quirks(golden: Path, name: str) -> None:
    """Every traced value is what its step gives for its recorded inputs; what is not is a known quirk."""
    trace = trace_of(golden, name)
    book = read_book(compare(trace, trace), [0, 1])
    add_carried(book)
    judgement = judge(book, Replayer(book))
    wrong = {node for node, judged in judgement.sides["reference"].items() if judged.has_wrong}
    assert wrong == QUIRKS.get(name, set())
    explained_by_quirks = {
        node for fit in fit_quirks(judgement) for node, rows in fit.explained["reference"].items() if rows.any()
    }
    assert explained_by_quirks == wrong


@pytest.mark.parametrize("name", ["conv-mosflm", "phi0-legacy", "instr-mat-hkl-phi0"])
def test_a_trace_against_itself_has_no_root(golden: Path, name: str) -> None:
    """Whatever quirks it shows."""
    folder = golden / name
    first = min(folder.glob("trace*.log*"))
    trace = read_trace(str(first))
    explanation = explain_pair(trace, trace)
    assert explanation.roots == ()
    assert explanation.headline == "Nothing diverges."
