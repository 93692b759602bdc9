"""An engine on another machine: its files come by content, over a real ssh or a shell."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the worker computes with torch")
from braggtrace.errors import EngineError
from braggtrace.service.client import LOCAL_COMMAND, Engine, Event
from tests.service.sshd import Sshd, sshd
from tests.service.talk import children, fake_engine, gone, promptly, slow_experiment, until

__all__ = ["sshd"]

MATRIX = "0.01 0 0\n0 0.012 0\n0 0 0.014\n"
GEOMETRY = "-lambda 1 -distance 100 -detpixels 32 -N 3 -misset_seed 1"
FLAGS = ["-mat", "A.mat", "-hkl", "P1.hkl", *GEOMETRY.split()]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with an experiment, which the engine doesn't know."""
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "A.mat").write_text(MATRIX)
    rows = [f"{h} {k} {m} {100 + h + k + m}" for h in range(-3, 4) for k in range(-3, 4) for m in range(-3, 4)]
    (folder / "P1.hkl").write_text("\n".join(rows) + "\n")
    return folder


def elsewhere(tmp_path: Path) -> str:
    """A shell that starts an engine in another folder, with a cache of its own."""
    folder = tmp_path / "elsewhere"
    folder.mkdir(exist_ok=True)
    cache = shlex.quote(str(tmp_path / "cache"))
    return f"cd {shlex.quote(str(folder))}; XDG_CACHE_HOME={cache} {shlex.join(LOCAL_COMMAND)}"


def cached(tmp_path: Path) -> set[str]:
    """The contents in the cache."""
    folder = tmp_path / "cache" / "braggtrace" / "inputs"
    return {path.name for path in folder.iterdir() if not path.is_symlink()} if folder.exists() else set()


