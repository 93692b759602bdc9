"""Draw faults at random: a cause, a step that can have it, and the mutant that has it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import torch
from torch import Tensor

from braggtrace.causes.codes import Code
from braggtrace.corpus.experiments import Setting
from braggtrace.corpus.mutants import Fault, Patch, mapped, recorded_nodes, stale, with_inputs, with_result
from braggtrace.physics.vector import Vec

__all__ = ["CODES", "random_fault"]

_ROTATED = ("rot_a_meters", "rot_b_meters", "rot_c_meters")
_AXES = {"rot_a_meters": "a", "rot_b_meters": "b", "rot_c_meters": "c"}
_RUN_VECTORS = ("fdet_vec", "sdet_vec", "odet_vec", "polar_vec", "spindle_axis", "pix0_vector_meters")
_CELL = ("cell_a_vec_angstroms", "cell_b_vec_angstroms", "cell_c_vec_angstroms")
_STARS = ("a_star", "b_star", "c_star")
_SAMPLE_VECTORS = ("pixel_pos_meters", "diffracted_vec", "incident_vec", "scattering_vec_A_inv")
_VECTORS = (*_RUN_VECTORS, *_STARS, *_SAMPLE_VECTORS, *_ROTATED, *_SAMPLE_VECTORS, *_ROTATED, *_CELL[:1])
_RUN_SCALARS = ("close_distance_meters", "Fclose_meters", "Sclose_meters", "Fbeam_meters", "r_e_sqr")
_SAMPLE_SCALARS = ("R_distance_meters", "obliquity_factor", "omega_pixel_sr", "stol", "polar")
_INDICES = ("h_frac", "k_frac", "l_frac")
_PIXEL = ("I_pixel_final", "floatimage_accumulated")
_UNITS = {"h_frac": "", "k_frac": "", "l_frac": "", "polar": "", "obliquity_factor": ""}
_FACTORS = (2.0, 0.5, math.pi, 2 * math.pi, 4 * math.pi**2, math.sqrt(2.0), 1 / math.pi, 4.0)

Maker = Callable[[Random, Setting], Fault | None]


def random_fault(random: Random, setting: Setting, code: Code | None = None) -> Fault | None:
    """A fault drawn at random; None if this experiment can't have it."""
    chosen = random.choice(CODES) if code is None else code
    return _MAKERS[chosen](random, setting)


def _shape(setting: Setting) -> str:
    return str(setting.model.values["xtal_shape"])


def _lattice(setting: Setting) -> tuple[str, ...]:
    """Keys of the lattice factors in this shape."""
    if _shape(setting) == "SQUARE":
        return ("F_latt_a", "F_latt_b", "F_latt_c", "F_latt@SQUARE")
    return (f"F_latt@{_shape(setting)}",)


def _scalars(setting: Setting) -> tuple[str, ...]:
    thick = ("capture_fraction",) if setting.model.values["thicksteps"] > 1 else ()
    return (
        *_RUN_SCALARS,
        *_SAMPLE_SCALARS,
        *_INDICES,
        *_lattice(setting),
        *_lattice(setting),
        "I_term",
        *_PIXEL,
        *thick,
    )


def _name(key: str) -> str:
    return key.partition("@")[0]


def _fault(code: Code, key: str, text: str, patch: Patch | Callable[[], Patch], *, remembers: bool = False) -> Fault:
    def patches() -> Mapping[str, Patch]:
        made: Any = patch() if remembers else patch  # type: ignore[call-arg]
        return {key: made}

    return Fault(code, recorded_nodes(_name(key)), f"{_name(key)}: {text}", patches)


def _each(change: Callable[[Tensor], Tensor]) -> Callable[[Any], Any]:
    """A change of a number or of every component of a vector."""
    return lambda value: Vec(*(change(part) for part in value)) if isinstance(value, Vec) else change(value)


def _real(random: Random, setting: Setting) -> str:
    return random.choice((*_scalars(setting), *_VECTORS))


def _sign(random: Random, setting: Setting) -> Fault:
    key = random.choice([key for key in (*_scalars(setting), *_VECTORS) if key != "R_distance_meters"])
    return _fault(Code.SIGN_FLIP, key, "negated", mapped(_each(lambda part: -part)))


