"""`braggtrace diff`: how it is called, what it writes where, and what it says to the shell."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from braggtrace.compare.tolerance import Measure
from braggtrace.errors import UsageError
from braggtrace_tui.commands import diff
from tests.conftest import Cli

SAME = "TRACE_C: pixel 1 2\nTRACE_C: F_cell 3\nTRACE_C: rot_a 70 1 -3\n"


@pytest.fixture
def ref(tmp_path: Path) -> Path:
    """A reference."""
    path = tmp_path / "c.log"
    path.write_text(SAME)
    return path


@pytest.fixture
def cand(tmp_path: Path) -> Path:
    """A candidate with one digit changed."""
    path = tmp_path / "py.log"
    path.write_text(SAME.replace("_C", "_PY").replace("70", "71"))
    return path


def parsed(*words: str) -> argparse.Namespace:
    """The arguments as the verb sees them."""
    parser = argparse.ArgumentParser()
    diff.add_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    "words",
    [
        "R C --rtol 1e-6 rot_*:1e-9",
        "--rtol 1e-6 rot_*:1e-9 R C",
        "--rtol 1e-6 rot_*:1e-9 -- R C",
        "R --rtol 1e-6 rot_*:1e-9 C",
        "--rtol 1e-6 rot_*:1e-9 R -- C",
        "--rtol 1e-6 --rtol rot_*:1e-9 R C",
        "--rtol 1e-6 R --rtol rot_*:1e-9 C",
        "R --equal-nan C --rtol 1e-6 rot_*:1e-9",
    ],
)
def test_traces_are_found_wherever_they_stand(words: str) -> None:
    """Also right behind the tolerances, which take any number of words."""
    options, reference, candidate = diff.options_of(parsed(*words.split()))
    assert (reference, candidate) == ("R", "C")
    assert [str(rule) for rule in options.tolerances.rules] == ["1e-06", "rot_*:1e-09"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("R", "required: CAND"),
        ("--rtol 1 R", "required"),
        ("--rtol x R C", "expected 1e-6 or 'PATTERN:1e-6', got 'x'"),
        ("--rtol 1 R C D", "expected two traces, REF and CAND, got 3"),
        ("R C --format yaml", "invalid choice"),
        ("R C --pixel 1", "expected 2 arguments"),
    ],
)
def test_wrong_usage_is_explained(words: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With exit status 2."""
    with pytest.raises(SystemExit) as caught:
        parsed(*words.split())
    assert caught.value.code == 2
    assert complaint in capsys.readouterr().err


def test_options_reach_the_comparison(tmp_path: Path) -> None:
    """Command line before file; several pixels."""
    file = tmp_path / "tol.toml"
    file.write_text('ulp = "hkl_*:4"\nrtol = ["a:1"]')
    arguments = parsed(*f"R C --atol F:1e-3*max --tolerances {file} --pixel 1 2 --pixel 3 4 --require-all".split())
    options, _, _ = diff.options_of(arguments)
    assert [rule.measure for rule in options.tolerances.rules] == [Measure.ATOL, Measure.ULP, Measure.RTOL]
    assert options.pixels == ((1, 2), (3, 4))
    assert (options.require_all, options.equal_nan) == (True, False)


def test_one_side_only_can_be_standard_input() -> None:
    """There is only one of it."""
    with pytest.raises(UsageError, match="only one side"):
        diff.options_of(parsed("-", "-"))


def test_status_says_whether_they_agree(cli: Cli, ref: Path, cand: Path, tmp_path: Path) -> None:
    """0, 1, 2, 3, as scripts expect."""
    empty = tmp_path / "empty.log"
    empty.write_text("")
    assert cli("diff", ref, ref).returncode == 0
    assert cli("diff", ref, cand).returncode == 1
    assert cli("diff", ref, cand, "--rtol", "0.1").returncode == 0
    assert cli("diff", ref, tmp_path / "none.log").returncode == 2
    assert cli("diff", ref, empty).returncode == 3