def sha(path: Path) -> str:
    """The name of a file's contents."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_files_are_sent_by_content(tmp_path: Path, data: Path) -> None:
    """The result is that of an engine here; files are sent once, and again when they have changed."""
    fields = {"flags": FLAGS, "folder": str(data), "pixels": [[10, 11]]}
    with Engine() as here:
        expected = here.call("trace", fields, 60)
    events: list[Event] = []
    with Engine(["sh", "-c", elsewhere(tmp_path)]) as engine:
        result = engine.request("trace", fields, events.append).wait(60)
        assert result["main"] == expected["main"]
        assert result["per_phi"] == expected["per_phi"]
        assert {event.fields["unit"] for event in events if event.kind == "progress"} >= {"bytes"}
        assert cached(tmp_path) == {sha(data / "A.mat"), sha(data / "P1.hkl")}
        events.clear()
        engine.request("trace", fields, events.append).wait(60)
        assert "bytes" not in {event.fields.get("unit") for event in events}
        (data / "A.mat").write_text(MATRIX.replace("0.014", "0.015"))
        assert engine.call("trace", fields, 60)["main"] != result["main"]
        assert len(cached(tmp_path)) == 3
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_argument_files_and_caches_of_reflections_are_ours(tmp_path: Path, data: Path) -> None:
    """`@file` is read here, and so is the Fdump.bin that the C program would reuse."""
    (data / "flags.txt").write_text(" ".join(FLAGS))
    subprocess.run(
        [sys.executable, "-P", "-m", "braggtrace_tui", "simulate", *FLAGS, "-nonoise", "-nopgm"],
        cwd=data, check=True, capture_output=True,
    )  # fmt: skip
    assert (data / "Fdump.bin").exists()
    without = [word for word in FLAGS if word not in ("-hkl", "P1.hkl")]
    with Engine(["sh", "-c", elsewhere(tmp_path)]) as engine:
        by_file = engine.call("explain", {"flags": ["@flags.txt"], "folder": str(data)}, 60)
        assert by_file["text"] == engine.call("explain", {"flags": FLAGS, "folder": str(data)}, 60)["text"]
        reused = engine.call("explain", {"flags": without, "folder": str(data)}, 60)
        assert any("structure factors are read from Fdump.bin" in warning for warning in reused["warnings"])


def test_names_in_messages_are_ours(tmp_path: Path, data: Path) -> None:
    """A file that is missing or damaged is called what we call it."""
    (data / "bad.mtz").write_bytes(b"no reflections at all")
    with Engine(["sh", "-c", elsewhere(tmp_path)]) as engine:
        for flags, words in (
            (["-mat", "absent.mat", "-lambda", "1"], "absent.mat: no such file"),
            (["-mat", "A.mat", "-hkl", "bad.mtz", "-lambda", "1"], "bad.mtz: "),
            (["@absent.txt"], "absent.txt: can't read flags"),
            (["-mat", str(data), "-lambda", "1"], f"{data}: no such file"),
        ):
            with pytest.raises(EngineError) as caught:
                engine.call("explain", {"flags": flags, "folder": str(data)}, 60)
            assert caught.value.code == "input"
            assert caught.value.sentence.startswith(words)
            assert "inputs/" not in caught.value.sentence
        assert engine.state.kind == "ready"


def test_what_the_cache_has_dropped_is_sent_again(tmp_path: Path, data: Path) -> None:
    """Somebody empties the cache while the engine runs; nobody notices."""
    fields = {"flags": FLAGS, "folder": str(data), "pixels": [[10, 11]]}
    with Engine(["sh", "-c", elsewhere(tmp_path)]) as engine:
        first = engine.call("trace", fields, 60)
        for path in (tmp_path / "cache" / "braggtrace" / "inputs").iterdir():
            path.unlink()
        assert engine.call("trace", fields, 60)["main"] == first["main"]
        assert len(cached(tmp_path)) == 2


def test_cancel_while_files_are_sent(tmp_path: Path, data: Path) -> None:
    """A slow link holds nobody up."""
    (data / "P1.hkl").write_text("1 1 1 1\n" * 500_000)
    code = """
        hello()
        while True:
            request = heard()
            if request["do"] == "inputs":
                reply(request["id"], "result", paths=["P1.hkl"], optional=[])
            elif request["do"] == "have":
                reply(request["id"], "result", missing=request["hashes"])
            else:
                time.sleep(60)
    """
    with Engine(fake_engine(tmp_path, code)) as engine:
        events: list[Event] = []
        ticket = engine.request("trace", {"flags": FLAGS, "folder": str(data)}, events.append)
        until(lambda: events)
        ticket.cancel()
        with pytest.raises(EngineError) as caught:
            ticket.wait(10)
        assert caught.value.code == "cancelled"
        with promptly():
            engine.close()


def test_a_file_that_changes_while_it_is_sent(tmp_path: Path, data: Path) -> None:
    """The engine checks what has come; nothing wrong is computed."""
    with Engine(["sh", "-c", elsewhere(tmp_path)]) as engine:
        until(lambda: engine.state.kind == "ready", 60)
        transfer = engine._connection.transfer
        assert transfer is not None
        path = data / "A.mat"
        status = path.stat()
        transfer._hashes[path] = ((status.st_mtime_ns, status.st_size, status.st_ino), "0" * 64)
        with pytest.raises(EngineError, match="changed while it was sent") as caught:
            engine.call("trace", {"flags": FLAGS, "folder": str(data), "pixels": [[1, 1]]}, 60)
        assert caught.value.code == "input"


def test_over_a_real_ssh(tmp_path: Path, data: Path, sshd: Sshd) -> None:
    """Everything at once: files, a trace, an image, a cancel, all as here; given as one line, as a user does."""
    command = shlex.join([*sshd.command, elsewhere(tmp_path)])
    fields = {"flags": FLAGS, "folder": str(data), "pixels": [[10, 11]]}
    with Engine() as here:
        expected = here.call("trace", fields, 60)
        image = here.call("simulate", {"flags": FLAGS, "folder": str(data)}, 60)
    with Engine(command, name="gpubox") as engine:
        result = engine.call("trace", fields, 60)
        assert result["main"] == expected["main"]
        assert engine.state.sentence.startswith("gpubox: ready on ")
        assert engine.call("simulate", {"flags": FLAGS, "folder": str(data)}, 60)["image"] == image["image"]
        events: list[Event] = []
        ticket = engine.request("simulate", slow_experiment(), events.append)
        until(lambda: any(event.fields.get("unit") == "pixels" for event in events))
        ticket.cancel()
        with pytest.raises(EngineError, match="cancelled"):
            ticket.wait(10)
    assert cached(tmp_path) == {sha(data / "A.mat"), sha(data / "P1.hkl")}


def test_a_lost_connection(tmp_path: Path, data: Path, sshd: Sshd) -> None:
    """A clear sentence, nothing left running there, and reconnecting is enough."""
    fields = {"flags": FLAGS, "folder": str(data), "pixels": [[10, 11]]}
    with Engine([*sshd.command, elsewhere(tmp_path)], name="gpubox") as engine:
        hello = engine.call("hello", {}, 60)
        events: list[Event] = []
        ticket = engine.request("simulate", slow_experiment(), events.append)
        until(lambda: any(event.kind == "progress" for event in events))
        for session in children(sshd.pid):
            os.kill(session, 9)
        with pytest.raises(EngineError) as caught:
            ticket.wait(10)
        assert caught.value.code == "lost"
        assert engine.state.kind == "lost"
        assert "gpubox: the engine is gone" in engine.state.sentence
        assert "127.0.0.1" in engine.state.sentence  # what ssh says
        until(lambda: gone(hello["pid"]) and gone(hello["worker_pid"]), 5)
        engine.reconnect()
        assert engine.call("trace", fields, 60)["pixels"] == 1


def test_a_key_that_is_not_accepted(tmp_path: Path, sshd: Sshd) -> None:
    """No password is asked for on our terminal; what ssh says is the sentence."""
    (tmp_path / "ssh" / "authorized").write_text("")
    with Engine([*sshd.command, elsewhere(tmp_path)]) as engine:
        with pytest.raises(EngineError, match="Permission denied"):
            engine.call("hello", {}, 30)
        assert engine.state.kind == "lost"


def test_no_braggtrace_over_there(sshd: Sshd) -> None:
    """A machine without the program says so."""
    with Engine([*sshd.command, "no-such-braggtrace engine"]) as engine, pytest.raises(EngineError, match="not found"):
        engine.call("hello", {}, 30)
