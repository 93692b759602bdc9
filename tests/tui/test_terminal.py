"""The terminal: what is detected, what is copied, what never passes."""

from __future__ import annotations

import base64

from rich.segment import Segment
from textual.color import Color

from braggtrace_tui.terminal import Belt, Terminal, copy, detect

HERE = Terminal(remote=False, tmux=False, no_color=False, interactive=True)


def test_ssh_tmux_and_no_color_are_seen() -> None:
    """By their variables; an empty NO_COLOR means nothing, as its standard says."""
    found = detect({"SSH_TTY": "/dev/pts/1", "TMUX": "/tmp/x", "NO_COLOR": "1", "TERM": "xterm"})
    assert (found.remote, found.tmux, found.no_color) == (True, True, True)
    found = detect({"NO_COLOR": "", "TERM": "dumb"})
    assert (found.remote, found.tmux, found.no_color, found.interactive) == (False, False, False, False)


def test_copying_claims_only_what_was_done() -> None:
    """OSC 52 may be ignored, so it is "sent", not "copied"."""
    message, sequence = copy("15.24", HERE)
    assert message.startswith("sent to the terminal's clipboard")
    assert base64.b64decode(sequence.removeprefix("\x1b]52;c;").removesuffix("\x07")) == b"15.24"
    message, sequence = copy("x" * 100_000, HERE)
    assert "too long" in message
    assert sequence == ""


def test_the_belt_stops_what_a_widget_let_through() -> None:
    """The text keeps its width."""
    segments = Belt().apply([Segment("a\x1b[2J\u202eb"), Segment("µ ≠")], Color(0, 0, 0))
    assert [segment.text for segment in segments] == ["a\u241b[2J\ufffdb", "µ ≠"]
