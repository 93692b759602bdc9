"""The terminal driver: Textual's, made to survive a hang-up, to write to stdout, and to say more with fewer bytes."""

from __future__ import annotations

import os
import selectors
import sys
from codecs import getincrementaldecoder
from typing import IO, Any

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from braggtrace_tui.painter import Painter

__all__ = ["Driver"]


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
    - Only what changes on the terminal is written.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._painter = Painter()
        assert sys.__stdout__ is not None  # there is a terminal to draw on
        self._output = _Hangable(sys.__stdout__)
        self._file = self._output  # type: ignore[assignment] # the writer thread needs write, flush and fileno only

    def write(self, data: str) -> None:
        """Write what changes on the terminal."""
        if self._writer_thread is not None and self._writer_thread.is_alive() and (change := self._painter.feed(data)):
            super().write(change)

    def forget(self) -> None:
        """The terminal may show anything now: send the next update in full."""
        self._painter.forget()

    def start_application_mode(self) -> None:
        """Take over the terminal."""
        self.forget()
        super().start_application_mode()  # type: ignore[no-untyped-call] # Textual's

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
