"""Single-precision arithmetic on Python floats, rounded as the C program rounds.

A float32 value is kept in a Python float. For float32 arguments `float32(a + b)`, `a - b`, `a * b` and `a / b` are the
correctly rounded float32 results, because double has more than twice the digits. A fused multiply-add is not: its exact
result can need more than double has, and `fma32` and `fma64` take care of that.
"""

from __future__ import annotations

import math
from array import array

__all__ = ["float32", "fma32", "fma64"]

_CELL = array("f", [0.0])
_SPLIT = 134217729.0  # 2**27 + 1


def float32(value: float) -> float:
    """`value` rounded to single precision, halves to even; infinite where it is too large."""
    _CELL[0] = value
    return _CELL[0]


def _two_sum(a: float, b: float) -> tuple[float, float]:
    """The rounded sum and what the rounding lost (Knuth)."""
    total = a + b
    shadow = total - a
    return total, (a - (total - shadow)) + (b - shadow)


def _two_product(a: float, b: float) -> tuple[float, float]:
    """The rounded product and what the rounding lost (Dekker)."""
    product = a * b
    a_high = _SPLIT * a - (_SPLIT * a - a)
    b_high = _SPLIT * b - (_SPLIT * b - b)
    a_low, b_low = a - a_high, b - b_high
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def fma32(a: float, b: float, c: float) -> float:
    """`a * b + c` of float32 values with one rounding to float32."""
    total, lost = _two_sum(a * b, c)  # the product of two float32 is exact in double
    if lost and math.frexp(total)[0] * 2.0**53 % 2.0 == 0.0:
        # Rounded to odd, the double remembers that it was not exact, so the second rounding is the only one.
        total = math.nextafter(total, math.copysign(math.inf, lost))
    return float32(total)


def fma64(a: float, b: float, c: float) -> float:
    """`a * b + c` in double with one rounding, but for ties that 106 bits can't tell."""
    product, lost_product = _two_product(a, b)
    total, lost_sum = _two_sum(product, c)
    return total + (lost_product + lost_sum)
