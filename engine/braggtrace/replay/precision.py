"""How exact a written value is: the digits that were printed, and whether the number behind them is a float32.

A trace says nothing about this, but its texts do. `%.15g` cuts every value at 15 digits; a column in which every value
is a float32 to all its digits holds float32 numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.quantities import Kind, Level
from braggtrace.trace.model import Column, Trace

__all__ = ["DOUBLE", "DOUBLE_EPS", "SINGLE_EPS", "Precision", "precisions"]

Floats: TypeAlias = npt.NDArray[np.float64]

DOUBLE_EPS = 2.0**-53
SINGLE_EPS = 2.0**-24
_ALL_DIGITS = 16  # as many as tell float64 numbers apart, nearly
_SAMPLED_ROWS = 24
_FEW_DIGITS, _FEW_TEXTS = 5, 3  # 36, 0.9768: numbers of people, which say nothing about how others are printed
_NUMBER = re.compile(r"[-+]?(\d*)(?:\.(\d*))?([eE][-+]?\d+)?")
_TOGETHER = ("F_latt_a", "F_latt_b", "F_latt_c", "F_latt", "F_cell", "I_term", "I_running", "I_before_scaling")
"""What a program computes in one type, be it float64 or float32."""
_NEARLY_ALL = 0.7
_SURE, _LIKELY = 1e-6, 0.1  # chances that numbers look like float32 by accident; the latter beside others that are


@dataclass(frozen=True, slots=True)
class Precision:
    """How exact the values of a column are.

    Attributes:
        digits: significant digits that were printed, 17 for all there are.
        decimals: digits after the point, where their number is fixed; else None.
        single: the numbers are float32.
    """

    digits: int = 17
    decimals: int | None = None
    single: bool = False

    @property
    def eps(self) -> float:
        """The relative rounding of a number, not of its text."""
        return SINGLE_EPS if self.single else DOUBLE_EPS

    def printed(self, values: Floats) -> Floats:
        """How far a value may be from its text, in the value's unit; any shape."""
        if self.decimals is not None:
            return np.full(values.shape, 0.5 * 10.0**-self.decimals)
        if self.digits >= _ALL_DIGITS:
            return np.zeros(values.shape)
        with np.errstate(all="ignore"):
            exponent = np.floor(np.log10(np.abs(values)))
        return np.where(np.isfinite(exponent), 0.5 * 10.0 ** (exponent - self.digits + 1), 0.0)


DOUBLE = Precision()


@dataclass(frozen=True, slots=True)
class _Text:
    """What a number's text shows."""

    value: float
    digits: int
    decimals: int
    exponent: bool


def precisions(trace: Trace, columns: Sequence[Column]) -> dict[int, Precision]:
    """The precision of columns of one trace, by the id of the column."""
    texts = {id(column): _texts(trace, column) for column in columns if _is_real(column)}
    by_family: dict[str, list[_Text]] = {}
    for column in columns:
        by_family.setdefault(column.key.family, []).extend(texts.get(id(column), ()))
    everything = _of_family([text for found in by_family.values() for text in found], DOUBLE)
    families = {family: _of_family(found, everything) for family, found in by_family.items()}
    found = {
        id(column): _of_column(texts[id(column)], families[column.key.family], column.level is Level.RUN)
        for column in columns
        if _is_real(column)
    }
    surely = {column.key.family for column in columns if id(column) in found and found[id(column)].single}
    chances = {
        id(column): _chance_of_single(texts[id(column)], found[id(column)].digits)
        for column in columns
        if id(column) in found
    }
    together = _computed_in_single(columns, chances)
    for column in columns:
        if id(column) in found and (column.key.family in surely or column.key.name in together):
            chance = chances[id(column)]
            if chance is not None and chance < _LIKELY:
                found[id(column)] = replace(found[id(column)], single=True)
    return found


def _computed_in_single(columns: Sequence[Column], chances: Mapping[int, float | None]) -> tuple[str, ...]:
    """The names in `_TOGETHER` if nearly all of these columns look like float32, so that it is no accident."""
    own = [chances[id(column)] for column in columns if id(column) in chances and column.key.name in _TOGETHER]
    alike = [chance for chance in own if chance is not None]
    by_accident = math.prod(alike) if alike else 1.0
    return _TOGETHER if len(alike) >= _NEARLY_ALL * len(own) and by_accident < _SURE else ()


def _is_real(column: Column) -> bool:
    return not column.is_text and (column.quantity is None or column.quantity.kind is Kind.REAL)


def _texts(trace: Trace, column: Column) -> list[_Text]:
    """The texts of some values, evenly spaced."""
    rows = np.unique(np.linspace(0, len(column) - 1, min(len(column), _SAMPLED_ROWS)).astype(int))
    found = []
    for row in rows.tolist():
        for component in range(column.width):
            value = float(column.values[row, component])
            match = _NUMBER.fullmatch(trace.text(column, row, component))
            if match is None or not math.isfinite(value):
                continue
            whole, fraction = match[1] or "", match[2] or ""
            digits = len((whole + fraction).lstrip("0"))
            found.append(_Text(value, digits, len(fraction), match[3] is not None))
    return found


def _of_family(texts: Sequence[_Text], everything: Precision) -> Precision:
    """What all lines of one kind have in common; a kind that shows too little is printed like the whole trace."""
    real = [text for text in texts if text.decimals or text.exponent]  # whole numbers are written out
    digits = max((text.digits for text in real), default=everything.digits)
    if digits < _FEW_DIGITS or sum(text.digits == digits for text in real) < _FEW_TEXTS:
        digits = everything.digits
    decimals = {text.decimals for text in real}
    fixed = len(decimals) == 1 and len({text.digits for text in real}) > 1 and not any(text.exponent for text in real)
    if fixed and (places := decimals.pop()):
        return Precision(digits, places)
    digits = 17 if digits >= _ALL_DIGITS else digits
    chance = _chance_of_single(texts, digits)
    return Precision(digits, single=chance is not None and chance < _SURE)


def _of_column(texts: Sequence[_Text], family: Precision, is_input: bool) -> Precision:
    """A column is printed like all lines of its kind, unless most of its values stop at fewer digits.

    Only of what can't be replayed: of anything else, fewer digits are a finding.
    """
    digits = family.digits
    longest = max((text.digits for text in texts if text.decimals or text.exponent), default=digits)
    if is_input and longest < min(digits, 13) and len({text.value for text in texts}) >= 4:
        at_end = sum(text.digits == longest for text in texts)
        digits = longest if 2 * at_end > len(texts) and longest > 2 else digits
    chance = _chance_of_single(texts, digits)
    expected = family.single or 8 <= longest <= 9 < digits  # as short as float32 texts are, and others are longer
    single = chance is not None and (chance < _SURE or (expected and chance < 1.0))
    return Precision(digits, family.decimals, single)


def _chance_of_single(texts: Sequence[_Text], digits: int) -> float | None:
    """How likely it is that all numbers look like float32 by accident; None if one of them is none."""
    chance = 1.0
    for text in texts:
        size = abs(text.value)
        if size == 0.0:
            continue
        if not 1e-37 < size < 3e38:
            return None
        kept = min(text.digits, digits)
        room = 0.0 if kept >= _ALL_DIGITS else 0.5 * 10.0 ** (math.floor(math.log10(size)) - kept + 1)
        if abs(float(np.float32(text.value)) - text.value) > room * 1.001:
            return None
        if text.digits > 7:  # any shorter text is that of a float32
            chance *= min(1.0, max(room / (size * SINGLE_EPS), 2.0**-29))
    return chance
