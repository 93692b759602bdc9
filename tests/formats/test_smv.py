from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from braggtrace.errors import InputError
from braggtrace.formats.mask import read_mask
from braggtrace.formats.smv import SmvValues, format_header, parse_header, read_header, read_smv, write_smv
from tests.golden_case import GoldenCase


def values_of(case: GoldenCase) -> SmvValues:
    """What the header of a golden image is made of, from the values of its trace."""
    slow, fast = case.info["image"]["shape"]
    pixel = case.number("pixel_size_meters")
    x, y, z = case.numbers("pix0_vector_meters")
    return SmvValues(
        shape=(slow, fast),
        pixel_size_m=pixel,
        distance_m=case.number("distance_meters"),
        close_distance_m=case.number("close_distance_meters"),
        wavelength_m=case.number("lambda_meters"),
        Xbeam_m=case.number("Xbeam_meters"),
        Ybeam_m=case.number("Ybeam_meters"),
        Fbeam_m=case.number("Fbeam_meters"),
        Sbeam_m=case.number("Sbeam_meters"),
        detsize_slow_m=pixel * slow,
        pix0_m=(x, y, z),
        ORGX_px=case.number("Fclose_meters") / pixel + 0.5,
        ORGY_px=case.number("Sclose_meters") / pixel + 0.5,
        phi_deg=case.number("phi0_deg"),
        osc_deg=case.number("osc_deg"),
        twotheta_deg=case.number("detector_twotheta_deg"),
    )


IMAGES = [
    ("int-image", "int.img", "int_header_bytes"),
    ("int-image-auto", "int.img", "int_header_bytes"),
    ("int-image-long-header", "int.img", "int_header_bytes"),
    ("noise", "noise.img", "noise_header_bytes"),
]


@pytest.mark.parametrize(("name", "file", "length"), IMAGES)
def test_golden_files(golden: Path, tmp_path: Path, name: str, file: str, length: str) -> None:
    """Header and file are the C program's, byte for byte, also where the header outgrows 512 bytes; and read back."""
    case = GoldenCase(golden / name)
    expected = (case.folder / file).read_bytes()
    values = values_of(case)
    assert format_header(values) == expected[: case.info[length]]
    image = read_smv(case.folder / file)
    assert image.header.data_offset == case.info[length]
    write_smv(tmp_path / "out.img", values, image.pixels.astype(np.uint16))
    assert (tmp_path / "out.img").read_bytes() == expected


def test_camera_of_the_golden_header(golden: Path) -> None:
    """The header describes the camera; keys that are not there are None."""
    camera = read_header(golden / "inputs/header_simple.img").camera()
    assert camera.pixels == (72, 88)
    assert (camera.pixel_size_mm, camera.distance_mm, camera.wavelength_A) == (0.11, 90.0, 1.1)
    assert (camera.beam_center_x_mm, camera.beam_center_y_mm) == (3.7, 5.2)
    assert (camera.phi_deg, camera.osc_range_deg) == (4.0, 0.5)
    assert (camera.close_distance_mm, camera.orgx_px, camera.twotheta_deg) == (None, None, None)


def smv(text: str, pixels: bytes = b"") -> bytes:
    """An SMV file with these header lines and pixels."""
    return f"{{\nHEADER_BYTES=512;\n{text}\n}}\f".encode("latin-1").ljust(512) + pixels


def test_last_substring(tmp_path: Path) -> None:
    """DISTANCE also finds a later CLOSE_DISTANCE, and ORGX an XDS_ORGX; the clean reading takes whole keys."""
    header = parse_header(smv("DISTANCE=150;\nCLOSE_DISTANCE=123;\nXDS_ORGX= 7.5;"))
    literal, clean = header.camera(), header.camera(last_substring=False)
    assert (literal.distance_mm, literal.close_distance_mm, literal.orgx_px) == (123.0, 123.0, 7.5)
    assert (clean.distance_mm, clean.close_distance_mm, clean.orgx_px) == (150.0, 123.0, None)


def test_words_instead_of_numbers() -> None:
    """A value that is no number is 0 in C, and an error in the clean reading."""
    header = parse_header(smv("WAVELENGTH=unknown;"), "a.img")
    assert header.number("WAVELENGTH") == 0.0
    with pytest.raises(
        InputError, match=r"a.img: the header has a bad WAVELENGTH; expected a finite number, got 'unknown'"
    ):
        header.number("WAVELENGTH", last_substring=False)
    with pytest.raises(InputError, match="bad PHI"):
        parse_header(smv("PHI=nan;")).camera()


def test_detector_dimensions() -> None:
    """Without SIZE1 the detector dimensions count."""
    assert parse_header(smv("DETECTOR_DIMENSIONS=88 72;")).camera().pixels == (72, 88)
    assert parse_header(smv("DIM=2;")).camera().pixels is None


