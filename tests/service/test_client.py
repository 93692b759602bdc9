"""The client and engines that misbehave: whatever they do, whoever asked gets an answer, in words."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from braggtrace.errors import EngineError
from braggtrace.service.client import Engine, EngineState, Event
from tests.service.talk import fake_engine, gone, promptly, until

WORDS = {"flags": ["-N", "5"]}


def states(engine: Engine) -> list[EngineState]:
    """What an engine says about itself from now on."""
    seen: list[EngineState] = []
    engine._on_state = seen.append
    return seen


def local(command: list[str]) -> Engine:
    """An engine that shares our files, whatever its command is."""
    engine = Engine(command, name="fake")
    engine.remote = False
    return engine


def test_result_progress_and_parts(tmp_path: Path) -> None:
    """Progress comes as it is told; pieces are joined, text and bytes; what was printed comes with the end."""
    code = """
        hello()
        id = heard()["id"]
        reply(id, "progress", fraction=0.5, rate=10, unit="pixels")
        reply(id, "part", field="main", text="one ")
        reply(id, "log", text="a library says \\x1b[31mhello\\n")
        reply(id, "part", field="image", data="AAE=")
        reply(id, "part", field="main", text="two")
        reply(id, "part", field="image", data="Ag==")
        reply(id, "result", pixels=1)
        heard()
    """
    events: list[Event] = []
    with local(fake_engine(tmp_path, code)) as engine:
        result = engine.request("trace", WORDS, events.append).wait(10)
    assert result["main"] == "one two"
    assert result["image"] == b"\0\1\2"
    assert result["log"] == "a library says ␛[31mhello\n"
    assert [event.kind for event in events] == ["progress", "result"]
    assert events[0].fields["fraction"] == 0.5
    assert events[1].fields == result


def test_states_in_order(tmp_path: Path) -> None:
    """Starting, ready, busy with something, ready, lost, starting again, closed; hello is remembered."""
    code = """
        say({"event": "state", "state": "starting", "sentence": "loading PyTorch"})
        hello(torch="2.9")
        reply(heard()["id"], "result")
        reply(heard()["id"], "result")
    """
    engine = local(fake_engine(tmp_path, code))
    seen = states(engine)
    assert engine.state.kind == "closed"
    engine.start()
    engine.call("trace", WORDS, 10)
    engine.call("explain", WORDS, 10)
    until(lambda: engine.state.kind == "lost")
    assert engine.state.hello is not None
    assert engine.state.hello["torch"] == "2.9"
    engine.reconnect()
    until(lambda: engine.state.kind == "ready")
    engine.close()
    engine.close()
    kinds = [state.kind for state in seen]
    assert kinds == [
        "starting",
        "starting",
        "ready",
        "busy",
        "ready",
        "lost",
        "starting",
        "starting",
        "ready",
        "closed",
    ]
    assert "loading PyTorch" in seen[1].sentence
    assert "busy with trace" in seen[3].sentence
    assert "exit status 0" in seen[5].sentence


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[1, 2]", "no message"),
        ("{not json", "no reply"),
        ('{"id": "ID", "event": "part", "data": "%%%"}', "no reply"),
        ('{"id": "ID", "event": "error"}', "no reply"),
        ('{"id": ["ID"], "event": "result"}', "no reply"),
        ('{"event": "result"}', "no reply"),
        ('{"id": null, "event": "error", "code": "protocol", "sentence": "no JSON"}', "no JSON"),
        ("\\x1b]0;owned\\x07 " + "x" * 500, "no reply"),
    ],
)
def test_a_malformed_reply_ends_the_connection(tmp_path: Path, line: str, words: str) -> None:
    """Who waits is told at once, what came is shown without its control characters, and one can reconnect."""
    engine = local(
        fake_engine(
            tmp_path, f"hello()\nid = heard()['id']\nprint('''{line}'''.replace('ID', id), flush=True)\nheard()"
        )
    )
    with engine:
        with pytest.raises(EngineError) as caught:
            engine.call("trace", WORDS, 10)
        assert caught.value.code == "protocol"
        assert words in caught.value.sentence
        assert "\x1b" not in engine.state.sentence
        assert engine.state.kind == "lost"
        engine.reconnect()
        until(lambda: engine.state.kind == "ready")


def test_a_line_without_end(tmp_path: Path) -> None:
    """An engine that never ends its line is lost before it fills the memory."""
    with local(fake_engine(tmp_path, "hello()\nheard()\nwhile True: sys.stdout.write('x' * 65536)")) as engine:
        with pytest.raises(EngineError, match="a line without end"):
            engine.call("trace", WORDS, 20)
        assert engine.state.kind == "lost"


def test_a_login_shell_may_greet(tmp_path: Path) -> None:
    """What is printed before the first reply is skipped."""
    code = """
        print("Last login: yesterday")
        print("[motd] 5 updates")
        hello()
        reply(heard()["id"], "result", ok=1)
        heard()
    """
    with local(fake_engine(tmp_path, code)) as engine:
        assert engine.call("explain", WORDS, 10)["ok"] == 1


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["/no/such/program"], "can't start /no/such/program: No such file"),
        (
            ["sh", "-c", "echo 'ssh: Could not resolve hostname gpubox' >&2; exit 255"],
            "exit status 255: ssh: Could not",
        ),
        (["sh", "-c", "printf 'no newline' >&2; exit 3"], "exit status 3: no newline"),
        (["sh", "-c", "kill -9 $$"], "SIGKILL"),
        (["true"], "exit status 0"),
        ([os.devnull], "can't start"),
    ],
)
def test_an_engine_that_does_not_start(command: list[str], words: str) -> None:
    """Lost, with the last words of the program."""
    with Engine(command) as engine:
        with pytest.raises(EngineError) as caught:
            engine.call("trace", WORDS, 10)
        assert caught.value.code == "lost"
        assert words in caught.value.sentence
        assert engine.state.kind == "lost"


def test_a_command_is_words_for_a_shell(tmp_path: Path) -> None:
    """One line is taken apart as a shell would; an empty one is refused."""
    assert Engine("ssh -p 22 'gpu box' braggtrace engine").command == (
        "ssh",
        "-p",
        "22",
        "gpu box",
        "braggtrace",
        "engine",
    )
    assert Engine("x").remote
    assert not Engine().remote
    for command in ("", "  ", "ssh 'unclosed"):
        with pytest.raises(EngineError):
            Engine(command)


@pytest.mark.parametrize(
    ("answer", "words"), [({"protocol": 2}, "speaks protocol 2, we speak 1"), ({"protocol": None}, "None")]
)
def test_another_protocol_is_refused(tmp_path: Path, answer: dict[str, object], words: str) -> None:
    """In a sentence that says what to do, whichever side is newer."""
    with local(fake_engine(tmp_path, f"hello(**{answer})\nheard()")) as engine:
        with pytest.raises(EngineError, match="install the same braggtrace") as caught:
            engine.call("trace", WORDS, 10)
        assert words in caught.value.sentence
        assert caught.value.code == "protocol"


def test_an_engine_that_refuses_our_version(tmp_path: Path) -> None:
    """It says so, and that is what we say."""
    code = "reply(heard()['id'], 'error', code='protocol', sentence='this engine speaks protocol 7')\nheard()"
    with local(fake_engine(tmp_path, code)) as engine, pytest.raises(EngineError, match="speaks protocol 7"):
        engine.call("trace", WORDS, 10)


def test_lost_in_the_middle(tmp_path: Path) -> None:
    """Everybody who waits is told; what is asked afterwards is answered at once; reconnecting helps."""
    flag = tmp_path / "second"
    code = f"""
        hello()
        first = heard()
        if not os.path.exists({str(flag)!r}):
            open({str(flag)!r}, "w").close()
            heard()
            print("Connection to gpubox closed by remote host.", file=sys.stderr, flush=True)
            os._exit(255)
        reply(first["id"], "result", ok=1)
        heard()
    """
    with local(fake_engine(tmp_path, code)) as engine:
        tickets = [engine.request(do, WORDS, lambda event: None) for do in ("trace", "explain")]
        for ticket in tickets:
            with pytest.raises(EngineError, match="closed by remote host") as caught:
                ticket.wait(10)
            assert caught.value.code == "lost"
        with promptly(), pytest.raises(EngineError):
            engine.call("trace", WORDS, 60)
        engine.reconnect()
        assert engine.call("trace", WORDS, 10)["ok"] == 1


def test_what_is_asked_before_the_start_is_answered_after_it(tmp_path: Path) -> None:
    """Requests wait in order until the engine is ready; asking takes no time."""
    code = "time.sleep(0.5)\nhello()\nfor n in (1, 2, 3): reply(heard()['id'], 'result', n=n)\nheard()"
    with local(fake_engine(tmp_path, code)) as engine:
        tickets = [engine.request("trace", WORDS, lambda event: None) for _ in range(3)]
        assert engine.state.kind == "starting"
        assert [ticket.wait(10)["n"] for ticket in tickets] == [1, 2, 3]


def test_a_slow_link(tmp_path: Path) -> None:
    """Bytes that come one by one, in the middle of a character too, are lines in the end."""
    code = """
        hello()
        id = heard()["id"]
        for byte in json.dumps({"id": id, "event": "result", "text": "µm"}, ensure_ascii=False).encode() + b"\\n":
            os.write(1, bytes([byte]))
            time.sleep(0.005)
        heard()
    """
    with local(fake_engine(tmp_path, code)) as engine:
        assert engine.call("explain", WORDS, 10)["text"] == "µm"


def test_cancel_before_it_is_sent(tmp_path: Path) -> None:
    """An engine that is still starting needn't be asked."""
    with local(fake_engine(tmp_path, "time.sleep(30)")) as engine:
        events: list[Event] = []
        ticket = engine.request("trace", WORDS, events.append)
        ticket.cancel()
        with pytest.raises(EngineError) as caught:
            ticket.wait(10)
        assert caught.value.code == "cancelled"
        ticket.cancel()
        assert [event.kind for event in events] == ["error"]


