"""Reading flags as the C program reads them: by substring, in order, values looked at too."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from braggtrace.errors import UsageError
from braggtrace.simulate.flags import FLAGS, Flag
from braggtrace.simulate.quirks import PROFILES
from braggtrace.simulate.scanning import Scan, atof, atoi, scan_flags
from braggtrace.simulate.setup import setup_from_flags

LEGACY, SPEC = PROFILES["legacy"], PROFILES["spec"]


def scan(line: str, quirks: frozenset[str] = LEGACY) -> Scan:
    """A line of flags, read."""
    return scan_flags(line.split(), quirks)


def warned(result: Scan, text: str) -> bool:
    """Whether a warning holds this text."""
    return any(text in warning for warning in result.warnings)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("-lambda 1.5", {"lambda_A": 1.5}),
        ("--distance 231", {"distance_mm": 231.0, "pivot": "BEAM"}),
        ("-xfoo-lambda 1.5", {"lambda_A": 1.5}),
        ("-wavelength 1.5", {"lambda_A": 1.5}),
        ("-energy 12398.42", {"lambda_A": 1.0}),
        ("-N 7", {"Na": 7, "Nb": 7, "Nc": 7}),
        ("-Nb 7", {"Nb": 7}),
        ("-detpixels 30", {"fpixels": 30, "spixels": 30}),
        ("-detpixels_x 30 -detpixels_y 40", {"fpixels": 30, "spixels": 40}),
        ("-detsize 30", {"size_f_mm": 30.0, "size_s_mm": 30.0}),
        ("-detsize_s 30", {"size_s_mm": 30.0}),
        ("-phisteps 4 -phi 3 -phistep 0.5", {"phisteps": 4, "phi_deg": 3.0, "phistep_deg": 0.5}),
        ("-roi 1 2 3 4", {"roi": (1, 2, 3, 4)}),
        ("-misset 10 20 30", {"misset_deg": (10.0, 20.0, 30.0), "misset_random": False}),
        ("-misset random", {"misset_random": True}),
        ("-samplesize 0.2", {"size_x_mm": 0.2, "size_y_mm": 0.2, "size_z_mm": 0.2}),
        ("-xtal_y 0.2", {"size_y_mm": 0.2}),
        ("-mosaic_domains 5", {"mosaic_domains": 5}),
        ("-mosaic 0.5 -mosaic_dom 5", {"mosaic_spread_deg": 0.5, "mosaic_domains": 5}),
        ("-mosaicity 0.5", {"mosaic_spread_deg": 0.5}),
        ("-hdivstep 3 -hdivsteps 4", {"hdivstep_mrad": 3.0, "hdivsteps": 4}),
        ("-divsteps 4", {"hdivsteps": 4, "vdivsteps": 4}),
        ("-seed 5 -mosaic_seed 6", {"seed": -5, "mosaic_seed": -6}),
        ("-detector_abs 500", {"mu_per_m": 1.0 / 500e-6}),
        ("-detector_abs inf", {"mu_per_m": 0.0, "thick_um": 0.0}),
        ("-detector_thick 450", {"thick_um": 450.0}),
        ("-polar 0.9", {"polarization": 0.9, "nopolar": False}),
        ("-nopolar", {"nopolar": True}),
        ("-xds", {"convention": "XDS", "pivot": "SAMPLE"}),
        ("-dials", {"convention": "DIALS"}),
        ("-pivot sample", {"pivot": "SAMPLE"}),
        ("-gauss_xtal", {"shape": "GAUSS"}),
        ("-binary_spots", {"shape": "TOPHAT"}),
        ("-nopgm", {"pgm": False}),
        ("-pgmscale 2", {"pgmscale": 2.0, "pgm": True}),
        ("-noisefile a.img", {"noisefile": "a.img", "noise": True}),
        ("-cell 70 80 90", {"cell": (70.0, 80.0, 90.0, 0.0, 0.0, 0.0)}),
        ("-nointerpolate", {"interpolate": False}),
        ("-curved_det -nopgm", {"curved": True, "pgm": False}),
    ],
)
def test_what_a_line_sets(line: str, expected: dict[str, Any]) -> None:
    """Exactly these fields, with these values."""
    assert scan(line).values == expected


PLAIN = [flag for flag in FLAGS if flag.takes in ("f", "i", "s") and not flag.inert]
WORDS = [spelling for flag in FLAGS for spelling in flag.spellings] + ["1", "-2", "x", "0.5", "random"]


@pytest.mark.parametrize("flag", PLAIN, ids=lambda flag: flag.spellings[0])
def test_every_spelling_sets_its_fields(flag: Flag) -> None:
    """Each row of the table does what it says, with each of its spellings."""
    for spelling in flag.spellings:
        result = scan(" ".join([spelling, *(str(3 + place) for place in range(flag.count))]))
        expected = {*flag.sets, *(name for name, _ in flag.effects)}
        assert expected <= set(result.values)
        assert all(str(result.origins[name]) == spelling for name in expected)


@pytest.mark.parametrize("line", ["--phi 3", "--N 7", "-phi3 4", "-MWx 5", "-xdetector_thick 5", "-hdivstepx 3"])
def test_some_spellings_must_be_whole(line: str) -> None:
    """A flag with a length or an exact match is not found inside a longer word."""
    result = scan(line)
    assert not result.values
    assert warned(result, "no known flag")


def test_oversample_does_not_take_its_relatives() -> None:
    """-oversample_thick, _polar and _omega end matching, so that they set no number of subpixels."""
    result = scan("-oversample_thick -oversample_polar -oversample_omega 5")
    assert result.values == {"oversample_thick": True, "oversample_polar": True, "oversample_omega": True}
    assert scan("-oversample_omega -oversample 3").values == {"oversample_omega": True, "oversample": 3}


def test_misset_seed_eats_the_next_words() -> None:
    """Three words after -misset_seed become angles, with a warning; without the quirk, or with fewer, they don't."""
    swallowed = scan("-misset_seed 5 -nopgm -nonoise")
    assert swallowed.values["misset_deg"] == (5.0, 0.0, 0.0)
    assert swallowed.values["misset_seed"] == -5
    assert warned(swallowed, "also sets the missetting angles to 5 -nopgm -nonoise")
    assert "misset_deg" not in scan("-misset_seed 5").values
    assert "misset_deg" not in scan("-misset_seed 5 -nopgm").values
    clean = scan("-misset_seed 5 -nopgm -nonoise", SPEC)
    assert "misset_deg" not in clean.values
    assert not clean.warnings


