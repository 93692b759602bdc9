"""`braggtrace doctor` as a person uses it."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path

from tests.conftest import Cli


def _found(text: str) -> dict[str, dict[str, str]]:
    return {each["name"]: each for each in json.loads(text)}


def test_says_what_works(cli: Cli) -> None:
    """Whatever this package can't do without works, and PyTorch's line is true."""
    run = cli("doctor", "--format", "json")
    found = _found(run.stdout)
    assert run.returncode == 0, run.stdout
    assert {found[name]["state"] for name in ("Python", "numpy", "orjson", "textual")} == {"works"}
    assert found["PyTorch"]["state"] == ("works" if importlib.util.find_spec("torch") else "absent")


def test_text_names_the_remedy(cli: Cli) -> None:
    """A line a finding; what is absent says what to do about it."""
    environment = {name: value for name, value in os.environ.items() if name != "NB_C_BIN"}
    run = cli("doctor", env=environment)
    assert run.returncode == 0
    lines = run.stdout.splitlines()
    place = next(number for number, line in enumerate(lines) if "NB_C_BIN is not set" in line)
    assert lines[place].startswith("absent")
    assert "--bin PROGRAM" in lines[place + 1]


def test_broken_program_is_trouble(cli: Cli, tmp_path: Path) -> None:
    """A program that can't be run is named, with exit status 2, and its name can't drive the terminal."""
    name = str(tmp_path / "no\x1b[31mprogram")
    run = cli("doctor", env=os.environ | {"NB_C_BIN": name})
    assert run.returncode == 2
    assert "names no program that can be run" in run.stdout
    assert "\x1b" not in run.stdout


def test_state_folder_that_cannot_be_written(cli: Cli, tmp_path: Path) -> None:
    """A state folder below a file is no folder; that costs memory only, so it is no fault."""
    (tmp_path / "file").write_text("")
    run = cli("doctor", "--format", "json", env=os.environ | {"XDG_STATE_HOME": str(tmp_path / "file")})
    state = _found(run.stdout)["state"]
    assert run.returncode == 0
    assert state["state"] == "absent"
    assert "can't be written" in state["fact"]