def test_cancel_does_not_wait_for_a_stuck_engine(tmp_path: Path) -> None:
    """An engine that reads nothing doesn't hold up whoever cancels, or closes."""
    big = {"flags": ["x" * 4_000_000]}
    with local(fake_engine(tmp_path, "hello()\ntime.sleep(60)")) as engine:
        tickets = [engine.request("trace", big, lambda event: None) for _ in range(3)]
        until(lambda: tickets[0].sent)
        with promptly():
            for ticket in tickets:
                ticket.cancel()
            engine.close()


def test_close_ends_what_does_not_listen(tmp_path: Path) -> None:
    """A program that ignores the end of its input is killed, with what it has started."""
    pids = tmp_path / "pids"
    code = f"""
        import signal, subprocess
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen(["sleep", "60"])
        with open({str(pids)!r}, "w") as file: file.write(f"{{os.getpid()}} {{child.pid}}")
        hello()
        while True: time.sleep(1)
    """
    engine = local(fake_engine(tmp_path, code))
    engine.start()
    until(lambda: engine.state.kind == "ready")
    ticket = engine.request("trace", WORDS, lambda event: pytest.fail("no event after close"))
    with promptly():
        engine.close()
    for pid in map(int, pids.read_text().split()):
        until(lambda pid=pid: gone(pid), 2)  # type: ignore[misc]
    with pytest.raises(EngineError, match="closed"):
        ticket.wait(1)


