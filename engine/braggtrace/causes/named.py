"""Numbers with a name: factors that mistakes are made of, and powers of ten that are units."""

from __future__ import annotations

import math
from collections.abc import Iterator

__all__ = ["DEGREES", "FACTORS", "POWERS_OF_TEN", "named_factor", "named_power_of_ten"]

DEGREES = math.pi / 180.0

_ROOTS = {
    "2": 2.0,
    "3": 3.0,
    "4": 4.0,
    "π": math.pi,
    "2π": 2 * math.pi,
    "4π": 4 * math.pi,
    "π²": math.pi**2,
    "4π²": 4 * math.pi**2,
    "√2": math.sqrt(2.0),
    "√(2π)": math.sqrt(2 * math.pi),
    "√π": math.sqrt(math.pi),
    "√3": math.sqrt(3.0),
    "h·c in keV·Å": 12.398419843320026,
    "r_e": 2.8179403262e-15,
    "r_e²": 7.94079248018965e-30,
    "the volume factor of a sphere": 0.723601254558268,
    "the FWHM of a Gaussian of unit sigma": 2.0 * math.sqrt(2.0 * math.log(2.0)),
}
FACTORS: dict[str, float] = _ROOTS | {
    f"1/({name})" if len(name) > 2 else f"1/{name}": 1.0 / value for name, value in _ROOTS.items()
}
"""Name -> factor."""

POWERS_OF_TEN = (1, 2, 3, 6, 9, 10, 12, 20, 30)
"""Exponents between units of lengths, areas and volumes."""

_UNIT_WORDS = {3: "m and mm, or mm and µm", 6: "m and µm", 9: "m and nm", 10: "m and Å", 1: "nm and Å", 2: "m and cm"}


def named_factor(factor: float, room: float) -> Iterator[tuple[str, float]]:
    """The names of a factor, within a relative room: name and exact value."""
    for name, value in FACTORS.items():
        for sign in (1.0, -1.0):
            if abs(factor / (sign * value) - 1.0) <= room:
                yield (name if sign > 0 else f"−{name}"), sign * value


def named_power_of_ten(factor: float, room: float) -> tuple[str, float] | None:
    """The power of ten that a factor is, and the units that it lies between."""
    if factor <= 0 or not math.isfinite(factor):
        return None
    exponent = round(math.log10(factor))
    if abs(exponent) not in POWERS_OF_TEN or abs(factor / 10.0**exponent - 1.0) > room:
        return None
    words = _UNIT_WORDS.get(abs(exponent))
    return f"1e{exponent}" + (f" ({words})" if words else ""), 10.0**exponent
