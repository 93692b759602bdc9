"""The terminal: what it can do, how text is copied through it, and a filter that lets no control character pass."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from braggtrace.trace.text import visible

__all__ = ["Belt", "Terminal", "copy", "detect", "own_stdin"]

_OSC52_LIMIT = 74_994
"""Bytes that terminals commonly accept in one OSC 52 sequence, after base64."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """What is known about the terminal.

    Attributes:
        remote: it is at the other end of an SSH connection.
        tmux: it is tmux.
        no_color: the user wants no colours.
        interactive: keys can be read and a screen be shown.
    """

    remote: bool
    tmux: bool
    no_color: bool
    interactive: bool


def detect(environ: Mapping[str, str] | None = None) -> Terminal:
    """Look at the environment and the standard streams."""
    env = os.environ if environ is None else environ
    return Terminal(
        remote=bool(env.get("SSH_CONNECTION") or env.get("SSH_TTY")),
        tmux=bool(env.get("TMUX")),
        no_color=bool(env.get("NO_COLOR")),
        interactive=_is_tty(1) and env.get("TERM", "") not in ("", "dumb"),
    )


def _is_tty(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def own_stdin() -> bool:
    """Make the terminal standard input again after a trace was read from it.

    Returns:
        Whether keys can be read now.
    """
    if _is_tty(0):
        return True
    try:
        descriptor = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    os.dup2(descriptor, 0)
    os.close(descriptor)
    if sys.__stdin__ is None:  # it was closed when Python started
        stream = open(0, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115 - lives on
        setattr(sys, "__stdin__", stream)  # noqa: B010 - the type checker knows it as final
    return True


def copy(text: str, terminal: Terminal) -> tuple[str, str]:
    """Copy text as well as this terminal can.

    Returns:
        (what to tell the user, what to write to the terminal). Only what is known to have happened is claimed.
    """
    if terminal.tmux and (tmux := shutil.which("tmux")):
        try:
            done = subprocess.run(
                [tmux, "load-buffer", "-w", "-"], input=text.encode(), capture_output=True, timeout=2, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            done = None
        if done is not None and done.returncode == 0:
            return "copied to the tmux buffer, and offered to the terminal's clipboard", ""
    encoded = base64.b64encode(text.encode()).decode()
    if len(encoded) > _OSC52_LIMIT:
        return "too long for the clipboard: export it instead (e)", ""
    return "sent to the terminal's clipboard (OSC 52); not every terminal accepts it", f"\x1b]52;c;{encoded}\x07"


class Belt(LineFilter):
    """The second belt: whatever a widget draws, no control or bidirectional character reaches the terminal."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - Textual's signature
        for segment in segments:
            if not segment.text.isascii() or not segment.text.isprintable():
                return [Segment(visible(text), style, control) for text, style, control in segments]
        return segments
