"""From an origin to a suspect: the wrong values beside the right ones, and everything they could be mistaken for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.causes.codes import Code
from braggtrace.causes.suspect import History, Suspect, Trial
from braggtrace.physics.registry import Plan
from braggtrace.quantities import Kind, lookup
from braggtrace.replay.defaults import default_of
from braggtrace.replay.formulas import COUNTERS
from braggtrace.replay.judge import Judged, Judgement, right_values
from braggtrace.replay.loops import known_factors
from braggtrace.replay.nodes import Node, Place, catalogue_name, unit_of_node
from braggtrace.replay.places import place_words
from braggtrace.replay.quirks import RUNNING_SUM, stale_angles
from braggtrace.replay.replayer import Asked
from braggtrace.replay.search import Change, Elsewhere, input_trials
from braggtrace.replay.tables import Recorded, Side
from braggtrace.replay.tree import Origin
from braggtrace.simulate.quirks import STALE_PHI_ZERO

__all__ = ["against_other", "chosen_rows", "suspect_of", "trials_of"]

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

_MOST_ROWS, _MOST_KEPT = 48, 16
_TELLS = 100.0  # times the room for roundings
_UNIT_VECTORS = frozenset(
    (
        *("beam_vec", "polar_vec", "vert_vec", "spindle_axis", "fdet_vec", "sdet_vec", "odet_vec"),
        *("dir", "diffracted_vec", "incident_vec"),
    )
)
_FRACTIONS = {"h0": "h_frac", "k0": "k_frac", "l0": "l_frac"}
_DERIVED = ("I_previous", "I_last", "F_known", "tricubic_grid")


def chosen_rows(judgement: Judgement, origin: Origin, side: Side) -> Ints:
    """The rows that are looked at, the first ones; of a whole number also right ones, which tell as much."""
    rows = np.flatnonzero(origin.rows)[:_MOST_ROWS]
    judged = judgement.of(side, origin.node)
    if origin.node not in _FRACTIONS or judged is None or judged.replay is None:
        return rows
    right = np.flatnonzero(judged.known & ~judged.wrong)[:_MOST_ROWS]
    return np.sort(np.concatenate([rows, right]))


def _kept_rows(judgement: Judgement, origin: Origin, side: Side) -> Ints:
    """Rows of the same step that are right, and that a change of the whole step would spoil: those that are not 0."""
    judged = judgement.of(side, origin.node)
    if judged is None or judged.replay is None or origin.node in _FRACTIONS:
        return np.empty(0, dtype=np.int64)
    with np.errstate(invalid="ignore"):
        tells = (np.abs(judged.recorded.values) > _TELLS * judged.tolerance).any(axis=1)
    return np.flatnonzero(judged.known & ~judged.wrong & ~origin.rows & tells)[:_MOST_KEPT]


def suspect_of(judgement: Judgement, origin: Origin, side: Side) -> Suspect | None:
    """What is known about an origin, on one side; None if that side or the right value is missing.

    Args:
        judgement: every node.
        origin: what to look into.
        side: the side that is taken to be wrong.
    """
    judged = judgement.of(side, origin.node)
    other = judgement.of(judgement.book.other(side), origin.node)
    if judged is None:
        return None
    rows = chosen_rows(judgement, origin, side)
    replayed = judged.replay is not None and bool(judged.known[rows].all())
    if not replayed and other is None:
        return None
    if replayed:
        assert judged.replay is not None
        right_all, room_all = judged.replay.values, judged.replay.spread
    else:
        assert other is not None
        right_all, room_all = other.recorded.values, other.recorded.error
    recorded = judged.recorded
    row = lookup(catalogue_name(origin.node))
    scalars, vectors, units, constant = _others(judgement, side, origin, rows)
    fraction = scalars.get(_FRACTIONS.get(origin.node, ""))
    convention = judgement.replayer.word(side, "detector_convention")
    default = default_of(origin.node, convention) if not replayed or recorded.place is Place.RUN else None
    indices, factors = _factors(judgement, side, origin, rows)
    return Suspect(
        quantity=origin.node,
        unit="" if row is None else row.unit,
        is_integer=row is not None and row.kind is Kind.INTEGER,
        is_unit_vector=origin.node in _UNIT_VECTORS,
        replayed=replayed,
        bad=recorded.values[rows],
        right=right_all[rows],
        room=room_all[rows],
        error=judged.error[rows],
        scalars=scalars,
        vectors=vectors,
        inputs=frozenset(() if judged.replay is None else (*judged.replay.inputs, *judged.replay.inner)),
        constant=frozenset(constant),
        units=units,
        history=_history(judgement, judged, right_all, rows),
        default=None if default is None or len(default) != recorded.width else np.array(default),
        fraction=fraction,
        factors=factors,
        indices=indices,
        kept=len(_kept_rows(judgement, origin, side)),
    )


def against_other(judgement: Judgement, origin: Origin, side: Side) -> Suspect | None:
    """An origin with the other side's value as the right one, where that side is right."""
    suspect = suspect_of(judgement, origin, side)
    other = judgement.of(judgement.book.other(side), origin.node)
    if suspect is None or other is None:
        return None
    rows = chosen_rows(judgement, origin, side)
    if other.wrong[rows].any() or not other.recorded.present[rows].all():
        return None
    return replace(suspect, right=other.recorded.values[rows], room=other.recorded.error[rows])


