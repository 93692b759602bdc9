"""A probe from request to sealed bundle, and what remains where a step fails."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from braggtrace.bundles.environment import InputFile
from braggtrace.bundles.evidence import Evidence, Files, Told
from braggtrace.bundles.lines import split_lines
from braggtrace.bundles.probe import probe
from braggtrace.bundles.request import Gates, Judging
from braggtrace.bundles.seal import check_seal
from braggtrace.bundles.source import GivenTrace
from braggtrace.bundles.verify import verify
from braggtrace.bundles.workspace import Workspace
from braggtrace.errors import OutputError, ProbeBlockedError, UsageError
from tests.bundles.build import (
    NOON,
    PIXELS,
    FakeClock,
    FakeSource,
    captured,
    expectation,
    names_in,
    request,
    trace_text,
)

SPEC = trace_text(stale=False)


def topic(folder: Path) -> list[str]:
    """The bundles of the topic, complete or not."""
    return names_in(folder / "reports/carryover")


def first_line(path: Path) -> str:
    """The answer of a bundle."""
    return (path / "README.md").read_text().partition("\n")[0]


def test_a_bundle_has_everything(bench: Path) -> None:
    """The files that a person expects, and nothing else; they verify."""
    outcome = captured(bench, note="my words")
    names = "README.md commands.txt cpu_info.txt env.json metrics.json observations.txt per_phi.svg roi.svg sha256.txt"
    names += " trace_c.log trace_diff.md trace_harness_stdout.txt trace_py.log trace_py_per_phi.log"
    assert names_in(outcome.path) == sorted(names.split())
    assert first_line(outcome.path).startswith("**AGREES**: no divergence; ")
    assert "my words" in (outcome.path / "observations.txt").read_text()
    assert outcome.exit_status == 0
    assert verify(outcome.path).faults == ()


def test_sha256sum_checks_a_bundle(bench: Path) -> None:
    """The usual program is enough."""
    path = captured(bench).path
    run = subprocess.run(["sha256sum", "-c", "--strict", "--quiet", "sha256.txt"], cwd=path, check=False)
    assert run.returncode == 0


def test_what_became_of_the_divergence(bench: Path) -> None:
    """It appears, stays, moves and vanishes; the first line says so and since when."""
    clock = FakeClock()
    first = captured(bench, clock=clock)
    appeared = captured(bench, FakeSource(SPEC, phi_mode="spec"), clock, baseline=str(first.path))
    line = first_line(appeared.path)
    assert line.startswith(
        "**DIVERGES**: a divergence appeared since the baseline 20251008T120000Z: rot_a.y at pixel 684"
    )
    assert appeared.metrics["first_divergence"]["coordinate"]["phi_tic"] == 0
    assert appeared.exit_status == 1

    stayed = captured(bench, FakeSource(SPEC, phi_mode="spec"), clock, baseline=str(appeared.path))
    assert "the first divergence stayed since the baseline 20251008T120001Z: rot_a.y" in first_line(stayed.path)
    assert "since earlier bundles: appeared (20251008T120000Z)" in first_line(stayed.path)

    later = captured(bench, FakeSource(trace_text(scale=1.01)), clock, baseline=str(stayed.path))
    assert "moved later since the baseline 20251008T120002Z: from rot_a.y" in first_line(later.path)
    assert "to F_cell at pixel 684 1039, phi_tic 0" in first_line(later.path)

    earlier = captured(bench, FakeSource(SPEC), clock, baseline=str(later.path))
    assert "moved earlier since the baseline 20251008T120003Z: from F_cell" in first_line(earlier.path)

    vanished = captured(bench, clock=clock, baseline="latest")
    assert first_line(vanished.path).startswith(
        "**AGREES**: the divergence of the baseline 20251008T120004Z vanished (it was rot_a.y at pixel 684 1039"
    )
    assert [entry["change"] for entry in vanished.metrics["history"]] == ["none", *["vanished"] * 4]
    for name in topic(bench):
        assert verify(bench / "reports/carryover" / name).faults == ()


def test_another_reference_is_no_history(bench: Path) -> None:
    """A divergence from one trace says nothing about one from another."""
    clock = FakeClock()
    captured(bench, clock=clock)
    (bench / "c.log").write_text(trace_text(tag="TRACE_C", stale=False))
    outcome = captured(bench, clock=clock)
    assert outcome.metrics["history"][0]["change"] is None
    assert "since" not in first_line(outcome.path)
    assert "another reference" in (outcome.path / "README.md").read_text()


def test_values_per_pixel_and_per_phi(bench: Path) -> None:
    """Numbers as numbers: lattice factors with their sign changes, hkl, intensities of both sides."""
    metrics = captured(bench, FakeSource(SPEC)).metrics
    pixel = metrics["pixels"][0]
    assert pixel["pixel"] == [684, 1039]
    assert pixel["candidate"]["hkl_rounded"] == [4.0, 1.0, -12.0]
    assert pixel["candidate"]["F_latt"] == 24.0
    assert pixel["reference"]["F_latt"] == pytest.approx(-24.024)
    assert pixel["sign_differs"] is True
    assert pixel["intensity_ratio"] == pytest.approx(0.9990015)
    assert [entry["candidate"]["F_latt_b"] for entry in metrics["per_phi"][:3]] == [3.0, 0.0, -3.0]
    assert metrics["per_phi"][0]["reference"]["F_latt_b"] == -3.0
    again = captured(bench, FakeSource(trace_text()), FakeClock(NOON + timedelta(hours=1))).metrics
    assert again["pixels"][0]["sign_differs"] is False


def test_sign_changes_along_phi(bench: Path) -> None:
    """Where F_latt passes through zero between two steps."""
    text = SPEC.replace("F_latt_b=0", "F_latt_b=-1").replace("F_latt=0", "F_latt=-8").replace("F_latt=-0", "F_latt=-8")
    flips = captured(bench, FakeSource(text)).metrics["sign_changes"]
    assert {"quantity": "F_latt", "pixel": [684, 1039], "phi_tic": 1, "in_reference": False} in flips


def test_what_phi_zero_inherits(bench: Path) -> None:
    """The table of the quirk names the pixel, and says whether that one is traced."""
    outcome = captured(bench)
    rows = [
        (tuple(e["pixel"]), e["inherited"], e["from_pixel"], e["from_traced"]) for e in outcome.metrics["carryover"]
    ]
    assert rows == [
        ((684, 1039), "previous pixel", None, False),
        ((684, 1040), "previous pixel", [684, 1039], True),
        ((685, 1039), "previous pixel", [684, 1041], False),
        ((685, 1040), "previous pixel", [685, 1039], True),
    ]
    page = (outcome.path / "README.md").read_text()
    assert "| 684 1040 | 0 | pixel 684 1039, phi_tic 2 | equal |" in page
    spec = captured(bench, FakeSource(SPEC, phi_mode="spec"), FakeClock(NOON + timedelta(hours=1)))
    assert {entry["inherited"] for entry in spec.metrics["carryover"]} == {"unrotated cell"}
    assert "inherited" not in (spec.path / "README.md").read_text()
    still = captured(bench, FakeSource(SPEC), FakeClock(NOON + timedelta(hours=2)))
    assert "inherited nothing: it has the unrotated cell in all 4 pixels." in (still.path / "README.md").read_text()


def test_many_pixels_have_a_page_about_what_they_inherited(tmp_path: Path) -> None:
    """The README stays short."""
    pixels = [(684, 1039 + number) for number in range(12)]
    outcome = captured(tmp_path, FakeSource(trace_text(pixels)), boxes=((684, 684, 1039, 1050),))
    assert (outcome.path / "carryover.md").read_text().count("| 684 ") == 12
    assert len((outcome.path / "README.md").read_text().splitlines()) < 80
    assert verify(outcome.path).faults == ()


def test_without_a_reference(tmp_path: Path) -> None:
    """The evidence is captured, and nothing is claimed."""
    outcome = captured(tmp_path)
    assert (
        first_line(outcome.path)
        == "**CAPTURED**: 4 pixels, slow 684-685, fast 1039-1040; there is nothing to compare with."
    )
    assert outcome.exit_status == 0
    assert outcome.metrics["first_divergence"] is None
    against = captured(tmp_path, FakeSource(SPEC), FakeClock(NOON + timedelta(hours=1)), baseline=str(outcome.path))
    assert "**DIVERGES**: compared with the baseline 20251008T120000Z, without a reference: rot_a.y" in first_line(
        against.path
    )
    assert against.exit_status == 1


def test_too_little_to_compare_is_inconclusive(bench: Path) -> None:
    """A wrong reference never passes."""
    (bench / "c.log").write_text("TRACE_C: pixel 684 1039\nTRACE_C: omega_pixel_sr 0.000684\n")
    outcome = captured(bench)
    assert first_line(outcome.path).startswith("**INCONCLUSIVE**: too little could be compared")
    assert outcome.exit_status == 3
    again = captured(
        bench, clock=FakeClock(NOON + timedelta(hours=1)), baseline=str(outcome.path), gates=Gates(("1e-6",))
    )
    assert again.metrics["change"] is None
    assert again.metrics["history"][0]["change"] is None
    assert {gate["status"] for gate in again.metrics["gates"]} == {"INCONCLUSIVE"}
    assert "right reference" in (outcome.path / "README.md").read_text()


def test_the_patch_applies(bench: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """`patch` makes the candidate's trace from the baseline's."""
    clock = FakeClock()
    old = captured(bench, clock=clock)
    new = captured(bench, FakeSource(SPEC), clock, baseline=str(old.path))
    folder = tmp_path_factory.mktemp("copy")
    for name in ("trace_py.log", "trace_py_per_phi.log"):
        (folder / name).write_bytes((old.path / name).read_bytes())
    patch = (new.path / "trace_diff_manual.patch").read_bytes()
    subprocess.run(["patch", "-p1", "-s"], input=patch, cwd=folder, check=True)
    for name in ("trace_py.log", "trace_py_per_phi.log"):
        assert (folder / name).read_bytes() == (new.path / name).read_bytes()


def test_a_trace_as_baseline(bench: Path) -> None:
    """Also one of a C program in a single file; `verify` gets it back from the patch."""
    outcome = captured(bench, FakeSource(SPEC), baseline=str(bench / "c.log"))
    assert outcome.metrics["baseline"]["kind"] == "trace"
    assert "appeared since the baseline c.log" in first_line(outcome.path)
    assert verify(outcome.path).faults == ()


def test_two_runs_differ_in_times_only(bench: Path) -> None:
    """The same probe again gives the same bytes, but for when it ran and for how long."""
    one = captured(bench)
    aside = one.path.rename(bench / "aside")
    two = captured(bench, FakeSource(seconds=2.5), FakeClock(NOON + timedelta(days=3)))
    differing = {name for name in names_in(aside) if (aside / name).read_bytes() != (two.path / name).read_bytes()}
    assert differing == {"README.md", "metrics.json", "observations.txt", "commands.txt", "env.json", "sha256.txt"}
    swaps = [("20251008T120000Z", "20251011T120000Z"), ("2025-10-08", "2025-10-11"), ("1.5", "2.5")]
    for name in differing - {"sha256.txt", "metrics.json"}:
        text = (aside / name).read_text()
        for old, new in swaps:
            text = text.replace(old, new)
        assert text == (two.path / name).read_text(), name
    ours, theirs = (json.loads((path / "metrics.json").read_text()) for path in (aside, two.path))
    same = {key for key in ours if ours[key] == theirs[key]}
    assert set(ours) - same == {"bundle", "time_utc", "runtime_s", "pages"}


def test_the_clock_may_go_backwards(bench: Path) -> None:
    """Bundles stay in the order in which they were made, and a warning says why their names don't."""
    first = captured(bench)
    outcome = captured(bench, FakeSource(SPEC), FakeClock(NOON - timedelta(hours=5)))
    assert outcome.path.name < first.path.name
    assert outcome.metrics["sequence"] == 2
    assert outcome.metrics["history"][0]["bundle"] == first.path.name
    assert "clock is behind" in (outcome.path / "observations.txt").read_text()
    third = captured(bench, clock=FakeClock(NOON - timedelta(hours=9)), baseline="latest")
    assert third.metrics["baseline"]["name"] == outcome.path.name


