"""Programs without any tracing of their own, read under gdb."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest

from braggtrace.capture import CaptureRequest, capture
from braggtrace.capture.model import Pixel
from braggtrace.errors import CaptureError
from tests.capture.conftest import Build
from tests.capture.programs import (
    BUILDS,
    FLAGS,
    NOT_IN_THE_SOURCE,
    Values,
    captured_values,
    different,
    full_run,
)

pytestmark = pytest.mark.usefixtures("gdb")

CASES = {
    "rotation": "",
    "subpixels": "-oversample 2 -oversample_omega -oversample_polar",
    "layers": "-detector_thick 400 -detector_thicksteps 3 -oversample 2 -oversample_thick",
    "sources": "-dispersion 2 -dispsteps 3 -mosaic 0.5 -mosaic_dom 3 -polar 0.9",
    "round": "-round_xtal -misset 3 4 5 -N 30",
    "water": "-round_xtal -water 10 -N 20",
    "cut": "-dmin 1.9 -oversample 2",
    "region": "-roi 3 9 2 12",
    "still": "-phisteps 1 -phi 10 -osc 0",
}
PIXELS: tuple[Pixel, ...] = ((2, 3), (2, 9), (3, 3), (5, 5))


def taken(program: Path, flags: tuple[str, ...], pixels: tuple[Pixel, ...], folder: Path, threads: int = 1) -> Values:
    """Capture some pixels."""
    request = CaptureRequest(str(program), flags, pixels=pixels, folder=folder, mode="gdb", threads=threads)
    result = capture(request)
    assert result.failure == ""
    return captured_values(folder, result)


def expected(
    program: Path, flags: tuple[str, ...], pixels: tuple[Pixel, ...], folder: Path, threads: int = 1
) -> Values:
    """What the program itself says about them, each in a full run."""
    found: Values = {}
    for pixel in pixels:
        found |= full_run(program, flags, pixel, folder, threads)
    return found


@pytest.mark.parametrize(
    ("name", "case"), [*(("plain", case) for case in CASES), ("openmp", "layers"), ("openmp", "sources")]
)
def test_values_are_those_that_the_program_prints(build: Build, tmp_path: Path, name: str, case: str) -> None:
    """All of them, to the last digit, though only a part of the image is rendered."""
    flags = (*FLAGS, *CASES[case].split())
    own = expected(build("self"), flags, PIXELS, tmp_path)
    captured = taken(build(name), flags, PIXELS, tmp_path)
    assert len(own) > 200
    assert own.keys() - captured.keys() == set()
    assert different(own, captured) == []


@pytest.mark.parametrize("pixel", [(0, 0), (0, 1), (7, 0), (15, 15)], ids=str)
def test_first_pixels_and_first_columns(build: Build, tmp_path: Path, pixel: Pixel) -> None:
    """At phi 0 the vectors are those that the pixel before left behind, at the start of a row those of the last row."""
    own = full_run(build("self"), FLAGS, pixel, tmp_path)
    assert different(own, taken(build("plain"), FLAGS, (pixel,), tmp_path)) == []
    [stale] = [text for where, text in own.items() if (where.family, where.name) == ("", "rot_a_angstroms")]
    unrotated = [text for where, text in own.items() if where.name == "cell_a_vec_angstroms"]
    assert (stale in unrotated) == (pixel == (0, 0))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_every_thread_starts_anew(build: Build, tmp_path: Path, threads: int) -> None:
    """The first pixel of a thread's rows comes out as with that number of threads."""
    pixels: tuple[Pixel, ...] = ((0, 0), (6, 0), (8, 0), (8, 1), (11, 0))
    own = expected(build("openmp-self"), FLAGS, pixels, tmp_path, threads)
    assert different(own, taken(build("openmp"), FLAGS, pixels, tmp_path, threads)) == []


