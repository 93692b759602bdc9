"""Explain a pair of traces: replay, roots, causes, effects, in one call."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from braggtrace.compare.judge import compare
from braggtrace.compare.model import Comparison
from braggtrace.compare.view import pixel_totals
from braggtrace.replay.accept import mended_book
from braggtrace.replay.budget import fixes_of, shares
from braggtrace.replay.explainer import name_of, origin_id, roots_of
from braggtrace.replay.judge import Judgement, judge
from braggtrace.replay.loops import add_carried
from braggtrace.replay.model import Explanation, Root, Traced
from braggtrace.replay.places import coordinates
from braggtrace.replay.quirks import Fit, fit_quirks, matching_profiles
from braggtrace.replay.reading import read_book
from braggtrace.replay.replayer import Replayer
from braggtrace.replay.roots import find_origins
from braggtrace.replay.story import headline, names
from braggtrace.replay.tables import SIDES, Book
from braggtrace.replay.tree import UNKNOWN_SIDE, Origin, Tree
from braggtrace.trace.model import Trace
from braggtrace.trace.text import visible

__all__ = ["DEFAULT_LIMITS", "Limits", "choose_pixels", "explain_pair"]

_MATTERS = 0.02  # of a later difference
_FAR = 1e3  # times what roundings allow: wrong, whether it matters or not


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is looked at.

    Attributes:
        pixels: (slow, fast) of the pixels to look at, () for the program's choice.
        most_pixels: how many are chosen.
        most_iterations: no further pixel is chosen once there are so many iterations.
    """

    pixels: tuple[tuple[int, int], ...] = ()
    most_pixels: int = 6
    most_iterations: int = 1500


DEFAULT_LIMITS = Limits()


def explain_pair(
    reference: Trace,
    candidate: Trace,
    comparison: Comparison | None = None,
    limits: Limits = DEFAULT_LIMITS,
    accepted: Sequence[str] = (),
) -> Explanation:
    """Say why two traces diverge.

    Args:
        reference: a trace.
        candidate: another.
        comparison: of the two; made with the default options if None.
        limits: how much to look at.
        accepted: ids of roots to take as mended, in the order in which they were accepted; everything after them is
            judged as it would be then.
    """
    started = time.perf_counter()
    if comparison is None:
        comparison = compare(reference, candidate)
    chosen, diverging = choose_pixels(comparison, limits)
    looked = int((pixel_totals(comparison).diverge[chosen] > 0).sum())
    book = read_book(comparison, chosen)
    add_carried(book)
    judgement, fits, tree = _judged(book)
    taken: list[str] = []
    for wanted in accepted:
        origins = [origin for origin in tree.origins if origin_id(origin) == wanted]
        if origins:
            judgement, fits, tree = _judged(mended_book(judgement, origins, fits))
            taken.append(wanted)
    effect = shares(judgement, tree.origins, fits)
    roots = tuple(roots_of(judgement, tree, effect))
    pixels = [tuple(pixel) for pixel in judgement.book.tables.pixels.tolist()]
    missing = [wanted for wanted in accepted if wanted not in taken]
    return Explanation(
        headline=_headline(judgement, tree, roots, len(taken)),
        roots=roots,
        accepted=tuple(taken),
        quantities=tuple(_traced(judgement, tree, roots)),
        profiles={side: tuple(matching_profiles(fits, side)) for side in SIDES},
        quirks={side: {fit.quirk: fit.status(side) for fit in fits if fit.status(side)} for side in SIDES},
        budget=effect.budget,
        pixels=tuple(None if slow < 0 else (slow, fast) for slow, fast in pixels),
        diverging_pixels=diverging,
        notes=tuple(_notes(judgement, tree, fits, looked, diverging, missing)),
        seconds=time.perf_counter() - started,
    )


