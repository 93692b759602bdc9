"""`simulate` and `trace` as programs of their own; what they say and refuse is in test_simulate."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Cli

pytest.importorskip("torch", reason="the engine needs torch")
from tests.parity.cases import CASES, Case

FLAGS = "-cell 70 80 90 75 85 95 -default_F 100 -N 5 -lambda 1 -distance 80 -detpixels 16 -nonoise -nopgm"
SMALL = FLAGS.split()


def test_simulate_writes_the_usual_files(cli: Cli, tmp_path: Path) -> None:
    """Float, integer, grey and noise images under their default names, and a preview; talk on stderr only."""
    run = cli("simulate", *SMALL[:-2], "--png", "preview.png")
    assert run.returncode == 0, run.stderr
    assert run.stdout == ""
    for name in ("floatimage.bin", "intimage.img", "image.pgm", "noiseimage.img", "preview.png"):
        assert (tmp_path / name).stat().st_size > 0
    assert np.fromfile(tmp_path / "floatimage.bin", "<f4").shape == (256,)


def test_warnings_and_strict(cli: Cli) -> None:
    """A flag that does something else is told, and is an error with --strict."""
    run = cli("simulate", *SMALL, "-twotheta_axis", "0", "1", "0")
    assert run.returncode == 0
    assert "also sets two-theta" in run.stderr
    assert cli("simulate", "--strict", *SMALL, "-twotheta_axis", "0", "1", "0").returncode == 2


def test_trace_to_a_file(cli: Cli, tmp_path: Path) -> None:
    """A main file and one for the inner loops; existing files are safe without --force."""
    args = ("trace", "--pixel", "3", "4", "--roi", "5", "6", "7", "8", "--out", "t.log", "--emit-rot-stars", "--")
    run = cli(*args, *SMALL, "-phisteps", "3")
    assert run.returncode == 0, run.stderr
    main, inner = (tmp_path / "t.log").read_text(), (tmp_path / "t_per_phi.log").read_text()
    assert main.count("TRACE_PY: pixel ") == inner.count("TRACE_PY: pixel ") == 5
    assert "TRACE_PY_PHI" not in main
    assert "TRACE_PY_ROTSTAR phi_tic=2" in main
    assert inner.count("TRACE_PY_PHI") == 5 * 3 * inner.count(" phi_tic=0 ") // 5
    assert main.count("TRACE_PY_TRICUBIC: [") == 5 * 64
    assert cli(*args, *SMALL).returncode == 2


@pytest.mark.parametrize(
    ("case", "options", "status"),
    [
        ("beamline-roi-legacy", [], 0),
        ("beamline-roi-legacy", ["--phi-mode", "spec"], 1),
        ("beamline-roi-fixed", ["--phi-mode", "spec"], 0),
    ],
)
def test_diff_of_golden_and_own_trace(
    cli: Cli, golden: Path, tmp_path: Path, case: str, options: list[str], status: int
) -> None:
    """Our trace agrees with the C program's; with the clean phi it diverges first in the rotated cell at phi step 0."""
    (tmp_path / "inputs").symlink_to(golden / "inputs")
    measured = next(known for known in CASES if isinstance(known, Case) and known.name == case)
    boxes = json.loads((measured.folder / "case.json").read_text())["trace"]["boxes"]
    box = [str(word) for limits in boxes for word in ("--roi", *limits)]
    assert cli("trace", *box, *options, "--out", "own.log", "--", *measured.flags).returncode == 0
    run = cli("diff", measured.traces()[0], "own.log", "--rtol", "1e-9")
    assert run.returncode == status, run.stdout
    if status:
        assert "rot_" in run.stdout
