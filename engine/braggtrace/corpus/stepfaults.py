"""Faults of steps: wrong inputs, wrong places, wrong options."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from braggtrace.causes.codes import Code
from braggtrace.corpus.experiments import Setting
from braggtrace.corpus.mutants import Fault, Patch, mapped, recorded_nodes, stale, with_inputs, with_result
from braggtrace.corpus.targets import (
    INDICES,
    ROTATED,
    Maker,
    each_part,
    fault_of,
    lattice_keys,
    shape_of,
)
from braggtrace.physics.vector import Vec

__all__ = ["STEP_FAULTS"]


def _degrees(random: Random, setting: Setting) -> Fault | None:
    factor = random.choice((math.pi / 180.0, 180.0 / math.pi))
    detector = setting.parts["detector"]
    if "rotx_deg" in detector and random.random() < 0.4:
        key = random.choice(("fdet_after_rotz", "sdet_after_rotz"))
        name = random.choice(("rotx_rad", "roty_rad", "rotz_rad"))
    else:
        key, name = random.choice(ROTATED), "phi_rad"
    change = with_inputs(lambda named: named | {name: named[name] * factor})
    return fault_of(Code.DEGREES_RADIANS, key, f"{name} times {factor:.3g}", change)


def _transposed(random: Random, setting: Setting) -> Fault | None:
    if setting.model.loops.mosaic is None:
        return None

    def change(named: dict[str, Any]) -> dict[str, Any]:
        rows = named["u"]
        return named | {"u": tuple(Vec(*(row[at] for row in rows)) for at in range(3))}

    return fault_of(Code.TRANSPOSED_MATRIX, random.choice(ROTATED), "u transposed", with_inputs(change))


def _inverse(random: Random, _: Setting) -> Fault:
    change = with_inputs(lambda named: named | {"phi_rad": -named["phi_rad"]})
    return fault_of(Code.INVERSE_ROTATION, random.choice(ROTATED), "by −phi", change)


def _stale(random: Random, setting: Setting) -> Fault:
    if random.random() < 0.6:
        key = random.choice((*ROTATED, *INDICES, *lattice_keys(setting)))
        if key in ROTATED:
            change = mapped(each_part(lambda part: torch.roll(part, 1, 0)))
            return fault_of(Code.STALE_VALUE, key, "of the iteration before", change)
        return fault_of(Code.STALE_VALUE, key, "of the iteration before", stale(True), remembers=True)
    key = random.choice(("scattering_vec_A_inv", "polar", "omega_pixel_sr", "R_distance_meters", "diffracted_vec"))
    return fault_of(Code.STALE_VALUE, key, "of the pixel before", stale(False), remembers=True)


def _shifted(random: Random, setting: Setting) -> Fault:
    kind = random.randrange(4)
    if kind == 0:
        key, name = random.choice((("Fdet_meters", "fpixel"), ("Sdet_meters", "spixel")))
        step = random.choice((1.0, -1.0))
        change = with_inputs(lambda named: named | {name: named[name] + step})
        return fault_of(Code.SHIFTED_INDEX, key, f"{name} {step:+g}", change)
    if kind == 1:
        key = random.choice(("Fdet_meters", "Sdet_meters"))
        change = with_result(lambda value, named: value - named["subpixel_meters"] / 2.0)
        return fault_of(Code.SHIFTED_INDEX, key, "half a pixel off", change)
    if kind == 2:
        step = math.radians(float(setting.model.values["phistep_deg"])) * random.choice((1.0, -1.0))
        change = with_inputs(lambda named: named | {"phi_rad": named["phi_rad"] + step})
        return fault_of(Code.SHIFTED_INDEX, random.choice(ROTATED), "phi_tic off by one", change)
    key, step = random.choice(("h0", "k0", "l0")), random.choice((1.0, -1.0))
    return fault_of(Code.SHIFTED_INDEX, key, f"{step:+g}", mapped(lambda value: value + step))


def _swapped(random: Random, setting: Setting) -> Fault:
    kind = random.randrange(4)
    if kind == 0:
        key, other = random.choice((("h_frac", "rot_b_meters"), ("k_frac", "rot_c_meters"), ("l_frac", "rot_a_meters")))
        own = {"h_frac": "rot_a_meters", "k_frac": "rot_b_meters", "l_frac": "rot_c_meters"}[key]
        change = with_inputs(lambda named: named | {own: named[other]}, (other,))
        return fault_of(Code.SWAPPED_QUANTITIES, key, f"{other} for {own}", change)
    if kind == 1 and shape_of(setting) == "SQUARE":
        key, own, other = random.choice(
            (("F_latt_a", "grating_a", "grating_b"), ("F_latt_b", "grating_b", "grating_c"))
        )
        letter = {"grating_b": "b", "grating_c": "c"}[other]
        change = with_result(lambda _, named: named[f"F_latt_{letter}"], (f"F_latt_{letter}",))
        return fault_of(Code.SWAPPED_QUANTITIES, key, f"that of {letter}", change)
    if kind == 2:
        change = with_inputs(lambda named: named | {"fpixel": named["spixel"]}, ("spixel",))
        return fault_of(Code.SWAPPED_QUANTITIES, "Fdet_meters", "slow for fast", change)
    if random.random() < 0.5:
        change = with_inputs(lambda named: named | {"fdet_vec": named["sdet_vec"]})
        return fault_of(Code.SWAPPED_QUANTITIES, "pixel_pos_meters", "sdet for fdet", change)
    key, own, other = random.choice(
        (("rot_a_meters", "a", "b"), ("rot_b_meters", "b", "c"), ("rot_c_meters", "c", "a"))
    )
    cell, wrong = f"cell_{own}_vec_angstroms", f"cell_{other}_vec_angstroms"
    change = with_inputs(lambda named: named | {cell: named[wrong]}, (wrong,))
    return fault_of(Code.SWAPPED_QUANTITIES, key, f"{wrong} for {cell}", change)


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
    if shape_of(setting) == "SQUARE":
        for letter in "abc":
            options[f"F_latt {letter}"] = ("F_latt@SQUARE", _without(f"F_latt_{letter}", one))
    if setting.model.loops.mosaic is not None:
        for key in ROTATED:
            options[f"{key} u"] = (key, with_inputs(lambda named: named | {"u": None}))
    text = random.choice(sorted(options))
    key, patch = options[text]
    return fault_of(Code.MISSING_TERM, key, f"without {text}", patch)


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
    if shape_of(setting) == "SQUARE":
        options += [("F_latt@SQUARE", "F_latt_a"), ("F_latt@SQUARE", "F_latt_c"), ("F_latt_b", "F_latt_a")]
    flags = {"pixel_polar": "oversample_polar", "omega_pixel": "oversample_omega"}
    # With the flag set the factor is not applied at the end, so that applying it there is to ignore the flag.
    key, name = random.choice([each for each in options if not setting.model.values.get(flags.get(each[1], ""), 0)])
    change = with_result(lambda value, named: value * named[name], (name,))
    return fault_of(Code.EXTRA_FACTOR, key, f"times {name}", change)


def _rounding(random: Random, _: Setting) -> Fault:
    key = random.choice(("h0", "k0", "l0"))
    fraction = f"{key[0]}_frac"
    name, how = random.choice((("floor", torch.floor), ("ceil", torch.ceil), ("trunc", torch.trunc)))
    return fault_of(Code.WRONG_ROUNDING, key, name, with_result(lambda _, named: how(named[fraction])))


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
    if shape_of(setting) != "SQUARE":
        options.append((("fudge",), "crystal", "fudge", 1.0))
        options.append((("xtal_shape",), "crystal", "shape", "SQUARE"))
    if parts["sampling"]["phi_deg"]:
        options.append((("phi0_deg", "phi_deg"), "sampling", "phi_deg", 0.0))
    nodes, part, field, value = random.choice(options)
    return Fault(Code.DEFAULT_USED, nodes, f"{field} not given", parts=((part, field, value),))


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


STEP_FAULTS: Mapping[Code, Maker] = MappingProxyType(
    {
        Code.DEGREES_RADIANS: _degrees,
        Code.TRANSPOSED_MATRIX: _transposed,
        Code.INVERSE_ROTATION: _inverse,
        Code.STALE_VALUE: _stale,
        Code.SHIFTED_INDEX: _shifted,
        Code.SWAPPED_QUANTITIES: _swapped,
        Code.MISSING_TERM: _missing,
        Code.EXTRA_FACTOR: _extra,
        Code.WRONG_ROUNDING: _rounding,
        Code.DEFAULT_USED: _default,
        Code.LOOKUP_MISMATCH: _neighbour,
    }
)
"""Cause -> what draws a fault of it."""
