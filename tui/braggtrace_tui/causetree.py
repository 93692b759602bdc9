"""The overview of causes: the roots as a tree, what each matters for the pixel, what is left. Pure functions."""

from __future__ import annotations

import math
from dataclasses import dataclass

from braggtrace.replay.model import Amplified, Root
from braggtrace_tui.explaining import UNEXPLAINED, Why
from braggtrace_tui.pieces import BLANK, Line, Piece, Role, clip, fit, wrap
from braggtrace_tui.whytext import fixes_words, percent, share_words, sure_words

__all__ = ["Branch", "about_branch", "branch_line", "branches", "budget_lines", "tree_heading", "tree_title"]


@dataclass(frozen=True, slots=True)
class Branch:
    """A line of the tree.

    Attributes:
        root: the root, or the one that is inherited from.
        heir: the quantity that inherits, "" on the root's own line.
        target: pairing and row to go to, None if it has no row on both sides.
        fixed: the root was accepted.
        opened: its heirs follow.
        step: how the difference grows at the heir, None if that is not known.
    """

    root: Root
    heir: str = ""
    target: tuple[int, int] | None = None
    fixed: bool = False
    opened: bool = False
    step: Amplified | None = None

    @property
    def key(self) -> str:
        """What names the line, whatever else is opened or fixed."""
        return f"{self.root.id}\0{self.heir}"


def branches(why: Why, opened: frozenset[str]) -> list[Branch]:
    """The lines: what was accepted, then the roots, each with its heirs if it is opened.

    Args:
        why: the explanation.
        opened: ids of the roots whose heirs are shown.
    """
    lines: list[Branch] = []
    heirs = _heirs(why)
    for fixed, roots in ((True, why.fixed), (False, why.explanation.roots)):
        for root in roots:
            target = (root.pairing, root.row) if root.pairing >= 0 and root.row >= 0 else None
            lines.append(Branch(root, "", target, fixed, root.id in opened))
            if root.id in opened:
                steps = {step.quantity: step for step in root.amplification}
                lines.extend(
                    Branch(root, name, heirs.get((root.id, name)), fixed, step=steps.get(name))
                    for name in root.inherited_by
                )
    return lines