def _factor(random: Random, setting: Setting) -> Fault:
    key = _real(random, setting)
    factor = random.choice(_FACTORS) if random.random() < 0.6 else float(f"{random.uniform(0.3, 5.0):.3g}")
    return _fault(Code.CONSTANT_FACTOR, key, f"times {factor:g}", mapped(_each(lambda part: part * factor)))


def _offset(random: Random, setting: Setting) -> Fault:
    key = random.choice([key for key in _scalars(setting) if key not in _RUN_SCALARS])
    share = random.choice((-1, 1)) * random.uniform(0.03, 0.4)
    held: list[float] = []

    def change(value: Tensor) -> Tensor:
        if not held:
            held.append(float(f"{share * float(value.abs().max()):.3g}"))
        return value + held[0]

    return _fault(Code.OFFSET, key, "plus a constant", mapped(change))


def _degrees(random: Random, setting: Setting) -> Fault | None:
    factor = random.choice((math.pi / 180.0, 180.0 / math.pi))
    detector = setting.parts["detector"]
    if "rotx_deg" in detector and random.random() < 0.4:
        key = random.choice(("fdet_after_rotz", "sdet_after_rotz"))
        name = random.choice(("rotx_rad", "roty_rad", "rotz_rad"))
    else:
        key, name = random.choice(_ROTATED), "phi_rad"
    change = with_inputs(lambda named: named | {name: named[name] * factor})
    return _fault(Code.DEGREES_RADIANS, key, f"{name} times {factor:.3g}", change)


def _unit(random: Random, setting: Setting) -> Fault:
    keys = [key for key in (*_scalars(setting), *_VECTORS) if _name(key) in _SCALED]
    key = random.choice(keys)
    power = random.choice(_SCALED[_name(key)])
    return _fault(Code.UNIT_SCALE, key, f"times 1e{power}", mapped(_each(lambda part: part * 10.0**power)))


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


def _skew_vector(random: Random, setting: Setting) -> str:
    """A vector along no axis: of others a reversed axis is a flipped sign, and a permutation another vector."""
    keys = [key for key in _VECTORS if not _is_along_an_axis(setting.model.values.get(key))]
    return random.choice([key for key in keys if key != "incident_vec" or "beam_vec" in keys])


def _is_along_an_axis(value: Any) -> bool:
    return isinstance(value, Vec) and sum(abs(float(part)) > 1e-6 for part in value) < 2


def _permuted(random: Random, setting: Setting) -> Fault:
    key = _skew_vector(random, setting)
    order = random.choice([(1, 0, 2), (2, 1, 0), (0, 2, 1), (1, 2, 0), (2, 0, 1)])
    return _fault(Code.AXIS_PERMUTATION, key, f"components {order}", mapped(lambda v: Vec(*(v[at] for at in order))))


def _reversed(random: Random, setting: Setting) -> Fault:
    key, axis = _skew_vector(random, setting), random.randrange(3)
    change = mapped(lambda v: Vec(*(-part if at == axis else part for at, part in enumerate(v))))
    return _fault(Code.AXIS_REVERSAL, key, f"axis {axis} reversed", change)


def _transposed(random: Random, setting: Setting) -> Fault | None:
    if setting.model.loops.mosaic is None:
        return None

    def change(named: dict[str, Any]) -> dict[str, Any]:
        rows = named["u"]
        return named | {"u": tuple(Vec(*(row[at] for row in rows)) for at in range(3))}

    return _fault(Code.TRANSPOSED_MATRIX, random.choice(_ROTATED), "u transposed", with_inputs(change))


def _inverse(random: Random, _: Setting) -> Fault:
    change = with_inputs(lambda named: named | {"phi_rad": -named["phi_rad"]})
    return _fault(Code.INVERSE_ROTATION, random.choice(_ROTATED), "by −phi", change)


def _unnormalised(random: Random, _: Setting) -> Fault:
    if random.random() < 0.6:
        change = with_result(lambda _, named: named["pixel_pos_meters"])
        return _fault(Code.NOT_NORMALISED, "diffracted_vec", "not divided by R", change)
    key = random.choice(("spindle_axis", "polar_vec", "fdet_vec"))
    length = random.uniform(1.1, 3.0)
    return _fault(Code.NOT_NORMALISED, key, f"of length {length:g}", mapped(_each(lambda part: part * length)))


