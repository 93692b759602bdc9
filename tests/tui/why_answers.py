"""What the engine answers about the demo, as it was recorded; `test_why_stories` compares it with a real one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

__all__ = ["ROT_A", "ROT_B", "ROT_C", "answer", "story_of", "why_document"]

ROT_A, ROT_B, ROT_C = (f"rot_{axis}_angstroms:reference" for axis in "abc")

_RECORDED = cast(
    "dict[str, dict[str, Any]]",
    json.loads((Path(__file__).parent / "why_stale_phi_zero.json").read_text(encoding="utf-8")),
)


def why_document(*accepted: str) -> dict[str, Any]:
    """The explanation with these roots taken as mended: one of those that were recorded."""
    return cast("dict[str, Any]", json.loads(json.dumps(_RECORDED["+".join(accepted)]["explanation"])))


def story_of(*accepted: str) -> str:
    """The same in plain words."""
    return str(_RECORDED["+".join(accepted)]["story"])


def answer(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """What `FakeEngine.why` gives for the demo."""
    document = why_document(*fields["accepted"])
    if fields["pixels"]:
        document["pixels"] = [list(pixel) for pixel in fields["pixels"]]
    return document
