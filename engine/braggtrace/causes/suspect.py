"""What a search for causes is given, and what it finds; arrays only, so that it needs no physics.

The wrong value of a step stands beside what the step gives for its inputs. A cause is a change that turns the one into
the other to within roundings; the room for roundings is known for every number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.causes.codes import Code

__all__ = ["EXACT", "Finding", "History", "Suspect", "Trial", "allowed", "fitted_rows", "judged_trials", "surplus_bits"]

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]

EXACT = 2.0**-52
_ROOM = 3.0
_MOST_BITS = 40.0
_INTEGER_BITS = 3.0  # one of the near integers
_LOCAL = frozenset(
    {
        *(Code.STALE_VALUE, Code.CLAMPED, Code.NON_FINITE, Code.PRECISION_LOSS, Code.WRONG_ROUNDING),
        *(Code.DEFAULT_USED, Code.LOOKUP_MISMATCH, Code.SHIFTED_INDEX),
    }
)
"""Causes that by their nature change some values and leave others as they are."""


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """All rows of a node in loop order, to find a value that belongs elsewhere.

    Attributes:
        rows: (n,) which of the N rows are the suspect's.
        right: (N, width) what the step gives; nan where it can't be told.
        recorded: (N, width) what the side recorded.
        wrong: (N,) which rows are wrong.
        place: says where a row is, for people.
    """

    rows: npt.NDArray[np.int64]
    right: Floats
    recorded: Floats
    wrong: Flags
    place: Callable[[int, int], str]


@dataclass(frozen=True, slots=True, eq=False)
class Suspect:
    """A value that is wrong, beside what is right: arrays over the n rows that are wrong.

    Attributes:
        quantity: its name.
        unit: its unit.
        is_integer: it holds whole numbers.
        is_unit_vector: its length should be 1.
        replayed: `right` is what the step gives; else it is what the other side has.
        bad: (n, width).
        right: (n, width).
        room: (n, width) how far a right value may be from `right`.
        error: (n, width) how far `bad` may be from what was computed: printed digits and roundings.
        scalars: other numbers of this side on these rows, (n,).
        vectors: other vectors of this side on these rows, (n, 3).
        inputs: names of the step's inputs.
        constant: names of quantities that are the same for the whole run.
        units: units of `scalars` and `vectors`.
        history: the node on all rows.
        default: the documented default, None if there is none.
        fraction: for an index, the fraction that it is rounded from, (n,).
        factors: the structure factors that the traces show, by h, k, l.
        indices: (n, 3) h0, k0, l0 of the rows, for a structure factor.
        kept: how many other rows are right, so that a mistake of the whole step would show there.
    """

    quantity: str
    unit: str
    is_integer: bool
    is_unit_vector: bool
    replayed: bool
    bad: Floats
    right: Floats
    room: Floats
    error: Floats
    scalars: Mapping[str, Floats] = field(default_factory=dict)
    vectors: Mapping[str, Floats] = field(default_factory=dict)
    inputs: frozenset[str] = frozenset()
    constant: frozenset[str] = frozenset()
    units: Mapping[str, str] = field(default_factory=dict)
    history: History | None = None
    default: Floats | None = None
    fraction: Floats | None = None
    factors: Mapping[tuple[int, int, int], float] = field(default_factory=dict)
    indices: Floats | None = None
    kept: int = 0

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self.bad)

    @property
    def width(self) -> int:
        """The number of components."""
        return int(self.bad.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A change to try.

    Attributes:
        code: the cause it would show.
        text: what it is, to stand after "the value is".
        predicted: (n, width) the value under the change.
        prior: how much it is to be expected, beside others that fit as well: larger is likelier.
        free: numbers that were taken from the wrong value itself.
        tries: how many changes of its kind are tried.
        quirk: the named quirk that it is.
        slack: how much roundings of the right value grow in the change.
        spoils: it would also change values that are right; None if that was not tried.
    """

    code: Code
    text: str
    predicted: Floats
    prior: float = 0.0
    free: float = 0.0
    tries: int = 1
    quirk: str = ""
    slack: float = 1.0
    spoils: bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """A change that turns the right value into the wrong one.

    Attributes:
        trial: the change.
        fitted: (n,) the rows that it explains.
        residual: largest difference that is left, over the room that roundings have.
        bits: how far beyond chance the agreement is.
        spoils: it would also change values of the same step that are right.
    """

    trial: Trial
    fitted: Flags
    residual: float
    bits: float
    spoils: bool = False

    @property
    def coverage(self) -> float:
        """The share of the rows that it explains."""
        return float(self.fitted.mean()) if len(self.fitted) else 0.0


