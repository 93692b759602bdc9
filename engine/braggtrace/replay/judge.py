"""Originates or inherits: every recorded node of both sides against what its step gives for its own inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.quantities import lookup
from braggtrace.replay.nodes import catalogue_name
from braggtrace.replay.precision import DOUBLE_EPS, SINGLE_EPS
from braggtrace.replay.replayer import Replay, Replayer, Values
from braggtrace.replay.tables import Book, Recorded, Side

__all__ = ["Judged", "Judgement", "judge", "judged_node", "node_order", "right_values"]

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]

_SAFETY = 2.0
_UNDERFLOW = 1.2e-38  # below it a float32 loses its digits
_ORIGIN, _DISTANCE = "pix0_vector_meters", "distance_meters"
_MADE_LATER = frozenset({_DISTANCE, "close_distance_meters"})  # from the origin, as a trace has them
_NORMAL = "odet_vec"
_STANDING_IN = frozenset(
    {"odet_after_rotz", "distance_start_m"}
)  # for these a traced value is taken that is made later
_WIDEST = 3  # suspects that are tried together


@dataclass(slots=True, eq=False)
class Judged:
    """A node of one side against its replay: arrays over the rows of its table.

    Attributes:
        recorded: what the trace says.
        replay: what the step gives; None if no step computes the node.
        wrong: (n,) rows that are not what the step gives for their inputs.
        known: (n,) rows that were replayed.
        tolerance: (n, width) how far a right value may be from the replay.
        error: (n, width) how far the recorded value may be from what was computed.
        printed_only: (n,) wrong rows that later steps did not use: they used the right value.
        used: the mended inputs with which the node is right.
    """

    recorded: Recorded
    replay: Replay | None
    wrong: Flags
    known: Flags
    tolerance: Floats
    error: Floats
    printed_only: Flags
    used: dict[str, None] = field(default_factory=dict)

    @property
    def has_wrong(self) -> bool:
        """Whether any row is wrong."""
        return bool(self.wrong.any())


@dataclass(slots=True, eq=False)
class Judgement:
    """All nodes of both sides.

    Attributes:
        book: the values.
        replayer: what replays them.
        order: the nodes in dataflow order.
        sides: side -> node -> judged.
    """

    book: Book
    replayer: Replayer
    order: list[str]
    sides: dict[str, dict[str, Judged]]

    def against(self, side: Side, name: str, replay: Replay | None) -> Judged:
        """A recorded node of a side against some replay of it."""
        return judged_node(side.nodes[name], replay, lone=name in self.replayer.lone.get(side.name, ()))

    def of(self, side: Side, name: str) -> Judged | None:
        """A node of a side, None if it didn't record it."""
        return self.sides[side.name].get(name)


_DERIVED = frozenset({"I_previous", "I_last", "F_known", "tricubic_grid"})


def node_order(book: Book, replayer: Replayer) -> list[str]:
    """The recorded nodes, each after those that it may be computed from; by the catalogue otherwise."""
    names = {name for side in book.sides for name in side.nodes} - _DERIVED
    rank = {name: _rank(name) for name in names}
    done: dict[str, None] = {}
    open_: set[str] = set()

    def visit(name: str) -> None:
        if name in done or name in open_:
            return
        open_.add(name)
        asked = replayer.asked(book.reference, name)
        target = name if asked is None else asked.target
        needed = {*replayer.ancestry(target), target} - {name} - (_MADE_LATER if name == _ORIGIN else set())
        for each in sorted(needed & names, key=lambda other: rank[other]):
            visit(each)
        done[name] = None

    for name in sorted(names, key=lambda other: rank[other]):
        visit(name)
    return list(done)


def _rank(name: str) -> tuple[int, int, str]:
    row = lookup(catalogue_name(name))
    levels = {"pixel_polar": 3, "pixel_capture": 3, "pixel_cos_2theta": 3}
    return (9, 0, name) if row is None else (levels.get(name, int(row.level)), row.order, name)


