"""The documented defaults of the program, in the units of a trace: what a value is when no flag sets it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from braggtrace.simulate.conventions import CONVENTIONS
from braggtrace.simulate.experiment import Beam, Crystal, Detector, Sampling

__all__ = ["default_of", "defaults"]


@cache
def defaults() -> Mapping[str, float]:
    """Node -> default."""
    detector, beam, crystal, sampling = Detector(), Beam(), Crystal(cell=(1, 1, 1, 90, 90, 90)), Sampling()
    return {
        "pixel_size_meters": _number(detector.pixel_mm) / 1000.0,
        "distance_meters": _number(detector.distance_mm) / 1000.0,
        "detector_rotx_deg": 0.0,
        "detector_roty_deg": 0.0,
        "detector_rotz_deg": 0.0,
        "detector_twotheta_deg": 0.0,
        "detector_thick_meters": _number(detector.thick_um),
        "detector_mu_per_meter": _number(detector.mu_per_m),
        "point_pixel": 0.0,
        "curved_det": 0.0,
        "lambda_meters": _number(beam.lambda_A) * 1e-10,
        "lambda_of_source": _number(beam.lambda_A) * 1e-10,
        "fluence_photons_per_m2": _number(beam.fluence),
        "polarization": _number(beam.polarization),
        "nopolar": 0.0,
        "misset_x_deg": 0.0,
        "misset_y_deg": 0.0,
        "misset_z_deg": 0.0,
        "Na": float(crystal.Na),
        "Nb": float(crystal.Nb),
        "Nc": float(crystal.Nc),
        "fudge": _number(crystal.fudge),
        "mosaic_spread_deg": 0.0,
        "mosaic_domains": 1.0,
        "default_F": _number(crystal.default_F),
        "water_size_meters": _number(crystal.water_um),
        "phi0_deg": sampling.phi_deg,
        "osc_deg": 0.0,
        "phisteps": 1.0,
        "oversample": 1.0,
        "oversample_thick": 0.0,
        "oversample_polar": 0.0,
        "oversample_omega": 0.0,
        "dmin_angstroms": sampling.dmin_A,
        "interpolate": 0.0,
        "sources": 1.0,
        "thicksteps": 1.0,
    }


def default_of(name: str, convention: str = "") -> tuple[float, ...] | None:
    """The default of a node, None if it has none.

    Args:
        name: the node.
        convention: of the run, for its vectors.
    """
    if name in defaults():
        return (defaults()[name],)
    axes = CONVENTIONS.get(convention)
    if axes is None:
        return None
    vectors = {
        "beam_vec": axes.beam,
        "polar_vec": axes.polar,
        "spindle_axis": axes.spindle,
        "fdet_vec": axes.fdet,
        "sdet_vec": axes.sdet,
        "odet_vec": axes.odet,
        "twotheta_axis": axes.twotheta,
    }
    return vectors.get(name)


def _number(value: object) -> float:
    assert isinstance(value, int | float)  # a default is no tensor
    return float(value)
