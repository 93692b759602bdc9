"""What a person does on the compare screen, told key by key."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from braggtrace_tui.app import BraggtraceApp
from braggtrace_tui.pieces import plain
from braggtrace_tui.screens.compare import CompareScreen
from braggtrace_tui.screens.help import HelpScreen
from braggtrace_tui.screens.pixels import PixelScreen
from braggtrace_tui.settings import Settings, load_settings
from tests.tui.conftest import MakeApp, settled

Story = Callable[["Hand"], Awaitable[None]]


class Hand:
    """A hand on the keyboard, and eyes."""

    def __init__(self, app: BraggtraceApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    @property
    def screen(self) -> CompareScreen:
        return next(each for each in reversed(self.app.screen_stack) if isinstance(each, CompareScreen))

    @property
    def line(self) -> str:
        """The line under the cursor."""
        table = self.screen.table
        return plain(table.line(table.cursor)).strip()

    @property
    def header(self) -> str:
        return self.screen.header.text

    @property
    def verdict(self) -> str:
        return self.screen.verdict.text

    @property
    def message(self) -> str:
        return self.screen.footer.message

    @property
    def table(self) -> list[str]:
        return [plain(self.screen.table.line(number)) for number in range(self.screen.table.line_count)]


def tell(app: BraggtraceApp, story: Story, size: tuple[int, int] = (100, 30)) -> None:
    """Run a story."""

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            await story(Hand(app, pilot))

    asyncio.run(run())


@pytest.fixture
def app(make_app: MakeApp, stale: tuple[str, str]) -> BraggtraceApp:
    """The demo."""
    return make_app(*stale)


def test_it_opens_on_the_first_divergence_and_says_so(app: BraggtraceApp) -> None:
    """No key is needed for the answer."""

    async def story(hand: Hand) -> None:
        assert hand.line.startswith("≠ first        rot_a.y")
        assert "rot_a.y diverges first at pixel 1639 966, phi_tic 0" in hand.verdict
        assert "pixel 1639 966" in hand.header
        assert "phi_tic 0" in hand.header
        assert "rtol 1e-6" in hand.header
        assert "≠ 128" in hand.header

    tell(app, story)


def test_walking_from_divergence_to_divergence(app: BraggtraceApp) -> None:
    """`n` opens what it needs, goes on in the next pixel, and ends with words; `f` comes back."""

    async def story(hand: Hand) -> None:
        await hand.press("n")
        assert hand.line.startswith("≠ diverges     rot_b.y")
        await hand.press("N")
        assert hand.line.startswith("≠ first")
        await hand.press("end", "n")
        assert "pixel 1639 966" not in hand.header
        assert hand.line.startswith("≠ diverges")
        await hand.press(*["right_square_bracket"] * 3, "end", "n")
        assert "last divergence" in hand.message
        await hand.press("f")
        assert hand.line.startswith("≠ first")
        assert "pixel 1639 966" in hand.header

    tell(app, story)


def test_stepping_like_a_debugger(app: BraggtraceApp) -> None:
    """The same quantity at the next phi step, in the next pixel, and where it diverges next."""

    async def story(hand: Hand) -> None:
        await hand.press("right")
        assert hand.line.startswith("= agrees       rot_a.x")
        assert "phi_tic 1  phi 0.01°" in hand.header
        await hand.press("left")
        assert "phi_tic 0" in hand.header
        await hand.press("right_square_bracket")
        assert "2/4" in hand.header or "2 of 4" in hand.header
        assert "rot_a" in hand.line
        await hand.press("left_square_bracket", "f", "s")
        assert hand.line.startswith("≠ diverges     rot_a")
        assert "2/4" in hand.header or "2 of 4" in hand.header
        await hand.press("S")
        assert hand.line.startswith("≠ first")
        await hand.press("S")
        assert "diverges nowhere before" in hand.message

    tell(app, story)


def test_filtering_and_finding(app: BraggtraceApp) -> None:
    """The table narrows while one types; Esc brings everything back with the cursor where it was put."""

    async def story(hand: Hand) -> None:
        await hand.press("slash", *"latt_b")
        assert all("F_latt_b" in line for line in hand.table if line.startswith((" =", " ≠")))
        assert any("F_latt_b" in line for line in hand.table)
        await hand.press("enter")
        assert "/latt_b" in hand.header
        await hand.press("end")
        chosen = hand.line
        await hand.press("escape")
        assert hand.line == chosen
        assert any("rot_a" in line for line in hand.table)
        await hand.press("slash", *"zzz")
        assert "no quantity" in hand.message
        await hand.press("escape")
        assert hand.screen.filter_text == ""

    tell(app, story)


def test_only_what_diverges(app: BraggtraceApp) -> None:
    """`d` hides the rest, and `d` shows it again."""

    async def story(hand: Hand) -> None:
        await hand.press("d")
        rows = [line for line in hand.table if line.startswith((" =", " ≠"))]
        assert rows
        assert all(line.startswith(" ≠") for line in rows)
        assert "only ≠" in hand.header
        assert hand.line.startswith("≠ first")
        await hand.press("d")
        assert any(line.startswith(" =") for line in hand.table)

    tell(app, story)


def test_folding_and_expanding(app: BraggtraceApp) -> None:
    """Space expands a vector, folds a group; `z` folds everything."""

    async def story(hand: Hand) -> None:
        before = len(hand.table)
        await hand.press("space")
        assert len(hand.table) == before + 3
        assert "· x" in hand.table[hand.screen.table.cursor + 1]
        await hand.press("space")
        assert len(hand.table) == before
        await hand.press("z")
        assert all("▸" in line for line in hand.table)
        await hand.press("z")
        assert len(hand.table) > before

    tell(app, story)


def test_loosening_the_tolerance_until_all_agrees(app: BraggtraceApp) -> None:
    """Everything is judged again at once, and the way back is a key too."""

    async def story(hand: Hand) -> None:
        for _ in range(7):  # one value changes its sign, so its rel is above 1
            await hand.press("plus")
        assert "rtol 10 " in hand.header
        assert "values agree" in hand.verdict
        assert "0 values diverge" in hand.message
        await hand.press("n")
        assert "nothing diverges at this tolerance" in hand.message
        await hand.press("0")
        assert "rtol 1e-6" in hand.header
        assert hand.line.startswith("≠ first")

    tell(app, story)


def test_the_detail_pane_explains_the_pair(app: BraggtraceApp) -> None:
    """Meaning, unit, formula, both lines, the numbers, the rule, the plot."""

    async def story(hand: Hand) -> None:
        await hand.press("enter")
        await settled(hand.pilot)
        text = hand.screen.detail.text
        for part in (
            "cell vector a after phi and mosaic",
            "[Å]",
            "U·A(spindle, phi)·a0",
            "15.24036789892906" if "15.24036789892906" in text else "0.57066091685103237",
            "reference.log:98",
            "candidate.log:98",
            "rtol 1e-6 (default)",
            "from rtol 0.00157",
            "same name on both sides",
            "along phi_tic",
            "≠ diverges: the first divergence",
        ):
            assert part in text, part

    tell(app, story, size=(120, 50))


def test_the_pixels_that_diverge_worst_first(app: BraggtraceApp) -> None:
    """`p`, Enter: in another pixel, on its first divergence."""

    async def story(hand: Hand) -> None:
        await hand.press("p")
        assert isinstance(hand.app.screen, PixelScreen)
        await hand.press("down", "enter")
        assert hand.line.startswith("≠")
        await hand.press("p", "escape")
        assert isinstance(hand.app.screen, CompareScreen)

    tell(app, story)


def test_help_lists_the_keys(app: BraggtraceApp) -> None:
    """`?` opens it, Esc closes it."""

    async def story(hand: Hand) -> None:
        await hand.press("question_mark")
        assert isinstance(hand.app.screen, HelpScreen)
        await hand.press("pagedown", "escape")
        assert isinstance(hand.app.screen, CompareScreen)

    tell(app, story)


def test_exports_never_replace_a_file(app: BraggtraceApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`e` and a second key; the next free name is taken, and named."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "braggtrace.json").write_text("mine")

    async def story(hand: Hand) -> None:
        await hand.press("e")
        assert "export:" in hand.message
        await hand.press("j")
        assert "wrote braggtrace-2.json" in hand.message
        await hand.press("e", "s", "e", "t", "e", "m")
        await hand.press("e", "escape")

    tell(app, story)
    assert (tmp_path / "braggtrace.json").read_text() == "mine"
    assert json.loads((tmp_path / "braggtrace-2.json").read_text())["status"] == "DIVERGES"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "braggtrace-2.json",
        "braggtrace.json",
        "braggtrace.md",
        "braggtrace.svg",
        "braggtrace.txt",
    ]


def test_a_changed_file_is_offered_and_read_again(
    make_app: MakeApp, stale: tuple[str, str], write: Callable[[str, str], str]
) -> None:
    """`r` reads both again and stays where one was."""
    text = Path(stale[0]).read_text()
    candidate = write("candidate.log", text)
    app = make_app(stale[0], candidate)

    async def story(hand: Hand) -> None:
        assert "values agree" in hand.verdict
        Path(candidate).write_text(Path(stale[1]).read_text() + "\n")
        hand.screen.look_for_changes()
        assert "changed on disk" in hand.message
        await hand.press("r")
        assert "rot_a.y diverges first" in hand.verdict

    tell(app, story)


def test_a_key_that_does_nothing_now_says_why(make_app: MakeApp, stale: tuple[str, str]) -> None:
    """A trace against itself has no divergence to go to."""

    async def story(hand: Hand) -> None:
        assert hand.verdict.startswith(" = ")
        await hand.press("n")
        assert "nothing diverges" in hand.message
        await hand.press("grave_accent")
        assert "no earlier place" in hand.message

    tell(make_app(stale[0], stale[0]), story)


def test_themes_change_and_are_remembered(make_app: MakeApp, stale: tuple[str, str], tmp_path: Path) -> None:
    """`t` goes through all four."""
    settings = Settings(tmp_path / "state.json")

    async def story(hand: Hand) -> None:
        seen = []
        for _ in range(4):
            await hand.press("t")
            seen.append(hand.app.palette_name)
        assert seen == ["light", "colour-blind-safe", "ansi", "dark"]
        await hand.press("t")

    tell(make_app(*stale, settings=settings), story)
    assert load_settings(tmp_path / "state.json").theme == "light"


def test_one_can_go_back_to_where_one_left_off(make_app: MakeApp, stale: tuple[str, str], tmp_path: Path) -> None:
    """It opens on the first divergence all the same; a key goes back."""
    settings = Settings(tmp_path / "state.json")
    left: list[str] = []

    async def leave(hand: Hand) -> None:
        await hand.press("right_square_bracket", "right", "down", "down")
        left.append(hand.line)

    async def come_back(hand: Hand) -> None:
        assert hand.line.startswith("≠ first")
        await hand.press("grave_accent")
        assert hand.line == left[0]
        assert "2/4" in hand.header or "2 of 4" in hand.header

    tell(make_app(*stale, settings=settings), leave)
    tell(make_app(*stale, settings=load_settings(tmp_path / "state.json")), come_back)


@pytest.mark.parametrize("size", [(20, 6), (40, 10), (80, 24), (120, 40), (250, 70)])
def test_any_size_works(app: BraggtraceApp, size: tuple[int, int]) -> None:
    """Also the silly ones."""

    async def story(hand: Hand) -> None:
        await hand.press(
            "n", "enter", "pagedown", "pageup", "p", "escape", "question_mark", "escape", "slash", "escape"
        )
        await hand.pilot.resize_terminal(100, 30)
        await settled(hand.pilot)
        await hand.press("n")
        assert hand.line.startswith("≠")

    tell(app, story, size=size)


@pytest.mark.parametrize(
    ("reference", "candidate", "words"),
    [
        ("", "", "nothing"),
        ("hello\nworld\n", "TRACE_C: polar 1\n", "could be compared"),
        ("TRACE_C: a 1\n", "TRACE_C: b 2\n", "could be compared"),
    ],
)
def test_nothing_to_compare_says_what_is_wrong_and_what_to_do(
    make_app: MakeApp, write: Callable[[str, str], str], reference: str, candidate: str, words: str
) -> None:
    """A screen, not a crash; every key still answers."""
    app = make_app(write("r.log", reference), write("c.log", candidate))

    async def story(hand: Hand) -> None:
        assert words in hand.verdict.replace("\n", " ")
        assert "open another file" in hand.screen.advice.text
        await hand.press(*"nfwdsuazyepYrg", "right", "plus", "minus", "enter", "space", "pagedown", "slash", "escape")

    tell(app, story)


def test_hostile_text_is_shown_as_symbols(make_app: MakeApp, sample_traces: Path) -> None:
    """No control character is in anything that is drawn."""
    folder = sample_traces / "hostile"
    app = make_app(str(folder / "reference.log"), str(folder / "candidate.log"))

    async def story(hand: Hand) -> None:
        await hand.press("z", "enter")
        await hand.press(*["down", "down", "pagedown"] * 4)
        await settled(hand.pilot)
        texts = [*hand.table, hand.header, hand.verdict, *hand.screen.detail.text.split("\n"), hand.message]
        assert all(text.replace("\n", "").isprintable() for text in texts)

    tell(app, story, size=(120, 40))


def test_the_command_palette_finds_actions_by_their_words(app: BraggtraceApp) -> None:
    """Ctrl+P, a few letters, Enter; and it holds no emoji."""

    async def story(hand: Hand) -> None:
        await hand.press("ctrl+p")
        await hand.press(*"theme: light")
        await settled(hand.pilot)
        assert "\N{RIGHT-POINTING MAGNIFYING GLASS}" not in hand.app.export_screenshot()
        await hand.press("enter")
        await settled(hand.pilot)
        assert hand.app.palette_name == "light"

    tell(app, story)