def _stale(random: Random, setting: Setting) -> Fault:
    if random.random() < 0.6:
        key = random.choice((*_ROTATED, *_INDICES, *_lattice(setting)))
        if key in _ROTATED:
            change = mapped(_each(lambda part: torch.roll(part, 1, 0)))
            return _fault(Code.STALE_VALUE, key, "of the iteration before", change)
        return _fault(Code.STALE_VALUE, key, "of the iteration before", stale(True), remembers=True)
    key = random.choice(("scattering_vec_A_inv", "polar", "omega_pixel_sr", "R_distance_meters", "diffracted_vec"))
    return _fault(Code.STALE_VALUE, key, "of the pixel before", stale(False), remembers=True)


def _shifted(random: Random, setting: Setting) -> Fault:
    kind = random.randrange(4)
    if kind == 0:
        key, name = random.choice((("Fdet_meters", "fpixel"), ("Sdet_meters", "spixel")))
        step = random.choice((1.0, -1.0))
        change = with_inputs(lambda named: named | {name: named[name] + step})
        return _fault(Code.SHIFTED_INDEX, key, f"{name} {step:+g}", change)
    if kind == 1:
        key = random.choice(("Fdet_meters", "Sdet_meters"))
        change = with_result(lambda value, named: value - named["subpixel_meters"] / 2.0)
        return _fault(Code.SHIFTED_INDEX, key, "half a pixel off", change)
    if kind == 2:
        step = math.radians(float(setting.model.values["phistep_deg"])) * random.choice((1.0, -1.0))
        change = with_inputs(lambda named: named | {"phi_rad": named["phi_rad"] + step})
        return _fault(Code.SHIFTED_INDEX, random.choice(_ROTATED), "phi_tic off by one", change)
    key, step = random.choice(("h0", "k0", "l0")), random.choice((1.0, -1.0))
    return _fault(Code.SHIFTED_INDEX, key, f"{step:+g}", mapped(lambda value: value + step))


def _swapped(random: Random, setting: Setting) -> Fault:
    kind = random.randrange(4)
    if kind == 0:
        key, other = random.choice((("h_frac", "rot_b_meters"), ("k_frac", "rot_c_meters"), ("l_frac", "rot_a_meters")))
        own = {"h_frac": "rot_a_meters", "k_frac": "rot_b_meters", "l_frac": "rot_c_meters"}[key]
        change = with_inputs(lambda named: named | {own: named[other]}, (other,))
        return _fault(Code.SWAPPED_QUANTITIES, key, f"{other} for {own}", change)
    if kind == 1 and _shape(setting) == "SQUARE":
        key, own, other = random.choice(
            (("F_latt_a", "grating_a", "grating_b"), ("F_latt_b", "grating_b", "grating_c"))
        )
        letter = {"grating_b": "b", "grating_c": "c"}[other]
        change = with_result(lambda _, named: named[f"F_latt_{letter}"], (f"F_latt_{letter}",))
        return _fault(Code.SWAPPED_QUANTITIES, key, f"that of {letter}", change)
    if kind == 2:
        change = with_inputs(lambda named: named | {"fpixel": named["spixel"]}, ("spixel",))
        return _fault(Code.SWAPPED_QUANTITIES, "Fdet_meters", "slow for fast", change)
    key, other = random.choice((("scattering_vec_A_inv", "incident_vec"), ("pixel_pos_meters", "sdet_vec")))
    if key == "pixel_pos_meters":
        change = with_inputs(lambda named: named | {"fdet_vec": named["sdet_vec"]})
        return _fault(Code.SWAPPED_QUANTITIES, key, "sdet for fdet", change)
    key, own, other = random.choice(
        (("rot_a_meters", "a", "b"), ("rot_b_meters", "b", "c"), ("rot_c_meters", "c", "a"))
    )
    cell, wrong = f"cell_{own}_vec_angstroms", f"cell_{other}_vec_angstroms"
    change = with_inputs(lambda named: named | {cell: named[wrong]}, (wrong,))
    return _fault(Code.SWAPPED_QUANTITIES, key, f"{wrong} for {cell}", change)


def _rounded(random: Random, _: Setting) -> Fault:
    key = random.choice((*_ROTATED, "scattering_vec_A_inv", "pixel_pos_meters", "pix0_vector_meters", *_INDICES))
    kind = random.choice((torch.float32, torch.float32, torch.float16, None))
    if kind is torch.float16 and key not in _INDICES:
        kind = torch.float32  # out of float16's range
    if kind is None:
        return _fault(Code.PRECISION_LOSS, key, "to 6 digits", mapped(_each(_six_digits)))
    return _fault(Code.PRECISION_LOSS, key, f"to {kind}", mapped(_each(lambda part: part.to(kind).to(torch.float64))))


