"""Why it diverges, told key by key; the engine is a fake that says what a real one said about the demo."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from braggtrace_tui.config import NO_ENGINE, Backends, EngineChoice
from braggtrace_tui.pieces import plain
from braggtrace_tui.screens.causes import CausesScreen
from braggtrace_tui.screens.compare import CompareScreen
from tests.tui.fake_engine import FakeEngine
from tests.tui.rerun_hand import Hand, Tell, engine, tell
from tests.tui.why_answers import ROT_A, ROT_B, answer, why_document

__all__ = ["engine", "tell"]

NARROW, WIDE = (80, 24), (120, 40)


@pytest.fixture(autouse=True)
def knows(engine: FakeEngine) -> None:
    """The engine knows why."""
    engine.why = answer


def column(hand: Hand) -> list[str]:
    """The verdict column of the open group, without what agrees."""
    table = hand.compare.table
    lines = [plain(table.line(number)) for number in range(table.line_count)]
    return [line[1:15].strip() for line in lines if line.startswith((" ≠", " ✓"))]


def verdict(hand: Hand) -> str:
    """The answer above the table."""
    return " ".join(hand.compare.verdict.text.split())


def detail(hand: Hand) -> str:
    """The detail pane."""
    return " ".join(" ".join(plain(line).split()) for line in hand.compare.detail.lines)


async def explained(hand: Hand) -> None:
    """Wait for the answer."""
    await hand.until(lambda: hand.compare.why is not None)
    await hand.pilot.pause(0.15)


async def causes(hand: Hand) -> CausesScreen:
    """`C`."""
    await hand.press("C")
    screen = hand.app.screen
    assert isinstance(screen, CausesScreen)
    await hand.until(lambda: bool(screen.tree_list.branches))
    return screen


@pytest.mark.parametrize("size", [NARROW, WIDE])
def test_the_cause_appears_by_itself(tell: Tell, engine: FakeEngine, size: tuple[int, int]) -> None:
    """In the column, in the headline, in the detail pane; nothing moves, and it is asked for once."""
    engine.slow_start = True

    async def story(hand: Hand) -> None:
        screen = hand.compare
        before = (screen.table.cursor, screen.table.top, screen.table.region, screen.footer.message)
        assert "rot_a.y diverges first" in verdict(hand)
        assert column(hand)[0] == "≠ first"
        engine.become("ready")
        await explained(hand)
        assert (screen.table.cursor, screen.table.top, screen.table.region, screen.footer.message) == before
        assert "rot_a originates in the reference at pixel 1639 966, phi_tic 0: STALE_VALUE" in verdict(hand)
        said = column(hand)
        assert said[:4] == ["≠ STALE_VALUE"] * 3 + ["≠ from rot_a"]
        assert "≠ from 3 roots" in said
        if size == WIDE:
            assert "why root: STALE_VALUE 99 % sure" in detail(hand)

    tell(story, size=size)
    assert len(engine.replays) == 1


def test_the_detail_of_what_inherits(tell: Tell) -> None:
    """The way from the root, and why the difference grew."""

    async def story(hand: Hand) -> None:
        await explained(hand)
        await hand.press(*["n"] * 7)
        await hand.pilot.pause(0.2)
        assert "F_latt_b" in hand.line
        assert "inherits rot_b" in detail(hand)
        assert "0.998 % in k_frac becomes 163 % in F_latt_b because" in detail(hand)

    tell(story, size=WIDE)


def test_an_export_tells_the_cause(tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the text and in the data."""
    monkeypatch.chdir(tmp_path)

    async def story(hand: Hand) -> None:
        await explained(hand)
        await hand.press("e", "t", "e", "j", "e", "m")

    tell(story)
    assert "rot_a, rot_b and rot_c: STALE_VALUE in the reference" in Path("braggtrace.txt").read_text()
    roots = json.loads(Path("braggtrace.json").read_text())["roots"]
    assert [root["cause"]["code"] for root in roots] == ["STALE_VALUE"] * 3
    assert "STALE_VALUE" in Path("braggtrace.md").read_text()


def test_the_tree_of_roots(tell: Tell) -> None:
    """`C`, open a root, Enter on an heir goes to its row; Esc goes back to where one was."""

    async def story(hand: Hand) -> None:
        await explained(hand)
        before = hand.line
        screen = await causes(hand)
        assert "causes: 3 roots" in screen.title_line.text
        assert "explain 100.0 %" in " ".join(screen.budget.text.split())
        await hand.press("escape")
        assert hand.line == before
        screen = await causes(hand)
        await hand.press("down", "space", "down", "down")
        assert screen.tree_list.branch is not None
        assert screen.tree_list.branch.heir == "F_latt_b"
        assert "rot_b originates here" in " ".join(screen.about.text.split())
        await hand.press("enter")
        assert isinstance(hand.app.screen, CompareScreen)
        assert hand.line.startswith("≠ from rot_b F_latt_b")
        screen = await causes(hand)
        await hand.press("down", "down", "enter")
        assert hand.line.startswith("≠ STALE_VALUE rot_c")

    tell(story, size=NARROW)


