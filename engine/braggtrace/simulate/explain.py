"""The experiment as a table: every value, its unit, and the flag or default that it came from."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from braggtrace.quantities import lookup
from braggtrace.simulate.flags import FLAGS
from braggtrace.simulate.model import Model
from braggtrace.simulate.setup import Setup

__all__ = ["ExplainedValue", "explained", "explanation"]

_PARTS = ("detector", "beam", "crystal", "sources", "sampling")
_WIDE = 60
_UNIT_OF_FIELD = {name: flag.unit for flag in FLAGS if flag.unit and flag.takes in ("f", "i") for name in flag.sets}
_UNIT_OF_SUFFIX = {
    "_mm": "mm",
    "_m": "m",
    "_meters": "m",
    "_um": "µm",
    "_A": "Å",
    "_angstroms": "Å",
    "_A3": "Å³",
    "_deg": "degrees",
    "_rad": "rad",
    "_mrad": "mrad",
    "_pct": "percent",
    "_s": "s",
    "_sr": "sr",
    "_per_m": "1/m",
    "_per_meter": "1/m",
    "_per_m2": "1/m²",
}


@dataclass(frozen=True, slots=True)
class ExplainedValue:
    """One value of an experiment.

    Attributes:
        part: detector, beam, crystal, sources, sampling, derived or quirks.
        name: of the value.
        value: as a person reads it, "-" if it is left open.
        unit: "" for a pure number.
        origin: the flag or "default"; "" for what follows from other values.
    """

    part: str
    name: str
    value: str
    unit: str
    origin: str


def explained(setup: Setup, model: Model) -> list[ExplainedValue]:
    """Every value, by part."""
    rows: list[ExplainedValue] = []
    for part in _PARTS:
        owner = getattr(setup.experiment, part)
        for field in dataclasses.fields(owner):
            origin = setup.origins.get(field.name, "default")
            value = _short(getattr(owner, field.name))
            rows.append(ExplainedValue(part, field.name, value, _unit(field.name), origin))
    rows += [
        ExplainedValue("derived", name, _short(value), _unit(name), "")
        for name, value in model.values.items()
        if not _is_internal(name)
    ]
    return [*rows, ExplainedValue("quirks", "quirks", " ".join(sorted(model.quirks)) or "none", "", "")]


def explanation(values: Sequence[ExplainedValue]) -> str:
    """The same as text in columns; units are in the names."""
    lines: list[tuple[str, str, str]] = []
    for at, value in enumerate(values):
        if value.part == "quirks":
            lines.append(("[quirks]", value.value, ""))
            continue
        if not at or values[at - 1].part != value.part:
            lines.append((f"[{value.part}]", "", ""))
        lines.append((value.name, value.value, value.origin))
    widths = [max(len(line[column]) for line in lines if len(line[1]) < _WIDE) for column in (0, 1)]
    return "\n".join(f"{name:<{widths[0]}}  {value:<{widths[1]}}  {origin}".rstrip() for name, value, origin in lines)


def _unit(name: str) -> str:
    if name in _UNIT_OF_FIELD:
        return _UNIT_OF_FIELD[name]
    quantity = lookup(name)
    if quantity is not None:
        return quantity.unit
    fitting = [suffix for suffix in _UNIT_OF_SUFFIX if name.endswith(suffix)]
    return _UNIT_OF_SUFFIX[max(fitting, key=len)] if fitting else ""


def _is_internal(name: str) -> bool:
    return name.endswith(("_input", "_input_m", "_rad", "_start", "_start_m")) or name in (
        "reciprocal_missetted",
        "direct_crosses",
        "matrix_columns",
        "cell_lengths_A",
    )


def _short(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, Tensor) and value.ndim == 0:
        return f"{float(value):.12g}"
    shape = getattr(value, "shape", None)
    if shape is not None:
        return f"array {'x'.join(map(str, shape))}"
    if isinstance(value, tuple):
        return " ".join(_short(item) for item in value)
    return f"{value:.12g}" if isinstance(value, float) else str(value)
