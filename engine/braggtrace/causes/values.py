"""Changes of a value: the wrong one is the right one, negated, scaled, permuted, rounded, cut, …"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import permutations, product
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.causes.codes import Code
from braggtrace.causes.named import DEGREES, named_factor, named_power_of_ten
from braggtrace.causes.suspect import Suspect, Trial, allowed

__all__ = ["value_trials"]

Floats: TypeAlias = npt.NDArray[np.float64]

_AXES = "xyz"
_POWERS = ((1.0, ""), (2.0, "²"), (0.5, "^½"))


def value_trials(suspect: Suspect) -> Iterator[Trial]:
    """Every change of the value alone, the known before the general."""
    if not np.isfinite(suspect.bad).all():
        yield from _not_finite(suspect)
        return
    yield from _signs(suspect)
    if suspect.width == 3 and not suspect.is_integer:
        yield from _axes(suspect)
    if suspect.width == 9:
        yield from _matrix(suspect)
    if suspect.is_integer:
        yield from _integers(suspect)
    else:
        yield from _factors(suspect)
        if _is_telling(suspect):
            yield from _quantities_as_factors(suspect)
            yield from _terms(suspect)
            yield from _offsets(suspect)
        yield from _roundings(suspect)
    yield from _bounds(suspect)
    yield from _defaults(suspect)


def _is_telling(suspect: Suspect) -> bool:
    """Whether a difference or a ratio that is found says something: numbers of people are short, and so are these."""
    if suspect.indices is not None and len(np.unique(suspect.bad)) <= 2:
        return False  # numbers of a table
    return suspect.replayed or suspect.count > 1 or suspect.width > 1


def _not_finite(suspect: Suspect) -> Iterator[Trial]:
    what = "NaN" if np.isnan(suspect.bad).any() else "infinite"
    predicted = np.where(np.isfinite(suspect.bad), suspect.right, suspect.bad)
    yield Trial(Code.NON_FINITE, f"{what}, where the step gives a number", predicted, prior=20.0)


def _signs(suspect: Suspect) -> Iterator[Trial]:
    yield Trial(Code.SIGN_FLIP, "minus what it should be", -suspect.right, prior=6.0)
    if suspect.width == 1:
        yield Trial(Code.SIGN_FLIP, "the magnitude of what it should be", np.abs(suspect.right), prior=4.0)


def _axes(suspect: Suspect) -> Iterator[Trial]:
    right = suspect.right
    for signs in product((1.0, -1.0), repeat=3):
        if -3.0 < sum(signs) < 3.0:
            axes = " and ".join(_AXES[at] for at in range(3) if signs[at] < 0)
            yield Trial(Code.AXIS_REVERSAL, f"right but for the sign of {axes}", right * signs, prior=5.0, tries=6)
    for order in permutations(range(3)):
        if order == (0, 1, 2):
            continue
        words = ", ".join(_AXES[at] for at in order)
        yield Trial(Code.AXIS_PERMUTATION, f"({words}) of what it should be", right[:, order], prior=5.0, tries=5)
        for signs in product((1.0, -1.0), repeat=3):
            if signs != (1.0, 1.0, 1.0):
                words = ", ".join(("−" if signs[place] < 0 else "") + _AXES[at] for place, at in enumerate(order))
                yield Trial(
                    Code.AXIS_PERMUTATION,
                    f"({words}) of what it should be",
                    right[:, order] * signs,
                    prior=3.0,
                    tries=35,
                )
    if suspect.is_unit_vector:
        along = (suspect.bad * right).sum(axis=1, keepdims=True)
        yield Trial(
            Code.NOT_NORMALISED, "parallel to what it should be, but not of length 1", right * along, 3.0, tries=1000
        )


def _matrix(suspect: Suspect) -> Iterator[Trial]:
    swapped = suspect.right.reshape(-1, 3, 3).transpose(0, 2, 1).reshape(-1, 9)
    yield Trial(Code.TRANSPOSED_MATRIX, "the transposed matrix", swapped, prior=6.0)


def _integers(suspect: Suspect) -> Iterator[Trial]:
    if suspect.fraction is not None:
        x = suspect.fraction[:, None]
        for name, predicted in (
            ("floor", np.floor(x)),
            ("ceil", np.ceil(x)),
            ("truncation towards 0", np.trunc(x)),
            ("floor(x + 0.5)", np.floor(x + 0.5)),
            ("rounding half to even", np.rint(x)),
            ("rounding away from 0", np.copysign(np.ceil(np.abs(x)), x)),
        ):
            yield Trial(
                Code.WRONG_ROUNDING, f"{name} of the fraction, not the nearest integer", predicted, 7.5, tries=6
            )
    for shift in (1.0, -1.0):
        word = "one more" if shift > 0 else "one less"
        yield Trial(Code.SHIFTED_INDEX, f"{word} than it should be", suspect.right + shift, prior=5.0, tries=2)
    for factor in (2.0, 0.5):
        yield Trial(Code.CONSTANT_FACTOR, f"{factor:g} times what it should be", suspect.right * factor, prior=3.0)
    yield from _offsets(suspect)


def _ratio(suspect: Suspect) -> tuple[float, float] | None:
    """The factor between the sides and its relative room, from where it is known best; None if all is 0."""
    limit = allowed(suspect, Trial(Code.UNEXPLAINED, "", suspect.bad))
    with np.errstate(all="ignore"):
        room = limit / np.abs(suspect.bad) + np.max(suspect.room, axis=1, keepdims=True) / np.abs(suspect.right)
        ratio = suspect.bad / suspect.right
    room = np.where(np.isfinite(ratio) & (ratio != 0), np.nan_to_num(room, nan=np.inf), np.inf)
    best = int(np.argmin(room))
    if not np.isfinite(room.flat[best]):
        return None
    return float(ratio.flat[best]), float(room.flat[best])


def _factors(suspect: Suspect) -> Iterator[Trial]:
    found = _ratio(suspect)
    if found is None or abs(abs(found[0]) - 1.0) <= found[1]:
        return
    factor, room = found
    for value, text in ((DEGREES, "π/180"), (1 / DEGREES, "180/π")):
        if suspect.unit in ("deg", "rad", "") and abs(factor / value - 1) <= room:
            yield Trial(Code.DEGREES_RADIANS, f"{text} times what it should be", suspect.right * value, 5.0, tries=2)
    power = named_power_of_ten(factor, room)
    if power is not None:
        yield Trial(Code.UNIT_SCALE, f"{power[0]} times what it should be", suspect.right * power[1], 5.0, tries=18)
    for name, value in named_factor(factor, room):
        if "r_e" in name and "r_e_sqr" in suspect.inputs:
            continue  # that is a quantity of the step itself
        yield Trial(Code.CONSTANT_FACTOR, f"{name} times what it should be", suspect.right * value, 4.5, tries=60)
    short = float(f"{factor:.3g}")
    if not _is_telling(suspect):
        return
    if suspect.indices is None and abs(factor / short - 1) <= room:
        tries = 900 * (1 + abs(math.floor(math.log10(abs(short)))))  # three digits and a power of ten
        yield Trial(Code.CONSTANT_FACTOR, f"{short:g} times what it should be", suspect.right * short, 3.5, tries=tries)
    yield Trial(Code.CONSTANT_FACTOR, f"{factor:.6g} times what it should be", suspect.right * factor, 1.0, free=1)


def _quantities_as_factors(suspect: Suspect) -> Iterator[Trial]:
    pools = {False: 6 * max(len(suspect.scalars), 1), True: 6 * max(len(suspect.inputs & set(suspect.scalars)), 1)}
    for name, values in suspect.scalars.items():
        if not np.isfinite(values).all() or (np.abs(np.abs(values) - 1.0) < 1e-9).all() or (values == 0).any():
            continue
        known = name in suspect.inputs
        tries = pools[known]
        for power, mark in _POWERS:
            if power == 0.5 and (values < 0).any():
                continue
            with np.errstate(all="ignore"):
                factor = values[:, None] ** power
                times, over = suspect.right * factor, suspect.right / factor
            likely = (2.5 if known else 1.5 if name not in suspect.constant else 1.0) - (0.5 if mark else 0.0)
            # What a step divides by is rather left out than applied; that is tried on the inputs.
            more = likely - 1.0 if known else likely
            yield Trial(Code.EXTRA_FACTOR, f"multiplied by {name}{mark}", times, more, tries=tries, slack=2.0)
            code = Code.MISSING_TERM if known else Code.EXTRA_FACTOR
            yield Trial(code, f"divided by {name}{mark}", over, likely, tries=tries, slack=2.0)


def _terms(suspect: Suspect) -> Iterator[Trial]:
    pool = suspect.scalars if suspect.width == 1 else suspect.vectors if suspect.width == 3 else {}
    same = {name: values for name, values in pool.items() if suspect.units.get(name) == suspect.unit}
    for name, values in same.items():
        term = values.reshape(suspect.count, -1)
        if not np.isfinite(term).all() or not term.any():
            continue
        known = 1.0 if name in suspect.inputs else 0.0
        tries = 2 * len(same)
        yield Trial(Code.MISSING_TERM, f"too small by {name}", suspect.right - term, 1.5 + known, tries=tries)
        yield Trial(Code.EXTRA_FACTOR, f"too large by {name}", suspect.right + term, 1.5, tries=tries)


def _offsets(suspect: Suspect) -> Iterator[Trial]:
    shift = suspect.bad - suspect.right
    if not np.isfinite(shift).all():
        return
    limit = allowed(suspect, Trial(Code.UNEXPLAINED, "", suspect.bad))
    best = int(np.argmin(limit.max(axis=1)))
    offset = shift[best]
    rounded = np.array([float(f"{value:.3g}") for value in offset])
    if (np.abs(rounded - offset) <= limit[best]).all():
        words = ", ".join(f"{value:g}" for value in rounded)
        yield Trial(Code.OFFSET, f"what it should be plus {words}", suspect.right + rounded, 2.0, tries=900)
    if suspect.count > 1 or suspect.width > 1:
        if (np.abs(offset - offset[0]) <= 2 * limit[best]).all():
            yield Trial(Code.OFFSET, f"what it should be plus {offset[0]:.6g}", suspect.right + offset[0], 1.5, free=1)
        words = ", ".join(f"{value:.6g}" for value in offset)
        yield Trial(
            Code.OFFSET, f"what it should be plus {words}", suspect.right + offset, 0.5, free=float(suspect.width)
        )


def _roundings(suspect: Suspect) -> Iterator[Trial]:
    right = suspect.right
    with np.errstate(all="ignore"):
        apart = np.abs(suspect.bad - right) / np.maximum(np.max(np.abs(right), axis=1, keepdims=True), 5e-324)
        if np.nanmax(apart) > 0.05:
            return
        for name, kind in (("float32", np.float32), ("float16", np.float16)):
            rounded = suspect.bad.astype(kind).astype(np.float64)
            half = np.abs(np.spacing(np.abs(right).astype(kind)).astype(np.float64)) / 2
            yield from _rounded(suspect, name, rounded, half)
        for digits in range(2, 11):
            step = 10.0 ** (np.floor(np.log10(np.abs(right))) - digits + 1)
            step = np.where(np.isfinite(step), step, 1.0)
            rounded = np.round(suspect.bad / step) * step
            yield from _rounded(suspect, f"{digits} digits", rounded, step / 2)
        for decimals in range(1, 9):
            step = np.full(right.shape, 10.0**-decimals)
            rounded = np.round(suspect.bad / step) * step
            yield from _rounded(suspect, f"{decimals} decimals", rounded, step / 2)


def _rounded(suspect: Suspect, name: str, rounded: Floats, half: Floats) -> Iterator[Trial]:
    """The wrong value is a rounded number, and the right one lies within half of a last place of it."""
    near = np.abs(suspect.bad - suspect.right) <= 1.01 * half + suspect.room
    exact = np.abs(rounded - suspect.bad) <= 8 * 2.0**-52 * np.abs(suspect.bad) + suspect.error
    if near.all() and exact.all():
        yield Trial(Code.PRECISION_LOSS, f"rounded to {name}", rounded, prior=4.0, tries=19)


def _bounds(suspect: Suspect) -> Iterator[Trial]:
    """The value is cut: all wrong rows have the same value, and what they should be lies beyond it."""
    history = suspect.history
    bad, right = suspect.bad, suspect.right
    same = suspect.count > 1 and bool((np.abs(bad - bad[:1]) <= 8 * 2.0**-52 * np.abs(bad) + 2 * suspect.error).all())
    for sign, word in ((1.0, "from above"), (-1.0, "from below")):
        bound = float((sign * bad).max() * sign)
        simple = bound in (0.0, 1.0, -1.0)
        near = abs(bound - float(f"{bound:.2g}")) <= 2.0**-23 * abs(bound) + suspect.error.max()  # also of a float32
        short = suspect.replayed and near and (same or suspect.count == 1)
        if not (simple or same or short):
            continue
        predicted = sign * np.minimum(sign * right, sign * bound)
        others = None if history is None else history.right[~history.wrong]
        if others is not None and len(others):
            with np.errstate(invalid="ignore"):
                if (sign * others > sign * bound + suspect.room.max()).any():
                    continue
        text = f"cut at {bound:.6g} {word}"
        yield Trial(
            Code.CLAMPED,
            text,
            predicted,
            prior=4.0 if simple else 3.5 if same and short else 2.0,
            free=0.0 if simple or short else 1.0,
            tries=40 if simple else 200,
        )


def _defaults(suspect: Suspect) -> Iterator[Trial]:
    if suspect.default is None:
        return
    predicted = np.broadcast_to(suspect.default, suspect.bad.shape)
    text = f"the default, {', '.join(f'{value:g}' for value in suspect.default.reshape(-1)[: suspect.width])}"
    yield Trial(Code.DEFAULT_USED, text, np.array(predicted), prior=5.0)
