"""The app's hold on the engine process: started in the background, asked without waiting, lost without harm.

Everything that the engine says comes on a thread of its own; `Engines` hands it over to the screen's loop, so that
callbacks run where widgets may be touched. Nothing here waits for the engine, and nothing here imports it before it is
started.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from braggtrace_tui.config import LOCAL, NO_ENGINE, EngineChoice

if TYPE_CHECKING:
    from braggtrace.service.client import Engine, EngineState, Event, Ticket

__all__ = ["Answer", "EngineHold", "MakeEngine", "NO_ENGINE_WORDS", "engine_words", "make_engine"]

NO_ENGINE_WORDS = "there is no engine: it was switched off by --engine none"

_PROGRESS_S = 0.2
"""Progress is handed on this often at most: five repaints a second are calm, and cheap over SSH."""


class MakeEngine(Protocol):
    """Makes the client of an engine process, not yet started."""

    def __call__(self, choice: EngineChoice, on_state: Callable[[EngineState], None]) -> Engine:
        """The client of `choice`, that tells its state to `on_state` from any thread."""


def make_engine(choice: EngineChoice, on_state: Callable[[EngineState], None]) -> Engine:
    """The real one."""
    from braggtrace.service.client import Engine

    return Engine(choice.command or None, name=choice.name, on_state=on_state)


Answer = Callable[["Event"], None]
"""Is called in the screen's loop with progress, and once with a result or an error."""


class EngineHold:
    """One engine process and what is known about it.

    Attributes:
        choice: which engine it is.
        engines: commands of the others, by name.
    """

    def __init__(
        self,
        choice: EngineChoice,
        engines: Mapping[str, str],
        hop: Callable[[Callable[[], None]], object],
        changed: Callable[[], None],
        make: MakeEngine = make_engine,
    ) -> None:
        """Hold an engine; `start` starts it.

        Args:
            choice: the engine.
            engines: commands by name, to choose another.
            hop: runs a function in the screen's loop; may be called from any thread.
            changed: is called there when the engine's state has changed.
            make: makes the client.
        """
        self.choice = choice
        self.engines = dict(engines)
        self._hop = hop
        self._changed = changed
        self._make = make
        self._engine: Engine | None = None
        self._was_ready = False

    @property
    def off(self) -> bool:
        """There is no engine and none is wanted."""
        return self.choice.off

    @property
    def client(self) -> Engine | None:
        """The client, None before the start."""
        return self._engine

    @property
    def state(self) -> EngineState | None:
        """What the engine is doing, None before the start."""
        return None if self._engine is None else self._engine.state

    @property
    def kind(self) -> str:
        """One of off, idle (before the start), starting, ready, busy, lost, closed."""
        return "off" if self.off else "idle" if self.state is None else str(self.state.kind)

    @property
    def hello(self) -> Mapping[str, Any]:
        """What the engine said about itself; {} before it has."""
        state = self.state
        return {} if state is None or state.hello is None else state.hello

    def start(self) -> None:
        """Start the engine, unless that was done or none is wanted."""
        if self.off or self._engine is not None:
            return
        engine = self._make(self.choice, self._on_state)
        self._engine = engine
        engine.start()

    def use(self, choice: EngineChoice) -> None:
        """Leave this engine for another."""
        before, self._engine = self._engine, None
        if before is not None:
            threading.Thread(target=before.close, name="closing", daemon=True).start()
        self.choice = choice
        self.start()
        self._changed()

    def reconnect(self) -> None:
        """Start the engine again after it was lost; what is left of it may take half a second to end."""
        engine = self._engine
        if engine is None:
            self.start()
        else:
            threading.Thread(target=engine.reconnect, name="reconnecting", daemon=True).start()

    def request(self, do: str, fields: Mapping[str, Any], answer: Answer) -> Ticket:
        """Ask for something; it waits until the engine is ready.

        Raises:
            BraggtraceError: there is no engine.
        """
        self.start()
        if self._engine is None:
            from braggtrace.errors import UsageError

            raise UsageError(NO_ENGINE_WORDS)
        return self._engine.request(do, fields, self.in_loop(answer))

    def in_loop(self, answer: Answer) -> Answer:
        """`answer`, called in the screen's loop, with progress only so often."""
        return self.throttled(lambda event: self._hop(lambda: answer(event)))

    def throttled(self, answer: Callable[[Event], object]) -> Answer:
        """`answer`, called with progress only so often."""
        last = 0.0

        def hand_over(event: Event) -> None:
            nonlocal last
            if event.kind == "progress":
                now = time.monotonic()
                if now - last < _PROGRESS_S:
                    return
                last = now
            answer(event)

        return hand_over

    def close(self) -> None:
        """End the engine, whatever it is doing; takes less than a second."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()

    def choices(self) -> list[EngineChoice]:
        """Every engine that is known by name."""
        import shlex

        named = [EngineChoice(name, tuple(shlex.split(command))) for name, command in self.engines.items()]
        known = [EngineChoice(LOCAL), *named]
        return known if self.choice in known or self.choice == NO_ENGINE else [*known, self.choice]

    def _on_state(self, state: EngineState) -> None:
        self._hop(lambda: self._take(state))

    def _take(self, state: EngineState) -> None:
        """In the screen's loop. An engine of this machine that has worked and is gone is started again, once."""
        if state.kind in ("ready", "busy"):
            self._was_ready = True
        elif state.kind == "lost" and self._was_ready and not self.choice.command and self.state is state:
            self._was_ready = False
            self.reconnect()
        self._changed()


def engine_words(hold: EngineHold | None) -> str:
    """The engine in a few words, for a title line."""
    if hold is None or hold.off:
        return "no engine"
    state = hold.state
    if state is None:
        return f"engine {hold.choice.name}"
    hello = hold.hello
    facts = [f"torch {hello['torch']}"] if hello.get("torch") else []
    return "engine " + ", ".join([state.sentence, *facts])
