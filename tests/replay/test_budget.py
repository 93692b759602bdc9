"""How much each root matters: parts that add up, factors that multiply."""

from __future__ import annotations

import math

import pytest

from braggtrace.corpus.pairs import read_text as read
from braggtrace.replay.effect import mend
from tests.replay.pairs import edited, explained, scaled, text_of, the_root, trace_of, walked

WEAK = {"polar": scaled(1.5)}


def test_one_fault_explains_everything() -> None:
    """Its share is all of the difference, its factor the whole ratio, and nothing is left."""
    explanation = explained(trace_of(), trace_of(WEAK))
    root, budget = the_root(explanation), explanation.budget
    assert root.share_of_final == pytest.approx(1.0, abs=1e-12)
    assert root.factor_of_final == pytest.approx(1.5)
    assert budget is not None
    assert (budget.quantity, budget.pixel) == ("I_pixel_final", (4, 5))
    assert budget.ratio == pytest.approx(1.5)
    assert budget.candidate / budget.reference == pytest.approx(budget.ratio)
    assert budget.product == pytest.approx(budget.ratio)
    assert budget.remainder == pytest.approx(0.0, abs=1e-12)


def test_the_budget_of_several_factors_closes() -> None:
    """Shares add up to 1 and factors multiply to the ratio, whatever side the faults are on."""
    explanation = explained(
        trace_of({"F_latt_b": scaled(1.25)}), trace_of(WEAK | {"I_pixel_final": scaled(0.5), "F_latt_c": scaled(1.1)})
    )
    shares = [root.share_of_final for root in explanation.roots]
    factors = [root.factor_of_final for root in explanation.roots]
    assert len(shares) == 4
    assert math.fsum(each for each in shares if each is not None) == pytest.approx(1.0, abs=1e-9)
    assert math.prod(each for each in factors if each is not None) == pytest.approx(0.5 * 1.5 * 1.1**2 / 1.25**2)
    budget = explanation.budget
    assert budget is not None
    assert budget.product == pytest.approx(budget.ratio, rel=1e-9)
    by_node = {root.node: root.factor_of_final for root in explanation.roots}
    assert by_node["I_pixel_final"] == pytest.approx(0.5)
    assert by_node["F_latt_b"] == pytest.approx(1.25**-2)


def test_what_is_only_printed_wrong_has_no_share() -> None:
    """The pixel is made of the right value, so mending the print changes nothing."""
    text = edited(text_of(WEAK), "I_before_scaling", lambda value: -value)
    explanation = explained(trace_of(), read(text, "candidate.log"))
    shares = {root.node: root.share_of_final for root in explanation.roots}
    assert shares["I_before_scaling"] == pytest.approx(0.0, abs=1e-12)
    assert shares["polar"] == pytest.approx(1.0)


def test_an_input_of_the_run_has_a_share() -> None:
    """A wavelength that differs is mended by the reference's; all that can be replayed follows."""
    explanation = explained(trace_of(), trace_of(fluence=2e24))
    root = the_root(explanation)
    assert root.node == "fluence_photons_per_m2"
    assert root.share_of_final == pytest.approx(1.0)
    assert root.factor_of_final == pytest.approx(2.0)


def test_a_share_can_be_negative() -> None:
    """One fault makes the pixel brighter, the other darker: both parts are told, and they still add up."""
    explanation = explained(trace_of(), trace_of({"polar": scaled(1.5), "I_pixel_final": scaled(0.5)}))
    shares = [root.share_of_final for root in explanation.roots]
    assert all(share is not None for share in shares)
    assert min(share for share in shares if share is not None) < 0
    assert math.fsum(share for share in shares if share is not None) == pytest.approx(1.0)


def test_a_fault_in_one_iteration_reaches_the_sum() -> None:
    """Mending one of three contributions changes every later sum, and the pixel to what the other side has."""
    text = edited(text_of(), "F_latt_a", lambda value: 3 * value, phi_lines=True)
    walk = walked(trace_of(), read(text, "candidate.log"))
    (origin,) = [each for each in walk.tree.origins if each.node == "F_latt_a" and each.copy is None]
    side = walk.book.candidate
    changed = mend(walk.judgement, side, {"F_latt_a": origin.rows}, {})
    assert changed["F_latt_a"].values == pytest.approx(walk.book.reference.nodes["F_latt_a"].values)