def test_runtime_far_from_before_is_suspicious(bench: Path) -> None:
    """The same probe that takes much longer is worth a look."""

    class Slow(FakeClock):
        def monotonic(self) -> float:
            """Ten seconds later each time."""
            self.seconds += 10
            return self.seconds

    captured(bench)
    outcome = captured(bench, clock=Slow(NOON + timedelta(hours=1)))
    assert "the same probe took" in (outcome.path / "observations.txt").read_text()


def test_warnings_are_not_lost(bench: Path) -> None:
    """Everything that was said stands in the observations, made harmless."""
    outcome = captured(bench, FakeSource(warnings=("fluence is odd", "\x1b[31mred")))
    text = (outcome.path / "observations.txt").read_text()
    assert "warning: fluence is odd" in text
    assert "\x1b" not in text
    assert "␛[31mred" in text


def test_a_gpu_is_recorded(bench: Path) -> None:
    """Where one computed."""
    facts = {"device": "cuda", "gpu": {"name": "Fast", "memory_bytes": 5}}
    outcome = captured(bench, FakeSource(facts=facts))
    assert (outcome.path / "gpu_info.txt").read_text() == "name: Fast\nmemory_bytes: 5\n"
    assert "[gpu_info.txt](gpu_info.txt): the graphics processor" in (outcome.path / "README.md").read_text()
    assert verify(outcome.path).faults == ()


