"""A sweep: one run varied over dtype, device, phi mode and profile, and its table. Pure functions over values."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from braggtrace_tui.digits import short
from braggtrace_tui.pieces import Line, Role, clip, safe
from braggtrace_tui.running import seconds_words
from braggtrace_tui.runplan import RunPlan, parse_pixels

if TYPE_CHECKING:
    from braggtrace.runs.sweep import SweepRow

__all__ = ["Cell", "cell_line", "profile_width", "cells_heading", "summary", "vary"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination.

    Attributes:
        plan: what is run.
        state: "waiting", "running", "done", "failed" or "cancelled".
        fraction: what is done while it runs.
        trace: its trace once it is done.
        verdict: how that compares, None before.
        sentence: what went wrong.
        seconds: how long it took.
    """

    plan: RunPlan
    state: str = "waiting"
    fraction: float = 0.0
    trace: Path | None = None
    verdict: SweepRow | None = None
    sentence: str = ""
    seconds: float = 0.0


def vary(
    plan: RunPlan, dtypes: Sequence[str], devices: Sequence[str], phi_modes: Sequence[str], profiles: Sequence[str]
) -> list[RunPlan]:
    """Every combination, in the order of the lists."""
    return [
        replace(plan, profile=profile, phi_mode=phi_mode, device=device, dtype=dtype, program="")
        for profile, phi_mode, device, dtype in itertools.product(profiles, phi_modes, devices, dtypes)
    ]


def _place(first: str, plan: RunPlan) -> str:
    """Where the first divergence is; without the pixel where there is only one."""
    pixels = parse_pixels(plan.pixels)
    if pixels.count > 1:
        return first
    slow, fast = pixels.each()[0]
    return first.replace(f"pixel {slow} {fast}, ", "").replace(f"  pixel {slow} {fast}", "")


def cells_heading(profile: int) -> Line:
    """The names of the columns; `profile` is the width of that column."""
    what = f"{'dtype':<8}{'device':<7}{'phi mode':<9}{'profile':<{profile}}"
    return ((f" {'verdict':<11}{what}    ≠ worst rel  first divergence", Role.DIM),)


def profile_width(cells: Sequence[Cell]) -> int:
    """The width of the column that needs most."""
    return 1 + max([7, *(len(cell.plan.profile) for cell in cells)])


def cell_line(cell: Cell, profile: int, width: int) -> Line:
    """One row of the table; `profile` is the width of that column."""
    plan = cell.plan
    what = f"{plan.dtype:<8}{plan.device:<7}{plan.phi_mode or 'profile':<9}{plan.profile:<{profile}}"
    if cell.state == "running":
        state = f"▸ {min(99, int(cell.fraction * 100)):2d} %"
        return ((f" {state:<11}", Role.KEY), (what, Role.TEXT))
    if cell.state in ("failed", "cancelled"):
        return ((f" {'! ' + cell.state:<11} ", Role.MISSING), (what, Role.TEXT), (safe(cell.sentence), Role.MISSING))
    verdict = cell.verdict
    if verdict is None:
        words = "… judging" if cell.state == "done" else "· waiting"
        return ((f" {words:<11}", Role.DIM), (what, Role.DIM))
    glyph, role = {"AGREES": ("= agrees", Role.AGREE), "DIVERGES": ("≠ diverges", Role.DIVERGE)}.get(
        verdict.status, ("- too few", Role.MISSING)
    )
    if verdict.first:
        glyph, role = "≠ diverges", Role.DIVERGE
    rest = f"{verdict.diverging:>5,} {short(verdict.worst):>9}  "
    place = clip(safe(_place(verdict.first, plan)), max(0, width - 12 - len(what) - len(rest)))
    return (
        (f" {glyph:<11}", role),
        (what, Role.STRONG if role is Role.AGREE else Role.TEXT),
        (rest, Role.TEXT if verdict.diverging else Role.DIM),
        (place or f"{verdict.compared:,} values, {seconds_words(cell.seconds)}", Role.TEXT if place else Role.DIM),
    )


def summary(cells: Sequence[Cell]) -> tuple[str, Role]:
    """The answer of the whole sweep in a few words."""
    done = [cell for cell in cells if cell.verdict is not None]
    agreeing = [cell for cell in done if cell.verdict is not None and cell.verdict.status == "AGREES"]
    left = sum(cell.state in ("waiting", "running") for cell in cells)
    failed = [cell for cell in cells if cell.state == "failed"]
    more = (f", {len(failed)} failed" if failed else "") + (f", {left} to come" if left else "")
    if failed and not (done or left):
        return f"! {len(failed)} of {len(cells)} combinations failed: {failed[0].sentence}", Role.MISSING
    if not done:
        return (f"{left} combinations to come" if left else "nothing was run"), Role.DIM
    if not agreeing:
        return f"≠ none of {len(done)} combinations agrees{more}", Role.DIVERGE
    return f"= {len(agreeing)} of {len(done)} combinations agree{more}", Role.AGREE
