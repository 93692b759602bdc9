"""How a difference grows from step to step."""

from __future__ import annotations

import math

import pytest

from tests.replay.pairs import explained, scaled, the_root, trace_of


def test_a_small_change_of_an_index_becomes_a_large_one_of_the_peak() -> None:
    """The factor is the ratio of the two relative differences, and the reason names the flank or the zero."""
    root = the_root(explained(trace_of(), trace_of({"k_frac": scaled(1.003)})))
    steps = {each.quantity: each for each in root.amplification}
    step = steps["F_latt_b"]
    assert step.source == "k_frac"
    assert step.source_relative == pytest.approx(0.003, rel=0.02)
    assert step.factor == pytest.approx(step.relative / step.source_relative)
    assert step.factor > 5
    assert "along k" in step.reason or "sin(N·π·k)" in step.reason


def test_the_condition_number_is_that_of_the_step() -> None:
    """F_latt_b = sin(πNk)/sin(πk): k F'/F, for a difference so small that it is linear."""
    root = the_root(explained(trace_of(), trace_of({"k_frac": scaled(1 + 1e-5)})))
    step = next(each for each in root.amplification if each.quantity == "F_latt_b")
    assert step.condition is not None
    assert step.condition == pytest.approx(step.factor, rel=0.05)


def test_a_plain_product_does_not_amplify() -> None:
    """Half as much again of polar is half as much again of the pixel."""
    root = the_root(explained(trace_of(), trace_of({"polar": scaled(1.5)})))
    step = next(each for each in root.amplification if each.quantity == "I_pixel_final")
    assert step.factor == pytest.approx(1.0)
    assert step.reason == ""
    assert step.condition == pytest.approx(1.0, rel=0.05)


def test_quantities_are_listed_in_dataflow_order() -> None:
    """Each that inherits, as in `inherited_by`."""
    root = the_root(explained(trace_of(), trace_of({"R_distance_meters": scaled(1.01)})))
    names = [each.quantity for each in root.amplification]
    assert [name for name in root.inherited_by if name in names] == names
    assert all(math.isfinite(each.factor) for each in root.amplification)
