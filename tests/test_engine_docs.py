"""The pages about the engine: generated ones are current, examples run, what they name is there."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from braggtrace.simulate.quirks import PROFILES, QUIRKS
from tests.conftest import ROOT, Cli

pytest.importorskip("torch", reason="the engine needs torch")

DOCS = ROOT / "docs"


def script(name: str) -> ModuleType:
    """A script of the checkout; a wheel has none."""
    path = ROOT / "scripts" / f"{name}.py"
    if not path.is_file():
        pytest.skip("not a checkout")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_steps_page_is_current() -> None:
    """What `make docs` would write is what is there."""
    assert (DOCS / "steps.md").read_text(encoding="utf-8") == script("docs_steps").page()


def test_refinement_finds_the_missetting() -> None:
    """The example of docs/refine.md runs as it stands and ends at the true angles."""
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / "refine.md").read_text(encoding="utf-8"), re.DOTALL)
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    before, after = (float(word) for word in re.findall(r"misfit \w+: +(\S+)", done.stdout))
    assert before > 0.05
    assert after < 1e-12
    off = re.search(r"off by at most (\S+)", done.stdout)
    assert off is not None
    assert float(off[1]) < 1e-5


def test_quirks_and_profiles_are_the_registered_ones() -> None:
    """docs/engine.md has every quirk with its sentences, and every profile."""
    text = (DOCS / "engine.md").read_text(encoding="utf-8")
    section = text.partition("## Quirks")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{quirk.name}` | {quirk.on} | {quirk.off} |" for quirk in QUIRKS.values()]
    profiles = text.partition("## Profiles")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z-]+)` \|", profiles, re.MULTILINE) == list(PROFILES)


def test_named_options_exist(cli: Cli) -> None:
    """Every option that docs/engine.md names is in the help of `simulate` or `trace`."""
    text = (DOCS / "engine.md").read_text(encoding="utf-8")
    helps = cli("simulate", "--help").stdout + cli("trace", "--help").stdout
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", text)) - {"--distance"}
    assert {option for option in named if option not in helps} == set()


def test_examples_are_understood(cli: Cli, tmp_path: Path) -> None:
    """The first example of docs/engine.md runs as it stands."""
    text = (DOCS / "engine.md").read_text(encoding="utf-8")
    command = next(line for line in text.splitlines() if line.startswith("braggtrace simulate -cell"))
    done = cli(*command.split()[1:], "-detpixels", "16")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "floatimage.bin").stat().st_size == 16 * 16 * 4
