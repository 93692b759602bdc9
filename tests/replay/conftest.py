"""Replay needs torch; where it is not installed only what reads and renders is tested."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

NO_TORCH = {"test_model.py", "test_story.py", "test_nodes.py", "test_precision.py", "test_reading.py"}
collect_ignore_glob = (
    [] if find_spec("torch") else [p.name for p in Path(__file__).parent.glob("test_*.py") if p.name not in NO_TORCH]
)
