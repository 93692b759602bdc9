"""Who asks the engine why: one question at a time, the latest that matters."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from braggtrace.compare.judge import rejudge
from braggtrace.compare.model import Comparison
from braggtrace.compare.tolerance import Tolerances
from braggtrace_tui.config import NO_ENGINE, EngineChoice
from braggtrace_tui.engine import EngineHold
from braggtrace_tui.session import Session
from braggtrace_tui.whydesk import MOST_PIXELS, WhyDesk
from tests.tui.fake_engine import FakeEngine
from tests.tui.why_answers import ROT_A, ROT_B, answer


class Room:
    """A desk with its engine, and a loop that the test turns."""

    def __init__(self, choice: EngineChoice | None = None) -> None:
        self.engine = FakeEngine()
        self.engine.why = answer
        self.engine.slow_start = True
        self.waiting: deque[Callable[[], None]] = deque()
        self.news = 0
        self.hold = EngineHold(choice or EngineChoice(), {}, self.waiting.append, self._state, self.engine.make)
        self.desk = WhyDesk(self.hold, self.waiting.append, self._changed)

    def _state(self) -> None:
        self.desk.engine_changed()

    def _changed(self) -> None:
        self.news += 1

    def turn(self, until: Callable[[], bool], seconds: float = 5) -> None:
        """Run what is to be run in the loop until something is so."""
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, "it never came"
            while self.waiting:
                self.waiting.popleft()()
            time.sleep(0.002)

    def start(self) -> None:
        """The engine becomes ready."""
        self.hold.start()
        self.engine.become("ready")
        self.turn(lambda: self.hold.kind == "ready")

    def taken(self) -> tuple[str, ...]:
        """What the explanation takes as mended."""
        assert self.desk.why is not None
        return self.desk.why.explanation.accepted


@pytest.fixture
def room() -> Room:
    """The engine has not been started."""
    return Room()


def test_it_asks_once_when_the_engine_is_ready(room: Room, comparison: Comparison) -> None:
    """Not before, and not again."""
    room.desk.look(comparison)
    assert room.engine.replays == []
    assert room.desk.waits_for == "the engine is starting"
    room.start()
    room.turn(lambda: room.desk.why is not None)
    room.desk.look(comparison)
    room.desk.go_on()
    assert len(room.engine.replays) == 1
    assert room.engine.replays[0]["accepted"] == []
    assert not room.desk.pending
    assert room.news == 1


def test_another_tolerance_is_asked_anew_while_the_old_answer_stays(room: Room, comparison: Comparison) -> None:
    """The screen is never empty meanwhile."""
    room.start()
    room.desk.look(comparison)
    room.turn(lambda: room.desk.why is not None)
    before = room.desk.why
    looser = rejudge(comparison, Tolerances().scaled(10.0))
    room.desk.look(looser)
    assert room.desk.why is before
    room.turn(lambda: room.desk.why is not before)
    assert [fields["loosened"] for fields in room.engine.replays] == [1.0, 10.0]


def test_other_traces_cancel_what_is_under_way(room: Room, comparison: Comparison, stale: tuple[str, str]) -> None:
    """And what was known is forgotten at once."""
    room.start()
    room.desk.look(comparison)
    room.turn(lambda: room.desk.why is not None)
    room.engine.why_seconds = 60
    room.desk.visit((5, 5))
    other = Session(stale[1], stale[0]).read_all().comparison
    room.turn(lambda: room.engine.slow_replays == 1)
    room.engine.why_seconds = 0
    room.desk.look(other, afresh=True)
    assert room.desk.why is None
    room.turn(lambda: len(room.engine.replays) == 3 and room.desk.why is not None)
    assert room.engine.replays[-1]["reference"] == [stale[1]]
    assert room.engine.replays[-1]["pixels"] == []


def test_a_fix_is_asked_for_and_undone_at_once(room: Room, comparison: Comparison) -> None:
    """What was answered before is known without asking."""
    room.start()
    room.desk.look(comparison)
    room.turn(lambda: room.desk.why is not None)
    room.desk.accept(ROT_A)
    room.desk.accept(ROT_A)
    room.turn(lambda: room.taken() == (ROT_A,))
    room.desk.accept(ROT_B)
    room.turn(lambda: room.taken() == (ROT_A, ROT_B))
    assert room.desk.why is not None
    assert [root.id for root in room.desk.why.fixed] == [ROT_A, ROT_B]
    asked = len(room.engine.replays)
    assert room.desk.undo() == ROT_B
    assert room.taken() == (ROT_A,)
    room.desk.accept(ROT_B)
    assert room.taken() == (ROT_A, ROT_B)
    assert room.desk.undo() == ROT_B
    assert room.desk.undo() == ROT_A
    assert room.desk.undo() == ""
    assert room.taken() == ()
    assert asked == len(room.engine.replays) == 3


def test_a_visited_pixel_is_looked_at_too(room: Room, comparison: Comparison) -> None:
    """With those that were; the base again before the fixes; the oldest visit gives way."""
    room.start()
    room.desk.look(comparison)
    room.turn(lambda: room.desk.why is not None)
    chosen = room.desk.why.explanation.pixels if room.desk.why is not None else ()
    room.desk.visit((1639, 966))
    assert len(room.engine.replays) == 1  # is among them already
    room.desk.accept(ROT_A)
    room.turn(lambda: room.taken() == (ROT_A,))
    room.desk.visit((7, 8))
    room.turn(lambda: not room.desk.pending)
    assert [fields["accepted"] for fields in room.engine.replays] == [[], [ROT_A], [], [ROT_A]]
    assert room.engine.replays[-1]["pixels"] == [*(list(each or ()) for each in chosen), [7, 8]]
    for number in range(20):
        room.desk.visit((number, 1))
        room.turn(lambda: not room.desk.pending)
    pixels = room.engine.replays[-1]["pixels"]
    assert len(pixels) == MOST_PIXELS
    assert pixels[: len(chosen)] == [*(list(each or ()) for each in chosen)]
    assert pixels[-1] == [19, 1]
    assert room.taken() == (ROT_A,)


def test_without_an_engine_it_says_so(comparison: Comparison) -> None:
    """Nothing is asked."""
    room = Room(NO_ENGINE)
    room.desk.look(comparison)
    assert "switched off" in room.desk.trouble
    assert not room.desk.pending
    assert room.engine.starts == 0


def test_an_error_is_a_sentence_and_may_be_asked_again(room: Room, comparison: Comparison) -> None:
    """Whoever insists is heard."""
    room.engine.why = None
    room.start()
    room.desk.look(comparison)
    room.turn(lambda: bool(room.desk.trouble))
    assert room.desk.trouble == "PyTorch is not installed"
    room.engine.why = answer
    room.desk.go_on()
    assert len(room.engine.replays) == 1
    room.desk.insist()
    room.turn(lambda: room.desk.why is not None)
    assert room.desk.trouble == ""


def test_a_fix_that_fails_leaves_what_was_known(room: Room, comparison: Comparison) -> None:
    """And is not counted."""
    room.start()
    room.desk.look(comparison)
    room.turn(lambda: room.desk.why is not None)
    room.engine.fails["replay"] = ("internal", "a bug")
    room.desk.accept(ROT_A)
    room.turn(lambda: bool(room.desk.trouble))
    assert room.desk.accepted == room.taken() == ()
    assert not room.desk.pending


def test_an_engine_that_is_lost_is_asked_again_when_it_is_back(room: Room, comparison: Comparison) -> None:
    """By itself."""
    room.desk.look(comparison)
    room.hold.start()
    room.engine.become("lost", "ended by SIGKILL")
    room.turn(lambda: bool(room.desk.trouble))
    assert room.desk.trouble.startswith("M connects again: ")
    room.engine.become("ready")
    room.turn(lambda: room.desk.why is not None)


def test_an_answer_about_other_traces_is_refused(room: Room, comparison: Comparison) -> None:
    """Its rows are not there."""

    def longer(fields: Mapping[str, Any]) -> Mapping[str, Any]:
        document = dict(answer(fields))
        document["quantities"][0]["pair_rows"][0] = 4711
        return document

    room.engine.why = longer
    room.start()
    room.desk.look(comparison)
    room.turn(lambda: bool(room.desk.trouble))
    assert "has read other traces" in room.desk.trouble


def test_a_reply_that_makes_no_sense_is_an_error(room: Room, comparison: Comparison) -> None:
    """Not a crash of the screen."""
    room.engine.why = lambda fields: {"roots": 3}
    room.start()
    room.desk.look(comparison)
    room.turn(lambda: bool(room.desk.trouble))
    assert "makes no sense" in room.desk.trouble
