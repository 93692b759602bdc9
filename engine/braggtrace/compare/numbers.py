"""Differences between float64 numbers: relative, in float64 steps, in decimal digits."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["DIGITS", "Difference", "common_digits", "difference", "ulp_distance", "ulp_distances"]

Floats: TypeAlias = npt.NDArray[np.float64]
Difference: TypeAlias = tuple[Floats, Floats, Floats]

DIGITS = 17
"""Significant decimal digits that tell every float64 from every other."""

_SMALLEST = 5e-324  # stands for 0 in a denominator: 0 / _SMALLEST is 0


def difference(reference: Floats, candidate: Floats, *, equal_nan: bool) -> Difference:
    """How far apart rows of components are.

    A component that is finite on one side only is infinitely far; two infinities of one sign are equal; two NaN are
    equal if `equal_nan`, else infinitely far. Components that are not finite don't count for the scale.

    Args:
        reference: (n, width) values.
        candidate: (n, width) values in the same unit.
        equal_nan: NaN equals NaN.

    Returns:
        Each (n,): the largest |r − c| of the components, the largest |component| of either side (never 0), and the
        first over the second.
    """
    with np.errstate(all="ignore"):
        distance = reference[:, 0] - candidate[:, 0]
        np.abs(distance, out=distance)
        scale = np.abs(reference[:, 0])
        scratch = np.abs(candidate[:, 0])
        np.maximum(scale, scratch, out=scale)
        for component in range(1, reference.shape[1]):
            ours, theirs = reference[:, component], candidate[:, component]
            np.subtract(ours, theirs, out=scratch)
            np.maximum(distance, np.abs(scratch, out=scratch), out=distance)
            np.maximum(scale, np.abs(ours, out=scratch), out=scale)
            np.maximum(scale, np.abs(theirs, out=scratch), out=scale)
        np.maximum(scale, _SMALLEST, out=scale)
        rel = distance / scale
        if distance.size and not math.isfinite(distance.max()):
            odd = np.flatnonzero(~np.isfinite(distance))
            distance[odd], scale[odd], rel[odd] = _odd(reference[odd], candidate[odd], equal_nan)
    return distance, scale, rel


def _odd(reference: Floats, candidate: Floats, equal_nan: bool) -> Difference:
    """The same for rows in which something is not finite or overflows."""
    finite = np.isfinite(reference) & np.isfinite(candidate)
    equal = (reference == candidate) | (equal_nan & np.isnan(reference) & np.isnan(candidate))
    scale = np.maximum(
        np.where(np.isfinite(reference), np.abs(reference), 0), np.where(np.isfinite(candidate), np.abs(candidate), 0)
    ).max(axis=1, initial=_SMALLEST)
    apart = np.where(equal, 0.0, np.where(finite, np.abs(reference - candidate), np.inf))
    parts = np.abs(reference / scale[:, None] - candidate / scale[:, None])  # r − c may overflow
    rel = np.where(equal, 0.0, np.where(finite, parts, np.inf))
    return apart.max(axis=1), scale, rel.max(axis=1)


def ulp_distances(reference: Floats, candidate: Floats) -> npt.NDArray[np.uint64]:
    """How many float64 steps lie between numbers; meaningless for NaN. Any shape, the same for both."""
    first, second = _ladder(reference), _ladder(candidate)
    low, high = np.minimum(first, second), np.maximum(first, second)
    return high.view(np.uint64) - low.view(np.uint64)  # unsigned: the distance may exceed an int64


def _ladder(values: Floats) -> npt.NDArray[np.int64]:
    """Integers in the order of the numbers, one for each float64; 0.0 and −0.0 share one."""
    bits = np.ascontiguousarray(values).view(np.int64)
    return np.where(bits < 0, np.int64(-(2**63)) - bits, bits)


def ulp_distance(reference: float, candidate: float) -> int | None:
    """How many float64 steps lie between two numbers; None if one of them is not finite."""
    if not (math.isfinite(reference) and math.isfinite(candidate)):
        return None
    return int(ulp_distances(np.array([reference]), np.array([candidate]))[0])


def common_digits(reference: float, candidate: float) -> int:
    """Leading significant decimal digits on which two numbers agree, of `DIGITS`; sign and exponent must agree too.

    >>> common_digits(98.757187, 98.757321)
    5
    """
    if reference == candidate:
        return DIGITS
    if not (math.isfinite(reference) and math.isfinite(candidate)):
        return 0
    ours, theirs = (f"{value:+.{DIGITS - 1}e}".split("e") for value in (reference, candidate))
    if ours[1] != theirs[1] or ours[0][0] != theirs[0][0]:
        return 0
    same = 0
    for mine, yours in zip(ours[0][1:].replace(".", ""), theirs[0][1:].replace(".", ""), strict=True):
        if mine != yours:
            break
        same += 1
    return same
