"""Float, PGM and PNG images, and writing itself."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from braggtrace.errors import InputError, OutputError
from braggtrace.formats.files import write_atomic
from braggtrace.formats.floatimage import read_float_image, write_float_image
from braggtrace.formats.pgm import write_pgm
from braggtrace.formats.png import preview_levels, write_png
from tests.golden_case import GoldenCase


def test_golden_float_image(golden: Path, tmp_path: Path) -> None:
    """A float image reads in its shape and writes back byte for byte."""
    case = GoldenCase(golden / "conv-mosflm")
    image = read_float_image(case.folder / "float.bin", (80, 96))
    assert image.max() == pytest.approx(case.info["stats"]["max"])
    write_float_image(tmp_path / "out.bin", image)
    assert (tmp_path / "out.bin").read_bytes() == (case.folder / "float.bin").read_bytes()


def test_npy(tmp_path: Path) -> None:
    """A name ending in .npy gives a file that numpy loads, and needs no shape to read."""
    image = np.arange(6, dtype=np.float32).reshape(2, 3)
    write_float_image(tmp_path / "a.npy", image.T)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), image.T)
    np.testing.assert_array_equal(read_float_image(tmp_path / "a.npy"), image.T)
    with pytest.raises(InputError, match=r"expected numbers of shape \(2, 3\), got float32 of shape \(3, 2\)"):
        read_float_image(tmp_path / "a.npy", (2, 3))


def test_float_image_errors(tmp_path: Path) -> None:
    """A missing shape, a wrong size, NaN and a broken .npy file are errors."""
    path = tmp_path / "a.bin"
    path.write_bytes(np.array([1, 2, np.nan, 4], dtype="<f4").tobytes())
    with pytest.raises(InputError, match=r"needs its shape; expected \(slow, fast\), got 16 bytes"):
        read_float_image(path)
    with pytest.raises(InputError, match=r"expected 24 bytes for 2 x 3 \(slow x fast\) pixels, got 16"):
        read_float_image(path, (2, 3))
    with pytest.raises(InputError, match=r"1 values that are not finite; .* pixel \(slow, fast\) = \(1, 0\)"):
        read_float_image(path, (2, 2))
    assert np.isnan(read_float_image(path, (2, 2), finite=False)[1, 0])
    path.write_bytes(b"\x93NUMPY\x01\x00")
    with pytest.raises(InputError, match=r"not a readable \.npy file"):
        read_float_image(path)
    with pytest.raises(InputError, match="expected float32"):
        write_float_image(path, np.zeros((2, 2)))  # type: ignore[arg-type]


def test_png(tmp_path: Path) -> None:
    """The file is a grey PNG whose decompressed rows are the levels."""
    levels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    write_png(tmp_path / "a.png", levels)
    data = (tmp_path / "a.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">IIBBBBB", data[16:29]) == (4, 3, 8, 0, 0, 0, 0)
    length = struct.unpack(">I", data[33:37])[0]
    rows = np.frombuffer(zlib.decompress(data[41 : 41 + length]), dtype=np.uint8).reshape(3, 5)
    np.testing.assert_array_equal(rows[:, 1:], levels)
    assert not rows[:, 0].any()
    assert struct.unpack(">I", data[41 + length : 45 + length])[0] == zlib.crc32(data[37 : 41 + length])


def test_preview() -> None:
    """Nothing is white, the brightest is black, NaN is white; an empty image is white."""
    levels = preview_levels(np.array([[0.0, 1.0], [np.nan, 4.0]], dtype=np.float32))
    assert levels[0, 0] == levels[1, 0] == 255
    assert levels[1, 1] == 0
    assert 100 < levels[0, 1] < 150
    assert (preview_levels(np.zeros((2, 2), dtype=np.float32)) == 255).all()


def test_levels_are_checked(tmp_path: Path) -> None:
    """Levels that are no bytes are refused."""
    levels: Any = np.zeros((2, 2))
    with pytest.raises(InputError, match="expected uint8"):
        write_pgm(tmp_path / "a", levels, 1.0)
    with pytest.raises(InputError, match="expected uint8"):
        write_png(tmp_path / "a", levels)


def test_interrupted_write_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a write keeps the old file and leaves no other."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def chunks() -> Iterator[bytes]:
        yield b"new"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, chunks())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_write_follows_links_and_devices(tmp_path: Path) -> None:
    """A link stays a link, and a device is written to."""
    (tmp_path / "link").symlink_to("target")
    write_atomic(tmp_path / "link", [b"x"])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"x"
    write_atomic(os.devnull, [b"x"])
    assert Path(os.devnull).is_char_device()


def test_write_errors(tmp_path: Path) -> None:
    """A missing folder is an error with the name that the user gave."""
    with pytest.raises(OutputError, match=r"nowhere/a.bin: can't be written; got No such file"):
        write_atomic(tmp_path / "nowhere/a.bin", [b"x"])