def judge(book: Book, replayer: Replayer, mended: Mapping[str, Mapping[str, Values]] | None = None) -> Judgement:
    """Replay every node of both sides.

    Args:
        book: both sides on common tables.
        replayer: replays their nodes.
        mended: side -> node -> values to take instead of the recorded ones: faults that were accepted as understood.
    """
    out = Judgement(book, replayer, node_order(book, replayer), {side.name: {} for side in book.sides})
    for side in book.sides:
        _judge_side(out, side, (mended or {}).get(side.name, {}))
    return out


def _judge_side(judgement: Judgement, side: Side, mended: Mapping[str, Values]) -> None:
    judged = judgement.sides[side.name]
    replayer = judgement.replayer
    votes: dict[str, dict[str, list[str]]] = {}
    as_recorded: dict[str, Judged] = {}
    replayer.lone[side.name] = _lone_singles(side, replayer)
    for name in judgement.order:
        recorded = side.nodes.get(name)
        if recorded is None:
            continue
        replay = replayer.replay(side, name, mended)
        here = judgement.against(side, name, replay)
        if name == _ORIGIN and here.replay is not None:
            here = _of_origin(judgement, side, here, mended)
        if here.has_wrong and replay is not None and _NORMAL in replay.inputs and _STANDING_IN & set(replay.inner):
            here = _of_normal(judgement, side, name, here, mended)
        judged[name] = as_recorded[name] = here
        if replay is not None and here.has_wrong:
            _try_mended(judgement, side, name, mended, votes)
        if replay is not None:
            _vote(judgement, side, name, mended, votes)
    for name, found in votes.items():
        if not found.get("recorded"):
            judged[name].printed_only |= judged[name].wrong
            continue
        # Others used the value that was printed, so that one that can't have used it is wrong itself.
        for each in found.get("right", ()):
            replay = as_recorded[each].replay
            if replay is not None and not _STANDING_IN & set(replay.inner):
                judged[each] = as_recorded[each]


def _of_origin(judgement: Judgement, side: Side, here: Judged, mended: Mapping[str, Values]) -> Judged:
    """The origin comes from the distance that was asked for; the traced one is made of the origin again.

    So an origin that fits the traced distance is not known to be right. One that fits neither its own side's distance
    nor the other's is wrong.
    """
    other = judgement.book.other(side).nodes.get(_DISTANCE)
    if here.replay is None or _DISTANCE not in here.replay.inputs:
        return here
    if other is not None and here.has_wrong:
        trial = dict(mended) | {_DISTANCE: Values(other.values, other.error, other.present)}
        again = judgement.replayer.replay(side, _ORIGIN, trial)
        here = here if again is None else judgement.against(side, _ORIGIN, again)
    here.known = here.known & here.wrong
    return here


def _of_normal(judgement: Judgement, side: Side, name: str, here: Judged, mended: Mapping[str, Values]) -> Judged:
    """A node that comes from the detector's normal before two-theta, which is taken to be the traced one.

    If the traced one is wrong, the other side's may be what was used.
    """
    other = judgement.book.other(side).nodes.get(_NORMAL)
    if other is None:
        return here
    trial = dict(mended) | {_NORMAL: Values(other.values, other.error, other.present)}
    again = judgement.against(side, name, judgement.replayer.replay(side, name, trial))
    return here if again.replay is None or again.wrong.any() else again


def judged_node(recorded: Recorded, replay: Replay | None, *, lone: bool = False) -> Judged:
    """A recorded node against its replay.

    Args:
        recorded: what the trace says.
        replay: what the step gives.
        lone: the numbers are float32 although no other is, so that a rounding to float32 is no excuse.
    """
    count = len(recorded.present)
    none = np.zeros(count, dtype=bool)
    error = recorded.error
    if lone:
        error = np.minimum(error, recorded.precision.printed(recorded.values) + error * (DOUBLE_EPS / SINGLE_EPS))
    if replay is None or len(replay.have) != count:
        return Judged(recorded, None, none, none.copy(), error, error, none.copy())
    tolerance = _SAFETY * (replay.spread + error)
    known = recorded.present & replay.have
    # Where a step overflows on numbers that make no sense, it tells nothing.
    known &= (np.isfinite(replay.values) | ~np.isfinite(recorded.values)).all(axis=1)
    with np.errstate(invalid="ignore"):
        near = np.abs(recorded.values - replay.values) <= tolerance
    near |= ~np.isfinite(recorded.values) & ~np.isfinite(replay.values)  # NaN and overflow come in either guise
    near |= recorded.values == replay.values
    if recorded.precision.single or recorded.name == "floatimage_accumulated":
        near |= (np.abs(recorded.values) < _UNDERFLOW) & (np.abs(replay.values) < _UNDERFLOW)
    wrong = known & ~near.all(axis=1)
    return Judged(recorded, replay, wrong, known, tolerance, error, none.copy())


