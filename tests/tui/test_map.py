"""What a person does on the pixel map, told key by key, and how it looks."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from textual.pilot import Pilot

from braggtrace.images.measure import map_data
from braggtrace.images.model import Image, Layer, MapData
from braggtrace_tui.app import BraggtraceApp
from braggtrace_tui.export import portable
from braggtrace_tui.mapapp import MapApp
from braggtrace_tui.screens.compare import CompareScreen
from braggtrace_tui.screens.map import MapScreen
from braggtrace_tui.screens.maphelp import MapHelpScreen
from braggtrace_tui.settings import Settings
from braggtrace_tui.terminal import Terminal
from tests.tui.conftest import PLAIN, MakeApp, settled

SNAPSHOTS = Path(__file__).parent / "snapshots"
NO_COLOUR = Terminal(remote=False, tmux=False, no_color=True, interactive=True)

Pixels = NDArray[np.float32]


class Hand:
    """A hand on the keyboard, and eyes."""

    def __init__(self, app: BraggtraceApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    @property
    def screen(self) -> MapScreen:
        screen = self.app.screen
        assert isinstance(screen, MapScreen)
        return screen

    @property
    def title(self) -> str:
        return self.screen.bar.text

    @property
    def answer(self) -> str:
        return self.screen.answer.text

    @property
    def pixel(self) -> str:
        return self.screen.pixel.text

    @property
    def legend(self) -> str:
        return self.screen.legend.text

    @property
    def message(self) -> str:
        return self.screen.footer.message

    @property
    def map(self) -> list[str]:
        """The lines of the map with its rulers, without colours."""
        heat = self.screen.map
        return [heat.render_line(y).text for y in range(heat.size.height)]


Story = Callable[[Hand], Awaitable[None]]


def tell(app: BraggtraceApp, story: Story, size: tuple[int, int] = (100, 30)) -> None:
    """Run a story."""

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            await story(Hand(app, pilot))

    asyncio.run(run())


def spots(shape: tuple[int, int] = (40, 60)) -> Pixels:
    """Two spots on a faint background; whole numbers, so that it is the same everywhere."""
    slow, fast = np.indices(shape)
    image = np.zeros(shape, dtype=np.float32)
    for height, (at_slow, at_fast) in ((5000, (12, 20)), (900, (30, 45))):
        image += height // (1 + (slow - at_slow) ** 2 + (fast - at_fast) ** 2)
    return image


def pair(change: Callable[[Pixels], None] | None = None, origin: tuple[int, int] = (1600, 930)) -> MapData:
    """Spots, and spots of which one is too weak and one pixel is too strong."""
    ours = spots()
    theirs = ours.copy()
    theirs[8:17, 15:26] *= np.float32(0.875)
    theirs[30, 45] += 16
    if change is not None:
        change(theirs)
    return map_data(Image(ours, "c/float.bin", origin), Image(theirs, "torch/float.bin", origin))


def app_on(data: MapData, theme: str = "dark", terminal: Terminal = PLAIN) -> MapApp:
    """An app that opens with a map."""
    return MapApp(terminal, Settings(theme=theme), data)


def test_it_opens_on_the_worst_pixel_and_says_so() -> None:
    """No key is needed for the answer: how many diverge, by how much, where most."""

    async def story(hand: Hand) -> None:
        assert "[difference]" in hand.title
        assert "of 2,400 pixels diverge at rtol 1e-06" in hand.answer
        assert "max 625 at 1612 950" in hand.answer
        assert hand.pixel.split()[:5] == ["pixel", "1612", "950", "≠", "diverges"]
        assert "reference 5000  candidate 4375  difference −625  ratio 0.875" in hand.pixel
        assert hand.legend.startswith(" −625 ")

    tell(app_on(pair()), story)


def test_blinking_between_the_sides() -> None:
    """The scale stays, so that what changes is the image; the cursor stays too."""

    async def story(hand: Hand) -> None:
        await hand.press("c")
        assert "[reference]" in hand.title
        reference, scale, pixel = hand.map, hand.legend, hand.pixel
        seen = hand.screen.map.picture().copy()
        await hand.press("space")
        assert "[candidate]" in hand.title
        assert (hand.screen.map.picture() != seen).any()
        assert hand.legend == scale
        assert hand.pixel == pixel
        await hand.press("space")
        assert hand.map == reference
        await hand.press("p")
        assert "[candidate]" in hand.title
        await hand.press("r")
        assert "[ratio]" in hand.title
        assert "÷" in hand.legend
        await hand.press("d", "v")
        assert "[difference]" in hand.title
        assert "these images are not from traces" in hand.message

    tell(app_on(pair()), story)


def test_walking_over_the_worst_pixels() -> None:
    """`n` goes from bad to less bad, `N` back, `w` to the worst; it ends with words."""

    async def story(hand: Hand) -> None:
        await hand.press("n")
        assert "diverging pixel 2 of" in hand.message
        second = hand.screen.cursor
        await hand.press("n", "N")
        assert hand.screen.cursor == second
        await hand.press("N", "N")
        assert "none before this one" in hand.message
        await hand.press("down", "down", "down", "n")
        assert "of" in hand.message
        await hand.press("w")
        assert hand.screen.cursor == (1612, 950)
        slow, fast = hand.screen.order()[-1].tolist()
        hand.screen.go_to((slow, fast))
        await hand.press("n")
        assert "that was the last one" in hand.message

    tell(app_on(pair()), story)


def test_zooming_keeps_the_pixel_under_the_cursor() -> None:
    """From the whole image to pixels as large as hands, and back."""

    async def story(hand: Hand) -> None:
        view = hand.screen.map.view
        assert view.whole
        cursor = hand.screen.cursor
        for _ in range(6):
            await hand.press("plus")
            assert hand.screen.cursor == cursor
        assert "can't be drawn larger" in hand.message
        assert "16:1" in hand.title
        await hand.press("right", "down")
        assert hand.screen.cursor == (cursor[0] + 1, cursor[1] + 1)
        await hand.press("0")
        assert hand.screen.map.view.whole
        assert hand.screen.cursor == (cursor[0] + 1, cursor[1] + 1)
        await hand.press("minus")
        assert "all of the image" in hand.message

    tell(app_on(pair()), story)


def test_a_single_bad_pixel_is_seen_from_afar() -> None:
    """A block shows its worst pixel, and the cursor stands on that one."""
    ours = np.ones((900, 1000), dtype=np.float32)
    theirs = ours.copy()
    theirs[123, 456] = 1.5
    theirs[700, 800] = np.nan
    data = map_data(Image(ours), Image(theirs))

    async def story(hand: Hand) -> None:
        assert hand.screen.cursor == (700, 800), "NaN on one side is the worst"
        assert "NaN 1" in hand.legend
        assert "largest |difference| of" in hand.legend
        await hand.press("n")
        assert hand.screen.cursor == (123, 456)
        assert sum(line.count("N") for line in hand.map) == 1
        await hand.press("home", "d")
        block = hand.screen.map.view.block
        assert block > 10
        await hand.press(*["down"] * (123 // block), *["right"] * (456 // block))
        assert hand.screen.cursor == (123, 456)
        await hand.press("1")
        assert hand.screen.map.view.block == 1
        assert hand.screen.cursor == (123, 456)

    tell(app_on(data), story)


def test_panning_and_the_edges() -> None:
    """Half a page at a time; at the edge it says so."""

    async def story(hand: Hand) -> None:
        await hand.press("1", "plus", "plus", "home")
        assert hand.screen.cursor == (1600, 930)
        await hand.press("up")
        assert "edge" in hand.message
        top = hand.screen.map.view.top
        await hand.press("pagedown")
        assert hand.screen.map.view.top > top
        await hand.press("L")
        assert hand.screen.map.view.left > 0
        await hand.press(*["J"] * 9, *["L"] * 9, "end")
        assert hand.screen.cursor == (1639, 989)
        await hand.press("J")
        assert "edge" in hand.message
        await hand.press("K", "H", "K", "H")
        assert hand.screen.cursor != (1639, 989)

    tell(app_on(pair()), story)


def test_the_mouse_moves_the_cursor_too() -> None:
    """To the pixel that the dot shows; outside the image nothing happens."""

    async def story(hand: Hand) -> None:
        heat = hand.screen.map
        assert hand.screen.visible_roi == (1600, 1639, 930, 989)
        await hand.pilot.click(heat, offset=(heat.margin + 3, 1 + 5))
        await hand.pilot.pause()
        block = heat.view.block
        assert hand.screen.cursor[0] in range(1600 + 10 * block, 1600 + 11 * block)
        assert hand.screen.cursor[1] in range(930 + 3 * block, 930 + 4 * block)
        before = hand.screen.cursor
        await hand.pilot.click(heat, offset=(heat.size.width - 1, 1))
        await hand.pilot.click(heat, offset=(1, 3))
        assert hand.screen.cursor == before

    tell(app_on(pair()), story)


def test_going_to_a_pixel_by_its_numbers() -> None:
    """On the detector; what is no pixel says what there is."""

    async def story(hand: Hand) -> None:
        await hand.press("slash", *"1630 975", "enter")
        assert hand.screen.cursor == (1630, 975)
        assert "candidate 921" in hand.pixel
        await hand.press("slash", *"5 5", "enter")
        assert "slow 1600 to 1639, fast 930 to 989" in hand.message
        await hand.press("slash", *"abc", "enter")
        assert "two whole numbers" in hand.message
        await hand.press("slash", *"1600", "escape", "right")
        assert not hand.screen.query("#go")
        assert hand.screen.cursor[0] == 1630

    tell(app_on(pair()), story)


def test_opening_a_pixel() -> None:
    """Enter hands over the pixel; what can't be opened says why, and the map stays."""
    opened: list[tuple[int, int]] = []

    def open_pixel(slow: int, fast: int) -> str | None:
        opened.append((slow, fast))
        return "the engine is starting" if len(opened) > 1 else None

    async def story(hand: Hand) -> None:
        await hand.press("enter")
        assert "--args FILE says it" in hand.message
        hand.app.push_screen(MapScreen(pair(), open_pixel=open_pixel, cursor=(1605, 940)))
        await settled(hand.pilot)
        await hand.press("enter", "right", "enter")
        assert opened == [(1605, 940), (1605, 941)]
        assert "the engine is starting" in hand.message
        below = hand.app.screen
        await hand.press("escape")
        assert hand.app.screen is not below
        await hand.press("escape")
        assert "q leaves" in hand.message

    tell(app_on(pair()), story)


