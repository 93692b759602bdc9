"""Runs the program from place to place and writes what is found there, as JSON lines."""

import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .reader import GaveUp, Reader
from .source import Place, Source, candidates, identifiers, is_optimised

__all__ = ["Driver", "main"]

_FATAL = ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGSYS")
_SAMPLE = ("thick_tic", "subS", "subF", "source")
_TICS = {
    "source": ("source",),
    "mosaic": ("mos_tic",),
    "sample": _SAMPLE,
    "iteration": (*_SAMPLE, "phi_tic", "mos_tic"),
    "pixel": (),
}
"""Level -> the loop counters that say which value it is."""


class Driver:
    """Runs the program from place to place.

    Args:
        gdb: the module.
        config: what to do, as `braggtrace.capture.gdbrun` writes it.
        output: where records go.

    Attributes:
        wanted: the pixels still to come, as (slow, fast).
        current: the pixel that each thread is in, if it is a wanted one.
        in_row: the row that the program is in and its last known pixel there, as (slow, fast); −1 if not known.
        ends_left: for each of them, the places where something is still to be read at its end.
    """

    def __init__(self, gdb: Any, config: "dict[str, Any]", output: Any) -> None:
        self.gdb, self.config, self.output = gdb, config, output
        self.row = Place(config["row"]) if config["row"] else None
        self.pixel = Place(config["pixel"])
        self.inner = [Place(row) for row in config["places"]]
        self.reader = Reader(gdb, False)
        self.sources: list[Source] = []
        self.unread = candidates(gdb)
        self.wanted = {(slow, fast) for slow, fast in config["wanted"]}
        self.current: dict[int, tuple[int, int]] = {}
        self.ends_left: dict[int, set[str]] = {}
        self.in_row = (-1, -1)
        self.described = False
        self.hits: list[int] = []
        self.signal = ""
        self.ended = False

    def emit(self, kind: str, **fields: Any) -> None:
        """Write a record at once: gdb may be killed at any time."""
        self.output.write(json.dumps(dict(fields, kind=kind)) + "\n")
        self.output.flush()

    def bind(self) -> None:
        """Find every place.

        Raises:
            GaveUp: there is no place where a pixel begins, so nothing can be read.
        """
        self._find_pixel()
        source, line = self.pixel.source, self.pixel.line
        home = self._functions(source, line)
        producer = self._producer(source)
        self.reader.optimised = is_optimised(producer, self.config["location_lists"])
        self.emit("source", file=source.name, producer=producer, optimised=self.reader.optimised)

        def is_home(each: int) -> bool:
            return bool(home & self._functions(source, each))

        if self.row is not None:
            self.row.bind(source, lambda lines: [each for each in reversed(lines) if each < line and is_home(each)])
        for place in self.inner:
            if place.after and self.reader.optimised:
                place.why = "stopping after a line needs a build without optimisation"
            elif not place.bind(source, lambda lines: [each for each in lines if each >= line and is_home(each)]):
                any(place.bind(each, lambda lines: lines) for each in self._sources())
        for place in [*filter(None, [self.row]), self.pixel, *self.inner]:
            why = "" if place.line else place.why or "no line matches " + " or ".join(place.before or place.after)
            self.emit("place", name=place.name, where=place.where(), others=place.others, why=why)

    def _sources(self) -> "Iterator[Source]":
        """The files that may hold the loops; each is read when it is come to, and kept."""
        yield from list(self.sources)
        for symtab in self.unread:
            try:
                self.sources.append(Source(symtab))
            except OSError as error:
                self.emit("unreadable", file=str(symtab.filename), why=error.strerror or str(error))
            else:
                yield self.sources[-1]

    def _find_pixel(self) -> None:
        if any(self.pixel.bind(source, lambda lines: lines) for source in self._sources()):
            return
        patterns = " or ".join(self.pixel.before)
        self.emit("place", name="pixel", where="", others=[], why=self.pixel.why or f"no line matches {patterns}")
        raise GaveUp("no pixel" if self.sources else "no source")

    def _functions(self, source: Source, line: int) -> "set[str]":
        """The functions that hold code of a line; where it was inlined, those that it was inlined into."""
        names = set()
        for address in source.addresses(line):
            block, name = self.gdb.block_for_pc(address), ""
            while block is not None and not block.is_static and not block.is_global:
                name = block.function.name if block.function is not None else name
                block = block.superblock
            names.add(name)
        return names - {""}

    def _producer(self, source: Source) -> str:
        self.gdb.execute(f'list "{source.name}":{self.pixel.line},{self.pixel.line}', to_string=True)
        found = re.search(r"Producer is (.*?)\.?\n", self.gdb.execute("info source", to_string=True))
        return found.group(1) if found else ""

    def check(self) -> None:
        """Say which places and variables the program has, without running it.

        Raises:
            GaveUp: there is no place where a pixel begins.
        """
        self.bind()
        for place in [self.pixel, *self.inner]:
            for take in place.takes if place.line else ():
                lacking = [self._lacking(place, components) for components in take["alternatives"]]
                self.emit("take", place=place.name, quantity=take["quantity"], lacking=min(lacking, key=len))

    def _lacking(self, place: Place, components: "list[str]") -> "list[str]":
        main = self.gdb.lookup_global_symbol("main")
        addresses = [place.source.addresses(place.line)[0], *([int(main.value().address)] if main is not None else [])]
        blocks = [block for block in map(self.gdb.block_for_pc, addresses) if block is not None]
        names = {name for component in components for name in identifiers(component)}
        return sorted(name for name in names if not any(self._knows(block, name) for block in blocks))

    def _knows(self, block: Any, name: str) -> bool:
        symbol = self.gdb.lookup_symbol(name, block)[0]
        return symbol is not None and symbol.addr_class != self.gdb.SYMBOL_LOC_OPTIMIZED_OUT

    def run(self) -> None:
        """Run the program and read what is wanted.

        Raises:
            GaveUp: it can't be run, or its pixels can't be told apart.
        """
        gdb = self.gdb
        gdb.events.stop.connect(self._on_stop)
        gdb.events.exited.connect(self._on_exit)
        try:
            gdb.execute("starti", to_string=True)
        except gdb.error as error:
            raise GaveUp(f"gdb can't start it: {' '.join(str(error).split())}") from None
        gdb.execute("handle all nostop noprint pass", to_string=True)
        gdb.execute(f"handle {' '.join(_FATAL)} stop print pass", to_string=True)
        gdb.execute("set scheduler-locking step", to_string=True)
        try:
            self.bind()
            self._set_breakpoints()
            self._go_on()
        finally:
            if not self.ended:
                gdb.events.exited.disconnect(self._on_exit)
                gdb.execute("kill", to_string=True)

    def _go_on(self) -> None:
        while self.wanted or self.current:
            self.hits, self.signal = [], ""
            self.gdb.execute("continue", to_string=True)
            if self.ended:
                return
            if self.signal:
                self.emit("signal", name=self.signal, where=self._where())
                return
            self._arrived()
            while self.hits and not self.ended:  # a step after a line may end at another place
                self._arrived()
        if not self.ended:
            self.emit("done")

    def _set_breakpoints(self) -> None:
        if self.row is not None and self.row.line and self.config["threads"] == 1:
            self._stop_at(self.row)
        self._stop_at(self.pixel)
        for place in self.inner:
            if place.line:
                self._stop_at(place)
                place.breakpoint.enabled = False

    def _stop_at(self, place: Place) -> None:
        place.breakpoint = self.gdb.Breakpoint(source=place.source.name, line=place.line, internal=True)
        place.breakpoint.silent = True

    def _on_stop(self, event: Any) -> None:
        if hasattr(event, "breakpoints"):
            self.hits = [each.number for each in event.breakpoints]
        elif getattr(event, "stop_signal", "") in _FATAL:
            self.signal = event.stop_signal

    def _on_exit(self, event: Any) -> None:
        self.ended = True
        self.emit("exited", code=getattr(event, "exit_code", None))

    def _where(self) -> str:
        """The innermost line whose source is here: a crash in a library is its caller's."""
        frame = self.gdb.newest_frame()
        while frame is not None:
            found = frame.find_sal()
            if found.symtab is not None and found.line and Path(found.symtab.fullname()).exists():
                return f"{found.symtab.filename}:{found.line}"
            frame = frame.older()
        return ""

    def _arrived(self) -> None:
        hits, self.hits = self.hits, []
        thread = self.gdb.selected_thread().num
        self.reader.stopped()
        if self.row is not None and _hit(self.row, hits):
            self._at_row(self.row)
        if _hit(self.pixel, hits):
            self._at_pixel(thread)
        for place in sorted(self.inner, key=lambda place: bool(place.after)):
            if thread in self.current and _hit(place, hits):
                self._at_place(place, thread)

    def _pass(self, place: Place) -> None:
        """Let the program do what is in a line, however many lines the statement has."""
        last = place.source.end_of_statement(place.line)
        while True:
            self.gdb.execute("next", to_string=True)
            if self.ended or self.signal:
                raise GaveUp("the program ended in this line")
            self.reader.stopped()
            found = self.gdb.newest_frame().find_sal()
            if not place.line < found.line <= last or self.hits:
                return

    def _at_row(self, row: Place) -> None:
        """Rows without wanted pixels pass at full speed."""
        try:
            slow = self.reader.first("row", self.config["row"]["slow"])[0][0]
            self.in_row = (slow, -1)
        except GaveUp:
            row.breakpoint.enabled, self.row, self.pixel.breakpoint.enabled = False, None, True
            return
        self.pixel.breakpoint.enabled = any(slow == wanted for wanted, _ in self.wanted)

    def _at_pixel(self, thread: int) -> None:
        self.current.pop(thread, None)
        here = self._which_pixel()
        if here in self.wanted:
            self.wanted.remove(here)
            self.current[thread] = here
            self.ends_left[thread] = {place.name for place in self.inner if place.line and place.ends_pixel}
            self.emit("pixel", pixel=here)
            if not self.described:
                self.described = True
                self._take(self.pixel, "run", here, [])
        self._enable_inner()

    def _which_pixel(self) -> "tuple[int, int]":
        fast = self._coordinate("fast")
        try:
            return self._coordinate("slow"), fast
        except GaveUp:
            slow, before = self.in_row  # where the row began, it may have been readable
            if slow < 0 or fast <= before:
                raise
            self.in_row = (slow, fast)
            return slow, fast

    def _coordinate(self, name: str) -> int:
        try:
            return int(self.reader.first("pixel", self.config["pixel"][name])[0][0])
        except GaveUp as failure:
            raise GaveUp(f"the {name} coordinate of the pixel is {failure} at {self.pixel.where()}") from None

    def _enable_inner(self) -> None:
        """Inner places stop the program only inside a wanted pixel."""
        inside = bool(self.current)
        for place in self.inner:
            if place.breakpoint is not None and place.breakpoint.enabled != inside:
                place.breakpoint.enabled = inside

    def _at_place(self, place: Place, thread: int) -> None:
        here = self.current[thread]
        at: dict[str, Any] = {}
        for level, names in _TICS.items():
            quantities = [take["quantity"] for take in place.takes if take["level"] == level]
            try:
                if quantities:
                    at[level] = [self._tic(place, name) for name in names]
            except GaveUp as failure:
                self.emit("lost", level=level, where=place.where(), why=str(failure), quantities=quantities)
        if place.after:
            self._pass(place)
        for level, tics in at.items():
            self._take(place, level, here, tics)
        self.ends_left[thread].discard(place.name)
        if place.ends_pixel and not self.ends_left[thread]:
            del self.current[thread]
            self._enable_inner()
            if self.row is not None and self.row.breakpoint is not None:
                self.pixel.breakpoint.enabled = any(slow == here[0] for slow, _ in self.wanted)

    def _tic(self, place: Place, name: str) -> int:
        """A loop counter. A program without that loop is always in its first round."""
        alternatives, rounds = self.config["coordinates"].get(name, (None, None))
        if alternatives is None:
            return 0
        try:
            return int(self.reader.first(place.name, alternatives)[0][0])
        except GaveUp as failure:
            if failure.absent or self._is_one(place, rounds):
                return 0
            raise GaveUp(f"the loop counter {name} is {failure}") from None

    def _is_one(self, place: Place, rounds: "list[list[str]]") -> bool:
        try:
            return bool(rounds) and self.reader.first(place.name, rounds) == ([1], False)
        except GaveUp:
            return False

    def _take(self, place: Place, level: str, pixel: "tuple[int, int]", tics: "list[int]") -> None:
        values: dict[str, Any] = {}
        missing, doubt = {}, []
        for take in place.takes:
            if take["level"] != level:
                continue
            name = take["quantity"]
            try:
                if take["if"] and not self.reader.component(place.name, take["if"]):
                    values[name] = None
                    continue
                values[name], in_doubt = self.reader.first(place.name, take["alternatives"], take["text"])
                if in_doubt:
                    doubt.append(name)
            except GaveUp as failure:
                missing[name] = str(failure)
        told = {"level": level, "pixel": pixel, "tics": tics, "values": values, "missing": missing, "doubt": doubt}
        self.emit("values", place=place.name, where=place.where(), **told)


def _hit(place: Place, hits: "list[int]") -> bool:
    return place.breakpoint is not None and place.breakpoint.number in hits


def _die_with_parent() -> None:
    """When braggtrace is killed, gdb goes too and takes the program along."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
    except (ImportError, OSError, AttributeError):
        print("braggtrace: gdb would survive a killed braggtrace here", file=sys.stderr)


def main(config_path: str) -> None:
    """Do what a configuration file says."""
    _die_with_parent()
    gdb = importlib.import_module("gdb")
    config = json.loads(Path(config_path).read_text(encoding="utf-8"))
    with Path(config["records"]).open("w", encoding="utf-8") as output:
        driver = Driver(gdb, config, output)
        try:
            if config["do"] == "check":
                driver.check()
            else:
                driver.run()
        except GaveUp as failure:
            driver.emit("gave up", why=str(failure))
        except gdb.error as error:
            driver.emit("gave up", why=f"gdb: {' '.join(str(error).split())}")
