"""The terminal driver: Textual's, made to survive a hang-up, to write to stdout, and to say more with fewer bytes."""

from __future__ import annotations

import os
import re
import selectors
import sys
from codecs import getincrementaldecoder
from functools import lru_cache
from typing import IO, Any

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

__all__ = ["Driver", "squeeze"]

_SGR = re.compile(r"\x1b\[([0-9;]*)m")
_MOVES = re.compile(r"(?:\x1b\[\d*;?\d*H|\n)*")


class _Style:
    """The state of a terminal's pen."""

    __slots__ = ("attributes", "background", "foreground")

    def __init__(self, attributes: frozenset[str], foreground: str, background: str) -> None:
        self.attributes = attributes
        self.foreground = foreground
        self.background = background


_PLAIN = _Style(frozenset(), "", "")


@lru_cache(maxsize=4096)
def _style_of(parameters: str) -> _Style:
    """The pen after a reset and these parameters, which is how Rich writes every style."""
    attributes, foreground, background = set(), "", ""
    words = parameters.split(";")
    at = 0
    while at < len(words):
        word = words[at]
        number = int(word or 0)
        size = 1
        if number in (38, 48):
            size = 3 if words[at + 1 : at + 2] == ["5"] else 5
            colour = ";".join(words[at : at + size])
            foreground, background = (colour, background) if number == 38 else (foreground, colour)
        elif 30 <= number <= 39 or 90 <= number <= 97:
            foreground = "" if number == 39 else word
        elif 40 <= number <= 49 or 100 <= number <= 107:
            background = "" if number == 49 else word
        elif number:
            attributes.add(word)
        at += size
    return _Style(frozenset(attributes), foreground, background)


@lru_cache(maxsize=16384)
def _transition(before: str, after: str) -> str:
    """The shortest sequence that takes the pen from one style to another."""
    old = _style_of(before) if before else _PLAIN
    new = _style_of(after) if after else _PLAIN
    changes = sorted(new.attributes - old.attributes)
    if new.foreground != old.foreground:
        changes.append(new.foreground or "39")
    if new.background != old.background:
        changes.append(new.background or "49")
    if old.attributes - new.attributes:
        return "\x1b[" + ";".join(["0", *sorted(new.attributes), *filter(None, (new.foreground, new.background))]) + "m"
    return f"\x1b[{';'.join(changes)}m" if changes else ""


def squeeze(data: str) -> str:
    """Drop what the terminal knows already: Rich resets the pen after each segment and sets all of it anew.

    The pen is plain at the start and at the end, so that pieces can be written in any order.
    """
    if "\x1b[" not in data:
        return data
    parts = _SGR.split(data)
    if len(parts) == 1:
        return data
    out = [parts[0]]
    pen = ""
    for index in range(1, len(parts), 2):
        wanted, text = parts[index], parts[index + 1]
        wanted = "" if wanted in ("0", "") else wanted
        if _MOVES.fullmatch(text):  # the pen does not show
            out.append(text)
            continue
        out.append(_transition(pen, wanted))
        out.append(text)
        pen = wanted
    if pen:
        out.append("\x1b[m")
    return "".join(out)


class _Hangable:
    """A file that swallows writes once the terminal has gone, so that leaving never hangs."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.gone = False

    def write(self, text: str) -> int:
        if not self.gone:
            try:
                return self._file.write(text)
            except (OSError, ValueError):
                self.gone = True
        return len(text)

    def flush(self) -> None:
        if not self.gone:
            try:
                self._file.flush()
            except (OSError, ValueError):
                self.gone = True

    def fileno(self) -> int:
        return self._file.fileno()


class Driver(LinuxDriver):
    """Textual's driver for Linux and macOS, with a few habits changed.

    - It draws on stdout; Textual takes stderr, which may be a log file.
    - When the terminal hangs up the app leaves; Textual's reader would spin or show a traceback to nobody.
    - Writes are squeezed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assert sys.__stdout__ is not None  # there is a terminal to draw on
        self._output = _Hangable(sys.__stdout__)
        self._file = self._output  # type: ignore[assignment] # the writer thread needs write, flush and fileno only

    def write(self, data: str) -> None:
        """Write data, without what the terminal knows already."""
        if self._writer_thread is not None and self._writer_thread.is_alive():
            super().write(squeeze(data))

    def _run_input_thread(self) -> None:
        try:
            self._read_keys()
        except (OSError, ValueError):
            self._hang_up()

    def _hang_up(self) -> None:
        self._output.gone = True
        self._loop.call_soon_threadsafe(self._app.exit, None, 129)

    def _read_keys(self) -> None:
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(0.1):
                    data = os.read(self.fileno, 4096)
                    if not data:  # end of file: nobody will ever press a key again
                        self._hang_up()
                        return
                    for event in parser.feed(decode(data)):
                        self.process_message(event)
                for event in parser.tick():
                    self.process_message(event)
