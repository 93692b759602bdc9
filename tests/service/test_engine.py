"""The engine as its clients meet it: one conversation that nothing can end, a worker that can die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the worker computes with torch")
from braggtrace.compare.judge import compare
from braggtrace.runs.recorded import recorded_in
from braggtrace.service.client import LOCAL_COMMAND
from braggtrace.service.protocol import MAX_LINE
from braggtrace.trace.reader import read_trace
from tests.conftest import Cli
from tests.service.talk import CELL, EXPERIMENT, Talk, children, gone, slow_experiment, talking, until

BAD_LINES = [
    b"make me a sandwich",
    b"\x00\x01\xff",
    b"{" * 20_000,
    b"[1,2]",
    b'{"v":2,"id":"x","do":"hello"}',
    b'{"v":1,"id":"x","do":"dance"}',
    b'{"v":1,"id":"x","do":"trace","flags":7}',
    b'{"v":1,"id":"x","do":"cancel","target":["a"]}',
    b'{"v":1,"id":"x","do":"put","hash":"../../etc/passwd","offset":0,"total":1,"data":"YQ=="}',
    b"x" * (MAX_LINE + 1),
]


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    """One conversation for many tests: whatever one of them does, the next one is answered."""
    folder = tmp_path_factory.mktemp("engine")
    with talking(cwd=folder, env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}) as talk:
        yield talk


def test_hello_says_what_there_is(talk: Talk) -> None:
    """Versions, devices with a reason where one can't be used, profiles, quirks."""
    hello = talk.ask("hello")
    assert hello["event"] == "result"
    assert hello["protocol"] == 1
    devices = {device["name"]: device for device in hello["devices"]}
    assert devices["cpu"]["available"]
    assert devices["cpu"]["memory_bytes"] > 0
    assert devices["cuda"]["available"] or devices["cuda"]["why"]
    assert {"legacy", "spec"} <= {profile["name"] for profile in hello["profiles"]}
    assert hello["phi_modes"] == ["c-parity", "spec"]
    assert hello["pid"] == talk.process.pid
    assert hello["worker_pid"] in children(talk.process.pid)


def test_explain_is_what_the_verb_prints(talk: Talk, cli: Cli) -> None:
    """The same text as --explain; values with units and origins besides."""
    flags = [*EXPERIMENT["flags"], "-misset_seed", "1"]
    reply = talk.ask("explain", flags=flags)
    printed = cli("simulate", "--explain", *flags)
    assert reply["text"].splitlines() == printed.stdout.splitlines()
    values = {value["name"]: value for value in reply["values"]}
    assert values["distance_mm"] == {
        "part": "detector",
        "name": "distance_mm",
        "value": "100",
        "unit": "mm",
        "origin": "-distance (word 14)",
    }
    assert reply["shape"] == [64, 64]
    assert reply["iterations"] >= 1


def test_trace_is_what_the_verb_writes(talk: Talk, cli: Cli, tmp_path: Path) -> None:
    """Both files, apart from the folder in the comment; it can be compared, and it says what made it."""
    fields = {**EXPERIMENT, "folder": str(tmp_path), "pixels": [[10, 20]], "rois": [[5, 6, 7, 8]], "rot_stars": True}
    talk.say({"id": "t", "do": "trace", **fields})
    texts = {"main": "", "per_phi": ""}
    while (message := talk.line())["event"] in ("part", "progress", "state"):
        if message["event"] == "part":
            texts[message["field"]] += message["text"]
    assert message["event"] == "result", message
    assert message["pixels"] == 5
    options = ["--pixel", "10", "20", "--roi", "5", "6", "7", "8", "--emit-rot-stars", "--out", "verb.log"]
    assert cli("trace", *options, "--", *EXPERIMENT["flags"]).returncode == 0
    assert texts["main"] == (tmp_path / "verb.log").read_text()
    assert texts["per_phi"] == (tmp_path / "verb_per_phi.log").read_text()
    served = tmp_path / "served.log"
    served.write_text(texts["main"])
    recorded = recorded_in(read_trace(served))
    assert recorded is not None
    assert (list(recorded.flags), recorded.profile, recorded.phi_mode) == (EXPERIMENT["flags"], "legacy", "c-parity")
    assert compare(read_trace(served), read_trace(tmp_path / "verb.log")).counts.diverge == 0


