"""What faults can be planted in: the steps whose values are numbers or vectors, and how a fault is put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, TypeAlias

from torch import Tensor

from braggtrace.causes.codes import Code
from braggtrace.corpus.experiments import Setting
from braggtrace.corpus.mutants import Fault, Patch, recorded_nodes
from braggtrace.physics.vector import Vec

__all__ = [
    "INDICES",
    "Maker",
    "ROTATED",
    "RUN_SCALARS",
    "UNIT_VECTORS",
    "VECTORS",
    "each_part",
    "fault_of",
    "lattice_keys",
    "node_name",
    "scalar_keys",
    "shape_of",
]

Maker: TypeAlias = Callable[[Random, Setting], Fault | None]

ROTATED = ("rot_a_meters", "rot_b_meters", "rot_c_meters")
_RUN_VECTORS = ("fdet_vec", "sdet_vec", "odet_vec", "polar_vec", "spindle_axis", "pix0_vector_meters")
_CELL = ("cell_a_vec_angstroms", "cell_b_vec_angstroms", "cell_c_vec_angstroms")
UNIT_VECTORS = ("fdet_vec", "sdet_vec", "odet_vec", "polar_vec", "spindle_axis", "diffracted_vec", "incident_vec")
"""Of these a factor is a length that is not 1, which is a cause of its own."""
_STARS = ("a_star", "b_star", "c_star")
_SAMPLE_VECTORS = ("pixel_pos_meters", "diffracted_vec", "incident_vec", "scattering_vec_A_inv")
VECTORS = (*_RUN_VECTORS, *_STARS, *_SAMPLE_VECTORS, *ROTATED, *_SAMPLE_VECTORS, *ROTATED, *_CELL[:1])
RUN_SCALARS = ("close_distance_meters", "Fclose_meters", "Sclose_meters", "Fbeam_meters", "r_e_sqr")
_SAMPLE_SCALARS = ("R_distance_meters", "obliquity_factor", "omega_pixel_sr", "stol", "polar")
INDICES = ("h_frac", "k_frac", "l_frac")
_PIXEL = ("I_pixel_final", "floatimage_accumulated")


def shape_of(setting: Setting) -> str:
    """The crystal's shape."""
    return str(setting.model.values["xtal_shape"])


def lattice_keys(setting: Setting) -> tuple[str, ...]:
    """Keys of the lattice factors in this shape."""
    if shape_of(setting) == "SQUARE":
        return ("F_latt_a", "F_latt_b", "F_latt_c", "F_latt@SQUARE")
    return (f"F_latt@{shape_of(setting)}",)


def scalar_keys(setting: Setting) -> tuple[str, ...]:
    """Keys of the steps that give one number."""
    thick = ("capture_fraction",) if setting.model.values["thicksteps"] > 1 else ()
    return (
        *RUN_SCALARS,
        *_SAMPLE_SCALARS,
        *INDICES,
        *lattice_keys(setting),
        *lattice_keys(setting),
        "I_term",
        *_PIXEL,
        *thick,
    )


def node_name(key: str) -> str:
    """What a step gives, without its variant."""
    return key.partition("@")[0]


def fault_of(code: Code, key: str, text: str, patch: Patch | Callable[[], Patch], *, remembers: bool = False) -> Fault:
    """A fault of one step.

    Args:
        code: its cause.
        key: of the step in the graph.
        text: what is done to it.
        patch: makes the wrong step; or makes what makes it, if it remembers values of the trace.
        remembers: see `patch`.
    """

    def patches() -> Mapping[str, Patch]:
        made: Any = patch() if remembers else patch  # type: ignore[call-arg]
        return {key: made}

    return Fault(code, recorded_nodes(node_name(key)), f"{node_name(key)}: {text}", patches)


def each_part(change: Callable[[Tensor], Tensor]) -> Callable[[Any], Any]:
    """A change of a number or of every component of a vector."""
    return lambda value: Vec(*(change(part) for part in value)) if isinstance(value, Vec) else change(value)
