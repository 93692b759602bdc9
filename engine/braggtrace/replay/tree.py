"""What is found of a pair: where divergences originate, and which values inherit from which origin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.replay.tables import Copy

__all__ = ["UNKNOWN_SIDE", "Origin", "Tree"]

Flags: TypeAlias = npt.NDArray[np.bool_]
Bits: TypeAlias = npt.NDArray[np.uint64]

UNKNOWN_SIDE = "unknown"


@dataclass(slots=True, eq=False)
class Origin:
    """A node at which a divergence originates.

    Attributes:
        node: the node.
        side: "reference", "candidate", or "unknown" where neither side can be replayed.
        rows: (n,) the rows of its table.
        printed_only: the trace is wrong in what it prints: later steps used the right value.
        masked: none of its own pairs diverges, only what comes from it.
        missing: inputs that a replay would need, where there was none.
        inherited: nodes that diverge because of it, and how many of their rows.
        quirk: a quirk that explains all its rows, "" if none does.
        undoes: on some rows it makes up for what it inherits, so that both sides agree again.
        copy: the recording that is wrong, where the node is recorded twice and the other one is right.
    """

    node: str
    side: str
    rows: Flags
    printed_only: bool = False
    masked: bool = False
    missing: tuple[str, ...] = ()
    inherited: dict[str, int] = field(default_factory=dict)
    quirk: str = ""
    copy: Copy | None = None
    undoes: bool = False


@dataclass(slots=True, eq=False)
class Tree:
    """All origins of a pair, and how everything else follows.

    Attributes:
        origins: in dataflow order.
        taint: node -> (n,) bits: which origins each diverging or differing row inherits from.
        rounding: nodes whose divergences are no larger than roundings allow, and how many rows.
        masked: nodes that are wrong on both sides alike or without a consequence.
        unverified: nodes that inherit as far as can be told: they could not be replayed.
    """

    origins: list[Origin]
    taint: dict[str, Bits]
    rounding: dict[str, int] = field(default_factory=dict)
    masked: dict[str, int] = field(default_factory=dict)
    unverified: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def without(self, numbers: Sequence[int]) -> Tree:
        """The tree without some origins, which are counted among the masked."""
        if not numbers:
            return self
        kept = [number for number in range(len(self.origins)) if number not in numbers]
        taint = {}
        for name, bits in self.taint.items():
            fresh = np.zeros(len(bits), dtype=np.uint64)
            for place, number in enumerate(kept):
                fresh |= ((bits >> np.uint64(number)) & np.uint64(1)) << np.uint64(place)
            taint[name] = fresh
        lost = {self.origins[number].node: int(self.origins[number].rows.sum()) for number in numbers}
        origins = [self.origins[number] for number in kept]
        return Tree(origins, taint, self.rounding, self.masked | lost, self.unverified)
