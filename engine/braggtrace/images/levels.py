"""Levels: which of a few steps of brightness a value is shown in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from braggtrace.images.model import Layer, MapData

__all__ = ["ARM", "LEAST_REACH", "LEVELS", "MOST_REACH", "Scale", "scale_for"]

Floats: TypeAlias = NDArray[np.float64]

LEVELS = 16
"""Levels of intensities: 0 is dark."""

ARM = 7
"""Levels on each side of the neutral one, of differences and ratios."""

LEAST_REACH, MOST_REACH = -5, 12
"""How much less far, and how much farther, a scale can be made to reach down."""

_DECADES = {Layer.DIFFERENCE: 5, Layer.RATIO: 3}
_INTENSITY_DECADES = 6
_LARGEST_RATIO = 10.0


@dataclass(frozen=True, slots=True)
class Scale:
    """How values become levels.

    Attributes:
        centred: around 0, with `ARM` levels on each side; else from 0 up, with `LEVELS` levels.
        log: the steps grow by a factor; else they are equal.
        low: magnitudes up to this are in the lowest (or neutral) level of a logarithmic scale.
        high: magnitudes from this on are in the highest level; 0 if there is nothing to show.
    """

    centred: bool
    log: bool
    low: float
    high: float

    @property
    def steps(self) -> int:
        """Levels above the lowest or neutral one, on one side."""
        return ARM if self.centred else LEVELS - 1

    def levels(self, values: Floats) -> NDArray[np.int8]:
        """The level of each value: 0 to `LEVELS` − 1, or −`ARM` to `ARM`. What is no number is in level 0."""
        magnitude = np.abs(values) if self.centred else np.asarray(values)
        steps = self.steps
        if self.high <= 0:
            return np.zeros(np.shape(values), dtype=np.int8)
        with np.errstate(all="ignore"):
            if self.log:
                span = math.log(self.high / self.low) if self.high > self.low else 1.0
                above = np.log(magnitude / self.low) / span * steps
                level = np.where(magnitude > self.low, np.floor(above) + 1, 0)
            elif self.centred:
                level = np.floor(magnitude / self.high * (steps + 0.5) + 0.5)
            else:
                level = np.floor(magnitude / self.high * (steps + 1))
            level = np.clip(np.nan_to_num(level, nan=0, posinf=steps, neginf=0), 0, steps)
            if self.centred:
                level = np.copysign(level, np.nan_to_num(values))
        return np.asarray(level, dtype=np.int8)

    def edges(self) -> list[float]:
        """The smallest magnitude in each level above the lowest or neutral one; `steps` numbers, rising."""
        steps = self.steps
        if self.log:
            factor = self.high / self.low if self.low > 0 else 1.0
            return [self.low * factor ** (step / steps) for step in range(steps)]
        if self.centred:
            return [self.high * (step + 0.5) / (steps + 0.5) for step in range(steps)]
        return [self.high * (step + 1) / (steps + 1) for step in range(steps)]


def scale_for(data: MapData, layer: Layer, *, log: bool, reach: int = 0) -> Scale:
    """The scale of a layer: one for the whole image, and the same one for reference and candidate.

    Ratios are scaled by their logarithm, up to a factor of ten.

    Args:
        data: the images.
        layer: what is shown of them.
        log: steps that grow by a factor, over some decades.
        reach: so many decades more or less; on a linear scale the largest level begins at 2**-reach of its value.
    """
    if layer in (Layer.DIFFERENCE, Layer.RATIO):
        return _centred(data, layer, log, reach)
    if layer is Layer.DIVERGENCES:
        assert data.divergences is not None  # else it is none of the layers
        high = max(1.0, float(np.nanmax(data.divergences.pixels, initial=0.0)))
        return Scale(False, log, 0.5, _top(high, log, reach))
    sides = [side for side in (data.reference_statistics, data.candidate_statistics) if side is not None]
    high = max((side.maximum for side in sides if side.maximum is not None), default=0.0)
    positive = min((side.smallest_positive for side in sides if side.smallest_positive is not None), default=high)
    low = max(positive * (1 - 1e-9), _low(high, _INTENSITY_DECADES + reach))
    return Scale(False, log, low, _top(max(0.0, high), log, reach))


def _centred(data: MapData, layer: Layer, log: bool, reach: int) -> Scale:
    agreement = data.agreement
    assert agreement is not None  # else it is none of the layers
    high = agreement.largest_difference
    if layer is Layer.RATIO:
        smallest, largest = agreement.ratios or (1.0, 1.0)
        high = min(max(abs(math.log(smallest)), abs(math.log(largest))), math.log(_LARGEST_RATIO))
    return Scale(True, log, _low(high, _DECADES[layer] + reach), _top(high, log, reach))


def _low(high: float, decades: int) -> float:
    return float(high * 10.0 ** -max(1, decades))


def _top(high: float, log: bool, reach: int) -> float:
    return high if log else float(high * 2.0 ** -max(0, reach))
