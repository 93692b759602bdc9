"""The files that `braggtrace simulate` writes are those of the C program, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from braggtrace_tui.commands.main import main
from tests.parity.cases import CASES, Case

EXTRA = ("int.img", "noise.img", "image.pgm")
WRITERS = [case for case in CASES if isinstance(case, Case) and any((case.folder / name).exists() for name in EXTRA)]


@pytest.mark.parametrize("case", WRITERS, ids=str)
def test_files_are_equal(case: Case, golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Integer, noise and grey images, headers included; and the float image of these small cases."""
    (tmp_path / "inputs").symlink_to(golden / "inputs")
    monkeypatch.chdir(tmp_path)
    assert main(["simulate", "--profile", case.profile, *case.flags]) == 0
    for name in (*EXTRA, "float.bin"):
        expected = case.folder / name
        if expected.exists():
            assert (tmp_path / name).read_bytes() == expected.read_bytes(), name


def test_there_are_such_cases(golden: Path) -> None:
    """All five of them."""
    assert {case.name for case in WRITERS} >= {"int-image", "int-image-auto", "int-image-long-header", "noise", "pgm"}
