"""Causes that lie in the inputs of a step: claimed where the changed step gives the wrong value, and not beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch

from braggtrace.corpus.mutants import Patch, mapped, with_inputs, with_result
from braggtrace.physics.vector import Vec
from tests.replay.pairs import explained, the_root, trace_of

MOSAIC: Mapping[str, Any] = {"mosaic_spread_deg": 0.7, "mosaic_domains": 3}
LAYERS: Mapping[str, Any] = {"oversample": 2}
DEGREE = math.pi / 180.0


def angle(factor: float) -> Patch:
    """A rotation by a multiple of phi."""
    return with_inputs(lambda named: named | {"phi_rad": named["phi_rad"] * factor})


def turned(mix: float) -> Patch:
    """The mosaic rotation, so far on its way to the transposed one."""

    def change(named: dict[str, Any]) -> dict[str, Any]:
        rows = named["u"]
        columns = [Vec(*(row[at] for row in rows)) for at in range(3)]
        pairs = zip(rows, columns, strict=True)
        return named | {"u": tuple(row.scaled(1 - mix).plus(column.scaled(mix)) for row, column in pairs)}

    return with_inputs(change)


def counted(name: str, step: float) -> Patch:
    """A counter that is off."""
    return with_inputs(lambda named: named | {name: named[name] + step})


def exchanged(share: float) -> Patch:
    """Slow for fast."""
    return with_inputs(
        lambda named: named | {"fpixel": share * named["spixel"] + (1 - share) * named["fpixel"]}, ("spixel",)
    )


def without(name: str, instead: float = 1.0) -> Patch:
    """A step that doesn't get one of its inputs."""
    return with_inputs(lambda named: named | {name: torch.full((), instead, dtype=torch.float64)})


def single(beside: float = 0.0) -> Patch:
    """Rounded through float32, or beside that."""
    return mapped(lambda value: value.to(torch.float32).to(torch.float64) * (1.0 + beside))


def powered(power: float) -> Patch:
    """One factor applied more than once."""
    return with_result(lambda value, named: value * named["F_latt_a"] ** power, ("F_latt_a",))


CASES: list[tuple[str, str, Patch, Patch, Mapping[str, Any]]] = [
    ("DEGREES_RADIANS", "rot_b_meters", angle(DEGREE), angle(DEGREE * 1.001), {}),
    ("DEGREES_RADIANS", "rot_b_meters", angle(1 / DEGREE), angle(1.001 / DEGREE), {}),
    ("INVERSE_ROTATION", "rot_a_meters", angle(-1.0), angle(-0.999), {}),
    ("TRANSPOSED_MATRIX", "rot_c_meters", turned(1.0), turned(0.99), MOSAIC),
    ("SHIFTED_INDEX", "Fdet_meters", counted("fpixel", 1.0), counted("fpixel", 1.01), {}),
    ("SHIFTED_INDEX", "Sdet_meters", counted("spixel", -0.5), counted("spixel", -0.49), LAYERS),
    ("SWAPPED_QUANTITIES", "Fdet_meters", exchanged(1.0), exchanged(0.97), {}),
    (
        "MISSING_TERM",
        "scattering_vec_A_inv",
        without("source_lambda_meters"),
        without("source_lambda_meters", 1.003),
        {},
    ),
    ("PRECISION_LOSS", "k_frac", single(), single(2e-6), {}),
    ("EXTRA_FACTOR", "F_latt@SQUARE", powered(1.0), powered(0.97), {}),
]


@pytest.mark.parametrize(
    ("code", "key", "wrong", "beside", "changes"), CASES, ids=[f"{each[0]}-{at}" for at, each in enumerate(CASES)]
)
def test_the_input_that_was_changed_is_named(
    code: str, key: str, wrong: Patch, beside: Patch, changes: Mapping[str, Any]
) -> None:
    """The cause comes first, with numbers before and after; beside the change it does not come at all."""
    right = trace_of(**changes)
    root = the_root(explained(right, trace_of({key: wrong}, **changes)))
    assert (root.side, root.cause.code) == ("candidate", code)
    assert root.cause.confidence > 0.5
    assert root.cause.evidence["apart_before"] > 1e3 * root.cause.evidence["apart_after"]
    nearly = the_root(explained(right, trace_of({key: beside}, **changes)))
    assert code not in [cause.code for cause in nearly.cause_and_rivals]


def test_a_default_is_named() -> None:
    """A polarization that did not arrive is 0, which says which side is meant."""
    root = the_root(explained(trace_of(), trace_of(polarization=0.0)))
    assert (root.node, root.side, root.cause.code) == ("polarization", "candidate", "DEFAULT_USED")
    other = the_root(explained(trace_of(), trace_of(polarization=0.5)))
    assert other.side == "unknown"
    assert other.cause.code != "DEFAULT_USED"


def test_the_evidence_is_what_was_recorded() -> None:
    """Recorded, given by the step, given with the change: the first and the last agree to the digits that are named."""
    root = the_root(explained(trace_of(), trace_of({"rot_a_meters": angle(-1.0)})))
    evidence = root.cause.evidence
    assert evidence["recorded"] == root.recorded["candidate"]
    assert evidence["step_gives"] == root.step_gives
    assert evidence["with_change"] == pytest.approx(evidence["recorded"], rel=1e-14)
    assert evidence["digits"] >= 15
    assert evidence["rows"] == evidence["rows_explained"] == root.coordinates
    assert "-phi" in root.cause.sentence or "−phi" in root.cause.sentence
