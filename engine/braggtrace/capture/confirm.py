"""Values out of an optimised program: kept only where a relation of the physics confirms them.

Debuggers read such a program where its compiler says that variables are. For variables that change in a loop that is
now and then a moment early or late: arrays may not be stored yet, counters and sums may be those of the round before.
So whatever belongs to a pixel is in doubt. A relation that ties a value to others, to within rounding, confirms it and
them: one that was read at the wrong moment fails. What no relation confirms is left out, and counted as missing. Values
of the whole run no longer change when they are read; of these only those in memory are in doubt.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence

from braggtrace.capture.recording import PixelRecord, Recording, Row

__all__ = ["WHY_NOT", "drop_unconfirmed"]

WHY_NOT = "in doubt: the program is optimised, and no other value confirms it"
_REPEATED = "in doubt: the program is optimised, and its loop counters repeat"
_CLOSE = 1e-12
_CLOSE_SINES = 1e-9
_PER_ANGSTROM = 1e-10
_FACTORS = {"thick": "capture_fraction", "polar": "polar", "omega": "omega_pixel"}


def drop_unconfirmed(recording: Recording) -> None:
    """Take out of a recording of an optimised program what is in doubt and not confirmed."""
    run = recording.run
    for pixel in recording.pixels.values():
        for row in (*pixel.samples.values(), *pixel.iterations.values(), pixel.final):
            row.doubt |= row.values.keys()
        first = next(iter(pixel.samples.values()), None)
        for row in pixel.samples.values():
            _confirm_sample(row, run, row if first is None else first)
        for tics, row in pixel.iterations.items():
            _confirm_iteration(tics, row, pixel.samples.get(tics[:4]), run)
        _confirm_sums(pixel, run)
        _confirm_final(pixel.final, run)
    for row in (*recording.sources.values(), *recording.mosaic.values()):
        row.doubt |= row.values.keys()
    for row in recording.rows():
        for quantity in row.values if row.repeated else row.doubt:
            recording.lose(quantity, _REPEATED if row.repeated else WHY_NOT)
        row.values = {} if row.repeated else {name: row.values[name] for name in row.values if name not in row.doubt}
        row.doubt.clear()


def _numbers(row: Row | None, *names: str) -> list[list[float]] | None:
    """The components of some quantities, None if one is not there."""
    found = [None if row is None else row.values.get(name) for name in names]
    if any(each is None or any(isinstance(part, str) for part in each) for each in found):
        return None
    return [[float(part) for part in each] for each in found if each is not None]


def _one(row: Row, name: str) -> float | None:
    """A quantity that is not in doubt and has one component."""
    found = None if name in row.doubt else _numbers(row, name)
    return None if found is None else found[0][0]


def _near(one: Iterable[float], other: Iterable[float], scale: float, close: float = _CLOSE) -> bool:
    return all(abs(a - b) <= close * abs(scale) for a, b in zip(one, other, strict=True))


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _confirm_sample(row: Row, run: Row, first: Row) -> None:
    found = _numbers(row, "R_distance_meters", "pixel_pos_meters", "diffracted_vec")
    if found is not None:
        (distance,), position, ray = found
        if _near([math.hypot(*position)], [distance], distance) and _near(
            position, [distance * part for part in ray], distance
        ):
            row.doubt -= {"R_distance_meters", "pixel_pos_meters", "diffracted_vec"}
            obliquity, close = _numbers(row, "obliquity_factor"), _one(run, "close_distance_meters")
            if obliquity and close is not None and _near(obliquity[0], [close / distance], 1.0):
                row.doubt.discard("obliquity_factor")
    _confirm_rays(row, run)
    _confirm_factors(row, run, first)


def _confirm_rays(row: Row, run: Row) -> None:
    """The scattering vector is the difference of the rays by the wavelength; with one source that is the run's."""
    found = _numbers(row, "diffracted_vec", "incident_vec", "scattering_vec_A_inv", "lambda_meters")
    if found is None or "diffracted_vec" in row.doubt:
        return
    ray, incident, q, (wavelength,) = found
    difference = [a - b for a, b in zip(ray, incident, strict=True)]
    if wavelength != _one(run, "lambda_meters") or not _near([part * wavelength for part in q], difference, 1.0):
        return
    row.doubt -= {"incident_vec", "scattering_vec_A_inv", "lambda_meters"}
    stol, angstroms = _numbers(row, "stol"), _numbers(row, "lambda_angstroms")
    if stol and _near(stol[0], [0.5 * math.hypot(*q)], stol[0][0]):
        row.doubt.discard("stol")
    if angstroms and angstroms[0] == [wavelength * 1e10]:
        row.doubt.discard("lambda_angstroms")


