"""The complete graph: importing this module registers every step."""

from __future__ import annotations

from braggtrace.physics import crystal, detector, intensity, lattice, sample, structure
from braggtrace.physics.registry import GRAPH

__all__ = ["GRAPH"]

_PLACES = {
    module.__name__: place for place, module in enumerate((crystal, detector, intensity, lattice, sample, structure))
}


def _sort_steps() -> None:
    """Steps come in one order, whichever of the modules was imported first."""
    steps = sorted(GRAPH.steps.items(), key=lambda item: _PLACES[item[1].function.__module__])
    GRAPH.steps.clear()
    GRAPH.steps.update(steps)


_sort_steps()
