"""What a node comes from: all nodes that its steps may ask for, and those that are missing on the way to it."""

from __future__ import annotations

from collections.abc import Sequence

from braggtrace.replay.formulas import REPLAY

__all__ = ["ALONE", "ancestors", "missing_inputs", "unmeant_inputs"]

ALONE = frozenset({"F_latt_a", "F_latt_b", "F_latt_c"})
"""Nodes that are functions of h, k, l alone: the simulator takes the rounded indices for accuracy only."""

_ANCESTRY: dict[str, frozenset[str]] = {}
_CARRIED = {"I_last": ("I_running",), "I_previous": ("I_bg", "I_term", "weight"), "F_known": ("h0", "k0", "l0")}


def ancestors(name: str) -> frozenset[str]:
    """All names that the steps of a node, in any variant, may ask for."""
    if name not in _ANCESTRY:
        found: set[str] = set()
        waiting = [name]
        while waiting:
            here = waiting.pop()
            fresh = [needed for needed in _CARRIED.get(here, ()) if needed not in found]
            found.update(fresh)
            waiting += fresh
            for step in REPLAY.steps.values():
                if step.name == here:
                    fresh = [needed for needed in step.inputs if needed not in found]
                    found.update(fresh)
                    waiting += fresh
        _ANCESTRY[name] = frozenset(found)
    return _ANCESTRY[name]


def missing_inputs(name: str, given: frozenset[str], variants: Sequence[str]) -> frozenset[str]:
    """The names that no step computes and that are not given, on the way to a node."""
    missing: set[str] = set()
    seen: set[str] = set()

    def visit(here: str) -> None:
        if here in given or here in seen:
            return
        seen.add(here)
        try:
            step = REPLAY.find(here, variants)
        except KeyError:
            missing.add(here)
            return
        for needed in step.inputs:
            visit(needed)

    visit(name)
    return frozenset(missing)


def unmeant_inputs(name: str, shape: str) -> frozenset[str]:
    """Traced nodes that a node must not be replayed from, although the simulator's step asks for them."""
    if name in ALONE or (name == "F_latt" and shape == "SQUARE"):
        return frozenset({"h0", "k0", "l0"})
    return frozenset()
