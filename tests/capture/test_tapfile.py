"""Tap files: what is read from them, and what is said about bad ones."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from braggtrace.capture.tapfile import LEVELS, load_taps, shipped_taps
from braggtrace.errors import TapFileError
from braggtrace.quantities import lookup
from tests.conftest import ROOT

SMALL = "format = 1\n[pixel]\nbefore = 'I = 0'\nslow = 's'\nfast = 'f'\n"


def loaded(tmp_path: Path, text: str) -> None:
    """Load a text as a tap file."""
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    load_taps(path)


def test_shipped_taps_know_only_names_of_the_catalogue() -> None:
    """So that a captured trace needs no map; every level is used, every pattern is a pattern."""
    taps = load_taps()
    takes = [take for _, take in taps.takes()]
    assert {take.level for take in takes} == set(LEVELS)
    for take in takes:
        quantity = lookup(take.quantity)
        assert quantity is not None
        assert quantity.name == take.quantity
        assert all(len(components) == quantity.size for components in take.alternatives)
    assert shipped_taps().startswith("# Taps for nanoBragg")


def test_shipped_taps_cover_what_traces_have() -> None:
    """Every quantity that a C trace has by section 12 of the behaviour reference, but the count that we add."""
    own = {take.quantity for _, take in load_taps().takes()}
    derived = {"hkl_frac", "hkl_rounded", "innermost_iterations", "roi"}
    assert {
        "pix0_vector_meters", "fdet_vec", "sdet_vec", "pixel_pos_meters", "R_distance_meters", "omega_pixel_sr",
        "close_distance_meters", "obliquity_factor", "diffracted_vec", "incident_vec", "lambda_meters",
        "lambda_angstroms", "scattering_vec_A_inv", "rot_a_angstroms", "a_star", "F_latt_a", "F_latt", "F_cell",
        "I_before_scaling", "r_e_sqr", "fluence_photons_per_m2", "steps", "oversample_thick", "capture_fraction",
        "polar", "omega_pixel", "cos_2theta", "I_pixel_final", "floatimage_accumulated",
    } <= own | derived  # fmt: skip


def test_components_and_units() -> None:
    """Commas part components, outside brackets; a unit is converted to the catalogue's."""
    takes = {(take.level, take.quantity): take for _, take in load_taps().takes()}
    assert takes["iteration", "rot_a_angstroms"].alternatives == (("a[1]", "a[2]", "a[3]"),)
    assert takes["iteration", "rot_a_angstroms"].factor == 1e10
    assert takes["iteration", "phi_deg"].factor == 180.0 * (1.0 / math.pi)
    assert len(takes["mosaic", "u"].alternatives[0]) == 9
    assert takes["iteration", "F_latt_a"].alternatives[1] == ("Na > 1 ? sincg(3.14159265358979323846*h, Na) : 1.0",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = ", "not TOML"),
        ("title = 'x'", "unknown format; expected format = 1, got none"),
        ("format = 2", "unknown format"),
        ("format = 1", "there is no table [pixel]"),
        (SMALL + "colour = 'red'", "unknown key 'pixel.colour'"),
        (SMALL.replace("before = 'I = 0'\n", ""), "place 'pixel' must say where to stop"),
        (SMALL.replace("I = 0", "("), "bad pattern"),
        (SMALL.replace("slow = 's'", "slow = 3"), "'pixel.slow' is no text"),
        (
            SMALL + "run = { F_latt = 'a, b' }",
            "'pixel.run.F_latt' has the wrong number of components; expected 1, got 2",
        ),
        (SMALL + "run = { F_latt = '' }", "is no text"),
        (SMALL + "run = { F_latt = 'a,' }", "empty expression"),
        (SMALL + "run = { rot_a = 'v[1..3]' }", "another name of a known quantity; expected rot_a_angstroms"),
        (SMALL + "run = { 'a b' = 'x' }", "'pixel.run.a b' is no name"),
        (SMALL + "run = { phi_deg = { expr = 'phi', unit = 'm' } }", "wrong unit"),
        (SMALL + "run = { phi_deg = { expr = 'phi', unit = 'parsec' } }", "unknown unit"),
        (SMALL + "run = { phi_deg = { expr = 'phi', of = 'previous' } }", "makes no sense here"),
        (SMALL + "[[place]]\nbefore = 'x'", "a place has no name of its own"),
        (SMALL + "[[place]]\nname = 'a'\nbefore = 'x'\nafter = 'y'", "either before or after"),
        (SMALL + "[[place]]\nname = 'a'\nbefore = 'x'\n[[place]]\nname = 'a'\nbefore = 'x'", "no name of its own"),
        (SMALL + "[[place]]\nname = 'a'\nbefore = 'x'\npixel = {q = {expr = 'x', unless = 'b'}}", "names no place"),
        (SMALL + "[coordinates]\nphi = 'p'", "unknown key 'coordinates.phi'"),
        (SMALL + "[program]\nroi = 3", "'program.roi' is no text"),
        (SMALL.replace("[pixel]", "place = 3\n[pixel]"), "'place' is no list of tables"),
    ],
)
def test_bad_tap_files(tmp_path: Path, text: str, words: str) -> None:
    """The message names the file and the key."""
    with pytest.raises(TapFileError, match=re.escape(words)) as failure:
        loaded(tmp_path, text)
    assert "own.toml" in str(failure.value)


def test_example_of_the_page_is_a_tap_file(tmp_path: Path) -> None:
    """docs/capture.md shows one."""
    page = ROOT / "docs" / "capture.md"
    if not page.exists():
        pytest.skip("the pages lie in the checkout")
    [example] = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    loaded(tmp_path, example)


def test_unreadable_tap_files(tmp_path: Path) -> None:
    """Missing, a folder, no text."""
    for path in (tmp_path / "missing.toml", tmp_path):
        with pytest.raises(TapFileError, match="can't read the tap file"):
            load_taps(path)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(TapFileError, match="not UTF-8"):
        load_taps(binary)
    huge = tmp_path / "huge.toml"
    huge.write_bytes(b"#" * 2_000_000)
    with pytest.raises(TapFileError, match="too big"):
        load_taps(huge)
