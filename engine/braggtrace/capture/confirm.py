"""Values out of the memory of an optimised program: kept only where a relation of the physics confirms them.

A compiler says at every instruction where it keeps a number, and says so where it has none. For arrays it says no such
thing: a store may be late, or left out. Such a value is in doubt. A relation that ties it, to within rounding, to
numbers that are not in doubt confirms it; one that was read a moment too early or too late fails.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable

from braggtrace.capture.recording import PixelRecord, Recording, Row

__all__ = ["WHY_NOT", "drop_unconfirmed"]

WHY_NOT = "in doubt: it lies in memory, which an optimised program need not keep up to date"
_CONTRADICTS = "in doubt: the program is optimised, and it differs where the loop counters are the same"
_CLOSE = 1e-12
_PER_ANGSTROM = 1e-10


def drop_unconfirmed(recording: Recording) -> None:
    """Take out of a recording of an optimised program what is in doubt and not confirmed; it counts as missing."""
    for pixel in recording.pixels.values():
        for row in pixel.samples.values():
            _confirm_sample(row)
        for tics, row in pixel.iterations.items():
            _confirm_iteration(row, pixel.samples.get(tics[:4]))
        _confirm_sums(pixel, recording.run)
        _confirm_final(pixel.final)
    for row in recording.rows():
        for quantity in row.values if row.contradicts else row.doubt:
            recording.lose(quantity, _CONTRADICTS if row.contradicts else WHY_NOT)
        row.values = {} if row.contradicts else {name: row.values[name] for name in row.values if name not in row.doubt}
        row.doubt.clear()


def _numbers(row: Row, *names: str) -> list[list[float]] | None:
    """The components of some quantities; None if one of them is not there."""
    found = [row.values.get(name) for name in names]
    if any(each is None or any(isinstance(part, str) for part in each) for each in found):
        return None
    return [[float(part) for part in each] for each in found if each is not None]


def _sure(row: Row, *names: str) -> list[list[float]] | None:
    """The same, and None if one of them is in doubt."""
    return None if row.doubt & set(names) else _numbers(row, *names)


def _near(one: Iterable[float], other: Iterable[float], scale: float) -> bool:
    return all(abs(a - b) <= _CLOSE * abs(scale) for a, b in zip(one, other, strict=True))


def _confirm_sample(row: Row) -> None:
    """R·diffracted is the pixel's position, q·λ the difference of the rays, stol half the length of q."""
    sure, rays = _sure(row, "R_distance_meters"), _numbers(row, "pixel_pos_meters", "diffracted_vec")
    if sure and rays and _near(rays[0], [sure[0][0] * part for part in rays[1]], sure[0][0]):
        row.doubt -= {"pixel_pos_meters", "diffracted_vec"}
    sure, rays = _sure(row, "diffracted_vec", "lambda_meters"), _numbers(row, "incident_vec", "scattering_vec_A_inv")
    if sure and rays:
        difference = [a - b for a, b in zip(sure[0], rays[0], strict=True)]
        if _near([part * sure[1][0] for part in rays[1]], difference, 1.0):
            row.doubt -= {"incident_vec", "scattering_vec_A_inv"}
    sure, rays = _sure(row, "stol"), _numbers(row, "scattering_vec_A_inv")
    if sure and rays and _near([0.5 * math.hypot(*rays[0])], sure[0], sure[0][0]):
        row.doubt.discard("scattering_vec_A_inv")


def _confirm_iteration(row: Row, sample: Row | None) -> None:
    """Every index is the product of its cell vector with q."""
    q = None if sample is None else _sure(sample, "scattering_vec_A_inv")
    for axis, index in zip("abc", "hkl", strict=True):
        vector, value = _numbers(row, f"rot_{axis}_angstroms"), _sure(row, f"{index}_frac")
        if q and vector and value:
            terms = [part * _PER_ANGSTROM * of_q for part, of_q in zip(vector[0], q[0], strict=True)]
            if _near([sum(terms)], value[0], sum(map(abs, terms))):
                row.doubt.discard(f"rot_{axis}_angstroms")


def _confirm_sums(pixel: PixelRecord, run: Row) -> None:
    """An iteration adds its term to the sum, so that the one that was met before it is the one before it."""
    factors = _sure(run, "oversample_thick", "oversample_polar", "oversample_omega")
    before = _sure(run, "I_bg")
    for row in pixel.iterations.values():
        term, total = _sure(row, "I_term"), _numbers(row, "I_running")
        plain = factors == [[0.0]] * 3
        if plain and before and term and total and _near([before[0][0] + term[0][0]], total[0], total[0][0]):
            row.doubt.discard("I_running")
        before = total


def _confirm_final(final: Row) -> None:
    """The image holds the pixel's value in single precision."""
    stored, value = _numbers(final, "floatimage_accumulated"), _sure(final, "I_pixel_final")
    if stored and value and stored[0][0] == struct.unpack("f", struct.pack("f", value[0][0]))[0]:
        final.doubt.discard("floatimage_accumulated")
