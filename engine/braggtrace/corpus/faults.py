"""Draw faults at random: a cause, a step that can have it, and the mutant that has it."""

from __future__ import annotations

from random import Random

from braggtrace.causes.codes import Code
from braggtrace.corpus.experiments import Setting
from braggtrace.corpus.mutants import Fault
from braggtrace.corpus.stepfaults import STEP_FAULTS
from braggtrace.corpus.valuefaults import VALUE_FAULTS

__all__ = ["CODES", "random_fault"]

_MAKERS = {**VALUE_FAULTS, **STEP_FAULTS}
CODES = tuple(code for code in Code if code in _MAKERS)
"""The causes that can be seeded."""


def random_fault(random: Random, setting: Setting, code: Code | None = None) -> Fault | None:
    """A fault drawn at random; None if this experiment can't have it."""
    chosen = random.choice(CODES) if code is None else code
    return _MAKERS[chosen](random, setting)
