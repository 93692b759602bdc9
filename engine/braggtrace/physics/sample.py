"""Steps of one sample: a place on the detector (layer, subpixel) seen by one source.

Shapes: pixels (P,), layers, subpixels and sources (B, 1); run-level values are 0-d. Everything broadcasts to (B, P).
"""

from __future__ import annotations

import torch
from torch import Tensor

from braggtrace.physics.registry import step
from braggtrace.physics.vector import Vec, cross, dot, norm, rotate_about, unit
from braggtrace.quantities import Level


@step("Fdet_meters", Level.SAMPLE, unit="m", formula="subpixel·(fast·oversample + subF) + subpixel/2")
def fdet_meters(fpixel: Tensor, subF: Tensor, oversample: int, subpixel_meters: Tensor) -> Tensor:
    """Place on the detector along its fast axis."""
    return subpixel_meters * (fpixel * oversample + subF) + subpixel_meters / 2.0


@step("Sdet_meters", Level.SAMPLE, unit="m", formula="subpixel·(slow·oversample + subS) + subpixel/2")
def sdet_meters(spixel: Tensor, subS: Tensor, oversample: int, subpixel_meters: Tensor) -> Tensor:
    """Place on the detector along its slow axis."""
    return subpixel_meters * (spixel * oversample + subS) + subpixel_meters / 2.0


@step("Odet_meters", Level.SAMPLE, unit="m", formula="layer·Δt")
def odet_meters(thick_tic: Tensor, detector_thickstep_meters: Tensor) -> Tensor:
    """Depth of the sensor layer along the detector normal."""
    return thick_tic * detector_thickstep_meters


@step("pixel_pos_meters", Level.SAMPLE)
def pixel_pos_meters(
    Fdet_meters: Tensor,
    Sdet_meters: Tensor,
    Odet_meters: Tensor,
    fdet_vec: Vec,
    sdet_vec: Vec,
    odet_vec: Vec,
    pix0_vector_meters: Vec,
    curved_det: int,
    distance_meters: Tensor,
    beam_vec: Vec,
) -> Vec:
    """Place in the laboratory; a curved detector takes the laboratory's y and z for its two angles."""
    flat = Vec(
        *(
            Fdet_meters * f + Sdet_meters * s + Odet_meters * o + origin
            for f, s, o, origin in zip(fdet_vec, sdet_vec, odet_vec, pix0_vector_meters, strict=True)
        )
    )
    if not curved_det:
        return flat
    start = beam_vec.scaled(distance_meters)
    about_s = rotate_about(sdet_vec, flat.y / distance_meters, start)
    return rotate_about(fdet_vec, flat.z / distance_meters, about_s)


@step("R_distance_meters", Level.SAMPLE)
def r_distance_meters(pixel_pos_meters: Vec) -> Tensor:
    """Length of the position."""
    return norm(pixel_pos_meters)


@step("obliquity_factor", Level.SAMPLE)
def obliquity_factor(close_distance_meters: Tensor, R_distance_meters: Tensor) -> Tensor:
    """Cosine between ray and detector normal."""
    return close_distance_meters / R_distance_meters


@step("omega_pixel_sr", Level.SAMPLE, formula="pixel²/R²·close_distance/R; 1/R² for point pixels")
def omega_pixel_sr(
    pixel_size_meters: Tensor, R_distance_meters: Tensor, close_distance_meters: Tensor, point_pixel: int
) -> Tensor:
    """Solid angle of the pixel, seen from here."""
    if point_pixel:
        return 1.0 / R_distance_meters / R_distance_meters
    area = pixel_size_meters * pixel_size_meters
    return area / R_distance_meters / R_distance_meters * close_distance_meters / R_distance_meters


@step("diffracted_vec", Level.SAMPLE)
def diffracted_vec(pixel_pos_meters: Vec, R_distance_meters: Tensor) -> Vec:
    """Direction of the diffracted ray."""
    return pixel_pos_meters.over(R_distance_meters)


@step("incident_vec", Level.SAMPLE)
def incident_vec(dir: Vec) -> Vec:  # noqa: A002 - the quantity's name in traces
    """Direction of the incident ray."""
    return dir.negated()


@step("lambda_angstroms", Level.SAMPLE)
def lambda_angstroms(source_lambda_meters: Tensor) -> Tensor:
    """Wavelength of the source."""
    return source_lambda_meters * 1e10


@step("scattering_vec_A_inv", Level.SAMPLE)
def scattering_vec(diffracted_vec: Vec, incident_vec: Vec, source_lambda_meters: Tensor) -> Vec:
    """Scattering vector of the sample."""
    return diffracted_vec.minus(incident_vec).over(source_lambda_meters)


@step("stol", Level.SAMPLE)
def stol(scattering_vec_A_inv: Vec) -> Tensor:
    """Half the length of the scattering vector."""
    return 0.5 * norm(scattering_vec_A_inv)


@step("in_resolution", Level.SAMPLE, unit="", formula="not (0 < 0.5/stol < dmin)")
def in_resolution(stol: Tensor, dmin_meters: Tensor) -> Tensor:
    """Whether the sample is within the resolution limit; one that is not is left out."""
    return ~((stol > 0) & (dmin_meters > 0.5 / stol))


@step("capture_fraction", Level.SAMPLE)
def capture_fraction(
    diffracted_vec: Vec,
    odet_vec: Vec,
    thick_tic: Tensor,
    detector_thickstep_meters: Tensor,
    detector_mu_per_meter: Tensor,
    sensor_captures_all: bool,
) -> Tensor:
    """Fraction of the photons that this layer of the sensor absorbs; 1 if the sensor has no thickness."""
    parallax = dot(diffracted_vec, odet_vec)
    if sensor_captures_all:
        return torch.ones_like(parallax) + 0.0 * thick_tic
    entered = torch.exp(-thick_tic * detector_thickstep_meters * detector_mu_per_meter / parallax)
    left = torch.exp(-(thick_tic + 1.0) * detector_thickstep_meters * detector_mu_per_meter / parallax)
    return entered - left


@step("cos_2theta", Level.SAMPLE)
def cos_2theta(incident_vec: Vec, diffracted_vec: Vec) -> Tensor:
    """Cosine of the scattering angle."""
    return dot(incident_vec, diffracted_vec)


@step(
    "cos_2psi", Level.SAMPLE, unit="", formula="(⟨d,E⟩² − ⟨d,B⟩²)/(⟨d,E⟩² + ⟨d,B⟩²), B = unit(p × i), E = unit(i × B)"
)
def cos_2psi(incident_vec: Vec, diffracted_vec: Vec, polar_vec: Vec, unpolarized: bool) -> Tensor:
    """Cosine of twice the angle between the scattering plane and the polarization."""
    if unpolarized:
        return torch.zeros_like(diffracted_vec.x)
    magnetic = unit(cross(polar_vec, incident_vec))
    electric = unit(cross(incident_vec, magnetic))
    along_b, along_e = dot(diffracted_vec, magnetic), dot(diffracted_vec, electric)
    total = along_e * along_e + along_b * along_b
    forward = total == 0
    safe = torch.where(forward, torch.ones_like(total), total)
    return torch.where(forward, torch.ones_like(total), (along_e * along_e - along_b * along_b) / safe)


@step("polar", Level.SAMPLE)
def polar(cos_2theta: Tensor, cos_2psi: Tensor, polarization: Tensor) -> Tensor:
    """Kahn's polarization factor."""
    square = cos_2theta * cos_2theta
    return 0.5 * (1.0 + square - polarization * cos_2psi * (1.0 - square))
