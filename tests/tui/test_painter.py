"""The painter sends less than Textual, and the terminal shows the same."""

from __future__ import annotations

import pyte
from hypothesis import given
from hypothesis import strategies as st

from braggtrace_tui.painter import Painter

WIDTH, HEIGHT = 30, 6


def screen_after(*updates: str) -> list[list[tuple[str, str, str, bool, bool]]]:
    """Every cell of a terminal that got these bytes."""
    screen = pyte.Screen(WIDTH, HEIGHT)
    stream = pyte.Stream(screen)
    for update in updates:
        stream.feed(update)
    return [
        [(cell.data, cell.fg, cell.bg, cell.bold, cell.reverse) for cell in (screen.buffer[y][x] for x in range(WIDTH))]
        for y in range(HEIGHT)
    ]


pens = st.sampled_from(["1;31", "38;5;250;48;5;234", "1;38;2;1;2;3;48;2;9;9;9", "7", "92;44", "3;4"])
texts = st.text(alphabet="abc ≠▸⠿中", min_size=1, max_size=8)
segments = st.tuples(st.integers(1, HEIGHT), st.integers(1, 8), pens, texts)
updates = st.lists(st.lists(segments, max_size=6), min_size=1, max_size=6)


def written(update: list[tuple[int, int, str, str]]) -> str:
    """As Textual and Rich write it."""
    return "".join(f"\x1b[{y};{x}H\x1b[{pen}m{text}\x1b[0m" for y, x, pen, text in update)


@given(updates)
def test_the_terminal_shows_the_same(frames: list[list[tuple[int, int, str, str]]]) -> None:
    """Whatever was drawn, in whatever order, as long as wide characters are not cut."""
    frames = [
        [(y, x * 2 - 1, pen, "".join(c if c == "中" else c * 2 for c in text)[:20]) for y, x, pen, text in frame]
        for frame in frames
    ]
    painter = Painter()
    asked = [written(frame) for frame in frames]
    sent = [painter.feed(update) for update in asked]
    assert screen_after(*sent) == screen_after(*asked)


@given(updates)
def test_drawing_again_what_is_there_sends_nothing(frames: list[list[tuple[int, int, str, str]]]) -> None:
    """The second time costs no byte."""
    painter = Painter()
    whole = "".join(f"\x1b[{y};1H\x1b[31m{'x' * WIDTH}\x1b[0m" for y in range(1, HEIGHT + 1))
    painter.feed(whole)
    del frames
    assert painter.feed(whole) == ""


def test_one_changed_digit_is_one_cell() -> None:
    """Everything else stays."""
    painter = Painter()
    painter.feed("\x1b[3;1H\x1b[31mvalue 1.2345\x1b[0m")
    assert painter.feed("\x1b[3;1H\x1b[31mvalue 1.2395\x1b[0m") == "\x1b[3;11H\x1b[31m9\x1b[m"


def test_other_sequences_pass_in_their_place() -> None:
    """Synchronised updates and OSC 52 are for the terminal itself."""
    painter = Painter()
    sent = painter.feed("\x1b[?2026h\x1b[1;1Hab\x1b[?2026l\x1b]52;c;YQ==\x07")
    assert sent == "\x1b[?2026h\x1b[1Hab\x1b[?2026l\x1b]52;c;YQ==\x07"


def test_after_a_resize_everything_is_sent_again() -> None:
    """The terminal may have moved or dropped what it showed."""
    painter = Painter()
    update = "\x1b[1;1H\x1b[31mabc\x1b[0m"
    first = painter.feed(update)
    painter.forget()
    assert painter.feed(update) == first


def test_a_cleared_terminal_is_drawn_again() -> None:
    """Entering the alternate screen leaves nothing to rely on."""
    painter = Painter()
    update = "\x1b[1;1Habc"
    first = painter.feed(update)
    painter.feed("\x1b[?1049h")
    assert painter.feed(update) == first
