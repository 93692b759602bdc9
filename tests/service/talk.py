"""Talking to an engine line by line, and engines that misbehave on purpose."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from braggtrace.service.client import LOCAL_COMMAND

__all__ = [
    "CELL",
    "EXPERIMENT",
    "Talk",
    "children",
    "fake_engine",
    "gone",
    "promptly",
    "slow_experiment",
    "stubborn_experiment",
    "talking",
    "until",
]

CELL = "-cell 70 80 90 90 90 90 -default_F 100 -N 5 -lambda 1 -distance 100"
EXPERIMENT: dict[str, Any] = {"flags": f"{CELL} -detpixels 64".split()}


def slow_experiment() -> dict[str, Any]:
    """An image that takes a minute, with progress from the first second on."""
    return {"flags": f"{CELL} -detpixels 4000 -phisteps 20 -osc 5 -phi 0 -oversample 1".split(), "compile": "off"}


def stubborn_experiment() -> dict[str, Any]:
    """An image whose first tile alone takes many seconds."""
    flags = f"{CELL} -detpixels 400 -mosaic 1 -mosaic_domains 500 -phisteps 9 -osc 1 -phi 0 -oversample 1"
    return {"flags": flags.split(), "compile": "off"}


class Talk:
    """A conversation with an engine."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def say(self, line: bytes | str | dict[str, Any]) -> None:
        """Send a line."""
        assert self.process.stdin is not None
        if isinstance(line, dict):
            line = json.dumps({"v": 1, **line})
        raw = line.encode() if isinstance(line, str) else line
        self.process.stdin.write(raw + b"\n")
        self.process.stdin.flush()

    def line(self) -> dict[str, Any]:
        """The next reply."""
        assert self.process.stdout is not None
        raw = self.process.stdout.readline()
        assert raw, "the engine has ended"
        message = json.loads(raw)
        assert isinstance(message, dict)
        return message

    def end_of(self, id_: str | None) -> dict[str, Any]:
        """The result or error of a request; everything else is skipped."""
        while True:
            message = self.line()
            if message.get("id", "") == id_ and message["event"] in ("result", "error"):
                return message

    def end_of_any(self) -> dict[str, Any]:
        """The next result or error."""
        while (message := self.line())["event"] not in ("result", "error"):
            pass
        return message

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """Send a request and wait for its end."""
        self.say({"id": do, "do": do, **fields})
        return self.end_of(do)


@contextmanager
def talking(*options: str, **settings: Any) -> Iterator[Talk]:
    """A conversation with an engine of this machine."""
    command = [*LOCAL_COMMAND, *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **settings) as process:
        try:
            yield Talk(process)
        finally:
            process.kill()


def fake_engine(folder: Path, code: str) -> list[str]:
    """A program that talks like an engine; `hello()` answers the first request, `reply(id, event, …)` writes."""
    head = """
        import json, os, sys, time

        def say(message):
            sys.stdout.write(json.dumps(message) + "\\n")
            sys.stdout.flush()

        def reply(id, event, **fields):
            say({"id": id, "event": event, **fields})

        def heard():
            line = sys.stdin.readline()
            if not line:
                sys.exit(0)
            return json.loads(line)

        def hello(**fields):
            request = heard()
            known = {"protocol": 1, "host": "fake", "devices": [{"name": "cpu", "available": True}]}
            reply(request["id"], "result", **{**known, **fields})
    """
    path = folder / "fake_engine.py"
    path.write_text(textwrap.dedent(head) + textwrap.dedent(code))
    return [sys.executable, str(path)]


def children(pid: int) -> list[int]:
    """The processes that a process has started and that are still there."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in path.read_text().split()] if path.exists() else []


def gone(pid: int) -> bool:
    """Whether a process is no more; a zombie is no more."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (ProcessLookupError, FileNotFoundError):
        return True


@contextmanager
def promptly(seconds: float = 10.0) -> Iterator[None]:
    """What is done here waits for nothing that takes a minute. How fast it really is, `make bench` tells."""
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds, "it waited"


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for something to come true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.005)