def test_one_image_alone() -> None:
    """There is no other side; `n` goes from peak to peak."""

    async def story(hand: Hand) -> None:
        assert "[reference]" in hand.title
        assert "candidate" not in hand.title
        assert "max 5000 at 12 20" in hand.answer
        assert hand.screen.cursor == (12, 20)
        await hand.press("n")
        assert hand.screen.cursor == (30, 45)
        assert "peak 2 of 2" in hand.message
        await hand.press("p")
        assert "there is only one image" in hand.message
        assert "[reference]" in hand.title

    tell(app_on(map_data(Image(spots(), "c/float.bin"))), story)


def test_pixels_that_are_no_numbers_are_marked_and_counted() -> None:
    """A sign each, on every map that has them, and words that say what it means."""

    def change(theirs: Pixels) -> None:
        theirs[2, 3] = np.nan
        theirs[4, 5] = np.inf
        theirs[6, 7] = -3

    async def story(hand: Hand) -> None:
        await hand.press("p")
        for sign, words in (("N", "N NaN 1"), ("∞", "∞ infinite 1"), ("-", "- negative 1")):
            assert words in hand.legend
            assert sum(line.count(sign) for line in hand.map[1:]) == 1
        await hand.press("i")
        await settled(hand.pilot)
        panel = hand.screen.numbers.text
        assert re.search(r"NaN +0 +1", panel)
        assert re.search(r"negative +0 +1", panel)
        await hand.press("c")
        assert "NaN" not in hand.legend
        await hand.press("slash", *"1602 933", "enter")
        assert "candidate nan" in hand.pixel
        assert "≠" in hand.pixel

    tell(app_on(pair(change)), story, size=(120, 44))


