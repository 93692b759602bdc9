"""Looking at a program before it is run."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from braggtrace.capture.program import find_program
from braggtrace.errors import CaptureError
from tests.capture.conftest import Build


@pytest.mark.parametrize(
    ("name", "debug", "moving", "itself"),
    [
        ("plain", True, False, False),
        ("self", True, False, True),
        ("optimised", True, True, False),
        ("without-g", False, False, False),
        ("stripped", False, False, False),
        ("self-stripped", False, False, True),
    ],
)
def test_what_a_build_offers(build: Build, name: str, debug: bool, moving: bool, itself: bool) -> None:
    """Debug information, variables that move, tracing of its own."""
    program = find_program(str(build(name)), Path(), ["-trace_pixel", "-roi"])
    assert program.is_elf
    assert program.has_debug_info is debug
    assert program.has_location_lists is moving
    assert program.knows == ({"-trace_pixel", "-roi"} if itself else {"-roi"})


def test_name_is_looked_for_in_the_folder_then_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Like a shell does, but for the folder."""
    (tmp_path / "bin").mkdir()
    for path in (tmp_path / "here", tmp_path / "bin" / "there"):
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_program("here", tmp_path, []).path == tmp_path / "here"
    assert find_program("there", tmp_path, []).path == tmp_path / "bin" / "there"
    assert not find_program("here", tmp_path, []).is_elf


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing", "missing: there is no such program"),
        ("folder", "folder: is no program"),
        ("data", "data: may not be executed"),
        ("empty", "empty: is empty"),
    ],
)
def test_what_is_no_program(tmp_path: Path, name: str, words: str) -> None:
    """The message names it as the user did."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "data").write_text("x")
    (tmp_path / "empty").touch(mode=0o755)
    with pytest.raises(CaptureError, match=re.escape(words)):
        find_program(name, tmp_path, [])


@pytest.mark.parametrize("length", [4, 20, 63, 64, 100, 5000])
def test_damaged_programs_offer_nothing(tmp_path: Path, length: int) -> None:
    """Whatever is cut off, looking at it does no harm."""
    cut = tmp_path / "cut"
    cut.write_bytes(Path(sys.executable).read_bytes()[:length])
    cut.chmod(0o755)
    assert not find_program("cut", tmp_path, []).has_debug_info
