"""Every cause has a meaning and advice."""

from __future__ import annotations

import pytest

from braggtrace.causes.codes import ADVICE, MEANING, Code


@pytest.mark.parametrize("code", Code)
def test_each_code_says_what_it_is_and_what_to_look_at(code: Code) -> None:
    """No code without words, and none twice."""
    assert len(MEANING[code]) > 15
    assert len(ADVICE[code]) > 15
    assert list(MEANING.values()).count(MEANING[code]) == 1
