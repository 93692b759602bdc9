"""Why two traces diverge, as the screen needs it: the explanation, and the verdict on every row. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from braggtrace.compare.model import Comparison
from braggtrace.errors import EngineError
from braggtrace.replay.model import Amplified, Budget, Cause, Explanation, Root, Traced
from braggtrace_tui.pieces import safe

__all__ = ["MENDED", "UNEXPLAINED", "RowWhy", "Why", "explained", "explanation_from", "fits", "root_after"]

MENDED = "mended"
"""The state of a row that diverges as recorded, and agrees with the fixes that were accepted."""

UNEXPLAINED = "UNEXPLAINED"

_STRENGTH = ("originates", "printed wrong", "differs", "inherits", "not replayable", "rounding")

_PARTS = {"hkl_frac": ("h_frac", "k_frac", "l_frac"), "hkl_rounded": ("h0", "k0", "l0")}
"""Vectors of which the steps make each component."""

_ROOT_STATES = ("originates", "printed wrong", "differs")

Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class RowWhy:
    """The verdict of the replay on one row.

    Attributes:
        state: as in `Traced.states`, or `MENDED`.
        roots: what it is, or inherits from, the nearest first.
        quantity: as the explanation calls it.
        missing: inputs that a replay would need.
        before: the state without the fixes, where that is `MENDED`.
    """

    state: str
    roots: tuple[Root, ...] = ()
    quantity: str = ""
    missing: tuple[str, ...] = ()
    before: str = ""

    @property
    def root(self) -> Root | None:
        """The root that the row is, None if it is none."""
        return self.roots[0] if self.roots and self.state in _ROOT_STATES else None


@dataclass(frozen=True, slots=True, eq=False)
class Why:
    """An explanation, and where its verdicts belong in the table.

    Attributes:
        explanation: with what is accepted taken as mended.
        base: the same with nothing accepted.
        story: a dozen lines of plain words.
        fixed: the roots that were accepted.
        rows: (pairing, row) -> verdict.
        pixels: (pairing, index of the pixel) -> verdict, for a second recording of a quantity.
    """

    explanation: Explanation
    base: Explanation
    story: str
    fixed: tuple[Root, ...]
    rows: Mapping[Key, RowWhy]
    pixels: Mapping[Key, RowWhy]

    def of(self, pairing: int, row: int, pixel: int) -> RowWhy | None:
        """The verdict on a row, None if nothing is known."""
        return self.rows.get((pairing, row)) or self.pixels.get((pairing, pixel))

    def looked_at(self, pixel: tuple[int, int] | None) -> bool:
        """Whether a pixel (slow, fast) was replayed; None and (−1, −1) stand for one without a name."""
        named = None if pixel is None or pixel[0] < 0 else pixel
        return named in self.explanation.pixels

    @property
    def settled(self) -> bool:
        """Nothing is left that diverges."""
        return not self.explanation.roots and not self.explanation.quantities


def explained(
    comparison: Comparison, base: Explanation, current: Explanation, story: str, fixed: tuple[Root, ...] = ()
) -> Why:
    """Put explanations beside a comparison.

    Args:
        comparison: the one that they are about.
        base: nothing accepted.
        current: with what is accepted; may be `base` itself.
        story: of `current`.
        fixed: the roots that `current` takes as mended.
    """
    rows = _rows(current)
    if current is not base:
        before = _rows(base)
        gone = {key: replace(why, state=MENDED, before=why.state) for key, why in before.items() if key not in rows}
        rows = {**gone, **rows}
    copies = _second_recordings(comparison, (*base.quantities, *current.quantities), rows)
    return Why(current, base, story, fixed, rows, copies)


def fits(explanation: Explanation, comparison: Comparison) -> bool:
    """Whether every row that an explanation speaks of is there; not if the engine has read other files."""
    sizes = [len(pairing.pixel) for pairing in comparison.pairings]
    places = [(traced.pairing, row) for traced in explanation.quantities for row in traced.pair_rows]
    places += [(root.pairing, root.row) for root in explanation.roots if root.pairing >= 0 and root.row >= 0]
    return all(pairing < len(sizes) and 0 <= row < sizes[pairing] for pairing, row in places if pairing >= 0)


def root_after(before: Sequence[Root], accepted: str, now: Sequence[Root]) -> Root | None:
    """Where one goes on when a root is mended: to the next one in step order, else to the first that is left."""
    order = [root.id for root in before]
    later = order[order.index(accepted) + 1 :] if accepted in order else []
    return next((root for root in now if root.id in later), now[0] if now else None)


def _rows(explanation: Explanation) -> dict[Key, RowWhy]:
    roots = {root.id: root for root in explanation.roots}
    rows: dict[Key, RowWhy] = {}
    for traced in explanation.quantities:
        known: dict[tuple[str, tuple[str, ...]], RowWhy] = {}
        for row, state, ids in zip(traced.pair_rows, traced.states, traced.row_roots, strict=False):
            if (state, ids) not in known:
                found = tuple(roots[each] for each in ids if each in roots)
                known[state, ids] = RowWhy(state, found, traced.quantity, traced.missing)
            rows[traced.pairing, row] = known[state, ids]
    for root in explanation.roots:  # one that is masked has no row that diverges; one recorded twice has another row
        if root.pairing >= 0 and root.row >= 0:
            own = rows.get((root.pairing, root.row))
            if own is None or own.root is not root:
                rows[root.pairing, root.row] = RowWhy(root.verdict, (root,), root.quantity)
    return rows


def _second_recordings(
    comparison: Comparison, quantities: Sequence[Traced], rows: Mapping[Key, RowWhy]
) -> dict[Key, RowWhy]:
    """Verdicts for pairings without one of their own: a quantity's first iteration is often traced a second time."""
    pairings = comparison.pairings
    own = {traced.pairing for traced in quantities}
    others: dict[str, list[int]] = {}
    for index, pairing in enumerate(pairings):
        if index not in own and pairing.quantity is not None:
            name = pairing.quantity.name
            for part in _PARTS.get(name, (name,)):
                others.setdefault(part, []).append(index)
    found: dict[Key, dict[str, RowWhy]] = {}
    for traced in quantities:
        fuller = pairings[traced.pairing] if 0 <= traced.pairing < len(pairings) else None
        name = fuller.quantity.name if fuller is not None and fuller.quantity is not None else ""
        if fuller is None or name not in others or not traced.pair_rows:
            continue
        at = np.asarray(traced.pair_rows, np.int64)
        pixels = np.asarray(fuller.pixel[at], np.int64)
        for number in np.unique(pixels, return_index=True)[1]:
            verdict = rows.get((traced.pairing, int(at[number])))
            if verdict is not None:
                for copy in others[name]:
                    found.setdefault((copy, int(pixels[number])), {}).setdefault(name, verdict)
    return {key: _together(list(parts.values())) for key, parts in found.items()}


