"""Binary PGM images, as the C program writes them. Source: section 11 of the behaviour reference."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from braggtrace.errors import InputError
from braggtrace.formats.files import PathLike, write_atomic

__all__ = ["write_pgm"]


def write_pgm(path: PathLike, levels: NDArray[np.uint8], scale: float) -> None:
    """Write grey levels as binary PGM; byte for byte what the C program writes.

    Args:
        path: the file.
        levels: uint8, shape (slow, fast); `braggtrace.simulate.levels.pgm_levels` makes them.
        scale: grey levels a photon, told in a comment.

    Raises:
        InputError: the levels are not uint8 of shape (slow, fast).
        OutputError: the file can't be written.
    """
    if levels.dtype != np.uint8 or levels.ndim != 2:
        raise InputError(
            "not grey levels",
            path=path,
            expected="uint8 of shape (slow, fast)",
            got=f"{levels.dtype} of shape {levels.shape}",
        )
    slow, fast = levels.shape
    write_atomic(path, [f"P5\n{fast} {slow}\n# pixels scaled by {scale:g}\n255\n".encode("ascii"), levels])
