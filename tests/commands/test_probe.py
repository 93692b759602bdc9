"""`braggtrace probe`, `verify` and `bundles` as a person uses them, on the measured beamline experiment."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.conftest import ROOT, Cli

pytest.importorskip("torch", reason="a probe computes its trace with torch")

PAGE = ROOT / "docs/probe.md"
ROI = ("--roi", "1639", "1640", "966", "967")
COMMON = (
    "@supervisor.args",
    *ROI,
    "--dtype",
    "float64",
    "--device",
    "cpu",
    "--root",
    "reports",
    "--topic",
    "carryover_probe",
)


@pytest.fixture
def beamline(golden: Path, tmp_path: Path) -> Path:
    """A working folder as a user has it: flags in a file, input files, a trace of the C program."""
    case = golden / "beamline-roi-legacy"
    flags = json.loads((case / "case.json").read_text())["flags"]
    (tmp_path / "inputs").symlink_to(golden / "inputs")
    (tmp_path / "supervisor.args").write_text("# the supervisor's flags\n" + shlex.join(flags) + "\n")
    (tmp_path / "c_trace.log").write_bytes((case / "trace.log").read_bytes())
    return tmp_path


def bundle(run: subprocess.CompletedProcess[str], folder: Path) -> Path:
    """The bundle that a probe printed."""
    assert re.fullmatch(r"reports/\w+/\d{8}T\d{6}Z\n", run.stdout), run.stderr
    return folder / run.stdout.strip()


def first_line(path: Path) -> str:
    """The answer of a bundle."""
    return (path / "README.md").read_text().partition("\n")[0]


def test_carryover_probe(cli: Cli, beamline: Path) -> None:
    """C parity agrees; `spec` diverges, and its first line says that it appeared, since when and where."""
    reference = ("--reference", "c_trace.log")
    run = cli("probe", *COMMON, "--phi-mode", "c-parity", *reference)
    assert run.returncode == 0, run.stderr
    parity = bundle(run, beamline)
    assert first_line(parity) == (
        "**AGREES**: no divergence; 923 values agree, 276 values on one side only"
        " (4 pixels, slow 1639-1640, fast 966-967)."
    )
    page = (parity / "README.md").read_text()
    assert "| 1640 967 | 0 | pixel 1640 966, phi_tic 9 | equal |" in page
    assert "| 1639 966 | 0 | pixel 1639 965, phi_tic 9 | equal, by this pixel's own vectors" in page
    assert "40 TRACE_PY_PHI lines" in page
    assert "-6984.44 = 32.7505 × -10.2198 × 20.8676" in page

    run = cli("probe", *COMMON, "--phi-mode", "spec", *reference, "--baseline", str(parity.relative_to(beamline)))
    assert run.returncode == 1, run.stderr
    spec = bundle(run, beamline)
    assert first_line(spec) == (
        f"**DIVERGES**: a divergence appeared since the baseline {parity.name}: rot_a.y at pixel 1639 966, phi_tic 0,"
        " rel 1.6e-03 (4 pixels, slow 1639-1640, fast 966-967)."
    )
    assert "STALE_VALUE in the reference" in (spec / "README.md").read_text()
    again = cli("probe", *COMMON, "--phi-mode", "c-parity", *reference, "--baseline", "latest")
    assert first_line(bundle(again, beamline)).startswith(
        f"**AGREES**: the divergence of the baseline {spec.name} vanished (it was rot_a.y at pixel 1639 966, phi_tic 0"
    )

    checked = cli("verify", *sorted((beamline / "reports/carryover_probe").iterdir()))
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.count(": OK: ") == 3
    listed = cli("bundles", "reports")
    assert [line.split()[-1] for line in listed.stdout.splitlines()[2:]] == ["s", "APPEARED", "VANISHED"]
    assert "rot_a.y at pixel 1639 966" in listed.stdout
    compared = cli("bundles", "--compare", parity, spec)
    assert compared.returncode == 1
    assert re.search(r"phi_mode +c-parity +\| +spec", compared.stdout)


def test_two_runs_differ_in_times_only(cli: Cli, beamline: Path) -> None:
    """The same command twice."""
    words = ("probe", *COMMON, "--phi-mode", "spec", "--reference", "c_trace.log", "--emit-rot-stars")
    one = bundle(cli(*words), beamline).rename(beamline / "aside")
    two = bundle(cli(*words), beamline)
    names = {path.name for path in one.iterdir()}
    assert names == {path.name for path in two.iterdir()}
    differing = {name for name in names if (one / name).read_bytes() != (two / name).read_bytes()}
    assert differing <= {"README.md", "metrics.json", "observations.txt", "commands.txt", "env.json", "sha256.txt"}
    timeless = [
        re.sub(r"\d{8}T\d{6}Z|\d{4}-\d\d-\d\dT[\d:]+Z|\d+(\.\d+)? s\b", "…", (path / name).read_text())
        for name in sorted(differing - {"sha256.txt", "metrics.json"})
        for path in (one, two)
    ]
    assert timeless[::2] == timeless[1::2]
    ours, theirs = (json.loads((path / "metrics.json").read_text()) for path in (one, two))
    assert {key for key in ours if ours[key] != theirs[key]} <= {"bundle", "time_utc", "runtime_s", "pages"}
    assert ours["lines"]["TRACE_PY_ROTSTAR"] == {"expected": 40, "found": 40}


def test_gates(cli: Cli, beamline: Path) -> None:
    """What CI sees: status, JUnit, and the reason in the bundle."""
    reference = ("--reference", "c_trace.log", "--junit", "probe.xml")
    run = cli("probe", *COMMON, *reference, "--phi-mode", "spec", "--rtol", "1", "--rtol", "rot_a:0.1")
    assert run.returncode == 1  # F_latt_b differs by more than its size
    run = cli("probe", *COMMON, *reference, "--phi-mode", "spec", "--c-parity-gate", "2", "--baseline", "c_trace.log")
    assert run.returncode == 1
    failed = {
        case.get("name"): [part.tag for part in case] for case in ET.parse(beamline / "probe.xml").iter("testcase")
    }
    path = bundle(run, beamline)
    assert failed == {f"bundle {path.name} is complete": [], "c-parity": [], "not-earlier": ["failure"]}
    assert "the baseline has no divergence" in (path / "README.md").read_text()
    run = cli("probe", *COMMON, *reference, "--phi-mode", "spec", "--c-parity-gate", "2", "--baseline", "latest")
    assert run.returncode == 0  # no worse than before
    run = cli(
        "probe", *COMMON, *reference, "--phi-mode", "c-parity", "--c-parity-gate", "1e-12", "--baseline-gate", "1e-6"
    )
    assert run.returncode == 2
    assert "needs a baseline" in run.stderr


def test_a_git_tree(cli: Cli, beamline: Path) -> None:
    """The revision is recorded, a dirty tree warned about or refused; the probe's own files make none dirty."""

    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *words], cwd=beamline, check=True, capture_output=True)

    git("init", "-q")
    (beamline / "plan.md").write_text("### Attempt 12\n")
    git("add", ".")
    git("commit", "-q", "-m", "start")
    words = ("probe", *COMMON, "--reference", "c_trace.log", "--require-clean", "--ledger", "plan.md")
    for number in (13, 14):
        run = cli(*words)
        assert run.returncode == 0, run.stderr
        assert f"### Attempt {number} — carryover" in (beamline / "plan.md").read_text()
    metrics = json.loads((bundle(run, beamline) / "metrics.json").read_text())
    assert metrics["git"]["clean"] is True
    assert len(metrics["git"]["revision"]) == 40
    (beamline / "new.py").write_text("")
    run = cli(*words)
    assert run.returncode == 2
    assert "1 untracked file" in run.stderr
    before = (beamline / "plan.md").read_bytes()
    dry = cli("probe", *COMMON, "--ledger", "plan.md", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "### Attempt 15 — carryover" in dry.stdout
    assert (beamline / "plan.md").read_bytes() == before


def test_what_stops_a_probe(cli: Cli, beamline: Path) -> None:
    """One message each, status 2, a partial folder with the reason, and no traceback."""
    flags = (beamline / "supervisor.args").read_text()
    (beamline / "no matrix.args").write_text(flags.replace("inputs/beamline_A.mat", "'in puts/A.mat'"))
    cases = [
        (("@no matrix.args", *ROI), "preflight", "-mat in puts/A.mat"),
        (("@supervisor.args", *ROI, "--reference", "nowhere.log"), "preflight", "nowhere.log"),
        (("@supervisor.args", *ROI, "--device", "cuda"), "run", "GPU"),
        (("@supervisor.args", "--pixel", "99999", "1"), "run", "no such pixel"),
        (("@supervisor.args", "--pixel", "1", "1"), "check", "none of the pixels is rendered"),
        (("@supervisor.args", *ROI, "--strict"), "run", "--strict"),
        (("@supervisor.args", *ROI, "--baseline", "inputs"), "preflight", "inputs"),
        (("@supervisor.args", *ROI, "--reference", "c_trace.log", "--rtol", "Fl:1"), "compare", "matches no quantity"),
    ]
    for number, (words, step, reason) in enumerate(cases):
        run = cli("probe", *words, "--root", "my reports", "--topic", f"t{number}")
        if "cuda" in words and run.returncode == 0:
            continue
        assert run.returncode == 2, words
        assert run.stdout == ""
        assert "Traceback" not in run.stderr
        assert f"error: {step}: " in run.stderr
        assert reason in run.stderr
        (path,) = (beamline / "my reports" / f"t{number}").iterdir()
        assert path.name.endswith(".partial")
        assert reason in (path / "attempt.log").read_text()
        assert cli("verify", path).returncode == 1


def test_usage(cli: Cli, tmp_path: Path) -> None:
    """Nothing is made for a command that makes no sense."""
    for words, reason in [
        ((), "no pixel"),
        (("--pixel", "1", "1", "--topic", "a b"), "a_b"),
        (("--pixel", "1", "1", "--refrence", "c.log"), "--reference"),
        (("--pixel", "1", "1", "--rtol", "x"), "rtol"),
        (("--pixel", "1", "1", "--map", "nowhere.toml"), "nowhere.toml"),
        (("--pixel", "1", "1", "--profile", "nonsense"), "unknown profile"),
        (("--pixel", "1", "1", "@nowhere.args"), "nowhere.args"),
    ]:
        run = cli("probe", *words)
        assert run.returncode == 2
        assert reason in run.stderr
    assert list(tmp_path.iterdir()) == []


def test_killed_while_computing(beamline: Path) -> None:
    """The process that computes goes, too, and what is there is named partial."""
    words = [sys.executable, "-m", "braggtrace_tui", "probe", *COMMON]
    for delay_s in (0.3, 0.8, 1.2):
        child = subprocess.Popen(words, cwd=beamline, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay_s)
        child.kill()
        child.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and harnesses(beamline):
        time.sleep(0.1)
    assert harnesses(beamline) == []
    for path in (beamline / "reports/carryover_probe").iterdir():
        assert path.name.endswith(".partial") or (path / "sha256.txt").is_file()


def harnesses(folder: Path) -> list[str]:
    """Computing processes that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"bundles.harness" in (process / "cmdline").read_bytes() and (process / "cwd").readlink() == folder:
                found.append(process.name)
        except OSError:
            continue  # it has just ended, or is not ours
    return found


@pytest.mark.skipif(shutil.which("gcc") is None or shutil.which("gdb") is None, reason="needs gcc and gdb")
def test_the_c_side_on_request(cli: Cli, tmp_path: Path) -> None:
    """A C program without any tracing gives the reference; one that crashes blocks the probe, and is quoted."""
    program = ROOT / "tests/capture/nanolike.c"
    if not program.is_file():
        pytest.skip("the small C program is not here")
    subprocess.run(["gcc", "-O0", "-g", "-o", tmp_path / "nano", program, "-lm"], check=True)
    flags = "-cell 70 80 90 75 85 95 -misset 10 20 30 -default_F 100 -N 5 -lambda 1 -distance 80 -pixel 0.1"
    flags += " -detpixels 64 -phi 0 -osc 1 -phisteps 4 -oversample 1 -nonoise -nopgm -floatfile f.bin"
    words = ("probe", "--capture", "--roi", "30", "31", "40", "41")
    environment = os.environ | {"NB_C_BIN": str(tmp_path / "nano")}
    run = cli(*words, "--", *flags.split(), env=environment)
    assert run.returncode == 0, run.stderr
    path = bundle(run, tmp_path)
    assert first_line(path).startswith("**AGREES**: no divergence; ")
    assert (path / "trace_c_per_phi.log").read_text().count("TRACE_C_PHI") == 16
    assert "gdb" in (path / "trace_c_capture.txt").read_text()
    assert cli("verify", path).returncode == 0
    run = cli(*words, "--bin", "./nano", "--topic", "crash", "--", *flags.split(), "-misbehave", "crash")
    assert run.returncode == 2
    assert "error: capture: " in run.stderr
    assert "SIGSEGV" in run.stderr
    run = cli(*words, "--topic", "none", "--", *flags.split(), env={**environment, "NB_C_BIN": ""})
    assert run.returncode == 2
    assert "NB_C_BIN" in run.stderr


def test_a_trace_from_another_program(cli: Cli, sample_traces: Path, tmp_path: Path) -> None:
    """Two traces are enough; as from the compare screen."""
    pair = sample_traces / "stale_phi_zero"
    run = cli("probe", "--candidate", pair / "candidate.log", "--reference", pair / "reference.log", "--topic", "mine")
    assert run.returncode == 1, run.stderr
    path = bundle(run, tmp_path)
    assert "first divergence rot_a.y at pixel 1639 966, phi_tic 0" in first_line(path)
    assert cli("verify", path).returncode == 0


def test_verify_and_bundles_on_nothing(cli: Cli, tmp_path: Path) -> None:
    """Trouble is trouble, an empty folder is none."""
    assert cli("verify", tmp_path, "nowhere").returncode == 2
    assert cli("bundles", "nowhere").returncode == 2
    run = cli("bundles", tmp_path)
    assert run.returncode == 0
    assert "no bundles here" in run.stderr
    assert json.loads(cli("bundles", tmp_path, "--format", "json").stdout) == {}


def test_the_page_names_real_options(cli: Cli) -> None:
    """And every option of `probe` that the other verbs lack is on the page."""
    if not PAGE.is_file():
        pytest.skip("not a checkout")
    page = PAGE.read_text()
    helps = {verb: cli(verb, "--help").stdout for verb in ("probe", "trace", "bundles")}
    options = {verb: set(re.findall(r"^  (?:-h, )?(--[a-z-]+)", text, re.MULTILINE)) for verb, text in helps.items()}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", page))
    assert named <= options["probe"] | options["bundles"] | {"--verify"}
    shared = options["trace"] | {"--equal-nan", "--require-all", "--taps", "--source"}
    assert options["probe"] - shared <= named


def test_the_example_of_the_page(tmp_path: Path) -> None:
    """It runs as it stands, as far as it can without its files."""
    if not PAGE.is_file():
        pytest.skip("not a checkout")
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "c_trace.log").write_text("TRACE_C: pixel 684 1039\n")
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "ProbeBlockedError: preflight: can't read -mat A.mat, -hkl P1.hkl" in run.stderr


def test_on_a_gpu(cli: Cli, beamline: Path) -> None:
    """The same numbers, and what computed them is recorded."""
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    run = cli("probe", *COMMON, "--device", "cuda", "--reference", "c_trace.log", "--rtol", "1e-9")
    assert run.returncode == 0, run.stderr
    assert "memory_bytes: " in (bundle(run, beamline) / "gpu_info.txt").read_text()
