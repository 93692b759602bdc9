"""Read an image, whatever kind of file it is in: told by its first bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from braggtrace.errors import InputError
from braggtrace.formats.files import PathLike
from braggtrace.formats.floatimage import read_float_image
from braggtrace.formats.smv import MAGIC, read_header, read_smv
from braggtrace.images.model import Image, Pixel, Values

__all__ = ["read_image", "read_images"]

_NPY = b"\x93NUMPY"
_WHAT = "a float image, an SMV image or a .npy file"
_IN_A_RUN = "image.npy"


def read_image(path: PathLike, shape: tuple[int, int] | None = None, *, origin: Pixel = (0, 0)) -> Image:
    """Read an image. NaN and infinite values are kept.

    Args:
        path: a raw float32 image, an SMV image, a `.npy` file, or the folder of a run.
        shape: (slow, fast). A raw image has no header, so it is needed there; elsewhere it is checked.
        origin: the detector's pixel that the first pixel is, for a file that holds only a part.

    Returns:
        The image; float64 where float32 could not hold the file's numbers.

    Raises:
        InputError: the file is missing, empty, no image, or of another size or shape.
    """
    file = _file(path)
    start = _first_bytes(file)
    pixels: Values
    if start.startswith(MAGIC):
        pixels = _as_float(_checked(read_smv(file).pixels, shape, file, "the SMV image"))
    elif start.startswith(_NPY):
        pixels = _as_float(_checked(_from_npy(file), shape, file, "the .npy file"))
    else:
        if shape is None:
            raise _shapeless(file)
        pixels = read_float_image(file, shape, finite=False)
    return Image(pixels, str(path), origin)


def read_images(
    paths: Sequence[PathLike], shape: tuple[int, int] | None = None, *, origin: Pixel = (0, 0)
) -> list[Image]:
    """Read images that belong together: one without a header has the shape of one that has a header.

    Args:
        paths: the files, as for `read_image`.
        shape: (slow, fast) of all of them.
        origin: the detector's pixel that the first pixel of each is.

    Raises:
        InputError: as `read_image` says.
    """
    stated = None if shape is not None else next(filter(None, map(_stated_shape, paths)), None)
    return [
        read_image(path, shape or (stated if _stated_shape(path) is None else None), origin=origin) for path in paths
    ]


def _stated_shape(path: PathLike) -> tuple[int, int] | None:
    """The shape that a header states."""
    file = _file(path)
    start = _first_bytes(file)
    if start.startswith(MAGIC):
        return read_header(file).camera().pixels
    if start.startswith(_NPY):
        pixels = _from_npy(file)
        return (pixels.shape[0], pixels.shape[1]) if pixels.ndim == 2 else None
    return None


def _file(path: PathLike) -> Path:
    """The image's own file."""
    file = Path(path)
    if file.is_dir():
        file = file / _IN_A_RUN
    if file.exists() and not file.is_file():
        raise InputError("not an ordinary file", path=file, expected=_WHAT)
    return file


def _first_bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            start = stream.read(len(MAGIC))
    except FileNotFoundError:
        raise InputError("no such file", path=file, expected=_WHAT) from None
    except OSError as error:
        raise InputError("can't be read", path=file, expected=_WHAT, got=error.strerror or str(error)) from error
    if not start:
        raise InputError("the file is empty", path=file, expected=_WHAT)
    return start


def _shapeless(file: Path) -> InputError:
    """The error for a file without a header."""
    size = file.stat().st_size
    count, rest = divmod(size, 4)
    if rest:
        return InputError("not an image", path=file, expected=f"{_WHAT}, or float32 pixels", got=f"{size:,} bytes")
    side = math.isqrt(count)
    example = f" (it would be {side} {side} if it is square)" if side * side == count else ""
    got = f"{count:,} pixels without a header"
    return InputError("a raw float image needs its shape", path=file, expected=f"--shape SLOW FAST{example}", got=got)


def _from_npy(file: Path) -> NDArray[np.generic]:
    try:
        return np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))  # mapped: a header can claim any size
    except (ValueError, EOFError, OSError) as error:
        raise InputError("not a readable .npy file", path=file, got=str(error)) from error


def _checked(pixels: NDArray[np.generic], shape: tuple[int, int] | None, file: Path, what: str) -> NDArray[np.generic]:
    is_image = pixels.ndim == 2 and pixels.dtype.kind in "buif" and pixels.size > 0
    if not is_image or (shape is not None and pixels.shape != shape):
        wanted = "(slow, fast)" if shape is None else f"({shape[0]}, {shape[1]})"
        raise InputError(
            f"{what} is not this image",
            path=file,
            expected=f"numbers of shape {wanted}",
            got=f"{pixels.dtype} of shape {pixels.shape}",
        )
    return pixels


def _as_float(pixels: NDArray[np.generic]) -> Values:
    """A copy in the smaller of the two types that holds every number."""
    small = pixels.dtype.itemsize <= (4 if pixels.dtype.kind == "f" else 2)
    return pixels.astype(np.float32) if small else pixels.astype(np.float64)