def choose_pixels(comparison: Comparison, limits: Limits = DEFAULT_LIMITS) -> tuple[list[int], int]:
    """The pixels to look at, and how many diverge: the first ones, and for each quantity the first that it is first in.

    Args:
        comparison: two aligned traces.
        limits: how many.

    Returns:
        Indices into `Comparison.pixels`, in loop order, and the number of diverging pixels.
    """
    totals = pixel_totals(comparison)
    diverging = np.flatnonzero(totals.diverge > 0)
    if limits.pixels:
        wanted = {tuple(pixel) for pixel in limits.pixels}
        chosen = [at for at, pixel in enumerate(comparison.pixels.tolist()) if tuple(pixel) in wanted]
        return chosen, len(diverging)
    if not len(diverging):
        return list(range(min(1, len(comparison.pixels)))), 0
    first = int(diverging[0])
    around = [pixel for pixel in (first - 1, first + 1) if 0 <= pixel < len(comparison.pixels)]
    _, of_each = np.unique(totals.first[diverging], return_index=True)
    worst = diverging[np.argmax(np.nan_to_num(totals.worst_rel[diverging], posinf=0.0))]
    ranked = dict.fromkeys([int(diverging[0]), *diverging[np.sort(of_each)].tolist(), int(worst), *diverging.tolist()])
    cost = totals.compared / 17.0  # values of an iteration, about
    kept: list[int] = []
    spent = 0.0
    for pixel in ranked:
        if len(kept) >= limits.most_pixels or (kept and spent + cost[pixel] > limits.most_iterations):
            break
        kept.append(pixel)
        spent += cost[pixel]
    # The pixels beside the first: what a value may be left over from, and whether they show the same quirks.
    return sorted({*kept, *around}), len(diverging)


def _judged(book: Book) -> tuple[Judgement, list[Fit], Tree]:
    replayer = Replayer(book)
    judgement = judge(book, replayer)
    fits = fit_quirks(judgement)
    tree = find_origins(judgement, fits)
    weak = [
        number for number, origin in enumerate(tree.origins) if origin.masked and not _matters(judgement, origin, fits)
    ]
    return judgement, fits, tree.without(weak)


def _matters(judgement: Judgement, origin: Origin, fits: Sequence[Fit]) -> bool:
    """Whether mending an origin that agrees within tolerance brings a later value closer to the other side's."""
    side = judgement.book.reference if origin.side == SIDES[0] else judgement.book.candidate
    judged = judgement.of(side, origin.node)
    if origin.side == UNKNOWN_SIDE or origin.undoes:
        return True  # it differs far beyond roundings, or it would be none
    if judged is not None and judged.replay is not None:
        with np.errstate(all="ignore"):
            far = np.abs(judged.recorded.values - judged.replay.values) / judged.tolerance
        if np.nanmax(far[origin.rows], initial=0.0) > _FAR:
            return True
    changed = fixes_of(judgement, [origin]).apply(judgement, side, fits)
    for name in origin.inherited:
        mine, other = judgement.of(side, name), judgement.of(judgement.book.other(side), name)
        if mine is None or other is None or name not in changed:
            continue
        rows = judgement.book.diverges(mine.recorded)
        before = np.abs(mine.recorded.values - other.recorded.values)[rows]
        after = np.abs(changed[name].values - other.recorded.values)[rows]
        if len(before) and np.nansum(after) < (1.0 - _MATTERS) * np.nansum(before):
            return True
    return False


def _headline(judgement: Judgement, tree: Tree, roots: Sequence[Root], mended: int) -> str:
    unequal = [name for name in tree.rounding if _is_nan_only(judgement, name)]
    if len(unequal) == len(tree.rounding) > 0 and not roots:
        listed = names([name_of(judgement, name) for name in unequal])
        return f"No step originates a divergence: {listed} are NaN on both sides; with --equal-nan they agree."
    rounding = [name_of(judgement, name) for name in tree.rounding]
    return headline(roots, rounding, judgement.book.unknown, _diverges(judgement), mended)


def _is_nan_only(judgement: Judgement, name: str) -> bool:
    """Whether a node diverges only where it is NaN on both sides."""
    pair = [judgement.of(side, name) for side in judgement.book.sides]
    found = [each.recorded for each in pair if each is not None]
    rows = judgement.book.diverges(found[0])
    return len(found) == len(pair) and all(bool(np.isnan(each.values[rows]).all()) for each in found)


def _diverges(judgement: Judgement) -> bool:
    if judgement.book.unknown:
        return True
    return any(judgement.book.diverges(judged.recorded).any() for judged in judgement.sides[SIDES[0]].values())


