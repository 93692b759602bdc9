"""Which quirks of the C program a side shows: the known ways to depart from a step, tried on what departs.

Replay takes the clean step. A row that is wrong for it, and right for the step as a quirk changes it, shows the quirk;
a row that would differ under the quirk and is right for the clean step shows that the side lacks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.physics.numerics import DEG_PER_RAD
from braggtrace.replay.judge import Judged, Judgement
from braggtrace.replay.nodes import Place
from braggtrace.replay.replayer import Values
from braggtrace.replay.tables import SIDES, Side
from braggtrace.simulate.counts import stale_phi
from braggtrace.simulate.quirks import PROFILES, STALE_PHI_ZERO

__all__ = ["RUNNING_SUM", "Fit", "fit_quirks", "matching_profiles", "stale_angles"]

Flags: TypeAlias = npt.NDArray[np.bool_]

RUNNING_SUM = "running-sum-oversample"
_C_PROFILES = ("legacy", "phi-fixed", "weighted-oversample", "spec")


@dataclass(slots=True, eq=False)
class Fit:
    """One quirk on both sides.

    Attributes:
        quirk: its name.
        explained: side -> node -> (n,) rows that are wrong for the clean step and right under the quirk.
        clean: side -> node -> (n,) rows that would differ under the quirk and are right for the clean step.
        allowed: side -> node -> (n,) rows that are not wrong under the quirk.
    """

    quirk: str
    explained: dict[str, dict[str, Flags]] = field(default_factory=lambda: {side: {} for side in SIDES})
    clean: dict[str, dict[str, Flags]] = field(default_factory=lambda: {side: {} for side in SIDES})
    allowed: dict[str, dict[str, Flags]] = field(default_factory=lambda: {side: {} for side in SIDES})

    def status(self, side: str) -> str:
        """One of "on", "off", "mixed" (some rows show it and some don't), "" (nothing tells)."""
        on = any(rows.any() for rows in self.explained[side].values())
        off = any(rows.any() for rows in self.clean[side].values())
        return {(True, False): "on", (False, True): "off", (True, True): "mixed", (False, False): ""}[on, off]


def fit_quirks(judgement: Judgement) -> list[Fit]:
    """Try the quirks that change single steps on everything that is wrong."""
    fits = [Fit(STALE_PHI_ZERO), Fit(RUNNING_SUM)]
    for side in judgement.book.sides:
        _fit_stale(judgement, side, fits[0])
        _fit_running(judgement, side, fits[1])
    return [fit for fit in fits if any(fit.status(side) for side in SIDES)]


def matching_profiles(fits: list[Fit], side: str) -> list[str]:
    """The profiles that agree with what a side shows; () where it shows nothing."""
    shown = {fit.quirk: fit.status(side) != "off" for fit in fits if fit.status(side)}
    if not shown:
        return []
    return [name for name in _C_PROFILES if all((quirk in PROFILES[name]) == is_on for quirk, is_on in shown.items())]


def stale_angles(judgement: Judgement, side: Side) -> Values | None:
    """The angles with which the C program in effect rotates; None where no angle is 0 or none is traced."""
    phi = side.nodes.get("phi_deg")
    tables = judgement.book.tables
    if phi is None or phi.place is not Place.ITERATION:
        return None
    tic = tables.counter(Place.ITERATION, "phi_tic")
    assert tic is not None
    known = {int(t): float(value) for t, value in zip(tic[phi.present], phi.values[phi.present, 0], strict=True)}
    if 0.0 not in known.values() or all(value == 0.0 for value in known.values()):
        return None
    order = sorted(known)
    used = dict(zip(order, stale_phi([known[each] / DEG_PER_RAD for each in order])[0], strict=True))
    values = np.array([[used.get(int(each), np.nan) * DEG_PER_RAD] for each in tic])
    values = np.where(phi.values == 0.0, values, phi.values)
    return Values(values, phi.error + 1e-15 * np.abs(values), phi.present)


def _fit_stale(judgement: Judgement, side: Side, fit: Fit) -> None:
    angles = stale_angles(judgement, side)
    if angles is None:
        return
    for name, judged in judgement.sides[side.name].items():
        if judged.replay is None or "phi_deg" not in judged.replay.inputs or name == "phi_deg":
            continue
        _compare(judgement, side, fit, name, judged, {"phi_deg": angles})


def _fit_running(judgement: Judgement, side: Side, fit: Fit) -> None:
    judged = judgement.sides[side.name].get("I_running")
    replayer = judgement.replayer
    if judged is None or judged.replay is None or "weight" not in judged.replay.inner:
        return
    before = replayer.variants.get(side.name, ())
    replayer.variants[side.name] = ("RUNNING_SUM",)
    _compare(judgement, side, fit, "I_running", judged, {})
    replayer.variants[side.name] = before


def _compare(
    judgement: Judgement, side: Side, fit: Fit, name: str, judged: Judged, mended: Mapping[str, Values]
) -> None:
    replay = judgement.replayer.replay(side, name, mended)
    if replay is None or judged.replay is None:
        return
    under = judgement.against(side, name, replay)
    with np.errstate(invalid="ignore"):
        apart = (np.abs(replay.values - judged.replay.values) > under.tolerance + judged.tolerance).any(axis=1)
    known = under.known & judged.known & apart
    fit.allowed[side.name][name] = under.known & ~under.wrong
    fit.explained[side.name][name] = known & judged.wrong & ~under.wrong
    fit.clean[side.name][name] = known & ~judged.wrong & under.wrong