def test_twotheta_axis_sets_an_angle() -> None:
    """-twotheta_axis also fires -twotheta with its first number, with a warning; in any order the last one wins."""
    result = scan("-twotheta 20 -twotheta_axis 0 1 0")
    assert result.values["twotheta_axis"] == (0.0, 1.0, 0.0)
    assert result.values["twotheta_deg"] == 0.0
    assert result.values["convention"] == "CUSTOM"
    assert result.values["pivot"] == "SAMPLE"
    assert warned(result, "also sets two-theta to 0 degrees")
    assert scan("-twotheta_axis 0 1 0 -twotheta 20").values["twotheta_deg"] == 20.0
    assert scan("-twotheta 20 -twotheta_axis 0 1 0", SPEC).values["twotheta_deg"] == 20.0


@pytest.mark.parametrize(("spelling", "divisor"), [("-pix0_vector", 1.0), ("-pix0_vector_mm", 1000.0)])
def test_pix0_is_inert(spelling: str, divisor: float) -> None:
    """The vector only selects the custom convention, with a warning; the clean meaning has metres or millimetres."""
    result = scan(f"{spelling} 100 -50 50")
    assert result.values["convention"] == "CUSTOM"
    assert warned(result, "never used")
    clean = scan(f"{spelling} 100 -50 50", SPEC)
    assert clean.values["pix0_vector_m"] == (100.0 / divisor, -50.0 / divisor, 50.0 / divisor)
    assert "convention" not in clean.values
    assert not clean.warnings


def test_values_are_not_consumed() -> None:
    """A value that starts with a dash is tried as a flag as well, with a warning."""
    result = scan("-hkl -phi 3")
    assert result.values == {"hklfile": "-phi", "phi_deg": 3.0}
    assert warned(result, "-phi is a value of -hkl, and acts as the flag -phi too")
    assert scan("-misset 10 -20 30").warnings == []


def test_the_cell_ends_at_a_dash() -> None:
    """-cell reads up to six words, and leaves what it lacks as it was."""
    result = scan("-cell 70 80 90 91 92 93 -cell 71 -phi 3")
    assert result.values["cell"] == (71.0, 80.0, 90.0, 91.0, 92.0, 93.0)
    assert result.values["phi_deg"] == 3.0


def test_later_flags_override() -> None:
    """The last one wins, and one hears of it."""
    result = scan("-lambda 1 -energy 12398.42 -lambda 2 -distance 100 -distance 200")
    assert result.values["lambda_A"] == 2.0
    assert str(result.origins["lambda_A"]) == "-lambda"
    assert result.values["distance_mm"] == 200.0
    assert warned(result, "-distance 200 replaces 100.0 from -distance")


