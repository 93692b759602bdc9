"""Replay needs torch; where it is not installed only what merely renders and reads is tested."""

from __future__ import annotations

from importlib.util import find_spec

NO_TORCH = {"test_model.py", "test_story.py", "test_nodes.py", "test_precision.py", "test_reading.py"}
collect_ignore_glob = (
    []
    if find_spec("torch")
    else [
        f"test_{name}.py"
        for name in (
            "accept",
            "amplify",
            "budget",
            "evaluate",
            "golden",
            "invariants",
            "pair",
            "properties",
            "quirks",
            "replayer",
            "roots",
            "search",
            "sensitivity",
        )
    ]
)