def _heirs(why: Why) -> dict[tuple[str, str], tuple[int, int]]:
    """(id of the root, quantity) -> pairing and row of the first value that inherits."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for traced in (*why.explanation.quantities, *why.base.quantities):
        for row, ids in zip(traced.pair_rows, traced.row_roots, strict=False):
            for each in ids:
                found.setdefault((each, traced.quantity), (traced.pairing, row))
    return found


def _columns(width: int) -> tuple[int, int, int]:
    """Widths of quantity, cause and side."""
    free = width - 3 - 9 - 13
    side = 10 if free >= 46 else 0
    cause = min(20, (free - side) // 2)
    return min(36, free - side - cause), cause, side


def tree_heading(width: int) -> Line:
    """The names of the columns."""
    quantity, cause, side = _columns(width)
    words = "   " + "originates here".ljust(quantity)[:quantity] + "cause".ljust(cause)[:cause]
    return ((words + "side".ljust(side)[:side] + "of final".rjust(9) + "inherit it".rjust(12), Role.DIM),)


def branch_line(branch: Branch, width: int) -> Line:
    """One line of the tree."""
    quantity, cause, side = _columns(width)
    root = branch.root
    if branch.heir:
        return _heir_line(branch, width)
    mark = "   " if not root.inherited else " ▾ " if branch.opened else " ▸ "
    places = f" ({root.coordinates} places)" if root.coordinates > 1 else ""
    name: Line = ((root.quantity, Role.DIM if branch.fixed else Role.STRONG), (places, Role.DIM))
    code = root.cause.code if root.cause.code != UNEXPLAINED else "unexplained"
    if root.verdict == "printed wrong":
        code = f"{code}, printed"
    share = "—" if root.share_of_final is None else share_words(root.share_of_final)
    words: Piece = (clip(code, cause - 1).ljust(cause), Role.DIVERGE)
    inherited = f"{root.inherited:,}" if root.inherited else "none"
    if branch.fixed:
        words, share, inherited = (clip("✓ with fix", cause - 1).ljust(cause), Role.AGREE), "", ""
    return (
        (mark, Role.KEY),
        *fit(name, quantity - 1),
        (" ", Role.TEXT),
        words,
        (root.side.ljust(side)[:side], Role.REFERENCE if root.side == "reference" else Role.CANDIDATE),
        (share.rjust(9), Role.TEXT),
        (inherited.rjust(12), Role.DIM),
    )


def _heir_line(branch: Branch, width: int) -> Line:
    quantity = _columns(width)[0]
    step = branch.step
    grown = ""
    if step is not None:
        grown = percent(step.relative)
        if math.isfinite(step.factor) and step.factor >= 2:
            grown += f"   {step.factor:.3g} times that of {step.source}"
    role = Role.DIM if branch.fixed else Role.TEXT
    return fit(
        (("     ", Role.TEXT), *fit(((branch.heir, role),), max(4, quantity - 3)), (f" {grown}", Role.DIM)), width
    )


def tree_title(why: Why) -> Line:
    """How many roots there are, and how many fixes are accepted."""
    roots, fixes = len(why.explanation.roots), len(why.explanation.accepted)
    many = "no root" if not roots else "1 root" if roots == 1 else f"{roots} roots"
    if fixes and not roots:
        many = "no root is left"
    looked, diverging = len(why.explanation.pixels), why.explanation.diverging_pixels
    where = f"   {looked} pixel{'' if looked == 1 else 's'} replayed; {diverging:,} diverge" if looked else ""
    fixed: Line = ((f"   {fixes_words(fixes)} accepted", Role.AGREE),) if fixes else ()
    return ((f" causes: {many}", Role.TITLE), *fixed, (where, Role.DIM))


def budget_lines(why: Why, width: int) -> list[Line]:
    """How much of the difference in the pixel's value the roots explain, in at most two lines."""
    budget, roots = why.explanation.budget, why.explanation.roots
    if not roots:
        fixes = len(why.explanation.accepted)
        if fixes and why.settled:
            text = f"✓ with {'this fix' if fixes == 1 else f'these {fixes} fixes'} everything agrees"
            return _wrapped(text, width, Role.AGREE)
        return _wrapped(why.explanation.headline, width, Role.TEXT)
    known = [root for root in roots if root.share_of_final is not None]
    if budget is None or not known:
        why_not = "no pixel's value is known to differ" if budget is None else "the pixel's value can't be replayed"
        return _wrapped(f"what the roots matter for the final value is not known: {why_not}", width, Role.DIM)
    where = "" if budget.pixel is None else f" at pixel {budget.pixel[0]} {budget.pixel[1]}"
    text = (
        f"{budget.quantity}{where}: {budget.reference:.5g} in the reference, {budget.candidate:.5g} in the candidate. "
    )
    text += f"The roots explain {share_words(budget.explained)}"
    left = abs(budget.remainder)
    text += "; nothing is left" if left < 5e-4 else f"; the rest, {share_words(budget.remainder)}, is from elsewhere"
    factors = [root.factor_of_final for root in known if root.factor_of_final is not None]
    if len(factors) > 1 and all(math.isfinite(factor) for factor in factors):
        product = " · ".join(f"{factor:.3g}" for factor in factors[:4]) + (" · …" if len(factors) > 4 else "")
        text += f". Factors: {product} = {budget.product:.4g}, observed {budget.ratio:.4g}"
    return _wrapped(text, width, Role.TEXT)


def _wrapped(text: str, width: int, role: Role) -> list[Line]:
    return [((f" {line}", role),) for line in wrap(text, width - 2, 3)]


def about_branch(why: Why, branch: Branch | None, width: int) -> list[Line]:
    """What the tree has no room for: the sentence of the root, rivals, advice; then what holds for all."""
    lines: list[Line] = []
    if branch is not None:
        root, cause = branch.root, branch.root.cause
        lines += _text(root.sentence, width)
        step = branch.step
        if step is not None:
            because = f" because {step.reason}" if step.reason else ""
            grown = (
                f"{percent(step.source_relative)} in {step.source} becomes {percent(step.relative)} in {step.quantity}"
            )
            lines += _text(grown + because, width, Role.STRONG)
        if cause.confidence:
            lines += _text(f"{cause.code}: {sure_words(cause.confidence)}", width, Role.DIM)
        for rival in root.rivals[:2]:
            lines += _text(f"perhaps {rival.code} ({sure_words(rival.confidence) or 'no'}): {rival.sentence}", width)
        if cause.look_at:
            quirk = f"this is the quirk {cause.quirk} of the C program; " if cause.quirk else ""
            lines += _text(f"{quirk}look at {cause.look_at}", width)
        lines.append(BLANK)
    profiles = [
        f"the {side} behaves like profile {' or '.join(found)}"
        for side, found in why.explanation.profiles.items()
        if found
    ]
    lines += _text("; ".join(profiles), width, Role.DIM)
    for note in why.explanation.notes:
        lines += _text(f"note: {note}", width, Role.DIM)
    return lines


def _text(text: str, width: int, role: Role = Role.TEXT) -> list[Line]:
    return [((f" {line}", role),) for line in wrap(text, width - 2)]