def test_fix_and_go_on_until_everything_agrees(tell: Tell, engine: FakeEngine) -> None:
    """`F` three times; `U` takes the last one back; `n` passes over what is mended."""

    async def story(hand: Hand) -> None:
        await explained(hand)
        await hand.press("F")
        await hand.until(lambda: "rot_a is taken as mended; 2 roots are left" in hand.message)
        assert hand.line.startswith("≠ STALE_VALUE rot_b")
        assert "✓ 1 fix" in hand.compare.header.text
        assert verdict(hand).startswith("≠ with 1 fix: rot_b originates")
        assert column(hand)[:5] == ["✓ with fix", "≠ STALE_VALUE", "≠ STALE_VALUE", "✓ with fix", "≠ from rot_b"]
        await hand.press("n", "n")
        assert "k_frac" in hand.line
        await hand.press("F")
        await hand.until(lambda: "1 root is left" in hand.message)
        assert hand.line.startswith("≠ STALE_VALUE rot_c")
        await hand.press("F")
        await hand.until(lambda: "with these 3 fixes everything agrees" in hand.message)
        assert verdict(hand) == "✓ with these 3 fixes everything agrees: rot_a, rot_b and rot_c"
        assert set(column(hand)) == {"✓ with fix"}
        await hand.press("n")
        assert "last divergence" in hand.message
        await hand.press("F")
        assert "no root is left" in hand.message
        await hand.press("U")
        assert "the fix of rot_c is undone" in hand.message
        assert hand.line.startswith("≠ STALE_VALUE rot_c")
        await hand.press("U", "U")
        assert "✓" not in hand.compare.header.text
        await hand.press("U")
        assert "no fix is accepted" in hand.message

    tell(story)
    assert [len(fields["accepted"]) for fields in engine.replays] == [0, 1, 2, 3]


def test_the_root_under_the_cursor_is_fixed(tell: Tell, engine: FakeEngine) -> None:
    """And one goes on to the one after it."""

    async def story(hand: Hand) -> None:
        await explained(hand)
        await hand.press("n", "F")
        await hand.until(lambda: "rot_b is taken as mended" in hand.message)
        assert hand.line.startswith("≠ STALE_VALUE rot_c")

    tell(story)
    assert engine.replays[-1]["accepted"] == [ROT_B]


def test_fixing_on_the_overview(tell: Tell, engine: FakeEngine) -> None:
    """The tree changes under the eyes, the cursor goes on, and so does the table behind it."""

    async def story(hand: Hand) -> None:
        await explained(hand)
        screen = await causes(hand)
        await hand.press("F")
        await hand.until(lambda: "2 roots are left" in screen.hint.text)
        assert "1 fix accepted" in screen.title_line.text
        assert screen.tree_list.branch is not None
        assert screen.tree_list.branch.root.id == ROT_B
        await hand.press("up", "F")
        assert "already" in screen.hint.text
        await hand.press("U")
        assert "undone" in screen.hint.text
        assert "fix accepted" not in screen.title_line.text
        await hand.press("y")
        assert screen.hint.text.strip()
        await hand.press("escape")
        assert column(hand)[0] == "≠ STALE_VALUE"

    tell(story)
    assert [fields["accepted"] for fields in engine.replays] == [[], [ROT_A]]


def test_another_tolerance_is_explained_anew(tell: Tell, engine: FakeEngine) -> None:
    """Once the keys have come to rest; the fixes that were accepted stay."""

    async def story(hand: Hand) -> None:
        await explained(hand)
        await hand.press("F")
        await hand.until(lambda: "2 roots are left" in hand.message)
        await hand.press("plus", "plus", "minus")
        assert column(hand)[0] == "✓ with fix"
        await hand.until(lambda: len(engine.replays) == 4)
        await hand.until(lambda: not hand.compare.causes.pending)
        assert column(hand)[0] == "✓ with fix"
        for _ in range(8):
            await hand.press("plus")
        assert "values agree" in verdict(hand)
        await hand.press("C")
        assert "nothing diverges at this tolerance" in hand.message

    tell(story)
    asked = [(fields["loosened"], len(fields["accepted"])) for fields in engine.replays]
    assert asked == [(1.0, 0), (1.0, 1), (10.0, 0), (10.0, 1)]


def test_a_pixel_that_was_not_looked_at_is_asked_for(tell: Tell, engine: FakeEngine) -> None:
    """Once one stays there."""

    def few(fields: Mapping[str, Any]) -> Mapping[str, Any]:
        document = dict(why_document(*fields["accepted"]))
        document["pixels"] = fields["pixels"] or [[1639, 966]]
        return document

    engine.why = few

    async def story(hand: Hand) -> None:
        await explained(hand)
        await hand.press("right_square_bracket", "right_square_bracket")
        await hand.until(lambda: len(engine.replays) == 2)
        await hand.until(lambda: not hand.compare.causes.pending)

    tell(story)
    assert engine.replays[-1]["pixels"] == [[1639, 966], [1640, 966]]


