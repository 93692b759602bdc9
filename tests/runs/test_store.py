"""Runs in folders of their own, which survive whatever happens to those who run them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
import zlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from braggtrace.errors import InputError, OutputError, UsageError
from braggtrace.runs.requests import RunRequest
from braggtrace.runs.store import RunStore

REQUEST = RunRequest(
    "trace",
    {"flags": ["-N", "5"], "folder": "/data", "phi_mode": "spec"},
    pixels=((684, 1039), (1, 2)),
    rois=((1, 2, 3, 4),),
    dtype="float32",
    rot_stars=True,
    engine="gpubox",
)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """A store that isn't there yet."""
    return RunStore(tmp_path / ".braggtrace" / "runs")


def files_of(folder: Path) -> set[str]:
    """The names in a folder."""
    return {path.name for path in folder.iterdir()}


def test_everything_is_there_from_the_first_moment(store: RunStore) -> None:
    """Request and environment are on disk before anything is computed; the run is listed as running."""
    run = store.create(REQUEST, "pixel 684 1039 on gpubox!", {"engine": {"name": "gpubox"}})
    assert run.name.endswith("Z-pixel-684-1039-on-gpubox")
    (found,) = store.list()
    assert (found.name, found.status, found.request) == (run.name, "running", REQUEST)
    assert found.environment["engine"] == {"name": "gpubox"}
    assert {"braggtrace", "python", "platform", "host", "git"} <= set(found.environment)
    assert found.started is not None
    assert abs((datetime.now(UTC) - found.started).total_seconds()) < 60
    assert (found.ended, found.seconds, found.trace, found.image) == (None, None, None, None)
    with pytest.raises(UsageError, match="under way"):
        store.delete(run.name)
    run.fail("enough")


def test_results_are_written(store: RunStore) -> None:
    """Trace, image, timing, warnings and what was printed."""
    image = np.arange(6, dtype="<f4").reshape(2, 3)
    run = store.create(REQUEST)
    run.log("started by hand")
    run.finish(
        {
            "main": "TRACE_PY: distance_mm 1\n",
            "per_phi": "TRACE_PY_PHI phi_tic=0 k_frac=1\n",
            "image": zlib.compress(image.tobytes()),
            "shape": [2, 3],
            "timing": {"run_s": 0.5},
            "statistics": {"maximum": 5.0},
            "warnings": ["-x is ignored"],
            "log": "a library says hello\n",
        }
    )
    found = store.load("last")
    assert found.status == "done"
    assert found.trace is not None
    assert found.trace.read_text() == "TRACE_PY: distance_mm 1\n"
    assert (found.folder / "trace_per_phi.log").read_text() == "TRACE_PY_PHI phi_tic=0 k_frac=1\n"
    assert found.image is not None
    np.testing.assert_array_equal(np.load(found.image), image)
    assert found.timing == {"run_s": 0.5, "statistics": {"maximum": 5.0}, "shape": [2, 3]}
    assert found.log is not None
    assert found.log.read_text() == "started by hand\nwarning: -x is ignored\na library says hello\n"
    assert found.seconds is not None
    assert found.size > 100
    assert "lock" not in files_of(found.folder)
    assert not [name for name in files_of(found.folder) if name.startswith(".")]


def test_a_run_ends_once(store: RunStore) -> None:
    """What comes after the end changes nothing."""
    run = store.create(REQUEST)
    run.fail("the worker died", detail="last words")
    run.finish({"main": "late"})
    run.fail("again")
    found = store.load(run.name)
    assert (found.status, found.sentence, found.trace) == ("failed", "the worker died", None)
    assert found.log is not None
    assert found.log.read_text() == "last words\n"
    other = store.create(REQUEST)
    other.fail("somebody asked for it", cancelled=True)
    assert store.load(other.name).status == "cancelled"


def test_newest_first_and_names_are_never_shared(store: RunStore) -> None:
    """Runs of the same second have names of their own, and their order."""
    runs = [store.create(REQUEST, "same") for _ in range(12)]
    assert len({run.name for run in runs}) == 12
    listed = store.list()
    assert {run.name for run in listed} == {run.name for run in runs}
    starts = [run.started for run in listed]
    assert starts == sorted(starts, reverse=True)  # type: ignore[type-var]
    for run in runs:
        run.fail("")


