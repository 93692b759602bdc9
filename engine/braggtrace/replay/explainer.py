"""From origins to roots: cause, evidence, effect and sentence of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.causes.codes import ADVICE, Code
from braggtrace.causes.rank import Ranked, search
from braggtrace.causes.suspect import Suspect
from braggtrace.compare.numbers import common_digits
from braggtrace.quantities import lookup
from braggtrace.replay.amplify import amplified
from braggtrace.replay.budget import Shares
from braggtrace.replay.formulas import REPLAY
from braggtrace.replay.invariants import side_by_invariants
from braggtrace.replay.judge import Judgement
from braggtrace.replay.model import Cause, Root
from braggtrace.replay.nodes import catalogue_name
from braggtrace.replay.places import coordinate_words, coordinates
from braggtrace.replay.sensitivity import sensitivity
from braggtrace.replay.story import root_sentence
from braggtrace.replay.suspects import against_other, chosen_rows, suspect_of, trials_of
from braggtrace.replay.tables import SIDES, WORDS, Side
from braggtrace.replay.tree import UNKNOWN_SIDE, Origin, Tree

__all__ = ["name_of", "origin_id", "roots_of"]

Floats: TypeAlias = npt.NDArray[np.float64]

_RIVALS = 3
_SETTING = "the flags and the defaults of both programs: it is a setting, or follows from one that is not traced"
_OF_TWO_WORDS = 0.5  # either side's word may be the one that is not meant


def origin_id(origin: Origin) -> str:
    """The name of an origin within an explanation; the same when it is explained again."""
    return f"{origin.node}:{origin.side}" + (":line" if origin.copy is not None else "")


def name_of(judgement: Judgement, node: str) -> str:
    """A node as the trace calls it."""
    for side in judgement.book.sides:
        recorded = side.nodes.get(node)
        if recorded is not None and recorded.pairing >= 0:
            name = judgement.book.comparison.pairings[recorded.pairing].name
            whole = lookup(name)
            return name if whole is None or whole.size == recorded.width else node
    return node


def roots_of(judgement: Judgement, tree: Tree, effect: Shares) -> list[Root]:
    """Explain every origin."""
    return [_root(judgement, tree, effect, number) for number in range(len(tree.origins))]


def _root(judgement: Judgement, tree: Tree, effect: Shares, number: int) -> Root:
    origin, book = tree.origins[number], judgement.book
    tables = book.tables
    causes, side_name = _causes(judgement, origin)
    side = book.candidate if side_name != "reference" else book.reference
    judged = judgement.of(side, origin.node) or judgement.of(book.other(side), origin.node)
    assert judged is not None
    first = int(np.flatnonzero(origin.rows)[0])
    place = judged.recorded.place
    recorded = judged.recorded if origin.copy is None else origin.copy.recorded
    replay = judged.replay
    gives: tuple[float, ...] = ()
    if origin.side != UNKNOWN_SIDE and replay is not None and judged.known[first]:
        gives = _components(replay.values[first])
    elif origin.copy is not None:
        gives = _components(judged.recorded.values[first])
    pair_row = int(recorded.pair_rows[first]) if len(recorded.pair_rows) else -1
    unknown = origin.side == UNKNOWN_SIDE
    root = Root(
        id=origin_id(origin),
        quantity=name_of(judgement, origin.node) if origin.copy is None else _copy_name(judgement, origin),
        node=origin.node,
        coordinate=coordinates(tables, place, first),
        where=coordinate_words(tables, place, first),
        coordinates=int(origin.rows.sum()),
        side=side_name,
        verdict="printed wrong" if origin.printed_only else "differs" if unknown else "originates",
        masked=origin.masked,
        formula=_formula(judgement, side, origin.node),
        inputs=() if replay is None or unknown else tuple(name_of(judgement, each) for each in replay.inputs),
        missing=origin.missing,
        recorded=_recorded(judgement, origin, first),
        step_gives=gives,
        cause=causes[0],
        rivals=tuple(causes[1 : 1 + _RIVALS]),
        inherited=len(origin.inherited),
        inherited_by=tuple(name_of(judgement, each) for each in origin.inherited),
        share_of_final=effect.share[number],
        factor_of_final=effect.factor[number],
        sensitivity=_sensitivity(judgement, side, origin, effect),
        amplification=tuple(
            replace(each, quantity=name_of(judgement, each.quantity), source=name_of(judgement, each.source))
            for each in amplified(judgement, tree, number)
        ),
        sentence="",
        pairing=recorded.pairing,
        row=pair_row,
    )
    if not root.where and not root.inputs and root.cause.code == Code.UNEXPLAINED:
        root = replace(root, cause=replace(root.cause, look_at=_SETTING))
    return replace(root, sentence=root_sentence(root))


def _copy_name(judgement: Judgement, origin: Origin) -> str:
    assert origin.copy is not None
    return judgement.book.comparison.pairings[origin.copy.recorded.pairing].name


def _recorded(judgement: Judgement, origin: Origin, row: int) -> dict[str, tuple[float, ...]]:
    out = {}
    for side in judgement.book.sides:
        judged = judgement.of(side, origin.node)
        if judged is not None and judged.recorded.present[row]:
            values = judged.recorded.values
            if origin.copy is not None and side.name == origin.side:
                values = origin.copy.recorded.values
            out[side.name] = _components(values[row])
    return out


def _components(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _sensitivity(judgement: Judgement, side: Side, origin: Origin, effect: Shares) -> float | None:
    if effect.pixel < 0 or origin.printed_only:
        return None
    return sensitivity(judgement, side, origin.node, effect.pixel)


def _formula(judgement: Judgement, side: Side, node: str) -> str:
    asked = judgement.replayer.asked(side, node)
    if asked is None:
        return ""
    variants = judgement.replayer.variants_for(side, node, asked, frozenset(side.nodes))
    try:
        step = REPLAY.find(asked.target, variants)
    except KeyError:
        return ""
    row = lookup(catalogue_name(node))
    return step.formula or ("" if row is None else row.formula)


def _causes(judgement: Judgement, origin: Origin) -> tuple[list[Cause], str]:
    """The causes, likeliest first, and the side that is taken to be wrong."""
    if origin.copy is not None:
        return _copy_causes(judgement, origin)
    if origin.node in WORDS:
        return _word_causes(judgement, origin)
    if origin.side != UNKNOWN_SIDE:
        side = judgement.book.reference if origin.side == SIDES[0] else judgement.book.candidate
        suspect = suspect_of(judgement, origin, side)
        ranked = [] if suspect is None else search(suspect, trials_of(judgement, origin, side))
        if not ranked and (against := against_other(judgement, origin, side)) is not None:
            suspect, ranked = against, search(against)
        return _as_causes(suspect, ranked), origin.side
    broken = side_by_invariants(judgement.book, origin.node)
    found: dict[str, tuple[Suspect, list[Ranked]]] = {}
    for side in judgement.book.sides:
        suspect = suspect_of(judgement, origin, side)
        if suspect is not None:
            found[side.name] = (suspect, search(suspect))
    if not found:
        return _as_causes(None, []), UNKNOWN_SIDE
    if broken is not None and broken.side in found:
        suspect, ranked = found[broken.side]
        return _as_causes(suspect, ranked), broken.side
    by_default = [name for name, (_, ranked) in found.items() if _tells_the_side(ranked)]
    if len(by_default) == 1:
        suspect, ranked = found[by_default[0]]
        return _as_causes(suspect, ranked), by_default[0]
    suspect, ranked = found.get("candidate") or next(iter(found.values()))
    return _as_causes(suspect, ranked), UNKNOWN_SIDE


_ONE_SIDED = (Code.DEFAULT_USED, Code.PRECISION_LOSS, Code.NOT_NORMALISED, Code.NON_FINITE)


def _tells_the_side(ranked: Sequence[Ranked]) -> bool:
    """Whether what was found only makes sense on the side that was searched."""
    return bool(ranked) and ranked[0].finding.trial.code in _ONE_SIDED


def _copy_causes(judgement: Judgement, origin: Origin) -> tuple[list[Cause], str]:
    """A second recording against the first."""
    assert origin.copy is not None
    side = judgement.book.reference if origin.side == SIDES[0] else judgement.book.candidate
    suspect = suspect_of(judgement, origin, side)
    if suspect is None:
        return _as_causes(None, []), origin.side
    rows = chosen_rows(judgement, origin, side)
    first, second = side.nodes[origin.node], origin.copy.recorded
    suspect = replace(
        suspect, bad=second.values[rows], right=first.values[rows], room=first.error[rows], error=second.error[rows]
    )
    return _as_causes(suspect, search(suspect)), origin.side


_DEFAULT_WORDS = {"xtal_shape": "SQUARE", "detector_convention": "MOSFLM"}


def _word_causes(judgement: Judgement, origin: Origin) -> tuple[list[Cause], str]:
    """A word of the run that is another one: the default on one side may be an option that did not arrive."""
    words = {side.name: side.words.get(origin.node, "") for side in judgement.book.sides}
    default = _DEFAULT_WORDS.get(origin.node)
    evidence = {"recorded": list(words.values()), "rows": 1}
    by_default = [side for side, word in words.items() if word == default]
    if len(by_default) != 1:
        text = f"{words[SIDES[1]]}, not {words[SIDES[0]]}"
        return [Cause(Code.UNEXPLAINED.value, text, 0.0, evidence, ADVICE[Code.DEFAULT_USED])], UNKNOWN_SIDE
    code = Code.DEFAULT_USED
    return [Cause(code.value, f"the default, {default}", _OF_TWO_WORDS, evidence, ADVICE[code])], by_default[0]


def _as_causes(suspect: Suspect | None, ranked: Sequence[Ranked]) -> list[Cause]:
    if suspect is None or not ranked:
        evidence = {} if suspect is None else _evidence(suspect, suspect.right, None)
        meaning = "no known change turns it into that"
        return [Cause(Code.UNEXPLAINED.value, meaning, 0.0, evidence, ADVICE[Code.UNEXPLAINED])]
    return [
        Cause(
            code=each.finding.trial.code.value,
            sentence=each.finding.trial.text,
            confidence=round(each.confidence, 3),
            evidence=_evidence(suspect, each.finding.trial.predicted, each),
            look_at=ADVICE[each.finding.trial.code],
            quirk=each.finding.trial.quirk,
        )
        for each in ranked
    ]


def _evidence(suspect: Suspect, predicted: Floats, ranked: Ranked | None) -> dict[str, Any]:
    """Numbers before and after the change, at the first row that it explains."""
    fitted = np.ones(suspect.count, dtype=bool) if ranked is None else ranked.finding.fitted
    row = int(np.flatnonzero(fitted)[0]) if fitted.any() else 0
    bad, right, changed = suspect.bad[row], suspect.right[row], predicted[row]
    evidence: dict[str, Any] = {
        "recorded": _components(bad),
        "step_gives": _components(right),
        "apart_before": _apart(suspect.bad, suspect.right),
        "rows": suspect.count,
    }
    if ranked is not None:
        digits = [
            common_digits(float(mine), float(yours))
            for mine, yours in zip(bad, changed, strict=True)
            if np.isfinite(mine) and (mine or yours)
        ]
        close = _apart(suspect.bad[fitted], predicted[fitted])
        evidence |= {
            "with_change": _components(changed),
            "apart_after": close,
            "digits": _digits(close) if digits else 0,
            "rows_explained": int(fitted.sum()),
            "bits": round(ranked.score, 1),
            "lead": round(ranked.gap, 1),
        }
    return evidence


def _digits(apart: float) -> int:
    """Significant digits on which numbers agree that are this far apart, relative to their size."""
    return 16 if apart <= 1e-16 else int(min(16.0, max(0.0, np.floor(-np.log10(apart) + 0.3))))


def _apart(ours: Floats, theirs: Floats) -> float:
    """The largest relative difference of rows."""
    with np.errstate(all="ignore"):
        scale = np.maximum(np.abs(ours).max(axis=1, initial=0.0), np.abs(theirs).max(axis=1, initial=0.0))
        apart = np.where(ours == theirs, 0.0, np.abs(ours - theirs)).max(axis=1, initial=0.0) / np.where(
            scale > 0, scale, 1.0
        )
    return float(apart.max(initial=0.0))