def _six_digits(value: Tensor) -> Tensor:
    cut = [float(f"{each:.6g}") for each in value.reshape(-1).tolist()]
    return torch.tensor(cut, dtype=torch.float64).reshape(value.shape)


def _missing(random: Random, setting: Setting) -> Fault | None:
    one, options = torch.ones((), dtype=torch.float64), dict[str, tuple[str, Patch]]()
    for name in ("pixel_polar", "omega_pixel", "steps", "r_e_sqr", "fluence_photons_per_m2"):
        options[f"I_pixel_final {name}"] = ("I_pixel_final", _without(name, one))
    options["scattering lambda"] = ("scattering_vec_A_inv", _without("source_lambda_meters", one))
    options["scattering incident"] = ("scattering_vec_A_inv", _without_vector("incident_vec"))
    options["omega close"] = ("omega_pixel_sr", _without("close_distance_meters", one))
    options["pixel_pos pix0"] = ("pixel_pos_meters", _without_vector("pix0_vector_meters"))
    options["I_term F_cell"] = ("I_term", with_result(lambda value, named: value / named["F_cell"], ("F_cell",)))
    options["I_term F_latt"] = ("I_term", with_result(lambda value, named: value / named["F_latt"], ("F_latt",)))
    if _shape(setting) == "SQUARE":
        for letter in "abc":
            options[f"F_latt {letter}"] = ("F_latt@SQUARE", _without(f"F_latt_{letter}", one))
    if setting.model.loops.mosaic is not None:
        for key in _ROTATED:
            options[f"{key} u"] = (key, with_inputs(lambda named: named | {"u": None}))
    text = random.choice(sorted(options))
    key, patch = options[text]
    return _fault(Code.MISSING_TERM, key, f"without {text}", patch)


def _without(name: str, neutral: Tensor) -> Patch:
    return with_inputs(lambda named: named | {name: neutral})


def _without_vector(name: str) -> Patch:
    return with_inputs(lambda named: named | {name: Vec(*(0.0 * part for part in named[name]))})


def _extra(random: Random, setting: Setting) -> Fault:
    options = [
        ("I_pixel_final", "pixel_polar"),
        ("I_pixel_final", "omega_pixel"),
        ("omega_pixel_sr", "R_distance_meters"),
        ("polar", "obliquity_factor"),
        ("omega_pixel_sr", "obliquity_factor"),
        ("I_term", "F_latt"),
        ("I_term", "F_cell"),
        ("R_distance_meters", "source_lambda_meters"),
        ("stol", "source_lambda_meters"),
    ]
    if _shape(setting) == "SQUARE":
        options += [("F_latt@SQUARE", "F_latt_a"), ("F_latt@SQUARE", "F_latt_c"), ("F_latt_b", "F_latt_a")]
    flags = {"pixel_polar": "oversample_polar", "omega_pixel": "oversample_omega"}
    # With the flag set the factor is not applied at the end, so that applying it there is to ignore the flag.
    key, name = random.choice([each for each in options if not setting.model.values.get(flags.get(each[1], ""), 0)])
    change = with_result(lambda value, named: value * named[name], (name,))
    return _fault(Code.EXTRA_FACTOR, key, f"times {name}", change)


def _rounding(random: Random, _: Setting) -> Fault:
    key = random.choice(("h0", "k0", "l0"))
    fraction = f"{key[0]}_frac"
    name, how = random.choice((("floor", torch.floor), ("ceil", torch.ceil), ("trunc", torch.trunc)))
    return _fault(Code.WRONG_ROUNDING, key, name, with_result(lambda _, named: how(named[fraction])))