def test_conventions_and_vectors() -> None:
    """The last of convention and vector flags wins; without the quirk vectors leave the convention alone."""
    assert scan("-xds -beam_vector 0 0 1").values["convention"] == "CUSTOM"
    late = scan("-beam_vector 0 0 1 -xds")
    assert late.values["convention"] == "XDS"
    assert warned(late, "discards -beam_vector")
    assert scan("-xds -beam_vector 0 0 1", SPEC).values["convention"] == "XDS"
    assert warned(scan("-xds -pivot beam"), "-pivot is ignored")


@pytest.mark.parametrize(
    ("line", "warning"),
    [
        ("-frobnicate 3", "-frobnicate is no known flag and is ignored"),
        ("-distance", "-distance is ignored: values are missing after it"),
        ("-misset 10 20", "-misset is ignored: values are missing after it"),
        ("-roi 1 2 3", "-roi is ignored"),
        ("-curved_det", "-curved_det is ignored"),
        ("-lambda x", "-lambda x: read as 0"),
        ("-lambda 1.5A", "-lambda 1.5A: read as 1.5"),
        ("--distance 100", "--distance acts as -distance, which it contains"),
        ("-density 1.2 -coherent", "without effect: -density -coherent"),
        ("-flux 1e12 -fluence 1e20", "computed from -flux, -exposure and -beamsize and replaces -fluence"),
        ("-distance 100 -close_distance 99", "-close_distance overrides -distance"),
    ],
)
def test_what_a_person_should_know(line: str, warning: str) -> None:
    """What is ignored, misread or surprising is said."""
    assert warned(scan(line), warning)


def test_a_usual_script_is_no_news() -> None:
    """Ordinary flags are not commented on."""
    line = (
        "-hkl P1.hkl -mat A.mat -lambda 0.9768 -distance 231.27466 -pixel 0.172 -detpixels_x 2463 -detpixels_y 2527"
        " -ORGX 1231.5 -ORGY 1263.5 -osc 0.1 -phi 0 -phisteps 10 -oversample 1 -Na 36 -Nb 47 -Nc 29"
        " -Xbeam 217.742295 -Ybeam 213.907080 -fluence 1e24 -floatfile out.bin -nonoise -nopgm"
    )
    assert scan(line).warnings == []


@pytest.mark.parametrize("flag", ["-detector_abs", "-detector_thick", "-detector_thicksteps", "-thicksteps"])
def test_where_the_c_program_crashes(flag: str) -> None:
    """A sensor flag without its value is an error where the program crashes, and ignored where it is guarded."""
    with pytest.raises(UsageError, match="crashes"):
        scan(flag)
    assert scan(flag, PROFILES["guarded"]).values == {}


def test_curved_detector_as_the_last_word() -> None:
    """Only the guarded program and `spec` take it."""
    assert scan("-curved_det").values == {}
    assert scan("-curved_det", PROFILES["guarded"]).values == {"curved": True}


def test_zero_energy() -> None:
    """No wavelength follows from it."""
    with pytest.raises(UsageError, match="energy is 0"):
        scan("-energy 0")


def test_nothing_in_words_without_a_dash() -> None:
    """Only words that start with a dash are flags."""
    assert scan("lambda 3 distance 4").values == {}


def test_origins_reach_the_setup() -> None:
    """Each field knows the flag and its place."""
    line = "-cell 70 80 90 90 90 90 -default_F 5 -N 3"
    setup = setup_from_flags(line.split(), LEGACY)
    assert setup.origins["default_F"] == "-default_F (word 8)"
    assert setup.origins["Nc"] == "-N (word 10)"
    assert "distance_mm" not in setup.origins


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["", "mm", " x", "e", "e+"]))
def test_numbers_are_read_as_far_as_they_go(number: float, rest: str) -> None:
    """A number and rubbish behind it is that number."""
    assert atof(f"{number!r}{rest}") == number
    assert math.isclose(atof(f" \t{number!r}"), number)


@given(st.integers(-(2**31), 2**31 - 1), st.sampled_from(["", ".9", "e3", "x"]))
def test_integers_end_at_the_point(number: int, rest: str) -> None:
    """An integer ends where it is none any more."""
    assert atoi(f"{number}{rest}") == number


@given(st.lists(st.sampled_from(WORDS), max_size=12))
def test_no_list_of_flags_is_a_bug(words: list[str]) -> None:
    """Any list is read, or refused as wrong usage."""
    for quirks in (LEGACY, SPEC):
        try:
            result = scan_flags(words, quirks)
        except UsageError:
            continue
        assert set(result.values) == set(result.origins)