def test_a_crash_leaves_an_interrupted_run(store: RunStore) -> None:
    """While its process lives it is running for everybody; after a SIGKILL it is interrupted, and can be deleted."""
    code = f"""
        import sys, time
        from braggtrace.runs.requests import RunRequest
        from braggtrace.runs.store import RunStore
        run = RunStore({str(store.root)!r}).create(RunRequest("trace", {{"flags": []}}), "doomed")
        print(run.name, flush=True)
        time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert store.load(name).status == "running"
        process.send_signal(signal.SIGKILL)
        process.wait()
    found = store.load(name)
    assert found.status == "interrupted"
    assert found.request is not None
    assert "ended before the run did" in found.sentence
    store.delete(name)
    assert store.list() == []


def test_names_that_are_nobody_s(store: RunStore) -> None:
    """A part of a name will do if only one run has it; nothing outside the store is ever found."""
    assert list(store.list()) == []
    with pytest.raises(InputError, match="no such run"):
        store.load("last")
    first, second = store.create(REQUEST, "alpha"), store.create(REQUEST, "beta")
    first.fail("")
    second.fail("")
    assert store.load("alpha").name == first.name
    assert store.load("last").name == second.name
    for name in ("", "../..", "/etc", "gamma", "."):
        with pytest.raises(InputError):
            store.load(name)
        with pytest.raises(InputError):
            store.delete(name)
    with pytest.raises(InputError, match="more than one"):
        store.load("a")
    assert len(store.list()) == 2


def test_what_is_no_run_is_left_alone(store: RunStore, tmp_path: Path) -> None:
    """Other things in the folder are not listed; a link is not followed when deleting."""
    store.root.mkdir(parents=True)
    (store.root / "notes.txt").write_text("mine")
    (store.root / "folder").mkdir()
    elsewhere = tmp_path / "precious"
    elsewhere.mkdir()
    (elsewhere / "data").write_text("mine")
    link = store.root / "20260101T000000Z-link"
    link.symlink_to(elsewhere)
    assert [run.name for run in store.list()] == [link.name]
    with pytest.raises(UsageError, match="link"):
        store.delete(link.name)
    assert (elsewhere / "data").exists()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"kind": "trace"}', '{"kind": "dance", "experiment": {"flags": []}}',
     '{"kind": "trace", "experiment": {"flags": [1]}}', '{"kind": "trace", "experiment": 5}',
     '{"kind": "trace", "experiment": {"flags": []}, "pixels": [["a", "b"]]}',
     '{"kind": "trace", "experiment": {"flags": []}, "device": 5}', '{"kind": ["x"], "experiment": {"flags": []}}'],
)  # fmt: skip
def test_a_damaged_run_is_listed_as_such(store: RunStore, text: str) -> None:
    """One bad folder hides none of the others."""
    good, bad = store.create(REQUEST, "good"), store.create(REQUEST, "bad")
    good.finish({"main": "x"})
    bad.finish({"main": "x"})
    (bad.folder / "request.json").write_text(text)
    statuses = {run.name: run.status for run in store.list()}
    assert statuses == {good.name: "done", bad.name: "damaged"}
    assert "request.json" in store.load("bad").sentence
    for name in ("status.json", "environment.json", "timing.json"):
        (good.folder / name).write_text(text)
    assert store.load("good").status in ("interrupted", "done")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """It is said which."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="can't keep a run here"):
        RunStore(tmp_path / "file" / "runs").create(REQUEST)


def test_results_that_cannot_be_written(store: RunStore) -> None:
    """The run has failed then, and says why."""
    run = store.create(REQUEST)
    (run.folder / "trace.log").mkdir()
    with pytest.raises(OutputError):
        run.finish({"main": "x", "per_phi": "y"})
    assert store.load(run.name).status == "failed"


def test_a_request_is_read_as_it_was_written() -> None:
    """Through JSON and back."""
    assert RunRequest.from_json(json.loads(json.dumps(REQUEST.as_json()))) == REQUEST
    more = {**REQUEST.as_json(), "of_the_future": 1}
    assert RunRequest.from_json(more) == REQUEST


def test_changes_go_where_they_belong() -> None:
    """Settings of the run and fields of the experiment, by the same names."""
    changed = REQUEST.changed(dtype="float64", phi_mode=None, profile="spec")
    assert (changed.dtype, changed.experiment["phi_mode"], changed.experiment["profile"]) == ("float64", None, "spec")
    assert REQUEST.experiment == {"flags": ["-N", "5"], "folder": "/data", "phi_mode": "spec"}
    assert changed.fields()["pixels"] == REQUEST.pixels
    assert "pixels" not in RunRequest("simulate", {"flags": []}).fields()
    assert REQUEST.settings() == "cpu float32 spec"


def test_git_revision_is_kept(store: RunStore, tmp_path: Path) -> None:
    """That of the folder where the flags are from; runs that are kept there make no tree dirty."""
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(tmp_path)]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run([*git, *words], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    request = RunRequest("trace", {"flags": [], "folder": str(tmp_path)})
    for _ in range(2):
        run = store.create(request)
        run.finish({"main": "x"})
        known = store.load(run.name).environment["git"]
        assert (known["revision"], known["clean"]) == (head, True)