@pytest.mark.parametrize(("kind", "code"), [("unsigned_short", "u2"), ("float", "f4"), ("signed_long", "i4")])
@pytest.mark.parametrize("order", ["little_endian", "big_endian"])
def test_pixel_types(tmp_path: Path, kind: str, code: str, order: str) -> None:
    """Pixels are read in the type and byte order that the header states."""
    pixels = np.arange(6).reshape(2, 3)
    raw = pixels.astype((">" if order.startswith("big") else "<") + code).tobytes()
    path = tmp_path / "a.img"
    path.write_bytes(smv(f"SIZE1=3;\nSIZE2=2;\nTYPE={kind};\nBYTE_ORDER={order};", raw))
    image = read_smv(path)
    np.testing.assert_array_equal(image.pixels, pixels)
    assert image.pixels.dtype.isnative


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"P5\n", "not an SMV image; expected a brace"),
        (b"{\nHEADER_BYTES=512;\n}\f", "truncated or states a wrong length"),
        (b"{\nHEADER_BYTES=12;\n}\f".ljust(600), "wrong length; expected HEADER_BYTES from 512 .*, got 12"),
        (smv("DIM=2;"), "no size"),
        (smv("SIZE1=3;\nSIZE2=2;", b"\0" * 11), "truncated; expected 12 bytes .*, got 11"),
        (smv("SIZE1=3;\nSIZE2=2;\nTYPE=complex;", b"\0" * 99), "unknown SMV pixel type"),
    ],
)
def test_errors(tmp_path: Path, data: bytes, message: str) -> None:
    """What is no SMV file, or shorter than it says, is an error."""
    path = tmp_path / "a.img"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        read_smv(path)


def test_pixels_must_fit_the_header(golden: Path, tmp_path: Path) -> None:
    """Pixels of another shape or type than the header says are refused."""
    values = values_of(GoldenCase(golden / "int-image"))
    with pytest.raises(InputError, match=r"expected uint16 of shape \(96, 96\), got uint16 of shape \(2, 2\)"):
        write_smv(tmp_path / "a.img", values, np.zeros((2, 2), dtype=np.uint16))


@pytest.mark.parametrize(("name", "file"), [("mask", "mask_plain.img"), ("mask-header", "mask_header.img")])
def test_golden_masks(golden: Path, name: str, file: str) -> None:
    """Masked pixels are exactly those that the C program left at 0."""
    case = GoldenCase(golden / name)
    mask = read_mask(golden / "inputs" / file, (80, 96))
    assert not case.image[~mask].any()
    assert (case.image[mask] > 0).mean() > 0.99


def test_npy_mask(tmp_path: Path) -> None:
    """An array of numbers is a mask, 0 where masked."""
    np.save(tmp_path / "m.npy", np.array([[0, 2], [1, 0]]))
    assert read_mask(tmp_path / "m.npy").tolist() == [[False, True], [True, False]]


def test_mask_errors(tmp_path: Path) -> None:
    """A mask of another shape, with NaN, broken, or of no known format is an error."""
    np.save(tmp_path / "m.npy", np.array([[0.0, np.nan]]))
    with pytest.raises(InputError, match=r"wrong shape; expected \(3, 4\) \(slow, fast\), got \(1, 2\)"):
        read_mask(tmp_path / "m.npy", (3, 4))
    with pytest.raises(InputError, match="not made of numbers"):
        read_mask(tmp_path / "m.npy")
    (tmp_path / "b.npy").write_bytes(b"\x93NUMPY\x01")
    with pytest.raises(InputError, match=r"not a readable \.npy file"):
        read_mask(tmp_path / "b.npy")
    (tmp_path / "b.txt").write_bytes(b"0 1\n1 0\n")
    with pytest.raises(InputError, match=r"needs fabio|fabio can't read"):
        read_mask(tmp_path / "b.txt")


def test_mask_by_fabio(tmp_path: Path) -> None:
    """Any detector image is a mask where fabio is installed."""
    fabio = pytest.importorskip("fabio")
    pixels = np.array([[0, 1, 1], [1, 0, 1]], dtype=np.int32)
    fabio.cbfimage.CbfImage(data=pixels).write(str(tmp_path / "m.cbf"))
    np.testing.assert_array_equal(read_mask(tmp_path / "m.cbf", (2, 3)), pixels != 0)


def test_mask_without_fabio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without fabio the message says how to get it."""
    monkeypatch.setitem(__import__("sys").modules, "fabio", None)
    (tmp_path / "m.cbf").write_bytes(b"###CBF")
    with pytest.raises(InputError, match=r"pip install 'braggtrace\[images\]'"):
        read_mask(tmp_path / "m.cbf")