@pytest.mark.parametrize("case", ["rotation", "subpixels", "cut", "still"])
@pytest.mark.parametrize("name", [name for name in BUILDS if name.startswith("optimised")])
def test_what_is_read_of_an_optimised_program_is_right(build: Build, tmp_path: Path, name: str, case: str) -> None:
    """Whatever can't be read is reported by name, and stands in no line."""
    flags = (*FLAGS, *CASES[case].split())
    own = expected(build("self"), flags, PIXELS, tmp_path)
    request = CaptureRequest(str(build(name)), flags, pixels=PIXELS, folder=tmp_path, mode="gdb")
    result = capture(request)
    captured = captured_values(tmp_path, result)
    assert different(own, captured) == []
    assert len(own.keys() & captured.keys()) > 8
    missing = {each.name for each in result.missing}
    short = {"rot_a": "rot_a_angstroms", "rot_b": "rot_b_angstroms", "rot_c": "rot_c_angstroms"}
    named = short | {"scattering": "scattering_vec_A_inv", "omega_pixel": "omega_pixel_sr"}
    parts = {"hkl_frac": "h_frac", "hkl_rounded": "h0"}
    for where in own.keys() - captured.keys():
        name_of_it = named.get(where.name, where.name) if where.family else parts.get(where.name, where.name)
        assert name_of_it in missing, where
    assert any("optimised out" in each.reason for each in result.missing)
    assert any("optimisation" in sentence for sentence in result.log)


def test_what_is_missing_stands_in_the_trace(build: Build, tmp_path: Path) -> None:
    """As comments that readers skip, with the reason; and the flags and the way are told."""
    request = CaptureRequest(str(build("plain")), FLAGS, pixels=((2, 3),), folder=tmp_path)
    result = capture(request)
    assert {each.name for each in result.missing} == {*NOT_IN_THE_SOURCE, "roi"}
    assert "# missing: vert_vec (no variable vert_vector)\n" in result.main_text
    assert "# braggtrace flags: -cell 70 80" in result.main_text
    assert re.search(r"^# braggtrace run: .*mode=gdb", result.main_text, re.MULTILINE)
    assert "TRACE_C_PHI" not in result.main_text
    assert result.per_phi_text.count("TRACE_C_PHI ") == 3
    assert result.mode == "gdb"


def test_nothing_is_left_in_the_users_folder(build: Build, tmp_path: Path) -> None:
    """The program's own files go elsewhere, and its inputs are found from there."""
    (tmp_path / "own.hkl").write_text("".join(f"{h} {k} 0 {10 + h * k}\n" for h in range(-3, 4) for k in range(-3, 4)))
    (tmp_path / "floatimage.bin").write_text("precious")
    flags = (*FLAGS, "-hkl", "own.hkl", "-floatfile", "floatimage.bin", "-nointerpolate")
    before = sorted(path.name for path in tmp_path.iterdir())
    request = CaptureRequest(str(build("plain")), flags, pixels=((8, 9),), folder=tmp_path)
    result = capture(request)
    assert "TRACE_C: hkls 49\n" in result.main_text
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert (tmp_path / "floatimage.bin").read_text() == "precious"


def test_mask(build: Build, tmp_path: Path) -> None:
    """The pixel before is the last one that the mask lets through; masked pixels are missing."""
    header = b"{\nHEADER_BYTES=512;\nDIM=2;\nTYPE=unsigned_short;\nSIZE1=16;\nSIZE2=16;\n}\n\f".ljust(512)
    rows = [[1] * 16 for _ in range(16)]
    for row in (5, 6):
        rows[row] = [0] * 16
    rows[7][:4] = [0] * 4
    rows[4][2:] = [0] * 14
    pixels = b"".join(value.to_bytes(2, "little") for row in rows for value in row)
    (tmp_path / "own.mask").write_bytes(header + pixels)
    flags = (*FLAGS, "-mask", "own.mask")
    own = full_run(build("self"), flags, (7, 4), tmp_path)
    request = CaptureRequest(str(build("plain")), flags, pixels=((6, 4), (7, 4)), folder=tmp_path)
    result = capture(request)
    assert different(own, captured_values(tmp_path, result)) == []
    assert "pixel 6 4 (not rendered: outside -roi, or masked)" in map(str, result.missing)