def test_the_scale_can_be_changed() -> None:
    """Logarithmic or linear; further down or less far."""

    async def story(hand: Hand) -> None:
        await hand.press("c")
        assert "log" in hand.title
        faint = hand.legend
        await hand.press("greater_than_sign")
        assert hand.legend == faint
        assert "can't be changed further" in hand.message, "the faintest pixel is seen already"
        await hand.press("less_than_sign")
        assert hand.legend != faint
        await hand.press("greater_than_sign")
        assert hand.legend == faint
        await hand.press("s")
        assert "linear" in hand.title
        assert hand.legend.startswith(" 0 ")
        assert "5000" in hand.legend
        await hand.press("greater_than_sign")
        assert "2500" in hand.legend
        await hand.press("less_than_sign", "less_than_sign")
        assert "can't be changed further" in hand.message

    tell(app_on(pair()), story)


def test_the_numbers_beside_the_map() -> None:
    """Sums, correlation, peaks and the worst pixels; the cursor's is marked."""

    async def story(hand: Hand) -> None:
        text = hand.screen.numbers.text
        for part in ("correlation", "sum ratio", "rms difference", "peaks, highest first", "1612 950  5000"):
            assert part in text
        assert "▸1612 950" in text
        await hand.press("n")
        slow, fast = hand.screen.cursor
        assert f"▸{slow} {fast}" in hand.screen.numbers.text
        await hand.press("i")
        assert not hand.screen.has_class("numbered")

    tell(app_on(pair()), story, size=(120, 40))


