"""An engine that answers what a test tells it to, on a thread of its own, as the real one does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

HELLO: Mapping[str, Any] = {
    "braggtrace": "0.1",
    "protocol": 1,
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


def explained(flags: list[str]) -> dict[str, Any]:
    """An answer to `explain` that depends on the flags."""
    distance = flags[flags.index("-distance") + 1] if "-distance" in flags else "100"
    return {
        "values": [
            {"part": "detector", "name": "distance", "value": distance, "unit": "mm", "origin": "-distance"},
            {"part": "crystal", "name": "Na", "value": "1", "unit": "", "origin": "default"},
        ],
        "warnings": ["-lamda is no flag and is ignored"] if "-lamda" in flags else [],
        "shape": [2527, 2463],
        "iterations": 10,
        "text": "",
    }


class FakeTicket:
    """A request under way."""

    def __init__(self, engine: FakeEngine, number: int) -> None:
        self.id = f"r{number}"
        self.cancelled = threading.Event()
        self._engine = engine

    def cancel(self) -> None:
        self.cancelled.set()


class FakeEngine:
    """Has the methods of `braggtrace.service.client.Engine`.

    Attributes:
        traces: (main, per_phi) of the result of `trace`, by request's fields.
        seconds: how long a trace takes, in steps of 10 ms with progress.
        fails: verb -> error (code, sentence).
        asked: every request.
    """

    def __init__(self, traces: Callable[[Mapping[str, Any]], tuple[str, str]] | None = None) -> None:
        self.traces = traces or (lambda fields: ("", ""))
        self.seconds = 0.0
        self.fails: dict[str, tuple[str, str]] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.closed = False
        self.dies_at: float | None = None
        self.torch = True
        self._state = SimpleNamespace(kind="starting", sentence="starting", hello=None)
        self.on_state: Callable[[Any], None] = lambda state: None

    @property
    def state(self) -> Any:
        return self._state

    def start(self) -> None:
        self.become("ready", "ready")

    def become(self, kind: str, sentence: str) -> None:
        self._state = SimpleNamespace(kind=kind, sentence=sentence, hello=HELLO if kind in ("ready", "busy") else None)
        self.on_state(self._state)

    def reconnect(self) -> None:
        self.become("ready", "ready")

    def close(self) -> None:
        self.closed = True
        self.become("closed", "closed")

    def request(self, do: str, fields: Mapping[str, Any], on_event: Callable[[Any], None]) -> FakeTicket:
        self.asked.append((do, dict(fields)))
        ticket = FakeTicket(self, len(self.asked))
        threading.Thread(target=self._answer, args=(do, dict(fields), on_event, ticket), daemon=True).start()
        return ticket

    def _answer(self, do: str, fields: dict[str, Any], on_event: Callable[[Any], None], ticket: FakeTicket) -> None:
        def say(kind: str, **what: Any) -> None:
            on_event(SimpleNamespace(id=ticket.id, kind=kind, fields=what))

        time.sleep(0.005)
        if do in self.fails:
            code, sentence = self.fails[do]
            say("error", code=code, sentence=sentence, detail="")
        elif do == "explain":
            say("result", **explained(list(fields["flags"])))
        elif do == "trace":
            started = time.monotonic()
            while (spent := time.monotonic() - started) < self.seconds:
                if ticket.cancelled.is_set():
                    say("error", code="cancelled", sentence="cancelled", detail="")
                    return
                if self.dies_at is not None and spent > self.dies_at:
                    self.become("lost", "the engine was killed by signal 9")
                    say("error", code="died", sentence="the engine was killed by signal 9", detail="")
                    return
                say("progress", fraction=spent / self.seconds, rate=100.0, unit="pixels")
                time.sleep(0.01)
            main, per_phi = self.traces(fields)
            say("result", main=main, per_phi=per_phi, warnings=[], timing={"setup_s": 0.001, "run_s": self.seconds})
