"""`braggtrace explain` and `diff --explain`: the story, its formats, and what they say to the shell."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from braggtrace.causes.codes import MEANING
from braggtrace_tui.commands.main import main
from tests.conftest import ROOT, Cli
from tests.test_contracts import asked_for

PAGE = ROOT / "docs" / "explain.md"
STALE = "rot_b_angstroms:reference"


def pair(sample_traces: Path, name: str = "stale_phi_zero") -> tuple[Path, Path]:
    """The reference and the candidate of a sample."""
    return sample_traces / name / "reference.log", sample_traces / name / "candidate.log"


def schema(package: str, name: str) -> dict[str, Any]:
    """A schema that comes with the program."""
    document: dict[str, Any] = json.loads(resources.files(package).joinpath(name).read_text())
    jsonschema.Draft202012Validator.check_schema(document)
    return document


EXPLANATION = schema("braggtrace.replay", "explanation.schema.json")


@dataclass(frozen=True)
class Said:
    """What a verb came to."""

    returncode: int
    stdout: str
    stderr: str


Here = Callable[..., Said]


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Here:
    """Run a verb in this process, which loads PyTorch once only."""

    def run(*words: str | Path) -> Said:
        try:
            status = int(main([str(word) for word in words]))
        except SystemExit as end:  # argparse
            status = int(end.code or 0)
        return Said(status, *capsys.readouterr())

    return run


class TestWithTorch:
    """What needs replaying."""

    @pytest.fixture(autouse=True)
    def torch(self) -> None:
        """Skip where it can't be done."""
        pytest.importorskip("torch", reason="replaying needs torch")

    @pytest.mark.parametrize(
        ("name", "status", "words"),
        [
            ("stale_phi_zero", 1, ["rot_b", "STALE_VALUE in the reference", "stale-phi-zero", "phi_tic 9"]),
            ("c_against_torch", 1, ["rot_b", "STALE_VALUE in the reference", "candidate behaves like profile"]),
            ("second_thread", 1, ["pixel 23 52", "STALE_VALUE", "the first pixel that a thread"]),
            ("running_sum", 1, ["I_running originates here", "the candidate's", "running-sum-oversample"]),
            ("swallowed_seed", 1, ["start from the same values", "misset_x_deg (-60.7"]),
            ("older_program", 3, ["STALE_VALUE in the reference", "values have a counterpart"]),
            ("hostile", 1, ["I_before_scaling", "SIGN_FLIP in the candidate"]),
        ],
    )
    def test_samples_are_explained(
        self, here: Here, sample_traces: Path, name: str, status: int, words: list[str]
    ) -> None:
        """Each by the cause that its note tells, in lines that fit an issue."""
        done = here("explain", *pair(sample_traces, name))
        assert (done.returncode, done.stderr) == (status, "")
        told = " ".join(done.stdout.split())
        assert [word for word in words if word not in told] == []
        lines = done.stdout.splitlines()
        assert len(lines) <= 25
        assert all(line.isprintable() and (len(line) <= 100 or "/" in line) for line in lines)

    @pytest.mark.parametrize("name", ["stale_phi_zero", "running_sum", "swallowed_seed", "older_program", "hostile"])
    def test_json_is_what_its_schema_says(self, here: Here, sample_traces: Path, name: str) -> None:
        """With and without the rows; `diff --explain` tells the same roots."""
        for options in ((), ("--all",)):
            document = json.loads(here("explain", *pair(sample_traces, name), "--format", "json", *options).stdout)
            jsonschema.validate(document, EXPLANATION)
            assert all(("states" in each) == bool(options) for each in document["quantities"])
        report = json.loads(here("diff", *pair(sample_traces, name), "--format", "json", "--explain").stdout)
        jsonschema.validate(report, schema("braggtrace.compare.report", "comparison.schema.json"))
        assert report["headline"] == document["headline"]
        assert report["status"] == document["status"]
        assert report["files"] == document["files"]
        for ours, theirs in zip(report["roots"], document["roots"], strict=True):
            assert {**theirs, "cause": None} == {**theirs, **ours, "cause": None}
            assert ours["cause"] == theirs["cause"]

    def test_a_trace_against_itself(self, here: Here, sample_traces: Path) -> None:
        """Nothing diverges, whatever is in it."""
        reference, _ = pair(sample_traces)
        done = here("explain", reference, reference)
        assert (done.returncode, done.stderr) == (0, "")
        assert "Nothing diverges." in done.stdout

    def test_roots_are_accepted_one_after_the_other(self, here: Here, sample_traces: Path) -> None:
        """By id or by the quantity's name; a name that is none is told; then nothing is left."""
        files = pair(sample_traces)
        first = json.loads(here("explain", *files, "--format", "json").stdout)
        ids = [root["id"] for root in first["roots"]]
        names = [root["quantity"] for root in first["roots"]]
        assert STALE in ids
        by_name = json.loads(here("explain", *files, "--format", "json", "--accept", names[0]).stdout)
        by_id = json.loads(here("explain", *files, "--format", "json", "--accept", ids[0]).stdout)
        assert by_name["accepted"] == by_id["accepted"] == ids[:1]
        assert [root["id"] for root in by_name["roots"]] == ids[1:]
        done = here("explain", *files, *(word for name in names for word in ("--accept", name)))
        assert done.returncode == 1
        assert done.stdout.count("taken as mended: ") == len(ids)
        assert "With what was taken as mended, nothing diverges." in done.stdout
        assert "no root nowhere" in here("explain", *files, "--accept", "nowhere").stdout

    def test_the_report_says_why(self, here: Here, sample_traces: Path) -> None:
        """In text, Markdown and JUnit; without the option it doesn't."""
        files = pair(sample_traces)
        text = here("diff", *files, "--explain")
        assert (text.returncode, text.stderr) == (1, "")
        story = text.stdout.partition("\nwhy\n")[2].partition("\n\n923 values")[0]
        assert "STALE_VALUE in the reference" in story
        markdown = here("diff", *files, "--explain", "--format", "markdown").stdout
        assert re.search(
            r"^\| `rot_b` pixel 1639 966, phi\\_tic 0 \| reference \| `STALE_VALUE` \|", markdown, re.MULTILINE
        )
        suite = ET.fromstring(here("diff", *files, "--explain", "--format", "junit").stdout)
        failures = {case.get("name"): case.findtext("failure") or "" for case in suite.iter("testcase")}
        assert "originates here" in failures["rot_b (PHI)"]
        assert "originates here" in failures["rot_b_angstroms"]
        assert re.search("inherits from .*rot_b \\(STALE_VALUE, reference\\)", failures["I_pixel_final"])
        for form in ("text", "markdown", "junit", "json"):
            assert "STALE_VALUE" not in here("diff", *files, "--format", form).stdout

    def test_markdown_of_a_hostile_trace(self, here: Here, sample_traces: Path) -> None:
        """Nothing in it ends a table or a line."""
        done = here("explain", *pair(sample_traces, "hostile"), "--format", "markdown")
        assert done.returncode == 1
        assert all(line.isprintable() for line in done.stdout.splitlines())
        assert {line.count("|") for line in done.stdout.splitlines() if line.startswith("|")} == {7}

    def test_comparison_options_are_those_of_diff(self, here: Here, sample_traces: Path) -> None:
        """Tolerances and pixels decide what diverges."""
        files = pair(sample_traces)
        assert here("explain", *files, "--rtol", "1e9").returncode == 0
        document = json.loads(here("explain", *files, "--pixel", "1640", "967", "--format", "json").stdout)
        assert (document["pixels"], document["diverging_pixels"]) == ([[1640, 967]], 1)

    def test_standard_input_is_a_trace(self, cli: Cli, sample_traces: Path) -> None:
        """Also here."""
        reference, candidate = pair(sample_traces)
        done = cli("explain", "-", candidate, input=reference.read_text())
        assert done.returncode == 1
        assert "against standard input" in done.stdout
        assert "STALE_VALUE" in done.stdout

    def test_nothing_in_common(self, here: Here, sample_traces: Path, tmp_path: Path) -> None:
        """Then nothing is explained, and why is told."""
        empty = tmp_path / "empty.log"
        empty.write_text("")
        done = here("explain", pair(sample_traces)[0], empty)
        assert (done.returncode, done.stderr) == (3, "")
        assert "Nothing diverges" not in done.stdout
        assert "no value of one trace has a counterpart" in done.stdout

    def test_a_story_goes_to_a_file(self, here: Here, sample_traces: Path, tmp_path: Path) -> None:
        """Never over one that is there, unless forced."""
        out = tmp_path / "why.txt"
        done = here("explain", *pair(sample_traces), "--out", out)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"DIVERGES: explanation written to {out}\n"
        assert "STALE_VALUE" in out.read_text()
        again = here("explain", *pair(sample_traces), "--out", out)
        assert again.returncode == 2
        assert "already exists; use --force" in again.stderr
        assert here("explain", *pair(sample_traces), "--out", out, "--force").returncode == 1

    def test_a_closed_pipe_is_no_trouble(self, sample_traces: Path) -> None:
        """`| true` ends it without a word."""
        command = [sys.executable, "-m", "braggtrace_tui", "explain", *map(str, pair(sample_traces))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait(60) == 141


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["{reference}"], "required: CAND"),
        (["{reference}", "absent.log"], "absent.log: No such file"),
        (["{reference}", "{candidate}", "--all"], "--all is about JSON"),
        (["{reference}", "{candidate}", "--rtol", "nowhere:1"], "matches no quantity"),
        (["{reference}", "{candidate}", "--pixel", "1", "2"], "in neither trace"),
        (["{reference}", "{candidate}", "--format", "junit"], "invalid choice"),
        (["-", "-"], "only one side"),
    ],
)
def test_wrong_usage_is_explained(here: Here, sample_traces: Path, words: list[str], complaint: str) -> None:
    """With exit status 2, and nothing on stdout."""
    pytest.importorskip("torch", reason="where it is missing, that is told first")
    reference, candidate = pair(sample_traces)
    done = here("explain", *(word.format(reference=reference, candidate=candidate) for word in words))
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", [["explain"], ["diff", "--explain"]])
@pytest.mark.parametrize("there", [False, True])
def test_without_torch(cli: Cli, sample_traces: Path, tmp_path: Path, verb: list[str], there: bool) -> None:
    """How to get it is told, whether it is absent or broken."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util\nfind = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'torch' else find(name, *more)\n"
        if not there
        else ""
    )
    (tmp_path / "torch.py").write_text("raise ImportError('libcudart.so: cannot open shared object file')\n")
    done = cli(*verb, *pair(sample_traces), env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"})
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'braggtrace[torch]'" in done.stderr
    assert ("libcudart" in done.stderr) == there


def test_diff_alone_needs_no_torch(sample_traces: Path) -> None:
    """Nor does a report ask for it, in any format."""
    reference, candidate = (str(path) for path in pair(sample_traces))
    for form in ("text", "json", "markdown", "junit"):
        words = ["diff", reference, candidate, "--format", form]
        code = f"from braggtrace_tui.commands.main import main\nmain({words!r})"
        assert "torch" not in asked_for(code)


@pytest.mark.skipif(not PAGE.exists(), reason="the pages are not part of the wheel")
def test_the_page_is_true() -> None:
    """It has every cause with its meaning, every verdict, and every key of the JSON."""
    text = PAGE.read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.MULTILINE))
    assert {code: rows.get(code) for code in MEANING} == dict(MEANING)
    verdicts = EXPLANATION["$defs"]["verdict"]["enum"]
    assert [verdict for verdict in verdicts if f"| `{verdict}` |" not in text] == []
    listed = text + (ROOT / "docs" / "report.md").read_text("utf-8")
    keys = [
        *EXPLANATION["properties"],
        *(key for each in EXPLANATION["$defs"].values() for key in each.get("properties", ())),
    ]
    assert [key for key in keys if f"`{key}`" not in listed] == []
