"""Fix and go on: take some roots as mended, and judge everything after them anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.compare.numbers import difference, ulp_distances
from braggtrace.compare.tolerance import Tolerance
from braggtrace.replay.budget import fixes_of
from braggtrace.replay.judge import Judgement
from braggtrace.replay.loops import add_carried
from braggtrace.replay.quirks import Fit
from braggtrace.replay.replayer import Values
from braggtrace.replay.tables import Book, Recorded, Side
from braggtrace.replay.tree import Origin

__all__ = ["mended_book"]

Flags: TypeAlias = npt.NDArray[np.bool_]

_CARRIED = ("I_previous", "I_last", "F_known", "tricubic_grid")


def mended_book(judgement: Judgement, origins: Sequence[Origin], fits: Sequence[Fit]) -> Book:
    """Both sides as they would be if some origins had been right.

    Args:
        judgement: every node as it is.
        origins: what is taken as mended.
        fits: the quirks that the sides show.
    """
    book = judgement.book
    fixes = fixes_of(judgement, origins)
    diverging = dict(book.diverging)
    sides = []
    changed_nodes: set[str] = set()
    for side in book.sides:
        changed = dict(fixes.apply(judgement, side, fits))
        for origin in origins:
            if origin.printed_only and origin.side == side.name:
                changed[origin.node] = _as_used(judgement, side, origin)
        changed_nodes |= set(changed) - set(_CARRIED)
        nodes = {
            name: _changed(node, changed[name]) if name in changed else node
            for name, node in side.nodes.items()
            if name not in _CARRIED
        }
        copies = {name: found for name, found in side.copies.items() if name not in changed}
        sides.append(replace(side, nodes=nodes, copies=copies))
    reference, candidate = sides
    for name in changed_nodes:
        if name in reference.nodes and name in candidate.nodes:
            diverging[name] = _diverges(book, reference.nodes[name], candidate.nodes[name])
    out = replace(book, reference=reference, candidate=candidate, diverging=diverging)
    add_carried(out)
    return out


def _as_used(judgement: Judgement, side: Side, origin: Origin) -> Values:
    """The value that later steps used instead of the one that was printed."""
    judged = judgement.sides[side.name][origin.node]
    recorded = judged.recorded
    if judged.replay is None or origin.copy is not None:
        return Values(recorded.values, recorded.error, recorded.present)
    values = np.where(origin.rows[:, None], judged.replay.values, recorded.values)
    return Values(values, np.maximum(recorded.error, judged.tolerance), recorded.present)


def _changed(node: Recorded, values: Values) -> Recorded:
    return replace(node, values=values.values, error=values.error, present=values.present)


def _diverges(book: Book, ours: Recorded, theirs: Recorded) -> Flags:
    """(n,) which rows diverge by the tolerance of their pairing."""
    pairing = ours.pairing if ours.pairing >= 0 else theirs.pairing
    tolerance = book.comparison.pairings[pairing].tolerance if pairing >= 0 else Tolerance(rtol=1e-6)
    distance, _, rel = difference(ours.values, theirs.values, equal_nan=True)
    passes = (rel <= tolerance.rtol) | (distance <= tolerance.atol)
    if tolerance.ulp:
        passes |= (ulp_distances(ours.values, theirs.values) <= tolerance.ulp).all(axis=1)
    return np.asarray(~passes & ours.present & theirs.present)
