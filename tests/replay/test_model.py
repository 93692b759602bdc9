"""The explanation is plain data: no torch, and JSON without surprises."""

from __future__ import annotations

import math
import subprocess
import sys

from braggtrace.replay.model import Budget, Cause, Explanation, jsonable

CAUSE = Cause("SIGN_FLIP", "minus what it should be", 0.9, {"recorded": (math.nan, -1.0)}, "the sign")


def test_numbers_that_json_lacks_are_words() -> None:
    """At any depth; tuples become lists, and data classes objects."""
    assert jsonable(CAUSE) == {
        "code": "SIGN_FLIP",
        "sentence": "minus what it should be",
        "confidence": 0.9,
        "evidence": {"recorded": ["nan", -1.0]},
        "look_at": "the sign",
        "quirk": "",
    }
    assert jsonable({"a": [math.inf, {"b": -math.inf}], 1: (2, None, "x")}) == {
        "a": ["inf", {"b": "-inf"}],
        "1": [2, None, "x"],
    }


def test_an_explanation_without_roots_is_a_document() -> None:
    """With a budget whose ratio is no number."""
    budget = Budget("I_pixel_final", (1, 2), 0.0, 1.0, math.nan, 1.0, 0.0, 1.0)
    document = Explanation("Nothing.", (), (), (), {}, {}, budget, ((1, 2), None), 0, ()).to_json()
    assert document["budget"]["ratio"] == "nan"
    assert document["pixels"] == [[1, 2], None]
    assert document["roots"] == []


def test_rendering_needs_no_torch() -> None:
    """The model and the story are read by processes that never load it."""
    code = "import sys, braggtrace.replay.model, braggtrace.replay.story; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