def test_large_logs_are_compressed(tmp_path: Path) -> None:
    """Everything still works, and the README names the files as they are."""
    pixels = [(684, 1039 + number) for number in range(1200)]
    source = FakeSource(trace_text(pixels))
    outcome = captured(tmp_path, source, boxes=((684, 684, 1039, 2238),))
    assert (outcome.path / "trace_py_per_phi.log.gz").is_file()
    assert "(trace_py_per_phi.log.gz)" in (outcome.path / "README.md").read_text()
    assert outcome.metrics["per_phi_omitted"] == 600
    assert verify(outcome.path).faults == ()
    again = captured(
        tmp_path, source, FakeClock(NOON + timedelta(hours=1)), baseline="latest", boxes=((684, 684, 1039, 2238),)
    )
    assert (again.path / "trace_diff_manual.patch").read_bytes() == b""


# What goes wrong


def blocked(folder: Path, source: FakeSource | None = None, **changes: Any) -> tuple[ProbeBlockedError, str]:
    """The error of a probe that can't be completed, and its attempt.log; no bundle is there."""
    with pytest.raises(ProbeBlockedError) as caught:
        captured(folder, source, **changes)
    (name,) = topic(folder)
    assert name.endswith(".partial")
    assert caught.value.kept == str(folder / "reports/carryover" / name)
    log = (folder / "reports/carryover" / name / "attempt.log").read_text()
    assert "BLOCKED" in log
    assert "to do:" in log
    return caught.value, log


