"""The causes that are searched for: what each code means, and what to look at next."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

__all__ = ["ADVICE", "MEANING", "Code"]

# ruff: noqa: E501 - one row a code, however long
_ROWS = """
SIGN_FLIP | the sign is the other one, of the value or of one input | the sign convention of this step, and the order of factors in a cross product
CONSTANT_FACTOR | the value is a constant number times what it should be | where that number could come from: a constant written twice, a missing or doubled normalisation
OFFSET | a constant is added | an origin that is counted from another place, and an added epsilon
DEGREES_RADIANS | an angle is in degrees where radians are needed, or the other way round | the conversion of the angle, once on its way in and once at its use
UNIT_SCALE | a power of ten: metres, millimetres, Å | the unit in which the value is passed on, and the unit its name promises
AXIS_PERMUTATION | the components of a vector are in another order | the convention of the laboratory frame, and arrays that are unpacked in another order
AXIS_REVERSAL | one axis of a vector points the other way | the convention of the laboratory frame, and the handedness of the axes
TRANSPOSED_MATRIX | a rotation matrix is used by columns instead of rows | the order of indices of the matrix product (einsum), row-major against column-major
INVERSE_ROTATION | a rotation is made by minus the angle | active against passive rotation, and the sign of the axis
NOT_NORMALISED | a direction has not the length 1, or was not divided by its length | the division by the length, and whether it happens before or after the vector is used
STALE_VALUE | the value, or one that it is computed from, is that of an earlier iteration, pixel or source | what is kept between iterations: a branch that skips the update, a cache that is not cleared
SHIFTED_INDEX | an index is off by one, or a position by half a pixel | where counting starts (0 or 1), ranges that include their end, centre against corner of a pixel
SWAPPED_QUANTITIES | another quantity stands where this one should be | the order of arguments and of returned values
PRECISION_LOSS | the value was rounded to fewer digits than it has | a cast to float32 or float16, a default dtype, a number passed on as text
MISSING_TERM | a factor or a term is left out | whether the named quantity reaches this step at all
EXTRA_FACTOR | another quantity is applied that does not belong here, or is applied twice | whether the named quantity is already part of an earlier step
WRONG_ROUNDING | floor, ceil or truncation in place of rounding to the nearest integer | the rounding function, and what it does with negative numbers and halves
DEFAULT_USED | the value is the documented default, as if the option had not been given | whether the option arrives: its name, its place in the argument list, an object built before it is read
CLAMPED | the value is cut at a bound | clamp, clip, min and max around this step, and the range of the type
NON_FINITE | the value is NaN or infinite | divisions by 0, roots and logarithms of negative numbers, empty means
LOOKUP_MISMATCH | the structure factor is that of a neighbouring reflection | the origin of the table and the order of its axes
UNEXPLAINED | no known change turns the right value into this one | the code of this step, term by term, with the inputs shown here
"""

_CELLS = [[cell.strip() for cell in line.split("|")] for line in _ROWS.strip().splitlines()]


class Code(StrEnum):
    """The name of a cause."""

    SIGN_FLIP = "SIGN_FLIP"
    CONSTANT_FACTOR = "CONSTANT_FACTOR"
    OFFSET = "OFFSET"
    DEGREES_RADIANS = "DEGREES_RADIANS"
    UNIT_SCALE = "UNIT_SCALE"
    AXIS_PERMUTATION = "AXIS_PERMUTATION"
    AXIS_REVERSAL = "AXIS_REVERSAL"
    TRANSPOSED_MATRIX = "TRANSPOSED_MATRIX"
    INVERSE_ROTATION = "INVERSE_ROTATION"
    NOT_NORMALISED = "NOT_NORMALISED"
    STALE_VALUE = "STALE_VALUE"
    SHIFTED_INDEX = "SHIFTED_INDEX"
    SWAPPED_QUANTITIES = "SWAPPED_QUANTITIES"
    PRECISION_LOSS = "PRECISION_LOSS"
    MISSING_TERM = "MISSING_TERM"
    EXTRA_FACTOR = "EXTRA_FACTOR"
    WRONG_ROUNDING = "WRONG_ROUNDING"
    DEFAULT_USED = "DEFAULT_USED"
    CLAMPED = "CLAMPED"
    NON_FINITE = "NON_FINITE"
    LOOKUP_MISMATCH = "LOOKUP_MISMATCH"
    UNEXPLAINED = "UNEXPLAINED"


MEANING: Mapping[Code, str] = MappingProxyType({Code(code): meaning for code, meaning, _ in _CELLS})
"""What each cause is, in a few words."""

ADVICE: Mapping[Code, str] = MappingProxyType({Code(code): advice for code, _, advice in _CELLS})
"""What to look at next."""
