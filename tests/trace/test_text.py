"""Text from a file never drives the terminal that shows it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from braggtrace.trace.text import visible


@given(st.text())
def test_everything_becomes_printable_one_for_one(text: str) -> None:
    """No control, bidirectional or invisible character is left."""
    shown = visible(text)
    assert len(shown) == len(text)
    assert shown.isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("F_latt µ ←", "F_latt µ ←"),
        ("\x1b[2J\x07\x00\x7f", "\u241b[2J\u2407\u2400\u2421"),
        ("\x9b31m", "\ufffd31m"),
        ("a\tb", "a b"),
        ("\u202eabc\u2066", "\ufffdabc\ufffd"),
        ("a\u0301\u200b", "a\ufffd\ufffd"),
    ],
)
def test_control_characters_become_symbols(text: str, shown: str) -> None:
    """Escape, bell, C1 controls, bidirectional overrides, combining and zero-width characters."""
    assert visible(text) == shown
