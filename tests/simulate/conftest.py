"""The engine needs torch; where it is not installed these tests are left out."""

from __future__ import annotations

from importlib.util import find_spec

NEED_TORCH = ["test_gradients.py", "test_invariants.py", "test_profiles.py", "test_scanning.py"]
collect_ignore_glob = [] if find_spec("torch") else NEED_TORCH
