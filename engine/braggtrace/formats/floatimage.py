"""Float images: raw little-endian float32, fast axis first, without header; or `.npy`."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from braggtrace.errors import InputError
from braggtrace.formats.files import PathLike, read_bytes, write_atomic

__all__ = ["read_float_image", "write_float_image"]

_NPY = b"\x93NUMPY"


def read_float_image(
    path: PathLike, shape: tuple[int, int] | None = None, *, finite: bool = True
) -> NDArray[np.float32]:
    """Read a float image.

    Args:
        path: a raw image, or a `.npy` file (told by its first bytes).
        shape: (slow, fast). A raw image has no header, so it is needed there.
        finite: refuse an image with NaN or infinite values.

    Returns:
        Photons a pixel, float32, shape (slow, fast).

    Raises:
        InputError: the file is missing, has another size or shape, or holds values that are not finite.
    """
    data = read_bytes(path, "a float image")
    if data.startswith(_NPY):
        image = _from_npy(data, path, shape)
    elif shape is None:
        raise InputError(
            "a raw float image needs its shape", path=path, expected="(slow, fast)", got=f"{len(data)} bytes"
        )
    elif len(data) != 4 * shape[0] * shape[1]:
        raise InputError(
            "the float image is truncated or of another shape",
            path=path,
            expected=f"{4 * shape[0] * shape[1]} bytes for {shape[0]} x {shape[1]} (slow x fast) pixels",
            got=str(len(data)),
        )
    else:
        image = np.frombuffer(data, dtype="<f4").reshape(shape).astype(np.float32)
    if finite and not np.isfinite(image).all():
        bad = ~np.isfinite(image)
        slow, fast = np.unravel_index(int(bad.argmax()), image.shape)
        raise InputError(
            f"the float image holds {int(bad.sum())} values that are not finite",
            path=path,
            expected="finite photons a pixel",
            got=f"{image[slow, fast]} at pixel (slow, fast) = ({slow}, {fast})",
        )
    return image


def _from_npy(data: bytes, path: PathLike, shape: tuple[int, int] | None) -> NDArray[np.float32]:
    try:
        image = np.asarray(np.load(io.BytesIO(data), allow_pickle=False))
    except (ValueError, EOFError, OSError) as error:
        raise InputError("not a readable .npy file", path=path, got=str(error)) from error
    if image.dtype.kind not in "buif" or image.ndim != 2 or (shape is not None and image.shape != shape):
        raise InputError(
            "the .npy file is not this image",
            path=path,
            expected=f"numbers of shape {'(slow, fast)' if shape is None else shape}",
            got=f"{image.dtype} of shape {image.shape}",
        )
    return image.astype(np.float32)


def write_float_image(path: PathLike, image: NDArray[np.float32]) -> None:
    """Write a float image: raw, or with a header where the name ends in `.npy`.

    Raises:
        InputError: the image is not float32 of shape (slow, fast).
        OutputError: the file can't be written.
    """
    if image.dtype != np.float32 or image.ndim != 2:
        raise InputError(
            "not a float image",
            path=path,
            expected="float32 of shape (slow, fast)",
            got=f"{image.dtype} of shape {image.shape}",
        )
    raw = np.ascontiguousarray(image, dtype="<f4")
    if Path(path).suffix != ".npy":
        write_atomic(path, [raw])
        return
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(raw))
    write_atomic(path, [header.getvalue(), raw])
