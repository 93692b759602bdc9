"""Fixtures that every test may use."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).parent.parent

# A busy machine is no failure.
hypothesis.settings.register_profile("braggtrace", deadline=None)
hypothesis.settings.load_profile("braggtrace")


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of traces and images measured from the C reference; it lies beside the checkout, not in it."""
    shared = Path(os.environ.get("BRAGGTRACE_SHARED", ROOT.parent / "shared"))
    folder = shared / "golden"
    if not folder.is_dir():
        pytest.skip(f"no golden traces in {folder}; set BRAGGTRACE_SHARED to the folder that holds golden/")
    return folder.resolve()


@pytest.fixture(scope="session")
def sample_traces() -> Path:
    """The small trace pairs of this repository."""
    return ROOT / "sample_traces"


Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Run `braggtrace` as a program in an empty folder: `cli("diff", ref, cand)`."""

    def run(*args: str | Path, **kwargs: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "braggtrace_tui", *map(str, args)]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
        options = streams | {"cwd": tmp_path, "timeout": 60} | kwargs
        return subprocess.run(command, check=False, **options)  # type: ignore[call-overload,no-any-return]

    return run