def test_copying_takes_all_digits() -> None:
    """Pixel and both values, for a spreadsheet."""
    sent: list[str] = []

    async def story(hand: Hand) -> None:
        hand.app.write_to_terminal = sent.append  # type: ignore[method-assign,assignment]
        await hand.press("y")
        assert "clipboard" in hand.message

    tell(app_on(pair()), story)
    import base64

    assert base64.b64decode(sent[0].split(";")[2].rstrip("\x07")) == b"1612\t950\t5000.0\t4375.0"


def test_help_lists_the_keys_and_what_the_signs_mean() -> None:
    """`?` opens it, Esc closes it."""

    async def story(hand: Hand) -> None:
        await hand.press("question_mark")
        assert isinstance(hand.app.screen, MapHelpScreen)
        await hand.press("G", "k", "escape")
        assert isinstance(hand.app.screen, MapScreen)

    tell(app_on(pair()), story)


def test_without_colours_signs_take_their_place() -> None:
    """Sign and level of a difference, density of an intensity; the cursor is reversed."""

    async def story(hand: Hand) -> None:
        lines = hand.map
        assert any("−7" in line for line in lines)
        assert any("+" in line for line in lines[1:])
        await hand.press("c")
        assert any("@@" in line or "%%" in line for line in hand.map)

    tell(app_on(pair(), terminal=NO_COLOUR), story)


def test_a_theme_may_change_how_a_map_is_drawn() -> None:
    """Half blocks in colours, signs in the terminal's own sixteen; the cursor stays."""

    async def story(hand: Hand) -> None:
        cursor = hand.screen.cursor
        seen = set()
        for _ in range(4):
            await hand.press("t")
            await settled(hand.pilot)
            seen.add(any("▀" in line or "▄" in line for line in hand.map))
            assert hand.screen.cursor == cursor
            assert "▾" in hand.map[0]
            assert sum("▸" in line for line in hand.map) == 1
        assert seen == {True, False}

    tell(app_on(pair()), story)


