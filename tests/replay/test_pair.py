"""The whole explanation, on the bundled pairs and on small ones."""

from __future__ import annotations

import math
from pathlib import Path

import orjson
import pytest

from braggtrace.compare.judge import compare
from braggtrace.replay.model import SCHEMA, Explanation
from braggtrace.replay.pair import Limits, choose_pixels, explain_pair
from braggtrace.replay.story import story, story_lines
from braggtrace.trace.reader import read_trace
from tests.replay.pairs import PIXELS, explained, scaled, the_root, trace_of


def of_sample(folder: Path, name: str) -> Explanation:
    """A bundled pair, explained."""
    reference, candidate = (read_trace(str(folder / name / f"{side}.log")) for side in ("reference", "candidate"))
    return explain_pair(reference, candidate)


def test_the_stale_vectors_are_explained(sample_traces: Path) -> None:
    """The bundled demo: three vectors are left over from the pixel before, and nothing else is wrong."""
    explanation = of_sample(sample_traces, "stale_phi_zero")
    assert [root.node for root in explanation.roots] == ["rot_a_angstroms", "rot_b_angstroms", "rot_c_angstroms"]
    for root in explanation.roots:
        assert (root.side, root.verdict, root.coordinate["phi_tic"]) == ("reference", "originates", 0)
        assert (root.cause.code, root.cause.quirk) == ("STALE_VALUE", "stale-phi-zero")
        assert root.cause.sentence == "its own value at phi_tic 9 of the previous pixel"
        assert root.cause.evidence["digits"] == 16
        assert root.cause.evidence["apart_before"] > 1e-3
        assert root.cause.evidence["apart_after"] < 1e-15
        assert root.cause.confidence > 0.9
        assert root.coordinates == 4
        assert root.inherited == 8
    assert "STALE_VALUE (4 places). 8 later quantities inherit it" in explanation.headline
    assert explanation.headline.endswith("rot_b and rot_c originate likewise.")
    assert explanation.profiles["reference"][0] == "legacy"
    assert "phi-fixed" in explanation.profiles["candidate"]
    budget = explanation.budget
    assert budget is not None
    assert budget.explained == pytest.approx(1.0, abs=1e-9)
    assert budget.product == pytest.approx(budget.ratio, rel=1e-9)


def test_the_same_seen_from_another_dialect(sample_traces: Path) -> None:
    """One side from PyTorch: its own words for the same quantities."""
    explanation = of_sample(sample_traces, "c_against_torch")
    assert {(root.side, root.cause.code) for root in explanation.roots} == {("reference", "STALE_VALUE")}


def test_an_older_program_lends_what_it_lacks(sample_traces: Path) -> None:
    """What one side does not trace of the run is taken from the other side, and said."""
    explanation = of_sample(sample_traces, "older_program")
    assert {root.cause.quirk for root in explanation.roots} == {"stale-phi-zero"}
    assert any("does not trace" in note for note in explanation.notes)


def test_the_second_thread_starts_fresh(sample_traces: Path) -> None:
    """The candidate shows the quirk but not in the first pixel of its second thread, which is named."""
    explanation = of_sample(sample_traces, "second_thread")
    assert {root.where for root in explanation.roots} == {"pixel 23 52, phi_tic 0"}
    assert explanation.quirks["candidate"]["stale-phi-zero"] == "mixed"
    assert any("not at pixel 23 52" in note and "thread" in note for note in explanation.notes)


def test_the_running_sum_is_named(sample_traces: Path) -> None:
    """Everything up to I_term agrees; the sum is multiplied as a whole."""
    explanation = of_sample(sample_traces, "running_sum")
    root = the_root(explanation)
    assert (root.node, root.side) == ("I_running", "candidate")
    assert (root.cause.code, root.cause.quirk) == ("EXTRA_FACTOR", "running-sum-oversample")
    assert root.share_of_final == pytest.approx(1.0)
    assert explanation.profiles["reference"] == ("weighted-oversample", "spec")
    assert explanation.profiles["candidate"] == ("legacy", "phi-fixed")


