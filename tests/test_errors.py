"""The messages that a user sees when something is wrong with their input."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from braggtrace import errors
from braggtrace.errors import BraggtraceError, OutputExistsError, TraceReadError


def test_message_says_where_what_expected_and_got() -> None:
    """A full message has all four parts, in that order."""
    error = TraceReadError("'F_latt' has too many values", path=Path("c.log"), line=41, expected="1", got="2")
    assert str(error) == "c.log:41: 'F_latt' has too many values; expected 1, got 2"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (BraggtraceError("no"), "no"),
        (BraggtraceError("no", line=3), "no"),
        (BraggtraceError("no", path="f"), "f: no"),
        (BraggtraceError("no", got="x"), "no; got x"),
        (BraggtraceError("no", path="f", line=3, expected="x"), "f:3: no; expected x"),
        (OutputExistsError("out"), "out: already exists; use --force to replace it"),
    ],
)
def test_unknown_parts_are_left_out(error: BraggtraceError, message: str) -> None:
    """What isn't known leaves no stray punctuation."""
    assert str(error) == message


@pytest.mark.parametrize("error", [TraceReadError("no", path="f", line=3, got="x"), OutputExistsError("out")])
def test_survives_pickle_and_copy(error: BraggtraceError) -> None:
    """An error crosses a process boundary whole."""
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert vars(twin) == vars(error)
        assert str(twin) == str(error)


def test_tree_is_drawn_as_it_is() -> None:
    """Every class is in the drawing on top of the module, and has the one base."""
    assert errors.__doc__ is not None
    for name in errors.__all__:
        assert name in errors.__doc__
        assert issubclass(getattr(errors, name), BraggtraceError)
