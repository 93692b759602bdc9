"""Faults of values: what a step gives is negated, scaled, permuted, rounded, cut."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from braggtrace.causes.codes import Code
from braggtrace.corpus.experiments import Setting
from braggtrace.corpus.mutants import Fault, mapped, with_result
from braggtrace.corpus.targets import (
    INDICES,
    ROTATED,
    RUN_SCALARS,
    UNIT_VECTORS,
    VECTORS,
    Maker,
    each_part,
    fault_of,
    lattice_keys,
    node_name,
    scalar_keys,
)
from braggtrace.physics.vector import Vec

__all__ = ["VALUE_FAULTS"]

_FACTORS = (2.0, 0.5, math.pi, 2 * math.pi, 4 * math.pi**2, math.sqrt(2.0), 1 / math.pi, 4.0)
_LENGTHS = (3, -3, 10, -10)
_SCALED = {
    "close_distance_meters": _LENGTHS,
    "R_distance_meters": _LENGTHS,
    "pixel_pos_meters": _LENGTHS,
    "pix0_vector_meters": _LENGTHS,
    "Fclose_meters": _LENGTHS,
    "Fbeam_meters": _LENGTHS,
    "scattering_vec_A_inv": (10, -10),
    "stol": (10, -10),
    "rot_a_meters": (1, -1),
    "rot_b_meters": (1, -1),
    "rot_c_meters": (1, -1),
    "a_star": (1, -1),
}


def _sign(random: Random, setting: Setting) -> Fault:
    key = random.choice([key for key in (*scalar_keys(setting), *VECTORS) if key != "R_distance_meters"])
    return fault_of(Code.SIGN_FLIP, key, "negated", mapped(each_part(lambda part: -part)))


def _factor(random: Random, setting: Setting) -> Fault:
    key = random.choice([key for key in (*scalar_keys(setting), *VECTORS) if key not in UNIT_VECTORS])
    factor = random.choice(_FACTORS) if random.random() < 0.6 else float(f"{random.uniform(0.3, 5.0):.3g}")
    return fault_of(Code.CONSTANT_FACTOR, key, f"times {factor:g}", mapped(each_part(lambda part: part * factor)))


def _offset(random: Random, setting: Setting) -> Fault:
    key = random.choice([key for key in scalar_keys(setting) if key not in RUN_SCALARS])
    share = random.choice((-1, 1)) * random.uniform(0.03, 0.4)
    held: list[float] = []

    def change(value: Tensor) -> Tensor:
        if not held:
            held.append(float(f"{share * float(value.abs().max()):.3g}"))
        return value + held[0]

    return fault_of(Code.OFFSET, key, "plus a constant", mapped(change))


def _unit(random: Random, setting: Setting) -> Fault:
    keys = [key for key in (*scalar_keys(setting), *VECTORS) if node_name(key) in _SCALED]
    key = random.choice(keys)
    power = random.choice(_SCALED[node_name(key)])
    return fault_of(Code.UNIT_SCALE, key, f"times 1e{power}", mapped(each_part(lambda part: part * 10.0**power)))


def _skew_vector(random: Random, setting: Setting) -> str:
    """A vector along no axis: of others a reversed axis is a flipped sign, and a permutation another vector."""
    keys = [key for key in VECTORS if not _is_along_an_axis(setting.model.values.get(key))]
    return random.choice([key for key in keys if key != "incident_vec" or "beam_vec" in keys])


def _is_along_an_axis(value: Any) -> bool:
    return isinstance(value, Vec) and sum(abs(float(part)) > 1e-6 for part in value) < 2


def _permuted(random: Random, setting: Setting) -> Fault:
    key = _skew_vector(random, setting)
    order = random.choice([(1, 0, 2), (2, 1, 0), (0, 2, 1), (1, 2, 0), (2, 0, 1)])
    return fault_of(Code.AXIS_PERMUTATION, key, f"components {order}", mapped(lambda v: Vec(*(v[at] for at in order))))


def _reversed(random: Random, setting: Setting) -> Fault:
    key, axis = _skew_vector(random, setting), random.randrange(3)
    change = mapped(lambda v: Vec(*(-part if at == axis else part for at, part in enumerate(v))))
    return fault_of(Code.AXIS_REVERSAL, key, f"axis {axis} reversed", change)


def _unnormalised(random: Random, _: Setting) -> Fault:
    if random.random() < 0.6:
        change = with_result(lambda _, named: named["pixel_pos_meters"])
        return fault_of(Code.NOT_NORMALISED, "diffracted_vec", "not divided by R", change)
    key = random.choice(("spindle_axis", "polar_vec", "fdet_vec"))
    length = random.uniform(1.1, 3.0)
    return fault_of(Code.NOT_NORMALISED, key, f"of length {length:g}", mapped(each_part(lambda part: part * length)))


def _rounded(random: Random, _: Setting) -> Fault:
    key = random.choice((*ROTATED, "scattering_vec_A_inv", "pixel_pos_meters", "pix0_vector_meters", *INDICES))
    kind = random.choice((torch.float32, torch.float32, torch.float16, None))
    if kind is torch.float16 and key not in INDICES:
        kind = torch.float32  # out of float16's range
    if kind is None:
        return fault_of(Code.PRECISION_LOSS, key, "to 6 digits", mapped(each_part(_six_digits)))
    return fault_of(
        Code.PRECISION_LOSS, key, f"to {kind}", mapped(each_part(lambda part: part.to(kind).to(torch.float64)))
    )


def _six_digits(value: Tensor) -> Tensor:
    cut = [float(f"{each:.6g}") for each in value.reshape(-1).tolist()]
    return torch.tensor(cut, dtype=torch.float64).reshape(value.shape)


def _clamped(random: Random, setting: Setting) -> Fault:
    kind = random.randrange(3)
    if kind == 0:
        key = random.choice(lattice_keys(setting))
        return fault_of(Code.CLAMPED, key, "at 0 from below", mapped(lambda value: torch.clamp(value, min=0.0)))
    if kind == 1:
        key = random.choice(("polar", "R_distance_meters", "omega_pixel_sr"))
        return fault_of(Code.CLAMPED, key, "from above", mapped(_lower_bound()))
    key = random.choice((*lattice_keys(setting), "I_term"))
    return fault_of(Code.CLAMPED, key, "from above", mapped(_lower_bound()))


def _lower_bound() -> Callable[[Tensor], Tensor]:
    held: list[float] = []

    def change(value: Tensor) -> Tensor:
        if not held:
            held.append(float(f"{0.7 * float(value.abs().max()):.2g}"))
        return torch.clamp(value, max=held[0])

    return change


def _not_finite(random: Random, setting: Setting) -> Fault:
    key = random.choice(("polar", "omega_pixel_sr", *lattice_keys(setting), "R_distance_meters", "I_term"))
    bad = random.choice((math.nan, math.inf))
    return fault_of(Code.NON_FINITE, key, str(bad), mapped(lambda value: torch.full_like(value, bad)))


VALUE_FAULTS: Mapping[Code, Maker] = MappingProxyType(
    {
        Code.SIGN_FLIP: _sign,
        Code.CONSTANT_FACTOR: _factor,
        Code.OFFSET: _offset,
        Code.UNIT_SCALE: _unit,
        Code.AXIS_PERMUTATION: _permuted,
        Code.AXIS_REVERSAL: _reversed,
        Code.NOT_NORMALISED: _unnormalised,
        Code.PRECISION_LOSS: _rounded,
        Code.CLAMPED: _clamped,
        Code.NON_FINITE: _not_finite,
    }
)
"""Cause -> what draws a fault of it."""
