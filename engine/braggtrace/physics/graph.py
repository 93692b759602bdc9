"""The complete graph: importing this module registers every step."""

from __future__ import annotations

from braggtrace.physics import crystal, detector, intensity, lattice, sample, structure
from braggtrace.physics.registry import GRAPH

__all__ = ["GRAPH"]

_MODULES = (detector, crystal, sample, lattice, structure, intensity)