def _confirm_factors(row: Row, run: Row, first: Row) -> None:
    """The factors of a sample are its own, or those of the first one."""
    pixel, close, kahn = (_one(run, name) for name in ("pixel_size_meters", "close_distance_meters", "polarization"))
    omega, polar = _numbers(row, "omega_pixel_sr"), _numbers(row, "polar")
    for source in (row, first):
        distance = _one(source, "R_distance_meters")
        solid = pixel * pixel / distance**2 * close / distance if distance and pixel and close else math.nan
        if omega and _near(omega[0], [solid], solid):
            row.doubt.discard("omega_pixel_sr")
        rays = _numbers(source, "diffracted_vec", "incident_vec")
        sure = kahn == 0.0 and not source.doubt & {"diffracted_vec", "incident_vec"}
        if polar and rays and sure and _near(polar[0], [0.5 * (1.0 + _dot(*rays) ** 2)], 1.0):
            row.doubt.discard("polar")
    capture = _numbers(row, "capture_fraction")
    if capture == [[1.0]] and _one(run, "detector_thick_meters") == 0.0:
        row.doubt.discard("capture_fraction")


def _confirm_iteration(tics: tuple[int, ...], row: Row, sample: Row | None, run: Row) -> None:
    phi, start, step = _numbers(row, "phi_deg"), _one(run, "phi0_deg"), _one(run, "phistep_deg")
    if phi and start is not None and step is not None and _near(phi[0], [start + step * tics[4]], 360.0):
        row.doubt.discard("phi_deg")
    q = None if sample is None or "scattering_vec_A_inv" in sample.doubt else _numbers(sample, "scattering_vec_A_inv")
    for axis, index in zip("abc", "hkl", strict=True):
        found = _numbers(row, f"rot_{axis}_angstroms", f"{index}_frac")
        if q is None or found is None:
            continue
        terms = [part * _PER_ANGSTROM * of_q for part, of_q in zip(found[0], q[0], strict=True)]
        if _near([sum(terms)], found[1], sum(map(abs, terms))):
            row.doubt -= {f"rot_{axis}_angstroms", f"{index}_frac"}
            if _numbers(row, f"{index}0") == [[math.ceil(found[1][0] - 0.5)]]:
                row.doubt.discard(f"{index}0")
    _confirm_lattice(row, run)


def _confirm_lattice(row: Row, run: Row) -> None:
    """The lattice factor of a parallelepiped follows from the indices, which it confirms."""
    indices, factor = _numbers(row, "h_frac", "k_frac", "l_frac"), _numbers(row, "F_latt")
    cells = _numbers(run, "Na", "Nb", "Nc")
    if indices is None or factor is None or cells is None or run.values.get("xtal_shape") != ["SQUARE"]:
        return
    expected = size = 1.0
    for (index,), (count,) in zip(indices, cells, strict=True):
        sine = math.sin(math.pi * index)
        expected *= 1.0 if count <= 1 else count if sine == 0.0 else math.sin(math.pi * index * count) / sine
        size *= count
    if _near(factor[0], [expected], size, _CLOSE_SINES):
        row.doubt -= {"h_frac", "k_frac", "l_frac", "F_latt"}


def _confirm_sums(pixel: PixelRecord, run: Row) -> None:
    """An iteration adds its term to the sum; so the one that was met before it is the one before it."""
    plain = all(_one(run, f"oversample_{name}") == 0.0 for name in _FACTORS)
    before = _one(run, "I_bg")
    for row in pixel.iterations.values():
        found = _numbers(row, "I_term", "I_running", "F_latt", "F_cell")
        if found is None or not plain:
            return
        (term,), (total,), (lattice,), (cell,) = found
        same = math.isnan(cell) or _near([cell * cell * lattice * lattice], [term], term)
        if before is not None and same and _near([before + term], [total], total):
            row.doubt -= {"I_term", "I_running"}
            if "F_latt" not in row.doubt:
                row.doubt.discard("F_cell")
        before = total


def _confirm_final(final: Row, run: Row) -> None:
    """The value of a pixel is its sum, scaled; the image holds it in single precision."""
    for name in ("r_e_sqr", "fluence_photons_per_m2", "steps", *(f"oversample_{name}" for name in _FACTORS)):
        if name in final.values and final.values[name] == run.values.get(name):
            final.doubt.discard(name)
    scale = [_one(final, name) for name in ("r_e_sqr", "fluence_photons_per_m2", "steps")]
    late = [factor for name, factor in _FACTORS.items() if _one(final, f"oversample_{name}") == 0.0]
    found = _numbers(final, "I_before_scaling", "I_pixel_final", *late)
    if found is None or None in scale or any(_one(final, f"oversample_{name}") is None for name in _FACTORS):
        return
    (total,), (value,), *factors = found
    r_e_sqr, fluence, steps = (number or 0.0 for number in scale)
    expected = r_e_sqr * fluence * total / steps if steps else math.nan
    if _near([expected * math.prod(factor[0] for factor in factors)], [value], value):
        final.doubt -= {"I_before_scaling", "I_pixel_final", *late}
        stored = _numbers(final, "floatimage_accumulated")
        if stored and stored[0][0] == struct.unpack("f", struct.pack("f", value))[0]:
            final.doubt.discard("floatimage_accumulated")
