"""Suspects made of plain numbers: no physics, no traces."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.causes.codes import Code
from braggtrace.causes.rank import Ranked, search
from braggtrace.causes.suspect import History, Suspect

__all__ = ["NUMBERS", "UNIT_RIGHT", "VECTORS", "Floats", "codes", "first", "history", "suspect"]

Floats: TypeAlias = npt.NDArray[np.float64]

NUMBERS: Floats = np.random.default_rng(5).uniform(1.0, 9.0, (6, 1))
VECTORS: Floats = np.random.default_rng(6).uniform(-9.0, 9.0, (6, 3))
UNIT_RIGHT: Floats = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)


def suspect(bad: Any, right: Any, **changes: Any) -> Suspect:
    """A suspect whose right values are exact to a few roundings."""
    bad, right = (np.asarray(values, dtype=np.float64) for values in (bad, right))
    with np.errstate(invalid="ignore"):
        room, error = (4 * 2.0**-53 * np.nan_to_num(np.abs(values), posinf=0.0) for values in (right, bad))
    fields: dict[str, Any] = {
        "quantity": "value",
        "unit": "",
        "is_integer": False,
        "is_unit_vector": False,
        "replayed": True,
        "room": room,
        "error": error,
    }
    return Suspect(bad=bad, right=right, **(fields | changes))


def history(rows: list[int], right: Floats, wrong: list[int]) -> History:
    """All rows of a node; places are told by their number."""
    flags = np.isin(np.arange(len(right)), wrong)
    return History(np.array(rows), right, right, flags, lambda there, here: f"at row {there}")


def first(case: Suspect) -> Ranked:
    """The likeliest cause."""
    found = search(case)
    assert found, "nothing explains it"
    return found[0]


def codes(case: Suspect) -> list[Code]:
    """All causes that are claimed, the likeliest first."""
    return [each.finding.trial.code for each in search(case)]
