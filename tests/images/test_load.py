"""Images are read from what people have, and what is no image says so."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from braggtrace.errors import InputError, UsageError
from braggtrace.images.load import read_image, read_images
from tests.golden_case import GoldenCase

SMV = b"{\nHEADER_BYTES=512;\nSIZE1=3;\nSIZE2=2;\nTYPE=%s;\nBYTE_ORDER=little_endian;\n}\f"


def smv(path: Path, kind: bytes, pixels: np.ndarray[tuple[int, int], np.dtype[np.generic]]) -> Path:
    """An SMV file of 2 x 3 pixels."""
    path.write_bytes((SMV % kind).ljust(512) + pixels.tobytes())
    return path


def test_a_raw_image_is_read_with_the_shape_that_is_given(golden: Path) -> None:
    """Slow axis first; the brightest pixel is where the C program has it."""
    case = GoldenCase(golden / "phi0-legacy")
    image = read_image(case.folder / "float.bin", (100, 100))
    assert image.pixels.dtype == np.float32
    np.testing.assert_array_equal(image.pixels, case.image)
    assert image.at((93, 79)) == pytest.approx(case.info["stats"]["max"])


def test_smv_and_npy_say_their_shape_themselves(tmp_path: Path, golden: Path) -> None:
    """The integer image of the C program, and arrays that numpy has written."""
    image = read_image(golden / "int-image" / "int.img")
    assert image.shape == (96, 96)
    assert image.pixels.max() == 65535
    np.save(tmp_path / "a.npy", np.arange(6.0).reshape(2, 3))
    assert read_image(tmp_path / "a.npy").at((1, 2)) == 5


def test_no_number_is_rounded(tmp_path: Path) -> None:
    """float64 and wide integers stay exact; what float32 holds stays float32."""
    third = np.array([[1 / 3, 2**24 + 1]])
    np.save(tmp_path / "a.npy", third)
    np.testing.assert_array_equal(read_image(tmp_path / "a.npy").pixels, third)
    wide = np.array([[1, 2, 3], [4, 5, 2**31 - 1]], dtype="<i4")
    image = read_image(smv(tmp_path / "a.img", b"signed_long", wide))
    np.testing.assert_array_equal(image.pixels, wide)
    np.save(tmp_path / "b.npy", np.ones((2, 2), dtype=np.uint16))
    assert read_image(tmp_path / "b.npy").pixels.dtype == np.float32


def test_nan_and_infinity_are_kept(tmp_path: Path) -> None:
    """A map has to show them."""
    path = tmp_path / "a.bin"
    np.array([np.nan, np.inf, -1, 0], dtype="<f4").tofile(path)
    pixels = read_image(path, (2, 2)).pixels
    assert np.isnan(pixels[0, 0])
    assert pixels[0, 1] == np.inf


def test_the_folder_of_a_run_holds_an_image(tmp_path: Path) -> None:
    """Fresh runs are opened by their folder."""
    np.save(tmp_path / "image.npy", np.eye(2, dtype=np.float32))
    assert read_image(tmp_path).at((1, 1)) == 1


def test_a_side_without_a_header_has_the_shape_of_the_other(tmp_path: Path) -> None:
    """In either order; two headers stay as they are."""
    np.save(tmp_path / "a.npy", np.zeros((2, 3), dtype=np.float32))
    np.save(tmp_path / "b.npy", np.zeros((3, 2), dtype=np.float32))
    np.zeros(6, dtype="<f4").tofile(tmp_path / "c.bin")
    smv(tmp_path / "d.img", b"unsigned_short", np.zeros((2, 3), dtype="<u2"))
    for first, second in (("a.npy", "c.bin"), ("c.bin", "a.npy"), ("c.bin", "d.img")):
        shapes = [image.shape for image in read_images([tmp_path / first, tmp_path / second])]
        assert shapes == [(2, 3), (2, 3)], first
    assert [image.shape for image in read_images([tmp_path / "a.npy", tmp_path / "b.npy"])] == [(2, 3), (3, 2)]


def test_a_part_of_the_detector_keeps_its_coordinates(tmp_path: Path) -> None:
    """Pixels are counted on the whole detector, also after cropping."""
    np.arange(12, dtype="<f4").tofile(tmp_path / "a.bin")
    image = read_image(tmp_path / "a.bin", (3, 4), origin=(10, 20))
    assert image.roi == (10, 12, 20, 23)
    part = image.cropped((11, 12, 21, 22))
    assert part.origin == (11, 21)
    np.testing.assert_array_equal(part.pixels, [[5, 6], [9, 10]])
    assert part.at((12, 21)) == 9
    for roi in ((11, 13, 21, 22), (11, 10, 21, 22), (0, 1, 0, 1)):
        with pytest.raises(UsageError, match="within 10 to 12 slow, 20 to 23 fast"):
            image.cropped(roi)


@pytest.mark.parametrize(
    ("content", "shape", "words"),
    [
        (b"", None, "the file is empty"),
        (b"", (2, 2), "the file is empty"),
        (b"hello", None, "not an image"),
        (bytes(36), None, r"needs its shape; expected --shape SLOW FAST \(it would be 3 3 if it is square\)"),
        (bytes(40), None, "got 10 pixels without a header"),
        (bytes(40), (3, 3), "expected 36 bytes for 3 x 3"),
        (b"\x93NUMPY\x01\x00", None, "not a readable .npy file"),
        (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (99999999, 99999999), }".ljust(127)
         + b"\n", None, "not a readable .npy file"),
        ((SMV % b"unsigned_short").ljust(512) + b"abc", None, "truncated"),
    ],
)  # fmt: skip
def test_what_is_no_image_says_why(tmp_path: Path, content: bytes, shape: tuple[int, int] | None, words: str) -> None:
    """And allocates nothing that a header merely claims."""
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_image(path, shape)


def test_arrays_that_are_no_image_are_refused(tmp_path: Path) -> None:
    """Other dimensions, complex numbers, no pixels, another shape than was given."""
    for array in (np.zeros(4), np.zeros((2, 2), dtype=complex), np.zeros((0, 3)), np.zeros((1, 2, 3))):
        np.save(tmp_path / "a.npy", array)
        with pytest.raises(InputError, match=r"expected numbers of shape|not a readable"):
            read_image(tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", np.zeros((2, 3)))
    with pytest.raises(InputError, match=r"expected numbers of shape \(3, 2\), got float64 of shape \(2, 3\)"):
        read_image(tmp_path / "a.npy", (3, 2))


def test_only_ordinary_files_are_read(tmp_path: Path) -> None:
    """No waiting for a pipe, no endless device."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(InputError, match="not an ordinary file"):
            read_image(path, (2, 2))
    with pytest.raises(InputError, match="no such file"):
        read_image(tmp_path / "nothing", (2, 2))
    with pytest.raises(InputError, match=r"image\.npy: no such file"):
        read_image(tmp_path)
