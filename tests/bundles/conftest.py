"""Fixtures of bundles."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bundles.build import trace_text


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    """A folder with a reference, `c.log`, that keeps its stale vectors, as the C program does."""
    (tmp_path / "c.log").write_text(trace_text(tag="TRACE_C"))
    return tmp_path
