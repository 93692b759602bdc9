"""The engine needs torch; where it is not installed these tests are left out."""

from __future__ import annotations

from importlib.util import find_spec

NEED_TORCH = [
    f"test_{name}.py" for name in ("gradients", "invariants", "kernels", "profiles", "scanning", "tiles", "workers")
]
collect_ignore_glob = [] if find_spec("torch") else NEED_TORCH
