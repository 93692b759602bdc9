"""Workers that can't do their work: without torch, with a broken one, with libraries that talk."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.service.talk import EXPERIMENT, Talk, talking

NO_TORCH = "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')"


def with_torch(folder: Path, code: str) -> dict[str, str]:
    """An environment in which `import torch` runs some code."""
    (folder / "torch.py").write_text(code)
    return {**os.environ, "PYTHONPATH": str(folder)}


def test_without_torch_everything_is_answered(tmp_path: Path) -> None:
    """The engine says what is missing and how to get it; nothing crashes."""
    with talking(env=with_torch(tmp_path, NO_TORCH)) as talk:
        hello = talk.ask("hello")
        assert hello["torch"] is None
        assert [device["available"] for device in hello["devices"]] == [False, False]
        assert "pip install 'braggtrace[torch]'" in hello["devices"][0]["why"]
        for verb, fields in (("explain", {}), ("trace", {"pixels": [[1, 1]]}), ("simulate", {})):
            reply = talk.ask(verb, **EXPERIMENT, **fields)
            assert (reply["event"], reply["code"]) == ("error", "device")
            assert "pip install" in reply["sentence"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os; os._exit(3)", "exit status 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("raise ImportError('libcudart.so: cannot open shared object file')", "libcudart.so"),
    ],
)
def test_a_broken_torch_is_given_up(tmp_path: Path, code: str, words: str) -> None:
    """A few attempts, then everybody who waits is told why; whoever asks later causes one more attempt."""
    with talking(env=with_torch(tmp_path, code)) as talk:
        for _ in range(2):
            reply = talk.ask("hello")
            assert (reply["event"], reply["code"]) == ("error", "died")
            assert words in reply["sentence"] + reply["detail"]
        talk.say({"id": "t", "do": "trace", **EXPERIMENT, "pixels": [[1, 1]]})
        assert talk.end_of("t")["code"] == "died"


def test_once_torch_works_the_engine_does(tmp_path: Path) -> None:
    """Given up is not the end: somebody repairs the installation, and asks again."""
    environment = with_torch(tmp_path, "raise ImportError('broken')")
    with talking(env=environment) as talk:
        assert talk.ask("hello")["code"] == "died"
        (tmp_path / "torch.py").write_text(NO_TORCH)
        assert talk.ask("hello")["event"] == "result"


@pytest.mark.skipif(find_spec("torch") is None, reason="the worker computes with torch")
def test_what_libraries_print_is_no_reply(tmp_path: Path) -> None:
    """Python or C, stdout or stderr: it comes as log of the request that is at work, and in a limited amount."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if 'braggtrace.service.worker' in ' '.join(sys.orig_argv):\n"
        "    import braggtrace.simulate.tracefile as tracefile\n"
        "    original = tracefile.trace_pieces\n"
        "    def noisy(*args):\n"
        "        print('hello from Python')\n"
        '        os.write(1, b\'{"id": "t", "event": "result"}\\n\')\n'
        "        os.write(2, b'hello from C\\n')\n"
        "        sys.stderr.write('x' * 1_000_000 + '\\n' + 'y\\n' * 100_000)\n"
        "        os.system('echo hello from a child')\n"
        "        assert sys.stdin.read() == ''\n"
        "        return original(*args)\n"
        "    tracefile.trace_pieces = noisy\n"
    )
    with talking(env={**os.environ, "PYTHONPATH": str(tmp_path)}) as talk:
        talk.ask("hello")
        log, message = _logged(talk)
        assert message["event"] == "result"
        assert message["pixels"] == 1
        for words in ("hello from Python\n", '{"id": "t", "event": "result"}\n', "hello from C\n", "is left out"):
            assert words in log
        assert len(log) < 100_000
        assert talk.ask("hello")["event"] == "result"


def _logged(talk: Talk) -> tuple[str, dict[str, object]]:
    """Trace a pixel; what was printed meanwhile, and the end."""
    talk.say({"id": "t", "do": "trace", **EXPERIMENT, "pixels": [[1, 1]]})
    log = ""
    while (message := talk.line())["event"] not in ("result", "error"):
        log += message["text"] if message["event"] == "log" else ""
    return log, message


@pytest.mark.skipif(find_spec("torch") is None, reason="the worker computes with torch")
def test_what_screens_ask_for_gives_way_to_what_a_person_asks_for(tmp_path: Path) -> None:
    """A trace does not wait for the end of a replay, which is begun again afterwards, by the same worker."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'braggtrace.service.worker' in ' '.join(sys.orig_argv):\n"
        "    import time\n"
        "    import braggtrace.service.replay as replay\n"
        "    def slow(task):\n"
        "        for done in range(150):\n"
        "            time.sleep(0.02)\n"
        "            task.progress(done, 150, 'steps')\n"
        "        return {'story': 'told'}\n"
        "    replay.replay = slow\n"
    )
    with talking(env={**os.environ, "PYTHONPATH": str(tmp_path)}) as talk:
        worker = talk.ask("hello")["worker_pid"]
        for number in range(2):
            talk.say({"id": f"why{number}", "do": "replay", "reference": ["a"], "candidate": ["b"]})
            while talk.line()["event"] != "progress":
                pass
            for pixel in range(3):
                talk.say({"id": f"t{pixel}", "do": "trace", **EXPERIMENT, "pixels": [[1, pixel]]})
            ended = [talk.end_of_any() for _ in range(3)]
            assert [each["id"] for each in ended] == ["t0", "t1", "t2"]
            assert talk.end_of(f"why{number}")["story"] == "told"
        talk.say({"id": "why", "do": "replay", "reference": ["a"], "candidate": ["b"]})
        talk.say({"id": "t", "do": "trace", **EXPERIMENT, "pixels": [[1, 1]]})
        talk.say({"id": "stop", "do": "cancel", "target": "why"})
        assert talk.end_of("why")["code"] == "cancelled", "it is not begun again"
        assert talk.ask("hello")["worker_pid"] == worker