def test_the_report_is_all_there_is_on_stdout(cli: Cli, ref: Path, cand: Path) -> None:
    """Data there, talk elsewhere."""
    done = cli("diff", ref, cand)
    assert done.stdout.splitlines()[0] == (
        "DIVERGES  rot_a.x diverges first at pixel 1 2: rel 1.4e-02 (1 of 17 digits agree)"
    )
    assert done.stderr == ""


def test_each_format_is_written(cli: Cli, ref: Path, cand: Path) -> None:
    """And is what it claims to be."""
    assert json.loads(cli("diff", ref, cand, "--format", "json").stdout)["status"] == "DIVERGES"
    assert ET.fromstring(cli("diff", ref, cand, "--format", "junit").stdout).tag == "testsuites"
    assert cli("diff", ref, cand, "--format", "markdown").stdout.startswith("**DIVERGES**")
    every = json.loads(cli("diff", ref, cand, "--format", "json", "--all").stdout)
    assert [pair["verdict"] for pair in every["pairs"]] == ["DIVERGES", "AGREES"]


def test_standard_input_is_a_trace(cli: Cli, ref: Path) -> None:
    """On either side."""
    assert cli("diff", "-", ref, input=SAME).returncode == 0
    assert cli("diff", ref, "-", input=SAME).returncode == 0


def test_a_report_goes_to_a_file(cli: Cli, ref: Path, cand: Path, tmp_path: Path) -> None:
    """Never over one that is there, unless forced."""
    out = tmp_path / "report.json"
    done = cli("diff", ref, cand, "--format", "json", "--out", out)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"DIVERGES: report written to {out}\n"
    assert json.loads(out.read_text())["status"] == "DIVERGES"
    again = cli("diff", ref, ref, "--out", out)
    assert again.returncode == 2
    assert "already exists; use --force" in again.stderr
    assert json.loads(out.read_text())["status"] == "DIVERGES"
    assert cli("diff", ref, ref, "--out", out, "--force").returncode == 0
    assert out.read_text().startswith("AGREES")
    assert {path.name for path in tmp_path.iterdir()} == {"c.log", "py.log", "report.json"}


def test_a_file_that_can_not_be_written_is_explained(cli: Cli, ref: Path, tmp_path: Path) -> None:
    """Path and reason, no traceback."""
    done = cli("diff", ref, ref, "--out", tmp_path / "no" / "report.txt")
    assert done.returncode == 2
    assert done.stderr.startswith("braggtrace: error: ")
    assert "No such file or directory" in done.stderr


def test_all_is_about_json(cli: Cli, ref: Path, cand: Path) -> None:
    """Anything else would not show them."""
    done = cli("diff", ref, cand, "--all")
    assert done.returncode == 2
    assert "expected --format json" in done.stderr


@pytest.mark.parametrize(
    ("extra", "complaint"),
    [
        (["--rtol", "nothing:1"], "--rtol: the rtol rule 'nothing:1' matches no quantity"),
        (["--map", "none.toml"], "none.toml: can't read the map: No such file or directory"),
        (["--tolerances", "none.toml"], "none.toml: can't read the tolerances: No such file or directory"),
        (["--pixel", "7", "7"], "pixel 7 7 is in neither trace; expected 1 2"),
    ],
)
def test_what_a_user_can_get_wrong(cli: Cli, ref: Path, cand: Path, extra: list[str], complaint: str) -> None:
    """One line, exit status 2."""
    done = cli("diff", ref, cand, *extra)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"braggtrace: error: {complaint}\n"


def test_neither_torch_nor_textual_is_imported(ref: Path, cand: Path) -> None:
    """They are slow to start and not needed."""
    script = (
        "import sys; from braggtrace_tui.commands.main import main\n"
        f"main(['diff', {str(ref)!r}, {str(cand)!r}])\n"
        "sys.exit(','.join({'torch', 'textual', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, text=True)
    assert done.stderr.strip() == ""
