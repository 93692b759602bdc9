"""Asks the engine why two traces diverge: in the background, once for each comparison, again where something changes.

One question is under way at a time. What is asked meanwhile waits, the latest of it. What nobody wants to know any more
is cancelled if it is about other traces, or takes long: the engine would have to start again what is nearly done.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from braggtrace.compare.model import Comparison
from braggtrace.errors import BraggtraceError, EngineError
from braggtrace.replay.model import Explanation, Root
from braggtrace_tui.engine import NO_ENGINE_WORDS, EngineHold
from braggtrace_tui.explaining import Why, explained, explanation_from, fits
from braggtrace_tui.pieces import safe

if TYPE_CHECKING:
    from braggtrace.service.client import Event, Ticket

__all__ = ["MOST_PIXELS", "WhyDesk"]

MOST_PIXELS = 12
"""Pixels that are looked at, at once: those of the engine's choice, and the latest that were visited."""

_LONG_S = 2.0
"""An answer that nobody waits for may take so long; ending it in the middle may cost the engine as much."""

_SENT_UNASKED = 64 << 20
"""Bytes of traces that are sent to an engine elsewhere without being asked for."""

Pixel = tuple[int, int]
Accepted = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """What was asked."""

    comparison: Comparison
    pixels: tuple[Pixel, ...]
    accepted: Accepted


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """An answer."""

    explanation: Explanation
    story: str