def test_from_the_compare_screen_and_back(make_app: MakeApp, stale: tuple[str, str]) -> None:
    """`m` shows the traced pixels, Enter opens one on its first divergence, Esc goes back."""

    async def story(hand: Hand) -> None:
        compare = hand.app.screen
        assert isinstance(compare, CompareScreen)
        await hand.press("m")
        assert hand.screen.cursor == (1639, 966)
        assert "≠ 32 values" in hand.pixel
        await hand.press("v")
        assert "[divergences]" in hand.title
        assert hand.screen.map.shown is Layer.DIVERGENCES
        await hand.press("right", "enter")
        assert isinstance(hand.app.screen, CompareScreen)
        assert "pixel 1639 967" in compare.header.text
        row = compare.table.row
        assert row is not None
        assert compare.frame is not None
        assert compare.frame.diverges[row]
        await hand.press("m", "escape")
        assert hand.app.screen is compare

    tell(make_app(*stale), story)


def test_no_map_without_final_intensities(make_app: MakeApp, write: Callable[[str, str], str]) -> None:
    """It says what is missing."""
    trace = write("c.log", "TRACE_C: pixel 1 2\nTRACE_C: F_latt 3\n")

    async def story(hand: Hand) -> None:
        compare = hand.app.screen
        assert isinstance(compare, CompareScreen)
        await hand.press("m")
        assert "no traced pixel has its I_pixel_final" in compare.footer.message

    tell(make_app(trace, trace), story)


def test_pixels_between_the_traced_ones_say_so(make_app: MakeApp, write: Callable[[str, str], str]) -> None:
    """The box around the traced ones holds others; they are neither zero nor NaN."""
    frames = "".join(f"TRACE_C: pixel {each} {each}\nTRACE_C: I_pixel_final {each}\n" for each in (5, 8))
    trace = write("c.log", frames)

    async def story(hand: Hand) -> None:
        await hand.press("m", "home", "right")
        assert hand.screen.cursor == (5, 6)
        assert "not traced" in hand.legend
        assert "not traced" in hand.pixel
        assert any("·" in line for line in hand.map)

    tell(make_app(trace, trace), story)


@pytest.mark.parametrize(
    ("size", "shape"),
    [((20, 6), (37, 41)), ((40, 10), (3000, 1)), ((80, 24), (1, 3000)), ((120, 40), (1, 1)), ((250, 70), (37, 41))],
)
def test_any_size_works(size: tuple[int, int], shape: tuple[int, int]) -> None:
    """Of the terminal and of the image, also the silly ones."""
    ours = np.arange(shape[0] * shape[1], dtype=np.float32).reshape(shape)
    data = map_data(Image(ours), Image(ours[::-1, ::-1].copy()))

    async def story(hand: Hand) -> None:
        await hand.press("plus", "J", "L", "end", "minus", "1", "c", "r", "n", "i", "s", "0", "home")
        await hand.pilot.resize_terminal(90, 28)
        await settled(hand.pilot)
        assert hand.screen.cursor == (0, 0)
        assert sum("▸" in line for line in hand.map) >= 1

    tell(app_on(data), story, size=size)


def picture(data: MapData, size: tuple[int, int], theme: str, keys: tuple[str, ...]) -> str:
    """The screen after some keys, as SVG without names that depend on its content."""

    async def draw() -> str:
        app = app_on(data, theme)
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            await pilot.press(*keys)
            await settled(pilot)
            return portable(app.export_screenshot(title="braggtrace map"))

    return re.sub(r"terminal-\d+", "terminal", asyncio.run(draw()))


@pytest.mark.parametrize(
    ("name", "size", "theme", "keys"),
    [
        ("map-80x24", (80, 24), "dark", ()),
        ("map-reference-light-120x40", (120, 40), "light", ("c",)),
        ("map-ansi-80x24", (80, 24), "ansi", ("d",)),
    ],
)
def test_the_map_looks_as_it_did(name: str, size: tuple[int, int], theme: str, keys: tuple[str, ...]) -> None:
    """Look at the new picture; if it is right, run again with UPDATE_SNAPSHOTS=1."""
    path = SNAPSHOTS / f"{name}.svg"
    svg = picture(pair(), size, theme, keys)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(svg, encoding="utf-8")
    assert svg == path.read_text(encoding="utf-8"), f"the screen differs from {path}"