@pytest.mark.parametrize(
    ("misbehaviour", "words"),
    [
        ("crash", "it crashed: SIGSEGV at nanolike.c:"),
        ("fail", "it ended with exit status 9; its last lines: ERROR: asked to fail"),
        ("hang", "it was still running after 2 s, and was ended"),
        ("flood", "it was still running after 2 s, and was ended"),
    ],
)
def test_what_was_read_before_an_accident_is_kept(build: Build, tmp_path: Path, misbehaviour: str, words: str) -> None:
    """The pixel before it is whole; the one after it is missing, and it is said why."""
    flags = (*FLAGS, "-misbehave", misbehaviour, "-misbehave_at", "2", "7")
    pixels = ((2, 3), (2, 9))
    request = CaptureRequest(str(build("plain")), flags, pixels=pixels, folder=tmp_path, timeout_s=2.0)
    result = capture(request)
    assert result.failure.startswith(words)
    assert different(full_run(build("self"), FLAGS, (2, 3), tmp_path), captured_values(tmp_path, result)) == []
    assert "TRACE_C: pixel 2 3\n" in result.main_text
    assert "TRACE_C: pixel 2 9\n" not in result.main_text
    [lost] = [each for each in result.missing if each.name == "pixel 2 9"]
    assert lost.reason == result.failure


@pytest.mark.parametrize("misbehaviour", ["garbage", "fork"])
def test_odd_programs_do_no_harm(build: Build, tmp_path: Path, misbehaviour: str) -> None:
    """Binary output is no part of the trace, and a child that is left behind holds nothing up."""
    flags = (*FLAGS, "-misbehave", misbehaviour)
    start = time.monotonic()
    values = taken(build("plain"), flags, ((2, 3),), tmp_path)
    assert different(full_run(build("self"), FLAGS, (2, 3), tmp_path), values) == []
    assert time.monotonic() - start < 30


def test_program_that_never_comes_to_the_pixel(build: Build, tmp_path: Path) -> None:
    """A pixel off the detector is an error if there is no other, and missing if there is."""
    program = str(build("plain"))
    with pytest.raises(CaptureError, match="is it on the detector"):
        capture(CaptureRequest(program, FLAGS, pixels=((99, 0),), folder=tmp_path))
    result = capture(CaptureRequest(program, FLAGS, pixels=((2, 3), (2, 99)), folder=tmp_path))
    assert "pixel 2 99" in {each.name for each in result.missing}
    assert "TRACE_C: pixel 2 3\n" in result.main_text


def test_source_that_has_moved(build: Build, tmp_path: Path) -> None:
    """Gdb needs the source: it is looked for where one says."""
    program = build("plain")
    source = program.with_name("nanolike.c")
    elsewhere = tmp_path / "some where"
    elsewhere.mkdir()
    source.rename(elsewhere / source.name)
    try:
        request = CaptureRequest(str(program), FLAGS, pixels=((2, 3),), folder=tmp_path)
        with pytest.raises(CaptureError, match=r"gdb does not find its source: nanolike\.c"):
            capture(request)
        found = CaptureRequest(str(program), FLAGS, pixels=((2, 3),), folder=tmp_path, source=Path("some where"))
        assert "TRACE_C: pixel 2 3\n" in capture(found).main_text
    finally:
        (elsewhere / source.name).rename(source)