@pytest.mark.parametrize("line", BAD_LINES, ids=range(len(BAD_LINES)))
def test_one_bad_line_ends_nothing(talk: Talk, line: bytes) -> None:
    """It is answered with an error, and so is the next good one with a result."""
    talk.say(line)
    while (message := talk.line())["event"] == "state":
        pass
    assert message["event"] == "error"
    assert message["id"] in ("x", None)
    assert talk.ask("hello")["event"] == "result"


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"flags": ["-mat", "absent.mat", "-lambda", "1"]}, "input", "absent.mat: no such file"),
        ({"flags": ["-mat", "a\0b", "-lambda", "1"]}, "usage", "a list of words"),
        ({"flags": ["@absent.txt"]}, "input", "absent.txt"),
        ({"flags": []}, "usage", "cell"),
        ({**EXPERIMENT, "profile": "baroque"}, "usage", "unknown profile"),
        ({**EXPERIMENT, "quirks": {"baroque": True}}, "usage", "unknown quirk"),
        ({**EXPERIMENT, "c_threads": 0}, "usage", "at least 1"),
        ({**EXPERIMENT, "pixels": [[64, 0]]}, "usage", "no such pixel"),
        ({**EXPERIMENT, "pixels": []}, "usage", "no pixel is given"),
        ({**EXPERIMENT, "rois": [[0, 64, 0, 0]]}, "usage", "no such region"),
        ({**EXPERIMENT, "rois": [[0, 1, -1, 1]]}, "usage", "no such region"),
        ({**EXPERIMENT, "device": "abacus"}, "device", "unknown device"),
        ({**EXPERIMENT, "device": "meta"}, "device", "unknown device"),
        ({**EXPERIMENT, "dtype": "int8"}, "device", "unknown dtype"),
        ({**EXPERIMENT, "files": {"A.mat": "0" * 64}}, "absent", "A.mat: its contents are not in"),
        ({"flags": f"{CELL} -detpixels 30000".split(), "rois": [[0, 29999, 0, 29999]]}, "too-big", "900000001 pixels"),
        ({"flags": [*EXPERIMENT["flags"], "-mat", "A.mat"], "files": {}}, "input", "A.mat: no such file"),
    ],
)
def test_trouble_has_a_code_and_a_sentence(talk: Talk, fields: dict[str, object], code: str, words: str) -> None:
    """Whatever is wrong with an experiment, it is said in words, and no file elsewhere is read."""
    reply = talk.ask("trace", **{"pixels": [[1, 1]], **fields})
    assert (reply["event"], reply["code"]) == ("error", code), reply
    assert words in reply["sentence"]
    assert "Traceback" not in reply["sentence"]


def test_too_big_an_image(talk: Talk) -> None:
    """An image that fits nowhere is refused."""
    reply = talk.ask("simulate", flags=f"{CELL} -detpixels 200000".split())
    assert (reply["event"], reply["code"]) == ("error", "too-big")


def test_a_bug_is_reported_with_its_traceback(talk: Talk) -> None:
    """What nobody thought of ends the request, not the engine."""
    folder = "/" + "x" * 5000
    reply = talk.ask("explain", **EXPERIMENT | {"folder": folder, "flags": ["-mat", "A.mat", "-lambda", "1"]})
    assert reply["event"] == "error"
    assert talk.ask("hello")["event"] == "result"


def test_edited_files_are_read_again(talk: Talk, tmp_path: Path) -> None:
    """What is kept warm follows from the contents of files, not from their names."""
    matrix = tmp_path / "A.mat"
    flags = ["-mat", "A.mat", "-lambda", "1", "-detpixels", "16", "-default_F", "1", "-N", "3"]

    def cell() -> str:
        reply = talk.ask("explain", flags=flags, folder=str(tmp_path))
        return next(str(value["value"]) for value in reply["values"] if value["name"] == "V_cell_A3")

    matrix.write_text("0.01 0 0\n0 0.01 0\n0 0 0.01\n")
    first = cell()
    assert cell() == first
    matrix.write_text("0.02 0 0\n0 0.02 0\n0 0 0.02\n")
    assert cell() != first


def test_chance_is_not_kept(talk: Talk) -> None:
    """A random orientation without a seed is another one in the next second."""
    flags = [*EXPERIMENT["flags"], "-misset", "random"]

    def orientation() -> str:
        reply = talk.ask("explain", flags=flags)
        return next(str(value["value"]) for value in reply["values"] if value["name"] == "cell_a_vec_angstroms")

    first = orientation()
    until(lambda: orientation() != first, 5)


def test_an_id_is_busy_until_its_request_ends(talk: Talk) -> None:
    """The same id twice is refused, without ending the first."""
    talk.say({"id": "slow", "do": "simulate", **slow_experiment()})
    talk.say({"id": "slow", "do": "explain", **EXPERIMENT})
    reply = talk.end_of(None)
    assert reply["code"] == "protocol"
    assert "'slow'" in reply["sentence"]
    talk.say({"id": "stop", "do": "cancel", "target": "slow"})
    assert talk.end_of("slow")["code"] == "cancelled"


