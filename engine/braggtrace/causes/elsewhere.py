"""Values that belong elsewhere: to an earlier iteration, a later index, another quantity, another reflection."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.causes.codes import Code
from braggtrace.causes.suspect import History, Suspect, Trial, allowed

__all__ = ["elsewhere_trials"]

Floats: TypeAlias = npt.NDArray[np.float64]
Rows: TypeAlias = npt.NDArray[np.int64]

_COMMON = (0.0, 1.0, -1.0)  # values that many quantities have
_NEIGHBOURS = [step for step in product((-1, 0, 1), repeat=3) if step != (0, 0, 0)]


def elsewhere_trials(suspect: Suspect) -> Iterator[Trial]:
    """Every change that takes a value from elsewhere."""
    if not np.isfinite(suspect.bad).all():
        return
    if suspect.history is not None:
        yield from _stale(suspect, suspect.history)
    yield from _swapped(suspect)
    if suspect.factors and suspect.indices is not None:
        yield from _neighbours(suspect, suspect.indices)


def _stale(suspect: Suspect, history: History) -> Iterator[Trial]:
    """Each wrong value is what the step gave on another row: the one before, an earlier one, or any."""
    limit = allowed(suspect, Trial(Code.UNEXPLAINED, "", suspect.bad))
    sources: list[int] = []
    for number, row in enumerate(history.rows.tolist()):
        sources.append(_source(history, row, suspect.bad[number], suspect.right[number], limit[number]))
    found = np.array(sources)
    if not (found >= 0).any():
        return
    # The first row of a trace may hold what was computed before the trace began.
    begins = (found < 0) & (history.rows == 0)
    predicted = np.where((found >= 0)[:, None], history.right[found], np.where(begins[:, None], suspect.bad, np.nan))
    before = found == history.rows - 1
    ahead = found == history.rows + 1
    known = found >= 0
    earlier = found < history.rows
    always = before | begins
    chosen = int(np.flatnonzero(known & earlier)[0]) if (known & earlier).any() else int(np.flatnonzero(known)[0])
    where = history.place(int(found[chosen]), int(history.rows[chosen]))
    text = f"its own value {where}"
    if (ahead | ~known).all() and suspect.count > 1:
        yield Trial(Code.SHIFTED_INDEX, f"{text}, one index later", predicted, prior=4.0)
    prior = 5.0 if (before | ~known).all() else 4.5 if (earlier | ~known).all() else 3.5
    if always.all() and _keeps_up(history):
        prior -= 3.0  # a step that always lags would lag there as well
    tries = max(len(history.right), 1)
    yield Trial(Code.STALE_VALUE, text, predicted, prior=prior, free=float(begins.any()), tries=tries)


def _keeps_up(history: History) -> bool:
    """Whether some row is right although the one before it had another value."""
    with np.errstate(invalid="ignore"):
        moved = (np.abs(history.right[1:] - history.right[:-1]) > 1e-9 * np.abs(history.right[1:])).any(axis=1)
    return bool((moved & ~history.wrong[1:]).any())


def _source(history: History, row: int, bad: Floats, right: Floats, limit: Floats) -> int:
    """The row whose right value a wrong one is: the closest before, else the closest after; −1 if there is none."""
    with np.errstate(invalid="ignore"):
        same = np.asarray((np.abs(history.right - bad) <= limit).all(axis=1))
        same &= ~np.asarray((np.abs(history.right - right) <= limit).all(axis=1))
    before = np.flatnonzero(same[:row])
    if len(before):
        return int(before[-1])
    after = np.flatnonzero(same[row + 1 :])
    return int(after[0]) + row + 1 if len(after) else -1


def _swapped(suspect: Suspect) -> Iterator[Trial]:
    pool = suspect.scalars if suspect.width == 1 else suspect.vectors if suspect.width == 3 else {}
    for name, values in pool.items():
        predicted = values.reshape(suspect.count, -1)
        if name == suspect.quantity or not np.isfinite(predicted).all() or np.isin(predicted, _COMMON).all():
            continue
        same_unit = suspect.units.get(name) == suspect.unit
        fixed = name in suspect.constant
        prior = 1.0 if not same_unit or (fixed and suspect.count > 1) else 2.5 if fixed else 4.0
        yield Trial(Code.SWAPPED_QUANTITIES, f"that of {name}", predicted, prior=prior, tries=max(len(pool), 1))


def _neighbours(suspect: Suspect, indices: Floats) -> Iterator[Trial]:
    """The structure factor of another reflection, the same way off on every row."""
    keys = [tuple(int(index) for index in row) for row in indices]
    moves = [(f"({h:+d}, {k:+d}, {m:+d}) from it", (h, k, m)) for h, k, m in _NEIGHBOURS]
    for text, (h, k, m) in moves:
        yield _looked_up(suspect, [(key[0] + h, key[1] + k, key[2] + m) for key in keys], text, 4.0, 26)
    for order, name in (((1, 0, 2), "k h l"), ((2, 1, 0), "l k h"), ((0, 2, 1), "h l k")):
        yield _looked_up(suspect, [(key[order[0]], key[order[1]], key[order[2]]) for key in keys], name, 4.0, 3)
    yield _looked_up(suspect, [(-key[0], -key[1], -key[2]) for key in keys], "−h −k −l", 3.0, 1)


def _looked_up(suspect: Suspect, keys: list[tuple[int, int, int]], text: str, prior: float, tries: int) -> Trial:
    values = np.array([[suspect.factors.get(key, np.nan)] for key in keys])
    return Trial(Code.LOOKUP_MISMATCH, f"that of the reflection {text}", values, prior=prior, tries=tries)
