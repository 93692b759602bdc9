"""The experiment as a person describes it: detector, beam, crystal, sources, sampling.

Every field has the unit of its suffix, the one that the flags use, and the program's default. Fields of type `Real`
may be 0-d float64 tensors that require gradients. Counts and ranges may be left open; `braggtrace.simulate.resolve`
fills them in as the C program does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from torch import Tensor

from braggtrace.physics.numerics import DEFAULT_FLUENCE
from braggtrace.simulate.quirks import DEFAULT_PROFILE, PROFILES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Beam", "Crystal", "Detector", "Experiment", "Real", "Reals", "Sampling", "Sources"]

Real: TypeAlias = float | Tensor
Reals: TypeAlias = tuple[Real, Real, Real] | Tensor


@dataclass(frozen=True, slots=True)
class Detector:
    """Where the pixels are.

    Attributes:
        convention: MOSFLM, DENZO, ADXV, XDS, DIALS or CUSTOM.
        pivot: BEAM or SAMPLE, the point that rotations leave fixed; None for the convention's own.
        fpixels: pixels along fast, 0 to take them from the size.
        spixels: pixels along slow.
        size_f_mm: size along fast, used if `fpixels` is 0.
        size_s_mm: size along slow.
        pixel_mm: edge of a pixel.
        distance_mm: along the beam, unless the close distance is given.
        close_distance_mm: shortest distance to the detector plane; overrides `distance_mm`.
        Xbeam_mm: beam centre in the convention's own axes.
        Ybeam_mm: beam centre in the convention's own axes.
        Xclose_mm: nearest point, along fast.
        Yclose_mm: nearest point, along slow.
        ORGX: nearest point in pixels from 1, along fast.
        ORGY: nearest point in pixels from 1, along slow.
        rotx_deg: rotation about the laboratory's x.
        roty_deg: rotation about y.
        rotz_deg: rotation about z.
        twotheta_deg: rotation about `twotheta_axis`.
        fdet_vector: fast axis; this and the other vectors are used in the CUSTOM convention.
        sdet_vector: slow axis.
        odet_vector: normal.
        twotheta_axis: used as it is, not normalised.
        pix0_vector_m: origin; used only where the quirk `pix0-inert` is off.
        curved: bent around the sample.
        point_pixel: pixels without area.
        thick_um: thickness of the sensor.
        mu_per_m: absorption coefficient, negative for 1/thickness.
        thicksteps: sensor layers, 0 for the program's choice.
    """

    convention: str = "MOSFLM"
    pivot: str | None = None
    fpixels: int = 0
    spixels: int = 0
    size_f_mm: float = 102.4
    size_s_mm: float = 102.4
    pixel_mm: Real = 0.1
    distance_mm: Real = 100.0
    close_distance_mm: Real | None = None
    Xbeam_mm: Real | None = None
    Ybeam_mm: Real | None = None
    Xclose_mm: Real | None = None
    Yclose_mm: Real | None = None
    ORGX: Real | None = None
    ORGY: Real | None = None
    rotx_deg: Real = 0.0
    roty_deg: Real = 0.0
    rotz_deg: Real = 0.0
    twotheta_deg: Real = 0.0
    fdet_vector: Reals | None = None
    sdet_vector: Reals | None = None
    odet_vector: Reals | None = None
    twotheta_axis: Reals | None = None
    pix0_vector_m: Reals | None = None
    curved: bool = False
    point_pixel: bool = False
    thick_um: Real = 0.0
    mu_per_m: Real = -1.0
    thicksteps: int = 0


@dataclass(frozen=True, slots=True)
class Beam:
    """What comes in.

    Attributes:
        lambda_A: central wavelength.
        fluence: photons per m², unless flux is given.
        flux: photons per s; 0 if not given.
        exposure_s: exposure time.
        beamsize_mm: also limits the crystal along y and z.
        polarization: Kahn's factor.
        nopolar: switch the polarization factor off.
        beam_vector: direction; this and the other vector are used in the CUSTOM convention.
        polar_vector: direction of the polarization.
    """

    lambda_A: Real = 1.0
    fluence: Real = DEFAULT_FLUENCE
    flux: Real = 0.0
    exposure_s: Real = 1.0
    beamsize_mm: Real = 0.1
    polarization: Real = 0.0
    nopolar: bool = False
    beam_vector: Reals | None = None
    polar_vector: Reals | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """Directions and wavelengths: a grid, or a list.

    Attributes:
        hdivrange_mrad: horizontal divergence, negative if not given.
        hdivstep_mrad: its step, ≤ 0 if not given.
        hdivsteps: its count, ≤ 0 if not given.
        vdivrange_mrad: vertical divergence.
        vdivstep_mrad: its step.
        vdivsteps: its count.
        dispersion_pct: range of wavelengths.
        dispsteps: count of wavelengths.
        round_div: cut the corners of the grid of directions.
        directions: (n, 3) from the sample to each source, any length; replaces the grid.
        wavelengths_m: (n,) of each source [m], nan for the central one.
    """

    hdivrange_mrad: float = -1.0
    hdivstep_mrad: float = -1.0
    hdivsteps: int = 0
    vdivrange_mrad: float = -1.0
    vdivstep_mrad: float = -1.0
    vdivsteps: int = 0
    dispersion_pct: float = 0.0
    dispsteps: int = 0
    round_div: bool = True
    directions: NDArray[np.float64] | None = None
    wavelengths_m: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class Crystal:
    """What diffracts.

    Attributes:
        cell: a, b, c [Å], alpha, beta, gamma [degrees]; 0 for the program's choice; None with a matrix.
        matrix: (3, 3) orientation matrix, columns a*, b*, c* in units of 1e-10/wavelength[m].
        misset_deg: missetting about x, y, z.
        misset_random: draw the missetting from `misset_seed`.
        misset_seed: as the program holds it (the flag's value negated).
        Na: cells along a.
        Nb: cells along b.
        Nc: cells along c.
        size_x_mm: crystal size along a, which replaces `Na`; 0 if not given.
        size_y_mm: along b.
        size_z_mm: along c.
        shape: SQUARE, ROUND, GAUSS or TOPHAT.
        fudge: widening of the spots, ignored by SQUARE.
        mosaic_spread_deg: largest mosaic rotation, negative if not given.
        mosaic_domains: ≤ 0 if not given.
        mosaic_seed: as the program holds it (the flag's value negated).
        default_F: structure factor outside the table.
        F: (nh, nk, nl) structure factors, None for none.
        F_low: Miller indices of `F[0, 0, 0]`.
        hkls: reflections read, for the record.
        water_um: edge of the water cube that gives the background.
    """

    cell: tuple[Real, Real, Real, Real, Real, Real] | Tensor | None = None
    matrix: NDArray[np.float64] | Tensor | None = None
    misset_deg: Reals = (0.0, 0.0, 0.0)
    misset_random: bool = False
    misset_seed: int = -1
    Na: int = 1
    Nb: int = 1
    Nc: int = 1
    size_x_mm: float = 0.0
    size_y_mm: float = 0.0
    size_z_mm: float = 0.0
    shape: str = "SQUARE"
    fudge: Real = 1.0
    mosaic_spread_deg: Real = -1.0
    mosaic_domains: int = 0
    mosaic_seed: int = -12345678
    default_F: Real = 0.0
    F: Tensor | None = None
    F_low: tuple[int, int, int] = (0, 0, 0)
    hkls: int = 0
    water_um: Real = 0.0


@dataclass(frozen=True, slots=True)
class Sampling:
    """What is computed and how finely.

    Attributes:
        phi_deg: start of the rotation.
        osc_deg: its range, negative if not given.
        phistep_deg: its step, negative if not given.
        phisteps: its count, negative if not given.
        spindle_axis: used in the CUSTOM convention.
        oversample: subpixels along each edge, ≤ 0 for the program's choice.
        oversample_thick: apply the capture fraction at every step.
        oversample_polar: apply the polarization factor at every step.
        oversample_omega: apply the solid angle at every step.
        roi: xmin, xmax, ymin, ymax, inclusive, x is fast; negative for the whole detector.
        mask: (slow, fast), True where a pixel is rendered.
        interpolate: tricubic interpolation; None for the program's choice.
        dmin_A: resolution cut, 0 for none.
    """

    phi_deg: float = 0.0
    osc_deg: float = -1.0
    phistep_deg: float = -1.0
    phisteps: int = -1
    spindle_axis: Reals | None = None
    oversample: int = -1
    oversample_thick: bool = False
    oversample_polar: bool = False
    oversample_omega: bool = False
    roi: tuple[int, int, int, int] = (-1, -1, -1, -1)
    mask: NDArray[np.bool_] | None = None
    interpolate: bool | None = None
    dmin_A: float = 0.0


@dataclass(frozen=True, slots=True)
class Experiment:
    """All of it.

    Attributes:
        detector: where the pixels are.
        beam: what comes in.
        crystal: what diffracts.
        sources: directions and wavelengths.
        sampling: what is computed.
        quirks: names of the quirks that are on.
        threads: how many threads of the C program to imitate (quirk `stale-phi-zero`).
        fma: imitate a build with fused multiply-add where that changes results in kind.
    """

    detector: Detector = field(default_factory=Detector)
    beam: Beam = field(default_factory=Beam)
    crystal: Crystal = field(default_factory=Crystal)
    sources: Sources = field(default_factory=Sources)
    sampling: Sampling = field(default_factory=Sampling)
    quirks: frozenset[str] = PROFILES[DEFAULT_PROFILE]
    threads: int = 1
    fma: bool = False
