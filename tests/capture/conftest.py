"""Fixtures: builds of the small C program, and whether there is a gdb."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.capture.programs import BUILDS, SOURCE

Build = Callable[[str], Path]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Build the small C program in one of several ways; each is built once."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("gcc is not installed")
    folder = tmp_path_factory.mktemp("nanolike")
    shutil.copy(SOURCE, folder)

    def built(name: str) -> Path:
        program = folder / name
        if not program.exists():
            command = [compiler, "-std=gnu11", *BUILDS[name], "-o", str(program), SOURCE.name, "-lm"]
            subprocess.run(command, check=True, cwd=folder, timeout=120)
        return program

    return built


@pytest.fixture(scope="session")
def gdb() -> str:
    """A gdb with Python that may run programs."""
    found = shutil.which("gdb")
    if found is None:
        pytest.skip("gdb is not installed")
    true = shutil.which("true") or "/bin/true"
    command = [found, "-nx", "-batch", "-ex", "python print('has' + ' python')", "-ex", "starti", "--args", true]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if "has python" not in run.stdout:
        pytest.skip("this gdb has no Python")
    if "Program stopped" not in run.stdout:
        pytest.skip(f"gdb may not run programs here: {run.stderr.strip()[-200:]}")
    return found