def _traced(judgement: Judgement, tree: Tree, roots: Sequence[Root]) -> Iterator[Traced]:
    """The verdict on every node that diverges."""
    ids = [root.id for root in roots]
    for name in judgement.order:
        recorded = next(side.nodes[name] for side in judgement.book.sides if name in side.nodes)
        rows = np.flatnonzero(judgement.book.diverges(recorded))
        own = [number for number, origin in enumerate(tree.origins) if origin.node == name]
        if not len(rows) and not own:
            continue
        states, row_roots = [], []
        for row in rows:
            bits = int(tree.taint[name][row])
            mine = [number for number in own if tree.origins[number].rows[row]]
            touched = [number for number in range(len(ids)) if bits >> number & 1]
            states.append(_state(roots, mine, touched, name in tree.unverified))
            row_roots.append(tuple(ids[number] for number in dict.fromkeys([*mine, *touched])))
        among = dict.fromkeys(each for found in row_roots for each in found)
        sides = {roots[number].side for number in own}
        yield Traced(
            quantity=name_of(judgement, name),
            verdict=_strongest(states) if states else "masked",
            side="both" if len(sides) > 1 else next(iter(sides), ""),
            roots=tuple(among) or tuple(ids[number] for number in own),
            rows=len(rows),
            missing=tree.unverified.get(name, ()),
            pairing=recorded.pairing,
            pair_rows=tuple(int(recorded.pair_rows[row]) for row in rows) if len(recorded.pair_rows) else (),
            states=tuple(states),
            row_roots=tuple(row_roots),
        )


_STRENGTH = ("originates", "printed wrong", "differs", "inherits", "not replayable", "rounding")


def _state(roots: Sequence[Root], mine: Sequence[int], touched: Sequence[int], unverified: bool) -> str:
    if mine:
        return roots[mine[0]].verdict
    if touched:
        return "not replayable" if unverified else "inherits"
    return "rounding"


def _strongest(states: Sequence[str]) -> str:
    return min(states, key=_STRENGTH.index)


def _notes(
    judgement: Judgement, tree: Tree, fits: Sequence[Fit], looked: int, diverging: int, missing: Sequence[str]
) -> Iterator[str]:
    if diverging > looked:
        yield f"looked at {looked} of {diverging:,} diverging pixels"
    for wanted in missing:
        yield f"there is no root {visible(wanted)} to take as mended"
    for side in judgement.book.sides:
        if side.borrowed:
            lent = names([name_of(judgement, name) for name in side.borrowed])
            yield f"the {side.name} does not trace {lent}; the other side's values were taken"
    if tree.unverified:
        lost = dict.fromkeys(each for found in tree.unverified.values() for each in found)
        unsure = names([name_of(judgement, name) for name in tree.unverified])
        why = f" (missing {names(list(lost))})" if lost else ""
        yield f"not replayable: {unsure}{why}; taken to inherit from what comes before"
    if judgement.book.unknown:
        yield f"no step computes {names([visible(name) for name in judgement.book.unknown])}, which diverge"
    alike = {name: count for name, count in tree.masked.items() if count}
    if alike:
        listed = names([name_of(judgement, name) for name in alike])
        yield f"not what their step gives, on both sides alike or without a consequence: {listed}"
    for fit in fits:
        for mixed, other in (SIDES, SIDES[::-1]):
            if fit.status(mixed) == "mixed" and fit.status(other) in ("on", "mixed"):
                yield from _fresh(judgement, fit, mixed)


def _fresh(judgement: Judgement, fit: Fit, side: str) -> Iterator[str]:
    """Pixels in which a side that shows a quirk elsewhere doesn't show it."""
    found: dict[str, None] = {}
    for name, rows in fit.clean[side].items():
        judged = judgement.sides[side][name]
        for row in np.flatnonzero(rows):
            pixel = coordinates(judgement.book.tables, judged.recorded.place, int(row))["pixel"]
            if pixel is not None:
                found[f"{pixel[0]} {pixel[1]}"] = None
    if found:
        yield (
            f"the {side} shows {fit.quirk} but not at pixel {names(list(found))}: "
            f"the first pixel that a thread computes starts from the unrotated cell"
        )