def _default(random: Random, setting: Setting) -> Fault | None:
    parts = setting.parts
    options: list[tuple[tuple[str, ...], str, str, Any]] = [
        (("Na",), "crystal", "Na", 1),
        (("Nc",), "crystal", "Nc", 1),
        (("misset_x_deg", "misset_y_deg", "misset_z_deg"), "crystal", "misset_deg", (0.0, 0.0, 0.0)),
        (("lambda_meters", "lambda_of_source"), "beam", "lambda_A", 1.0),
        (("default_F",), "crystal", "default_F", 0.0),
        (("fluence_photons_per_m2",), "beam", "fluence", 125932015286227086360700780544.0),
    ]
    if parts["beam"]["polarization"]:
        options.append((("polarization",), "beam", "polarization", 0.0))
    if parts["detector"].get("rotx_deg"):
        options.append((("detector_rotx_deg",), "detector", "rotx_deg", 0.0))
    if _shape(setting) != "SQUARE":
        options.append((("fudge",), "crystal", "fudge", 1.0))
        options.append((("xtal_shape",), "crystal", "shape", "SQUARE"))
    if parts["sampling"]["phi_deg"]:
        options.append((("phi0_deg", "phi_deg"), "sampling", "phi_deg", 0.0))
    nodes, part, field, value = random.choice(options)
    return Fault(Code.DEFAULT_USED, nodes, f"{field} not given", parts=((part, field, value),))


def _clamped(random: Random, setting: Setting) -> Fault:
    kind = random.randrange(3)
    if kind == 0:
        key = random.choice(_lattice(setting))
        return _fault(Code.CLAMPED, key, "at 0 from below", mapped(lambda value: torch.clamp(value, min=0.0)))
    if kind == 1:
        key = random.choice(("polar", "R_distance_meters", "omega_pixel_sr"))
        return _fault(Code.CLAMPED, key, "from above", mapped(_lower_bound()))
    key = random.choice((*_lattice(setting), "I_term"))
    return _fault(Code.CLAMPED, key, "from above", mapped(_lower_bound()))


def _lower_bound() -> Callable[[Tensor], Tensor]:
    held: list[float] = []

    def change(value: Tensor) -> Tensor:
        if not held:
            held.append(float(f"{0.7 * float(value.abs().max()):.2g}"))
        return torch.clamp(value, max=held[0])

    return change


def _not_finite(random: Random, setting: Setting) -> Fault:
    key = random.choice(("polar", "omega_pixel_sr", *_lattice(setting), "R_distance_meters", "I_term"))
    bad = random.choice((math.nan, math.inf))
    return _fault(Code.NON_FINITE, key, str(bad), mapped(lambda value: torch.full_like(value, bad)))


def _neighbour(random: Random, _: Setting) -> Fault:
    if random.random() < 0.25:
        first, second = random.sample(("h0", "k0", "l0"), 2)
        change = with_inputs(lambda named: named | {first: named[second], second: named[first]})
        return Fault(
            Code.LOOKUP_MISMATCH,
            recorded_nodes("F_cell_nearest"),
            f"F_cell: {first} and {second} exchanged",
            lambda: {"F_index": change},
        )
    key, step = random.choice(("h0", "k0", "l0")), random.choice((1.0, -1.0))
    change = with_inputs(lambda named: named | {key: named[key] + step})
    return Fault(
        Code.LOOKUP_MISMATCH, recorded_nodes("F_cell_nearest"), f"F_cell: {key} {step:+g}", lambda: {"F_index": change}
    )


_MAKERS: dict[Code, Maker] = {
    Code.SIGN_FLIP: _sign,
    Code.CONSTANT_FACTOR: _factor,
    Code.OFFSET: _offset,
    Code.DEGREES_RADIANS: _degrees,
    Code.UNIT_SCALE: _unit,
    Code.AXIS_PERMUTATION: _permuted,
    Code.AXIS_REVERSAL: _reversed,
    Code.TRANSPOSED_MATRIX: _transposed,
    Code.INVERSE_ROTATION: _inverse,
    Code.NOT_NORMALISED: _unnormalised,
    Code.STALE_VALUE: _stale,
    Code.SHIFTED_INDEX: _shifted,
    Code.SWAPPED_QUANTITIES: _swapped,
    Code.PRECISION_LOSS: _rounded,
    Code.MISSING_TERM: _missing,
    Code.EXTRA_FACTOR: _extra,
    Code.WRONG_ROUNDING: _rounding,
    Code.DEFAULT_USED: _default,
    Code.CLAMPED: _clamped,
    Code.NON_FINITE: _not_finite,
    Code.LOOKUP_MISMATCH: _neighbour,
}
CODES = tuple(_MAKERS)
"""The causes that can be seeded."""
