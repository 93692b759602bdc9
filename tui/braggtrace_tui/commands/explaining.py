"""What `explain` and `diff --explain` share: the search for the cause, in this process, with torch only then."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from braggtrace.errors import UsageError

if TYPE_CHECKING:
    from braggtrace.compare.model import Comparison
    from braggtrace.replay.model import Explanation

__all__ = ["explained", "require_torch", "telling"]

_CORE = "braggtrace.replay.pair"


def require_torch() -> None:
    """Complain before anything is read.

    Raises:
        UsageError: PyTorch is not installed.
    """
    if find_spec("torch") is None:
        raise UsageError(
            "to say why, the steps of the simulation are replayed, which needs PyTorch",
            expected="pip install 'braggtrace[torch]'",
        )


def explained(comparison: Comparison, accepted: Sequence[str] = ()) -> Explanation:
    """Why two traces diverge.

    Args:
        comparison: of the two.
        accepted: what to take as mended, in this order: ids of roots, or names of quantities.

    Raises:
        UsageError: PyTorch is not installed, or broken.
    """
    require_torch()
    try:
        core = import_module(_CORE)  # by name: whoever only compares must not even seem to need torch
    except (ImportError, OSError) as error:
        raise UsageError(f"PyTorch can't be imported ({error})", expected="pip install 'braggtrace[torch]'") from error
    reference, candidate = comparison.reference, comparison.candidate
    ids: list[str] = []
    explanation: Explanation = core.explain_pair(reference, candidate, comparison)
    for word in accepted:
        ids += [root.id for root in explanation.roots if word in (root.id, root.quantity, root.node)] or [word]
        explanation = core.explain_pair(reference, candidate, comparison, accepted=ids)
    return explanation


@contextmanager
def telling(words: str) -> Iterator[None]:
    """Say on a terminal what is being done, for as long as it takes."""
    enabled = sys.stderr is not None and sys.stderr.isatty()
    if enabled:
        print(f"\r{words} …", end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        if enabled:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