def _history(judgement: Judgement, judged: Judged, right: Floats, rows: Ints) -> History | None:
    place = judged.recorded.place
    if place is Place.RUN or len(judged.recorded.present) < 2:
        return None
    known = judged.known if judged.replay is not None else judged.recorded.present
    values = np.where(known[:, None], right, np.nan)
    tables = judgement.book.tables
    return History(
        rows=rows,
        right=values,
        recorded=judged.recorded.values,
        wrong=judged.wrong,
        place=lambda there, here: place_words(tables, place, there, here),
    )


def _others(
    judgement: Judgement, side: Side, origin: Origin, rows: Ints
) -> tuple[dict[str, Floats], dict[str, Floats], dict[str, str], set[str]]:
    """Numbers and vectors of this side on the same rows, their units, and which belong to the run.

    Nodes that follow from the origin are left out; a node that is wrong itself stands with its right value.
    """
    replayer, tables = judgement.replayer, judgement.book.tables
    here = judgement.of(side, origin.node)
    own = replayer.asked(side, origin.node)
    assert here is not None
    scalars: dict[str, Floats] = {}
    vectors: dict[str, Floats] = {}
    units: dict[str, str] = {}
    constant: set[str] = set()
    for name, node in side.nodes.items():
        if name == origin.node or name in _DERIVED or node.width not in (1, 3):
            continue
        asked = replayer.asked(side, name)
        target = name if asked is None else asked.target
        if origin.node in replayer.ancestry(target) or target == origin.node:
            continue
        at = tables.rows(here.recorded.place, node.place)
        at = at[rows] if len(at) else np.full(len(rows), -1)
        if own is not None and node.place is own.place:
            at = own.rows[rows]  # of a factor that is kept, the rows on which it was computed
        judged = judgement.of(side, name)
        values, there = node.values, node.present
        if judged is not None and judged.replay is not None:
            values = right_values(judged).values
            values = np.where(there[:, None], values, judged.replay.values)
            there = there | judged.replay.have
        if (at < 0).any() or not there[at].all():
            continue
        if node.width == 1 and judged is not None and judged.wrong[at].any() and node.place is not Place.RUN:
            scalars[f"{name} (as it should be)"] = values[at, 0]
            units[f"{name} (as it should be)"] = unit_of_node(Node((name,), node.place))
            values = np.where(node.present[:, None], node.values, values)
        if node.width == 1:
            scalars[name] = values[at, 0]
        else:
            vectors[name] = values[at]
        row = lookup(catalogue_name(name))
        units[name] = "" if row is None else row.unit
        if node.place is Place.RUN:
            constant.add(name)
    return scalars, vectors, units, constant


def _factors(
    judgement: Judgement, side: Side, origin: Origin, rows: Ints
) -> tuple[Floats | None, Mapping[tuple[int, int, int], float]]:
    """The indices of the rows and the structure factors that the traces show, for a structure factor."""
    if origin.node not in ("F_cell", "F_cell_nearest"):
        return None, {}
    nodes = [side.nodes.get(name) for name in ("h0", "k0", "l0")]
    known = [node for node in nodes if node is not None and node.place is Place.ITERATION]
    if len(known) != 3 or not all(node.present[rows].all() for node in known):
        return None, {}
    exact, used = known_factors(judgement.book, side)
    _, others = known_factors(judgement.book, judgement.book.other(side))
    return np.hstack([node.values[rows] for node in known]), {**used, **others, **exact}


