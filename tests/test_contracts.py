"""What the packages promise about each other and about their public names.

import-linter reads the sources; this runs them, so that an import hidden in a string or a plugin is found too.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

import braggtrace
import braggtrace_tui
from braggtrace_tui.commands.main import VERBS

WATCH = """
import sys

class Watch:
    asked = set()

    def find_spec(self, name, path=None, target=None):
        self.asked.add(name.partition(".")[0])

sys.meta_path.insert(0, Watch())
try:
{code}
except SystemExit as end:
    assert not end.code
print("asked for", sorted(Watch.asked))
"""

NEED_TORCH = (
    *("braggtrace.physics", "braggtrace.simulate", "braggtrace.service.compute", "braggtrace.service.warm"),
    *("braggtrace.service.replay", "braggtrace.replay.", "braggtrace.corpus."),
)


def modules_of(package: ModuleType) -> list[str]:
    """The names of a package and all its modules, without importing them."""
    root = Path(package.__path__[0])
    files = [path.relative_to(root.parent).with_suffix("") for path in root.rglob("*.py") if path.stem != "__main__"]
    names = sorted(".".join(file.parts).removesuffix(".__init__") for file in files)
    if find_spec("torch"):
        return names
    return [name for name in names if name != "braggtrace" and not name.startswith(NEED_TORCH)]


def asked_for(code: str) -> set[str]:
    """The top-level packages that `code` tries to import, installed or not."""
    indented = "\n".join(f"    {line}" for line in code.splitlines())
    watch = [sys.executable, "-c", WATCH.format(code=indented)]
    # Measuring coverage imports things of its own.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    run = subprocess.run(watch, capture_output=True, text=True, check=False, timeout=60, env=environment)
    assert run.returncode == 0, run.stderr
    asked = ast.literal_eval(run.stdout.rpartition("asked for ")[2])
    assert isinstance(asked, list)
    return set(asked)


def import_all(names: list[str]) -> str:
    """Code that imports every one of `names`."""
    return f"import importlib\nfor name in {names}: importlib.import_module(name)"


def test_watch_sees_imports() -> None:
    """The watch itself works, also for a package that isn't installed."""
    assert {"json", "not_installed"} <= asked_for("import json\ntry: import not_installed\nexcept ImportError: pass")


def test_import_braggtrace_is_light() -> None:
    """`import braggtrace` brings nothing but itself."""
    assert asked_for("import braggtrace").isdisjoint({"numpy", "orjson", "torch", "textual", "rich"})


@pytest.mark.parametrize("argv", [["--help"], ["--version"], *([verb, "--help"] for verb in VERBS)], ids=" ".join)
def test_help_needs_no_screen(argv: list[str]) -> None:
    """Help starts at once: neither torch nor textual is loaded."""
    asked = asked_for(f"from braggtrace_tui.commands.main import main\nassert main({argv}) == 0")
    assert asked.isdisjoint({"torch", "textual", "rich"})


def test_reading_and_comparing_need_no_torch() -> None:
    """Traces and other files are read and compared on a machine that has numpy only."""
    cheap = tuple(f"braggtrace.{name}" for name in ("trace", "compare", "quantities", "formats", "images"))
    names = [name for name in modules_of(braggtrace) if name.startswith(cheap)]
    assert set(cheap) <= set(names)
    assert "torch" not in asked_for(import_all(names))


def test_engine_has_no_screen() -> None:
    """Nothing in the engine imports a terminal library or the terminal package."""
    assert asked_for(import_all(modules_of(braggtrace))).isdisjoint({"textual", "rich", "braggtrace_tui"})


@pytest.mark.parametrize("name", [*modules_of(braggtrace), *modules_of(braggtrace_tui)])
def test_all_is_honest(name: str) -> None:
    """`__all__` names things that exist, once each, and every public function and class defined there."""
    module = importlib.import_module(name)
    listed = getattr(module, "__all__", None)
    if listed is None:
        return
    assert len(listed) == len(set(listed))
    assert [entry for entry in listed if not hasattr(module, entry)] == []
    defined = {
        entry
        for entry, value in vars(module).items()
        if (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == name
        and not entry.startswith("_")
    }
    assert defined - set(listed) == set()
