"""The example in the documentation works."""

from __future__ import annotations

import runpy

import pytest

from tests.conftest import ROOT


def test_refinement_finds_the_orientation() -> None:
    """Steepest descent ends within a hundredth of a degree, closer than it began."""
    example = runpy.run_path(str(ROOT / "docs" / "examples" / "refine_misset.py"))
    assert example["refine"](30).tolist() == pytest.approx(list(example["TRUE_DEG"]), abs=0.02)
