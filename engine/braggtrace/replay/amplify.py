"""How a difference grows from step to step, and why it grows where it does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.replay.judge import Judgement
from braggtrace.replay.model import Amplified
from braggtrace.replay.nodes import Place
from braggtrace.replay.tables import Side
from braggtrace.replay.tree import Tree

__all__ = ["amplified"]

Floats: TypeAlias = npt.NDArray[np.float64]

_LARGE = 5.0
_AXES = {"F_latt_a": ("h", "h_frac", "Na"), "F_latt_b": ("k", "k_frac", "Nb"), "F_latt_c": ("l", "l_frac", "Nc")}


def amplified(judgement: Judgement, tree: Tree, number: int) -> tuple[Amplified, ...]:
    """Each quantity that inherits from an origin, with the input that brings the difference.

    Args:
        judgement: every node.
        tree: the origins and what they taint.
        number: which origin.
    """
    return tuple(_steps(judgement, tree, number))


def _steps(judgement: Judgement, tree: Tree, number: int) -> Iterator[Amplified]:
    origin, book = tree.origins[number], judgement.book
    bit = np.uint64(1 << number)
    tainted = {origin.node, *origin.inherited}
    for name in judgement.order:
        if name not in origin.inherited:
            continue
        rows = np.flatnonzero((tree.taint[name] & bit) != 0)
        pair = [judgement.of(side, name) for side in book.sides]
        if pair[0] is None or pair[1] is None or not len(rows):
            continue
        relative = _relative(pair[0].recorded.values, pair[1].recorded.values)
        row = int(rows[np.argmax(np.nan_to_num(relative[rows], posinf=0.0))])
        sources = []
        for side, judged in zip(book.sides, pair, strict=True):
            if judged is None or judged.replay is None:
                continue
            for each in judged.replay.inputs:
                source = _carried(each)
                if source in tainted and (found := _difference(judgement, side, name, source, row)):
                    condition = judged.replay.condition.get(each)
                    sources.append((found, source, None if condition is None else float(condition[row])))
        if not sources:
            continue
        size, source, condition_number = max(sources, key=lambda each: each[0])
        factor = float(relative[row]) / size
        yield Amplified(
            quantity=name,
            relative=float(relative[row]),
            source=source,
            source_relative=size,
            factor=factor,
            condition=condition_number if condition_number is not None and math.isfinite(condition_number) else None,
            reason=_reason(book.reference, name, row) if factor >= _LARGE else "",
        )


def _carried(name: str) -> str:
    return {"I_previous": "I_running", "I_last": "I_running"}.get(name, name)


def _relative(ours: Floats, theirs: Floats) -> Floats:
    """(n,) the largest difference of the components over the largest component."""
    with np.errstate(all="ignore"):
        scale = np.maximum(np.abs(ours).max(axis=1), np.abs(theirs).max(axis=1))
        return np.asarray(np.where(scale > 0, np.abs(ours - theirs).max(axis=1) / scale, 0.0))


def _difference(judgement: Judgement, side: Side, name: str, source: str, row: int) -> float:
    """The relative difference of an input, as seen from a row of a node; 0 where it has none."""
    tables = judgement.book.tables
    asked = judgement.replayer.asked(side, name)
    pair = [judgement.of(each, source) for each in judgement.book.sides]
    if asked is None or pair[0] is None or pair[1] is None:
        return 0.0
    where = tables.rows(asked.place, pair[0].recorded.place)
    if not len(where) or asked.rows[row] < 0:
        return 0.0
    at = int(where[asked.rows[row]])
    if pair[0].recorded.place is Place.ITERATION and asked.place is Place.PIXEL:
        owner = tables.rows(Place.ITERATION, Place.PIXEL)
        at = int(np.flatnonzero(owner == asked.rows[row])[-1])
    if at < 0:
        return 0.0
    found = float(_relative(pair[0].recorded.values[[at]], pair[1].recorded.values[[at]])[0])
    return found if math.isfinite(found) else 0.0


def _reason(side: Side, name: str, row: int) -> str:
    """Why a step amplifies, where its formula tells."""
    if name in _AXES:
        letter, index, cells = _AXES[name]
        values = side.nodes.get(index)
        count = side.number(cells)
        if values is None or count is None:
            return ""
        x = math.pi * float(values.values[row, 0])
        if abs(math.sin(count * x)) < 0.5:
            return f"sin(N·π·{letter}) crosses zero here"
        return f"it lies on the flank of a peak along {letter}, with {count:g} cells"
    if name.endswith("_frac"):
        return "large products nearly cancel"
    if name == "F_latt":
        return "its factors all differ"
    return ""
