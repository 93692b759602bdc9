"""Conventions of the laboratory frame: axes, and where a beam centre lies (reference section 5.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor

__all__ = ["CONVENTIONS", "BeamCentre", "Convention", "beam_centre"]

Triple: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Convention:
    """The axes of a convention, and the pivot of its detector rotations.

    Attributes:
        beam: direction of the beam.
        fdet: fast axis.
        sdet: slow axis.
        odet: detector normal.
        twotheta: axis of two-theta.
        polar: direction of the polarization.
        spindle: rotation axis of phi.
        pivot: BEAM or SAMPLE.
    """

    beam: Triple
    fdet: Triple
    sdet: Triple
    odet: Triple
    twotheta: Triple
    polar: Triple
    spindle: Triple
    pivot: str


_X, _Y, _Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
_MINUS_X, _MINUS_Y, _MINUS_Z = (-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0)

CONVENTIONS = {
    "ADXV": Convention(_Z, _X, _MINUS_Y, _Z, _MINUS_X, _X, _X, "BEAM"),
    "MOSFLM": Convention(_X, _Z, _MINUS_Y, _X, _MINUS_Z, _Z, _Z, "BEAM"),
    "DENZO": Convention(_X, _Z, _MINUS_Y, _X, _MINUS_Z, _Z, _Z, "BEAM"),
    "XDS": Convention(_Z, _X, _Y, _Z, _X, _X, _X, "SAMPLE"),
    "DIALS": Convention(_Z, _X, _Y, _Z, _Y, _Y, _Y, "SAMPLE"),
    "CUSTOM": Convention(_X, _Z, _MINUS_Y, _X, _Y, _Z, _Z, "BEAM"),
}
"""Every convention; CUSTOM holds what is used for a vector that is not given."""


@dataclass(frozen=True, slots=True)
class BeamCentre:
    """The beam centre and the nearest point, in m: in the convention's axes and along the detector's."""

    Xbeam: Tensor
    Ybeam: Tensor
    Fbeam: Tensor
    Sbeam: Tensor
    Fclose: Tensor
    Sclose: Tensor


def beam_centre(
    convention: str,
    *,
    given: tuple[Tensor | None, Tensor | None],
    near: tuple[Tensor, Tensor],
    close: tuple[Tensor, Tensor],
    size: tuple[Tensor, Tensor],
    pixel: Tensor,
) -> BeamCentre:
    """The beam centre, from what is given and the convention's defaults.

    Args:
        convention: its name.
        given: Xbeam, Ybeam [m] or None.
        near: Fclose, Sclose [m] from ORGX and ORGY or half the detector.
        close: Xclose, Yclose [m].
        size: of the detector along fast and slow [m].
        pixel: edge of a pixel [m].
    """
    x, y = given
    size_f, size_s = size
    if convention == "ADXV":
        x = (size_f + pixel) / 2.0 if x is None else x
        y = (size_s - pixel) / 2.0 if y is None else y
        return BeamCentre(x, y, x, size_s - y, *near)
    if convention in ("MOSFLM", "DENZO"):
        x = (size_s + pixel) / 2.0 if x is None else x
        y = (size_f + pixel) / 2.0 if y is None else y
        half = pixel / 2.0 if convention == "MOSFLM" else 0.0 * pixel
        return BeamCentre(x, y, y + half, x + half, *near)
    x = close[0] if x is None else x
    y = close[1] if y is None else y
    if convention == "CUSTOM":
        return BeamCentre(x, y, x, y, x, y)
    return BeamCentre(x, y, x, y, *near)