def test_a_missing_input_is_found_before_any_work(bench: Path) -> None:
    """The message says which flag named it."""
    error, log = blocked(bench, FakeSource(inputs_given=(InputFile("-mat", "A.mat", bench / "A.mat"),)))
    assert error.step == "preflight"
    assert "-mat A.mat" in str(error)
    assert "-mat A.mat" in log


@pytest.mark.parametrize("kind", ["missing", "folder", "damaged"])
def test_a_reference_that_cant_be_read(bench: Path, kind: str) -> None:
    """It is found before the trace is computed."""
    path = bench / "ref.log"
    if kind == "folder":
        path.mkdir()
    elif kind == "damaged":
        path.write_bytes(b"\x1f\x8b damaged")

    def never() -> None:
        raise AssertionError("the trace was computed")

    error, _ = blocked(bench, FakeSource(before=never), reference=(str(path),))
    assert error.step == "preflight"
    assert "ref.log" in str(error)


@pytest.mark.parametrize("side", ["reference", "baseline"])
def test_a_file_that_is_no_trace(bench: Path, side: str) -> None:
    """It is named, and nothing is called a comparison."""
    (bench / "words.txt").write_text("to be or not to be\n")
    given = str(bench / "words.txt")
    changes: dict[str, Any] = {side: (given,) if side == "reference" else given}
    error, _ = blocked(bench, **changes)
    assert error.step == "compare"
    assert f"the {side} holds no values" in str(error)


