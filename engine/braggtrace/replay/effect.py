"""What follows if a value is mended: the later steps of a pixel, computed again from recorded values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.replay.judge import Judged, Judgement, right_values
from braggtrace.replay.loops import known_factors, previous_rows
from braggtrace.replay.nodes import Place
from braggtrace.replay.replayer import Values
from braggtrace.replay.tables import Side

__all__ = ["mend"]

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]


def mend(
    judgement: Judgement,
    side: Side,
    healed: Mapping[str, Flags],
    fixes: Mapping[str, Values],
    *,
    running_sum: bool = False,
) -> dict[str, Values]:
    """The nodes of a side that change if some of its steps are mended.

    A step that is right is computed again. One that is wrong keeps its departure: as a factor if it is a number, as
    a difference if it is a vector. One that can't be replayed stays what it was.

    Args:
        judgement: all nodes.
        side: whose values.
        healed: node -> (n,) wrong rows that are taken to be what their step gives.
        fixes: node -> values that replace it: for nodes that can't be replayed.
        running_sum: the side multiplies the whole sum at every step.

    Returns:
        Node -> values, for the mended nodes and all that change with them.
    """
    judged = judgement.sides[side.name]
    changed: dict[str, Values] = dict(fixes)
    for name in judgement.order:
        here = judged.get(name)
        if here is None or name in fixes or here.replay is None:
            continue
        if name == "I_running":
            _mend_sum(judgement, side, here, changed, running_sum and name not in healed, name in healed)
            continue
        if name not in healed and not any(each in changed for each in here.replay.inputs):
            continue
        used = {each: right_values(judged[each]) for each in here.used}
        now = judgement.replayer.replay(side, name, used | changed, spread=False)
        if now is None:
            continue
        wrong = here.wrong & ~healed[name] if name in healed else here.wrong
        values = _moved(here, wrong, now.values)
        rows = (values != here.recorded.values).any(axis=1) & here.recorded.present & now.have
        if rows.any():
            values = np.where(rows[:, None], values, here.recorded.values)
            changed[name] = Values(values, np.maximum(here.recorded.error, here.tolerance), here.recorded.present)
            _carry(name, changed, judgement, side)
    return changed


def _moved(here: Judged, wrong: Flags, now: Floats) -> Floats:
    """(n, width) what a node becomes when its step gives `now`."""
    assert here.replay is not None
    recorded, before = here.recorded.values, here.replay.values
    with np.errstate(all="ignore"):
        if recorded.shape[1] == 1:
            departed = np.where(before != 0, recorded / before * now, recorded + (now - before))
        else:
            departed = recorded + (now - before)
    moved = np.where(wrong[:, None], departed, now)
    moved = np.where(here.known[:, None] & np.isfinite(moved), moved, recorded)
    same = (now == before).all(axis=1, keepdims=True) & ~(here.wrong & ~wrong)[:, None]
    return np.asarray(np.where(same, recorded, moved))


def _carry(name: str, changed: dict[str, Values], judgement: Judgement, side: Side) -> None:
    """Structure factors are looked up by the indices: take those of the new ones, as far as the traces show them."""
    indices = ("h0", "k0", "l0")
    target = "F_known" if "F_known" in side.nodes else "F_cell"
    looked_up = side.nodes.get(target)
    if name not in indices or looked_up is None or any(axis not in side.nodes for axis in indices):
        return
    exact, used = known_factors(judgement.book, side)
    _, others = known_factors(judgement.book, judgement.book.other(side))
    seen = {**others, **used, **exact}
    columns = [changed[axis].values if axis in changed else side.nodes[axis].values for axis in indices]
    values = looked_up.values.copy()
    for row in np.flatnonzero(looked_up.present & np.isfinite(np.hstack(columns)).all(axis=1)):
        h, k, l = (int(column[row, 0]) for column in columns)  # noqa: E741 - an index of crystallography
        values[row, 0] = seen.get((h, k, l), values[row, 0])
    changed[target] = Values(values, looked_up.error, looked_up.present)


def _mend_sum(
    judgement: Judgement, side: Side, here: Judged, changed: dict[str, Values], running_sum: bool, heals: bool
) -> None:
    """The running sum: every later row changes with an earlier one."""
    tables = judgement.book.tables
    term = side.nodes.get("I_term")
    names = {"I_term", "I_bg", "weight", "capture_fraction", "polar", "omega_pixel_sr"}
    if term is None or not (heals or names & set(changed)):
        return
    terms = changed["I_term"].values[:, 0] if "I_term" in changed else term.values[:, 0]
    weights_now, weights_before = (_weights(judgement, side, source) for source in (changed, {}))
    old_terms, old = term.values[:, 0], here.recorded.values[:, 0]
    before = previous_rows(tables, here.recorded.present)
    start = side.nodes.get("I_bg")
    first = 0.0 if start is None else float(start.values[0, 0])
    new_first = float(changed["I_bg"].values[0, 0]) if "I_bg" in changed else first
    new = old.copy()
    for row in np.flatnonzero(here.recorded.present).tolist():
        last, new_last = (old[before[row]], new[before[row]]) if before[row] >= 0 else (first, new_first)
        if running_sum:
            given = (last + old_terms[row]) * weights_before[row]
            gives = (new_last + terms[row]) * weights_now[row]
        else:
            given = last + old_terms[row] * weights_before[row]
            gives = new_last + terms[row] * weights_now[row]
        if heals:
            new[row] = gives
        elif np.isfinite(gives - given):
            new[row] = old[row] + (gives - given)
    if (new != old).any():
        error = np.maximum(here.recorded.error, here.tolerance)
        changed["I_running"] = Values(new[:, None], error, here.recorded.present)
        _carry_sum(judgement, side, changed)


def _carry_sum(judgement: Judgement, side: Side, changed: dict[str, Values]) -> None:
    """The last sum of each pixel, as it is now."""
    known, running = side.nodes.get("I_last"), changed["I_running"]
    if known is not None:
        rows = _last_rows(judgement, running.present)
        values = np.where(rows[:, None] >= 0, running.values[np.maximum(rows, 0)], np.nan)
        changed["I_last"] = Values(values, known.error, known.present)


def _last_rows(judgement: Judgement, present: Flags) -> npt.NDArray[np.int64]:
    """(pixels,) the last recorded iteration of each pixel, −1 where there is none."""
    tables = judgement.book.tables
    last = np.full(tables.count(Place.PIXEL), -1, dtype=np.int64)
    rows = np.flatnonzero(present)
    last[tables.rows(Place.ITERATION, Place.PIXEL)[rows]] = rows
    return last


def _weights(judgement: Judgement, side: Side, changed: Mapping[str, Values]) -> Floats:
    """(iterations,) the factors that are applied at every step."""
    tables = judgement.book.tables
    weights = np.ones(tables.count(Place.ITERATION))
    for name, flag in (
        ("capture_fraction", "oversample_thick"),
        ("polar", "oversample_polar"),
        ("omega_pixel_sr", "oversample_omega"),
    ):
        recorded = side.nodes.get(name)
        if side.flag(flag) and recorded is not None:
            values = changed[name].values if name in changed else recorded.values
            at = tables.rows(Place.ITERATION, recorded.place)
            weights = weights * np.where(at >= 0, values[at, 0], 1.0)
    return weights