def test_an_input_that_differs_claims_no_side(sample_traces: Path) -> None:
    """Missetting angles are given: nothing says which are meant, and no cause is made up for numbers that differ."""
    explanation = of_sample(sample_traces, "swallowed_seed")
    assert {root.node for root in explanation.roots} == {"misset_x_deg", "misset_y_deg", "misset_z_deg"}
    assert {(root.side, root.verdict, root.cause.code) for root in explanation.roots} == {
        ("unknown", "differs", "UNEXPLAINED")
    }
    assert {root.cause.confidence for root in explanation.roots} == {0.0}


def test_text_from_files_is_made_visible(sample_traces: Path) -> None:
    """No control character of a trace reaches a story."""
    text = story(of_sample(sample_traces, "hostile"))
    assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize("name", ["stale_phi_zero", "running_sum", "second_thread", "swallowed_seed", "older_program"])
def test_the_story_can_be_pasted(sample_traces: Path, name: str) -> None:
    """About a dozen lines of plain text, none of them long."""
    lines = list(story_lines(of_sample(sample_traces, name)))
    assert 3 <= len(lines) <= 24
    assert max(len(line) for line in lines) <= 100


def test_json_holds_all(sample_traces: Path) -> None:
    """The document is JSON without NaN, names its schema, and has the rows only where they are asked for."""
    explanation = of_sample(sample_traces, "stale_phi_zero")
    document = orjson.loads(orjson.dumps(explanation.to_json()))
    assert document["schema"] == SCHEMA
    root = document["roots"][0]
    assert {"quantity", "coordinate", "side", "cause", "inherited", "share_of_final"} <= set(root)
    assert {"code", "sentence", "confidence", "evidence"} <= set(root["cause"])
    assert root["coordinate"]["pixel"] == [1639, 966]
    assert "states" not in document["quantities"][0]
    with_rows = explanation.to_json(rows=True)["quantities"][0]
    assert len(with_rows["states"]) == len(with_rows["pair_rows"])


def test_values_that_are_no_numbers_are_words_in_json() -> None:
    """JSON has no NaN."""
    document = explained(trace_of(), trace_of({"polar": scaled(math.nan)})).to_json(rows=True)
    assert orjson.loads(orjson.dumps(document)) == document
    root = document["roots"][0]
    assert root["cause"]["code"] == "NON_FINITE"
    assert root["recorded"]["candidate"] == ["nan"]


def test_pixels_can_be_chosen() -> None:
    """Only the pixels asked for are looked at; the number of diverging ones stays."""
    pair = trace_of(), trace_of({"polar": scaled(1.5)})
    explanation = explained(*pair, limits=Limits(pixels=(PIXELS[1],)))
    assert explanation.pixels == (PIXELS[1],)
    assert the_root(explanation).coordinates == 1
    assert explanation.diverging_pixels == 2
    assert "looked at 1 of 2 diverging pixels" in explanation.notes


def test_the_first_diverging_pixel_and_its_neighbours_are_chosen() -> None:
    """The first one, whatever the limit; beside it the ones that a stale value may come from."""
    comparison = compare(trace_of(), trace_of({"polar": scaled(1.5)}))
    chosen, diverging = choose_pixels(comparison, Limits(most_pixels=1))
    assert (chosen, diverging) == ([0, 1], 2)


def test_a_pixel_that_is_not_there_explains_nothing() -> None:
    """No pixel, no rows: no root and no crash."""
    explanation = explained(trace_of(), trace_of({"polar": scaled(1.5)}), limits=Limits(pixels=((999, 999),)))
    assert explanation.roots == ()
    assert explanation.budget is None


def test_nan_on_both_sides_is_no_rounding() -> None:
    """A round crystal has no factors along its axes: NaN does not equal NaN, which is said, and how to let it."""
    trace = trace_of(shape="ROUND", fudge=0.5)
    explanation = explained(trace, trace)
    assert explanation.roots == ()
    assert "are NaN on both sides" in explanation.headline
    assert "--equal-nan" in explanation.headline
