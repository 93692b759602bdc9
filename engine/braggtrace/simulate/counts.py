"""The rules by which the program fills in counts, ranges and steps that were left open (reference section 4)."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

__all__ = ["grid_rule", "phi_angles", "phi_rule", "stale_phi", "thread_rows"]


def _ceil_count(span: float, step: float) -> int:
    return math.ceil(span / step)


def phi_rule(count: int, span: float, step: float) -> tuple[int, float, float]:
    """Count, range and step of phi; what is not given is negative. All angles in the same unit, rad.

    Returns:
        count, range, step.
    """
    one_degree = 1.0 / (180.0 * (1.0 / math.pi))
    if count < 0:
        if span < 0:
            return (1, 0.0, 0.0) if step <= 0 else (2, step, step)
        if step <= 0:
            return 2, span, span / 2.0
        return max(1, _ceil_count(span, step)), span, step
    count = max(count, 1)
    if span < 0:
        if step <= 0:
            return count, one_degree, one_degree / count
        return 2, step, step
    return count, span, span / count if step < 0 else step


def grid_rule(
    count: int, span: float, step: float, *, bare_range: float = 1.0, half_step: bool = False
) -> tuple[int, float, float]:
    """Count, range and step of a divergence, the dispersion or the sensor's layers.

    Not given are a count ≤ 0, a range < 0 and a step ≤ 0.

    Args:
        count: number of points.
        span: range.
        step: distance of points.
        bare_range: the range that a count alone implies.
        half_step: a range alone has a step of half of it (sensor layers), else of all of it.

    Returns:
        count, range, step; 1, 0, 0 for a single point.
    """
    if count <= 0:
        if span < 0:
            count, span, step = (1, 0.0, 0.0) if step <= 0 else (2, step, step)
        elif step <= 0:
            count, step = 2, span / 2.0 if half_step else span
        else:
            count = _ceil_count(span, step)
    elif span < 0:
        if step <= 0:
            span = bare_range
            step = span / count
        else:
            count, span = 2, step
    elif step <= 0:
        count = max(count, 2)
        step = span / (count - 1)
    if span <= 0 or step <= 0 or count <= 0:
        return 1, 0.0, 0.0
    return count, span, step


def phi_angles(start: float, step: float, count: int, *, fma: bool) -> list[float]:
    """The spindle angle of every phi step: start + step·k, rounded twice (plain build) or once (FMA build)."""
    if fma:
        exact = (Fraction(start) + Fraction(step) * k for k in range(count))
        return [float(value) for value in exact]
    return [start + step * k for k in range(count)]


def stale_phi(angles: list[float]) -> tuple[list[float], list[float]]:
    """The angles that the C program's stale vectors amount to, where an angle is exactly 0.

    Returns:
        The angles in general, and those of the first phi loop that a thread runs.
    """
    nonzero = [angle for angle in angles if angle != 0.0]
    carried = nonzero[-1] if nonzero else 0.0

    def substitute(before: float) -> list[float]:
        out = []
        for angle in angles:
            before = angle if angle != 0.0 else before
            out.append(before)
        return out

    return substitute(carried), substitute(0.0)


def thread_rows(rows: int, threads: int) -> list[range]:
    """The contiguous rows of each thread: the first ones get one more where they don't divide evenly."""
    each, extra = divmod(rows, threads)
    starts = [thread * each + min(thread, extra) for thread in range(threads + 1)]
    return [range(first, last) for first, last in pairwise(starts)]