def test_a_trace_that_lacks_lines_is_no_evidence(bench: Path) -> None:
    """Which pixel lacks what, and how many lines there should be; what was captured stays."""
    lines = trace_text().splitlines(keepends=True)
    lines.remove(next(line for line in lines if line.startswith("TRACE_PY_PHI phi_tic=2")))
    error, log = blocked(bench, FakeSource("".join(lines), expectation()))
    assert error.step == "check"
    assert "pixel 684 1039 has 2 TRACE_PY_PHI lines, expected 3" in log
    assert "there are 11 TRACE_PY_PHI lines, 12 are implied" in log
    assert (Path(str(error.kept)) / "trace_py.log").is_file()


def test_a_pixel_that_is_missing(bench: Path) -> None:
    """Every one that was asked for has to be there."""
    error, _ = blocked(bench, FakeSource(trace_text(PIXELS[:3]), expectation()))
    assert "pixel 685 1040 is missing" in str(error)
    assert not topic(bench)[0].endswith("Z")


def test_a_complete_trace_says_its_numbers(bench: Path) -> None:
    """How many lines of each kind."""
    outcome = captured(bench, FakeSource(expected=expectation()))
    assert outcome.metrics["lines"] == {
        "TRACE_PY": {"expected": 29, "found": 29},
        "TRACE_PY_SUBPIXEL": {"expected": 4, "found": 4},
        "TRACE_PY_PHI": {"expected": 12, "found": 12},
    }
    assert (
        "29 TRACE_PY lines, 12 TRACE_PY_PHI lines and 4 others, as many as" in (outcome.path / "README.md").read_text()
    )


def test_a_baseline_that_was_never_finished(bench: Path) -> None:
    """It is refused by name."""
    blocked(bench, FakeSource(inputs_given=(InputFile("-mat", "A.mat", bench / "A.mat"),)))
    partial = bench / "reports/carryover" / topic(bench)[0]
    with pytest.raises(ProbeBlockedError, match="not a complete bundle"):
        captured(bench, baseline=str(partial))


def test_an_altered_baseline_is_called_out(bench: Path) -> None:
    """The comparison is made, but nobody can overlook it."""
    clock = FakeClock()
    old = captured(bench, clock=clock)
    path = old.path / "observations.txt"
    path.chmod(0o644)
    path.write_text("edited")
    outcome = captured(bench, clock=clock, baseline=str(old.path))
    assert "does not verify: observations.txt: altered" in (outcome.path / "README.md").read_text()


