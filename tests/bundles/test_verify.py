"""A bundle that was torn, altered or edited is found, and what is wrong is named."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from braggtrace.bundles import metrics as metrics_module
from braggtrace.bundles.seal import FaultKind, sha256_of
from braggtrace.bundles.verify import verify
from braggtrace.errors import BundleError, ProbeBlockedError
from tests.bundles.build import FakeClock, FakeSource, captured, expectation, trace_text

SCHEMA = json.loads((Path(metrics_module.__file__).parent / "metrics.schema.json").read_text())


@pytest.fixture
def bundle(bench: Path) -> Path:
    """A bundle of a diverging probe with a baseline and gates; its files can be written."""
    clock = FakeClock()
    first = captured(bench, FakeSource(expected=expectation()), clock)
    source = FakeSource(trace_text(stale=False), expectation(), phi_mode="spec")
    path = captured(bench, source, clock, baseline=str(first.path), note="note").path
    for file in path.iterdir():
        file.chmod(0o644)
    return path


def reseal(folder: Path) -> None:
    """Make the checksums right again, as somebody who edits by hand might."""
    names = sorted(path.name for path in folder.iterdir() if path.name != "sha256.txt")
    (folder / "sha256.txt").write_text("".join(f"{sha256_of(folder / name)}  {name}\n" for name in names))


def faults(folder: Path) -> dict[str, str]:
    """What is wrong, by file."""
    found: dict[str, str] = {}
    for fault in verify(folder).faults:
        found[fault.name] = f"{found.get(fault.name, '')}{fault}; "
    return found


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a JSON file."""
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_a_whole_bundle(bundle: Path) -> None:
    """Nothing is wrong, and what it says is known."""
    found = verify(bundle)
    assert found.faults == ()
    assert found.files == 14
    assert found.summary.startswith("DIVERGES: a divergence appeared since the baseline")


def test_metrics_follow_their_schema(bundle: Path) -> None:
    """All of them, also where there is a baseline and a divergence."""
    for name in bundle.parent.iterdir():
        document = json.loads((name / "metrics.json").read_text())
        jsonschema.Draft202012Validator.check_schema(SCHEMA)
        jsonschema.validate(document, SCHEMA)
    assert document["schema"] == "braggtrace.metrics/1"


def test_every_file_is_watched(bundle: Path) -> None:
    """A changed byte in any of them is found, by name."""
    for path in sorted(bundle.iterdir()):
        data = path.read_bytes()
        path.write_bytes(data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])
        assert faults(bundle), path.name
        if path.name != "sha256.txt":
            assert "altered" in faults(bundle)[path.name]
        path.write_bytes(data)
    assert faults(bundle) == {}


def test_every_file_is_missed(bundle: Path) -> None:
    """Torn bundles are found, also where somebody made the checksums fit what is left."""
    for path in sorted(bundle.iterdir()):
        data = path.read_bytes()
        path.unlink()
        assert "missing" in faults(bundle)[path.name]
        seal = (bundle / "sha256.txt").read_bytes() if path.name != "sha256.txt" else b""
        if seal:
            reseal(bundle)
            assert "missing" in faults(bundle)[path.name], path.name
            (bundle / "sha256.txt").write_bytes(seal)
        path.write_bytes(data)
    assert faults(bundle) == {}


def test_added_and_exchanged_files(bundle: Path) -> None:
    """More than was sealed is no evidence either; nor is a link in a file's place."""
    (bundle / "extra.txt").write_text("hello")
    (bundle / "folder").mkdir()
    readme = bundle / "README.md"
    readme.rename(bundle.parent / "README.md")
    readme.symlink_to(bundle.parent / "README.md")
    found = faults(bundle)
    assert "not in the list" in found["extra.txt"]
    assert "not in the list" in found["folder"]
    assert "no longer a plain file" in found["README.md"]


@pytest.mark.parametrize("name", ["sha256.txt", "metrics.json", "trace_py.log", "README.md"])
def test_a_pipe_in_a_files_place(bundle: Path, name: str) -> None:
    """Nobody waits for it."""
    (bundle / name).unlink()
    os.mkfifo(bundle / name)
    assert "no longer a plain file" in faults(bundle)[name]


def set_ratio(document: dict[str, Any]) -> None:
    """Make the brightest pixel fit."""
    document["pixels"][0]["intensity_ratio"] = 1.0


def set_agrees(document: dict[str, Any]) -> None:
    """Say that nothing diverges."""
    document["status"] = "AGREES"
    document["first_divergence"] = None


def set_lines(document: dict[str, Any]) -> None:
    """Expect what is there."""
    document["lines"]["TRACE_PY_PHI"] = {"expected": 11, "found": 11}


def set_change(document: dict[str, Any]) -> None:
    """Say that it was so before."""
    document["change"] = "stayed"


def set_flat(document: dict[str, Any]) -> None:
    """Turn a lattice factor."""
    document["per_phi"][2]["candidate"]["F_latt"] *= -1