def test_own_tap_file(build: Build, tmp_path: Path) -> None:
    """A program's own quantities, by a tap file of one's own; units are converted."""
    taps = tmp_path / "own.toml"
    taps.write_text(
        """
format = 1
[program]
roi = "-roi"
[coordinates]
phi_tic = "phi_tic"
[pixel]
before = '\\bI = I_bg;'
slow = "spixel"
fast = "fpixel"
run = { distance_meters = { expr = "distance*1000", unit = "mm" } }
[[place]]
name = "rotated"
before = '\\bh = dot_product'
iteration = { spindle_angle = "phi", both = "a[1], b[1]" }
[[place]]
name = "stored"
after = 'floatimage\\[imgidx\\] \\+='
pixel = { floatimage_accumulated = "floatimage[imgidx]", nothing = "no_such_variable" }
""",
        encoding="utf-8",
    )
    request = CaptureRequest(str(build("plain")), FLAGS, pixels=((2, 3),), folder=tmp_path, taps=taps)
    result = capture(request)
    assert "TRACE_C: distance_meters 0.080000000000000002\n" in result.main_text
    assert len(re.findall(r"TRACE_C_PHI phi_tic=\d .* spindle_angle=\S+ both_0=\S+ both_1=", result.per_phi_text)) == 3
    own = full_run(build("self"), FLAGS, (2, 3), tmp_path)
    [stored] = [text for where, text in own.items() if where.name == "floatimage_accumulated"]
    assert f"TRACE_C: floatimage_accumulated {stored[0]}\n" in result.main_text
    assert "nothing (no variable no_such_variable)" in map(str, result.missing)


def test_loops_in_several_files(build: Build, tmp_path: Path) -> None:
    """A place may be in another file than the pixels' loop; its counters and the pixel are its callers'."""
    build("plain")  # skips where there is no compiler
    (tmp_path / "inner.c").write_text("double square(double x)\n{\n    double y = x * x;\n    return y;\n}\n")
    (tmp_path / "main.c").write_text(
        "double square(double x);\nint main(void)\n{\n    double I = 0;\n"
        "    for (int spixel = 0; spixel < 3; ++spixel)\n"
        "        for (int fpixel = 0; fpixel < 3; ++fpixel) {\n            I = 0.0;\n"
        "            for (int phi_tic = 0; phi_tic < 2; ++phi_tic)\n"
        "                I += square(spixel + 10 * fpixel + phi_tic);\n        }\n    return I < 0;\n}\n"
    )
    subprocess.run(["gcc", "-O0", "-g", "-o", "two", "main.c", "inner.c"], check=True, cwd=tmp_path, timeout=60)
    (tmp_path / "own.toml").write_text(
        "format = 1\n[coordinates]\nphi_tic = 'phi_tic'\n[pixel]\nbefore = '\\bI = 0\\.0;'\nslow = 'spixel'\n"
        "fast = 'fpixel'\n[[place]]\nname = 'inner'\nbefore = 'return y'\niteration = { y = 'y' }\n"
    )
    request = CaptureRequest("two", (), pixels=((1, 2),), folder=tmp_path, taps=Path(tmp_path / "own.toml"))
    result = capture(request)
    assert re.findall(r"phi_tic=(\d) .* y=(\d+)", result.per_phi_text) == [("0", "441"), ("1", "484")]


def test_program_whose_pixels_no_tap_finds(build: Build, tmp_path: Path) -> None:
    """The pattern is told."""
    taps = tmp_path / "own.toml"
    taps.write_text("format = 1\n[pixel]\nbefore = 'elsewhere'\nslow = 'spixel'\nfast = 'fpixel'\n", encoding="utf-8")
    request = CaptureRequest(str(build("plain")), FLAGS, pixels=((2, 3),), folder=tmp_path, taps=taps)
    with pytest.raises(
        CaptureError, match=r"no tap of .*own\.toml says where a pixel begins: no line matches elsewhere"
    ):
        capture(request)


def test_cancelling(build: Build, tmp_path: Path) -> None:
    """A capture ends soon after it is cancelled."""
    request = CaptureRequest(
        str(build("plain")), (*FLAGS, "-misbehave", "hang"), pixels=((2, 3),), folder=tmp_path, timeout_s=60.0
    )
    start = time.monotonic()
    with pytest.raises(CaptureError, match="cancelled"):
        capture(request, cancelled=lambda: time.monotonic() - start > 1.0)
    assert time.monotonic() - start < 10