def trials_of(judgement: Judgement, origin: Origin, side: Side) -> Iterator[Trial]:
    """The changes of the step's inputs, and of the step itself, on the rows of an origin."""
    judged, replayer = judgement.of(side, origin.node), judgement.replayer
    asked = replayer.asked(side, origin.node)
    rows = chosen_rows(judgement, origin, side)
    if judged is None or judged.replay is None or asked is None or not judged.known[rows].all():
        return
    used = {name: right_values(judgement.sides[side.name][name]) for name in judged.used}
    by_text: dict[tuple[str, str], tuple[Trial, Floats]] = {}
    kept = _kept_rows(judgement, origin, side)
    both = np.sort(np.concatenate([rows, kept]))
    for plan, part in replayer.plans(side, origin.node, both, used):
        where = np.searchsorted(both, part)
        inputs, fixed = replayer.inputs(side, plan, asked, asked.rows[part], used)
        values = {name: each.values for name, each in inputs.items()}
        elsewhere = _elsewhere(judgement, side, asked, part, values)
        found = [
            *input_trials(plan, asked.target, values, fixed, elsewhere),
            *_switched(plan, asked.target, values, fixed),
            *_variants(judgement, side, origin, part),
        ]
        for trial in found:
            key = (trial.code.value, trial.text)
            if key not in by_text:
                by_text[key] = (trial, np.full((len(both), trial.predicted.shape[1]), np.nan))
            by_text[key][1][where] = trial.predicted
    for trial, predicted in by_text.values():
        spoils = _spoils(judged, kept, predicted[np.isin(both, kept)], trial.slack)
        yield replace(trial, predicted=predicted[np.isin(both, rows)], spoils=spoils)


def _spoils(judged: Judged, kept: Ints, predicted: Floats, slack: float) -> bool:
    """Whether a change would alter rows that are right as they are."""
    with np.errstate(invalid="ignore"):
        apart = np.abs(predicted - judged.recorded.values[kept]) > slack * judged.tolerance[kept]
    return bool(apart.any())


def _elsewhere(judgement: Judgement, side: Side, asked: Asked, rows: Ints, inputs: Mapping[str, Floats]) -> Elsewhere:
    """Values of the inputs on other rows, and of other quantities in their place."""
    tables = judgement.book.tables
    changes: dict[str, list[Change]] = {}
    for name, values in inputs.items():
        node = None if name in COUNTERS else judgement.replayer.recorded(side, name)
        if node is None or name in _DERIVED:
            continue
        mine = changes.setdefault(name, [])
        at = tables.rows(asked.place, node.place)[asked.rows[rows]]
        for text, code, there in _neighbours(judgement, node, at):
            ok = (there >= 0) & node.present[there]
            moved = np.where(ok[:, None], node.values[there], np.nan)
            if ok.any() and (moved[ok] != values[ok]).any():
                moved = np.where(ok[:, None], moved, values)
                mine.append(Change(code, f"{name} {text}", moved, 3.0))
        mine += _mistaken(judgement, side, asked, rows, name, values)
    step = side.number("phistep_deg")
    if "phi_deg" in inputs and step:
        for sign, word in ((1.0, "further"), (-1.0, "back")):
            text = f"the angle one phi step {word}"
            changes.setdefault("phi_deg", []).append(
                Change(Code.SHIFTED_INDEX, text, inputs["phi_deg"] + sign * step, 3.5)
            )
    if "phi_deg" in inputs:
        stale = stale_angles(judgement, side)
        if stale is not None:
            at = tables.rows(asked.place, Place.ITERATION)[asked.rows[rows]]
            text = "the angle of the step before wherever phi is exactly 0"
            changes.setdefault("phi_deg", []).append(
                Change(Code.STALE_VALUE, text, stale.values[at], 8.0, STALE_PHI_ZERO)
            )
    return Elsewhere(changes)