def allowed(suspect: Suspect, trial: Trial) -> Floats:
    """(n, width) how far the wrong value may be from a prediction."""
    with np.errstate(all="ignore"):
        before = np.max(np.abs(suspect.right), axis=1, keepdims=True, initial=0.0)
        after = np.max(np.abs(trial.predicted), axis=1, keepdims=True, initial=0.0)
        growth = np.where(before > 0, after / before, 1.0)
        room = np.max(suspect.room, axis=1, keepdims=True) * np.where(np.isfinite(growth), growth, 1.0)
        floor = 8 * EXACT * np.where(np.isfinite(after), after, 0.0)
    return np.asarray(_ROOM * (trial.slack * room + suspect.error + floor))


def fitted_rows(suspect: Suspect, trial: Trial) -> tuple[Flags, Floats]:
    """(n,) which rows a change explains, and (n, width) what is left over the room."""
    limit = allowed(suspect, trial)
    with np.errstate(all="ignore"):
        left = np.abs(suspect.bad - trial.predicted) / limit
    left = np.where(suspect.bad == trial.predicted, 0.0, left)
    left = np.where(np.isnan(suspect.bad) & np.isnan(trial.predicted), 0.0, left)
    left = np.nan_to_num(left, nan=np.inf)
    return np.asarray((left <= 1.0).all(axis=1)), left


def surplus_bits(suspect: Suspect, trial: Trial, fitted: Flags) -> float:
    """How many bits of the wrong values a change gets right beyond what was taken from them and tried.

    The bits are counted alike for all changes, so that the one that takes and tries least comes first.
    """
    limit = allowed(suspect, Trial(Code.UNEXPLAINED, "", suspect.bad))[fitted]
    bad, right = suspect.bad[fitted], suspect.right[fitted]
    with np.errstate(all="ignore"):
        scale = np.maximum(np.max(np.abs(bad), axis=1, keepdims=True), np.max(np.abs(right), axis=1, keepdims=True))
        told = (np.abs(bad) > limit) | (np.abs(right) > limit)  # a 0 that stays 0 tells nothing
        if suspect.is_integer:
            bits = np.where(told | (suspect.fraction is not None), _INTEGER_BITS, 0.0)
        else:
            bits = np.where(told, np.clip(np.log2(scale / limit), 0.0, _MOST_BITS), 0.0)
    if suspect.fraction is not None:
        bad = np.hstack([bad, suspect.fraction[fitted][:, None]])
    bits = np.nan_to_num(bits, posinf=_MOST_BITS)
    if not suspect.replayed:
        bits = np.minimum(bits, np.maximum(_written_bits(suspect.bad), _written_bits(suspect.right))[fitted])
    bits = bits[_distinct(bad)]
    total, typical = float(bits.sum()), float(np.max(bits, initial=0.0))
    return total - trial.free * typical - math.log2(max(trial.tries, 1))


def _written_bits(values: Floats) -> Floats:
    """(n, width) how much a number tells by its digits: one that a person gave, 0.0052, has few of them."""
    texts = [f"{value:.15e}".partition("e")[0] for value in values.reshape(-1)]
    digits = [len(text.replace(".", "").lstrip("-").rstrip("0")) for text in texts]
    return np.array(digits, dtype=np.float64).reshape(values.shape) * math.log2(10.0)


def _distinct(values: Floats) -> npt.NDArray[np.int64]:
    """Rows that are not repetitions of others, at most 16 of them."""
    _, first = np.unique(values, axis=0, return_index=True)
    return np.sort(first)[:16]


def _is_idle(suspect: Suspect, trial: Trial) -> bool:
    """Whether the right value fits as well as the changed one, so that the change explains nothing."""
    with np.errstate(all="ignore"):
        same = np.abs(suspect.bad - suspect.right) <= allowed(suspect, trial)
    return bool(same.all())


def judged_trials(suspect: Suspect, trials: Iterable[Trial], coverage: float = 0.99) -> list[Finding]:
    """The trials that explain enough of the rows."""
    found = []
    for trial in trials:
        if trial.predicted.shape != suspect.bad.shape:
            continue
        fitted, left = fitted_rows(suspect, trial)
        if _is_idle(suspect, trial):
            continue
        if len(fitted) and fitted.mean() >= coverage:
            residual = float(left[fitted].max(initial=0.0))
            spoils = trial.spoils if trial.spoils is not None else suspect.kept > 0 and trial.code not in _LOCAL
            found.append(Finding(trial, fitted, residual, surplus_bits(suspect, trial, fitted), spoils))
    return found
