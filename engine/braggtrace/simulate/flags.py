"""The flags of nanoBragg as one table, which drives parsing, help and documentation.

A row: spellings | match | values | unit | sets | effects | help.

match: S, the spelling occurs anywhere in the argument; E, it is the argument; L, it occurs and has the argument's length.
An m after it ends matching for this argument.
values: how many words follow and what they are: 1f, 3f floats, 1i, 4i integers, 1s text, - none, * special.
    A † means that the C program reads past the end where they are missing.
sets: the fields they set, in order (`braggtrace.simulate.experiment`, or output options).
effects: fields set besides, as name=value.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FLAGS", "Flag"]

# ruff: noqa: E501 - one row a flag, however long
_ROWS = """
-Na | Sm | 1i | cells | Na | | cells along a
-Nb | Sm | 1i | cells | Nb | | cells along b
-Nc | Sm | 1i | cells | Nc | | cells along c
-N | Em | 1i | cells | Na Nb Nc | | cells along each axis
-cell | S | *cell | Å, degrees | cell | | unit cell a b c alpha beta gamma; reading stops at a word that starts with -
-misset | S | *misset | degrees | misset_deg | | missetting about x, y, z; or the word random
-samplesize -sample_size -xtalsize -xtal_size | S | 1f | mm | size_x_mm size_y_mm size_z_mm | | crystal size on all axes
-sample_thick -sample_x -xtal_thick -xtal_x | S | 1f | mm | size_x_mm | | crystal size along a
-sample_width -sample_y -width -xtal_width -xtal_y | S | 1f | mm | size_y_mm | | crystal size along b
-sample_heigh -sample_z -heigh -xtal_heigh -xtal_z | S | 1f | mm | size_z_mm | | crystal size along c
-density -sample_den | S | 1f | g/cm³ | - | | no effect
-MW | E | 1f | g/mol | - | | no effect
-molec | S | 1f | g/mol | - | | no effect
-Xbeam | S | 1f | mm | Xbeam_mm | pivot=BEAM | beam centre X, in the convention's axes
-Ybeam | S | 1f | mm | Ybeam_mm | pivot=BEAM | beam centre Y
-Xclose | S | 1f | mm | Xclose_mm | pivot=SAMPLE | nearest point X
-Yclose | S | 1f | mm | Yclose_mm | pivot=SAMPLE | nearest point Y
-ORGX | S | 1f | pixels | ORGX | pivot=SAMPLE | nearest point along fast, from 1
-ORGY | S | 1f | pixels | ORGY | pivot=SAMPLE | nearest point along slow, from 1
-pivot | S | *pivot | | pivot | | sample or beam: the point that detector rotations leave fixed
-mosflm | S | - | | | convention=MOSFLM pivot=BEAM | MOSFLM convention
-xds | S | - | | | convention=XDS pivot=SAMPLE | XDS convention
-adxv | S | - | | | convention=ADXV pivot=BEAM | ADXV convention
-denzo | S | - | | | convention=DENZO pivot=BEAM | DENZO convention
-dials | S | - | | | convention=DIALS | DIALS convention
-fdet_vector | S | 3f | | fdet_vector | convention=CUSTOM | fast axis; selects the custom convention
-sdet_vector | S | 3f | | sdet_vector | convention=CUSTOM | slow axis; selects the custom convention
-odet_vector | S | 3f | | odet_vector | convention=CUSTOM | detector normal; selects the custom convention
-beam_vector | S | 3f | | beam_vector | convention=CUSTOM | beam direction; selects the custom convention
-polar_vector | S | 3f | | polar_vector | convention=CUSTOM | polarization direction; selects the custom convention
-spindle_axis | S | 3f | | spindle_axis | convention=CUSTOM | phi rotation axis; selects the custom convention
-twotheta_axis | S | 3f | | twotheta_axis | convention=CUSTOM | two-theta axis; selects the custom convention
-pix0_vector | S | *pix0 | m | pix0_vector_m | convention=CUSTOM | selects the custom convention; its numbers are not used
-distance | S | 1f | mm | distance_mm | pivot=BEAM | sample to detector along the beam
-close_distance | S | 1f | mm | close_distance_mm | pivot=SAMPLE | shortest distance to the detector plane; overrides -distance
-detector_abs | S | *abs† | µm | mu_per_m | | absorption depth of the sensor; inf or 0: no sensor
-detector_thick | L | 1f† | µm | thick_um | | thickness of the sensor
-detector_thicksteps -thicksteps | S | 1i† | layers | thicksteps | | sensor layers
-twotheta | S | *twotheta | degrees | twotheta_deg | pivot=SAMPLE | two-theta
-detector_rotx | S | 1f | degrees | rotx_deg | | detector rotation about x
-detector_roty | S | 1f | degrees | roty_deg | | detector rotation about y
-detector_rotz | S | 1f | degrees | rotz_deg | | detector rotation about z
-detsize | L | 1f | mm | size_f_mm size_s_mm | | detector size
-detsize_f | S | 1f | mm | size_f_mm | | detector size along fast
-detsize_s | S | 1f | mm | size_s_mm | | detector size along slow
-detpixels | L | 1i | pixels | fpixels spixels | | detector size
-detpixels_f -detpixels_x | S | 1i | pixels | fpixels | | pixels along fast
-detpixels_s -detpixels_y | S | 1i | pixels | spixels | | pixels along slow
-curved_det | S | *curved | | | | detector curved around the sample; needs a word after it
-pixel | S | 1f | mm | pixel_mm | | edge of a pixel
-point_pixel | S | - | | | point_pixel=1 | pixels without area
-polar | L | 1f | | polarization | nopolar=0 | Kahn's polarization factor
-nopolar | S | - | | | nopolar=1 | no polarization factor
-oversample_thick | Sm | - | | | oversample_thick=1 | apply the capture fraction at every step
-oversample_polar | Sm | - | | | oversample_polar=1 | apply the polarization factor at every step
-oversample_omega | Sm | - | | | oversample_omega=1 | apply the solid angle at every step
-oversample | S | 1i | subpixels | oversample | | subpixels along each edge of a pixel
-roi | S | 4i | pixels | roi | | xmin xmax ymin ymax, inclusive, x is fast
-lambda -wave | S | 1f | Å | lambda_A | | wavelength
-energy | S | *energy | eV | lambda_A | | photon energy
-fluence | S | 1f | photons/m² | fluence | | photons per area
-flux | S | 1f | photons/s | flux | | with -exposure and -beamsize replaces the fluence
-exposure | S | 1f | s | exposure_s | | exposure time
-beamsize | S | 1f | mm | beamsize_mm | | beam size; also limits the crystal along b and c
-mosaic | L | 1f | degrees | mosaic_spread_deg | | largest mosaic rotation
-mosaici -mosaic_spr | S | 1f | degrees | mosaic_spread_deg | | largest mosaic rotation
-mosaic_dom | S | 1i | domains | mosaic_domains | | mosaic domains
-dispersion | S | 1f | percent | dispersion_pct | | range of wavelengths
-dispsteps | S | 1i | wavelengths | dispsteps | | number of wavelengths
-divergence | S | 1f | mrad | hdivrange_mrad vdivrange_mrad | | divergence, both directions
-hdivrange | S | 1f | mrad | hdivrange_mrad | | horizontal divergence
-vdivrange | S | 1f | mrad | vdivrange_mrad | | vertical divergence
-hdivstep | L | 1f | mrad | hdivstep_mrad | | step of the horizontal divergence
-vdivstep | L | 1f | mrad | vdivstep_mrad | | step of the vertical divergence
-hdivsteps | S | 1i | directions | hdivsteps | | number of horizontal directions
-vdivsteps | S | 1i | directions | vdivsteps | | number of vertical directions
-divsteps | S | 1i | directions | hdivsteps vdivsteps | | number of directions each way
-round_div | S | - | | | round_div=1 | cut the corners of the grid of directions
-square_div | S | - | | | round_div=0 | keep the corners of the grid of directions
-adc | S | 1f | counts | adc | | offset of integer and noise images
-phi | L | 1f | degrees | phi_deg | | start of the rotation
-osc | S | 1f | degrees | osc_deg | | range of the rotation
-phistep | L | 1f | degrees | phistep_deg | | step of the rotation
-phisteps | S | 1i | steps | phisteps | | number of phi steps
-dmin | S | 1f | Å | dmin_A | | resolution cut
-mat | S | 1s | | matfile | | orientation matrix, as MOSFLM writes it
-hkl | S | 1s | | hklfile | | reflections: text, MTZ or mmCIF
-sourcefile | S | 1s | | sourcefile | | list of sources
-default_F | S | 1f | | default_F | | structure factor of what is not in the table
-dump | S | 1s | | dumpfile | | cache of the reflection table
-img | S | 1s | | img | | image whose header describes the camera; read before all other flags
-mask | S | 1s | | mask | | image whose zeros are not rendered; its header describes the camera
-stolout | S | 1s | | - | | never written
-stol | L | 1s | | - | | no effect
-4stol | L | 1s | | - | | no effect
-Q | L | 1s | | - | | no effect
-floatfile -floatimage | S | 1s | | floatfile | | float image
-intfile -intimage | S | 1s | | intfile | | integer image (SMV)
-pgmfile -pgmimage | S | 1s | | pgmfile | pgm=1 | PGM image
-noisefile -noiseimage | S | 1s | | noisefile | noise=1 | image with photon noise (SMV)
-nonoise | S | - | | | noise=0 | no noise image
-nopgm | S | - | | | pgm=0 | no PGM image
-scale | S | 1f | | scale | | scale of the integer image
-pgmscale | S | 1f | | pgmscale | pgm=1 | scale of the PGM image
-coherent | S | - | | - | | no effect
-printout | S | - | | - | | no effect here
-printout_pixel | S | 2i | pixels | - | | no effect here
-noprogress | S | - | | | progress=0 | no progress bar
-progress | S | - | | | progress=1 | a progress bar
-interpolate | S | - | | | interpolate=1 | tricubic interpolation of structure factors
-nointerpolate | S | - | | | interpolate=0 | nearest structure factor
-round_xtal | S | - | | | shape=ROUND | ellipsoid crystal
-square_xtal | S | - | | | shape=SQUARE | parallelepiped crystal
-gauss_xtal | S | - | | | shape=GAUSS | Gaussian spots
-tophat_spots -binary_spots | S | - | | | shape=TOPHAT | spots of constant height
-fudge | S | 1f | | fudge | | widening of spots, ignored by parallelepipeds
-seed | S | *seed | | seed | | of the photon noise
-mosaic_seed | S | *seed | | mosaic_seed | | of the mosaic domains
-misset_seed | S | *seed | | misset_seed | | of the random missetting
-water | S | 1f | µm | water_um | | edge of the water cube that gives the background
"""


@dataclass(frozen=True, slots=True)
class Flag:
    """A row of the table.

    Attributes:
        spellings: what is looked for in an argument.
        match: "S", "E" or "L".
        stops: matching of this argument ends when it fires.
        takes: kind of the words that follow: "f", "i", "s", "" for none, or the name of a special rule.
        count: how many words follow.
        unguarded: the C program crashes where they are missing.
        unit: of the values.
        sets: the fields they set.
        effects: fields set besides, to a word.
        help: one line for people.
    """

    spellings: tuple[str, ...]
    match: str
    stops: bool
    takes: str
    count: int
    unguarded: bool
    unit: str
    sets: tuple[str, ...]
    effects: tuple[tuple[str, str], ...]
    help: str

    def matches(self, argument: str) -> str | None:
        """The spelling with which the flag fires on an argument."""
        for spelling in self.spellings:
            found = argument == spelling if self.match == "E" else spelling in argument
            if found and (self.match != "L" or len(argument) == len(spelling)):
                return spelling
        return None

    @property
    def inert(self) -> bool:
        """It changes nothing."""
        return self.sets == ("-",) or (not self.sets and not self.effects and not self.takes)


_SPECIAL_COUNT = {
    "cell": 1,
    "misset": 1,
    "pivot": 1,
    "pix0": 3,
    "abs": 1,
    "twotheta": 1,
    "curved": 1,
    "energy": 1,
    "seed": 1,
}


def _flag(row: str) -> Flag:
    spellings, match, values, unit, sets, effects, text = (cell.strip() for cell in row.split("|"))
    unguarded = values.endswith("†")
    values = values.rstrip("†")
    if values.startswith("*"):
        takes, count = values[1:], _SPECIAL_COUNT[values[1:]]
    elif values == "-":
        takes, count = "", 0
    else:
        takes, count = values[1:], int(values[0])
    return Flag(
        spellings=tuple(spellings.split()),
        match=match[0],
        stops=match.endswith("m"),
        takes=takes,
        count=count,
        unguarded=unguarded,
        unit=unit,
        sets=tuple(sets.split()) if sets != "-" else ("-",),
        effects=tuple((name, value) for name, _, value in (effect.partition("=") for effect in effects.split())),
        help=text,
    )


FLAGS: tuple[Flag, ...] = tuple(_flag(row) for row in _ROWS.strip().splitlines())
"""Every flag, in the order in which an argument is tried against them."""
