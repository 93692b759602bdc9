"""The graph of steps, and the arithmetic in it."""

from __future__ import annotations

import math

import mpmath  # type: ignore[import-untyped]
import pytest
import torch

from braggtrace.physics.graph import GRAPH
from braggtrace.physics.numerics import grating, nearest, rounded_grating, short_sin
from braggtrace.physics.registry import Graph
from braggtrace.physics.vector import root
from braggtrace.quantities import CATALOGUE, Level

# Filled in by the loops or taken from the flags.
NOT_STEPS = {"I_before_scaling", "I_running", "omega_pixel", "dir", "u", "phi_deg"}


def test_every_step_says_what_it_is() -> None:
    """A formula or a meaning, and inputs that are steps or come from outside."""
    outside = set(GRAPH.external())
    computed = {step.name for step in GRAPH.steps.values()}
    for step in GRAPH.steps.values():
        assert step.meaning, step.name
        assert set(step.inputs) <= outside | computed


def test_order_of_the_graph() -> None:
    """Each step comes after those it needs; the last is what is stored."""
    seen: set[str] = set(GRAPH.external())
    names = [step.name for step in GRAPH.ordered()]
    for step in GRAPH.ordered():
        assert set(step.inputs) <= seen | set(names[: names.index(step.name)])
        seen.add(step.name)
    assert {"hkl_frac", "I_pixel_final"} & set(names)
    assert "F_latt" in GRAPH.ancestors("I_term")


def test_catalogue_quantities_of_the_loops_are_steps() -> None:
    """Every real-valued quantity of samples that the catalogue knows is computed by a step."""
    steps = {step.name for step in GRAPH.steps.values()}
    missing = [row.name for row in CATALOGUE if row.level is Level.SAMPLE and row.name not in steps | NOT_STEPS]
    assert missing == []


def test_replay_of_one_step() -> None:
    """A step, or a few, from the values of another program."""
    h = torch.tensor(2.03, dtype=torch.float64)
    given = {
        "h_frac": h,
        "Na": torch.tensor(7.0, dtype=torch.float64),
        "single_a": False,
        "work_dtype": torch.float64,
    }
    expected = math.sin(7 * math.pi * 2.03) / math.sin(math.pi * 2.03)
    assert float(GRAPH.replay("F_latt_a", given)) == pytest.approx(expected, rel=1e-12)
    assert float(GRAPH.replay("F_latt_a", given, ("ROUNDED",))) == pytest.approx(expected, rel=1e-14)
    with pytest.raises(KeyError):
        GRAPH.replay("F_latt_a", {"h_frac": h})


def test_two_steps_of_one_name_are_refused() -> None:
    """A quantity has one source."""
    graph = Graph()
    graph.step("stol", Level.SAMPLE)(lambda: None)
    with pytest.raises(ValueError, match="two steps"):
        graph.step("stol", Level.SAMPLE)(lambda: None)


@pytest.mark.parametrize(("dtype", "digits"), [(torch.float64, 4e-16), (torch.float32, 2e-7)])
def test_sine(dtype: torch.dtype, digits: float) -> None:
    """Within a unit or two in the last place, on all of its domain."""
    x = torch.linspace(-math.pi / 2, math.pi / 2, 2001, dtype=dtype)
    exact = torch.tensor([float(mpmath.sin(mpmath.mpf(float(value)))) for value in x], dtype=torch.float64)
    error = (short_sin(x).double() - exact).abs()
    assert float((error / exact.abs().clamp(min=1e-30)).max()) <= digits


@pytest.mark.parametrize("cells", [2, 5, 36, 1000])
def test_gratings(cells: int) -> None:
    """Both forms give |sin(πNh)/sin(πh)|; N at a peak, where the clean form is exact and the rounded one at h = 0."""
    n = torch.tensor(float(cells), dtype=torch.float64)
    h = torch.linspace(-7.3, 7.4, 1471, dtype=torch.float64)
    with mpmath.workdps(40):
        exact = [
            abs(float(mpmath.sin(mpmath.pi * cells * v) / mpmath.sin(mpmath.pi * v))) if v % 1 else float(cells)
            for v in map(mpmath.mpf, h.tolist())
        ]
    expected = torch.tensor(exact, dtype=torch.float64)
    clean = grating(h - nearest(h), n, torch.float64).abs()
    assert float((clean - expected).abs().max()) <= 1e-11 * cells
    zero = torch.zeros(1, dtype=torch.float64)
    assert float(grating(zero, n, torch.float64)) == pytest.approx(cells, rel=1e-15)
    assert float(rounded_grating(zero, zero, n, torch.float64)) == pytest.approx(cells, rel=1e-15)
    off_peak = (h - nearest(h)).abs() > 0.004
    rounded = rounded_grating(h, nearest(h), n, torch.float64).abs()
    assert float((rounded - expected).abs()[off_peak].max()) <= 1e-10 * cells


def test_halves_round_down() -> None:
    """As the C program rounds."""
    x = torch.tensor([0.5, -0.5, 1.5, 2.4, -2.6], dtype=torch.float64)
    assert nearest(x).tolist() == [0.0, -1.0, 1.0, 2.0, -3.0]


def test_root_is_correctly_rounded() -> None:
    """Every one of many roots is that of the processor."""
    x = torch.rand(20000, dtype=torch.float64) * 10
    assert root(x).tolist() == [math.sqrt(value) for value in x.tolist()]
    assert root(torch.zeros(2, dtype=torch.float64)).tolist() == [0.0, 0.0]
