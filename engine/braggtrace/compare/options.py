"""What a user may choose about a comparison."""

from __future__ import annotations

from dataclasses import dataclass

from braggtrace.compare.mapping import NO_MAP, NameMap
from braggtrace.compare.tolerance import NO_RULES, Tolerances

__all__ = ["DEFAULT_OPTIONS", "Options"]


@dataclass(frozen=True, slots=True)
class Options:
    """How two traces are aligned and judged.

    Attributes:
        tolerances: the rules of the command line; those of the map come after them.
        mapping: the user's map file.
        equal_nan: NaN equals NaN.
        pixels: compare only these (slow, fast) pixels, and what belongs to the whole run; () for all pixels.
        require_all: a value on one side only makes an agreeing result inconclusive.
    """

    tolerances: Tolerances = NO_RULES
    mapping: NameMap = NO_MAP
    equal_nan: bool = False
    pixels: tuple[tuple[int, int], ...] = ()
    require_all: bool = False

    @property
    def all_tolerances(self) -> Tolerances:
        """The rules of the command line, then those of the map."""
        return self.tolerances + self.mapping.tolerances


DEFAULT_OPTIONS = Options()
