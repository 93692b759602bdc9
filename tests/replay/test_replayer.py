"""Replaying a node from what a side recorded."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pytest

from braggtrace.replay.ancestry import ancestors, missing_inputs
from braggtrace.replay.replayer import Values
from tests.replay.pairs import Walked, scaled, trace_of, walked

Floats: TypeAlias = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def walk() -> Walked:
    """A candidate that is wrong in one step."""
    return walked(trace_of(), trace_of({"F_latt_b": scaled(2.0)}))


def test_every_step_of_a_right_trace_gives_what_it_recorded(walk: Walked) -> None:
    """All nodes that can be replayed, to within roundings."""
    judged = walk.judgement.sides["reference"]
    assert [name for name, each in judged.items() if each.has_wrong] == []
    replayed = {name for name, each in judged.items() if each.replay is not None and each.known.all()}
    assert {"cell_a_vec_angstroms", "pix0_vector_meters"}.isdisjoint(replayed)  # what they come from is not traced
    assert {"rot_a_angstroms", "scattering_vec_A_inv", "h_frac", "F_latt", "polar", "I_pixel_final"} <= replayed


def test_a_replay_uses_the_sides_own_inputs(walk: Walked) -> None:
    """F_latt of the candidate follows from its wrong factor, so that it is right for its inputs."""
    judged = walk.judgement.sides["candidate"]
    assert judged["F_latt_b"].wrong.all()
    assert not judged["F_latt"].wrong.any()
    assert judged["F_latt"].replay is not None
    assert set(judged["F_latt"].replay.inputs) >= {"F_latt_a", "F_latt_b", "F_latt_c"}


def test_values_can_be_mended(walk: Walked) -> None:
    """With the reference's factor in its place the candidate's F_latt becomes the reference's."""
    side, right = walk.book.candidate, walk.book.reference.nodes["F_latt_b"]
    mended = {"F_latt_b": Values(right.values, right.error, right.present)}
    replay = walk.judgement.replayer.replay(side, "F_latt", mended)
    assert replay is not None
    assert replay.values == pytest.approx(walk.book.reference.nodes["F_latt"].values)


def test_roundings_of_inputs_are_carried_through_the_step(walk: Walked) -> None:
    """An index that is known to 1e-9 leaves the peak as uncertain as its slope makes it."""
    side = walk.book.reference
    index = side.nodes["k_frac"]
    plain = walk.judgement.replayer.replay(side, "F_latt_b")
    unsure = Values(index.values, np.full_like(index.values, 1e-9), index.present)
    replay = walk.judgement.replayer.replay(side, "F_latt_b", {"k_frac": unsure})
    assert plain is not None
    assert replay is not None
    slope = np.abs(np.gradient(_peak(index.values[0, 0] + np.array([-1e-6, 0.0, 1e-6]), 7.0), 1e-6)[1])
    assert replay.spread[0, 0] == pytest.approx(1e-9 * slope, rel=0.02)
    assert (replay.spread > 100 * plain.spread).all()


def _peak(
    k: np.ndarray[tuple[int], np.dtype[np.float64]], cells: float
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray(np.sin(np.pi * cells * k) / np.sin(np.pi * k))


def test_what_is_missing_is_named() -> None:
    """A step without its inputs."""
    assert missing_inputs("polar", frozenset(), ()) >= {"polarization"}
    assert missing_inputs("F_latt", frozenset({"F_latt_a", "F_latt_b", "F_latt_c"}), ("SQUARE",)) == frozenset()


def test_ancestors_are_transitive() -> None:
    """All that a node may come from, and not itself."""
    found = ancestors("h_frac")
    assert {"rot_a_angstroms", "scattering_vec_A_inv", "pix0_vector_meters", "spindle_axis"} <= found
    assert "h_frac" not in found
    assert "F_latt" not in found