def _together(parts: Sequence[RowWhy]) -> RowWhy:
    """The verdict on a vector of which each component has its own."""
    if len(parts) == 1:
        return parts[0]
    left = [part for part in parts if part.state != MENDED] or list(parts)
    first = min(left, key=lambda part: _STRENGTH.index(part.state) if part.state in _STRENGTH else len(_STRENGTH))
    roots = dict.fromkeys(root.id for part in (first, *left) for root in part.roots)
    known = {root.id: root for part in left for root in part.roots}
    return replace(first, roots=tuple(known[each] for each in roots))


# -- reading -----------------------------------------------------------------------------------------------------------


def explanation_from(document: Mapping[str, Any]) -> Explanation:
    """The explanation in `Explanation.to_json(rows=True)`, its words safe to show; ids stay as they are.

    Raises:
        EngineError: something is missing, or of another kind than it should be.
    """
    try:
        return _explanation(document)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise EngineError("protocol", f"the explanation in the reply makes no sense: {error!r}") from error


def _explanation(document: Mapping[str, Any]) -> Explanation:
    budget = document["budget"]
    return Explanation(
        headline=safe(document["headline"]),
        roots=tuple(_root(each) for each in document["roots"]),
        accepted=tuple(document["accepted"]),
        quantities=tuple(_traced(each) for each in document["quantities"]),
        profiles={safe(side): _words(names) for side, names in document["profiles"].items()},
        quirks={},
        budget=None if budget is None else _budget(budget),
        pixels=tuple(_pixel(each) for each in document["pixels"]),
        diverging_pixels=int(document["diverging_pixels"]),
        notes=_words(document["notes"]),
        seconds=float(document["seconds"]),
    )


