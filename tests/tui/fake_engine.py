"""An engine that answers what a test tells it to, on a thread of its own, as the real one does."""

from __future__ import annotations

import json
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np

from braggtrace.service.client import Engine, EngineState
from braggtrace.service.ticket import Event
from braggtrace_tui.config import EngineChoice

__all__ = ["FakeEngine", "Traces", "cut_out"]

HELLO: Mapping[str, Any] = {
    "braggtrace": "0.1",
    "protocol": 1,
    "python": "3.12",
    "torch": "2.9",
    "host": "here",
    "pid": 1,
    "devices": [
        {"name": "cpu", "available": True, "threads": 2, "memory_bytes": 8 << 30},
        {"name": "cuda", "available": False, "why": "no CUDA GPU on this machine"},
    ],
    "dtypes": ["float64", "float32"],
    "profiles": [{"name": "legacy", "summary": "every quirk"}, {"name": "spec", "summary": "no quirk"}],
    "phi_modes": ["c-parity", "spec"],
}

Traces = Callable[[Mapping[str, Any]], str]
"""Makes the trace that a request asks for."""


def cut_out(text: str, fields: Mapping[str, Any]) -> str:
    """The part of a trace that belongs to the run and to the pixels of a request."""
    wanted = {tuple(pixel) for pixel in fields["pixels"]}
    wanted |= {(s, f) for s0, s1, f0, f1 in fields["rois"] for s in range(s0, s1 + 1) for f in range(f0, f1 + 1)}
    kept, keeping = [], True
    for line in text.splitlines(keepends=True):
        if line.startswith("TRACE_C: pixel "):
            slow, fast = line.split()[2:]
            keeping = (int(slow), int(fast)) in wanted
        if keeping:
            kept.append(line)
    return "".join(kept)


def _explained(flags: list[str]) -> dict[str, Any]:
    """An answer to `explain` that depends on the flags."""
    distance = flags[flags.index("-distance") + 1] if "-distance" in flags else "100"
    rows = [("detector", "distance", distance, "mm", "-distance"), ("crystal", "Na", "1", "", "default")]
    names = ("part", "name", "value", "unit", "origin")
    return {
        "values": [dict(zip(names, row, strict=True)) for row in rows],
        "warnings": ["-lamda is no flag and is ignored"] if "-lamda" in flags else [],
        "shape": [2527, 2463],
        "iterations": 10,
        "text": "",
    }


class _Ticket:
    """A request under way."""

    def __init__(self, number: int) -> None:
        self.id = f"r{number}"
        self.stop = threading.Event()

    def cancel(self) -> None:
        self.stop.set()


class FakeEngine:
    """Has the methods of `braggtrace.service.client.Engine`.

    Attributes:
        traces: makes traces.
        seconds: how long a trace takes, with progress every 10 ms.
        fails: verb -> error (code, sentence).
        refuses: dtypes that can't be traced.
        asked: every request.
        dies_after: seconds of a trace after which the engine is gone.
        slow_start: `start` leaves it starting; a test calls `become`.
        hello: what it says about itself.
        why: makes explanations; without it PyTorch seems to be missing. `replays` are the requests for them.
        why_seconds: how long that takes; `slow_replays` counts those that have begun to take any time.
    """

    name, command = "fake", ("fake",)

    def __init__(self, traces: Traces = lambda fields: "") -> None:
        self.traces = traces
        self.seconds = 0.0
        self.fails: dict[str, tuple[str, str]] = {}
        self.refuses: set[str] = set()
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.dies_after: float | None = None
        self.slow_start = False
        self.starts = 0
        self.choices: list[EngineChoice] = []
        self.hello = HELLO
        self.why: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
        self.why_seconds = 0.0
        self.slow_replays = 0
        self.replays: list[dict[str, Any]] = []
        self.state = EngineState("closed", "not started")
        self._on_state: Callable[[EngineState], None] = lambda state: None

    def make(self, choice: EngineChoice, on_state: Callable[[EngineState], None]) -> Engine:
        """What the app calls to get its client."""
        self.choices.append(choice)
        self._on_state = on_state
        return cast("Engine", self)

    def become(self, kind: Any, sentence: str = "") -> None:
        """Change the state, as the engine's own threads do."""
        self.state = EngineState(kind, f"fake: {sentence or kind}", self.hello if kind == "ready" else None)
        thread = threading.Thread(target=self._on_state, args=(self.state,))
        thread.start()
        thread.join()

    def start(self) -> None:
        self.starts += 1
        self.become("starting" if self.slow_start else "ready")

    def reconnect(self) -> None:
        self.start()

    def close(self) -> None:
        self.become("closed")

    def request(
        self,
        do: str,
        fields: Mapping[str, Any],
        on_event: Callable[[Event], None],
        *,
        through: Callable[[Event], Event] = lambda event: event,
    ) -> _Ticket:
        if do == "replay":  # comes by itself, whatever a story is about
            self.replays.append(dict(fields))
        else:
            self.asked.append((do, dict(fields)))
        ticket = _Ticket(len(self.asked) + len(self.replays))

        def tell(event: Event) -> None:
            on_event(event if event.kind == "progress" else through(event))

        threading.Thread(target=self._answer, args=(do, dict(fields), tell, ticket), daemon=True).start()
        return ticket

    def _answer(self, do: str, fields: dict[str, Any], on_event: Callable[[Event], None], ticket: _Ticket) -> None:
        def say(kind: Any, **what: Any) -> None:
            on_event(Event(ticket.id, kind, what))

        while self.state.kind == "starting":
            time.sleep(0.005)
        if do in self.fails:
            code, sentence = self.fails[do]
            say("error", code=code, sentence=sentence, detail="")
        elif fields.get("dtype") in self.refuses:
            say("error", code="device", sentence=f"this device has no {fields['dtype']}", detail="")
        elif do == "replay":
            self._replay(fields, say, ticket)
        elif do == "explain":
            say("result", **_explained(list(fields["flags"])))
        elif do == "simulate":
            image = np.arange(12, dtype="<f4").reshape(3, 4)
            say("result", shape=[3, 4], image=zlib.compress(image.tobytes()), warnings=[], timing={}, statistics={})
        else:
            self._trace(fields, say, ticket)

    def _replay(self, fields: dict[str, Any], say: Callable[..., None], ticket: _Ticket) -> None:
        self.slow_replays += self.why_seconds > 0
        if ticket.stop.wait(self.why_seconds):
            say("error", code="cancelled", sentence="cancelled", detail="")
        elif self.why is None:
            say("error", code="device", sentence="PyTorch is not installed", detail="")
        else:
            document = json.dumps(self.why(fields))
            say("result", explanation=document, story="the story\n", status="DIVERGES", timing={})

    def _trace(self, fields: dict[str, Any], say: Callable[..., None], ticket: _Ticket) -> None:
        started = time.monotonic()
        while (spent := time.monotonic() - started) < self.seconds:
            if ticket.stop.is_set():
                say("error", code="cancelled", sentence="cancelled", detail="")
                return
            if self.dies_after is not None and spent > self.dies_after:
                self.become("lost", "the engine is gone: ended by SIGKILL")
                say("error", code="lost", sentence="fake: the engine is gone: ended by SIGKILL", detail="")
                return
            say("progress", fraction=spent / self.seconds, rate=100.0, unit="pixels")
            time.sleep(0.01)
        say("result", main=self.traces(fields), per_phi="", warnings=[], timing={"setup_s": 0.0, "run_s": self.seconds})