def test_tolerances_that_match_nothing_are_an_error(bench: Path) -> None:
    """As everywhere; the trace is kept."""
    error, _ = blocked(bench, judging=Judging(rules={"rtol": ("Flatt:1",)}))
    assert error.step == "compare"
    assert "Flatt" in str(error)


def test_rules_and_files_of_rules(bench: Path) -> None:
    """They decide, stand in the bundle, and decide again when it is verified."""
    judging = Judging(rules={"rtol": ("rot_*:1", "1")}, tolerances='atol = "F_latt*:1e3"', mapping='ignore = ["I_*"]\n')
    outcome = captured(bench, FakeSource(SPEC), judging=judging)
    assert outcome.metrics["status"] == "AGREES"
    assert (outcome.path / "map.toml").read_text() == judging.mapping
    assert verify(outcome.path).faults == ()
    assert "| `rtol rot_*:1 1`, `tolerances.toml`, `map.toml` |" in (outcome.path / "README.md").read_text()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"topic": "a b"}, "a_b"),
        ({"boxes": ((5, 4, 1, 1),)}, "empty --roi"),
        ({"gates": Gates(reference=("1e-6",))}, "needs a reference"),
        ({"gates": Gates(baseline=("1e-6",))}, "needs a baseline"),
        ({"dry_run": True}, "--ledger"),
    ],
)
def test_a_command_that_makes_no_sense_makes_nothing(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    """There is no folder to clean up."""
    with pytest.raises(UsageError, match=words):
        captured(tmp_path, **changes)
    assert list(tmp_path.iterdir()) == []


def test_interrupted(bench: Path) -> None:
    """Ctrl-C leaves a folder that says so."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        captured(bench, FakeSource(before=interrupt))
    (name,) = topic(bench)
    assert "interrupted in step run" in (bench / "reports/carryover" / name / "attempt.log").read_text()


def writes_of(bench: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many files a probe writes."""
    count = 0
    write = Workspace.write

    def counted(self: Workspace, *args: object, **options: object) -> str:
        nonlocal count
        count += 1
        return write(self, *args, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Workspace, "write", counted)
        captured(bench)
    return count


def test_the_disk_fills_up_at_any_file(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is never a bundle that lacks something, and the ledger stays as it was."""
    ledger = bench / "plan.md"
    ledger.write_text("# Plan\n")
    total = writes_of(bench, monkeypatch)
    assert total > 10
    write = Workspace.write
    for fatal in range(total):
        left = fatal

        def full(self: Workspace, name: str, *args: object, **options: object) -> str:
            nonlocal left
            left -= 1
            if left < 0:
                (self.folder / name).write_bytes(b"half")
                raise OutputError("can't be written: No space left on device", path=self.folder / name)
            return write(self, name, *args, **options)  # type: ignore[arg-type]

        with monkeypatch.context() as patch:
            patch.setattr(Workspace, "write", full)
            with pytest.raises(ProbeBlockedError, match="No space"):
                captured(bench, clock=FakeClock(NOON + timedelta(hours=1 + fatal)), ledger=ledger)
    names = topic(bench)
    assert [name for name in names if not name.endswith(".partial")] == ["20251008T120000Z"]
    assert len(names) == total + 1
    assert ledger.read_text() == "# Plan\n"


@pytest.mark.parametrize("name", ["chmod", "rename", "unlink"])
def test_sealing_fails(bench: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The last steps can fail as well."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(Path, name, refuse)
        with pytest.raises(ProbeBlockedError, match="not permitted"):
            captured(bench)
    assert [entry.endswith(".partial") for entry in topic(bench)] == [True]


def test_a_bug_is_no_bundle_either(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The traceback comes through; the folder says in which step."""
    monkeypatch.setattr("braggtrace.bundles.probe.render_pages", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        captured(bench)
    (name,) = topic(bench)
    assert "ZeroDivisionError in step bundle" in (bench / "reports/carryover" / name / "attempt.log").read_text()


def test_every_step_is_reported(bench: Path) -> None:
    """In order, also in the log of a probe that fails at the last one."""
    said: list[str] = []
    probe(
        request(bench, reference=(str(bench / "c.log"),)),
        source=FakeSource(),
        clock=FakeClock(),
        report=lambda step, text: said.append(step),
    )
    assert list(dict.fromkeys(said)) == ["workspace", "preflight", "run", "check", "compare", "bundle"]


def test_the_ledger_is_written_last(bench: Path) -> None:
    """Its entry links to the bundle; a dry run only returns it."""
    ledger = bench / "docs/fix plan.md"
    ledger.parent.mkdir()
    ledger.write_text("* [2025-10-07] Attempt #152 — before\n")
    dry = captured(bench, ledger=ledger, dry_run=True)
    assert ledger.read_text() == "* [2025-10-07] Attempt #152 — before\n"
    assert "Attempt #153" in dry.entry
    wet = captured(bench, FakeSource(SPEC), FakeClock(NOON + timedelta(hours=1)), ledger=ledger)
    text = ledger.read_text()
    assert text.startswith("* [2025-10-07] Attempt #152 — before\n* [2025-10-08] Attempt #153 — carryover: DIVERGES: ")
    assert text.endswith(wet.entry)
    assert "(../reports/carryover/20251008T130000Z/README.md)" in text
    assert "divergence appeared since 20251008T120000Z" in text


def test_a_ledger_that_cant_be_written_leaves_the_bundle(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundle is complete, the error says so."""
    ledger = bench / "plan.md"
    ledger.write_text("")

    def refuse(*_: object) -> str:
        raise OutputError("can't be written", path=ledger)

    monkeypatch.setattr("braggtrace.bundles.probe.append_attempt", refuse)
    with pytest.raises(ProbeBlockedError, match="ledger: ") as caught:
        captured(bench, ledger=ledger)
    (name,) = topic(bench)
    assert caught.value.kept == str(bench / "reports/carryover" / name)
    assert verify(Path(caught.value.kept)).faults == ()


def test_a_missing_ledger_is_found_first(bench: Path) -> None:
    """A wrong path costs nothing."""
    error, _ = blocked(bench, ledger=bench / "nowhere.md")
    assert error.step == "preflight"
    assert "nowhere.md" in str(error)


def test_finished_bundles_are_never_touched(bench: Path) -> None:
    """Whatever comes later: other probes, verifying, failures."""
    clock = FakeClock()
    path = captured(bench, clock=clock).path
    before = {file.name: (file.stat().st_mtime_ns, file.read_bytes()) for file in path.iterdir()}
    captured(bench, FakeSource(SPEC), clock, baseline=str(path))
    verify(path)
    with pytest.raises(ProbeBlockedError):
        captured(bench, clock=clock, baseline=str(path), reference=("nowhere.log",))
    assert {file.name: (file.stat().st_mtime_ns, file.read_bytes()) for file in path.iterdir()} == before


def test_a_story_goes_into_the_readme(bench: Path) -> None:
    """Whoever knows the cause tells it, after the first line."""

    def tell(evidence: Evidence, files: Files, judging: Judging) -> Told:
        assert evidence.against_reference is not None
        assert [path.name for path in files.reference] == ["trace_c.log"]
        return Told(("rot_a is a STALE_VALUE.", "```"), ({"quantity": "rot_a"},))

    outcome = probe(
        replace(request(bench), reference=(str(bench / "c.log"),)),
        source=FakeSource(SPEC),
        clock=FakeClock(),
        story=tell,
    )
    assert "## Cause\n\n```text\nrot_a is a STALE_VALUE.\n'''\n```\n" in (outcome.path / "README.md").read_text()
    assert outcome.metrics["roots"] == [{"quantity": "rot_a"}]
    assert verify(outcome.path).faults == ()


def test_given_traces_need_no_computing(bench: Path) -> None:
    """Two traces that are there already, as from the compare screen; the seal holds."""
    (bench / "mine.log").write_text(SPEC)
    clock = FakeClock()
    asked = request(bench, candidate=str(bench / "mine.log"), reference=(str(bench / "c.log"),), boxes=())
    outcome = probe(asked, clock=clock)
    assert outcome.metrics["configuration"]["trace"] == "given"
    assert [pixel["pixel"] for pixel in outcome.metrics["pixels"]] == [list(pixel) for pixel in PIXELS]
    assert check_seal(outcome.path) == []
    assert verify(outcome.path).faults == ()
    with pytest.raises(ProbeBlockedError, match="lacks 1 of 1 pixels: 9 9"):
        probe(replace(asked, pixels=((9, 9),)), clock=clock)


def test_a_given_trace_says_itself_how_it_was_made(bench: Path) -> None:
    """Its comments become the configuration; what it does not say is unknown, and not a default."""
    head = (
        "# braggtrace flags: -N 5\n# braggtrace run: profile=spec phi_mode=spec dtype=float32 device=cuda quirks=a=on\n"
    )
    (bench / "told.log").write_text(head + trace_text(stale=False))
    (bench / "silent.log").write_text(trace_text(stale=False))
    told, silent = (
        probe(request(bench, candidate=str(bench / name), boxes=()), clock=FakeClock())
        for name in ("told.log", "silent.log")
    )
    setup = told.metrics["configuration"]
    assert (setup["flags"], setup["profile"], setup["phi_mode"], setup["switches"]) == (
        ["-N", "5"],
        "spec",
        "spec",
        ["a=on"],
    )
    assert (setup["dtype"], setup["device"]) == ("float32", "cuda")
    assert "it says: phi mode spec, float32, cuda, profile spec, a=on |" in (told.path / "README.md").read_text()
    assert silent.metrics["configuration"]["profile"] == ""
    assert "profile: unknown\n" in (silent.path / "commands.txt").read_text()
    assert verify(told.path).faults == verify(silent.path).faults == ()


def test_a_side_of_several_files_is_read_as_everywhere(bench: Path) -> None:
    """Joined by `+`, or named one by one; nothing is taken twice."""
    whole = trace_text(PIXELS, stale=False)
    for number, pixels in enumerate((PIXELS[:2], PIXELS[2:])):
        for side, tag, stale in (("c", "TRACE_C", True), ("py", "TRACE_PY", False)):
            (bench / f"{side}_{number}.log").write_text(trace_text(pixels, tag=tag, stale=stale).removesuffix("\n"))
    candidate = "+".join(str(bench / f"py_{number}.log") for number in (0, 1))
    reference = tuple(str(bench / f"c_{number}.log") for number in (0, 1))
    split = captured(bench, reference=reference, candidate=candidate, boxes=(), source=GivenTrace())
    (bench / "py.log").write_text(whole)
    single = captured(bench, candidate=str(bench / "py.log"), boxes=(), source=GivenTrace())
    assert split.metrics["comparison"]["diverge"] == single.metrics["comparison"]["diverge"] > 0
    assert [entry["pixel"] for entry in split.metrics["pixels"]] == [list(pixel) for pixel in PIXELS]
    assert verify(split.path).faults == ()


def test_a_reference_and_its_per_phi_file_named_both_are_taken_once(bench: Path) -> None:
    """The one beside it is the one that is named."""
    main, inner = split_lines(trace_text(tag="TRACE_C").encode())
    (bench / "c_per_phi.log").write_bytes(inner)
    (bench / "c.log").write_bytes(main)
    found = captured(bench, reference=(str(bench / "c.log"),))
    named = captured(bench, reference=(str(bench / "c.log"), str(bench / "c_per_phi.log")))
    assert found.metrics["comparison"] == named.metrics["comparison"]
    assert names_in(found.path) == names_in(named.path)
