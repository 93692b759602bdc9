"""Rank the changes that fit, and say how sure the first one is.

A change is the better, the less it takes from the wrong value itself and the fewer others of its kind were tried: of
two that explain the same numbers, the one that needs fewer bits. The confidence is the share of right answers that the
corpus (`make causes`) has shown for a cause that stands out as far; `docs/causes.md` shows how well it holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from braggtrace.causes.codes import Code
from braggtrace.causes.elsewhere import elsewhere_trials
from braggtrace.causes.suspect import Finding, Suspect, Trial, judged_trials
from braggtrace.causes.values import value_trials

__all__ = ["WIDEST", "Ranked", "confidence_of", "rank", "search"]

_PROVEN = 6.0  # bits beyond chance that a change must get right
_PROVEN_INTEGER = 1.0  # for what changes whole numbers by one, where a row holds few bits
_OF_INTEGERS = (Code.WRONG_ROUNDING, Code.SHIFTED_INDEX, Code.DEFAULT_USED)
_PARTLY = 0.6  # of the rows
_SPOILS = 4.0  # bits that a change loses if it would also change what is right

# Fitted to the development seeds of the corpus: see `scripts/causes.py --calibrate`.
_CALIBRATION = (-0.524, 0.494, 0.117)
WIDEST = (20.0, 40.0)
"""Larger leads, and larger bits beyond chance, count as these."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """A cause with its place among others.

    Attributes:
        finding: the change.
        score: bits by which it is better than no explanation.
        gap: bits by which it is better than the next cause with another code.
        confidence: how likely its code is the right one, 0 to 1.
    """

    finding: Finding
    score: float
    gap: float
    confidence: float


def search(suspect: Suspect, more: Iterable[Trial] = ()) -> list[Ranked]:
    """The causes that explain a suspect, the likeliest first, one for each code.

    Args:
        suspect: a wrong value beside the right one.
        more: changes to try besides those of the value, as those of the step's inputs.
    """
    trials = [*value_trials(suspect), *elsewhere_trials(suspect), *(_renamed(suspect, trial) for trial in more)]
    found = judged_trials(suspect, trials)
    if not found:
        found = judged_trials(suspect, trials, coverage=_PARTLY)
    return rank(found)


def _renamed(suspect: Suspect, trial: Trial) -> Trial:
    """A direction from which a factor is missing is one that was not normalised."""
    if not suspect.is_unit_vector or trial.code is not Code.MISSING_TERM:
        return trial
    with np.errstate(all="ignore"):
        length = np.sqrt((trial.predicted**2).sum(axis=1, keepdims=True))
        along = trial.predicted / length - suspect.right / np.sqrt((suspect.right**2).sum(axis=1, keepdims=True))
        scaled = (np.abs(along) <= 1e-6).all() and (np.abs(length - 1.0) > 1e-6).all()
    if not scaled:
        return trial
    text = "parallel to what it should be, but not divided by its length"
    return replace(trial, code=Code.NOT_NORMALISED, text=text, prior=trial.prior + 2.0)


def rank(found: Sequence[Finding]) -> list[Ranked]:
    """Order findings; the best of each code, those that are no better than chance left out."""
    best: dict[Code, Finding] = {}
    for finding in found:
        code = finding.trial.code
        if _is_proven(finding) and (code not in best or _score(finding) > _score(best[code])):
            best[code] = finding
    ordered = sorted((_worded(finding, found) for finding in best.values()), key=_score, reverse=True)
    out: list[Ranked] = []
    for place, finding in enumerate(ordered):
        score = _score(finding)
        after = _score(ordered[place + 1]) if place + 1 < len(ordered) else 0.0
        gap = score - max(after, 0.0)
        sure = confidence_of(gap, score) * finding.coverage
        if place:  # what is left by those before
            sure = min(sure, 1.0 - sum(each.confidence for each in out))
        out.append(Ranked(finding, score, gap, max(0.0, min(sure, 0.999))))
    return out


def _worded(finding: Finding, found: Sequence[Finding]) -> Finding:
    """A quirk says which rule is behind it; another finding of its code may say which value it is."""
    if not finding.trial.quirk:
        return finding
    same = [
        each
        for each in found
        if each.trial.code is finding.trial.code and not each.trial.quirk and each.coverage == 1.0 and each.bits > 0
    ]
    if not same:
        return finding
    return replace(finding, trial=replace(finding.trial, text=max(same, key=_score).trial.text))


def confidence_of(gap: float, margin: float) -> float:
    """How likely a cause is right that leads by `gap` bits and beats chance by `margin` bits."""
    start, by_gap, by_margin = _CALIBRATION
    lead, bits = np.clip((gap, margin), 0.0, WIDEST).tolist()
    logit = start + by_gap * lead + by_margin * bits
    return 1.0 / (1.0 + math.exp(-logit))


def _score(finding: Finding) -> float:
    return finding.trial.prior + finding.bits + 20.0 * (finding.coverage - 1.0) - (_SPOILS if finding.spoils else 0.0)


def _is_proven(finding: Finding) -> bool:
    trial = finding.trial
    if trial.code is Code.NON_FINITE:
        return True
    return finding.bits >= (_PROVEN_INTEGER if trial.code in _OF_INTEGERS else _PROVEN)
