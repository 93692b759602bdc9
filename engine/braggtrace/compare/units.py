"""Units: what a name says about its unit, and factors between units of one dimension.

The catalogue knows the true unit of its quantities and wins over a name that lies (`scattering_vec_A_inv` is in 1/m).
For other names the suffix speaks: `distance_mm`, `rot_a_nm`, `angle_rad`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from braggtrace.quantities import CATALOGUE, Quantity, lookup

__all__ = ["SAME_UNIT", "UNITS", "Conversion", "conversion", "parse_unit", "split_unit", "stem_of", "unit_of"]

_NO_SUFFIX = ("photons", "pixel")  # units that are words of their own in names: `omega_pixel`
_LENGTHS = {"m": 0, "cm": -2, "mm": -3, "µm": -6, "nm": -9, "Å": -10, "pm": -12}


@dataclass(frozen=True, slots=True)
class _Scale:
    """A unit is 10**power · number of its dimension's base unit; powers stay apart so that factors are exact."""

    dimension: str
    power: int = 0
    number: float = 1.0


def _scales() -> dict[str, _Scale]:
    scales = {unit: _Scale("length", power) for unit, power in _LENGTHS.items()}
    for unit, power in _LENGTHS.items():
        scales[f"1/{unit}"] = _Scale("1/length", -power)
        for exponent, sign in ((2, "²"), (3, "³")):
            scales[f"{unit}{sign}"] = _Scale(f"length{sign}", exponent * power)
            scales[f"1/{unit}{sign}"] = _Scale(f"1/length{sign}", -exponent * power)
    scales |= {"rad": _Scale("angle"), "mrad": _Scale("angle", -3), "deg": _Scale("angle", 0, math.pi / 180)}
    scales |= {"eV": _Scale("energy"), "keV": _Scale("energy", 3)}
    return scales | {unit: _Scale(unit) for unit in ("sr", *_NO_SUFFIX)}


UNITS: Mapping[str, _Scale] = MappingProxyType(_scales())
"""The units that can be converted, as the catalogue writes them."""

_WORDS = {
    "m": ("m", "meter", "meters", "metre", "metres"),
    "cm": ("cm",),
    "mm": ("mm", "millimeters"),
    "µm": ("um", "micron", "microns", "micrometers"),
    "nm": ("nm", "nanometers"),
    "Å": ("A", "ang", "angstrom", "angstroms"),
    "pm": ("pm",),
}


def _spellings() -> dict[str, str]:
    """How units are written in names, flags and map files -> the unit."""
    spellings = {unit: unit for unit in UNITS if unit not in _NO_SUFFIX}
    for unit, words in _WORDS.items():
        for word in words:
            spellings |= {
                word: unit,
                f"{word}_inv": f"1/{unit}",
                f"inv_{word}": f"1/{unit}",
                f"per_{word}": f"1/{unit}",
            }
            spellings |= {f"{word}2": f"{unit}²", f"{word}3": f"{unit}³", f"per_{word}2": f"1/{unit}²"}
            spellings |= {f"1/{word}": f"1/{unit}", f"{word}^-1": f"1/{unit}", f"photons_per_{word}2": f"1/{unit}²"}
    spellings |= {"degree": "deg", "degrees": "deg", "radian": "rad", "radians": "rad", "steradian": "sr"}
    return spellings


_SPELLINGS = _spellings()
_LONGEST_SUFFIX = max(spelling.count("_") + 1 for spelling in _SPELLINGS)


def parse_unit(text: str) -> str | None:
    """The unit that is written `text` ("mm", "angstroms", "A_inv", "Å"), or None if it is none we know."""
    return _SPELLINGS.get(text.strip())


def split_unit(name: str) -> tuple[str, str]:
    """A name without its unit suffix, and the unit that the suffix claims ("" if there is none).

    >>> split_unit("R_distance_mm")
    ('R_distance', 'mm')
    >>> split_unit("fluence_photons_per_m2")
    ('fluence', '1/m²')
    """
    words = name.split("_")
    for count in range(min(_LONGEST_SUFFIX, len(words) - 1), 0, -1):
        stem, unit = "_".join(words[:-count]), _SPELLINGS.get("_".join(words[-count:]))
        if unit is not None and stem:
            return stem, unit
    return name, ""


def _stems() -> dict[str, str]:
    """The stem of every name and alias in the catalogue -> the stem of its quantity's name."""
    rows = [(alias, row) for row in CATALOGUE for alias in row.aliases] + [(row.name, row) for row in CATALOGUE]
    return {split_unit(name)[0]: split_unit(row.name)[0] for name, row in rows}


_STEMS = _stems()


def stem_of(name: str) -> str:
    """What names of one quantity in different units have in common: `airpath_mm` and `R_distance_meters` share it."""
    quantity = lookup(name)
    stem, _ = split_unit(name if quantity is None else quantity.name)
    return _STEMS.get(stem, stem)


def unit_of(name: str, quantity: Quantity | None) -> str | None:
    """The unit of a quantity: the catalogue's ("" for a pure number), else its suffix's, else None for unknown."""
    if quantity is not None:
        return quantity.unit
    return split_unit(name)[1] or None


@dataclass(frozen=True, slots=True)
class Conversion:
    """What turns values of one unit into another: multiply by `factor`; `text` is "mm → m", or "" for the same unit."""

    factor: float = 1.0
    text: str = ""


SAME_UNIT = Conversion()


def conversion(source: str, target: str) -> Conversion | None:
    """How values in `source` become values in `target`; None if their dimensions differ."""
    if source == target:
        return SAME_UNIT
    before, after = UNITS.get(source), UNITS.get(target)
    if before is None or after is None or before.dimension != after.dimension:
        return None
    factor = float(f"1e{before.power - after.power}") * (before.number / after.number)
    return Conversion(factor, f"{source} → {target}")
