"""The engine, for whoever wants something computed: the screen, `braggtrace runs`, a sweep. No torch here.

    with Engine() as engine:
        result = engine.call("trace", {"flags": words, "folder": "/data", "pixels": [[684, 1039]]})
        print(result["main"])

Everything is asynchronous underneath: `request` returns a `Ticket` at once, and events come on a thread of the engine's
own. An engine that is given a command is taken to be on another machine, and input files are sent along.
"""

from __future__ import annotations

import logging
import queue
import shlex
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal

import orjson

from braggtrace.errors import BraggtraceError, EngineError
from braggtrace.service.link import Link
from braggtrace.service.protocol import MAX_LINE, VERSION, Code, encode, trouble
from braggtrace.service.ticket import Event, EventKind, OnEvent, Ticket
from braggtrace.service.transfer import Transfer
from braggtrace.service.verbs import VERBS, Lane
from braggtrace.trace.text import visible

__all__ = ["LOCAL_COMMAND", "Engine", "EngineState", "Event", "Ticket"]

_LOG = logging.getLogger("braggtrace.service")

LOCAL_COMMAND = (sys.executable, "-P", "-m", "braggtrace.service")
"""Starts the engine on this machine; -P, so that the working folder can't put its modules before ours."""

StateKind = Literal["starting", "ready", "busy", "lost", "closed"]
_WORK = frozenset(name for name, verb in VERBS.items() if verb.lane is Lane.MAIN)
"""What makes an engine busy."""
_FILES = frozenset({"flags", "reference", "candidate"})
"""The fields that name input files."""


@dataclass(frozen=True, slots=True)
class EngineState:
    """How an engine is.

    Attributes:
        kind: "starting" also while its worker is started again; "busy" while it computes; "lost" needs `reconnect`.
        sentence: the same for a person.
        hello: what the engine said about itself and its machine; None before it did.
    """

    kind: StateKind
    sentence: str
    hello: Mapping[str, Any] | None = None


@dataclass(slots=True, eq=False)
class _Connection:
    """What belongs to one run of the engine program.

    Attributes:
        link: the process, once it is started.
        tickets: requests without a result so far, sent or not.
        to_send: requests to be sent, None at the end.
        transfer: sends input files.
        greeted: the engine has said what it is, or it is over.
        again: why the engine starts its worker again, "" if it doesn't.
        over: nothing comes from it any more.
    """

    link: Link | None = None
    tickets: dict[str, Ticket] = field(default_factory=dict)
    to_send: queue.SimpleQueue[tuple[Ticket, dict[str, Any]] | None] = field(default_factory=queue.SimpleQueue)
    transfer: Transfer | None = None
    greeted: threading.Event = field(default_factory=threading.Event)
    again: str = ""
    over: bool = False


