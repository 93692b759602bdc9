"""`braggtrace map` as a program: what it prints, and what its exit status says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Cli


@pytest.fixture
def twins(golden: Path) -> list[str]:
    """The beamline's ROI from two variants of the C program, and the options that say what the files hold."""
    files = [str(golden / case / "float.bin") for case in ("beamline-roi-legacy", "beamline-roi-fixed")]
    return [*files, "--shape", "60", "60", "--origin", "1609", "936"]


@pytest.fixture
def images(tmp_path: Path) -> tuple[Path, Path]:
    """Two small images that differ in one pixel."""
    ours = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
    theirs = ours.copy()
    theirs[1, 2] += 1
    paths = (tmp_path / "c.npy", tmp_path / "t.npy")
    for path, pixels in zip(paths, (ours, theirs), strict=True):
        np.save(path, pixels)
    return paths


def test_without_a_terminal_the_table_is_printed(cli: Cli, twins: list[str]) -> None:
    """With the famous pixel, in detector coordinates; status 1."""
    done = cli("map", *twins)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("DIVERGES  3,599 of 3,600 pixels diverge")
    assert "max |difference|  34.7217255 at 1639 966" in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def test_json_is_for_programs(cli: Cli, twins: list[str]) -> None:
    """The same numbers."""
    done = cli("map", *twins, "--format", "json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["schema"] == "braggtrace.map/1"
    assert document["agreement"]["max_difference_at"] == [1639, 966]
    assert document["agreement"]["correlation"] == pytest.approx(0.99994, abs=1e-5)


def test_equal_images_agree(cli: Cli, twins: list[str]) -> None:
    """Status 0, and a single image is no comparison."""
    first, _, *options = twins
    done = cli("map", first, first, *options)
    assert done.returncode == 0
    assert done.stdout.startswith("AGREES  3,600 pixels agree")
    assert cli("map", first, *options).returncode == 0


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ([], 1),
        (["--rtol", "0.2"], 0),
        (["--rtol", "0", "--atol", "1"], 0),
        (["--rtol", "0", "--atol", "0.1*max"], 0),
        (["--rtol", "0", "--atol", "0.05*max"], 1),
        (["--roi", "0", "0", "0", "3"], 0),
        (["--roi", "1", "1", "2", "2"], 1),
    ],
)
def test_tolerance_and_roi_decide(cli: Cli, images: tuple[Path, Path], options: list[str], status: int) -> None:
    """As in `diff`; a region's bounds are both inside."""
    done = cli("map", *images, *options)
    assert done.returncode == status, done.stdout + done.stderr


def test_nan_is_a_divergence_unless_it_is_equal(cli: Cli, tmp_path: Path) -> None:
    """As in `diff`."""
    np.save(tmp_path / "a.npy", np.array([[np.nan, 1.0]]))
    assert cli("map", "a.npy", "a.npy").returncode == 1
    assert cli("map", "a.npy", "a.npy", "--equal-nan").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["c.npy", "no.npy"], "no.npy: no such file"),
        (["c.npy", "raw.bin", "--shape", "5", "5"], "expected numbers of shape (5, 5), got float32 of shape (3, 4)"),
        (["raw.bin"], "a raw float image needs its shape; expected --shape SLOW FAST"),
        (["raw.bin", "--shape", "4", "4"], "expected 64 bytes for 4 x 4"),
        (
            ["c.npy", "other.npy"],
            "the images have different shapes; expected 3 x 4 (slow x fast), as c.npy has, got 2 x 2",
        ),
        (["empty.bin", "--shape", "4", "4"], "the file is empty"),
        (["c.npy", "--roi", "0", "3", "0", "3"], "expected within 0 to 2 slow, 0 to 3 fast"),
        (["c.npy", "c.npy", "--rtol", "I_*:1e-3"], "an image has one quantity"),
        (["c.npy", "c.npy", "--rtol", "-1"], "rtol"),
        (["c.npy", "c.npy", "--rtol", "1e-3*max"], "no meaning for rtol"),
        (["."], "image.npy: no such file"),
        ([], "REF_IMAGE"),
    ],
)
def test_trouble_is_one_sentence(
    cli: Cli, images: tuple[Path, Path], tmp_path: Path, arguments: list[str], words: str
) -> None:
    """Status 2, no traceback, nothing on stdout."""
    np.ones(12, dtype="<f4").tofile(tmp_path / "raw.bin")
    (tmp_path / "empty.bin").touch()
    np.save(tmp_path / "other.npy", np.ones((2, 2)))
    done = cli("map", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_raw_side_takes_the_shape_of_the_other(cli: Cli, images: tuple[Path, Path], tmp_path: Path) -> None:
    """A fresh image has a header, the C program's has none."""
    np.arange(1, 13, dtype="<f4").tofile(tmp_path / "float.bin")
    assert cli("map", "float.bin", "c.npy").returncode == 0
    assert cli("map", "c.npy", "float.bin").returncode == 0


def test_a_closed_pipe_is_no_error(images: tuple[Path, Path]) -> None:
    """`| head` may have seen enough."""
    command = f"{sys.executable} -m braggtrace_tui map {images[0]} {images[1]} --format json | head -c 5"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout == '{\n  "'
    assert "Traceback" not in done.stderr


def test_headless_use_loads_neither_torch_nor_textual(images: tuple[Path, Path]) -> None:
    """It works on a machine that has numpy only."""
    code = (
        "import sys\nfrom braggtrace_tui.commands.main import main\n"
        f"assert main(['map', {str(images[0])!r}, {str(images[1])!r}]) == 1\n"
        "assert not {'torch', 'textual', 'rich'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