def set_inherited(document: dict[str, Any]) -> None:
    """Claim that the first pixel inherited."""
    document["carryover"][0]["inherited"] = "previous pixel"


def set_summary(document: dict[str, Any]) -> None:
    """Word it better."""
    document["summary"] = "DIVERGES: not much"


def set_bundle(document: dict[str, Any]) -> None:
    """Say that it was made later."""
    document["bundle"] = "20261008T120000Z"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (set_ratio, "pixels[0].intensity_ratio"),
        (set_agrees, "first_divergence"),
        (set_lines, "there are 12 TRACE_PY_PHI lines"),
        (set_change, "change"),
        (set_flat, "per_phi[2].candidate.F_latt"),
        (set_inherited, "carryover[0].inherited"),
        (set_summary, "first line"),
        (set_bundle, "it is the bundle 20261008T120000Z"),
    ],
)
def test_metrics_have_to_follow_from_the_traces(
    bundle: Path, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    """Numbers edited by hand are found, although every checksum fits."""
    edit(bundle / "metrics.json", change)
    reseal(bundle)
    assert words in " ".join(faults(bundle).values())


@pytest.mark.parametrize("name", ["trace_py.log", "trace_py_per_phi.log", "trace_c.log"])
def test_traces_edited_by_hand(bundle: Path, name: str) -> None:
    """Likewise."""
    path = bundle / name
    path.write_text(path.read_text().replace("24", "25"))
    reseal(bundle)
    assert "not the trace" in faults(bundle)[name]


@pytest.mark.parametrize("name", ["README.md", "observations.txt", "trace_diff.md", "per_phi.svg"])
def test_pages_edited_by_hand(bundle: Path, name: str) -> None:
    """Likewise."""
    path = bundle / name
    path.write_text(path.read_text().replace("e", "E"))
    reseal(bundle)
    assert "not the page" in faults(bundle)[name]


def test_a_patch_that_gives_back_another_baseline(bundle: Path) -> None:
    """What was the baseline is known by its checksum."""
    path = bundle / "trace_diff_manual.patch"
    text = path.read_text()
    at = text.index("\n-TRACE_PY") + 10
    path.write_text(text[:at] + text[at:].replace("9", "8", 1))
    reseal(bundle)
    assert "baseline" in " ".join(faults(bundle).values())
    path.write_text("nonsense")
    reseal(bundle)
    assert faults(bundle)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema": "other/1"}', '{"schema": "braggtrace.metrics/1"}'])
def test_metrics_that_are_none(bundle: Path, text: str) -> None:
    """No traceback, whatever is in the file."""
    (bundle / "metrics.json").write_text(text)
    reseal(bundle)
    assert "metrics.json" in faults(bundle)


@pytest.mark.parametrize("key", sorted(SCHEMA["required"]))
def test_no_key_can_be_left_out(bundle: Path, key: str) -> None:
    """Every one is looked at."""
    edit(bundle / "metrics.json", lambda document: document.pop(key))
    reseal(bundle)
    assert "metrics.json" in faults(bundle)


def test_another_version_may_word_things_differently(bundle: Path) -> None:
    """Sentences are not evidence; numbers are."""

    def older(document: dict[str, Any]) -> None:
        document["braggtrace"] = "0.0.1"
        document["comparison"]["sentence"] = "as they said then"
        del document["comparison"]["worst"]

    edit(bundle / "metrics.json", older)
    reseal(bundle)
    assert faults(bundle) == {}
    edit(bundle / "metrics.json", set_flat)
    reseal(bundle)
    assert "made by braggtrace 0.0.1" in faults(bundle)["metrics.json"]


@pytest.mark.parametrize("line", ["nonsense", f"{'0' * 64}  ../c.log", f"{'0' * 64}  sha256.txt", f"{'0' * 64}  .."])
def test_a_list_that_is_none(bundle: Path, line: str) -> None:
    """It can't be used to read files elsewhere."""
    (bundle / "sha256.txt").write_text(line + "\n")
    (fault,) = verify(bundle).faults
    assert fault.kind is FaultKind.ALTERED
    assert fault.name == "sha256.txt"


def test_a_partial_bundle(bench: Path) -> None:
    """It says how far it got."""
    with pytest.raises(ProbeBlockedError):
        captured(bench, FakeSource(trace_text()[:500], expectation()))
    (path,) = (bench / "reports/carryover").iterdir()
    (fault,) = verify(path).faults
    assert "it was never finished" in str(fault)
    assert "BLOCKED in step check" in str(fault)


def test_what_is_no_bundle(tmp_path: Path) -> None:
    """A wrong path is trouble, and no verdict."""
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(BundleError, match="not a bundle"):
            verify(path)


def test_a_bundle_can_be_moved(bundle: Path, tmp_path: Path) -> None:
    """It says nothing about where it is."""
    target = tmp_path / "else where" / bundle.name
    target.parent.mkdir()
    bundle.rename(target)
    assert faults(target) == {}