def _root(data: Mapping[str, Any]) -> Root:
    return Root(
        id=str(data["id"]),
        quantity=safe(data["quantity"]),
        node=safe(data["node"]),
        coordinate=data["coordinate"],
        where=safe(data["where"]),
        coordinates=int(data["coordinates"]),
        side=safe(data["side"]),
        verdict=safe(data["verdict"]),
        masked=bool(data["masked"]),
        formula=safe(data["formula"]),
        inputs=_words(data["inputs"]),
        missing=_words(data["missing"]),
        recorded={safe(side): _numbers(values) for side, values in data["recorded"].items()},
        step_gives=_numbers(data["step_gives"]),
        cause=_cause(data["cause"]),
        rivals=tuple(_cause(each) for each in data["rivals"]),
        inherited=int(data["inherited"]),
        inherited_by=_words(data["inherited_by"]),
        share_of_final=_perhaps(data["share_of_final"]),
        factor_of_final=_perhaps(data["factor_of_final"]),
        sensitivity=_perhaps(data["sensitivity"]),
        amplification=tuple(_amplified(each) for each in data["amplification"]),
        sentence=safe(data["sentence"]),
        pairing=int(data["pairing"]),
        row=int(data["row"]),
    )


def _cause(data: Mapping[str, Any]) -> Cause:
    evidence = {
        name: _entries(value) if isinstance(value, list) else safe(value) if isinstance(value, str) else value
        for name, value in data["evidence"].items()
    }
    for name in ("apart_before", "apart_after"):
        evidence[name] = _perhaps(data["evidence"].get(name))
    return Cause(
        safe(data["code"]),
        safe(data["sentence"]),
        float(data["confidence"]),
        evidence,
        safe(data["look_at"]),
        safe(data["quirk"]),
    )


def _entries(values: Sequence[Any]) -> tuple[Any, ...]:
    """Numbers, some of which are words; or words."""
    out: list[Any] = []
    for value in values:
        try:
            out.append(float(value))
        except ValueError:
            out.append(safe(value))
    return tuple(out)


def _amplified(data: Mapping[str, Any]) -> Amplified:
    return Amplified(
        safe(data["quantity"]),
        float(data["relative"]),
        safe(data["source"]),
        float(data["source_relative"]),
        float(data["factor"]),
        _perhaps(data["condition"]),
        safe(data["reason"]),
    )


def _traced(data: Mapping[str, Any]) -> Traced:
    return Traced(
        quantity=safe(data["quantity"]),
        verdict=safe(data["verdict"]),
        side=safe(data["side"]),
        roots=tuple(data["roots"]),
        rows=int(data["rows"]),
        missing=_words(data["missing"]),
        pairing=int(data["pairing"]),
        pair_rows=tuple(data.get("pair_rows", ())),
        states=tuple(safe(each) for each in data.get("states", ())),
        row_roots=tuple(tuple(each) for each in data.get("row_roots", ())),
    )


def _budget(data: Mapping[str, Any]) -> Budget:
    numbers = (float(data[name]) for name in ("reference", "candidate", "ratio", "product", "explained", "remainder"))
    return Budget(safe(data["quantity"]), _pixel(data["pixel"]), *numbers)


def _pixel(pair: Sequence[int] | None) -> tuple[int, int] | None:
    return None if pair is None else (int(pair[0]), int(pair[1]))


def _perhaps(value: Any) -> float | None:
    return None if value is None else float(value)


def _numbers(values: Sequence[Any]) -> tuple[float, ...]:
    return tuple(float(each) for each in values)


def _words(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(safe(each) for each in values)