class Engine:
    """One engine process, on this machine or another.

    Args:
        command: the program to start, as words or as one line for `shlex`; None for this machine. With a command,
            input files are sent to the engine by content.
        name: for people.
        on_state: called with every new state, on whatever thread it came about.
    """

    def __init__(
        self,
        command: Sequence[str] | str | None = None,
        *,
        name: str = "local",
        on_state: Callable[[EngineState], None] | None = None,
    ) -> None:
        try:
            words = shlex.split(command) if isinstance(command, str) else list(command or LOCAL_COMMAND)
        except ValueError as error:
            raise EngineError(Code.USAGE, f"the command of the engine can't be read: {error}: {command}") from error
        if not words:
            raise EngineError(Code.USAGE, "the command of the engine is empty")
        self.name, self.command, self.remote = name, tuple(words), command is not None
        self._on_state = on_state
        self._lock = threading.RLock()
        self._state = EngineState("closed", "not started")
        self._connection = _Connection(over=True)
        self._hello: Mapping[str, Any] | None = None
        self._last_id = 0

    def __enter__(self) -> Engine:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    @property
    def state(self) -> EngineState:
        """How it is now."""
        return self._state

    @property
    def log(self) -> str:
        """The last lines that the engine program wrote to its stderr."""
        link = self._connection.link
        return "" if link is None else link.said()

    def start(self) -> None:
        """Start the process, in the background. Does nothing if there is one."""
        with self._lock:
            if not self._connection.over:
                return
            self._connection = connection = _Connection()
        self._be("starting", f"{self.name}: starting")
        threading.Thread(target=self._open, args=(connection,), name=f"engine {self.name}", daemon=True).start()

    def reconnect(self) -> None:
        """End what is left of the process, and start another one."""
        self._end(self._connection, Code.LOST, f"{self.name}: connecting again")
        self.start()

    def close(self) -> None:
        """End the process, whatever it is doing; takes less than a second. No event comes after it."""
        connection = self._connection
        self._be("closed", f"{self.name}: closed")
        self._end(connection, Code.LOST, f"{self.name}: closed", silently=True)

    def request(
        self,
        do: str,
        fields: Mapping[str, Any],
        on_event: OnEvent,
        *,
        through: Callable[[Event], Event] | None = None,
    ) -> Ticket:
        """Ask for something; waits in a queue until the engine is ready.

        Args:
            do: the verb.
            fields: what it needs.
            on_event: gets progress, then the result or an error, on a thread of the engine's.
            through: the result or error passes through this first, also where `close` keeps it from `on_event`.
        """
        ticket = Ticket(self._next_id(), do, on_event, self._cancel, through)
        with self._lock:
            connection = self._connection
            over = connection.over
            if not over:
                connection.tickets[ticket.id] = ticket
        if over:
            ticket.tell("error", trouble(Code.LOST, self._state.sentence))
        else:
            connection.to_send.put((ticket, dict(fields)))
        return ticket

    def call(self, do: str, fields: Mapping[str, Any], timeout_s: float | None = None) -> dict[str, Any]:
        """Ask for something and wait for the result; the engine is started if need be.

        Raises:
            EngineError: there is an error instead.
            TimeoutError: there is neither in that time; the request is cancelled.
        """
        if self._state.kind == "closed":
            self.start()
        ticket = self.request(do, fields, lambda _event: None)
        try:
            return ticket.wait(timeout_s)
        except (TimeoutError, KeyboardInterrupt):
            ticket.cancel()
            raise

    # What follows runs on the engine's own threads.

    def _open(self, connection: _Connection) -> None:
        """Start the program, then send what is asked for, in order, until it is over."""
        try:
            link = Link(
                self.command,
                lambda line: self._hear(connection, line),
                lambda why: self._end(connection, Code.LOST, f"{self.name}: the engine is gone: {why}"),
            )
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            self._end(connection, Code.LOST, f"{self.name}: can't start {self.command[0]}: {why}")
            return
        with self._lock:
            connection.link, over = link, connection.over
        link.start()
        if over:  # closed meanwhile
            link.end()
            return
        connection.transfer = Transfer(lambda do, fields: self._ask(connection, link, do, fields))
        self._ask(connection, link, "hello", {}, lambda event: self._greeted(connection, event))
        connection.greeted.wait()
        while (item := connection.to_send.get()) is not None:
            self._send(connection, link, *item)

    def _send(self, connection: _Connection, link: Link, ticket: Ticket, given: dict[str, Any]) -> None:
        if ticket.done:
            return
        fields = given
        try:
            if self.remote and _FILES & given.keys():
                assert connection.transfer is not None  # made before the first request is sent
                fields = connection.transfer.prepared(
                    given, lambda known: ticket.tell("progress", known), lambda: ticket.done or connection.over
                )
            line = encode({"v": VERSION, "id": ticket.id, "do": ticket.do, **fields})
            if len(line) > MAX_LINE:
                raise EngineError(
                    Code.TOO_BIG, f"{ticket.do}: the request has {len(line)} bytes, at most {MAX_LINE} go"
                )
        except EngineError as error:
            self._finish(connection, ticket, "error", trouble(error.code, error.sentence, error.detail))
        except BraggtraceError as error:
            self._finish(connection, ticket, "error", trouble(Code.INPUT, str(error)))
        except TypeError as error:  # from the encoder: these fields are no JSON
            self._finish(connection, ticket, "error", trouble(Code.USAGE, f"{ticket.do}: {error}"))
        else:
            ticket.resend = lambda: connection.to_send.put((ticket, given))
            with self._lock:  # a cancel either finds it unsent, or follows it
                if ticket.dropped:
                    return
                ticket.sent = True
            self._show(connection)
            link.send(line)  # if it can't be sent, the link's end is at hand

    def _ask(
        self,
        connection: _Connection,
        link: Link,
        do: str,
        fields: Mapping[str, Any],
        on_event: OnEvent = lambda _event: None,
    ) -> Ticket:
        """A request of our own, ahead of the queue."""
        ticket = Ticket(self._next_id(), do, on_event, self._cancel)
        ticket.sent = True
        with self._lock:
            over = connection.over
            if not over:
                connection.tickets[ticket.id] = ticket
        if over:
            ticket.tell("error", trouble(Code.LOST, self._state.sentence))
        else:
            link.send(encode({"v": VERSION, "id": ticket.id, "do": do, **fields}))
        return ticket

    def _next_id(self) -> str:
        with self._lock:
            self._last_id += 1
            return f"r{self._last_id}"

    def _cancel(self, ticket: Ticket) -> None:
        connection = self._connection
        with self._lock:
            mine = connection.tickets.get(ticket.id) is ticket
            link = connection.link if mine and ticket.sent else None
            ticket.dropped = link is None
        if link is None:
            self._finish(connection, ticket, "error", trouble(Code.CANCELLED, f"{ticket.do}: cancelled"))
            return
        line = encode({"v": VERSION, "id": self._next_id(), "do": "cancel", "target": ticket.id})
        # A file that is being sent over a slow link may be in the way, and whoever cancels must not wait.
        threading.Thread(target=link.send, args=(line,), name="engine cancel", daemon=True).start()

    def _hear(self, connection: _Connection, line: bytes | None) -> None:
        """Take one line of the engine's."""
        if connection.over:
            return
        try:
            if line is None:
                raise ValueError("a line without end")
            message = orjson.loads(line)
            if not isinstance(message, dict) or "event" not in message:
                raise ValueError("no message")
            self._take(connection, message)
        except (ValueError, KeyError, TypeError) as error:
            if not connection.greeted.is_set() and line is not None and not line.startswith(b"{"):
                return  # a login shell that greets; what the engine says begins with {
            shown = visible((line or b"")[:80].decode("utf-8", "replace"))
            sentence = f"{self.name}: the engine sent something that is no reply ({error}): {shown!r}"
            self._end(connection, Code.PROTOCOL, sentence)

    def _take(self, connection: _Connection, message: dict[str, Any]) -> None:
        event = message["event"]
        if event == "state":
            self._engine_state(connection, message)
            return
        ticket = connection.tickets.get(message["id"] or "")
        if ticket is None:
            if message["id"] is None:
                raise ValueError(message.get("sentence"))  # it could not read what we said
            return  # a request of which nobody waits for the end, such as a cancel
        if event == "part":
            ticket.take_part(message)
        elif event == "log":
            ticket.take_log(_visible_lines(message["text"]))
        elif event in ("progress", "result", "error"):
            fields = {name: value for name, value in message.items() if name not in ("id", "event")}
            if event == "error":
                fields = trouble(str(fields["code"]), str(fields["sentence"]), str(fields.get("detail") or ""))
            if event == "progress":
                ticket.tell("progress", fields)
            elif event == "error" and fields["code"] == Code.ABSENT and not ticket.sent_again:
                self._send_again(connection, ticket)
            else:
                self._finish(connection, ticket, event, fields)

    def _send_again(self, connection: _Connection, ticket: Ticket) -> None:
        """The engine's cache has dropped a file that we had sent."""
        if connection.transfer is not None:
            connection.transfer.forget()
        with self._lock:
            ticket.sent, ticket.sent_again = False, True
        ticket.resend()

    def _finish(self, connection: _Connection, ticket: Ticket, kind: EventKind, fields: Mapping[str, Any]) -> None:
        with self._lock:
            connection.tickets.pop(ticket.id, None)
        ticket.tell(kind, fields)
        self._show(connection)

    def _greeted(self, connection: _Connection, event: Event) -> None:
        """The engine has answered the first question: it is ready, or it is none of ours."""
        if event.kind == "error":
            self._end(connection, event.fields["code"], f"{self.name}: {event.fields['sentence']}")
            return
        hello = dict(event.fields)
        if hello.get("protocol") != VERSION:
            sentence = f"{self.name}: the engine speaks protocol {hello.get('protocol')}, we speak {VERSION}"
            self._end(connection, Code.PROTOCOL, f"{sentence}; install the same braggtrace on both sides")
            return
        self._hello = hello
        connection.again = ""
        connection.greeted.set()
        self._show(connection)

    def _engine_state(self, connection: _Connection, message: Mapping[str, Any]) -> None:
        kind, sentence = message["state"], visible(str(message.get("sentence", "")))
        if kind == "failed":
            self._end(connection, Code.DIED, f"{self.name}: {sentence}")
            return
        connection.again = "" if kind == "ready" else sentence
        self._show(connection)

    def _show(self, connection: _Connection) -> None:
        """Say how the engine is: starting, busy with something, or ready."""
        with self._lock:
            if connection is not self._connection or connection.over:
                return
            working = [each.do for each in connection.tickets.values() if each.sent and each.do in _WORK]
        if connection.again or not connection.greeted.is_set():
            self._be("starting", f"{self.name}: {connection.again or 'starting'}")
        elif working:
            self._be("busy", f"{self.name}: busy with {working[0]}")
        else:
            self._be("ready", self._ready_sentence(self._hello or {}))

    def _ready_sentence(self, hello: Mapping[str, Any]) -> str:
        there = [str(each.get("name")) for each in hello.get("devices", ()) if each.get("available")]
        where = f" on {hello.get('host')}" if self.remote else ""
        return visible(f"{self.name}: ready{where}, {', '.join(there) or 'without PyTorch'}")

    def _end(self, connection: _Connection, code: str, sentence: str, *, silently: bool = False) -> None:
        """This run of the program is over, for whatever reason: everybody who waits is told."""
        with self._lock:
            if connection.over:
                return
            connection.over = True
            tickets = list(connection.tickets.values())
            connection.tickets.clear()
        if self._state.kind != "closed" and connection is self._connection:
            self._be("lost", sentence)
        connection.greeted.set()
        connection.to_send.put(None)
        said = "" if connection.link is None else connection.link.said()
        for ticket in tickets:
            ticket.tell("error", trouble(code, sentence, said), silently=silently)
        if connection.link is not None:
            connection.link.end()

    def _be(self, kind: StateKind, sentence: str) -> None:
        state = EngineState(kind, sentence, self._hello)
        with self._lock:
            if state == self._state or (self._state.kind == "closed" and kind in ("lost", "busy", "ready")):
                return
            self._state = state
        if self._on_state is not None:
            try:
                self._on_state(state)
            except Exception:  # noqa: BLE001 - whoever listens must not stop the engine's thread
                _LOG.exception("a state of the engine was not taken")


def _visible_lines(text: str) -> str:
    """What was printed, safe to show."""
    return "".join(f"{visible(line)}\n" for line in text.splitlines())