def test_a_listener_that_fails_harms_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its exception is logged; the result is there all the same."""

    def fail(event: Event) -> None:
        raise RuntimeError("a bug in the screen")

    with (
        caplog.at_level(logging.CRITICAL),
        local(fake_engine(tmp_path, "hello()\nreply(heard()['id'], 'result', ok=1)\nheard()")) as engine,
    ):
        logging.getLogger("braggtrace.service").setLevel(logging.CRITICAL + 1)
        try:
            assert engine.request("trace", WORDS, fail).wait(10)["ok"] == 1
            assert engine.state.kind in ("ready", "busy")
        finally:
            logging.getLogger("braggtrace.service").setLevel(logging.NOTSET)


def test_a_timeout_cancels(tmp_path: Path) -> None:
    """Who has waited long enough lets go, and the engine is told."""
    code = """
        hello()
        heard()
        target = heard()["target"]
        reply(target, "error", code="cancelled", sentence="cancelled")
        reply(heard()["id"], "result", target=target)
        heard()
    """
    with local(fake_engine(tmp_path, code)) as engine:
        until(lambda: engine.state.kind == "ready")
        with pytest.raises(TimeoutError):
            engine.call("trace", WORDS, 0.1)
        assert engine.call("explain", WORDS, 10)["target"]


def test_fields_that_are_no_json(tmp_path: Path) -> None:
    """Refused here, with the engine none the wiser."""
    with local(fake_engine(tmp_path, "hello()\nreply(heard()['id'], 'result', ok=1)\nheard()")) as engine:
        with pytest.raises(EngineError) as caught:
            engine.call("trace", {"flags": object()}, 10)
        assert caught.value.code == "usage"
        with pytest.raises(EngineError, match="at most 8388608") as caught:
            engine.call("trace", {"flags": ["x" * (9 << 20)]}, 10)
        assert caught.value.code == "too-big"
        assert engine.call("explain", WORDS, 10)["ok"] == 1


def test_many_threads_ask_at_once(tmp_path: Path) -> None:
    """Every one gets its own answer."""
    code = "hello()\nwhile True:\n    request = heard()\n    reply(request['id'], 'result', echo=request['flags'])"
    with local(fake_engine(tmp_path, code)) as engine:
        got: dict[int, list[str]] = {}

        def ask(number: int) -> None:
            got[number] = engine.call("explain", {"flags": [str(number)]}, 20)["echo"]

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert got == {number: [str(number)] for number in range(40)}


def test_the_working_folder_cannot_change_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file called numpy.py where the user happens to be is not ours."""
    for name in ("numpy.py", "orjson.py", "torch.py", "braggtrace.py"):
        (tmp_path / name).write_text("raise SystemExit('imported from the working folder')")
    monkeypatch.chdir(tmp_path)
    with Engine() as engine:
        assert engine.call("hello", {}, 60)["protocol"] == 1


def test_the_client_needs_no_torch() -> None:
    """The process that asks never loads it."""
    code = "import sys, braggtrace.runs.launch, braggtrace.service.client; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