class WhyDesk:
    """The explanation of one comparison after another.

    Attributes:
        why: what is known, None before the first answer.
        accepted: ids of the roots that the user takes as mended, in that order.
        trouble: why there is no answer, "" while there is one or one is awaited.
    """

    def __init__(
        self, hold: EngineHold, hop: Callable[[Callable[[], None]], object], changed: Callable[[], None]
    ) -> None:
        """Make a desk.

        Args:
            hold: the engine.
            hop: runs a function in the screen's loop; may be called from any thread.
            changed: is called there when there is news.
        """
        self._hold = hold
        self._hop = hop
        self._changed = changed
        self._comparison: Comparison | None = None
        self._pixels: tuple[Pixel, ...] = ()
        self._visited: tuple[Pixel, ...] = ()
        self._known: dict[Accepted, _Known] = {}
        self._roots: dict[str, Root] = {}
        self._asked: _Question | None = None
        self._ticket: Ticket | None = None
        self._since = 0.0
        self._lost = False
        self._wanted = False
        self.why: Why | None = None
        self.accepted: Accepted = ()
        self.trouble = ""

    # -- what is asked -----------------------------------------------------------------------------------------------

    def look(self, comparison: Comparison, *, afresh: bool = False) -> None:
        """Explain this comparison.

        Args:
            comparison: complete.
            afresh: it is of other traces: nothing that was known or accepted holds.
        """
        if comparison is self._comparison:
            return
        if afresh or time.monotonic() - self._since > _LONG_S:
            self._cancel()
        if afresh:
            self.why, self.accepted, self._visited = None, (), ()
        self._comparison, self._pixels, self._known, self.trouble = comparison, (), {}, ""
        self._wanted = False
        self.go_on()

    def forget(self) -> None:
        """There is nothing to explain."""
        self._cancel()
        self._comparison, self.why, self.trouble = None, None, ""
        self._known, self._pixels, self._visited, self.accepted = {}, (), (), ()

    def visit(self, pixel: Pixel) -> None:
        """Look at this pixel, too; only where the engine's own choice is known."""
        known = () if self.why is None else self.why.explanation.pixels
        if not known or None in known or pixel in (*known, *self._pixels) or pixel[0] < 0:
            return
        self._visited = (*(each for each in self._visited if each != pixel), pixel)
        chosen = self._pixels or tuple(each for each in known if each is not None)
        own = [each for each in chosen if each not in self._visited]
        self._visited = self._visited[-max(1, MOST_PIXELS - len(own)) :]
        self._pixels = (*own, *self._visited)
        self._known, self.trouble = {}, ""
        self.go_on()

    def accept(self, root: str) -> None:
        """Take a root as mended."""
        if root not in self.accepted:
            self.accepted, self.trouble = (*self.accepted, root), ""
            self._publish()

    def undo(self) -> str:
        """Take the last fix back; returns the id of its root, "" if there is none."""
        if not self.accepted:
            return ""
        *kept, last = self.accepted
        self.accepted, self.trouble = tuple(kept), ""
        self._publish()
        return last

    def insist(self) -> None:
        """Ask although traces would have to be sent, or although it failed."""
        self.trouble, self._wanted = "", True
        self.go_on()

    # -- what is known -----------------------------------------------------------------------------------------------

    @property
    def pending(self) -> bool:
        """What is shown is not the answer to what is wanted."""
        return self._comparison is not None and not self.trouble and self._missing() is not None

    @property
    def waits_for(self) -> str:
        """What the answer waits for, in words."""
        kind = self._hold.kind
        if kind in ("idle", "starting"):
            return "the engine is starting"
        if kind == "busy" and self._ticket is None:
            return "the engine is busy"
        return "replaying both traces"

    def engine_changed(self) -> None:
        """The engine has become ready, or was lost."""
        if self._lost and self._hold.kind in ("starting", "ready", "busy"):
            self._lost, self.trouble = False, ""
        self.go_on()

    def go_on(self) -> None:
        """Ask what is missing, if nothing is under way."""
        question = self._question()
        if question is None or self._ticket is not None or self.trouble:
            return
        if self._hold.off:
            self._fail(NO_ENGINE_WORDS)
        elif self._hold.kind in ("ready", "busy"):
            self._send(question)
        elif self._hold.kind == "lost" and self._hold.state is not None:
            self._lost = True
            self._fail(_sentence(EngineError("lost", self._hold.state.sentence)))

    def close(self) -> None:
        """Nothing is wanted any more."""
        self.forget()

    # -- asking --------------------------------------------------------------------------------------------------------

    def _missing(self) -> Accepted | None:
        return next((each for each in ((), self.accepted) if each not in self._known), None)

    def _question(self) -> _Question | None:
        missing = self._missing()
        if self._comparison is None or missing is None:
            return None
        return _Question(self._comparison, self._pixels, missing)

    def _send(self, question: _Question) -> None:
        from braggtrace.service.replayrequest import replay_fields

        comparison = question.comparison
        sources = [source for trace in (comparison.reference, comparison.candidate) for source in trace.sources]
        try:
            fields = replay_fields(comparison, question.pixels, question.accepted)
            if any(source.changed() for source in sources):
                raise EngineError("input", "a file has changed on disk: r reads both again")
            size = sum(Path(source.name).stat().st_size for source in sources)
        except (BraggtraceError, OSError) as error:
            self._fail(str(error))
            return
        if self._hold.choice.command and size > _SENT_UNASKED and not self._wanted:
            self._fail(f"C sends the traces ({size >> 20:,} MB) to the engine {self._hold.choice.name}")
            return
        client = self._hold.client
        if client is None:
            return
        self._asked, self._since = question, time.monotonic()

        def heard(event: Event) -> None:
            """On the engine's thread: an explanation of many rows takes a while to read."""
            if event.kind == "progress":
                return
            answer = _read(event, comparison)
            self._hop(lambda: self._take(question, answer))

        self._ticket = client.request("replay", fields, heard)

    def _take(self, question: _Question, answer: _Known | EngineError) -> None:
        """In the screen's loop. An answer to a question that nobody has any more is dropped."""
        if question is not self._asked:
            return
        self._asked = self._ticket = None
        if isinstance(answer, EngineError):
            if answer.code == "cancelled":
                return
            self._lost = answer.code in ("lost", "died")
            self._fail(_sentence(answer))
            return
        if question.comparison is self._comparison and question.pixels == self._pixels:
            self._known[question.accepted] = answer
            self._publish()
        else:
            self.go_on()

    def _publish(self) -> None:
        """Show what is known, or ask for what is not."""
        base, current = self._known.get(()), self._known.get(self.accepted)
        if self._comparison is not None and base is not None and current is not None:
            taken = tuple(each for each in self.accepted if each in current.explanation.accepted)
            if taken != self.accepted:  # at this tolerance some are no roots
                self._known[taken] = current
                self.accepted = taken
            self._roots |= {root.id: root for each in (base, current) for root in each.explanation.roots}
            fixed = tuple(self._roots[each] for each in taken if each in self._roots)
            self.why = explained(self._comparison, base.explanation, current.explanation, current.story, fixed)
            self.trouble = ""
        self.go_on()
        self._changed()

    def _fail(self, sentence: str) -> None:
        self.trouble = safe(sentence)
        self.accepted = () if self.why is None else self.why.explanation.accepted
        self._changed()

    def _cancel(self) -> None:
        ticket, self._ticket, self._asked = self._ticket, None, None
        if ticket is not None:
            ticket.cancel()


def _read(event: Event, comparison: Comparison) -> _Known | EngineError:
    from braggtrace.service.replayrequest import explanation_of

    fields = event.fields
    if event.kind != "result":
        return EngineError(str(fields.get("code", "")), str(fields.get("sentence", "")))
    try:
        explanation = explanation_from(explanation_of(fields))
    except EngineError as error:
        return error
    if not fits(explanation, comparison):
        return EngineError("input", "the engine has read other traces than this screen: r reads both again")
    return _Known(explanation, str(fields.get("story", "")))


def _sentence(error: EngineError) -> str:
    """What went wrong and what to do about it; what to do comes first, the rest may be wider than the screen."""
    if error.code in ("lost", "died"):
        return f"M connects again: {error.sentence}"
    if error.code == "unknown":
        return "the engine is older than this program and can't replay; M uses another"
    return error.sentence
