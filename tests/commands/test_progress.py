"""The line that tells how far something is: when it is written, and what."""

from __future__ import annotations

import io
import os
import re

import pytest

from braggtrace_tui.commands.progress import Progress


class Terminal(io.StringIO):
    """What is written to a terminal of 60 columns."""

    def isatty(self) -> bool:
        """It is one."""
        return True

    def fileno(self) -> int:
        """Any number will do."""
        return 2


class Clock:
    """A clock that is put forward by hand."""

    seconds = 100.0

    def __call__(self) -> float:
        """What it shows."""
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """A clock."""
    return Clock()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal."""
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((60, 24)))
    return Terminal()


def lines(terminal: Terminal) -> list[str]:
    """What has stood on the line, one after another."""
    return re.split(r"\r\x1b\[K", terminal.getvalue())[1:]


def test_a_bar_grows_to_its_end(terminal: Terminal, clock: Clock) -> None:
    """Nothing in the first second, then five times a second at most; the last step is always shown."""
    with Progress(silent_s=1.0, stream=terminal, clock=clock) as progress:
        for done in range(1, 31):
            clock.seconds = 100.0 + done / 12
            progress.bar(done, 30)
    shown = [re.fullmatch(r"\[(#*) *\] +(\d+) % +(\d+\.\d) s\n?", line) for line in lines(terminal)]
    read = [(len(each[1]), int(each[2]), float(each[3])) for each in shown if each]
    assert len(read) == len(shown)
    assert read == sorted(read)
    assert [share for _, share, _ in read] == [40, 50, 60, 70, 80, 90, 100]
    assert read[0] == (12, 40, 1.0)
    assert read[-1] == (30, 100, 2.5)
    assert terminal.getvalue().endswith(" s\n")


def test_what_is_quick_shows_nothing(terminal: Terminal, clock: Clock) -> None:
    """Neither a bar nor an empty line."""
    with Progress(silent_s=1.0, stream=terminal, clock=clock) as progress:
        clock.seconds += 0.9
        progress.bar(1, 1)
    assert terminal.getvalue() == ""


def test_a_line_of_words_fits_and_is_taken_away(terminal: Terminal, clock: Clock) -> None:
    """Cut where the terminal ends, harmless whatever is in it, and gone afterwards."""
    with Progress(stream=terminal, clock=clock) as progress:
        progress.share(0.1, "too early")
        clock.seconds += 1
        progress.share(0.25, "flags \x1b[2J " + "x" * 100)
        progress.clear()
    assert len(lines(terminal)[0]) == 59
    assert lines(terminal)[0].startswith(" 25 %  flags ")
    assert "\x1b[2J" not in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_an_interruption_leaves_the_line(terminal: Terminal, clock: Clock) -> None:
    """What is said next stands below it."""

    def interrupted() -> None:
        with Progress(stream=terminal, clock=clock) as progress:
            clock.seconds += 1
            progress.bar(1, 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert terminal.getvalue().endswith("  50 %    1.0 s\n")


def test_without_a_terminal_nothing_is_written(clock: Clock) -> None:
    """Not into a file or a pipe."""
    stream = io.StringIO()
    with Progress(stream=stream, clock=clock) as progress:
        clock.seconds += 9
        progress.bar(1, 2)
        progress.share(0.5, "half")
        progress.clear()
    assert stream.getvalue() == ""
