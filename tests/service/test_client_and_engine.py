"""The client with the real engine: images, kernels that can't be interrupted, workers that die."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the worker computes with torch")
from braggtrace.errors import EngineError
from braggtrace.service.client import Engine, EngineState, Event
from braggtrace.service.protocol import image_of
from tests.conftest import Cli
from tests.service.talk import CELL, EXPERIMENT, gone, promptly, slow_experiment, stubborn_experiment, until


@pytest.fixture(scope="module")
def seen() -> list[EngineState]:
    """What the engine has said about itself."""
    return []


@pytest.fixture(scope="module")
def engine(seen: list[EngineState]) -> Iterator[Engine]:
    """One engine for all tests."""
    with Engine(on_state=seen.append) as engine:
        yield engine


def progressed(events: list[Event]) -> bool:
    """Whether the computing has begun."""
    return any(event.kind == "progress" for event in events)


def test_image_is_what_the_verb_writes(engine: Engine, cli: Cli, tmp_path: Path) -> None:
    """The same pixels, bit for bit; the statistics are the image's."""
    result = engine.call("simulate", {**EXPERIMENT, "compile": "off"}, 60)
    assert cli("simulate", *EXPERIMENT["flags"], "-nonoise", "-nopgm").returncode == 0
    image = image_of(result)
    np.testing.assert_array_equal(image, np.fromfile(tmp_path / "floatimage.bin", "<f4").reshape(64, 64))
    assert result["statistics"]["maximum"] == image.max()
    assert tuple(result["statistics"]["max_index"]) == np.unravel_index(image.argmax(), image.shape)
    assert result["timing"]["run_s"] > 0


def test_a_big_image_comes_in_pieces(engine: Engine) -> None:
    """No line is longer than lines may be."""
    fields = {"flags": f"{CELL} -detpixels 1500 -oversample 1".split(), "dtype": "float32"}
    result = engine.call("simulate", fields, 120)
    assert image_of(result).shape == (1500, 1500)
    assert len(result["image"]) > 4 << 20


def test_cancel_in_the_middle_of_a_kernel(engine: Engine, seen: list[EngineState]) -> None:
    """Also there it ends: the worker is replaced, and the next request is answered by the new one."""
    for _ in range(2):
        worker = engine.call("hello", {}, 60)["worker_pid"]
        ticket = engine.request("simulate", stubborn_experiment(), lambda event: None)
        until(lambda: engine.state.kind == "busy")
        time.sleep(1.0)
        os.kill(worker, signal.SIGSTOP)  # nothing reacts less than this
        ticket.cancel()
        with pytest.raises(EngineError) as caught:
            ticket.wait(10)
        assert caught.value.code == "cancelled"
        assert engine.call("trace", {**EXPERIMENT, "pixels": [[1, 1]]}, 60)["pixels"] == 1
        assert gone(worker)
    assert any("starting again" in state.sentence for state in seen)


def test_a_worker_that_is_killed(engine: Engine) -> None:
    """The request fails in words, the engine starts again by itself, nothing has to be reconnected."""
    events: list[Event] = []
    worker = engine.call("hello", {}, 60)["worker_pid"]
    ticket = engine.request("simulate", slow_experiment(), events.append)
    until(lambda: progressed(events))
    os.kill(worker, signal.SIGKILL)
    with pytest.raises(EngineError) as caught:
        ticket.wait(5)
    assert caught.value.code == "died"
    assert "SIGKILL" in caught.value.sentence
    until(lambda: engine.state.kind == "starting", 5)
    assert engine.call("trace", {**EXPERIMENT, "pixels": [[1, 1]]}, 60)["pixels"] == 1
    until(lambda: engine.state.kind == "ready", 5)


def test_an_engine_that_is_killed() -> None:
    """Lost, in words; the worker is gone with it; one can reconnect."""
    with Engine() as engine:
        hello = engine.call("hello", {}, 60)
        events: list[Event] = []
        ticket = engine.request("simulate", slow_experiment(), events.append)
        until(lambda: progressed(events))
        os.kill(hello["pid"], signal.SIGKILL)
        with pytest.raises(EngineError) as caught:
            ticket.wait(5)
        assert caught.value.code == "lost"
        assert engine.state.kind == "lost"
        until(lambda: gone(hello["worker_pid"]), 2)
        engine.reconnect()
        assert engine.call("trace", {**EXPERIMENT, "pixels": [[1, 1]]}, 60)["pixels"] == 1


def test_closing_waits_for_nothing() -> None:
    """Also in the middle of a kernel; nothing is left."""
    with Engine() as engine:
        hello = engine.call("hello", {}, 60)
        ticket = engine.request("simulate", stubborn_experiment(), lambda event: None)
        until(lambda: engine.state.kind == "busy")
        time.sleep(0.5)
        with promptly():
            engine.close()
        until(lambda: gone(hello["pid"]) and gone(hello["worker_pid"]), 1)
        assert ticket.done


def test_closing_while_it_starts() -> None:
    """An engine that has not even said hello is closed as fast."""
    for pause in (0.0, 0.05, 0.3):
        engine = Engine()
        engine.start()
        time.sleep(pause)
        with promptly():
            engine.close()


def test_many_cancels_at_any_moment(engine: Engine) -> None:
    """Wherever a cancel hits, the request ends as cancelled or done, and the engine goes on."""
    fields = {**EXPERIMENT, "rois": [[0, 31, 0, 31]]}
    ends: list[object] = []
    for pause in np.linspace(0.0, 0.2, 30):
        ticket = engine.request("trace", fields, lambda event: None)
        time.sleep(pause)
        ticket.cancel()
        try:
            ends.append(len(ticket.wait(10)["main"]) > 0)
        except EngineError as error:
            ends.append(error.code)
    assert set(ends) <= {True, "cancelled"}
    assert "cancelled" in ends
    result = engine.call("trace", fields, 60)
    assert result["main"].count("I_pixel_final") == 32 * 32


def test_traces_agree_with_golden(engine: Engine, golden: Path, tmp_path: Path) -> None:
    """A real experiment, warm: every number of the C program's trace, within rounding."""
    import json

    from braggtrace.compare.judge import compare
    from braggtrace.compare.options import Options
    from braggtrace.trace.reader import read_trace

    case = json.loads((golden / "beamline-roi-legacy" / "case.json").read_text())
    fields = {"flags": case["flags"], "folder": str(golden), "pixels": [[1639, 966]], "quirks": {"cache-reuse": False}}
    engine.call("trace", fields, 60)
    result = engine.call("trace", fields, 60)
    (tmp_path / "trace.log").write_text(result["main"])
    (tmp_path / "trace_per_phi.log").write_text(result["per_phi"])
    reference = read_trace(str(golden / "beamline-roi-legacy" / "trace.log"))
    comparison = compare(reference, read_trace(str(tmp_path / "trace.log")), Options(pixels=((1639, 966),)))
    assert comparison.counts.compared > 250
    assert comparison.counts.diverge == 0
