"""A preview of a float image as PNG, written with the standard library alone."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from braggtrace.errors import InputError
from braggtrace.formats.files import PathLike, write_atomic

__all__ = ["preview_levels", "write_png"]

TOP_PERCENTILE = 99.8


def preview_levels(image: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Grey levels of a preview: dark spots on white, by the square root, which shows weak spots beside strong ones.

    Black is the 99.8th percentile of the positive pixels; NaN is white.

    Args:
        image: photons a pixel, shape (slow, fast).

    Returns:
        uint8, the same shape.
    """
    positive = image[np.isfinite(image) & (image > 0.0)]
    top = float(np.percentile(positive, TOP_PERCENTILE)) if positive.size else 1.0
    with np.errstate(over="ignore"):
        share = np.clip(np.nan_to_num(image, nan=0.0, posinf=top, neginf=0.0).astype(np.float64) / top, 0.0, 1.0)
    levels: NDArray[np.uint8] = (255.0 - np.rint(255.0 * np.sqrt(share))).astype(np.uint8)
    return levels


def write_png(path: PathLike, levels: NDArray[np.uint8]) -> None:
    """Write grey levels as an 8-bit PNG.

    Args:
        path: the file.
        levels: uint8, shape (slow, fast), at least one pixel.

    Raises:
        InputError: the levels are not uint8 of shape (slow, fast).
        OutputError: the file can't be written.
    """
    if levels.dtype != np.uint8 or levels.ndim != 2 or levels.size == 0:
        raise InputError(
            "not grey levels",
            path=path,
            expected="uint8 of shape (slow, fast)",
            got=f"{levels.dtype} of shape {levels.shape}",
        )
    slow, fast = levels.shape
    rows = np.zeros((slow, fast + 1), dtype=np.uint8)  # every row starts with its filter: 0, none
    rows[:, 1:] = levels
    write_atomic(
        path,
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", fast, slow, 8, 0, 0, 0, 0)),
            _chunk(b"IDAT", zlib.compress(rows.data, 6)),
            _chunk(b"IEND", b""),
        ],
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
