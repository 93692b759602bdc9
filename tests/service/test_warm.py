"""What the worker keeps: the most recently used, up to a size."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the worker computes with torch")
from braggtrace.service.warm import Kept


def test_made_once_while_it_is_kept() -> None:
    """The same key gives the same thing; what was not used for longest goes."""
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name

    kept: Kept[str] = Kept(2)
    for name in "abacab":
        assert kept.get(name, lambda name=name: make(name)) == name  # type: ignore[misc]
    assert made == ["a", "b", "c", "b"]


def test_the_last_thing_stays_whatever_its_size() -> None:
    """One that is too big is kept alone: it is in use."""
    kept: Kept[int] = Kept(10, size=lambda size: size)
    for size in (4, 5, 100):
        kept.keep(size, size)
    assert kept.find(100) == 100
    assert kept.find(4) is None
    kept.keep(3, 3)
    assert (kept.find(3), kept.find(100)) == (3, None)


def test_what_fails_is_not_kept() -> None:
    """The next attempt is made afresh."""
    kept: Kept[int] = Kept(3)
    with pytest.raises(ZeroDivisionError):
        kept.get("x", lambda: 1 // 0)
    assert kept.get("x", lambda: 5) == 5
