"""A request under way, as the client sees it: what happens to it, and its end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from braggtrace.errors import EngineError
from braggtrace.service.protocol import Code, decode_base64, trouble

__all__ = ["Event", "EventKind", "OnEvent", "Ticket"]

_LOG = logging.getLogger("braggtrace.service")

EventKind = Literal["progress", "result", "error"]
OnEvent = Callable[["Event"], None]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a request.

    Attributes:
        id: of the ticket.
        kind: "progress" any number of times, then "result" or "error" once.
        fields: of progress: fraction, rate, unit, done, total. Of a result: what the verb gives. Of an error: code,
            sentence, detail. The last two also hold "log": what was printed meanwhile.
    """

    id: str
    kind: EventKind
    fields: Mapping[str, Any]


class Ticket:
    """One request that is under way."""

    def __init__(
        self,
        id: str,  # noqa: A002 - the protocol's name
        do: str,
        on_event: OnEvent,
        cancel: Callable[[Ticket], None],
        through: Callable[[Event], Event] | None = None,
    ) -> None:
        self.id, self.do = id, do
        self._on_event, self._cancel, self._through = on_event, cancel, through
        self._parts: dict[str, list[bytes | str]] = {}
        self._log: list[str] = []
        self._end: Event | None = None
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._over = False
        self.resend: Callable[[], None] = lambda: None
        self.sent = self.dropped = False
        self.sent_again = False

    @property
    def done(self) -> bool:
        """Whether there is a result or an error."""
        return self._ended.is_set()

    def cancel(self) -> None:
        """Ask for an end; an error "cancelled" follows, or the result if it is just done. Returns at once."""
        if not self.done:
            self._cancel(self)

    def wait(self, timeout_s: float | None = None) -> dict[str, Any]:
        """Wait for the result.

        Raises:
            EngineError: there is an error instead.
            TimeoutError: there is neither in that time; the request goes on.
        """
        if not self._ended.wait(timeout_s):
            raise TimeoutError(f"{self.do}: no answer within {timeout_s} s")
        assert self._end is not None  # set before the event
        fields = dict(self._end.fields)
        if self._end.kind == "error":
            raise EngineError(fields["code"], fields["sentence"], fields.get("detail", ""))
        return fields

    def take_part(self, message: Mapping[str, Any]) -> None:
        """Keep a piece of the result.

        Raises:
            ValueError: the message holds none.
        """
        name = message.get("field")
        if not isinstance(name, str):
            raise ValueError("a part without a name")
        piece = message["text"] if isinstance(message.get("text"), str) else decode_base64(message.get("data"))
        pieces = self._parts.setdefault(name, [])
        if pieces and type(pieces[0]) is not type(piece):
            raise ValueError("a part of text and bytes")
        pieces.append(piece)

    def take_log(self, text: str) -> None:
        """Keep what was printed."""
        self._log.append(text)

    def tell(self, kind: EventKind, fields: Mapping[str, Any], *, silently: bool = False) -> None:
        """Pass an event on; only the first result or error counts."""
        with self._lock:
            if self._over:
                return
            self._over = kind != "progress"
        if kind != "progress":
            joined = {name: _joined(pieces) for name, pieces in self._parts.items()} if kind == "result" else {}
            fields = {**fields, **joined, "log": "".join(self._log)}
            self._parts.clear()
        event = Event(self.id, kind, fields)
        if kind != "progress" and self._through is not None:
            try:
                event = self._through(event)
            except Exception as error:  # noqa: BLE001 - whoever waits must be told
                _LOG.exception("the end of %s was not taken", self.do)
                event = Event(self.id, "error", trouble(Code.INTERNAL, f"{self.do}: {error!r}"))
        if not silently:
            try:
                self._on_event(event)
            except Exception:  # noqa: BLE001 - whoever listens must not stop the engine's thread
                _LOG.exception("an event of %s was not taken", self.do)
        if kind != "progress":
            self._end = event
            self._ended.set()


def _joined(pieces: list[Any]) -> str | bytes:
    return b"".join(pieces) if isinstance(pieces[0], bytes) else "".join(pieces)