def test_other_traces_are_explained_anew(tell: Tell, engine: FakeEngine) -> None:
    """After a run nothing of before is shown; going back asks again, and fixes are gone."""

    def short(fields: Mapping[str, Any]) -> Mapping[str, Any]:
        document = dict(answer(fields))
        for each in document["quantities"] if fields["only"] else ():
            for key in ("pair_rows", "states", "row_roots"):
                each[key] = each[key][:1]
        return document

    engine.why = short

    async def story(hand: Hand) -> None:
        await explained(hand)
        await hand.press("F")
        await hand.until(lambda: "2 roots are left" in hand.message)
        engine.why_seconds = 0.2
        await hand.open_form()
        await hand.press("enter")
        await hand.until(lambda: "traced again" in hand.message)
        assert "✓ 1 fix" not in hand.compare.header.text
        assert column(hand)[0] == "≠ first"
        await hand.until(lambda: hand.compare.why is not None)
        await hand.press("B")
        assert hand.compare.why is None
        await hand.until(lambda: hand.compare.why is not None)
        assert column(hand)[0] == "≠ STALE_VALUE"

    tell(story)
    assert [fields["only"] for fields in engine.replays] == [[], [], [[1639, 966]], []]


@pytest.mark.parametrize("size", [NARROW, WIDE])
def test_without_pytorch_one_calm_sentence(tell: Tell, engine: FakeEngine, size: tuple[int, int]) -> None:
    """Where the cause would be; everything else is as ever, and `C` asks again."""
    engine.why = None

    async def story(hand: Hand) -> None:
        await hand.until(lambda: "why: PyTorch is not installed" in verdict(hand))
        assert column(hand)[:2] == ["≠ first", "≠ diverges"]
        await hand.press("F")
        assert "no root is known" in hand.message
        engine.why = answer
        await hand.press("C")
        assert "asking" in hand.message
        await explained(hand)
        assert column(hand)[0] == "≠ STALE_VALUE"

    tell(story, size=size)


def test_without_an_engine_nothing_is_asked(tell: Tell, engine: FakeEngine) -> None:
    """And the key says why not."""

    async def story(hand: Hand) -> None:
        await hand.press("C")
        assert "switched off by --engine none" in hand.message
        assert column(hand)[:2] == ["≠ first", "≠ diverges"]

    tell(story, backends=Backends(NO_ENGINE))
    assert engine.replays == []


def test_keys_go_on_while_answers_arrive(tell: Tell, engine: FakeEngine) -> None:
    """Each moves the cursor by one line, whatever comes in between."""

    async def story(hand: Hand) -> None:
        await explained(hand)
        begin = hand.compare.table.cursor
        for number in range(12):
            if number % 4 == 0:  # an answer is on its way while the next keys are pressed
                hand.compare.causes._known.clear()
                hand.compare.causes.go_on()
            await hand.press("down")
            assert hand.compare.table.cursor == begin + number + 1
        await hand.until(lambda: not hand.compare.causes.pending)

    tell(story)
    assert len(engine.replays) >= 4


needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="the engine computes with torch")


@needs_torch
def test_the_real_engine_says_what_was_recorded(stale: tuple[str, str]) -> None:
    """Roots, sides, codes, verdicts of every row, with and without a fix."""
    from braggtrace.service.client import Engine
    from braggtrace.service.replayrequest import explanation_of, replay_fields
    from braggtrace_tui.session import Session

    comparison = Session(*stale).read_all().comparison
    with Engine() as real:
        for accepted in ((), (ROT_A,), (ROT_B,)):
            found = explanation_of(real.call("replay", replay_fields(comparison, accepted=accepted)))
            known = why_document(*accepted)
            for document in (found, known):
                for each in document["roots"]:
                    each["cause"] = each["cause"]["code"]
            kept = ("id", "side", "verdict", "cause", "inherited_by", "pairing", "row")
            assert [[each[key] for key in kept] for each in found["roots"]] == [
                [each[key] for key in kept] for each in known["roots"]
            ]
            assert found["quantities"] == known["quantities"]


@needs_torch
def test_with_the_real_engine_from_the_cause_to_the_last_fix(stale: tuple[str, str], tmp_path: Path) -> None:
    """Nothing is faked here."""
    from braggtrace_tui.app import BraggtraceApp
    from braggtrace_tui.session import Session
    from braggtrace_tui.settings import Settings
    from tests.tui.conftest import PLAIN

    session = Session(*stale)
    backends = Backends(EngineChoice(), runs=tmp_path)
    app = BraggtraceApp(PLAIN, Settings(), session, session.first_look(), backends)

    async def act() -> None:
        async with app.run_test(size=NARROW) as pilot:
            hand = Hand(app, pilot)
            try:
                await hand.until(lambda: hand.compare.why is not None, seconds=60)
                assert column(hand)[:2] == ["≠ STALE_VALUE", "≠ STALE_VALUE"]
                for words in ("2 roots are left", "1 root is left", "everything agrees"):
                    await hand.press("F")
                    await hand.until(lambda words=words: words in hand.message, seconds=30)  # type: ignore[misc]
                assert set(column(hand)) == {"✓ with fix"}
            finally:
                app.close_engine()

    asyncio.run(act())