def test_quick_things_are_answered_beside_a_run(talk: Talk) -> None:
    """hello, explain and the file verbs don't wait; a trace waits its turn."""
    talk.say({"id": "slow", "do": "simulate", **slow_experiment()})
    talk.say({"id": "next", "do": "trace", **EXPERIMENT, "pixels": [[1, 1]]})
    assert talk.ask("hello")["event"] == "result"
    assert talk.ask("explain", **EXPERIMENT)["event"] == "result"
    assert talk.ask("inputs", flags=["-mat", "A.mat", "-hkl", "P1.hkl"])["paths"] == ["A.mat", "P1.hkl"]
    assert talk.ask("have", hashes=["0" * 64])["missing"] == ["0" * 64]
    talk.say({"id": "stop", "do": "cancel", "target": "slow"})
    assert talk.end_of("slow")["code"] == "cancelled"
    assert talk.end_of("next")["event"] == "result"


def test_cancel_between_steps_keeps_the_worker(tmp_path: Path) -> None:
    """What is warm stays warm, as long as a step takes less than the engine waits for it."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'braggtrace.service' in sys.orig_argv:\n"
        "    import braggtrace.service.server as server\n"
        "    server._CANCEL_S = 20.0\n"
    )
    with talking(cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}) as talk:
        worker = talk.ask("hello")["worker_pid"]
        talk.say({"id": "slow", "do": "simulate", **slow_experiment()})
        while talk.line().get("event") != "progress":
            pass
        talk.say({"id": "stop", "do": "cancel", "target": "slow"})
        assert talk.end_of("slow")["code"] == "cancelled"
        assert talk.ask("hello")["worker_pid"] == worker


def test_cancel_of_what_waits_or_is_over(talk: Talk) -> None:
    """A request in the queue ends at once; one that is unknown is not found."""
    talk.say({"id": "slow", "do": "simulate", **slow_experiment()})
    talk.say({"id": "next", "do": "trace", **EXPERIMENT, "pixels": [[1, 1]]})
    talk.say({"id": "one", "do": "cancel", "target": "next"})
    assert talk.end_of("one")["found"] is True
    assert talk.end_of("next")["code"] == "cancelled"
    assert talk.ask("cancel", target="nothing")["found"] is False
    talk.say({"id": "two", "do": "cancel", "target": "slow"})
    assert talk.end_of("slow")["code"] == "cancelled"


def test_a_killed_worker_is_replaced(talk: Talk) -> None:
    """Its request ends with "died", the next one is answered by another worker."""
    worker = talk.ask("hello")["worker_pid"]
    talk.say({"id": "slow", "do": "simulate", **slow_experiment()})
    while talk.line().get("event") != "progress":
        pass
    os.kill(worker, signal.SIGKILL)
    reply = talk.end_of("slow")
    assert (reply["event"], reply["code"]) == ("error", "died")
    assert "SIGKILL" in reply["sentence"]
    assert talk.ask("trace", **EXPERIMENT, pixels=[[1, 1]])["event"] == "result"
    assert talk.ask("hello")["worker_pid"] != worker


@pytest.mark.parametrize("how", ["stdin", "kill"])
def test_no_process_is_left_behind(how: str) -> None:
    """At the end of stdin, or when the engine is killed, the worker ends, too: at once, in the middle of a run."""
    with talking() as talk:
        worker = talk.ask("hello")["worker_pid"]
        talk.say({"id": "slow", "do": "simulate", **slow_experiment()})
        while talk.line().get("event") != "progress":
            pass
        if how == "stdin":
            assert talk.process.stdin is not None
            talk.process.stdin.close()
        else:
            talk.process.kill()
        talk.process.wait(5)
        until(lambda: gone(worker), 10)


def test_the_verb_is_the_engine(cli: Cli, tmp_path: Path) -> None:
    """`braggtrace engine` speaks the protocol, and its cache is where it is told to be."""
    line = json.dumps({"v": 1, "id": "a", "do": "put", "hash": "0" * 64, "offset": 0, "total": 9, "data": "YQ=="})
    with subprocess.Popen(["true"]) as _:
        run = cli("engine", "--cache", tmp_path / "here", input=f"{line}\n")
    assert run.returncode == 0, run.stderr
    assert '"state":"starting"' in run.stdout
    assert cli("engine", "--cache-limit", "-1", input="").returncode == 2


def test_nobody_listens(tmp_path: Path) -> None:
    """An engine whose output is closed ends by itself."""
    process = subprocess.Popen(LOCAL_COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stdin is not None
        process.stdin.write(b'{"v":1,"id":"a","do":"hello"}\n')
        process.stdin.flush()
        assert process.wait(20) == 0