def _lone_singles(side: Side, replayer: Replayer) -> set[str]:
    """Nodes that hold float32 numbers though neither what they come from does nor all that comes from them."""
    singles = {name for name, node in side.nodes.items() if node.precision.single} - {"floatimage_accumulated"}
    lone: set[str] = set()
    if not singles:
        return lone
    inputs = {name: set(_direct(side, replayer, name)) for name in side.nodes if replayer.asked(side, name) is not None}
    for name in singles:
        before = inputs.get(name, set()) - ({_DISTANCE} if name == _ORIGIN else set())
        after = {other for other, needed in inputs.items() if name in needed}
        doubles = {other for other in after if _is_double(side.nodes[other])}
        if not before & singles and doubles:
            lone.add(name)
    return lone


def _is_double(recorded: Recorded) -> bool:
    """Whether the values need more than a float32."""
    if recorded.precision.single:
        return False
    values = recorded.values[np.isfinite(recorded.values)]
    with np.errstate(over="ignore"):
        return bool((np.abs(values.astype(np.float32) - values) > 1e-9 * np.abs(values)).any())


def _direct(side: Side, replayer: Replayer, name: str) -> Iterable[str]:
    """The recorded nodes that a node is replayed from."""
    replay = replayer.replay(side, name)
    return () if replay is None else replay.inputs


def _suspects(judgement: Judgement, side: Side, name: str) -> list[str]:
    """Inputs of a node that are wrong themselves."""
    judged = judgement.sides[side.name]
    here = judged[name].replay
    names = [] if here is None else [*here.inputs]
    found = [each for each in names if each in judged and judged[each].has_wrong]
    if "I_previous" in names and "I_running" in judged and name != "I_running" and judged["I_running"].has_wrong:
        found.append("I_running")
    return found[:_WIDEST]


def right_values(judged: Judged) -> Values:
    """A node with its wrong rows replaced by what the step gives."""
    assert judged.replay is not None
    values = np.where(judged.wrong[:, None], judged.replay.values, judged.recorded.values)
    error = np.where(judged.wrong[:, None], judged.tolerance, judged.recorded.error)
    return Values(values, error, judged.recorded.present)


def _try_mended(
    judgement: Judgement, side: Side, name: str, mended: Mapping[str, Values], votes: dict[str, dict[str, list[str]]]
) -> None:
    """A node that is wrong for its recorded inputs may be right for what these should have been."""
    judged = judgement.sides[side.name]
    here = judged[name]
    suspects = _suspects(judgement, side, name)
    for size in range(1, len(suspects) + 1):
        for chosen in combinations(suspects, size):
            trial = dict(mended) | {each: right_values(judged[each]) for each in chosen}
            again = judgement.replayer.replay(side, name, trial)
            if again is None:
                continue
            other = judgement.against(side, name, again)
            if other.wrong.any() or not other.known[here.wrong].all():
                continue
            other.used = dict.fromkeys(chosen)
            judged[name] = other
            for each in chosen:
                votes.setdefault(each, {}).setdefault("right", []).append(name)
            return


def _vote(
    judgement: Judgement, side: Side, name: str, mended: Mapping[str, Values], votes: dict[str, dict[str, list[str]]]
) -> None:
    """Say of each wrong input whether this node used it as recorded; say nothing where that can't be told."""
    judged = judgement.sides[side.name]
    here = judged[name]
    if here.used or here.has_wrong:
        return
    for each in _suspects(judgement, side, name):
        trial = dict(mended) | {each: right_values(judged[each])}
        again = judgement.replayer.replay(side, name, trial)
        if again is not None and judgement.against(side, name, again).has_wrong:
            votes.setdefault(each, {}).setdefault("recorded", []).append(name)