def _neighbours(judgement: Judgement, node: Recorded, at: Ints) -> Iterator[tuple[str, Code, Ints]]:
    """The rows before and after, by loop order and by each counter that varies."""
    count = len(node.present)
    if node.place is Place.RUN or count < 2:
        return
    yield "of the time before", Code.STALE_VALUE, np.where(at > 0, at - 1, -1)
    yield "of the time after", Code.SHIFTED_INDEX, np.where((at >= 0) & (at < count - 1), at + 1, -1)
    tables = judgement.book.tables
    for counter in ("pixel", "source", "phi_tic", "mos_tic"):
        for step, word, code in ((-1, "before", Code.STALE_VALUE), (1, "after", Code.SHIFTED_INDEX)):
            there = tables.moved(node.place, counter, step)
            if there is not None:
                yield f"of the {counter.removesuffix('_tic')} {word}", code, np.where(at >= 0, there[at], -1)


def _mistaken(
    judgement: Judgement, side: Side, asked: Asked, rows: Ints, name: str, values: Floats
) -> Iterator[Change]:
    """Other quantities of the same unit and shape in place of an input, and its default."""
    tables, replayer = judgement.book.tables, judgement.replayer
    row = lookup(catalogue_name(name))
    for other, node in side.nodes.items():
        if other == name or other in _DERIVED or node.width != values.shape[1] or node.width == 9:
            continue
        theirs = lookup(catalogue_name(other))
        if row is None or theirs is None or theirs.unit != row.unit or theirs.kind is not row.kind:
            continue
        origin = replayer.asked(side, other)
        if asked.target in replayer.ancestry(other if origin is None else origin.target):
            continue
        at = tables.rows(asked.place, node.place)
        at = at[asked.rows[rows]] if len(at) else np.full(len(rows), -1)
        if (at >= 0).all() and node.present[at].all():
            prior = 3.5 if node.width == 3 else 2.0 if node.place is not Place.RUN else 0.5
            yield Change(Code.SWAPPED_QUANTITIES, f"{other} for {name}", node.values[at], prior)
    default = default_of(name, replayer.word(side, "detector_convention"))
    if default is not None and len(default) == values.shape[1]:
        moved = np.broadcast_to(np.array(default), values.shape).copy()
        if (moved != values).any():
            words = ", ".join(f"{value:g}" for value in default)
            yield Change(Code.DEFAULT_USED, f"the default {words} for {name}", moved, 3.5)


def _switched(plan: Plan, target: str, inputs: Mapping[str, Floats], fixed: Mapping[str, Any]) -> Iterator[Trial]:
    """The step with one of its flags the other way."""
    from braggtrace.replay.evaluate import Input, evaluate

    for name, value in fixed.items():
        if not isinstance(value, int) or isinstance(value, bool):
            continue
        given = {each: Input(values, np.zeros_like(values)) for each, values in inputs.items()}
        answer = evaluate(plan, target, given, {**fixed, name: int(not value)}, spread=False)
        code = Code.DEFAULT_USED if value else Code.MISSING_TERM
        word = "as if -{} had not been given" if value else "as if -{} had been given"
        yield Trial(code, f"what the step gives {word.format(name)}", answer.values, prior=3.0, slack=6.0)


def _variants(judgement: Judgement, side: Side, origin: Origin, rows: Ints) -> Iterator[Trial]:
    """The step in another variant: another crystal shape, the running sum of the C program."""
    replayer = judgement.replayer
    tried: list[tuple[tuple[str, ...], Code, str, float, str]] = []
    if origin.node == "I_running":
        text = "the whole sum times the factors at every step, not the contribution alone"
        tried.append((("RUNNING_SUM",), Code.EXTRA_FACTOR, text, 8.0, RUNNING_SUM))
        tried.append((("PLAIN",), Code.MISSING_TERM, "the sum without the factors of the step", 5.0, ""))
    if origin.node == "F_latt":
        for shape in ("SQUARE", "ROUND", "GAUSS", "TOPHAT"):
            code = Code.DEFAULT_USED if shape == "SQUARE" else Code.SWAPPED_QUANTITIES
            tried.append(((shape,), code, f"the lattice factor of shape {shape}", 2.0, ""))
    before = replayer.variants.get(side.name, ())
    for variants, code, text, prior, quirk in tried:
        replayer.variants[side.name] = variants
        replay = replayer.replay(side, origin.node, spread=False)
        replayer.variants[side.name] = before
        if replay is not None and replay.have[rows].all() and replay.values[rows].any():
            yield Trial(code, text, replay.values[rows], prior, quirk=quirk, slack=4.0)
