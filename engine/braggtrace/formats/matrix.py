"""The A matrix of a crystal, as MOSFLM writes it.

Source: sections 6.2 and 3.5 of the behaviour reference.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from braggtrace.errors import InputError
from braggtrace.formats.files import PathLike, line_at, read_bytes
from braggtrace.formats.scan import scan_float

__all__ = ["read_matrix"]


def read_matrix(path: PathLike) -> NDArray[np.float64]:
    """Read the first nine numbers of a matrix file; what follows (missetting angles, cell) is ignored.

    The C program goes on without its matrix when the file is missing; here that is an error.

    Returns:
        Shape (3, 3), dimensionless. The rows are x, y, z; the *columns* are a*, b*, c*, in units of 1/wavelength: times
        1e-10 / wavelength [m] they are in 1/Å.

    Raises:
        InputError: the file is missing, has no nine finite numbers at its start, or its vectors lie in a plane.
    """
    data = read_bytes(path, "an A matrix (nine numbers)")
    numbers: list[float] = []
    position = 0
    while len(numbers) < 9:
        found = scan_float(data, position)
        if found is None:
            rest = data[position:].split(maxsplit=1)
            raise InputError(
                "not an A matrix",
                path=path,
                line=line_at(data, len(data) - len(data[position:].lstrip())),
                expected="nine numbers",
                got=f"{len(numbers)}, then {rest[0][:20].decode('utf-8', 'replace')!r}" if rest else str(len(numbers)),
            )
        numbers.append(found[0])
        position = found[1]
    matrix = np.array(numbers).reshape(3, 3)
    if not np.isfinite(matrix).all():
        raise InputError("the A matrix is not finite", path=path, expected="nine finite numbers", got=str(numbers))
    if np.linalg.det(matrix) == 0.0:
        raise InputError("the A matrix is singular", path=path, expected="three independent columns", got=str(numbers))
    return matrix
