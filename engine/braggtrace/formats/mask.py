"""Masks: which pixels are simulated. An image of numbers, where 0 is masked."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from braggtrace.errors import InputError
from braggtrace.formats.files import PathLike, read_bytes
from braggtrace.formats.smv import MAGIC, read_smv

__all__ = ["read_mask"]


def read_mask(path: PathLike, shape: tuple[int, int] | None = None) -> NDArray[np.bool_]:
    """Read a mask: an SMV image, a `.npy` array, or any detector image that fabio reads (extra `images`).

    Args:
        path: the file.
        shape: the shape of the detector, (slow, fast), if it is known.

    Returns:
        True where a pixel is used, shape (slow, fast).

    Raises:
        InputError: the file is missing, truncated, unreadable, has NaN or another shape, or needs fabio, which is
            missing.
    """
    data = read_bytes(path, "a mask")
    values: NDArray[Any]
    if data.startswith(MAGIC):
        values = read_smv(path).pixels
    elif data.startswith(b"\x93NUMPY"):
        values = _read_npy(data, path)
    else:
        values = _read_fabio(path)
    if values.ndim != 2 or (shape is not None and values.shape != shape):
        raise InputError(
            "the mask has the wrong shape",
            path=path,
            expected="(slow, fast)" if shape is None else f"{shape} (slow, fast)",
            got=str(values.shape),
        )
    if values.dtype.kind not in "buif" or (values.dtype.kind == "f" and np.isnan(values).any()):
        raise InputError(
            "the mask is not made of numbers", path=path, expected="0 where masked", got=f"NaN or {values.dtype}"
        )
    return np.asarray(values != 0, dtype=np.bool_)


def _read_npy(data: bytes, path: PathLike) -> NDArray[Any]:
    try:
        return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))
    except (ValueError, EOFError, OSError) as error:
        raise InputError("not a readable .npy file", path=path, got=str(error)) from error


def _read_fabio(path: PathLike) -> NDArray[Any]:
    try:
        import fabio
    except ImportError:
        raise InputError(
            "reading this mask needs fabio: pip install 'braggtrace[images]'", path=path, expected="an SMV or .npy file"
        ) from None
    try:
        return np.asarray(fabio.open(str(Path(path))).data)
    except Exception as error:  # fabio raises whatever its format readers raise
        raise InputError(
            "fabio can't read this mask", path=path, got=str(error).splitlines()[0] if str(error) else ""
        ) from error
