"""Runs of an engine: whatever becomes of the engine, the run on disk says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from braggtrace.errors import EngineError, OutputError, UsageError
from braggtrace.runs.launch import launch, run_now
from braggtrace.runs.requests import RunRequest
from braggtrace.runs.store import RunStore
from braggtrace.service.client import Engine, Event
from tests.service.talk import fake_engine, until

REQUEST = RunRequest("trace", {"flags": ["-N", "5"], "folder": "/data"}, pixels=((1, 2),))


def engine_that(folder: Path, code: str) -> Engine:
    """An engine that says hello and then does `code`."""
    engine = Engine(fake_engine(folder, f"hello(torch='2.9')\n{code}"), name="fake")
    engine.remote = False
    return engine


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """A store that isn't there yet."""
    return RunStore(tmp_path / "runs")


def test_a_run_from_beginning_to_end(tmp_path: Path, store: RunStore) -> None:
    """The engine gets the request's fields; when the result is told, it is on disk already."""
    code = """
request = heard()
assert request["flags"] == ["-N", "5"] and request["pixels"] == [[1, 2]] and request["dtype"] == "float64", request
reply(request["id"], "progress", fraction=0.5, rate=1, unit="pixels")
reply(request["id"], "log", text="printed")
reply(request["id"], "part", field="main", text="TRACE_PY: pixel 1 2")
reply(request["id"], "result", timing={"run_s": 1}, warnings=[])
heard()
"""
    told: list[tuple[str, str]] = []
    with engine_that(tmp_path, code) as engine:
        until(lambda: engine.state.kind == "ready")
        run, ticket = launch(engine, store, REQUEST, lambda event: told.append((event.kind, store.load("last").status)))
        ticket.wait(10)
    assert told == [("progress", "running"), ("result", "done")]
    found = store.load(run.name)
    assert found.trace is not None
    assert found.trace.read_text() == "TRACE_PY: pixel 1 2"
    assert found.log is not None
    assert found.log.read_text() == "printed\n"
    assert found.environment["engine"]["hello"]["torch"] == "2.9"
    assert found.environment["engine"]["name"] == "fake"


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        (
            "reply(heard()['id'], 'error', code='died', sentence='the worker died', detail='last words')",
            "failed",
            "died",
        ),
        ("reply(heard()['id'], 'error', code='cancelled', sentence='cancelled')", "cancelled", "cancelled"),
        ("heard(); print('gone', file=sys.stderr, flush=True); os._exit(7)", "failed", "exit status 7: gone"),
        ("heard(); print('garbage', flush=True)", "failed", "no reply"),
    ],
)
def test_trouble_is_kept(tmp_path: Path, store: RunStore, code: str, status: str, words: str) -> None:
    """Failed, cancelled or lost: the run says which, and why."""
    with engine_that(tmp_path, f"{code}\nheard()") as engine:
        with pytest.raises(EngineError):
            run_now(engine, store, REQUEST)
        found = store.load("last")
    assert found.status == status
    assert words in found.sentence


def test_closing_the_engine_ends_the_run(tmp_path: Path, store: RunStore) -> None:
    """Nobody is told, but the run is not left as if it went on."""
    with engine_that(tmp_path, "heard()\nheard()") as engine:
        run, _ = launch(engine, store, REQUEST, lambda event: pytest.fail("no event after close"))
        until(lambda: engine.state.kind == "busy")
        engine.close()
        assert store.load(run.name).status == "failed"


def test_what_cannot_be_written_is_an_error(tmp_path: Path, store: RunStore) -> None:
    """A result that can't be kept is told as an error, to whoever listens and whoever waits."""
    events: list[Event] = []
    code = "id = heard()['id']\nreply(id, 'part', field='main', text='x')\nheard()\nreply(id, 'result')\nheard()"
    with engine_that(tmp_path, code) as engine:
        until(lambda: engine.state.kind == "ready")
        run, ticket = launch(engine, store, REQUEST, events.append)
        (run.folder / "trace.log").mkdir()
        engine.request("hello", {}, lambda event: None)
        with pytest.raises(EngineError, match="can't be kept"):
            ticket.wait(10)
    assert [event.kind for event in events] == ["error"]
    assert store.load(run.name).status == "failed"


def test_no_run_without_a_place(tmp_path: Path) -> None:
    """Nothing is computed that can't be kept; a C program is none of the engine's."""
    (tmp_path / "file").write_text("")
    with engine_that(tmp_path, "heard()") as engine:
        with pytest.raises(OutputError):
            launch(engine, RunStore(tmp_path / "file" / "runs"), REQUEST, lambda event: None)
        with pytest.raises(UsageError):
            launch(engine, RunStore(tmp_path), RunRequest("c-trace", {"flags": []}), lambda event: None)
    assert not (tmp_path / "file" / "runs").exists()
