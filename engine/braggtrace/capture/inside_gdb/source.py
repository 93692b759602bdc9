"""Source files as gdb knows them, and the places of a tap file in them."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["Place", "Source", "candidates", "identifiers", "is_optimised", "without_comments"]

_HIDDEN = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)
_NAME = re.compile(r"(?<![\w.])(?<!->)[A-Za-z_]\w*")
_WORDS = frozenset(["sizeof", "signed", "unsigned", "char", "short", "int", "long", "float", "double", "struct"])
_SOURCE_NAME = re.compile(r"/(?!usr/).*\.(c|cc|cpp|cxx|C|h|hpp|cu|f|for|f90|F|F90)")


def without_comments(text: str) -> "list[str]":
    """The lines of a C source, with comments and texts blanked out and everything else where it was."""
    return _HIDDEN.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text).split("\n")


def identifiers(expression: str) -> "list[str]":
    """The names of variables and functions in an expression."""
    return [name for name in _NAME.findall(expression) if name not in _WORDS]


def is_optimised(producer: str, location_lists: bool) -> bool:
    """Whether a compiler that calls itself `producer` was told to optimise.

    gcc says with which options it ran. Where a compiler doesn't, variables that move about are a sign.
    """
    levels = re.findall(r"\s-O(\S*)", producer)
    if levels:
        return bool(levels[-1] != "0")
    return location_lists and not re.search(r"\s-[mgf]\S+", producer)


class Source:
    """A source file: its lines, and which machine code was made from them.

    Attributes:
        name: as gdb knows it.
        lines: without comments; line 1 is lines[0].
        table: (address, line), sorted.
        code: the lines from which code was made.
    """

    def __init__(self, symtab: Any) -> None:
        self.name = str(symtab.filename)
        text = Path(symtab.fullname()).read_text(encoding="utf-8", errors="replace")
        self.lines = without_comments(text)
        self.table = sorted((int(entry.pc), int(entry.line)) for entry in symtab.linetable())
        self.code = {line for _, line in self.table}

    def matching(self, pattern: str) -> "list[int]":
        """The lines, from 1, in which a pattern is found."""
        return [number for number, text in enumerate(self.lines, 1) if re.search(pattern, text)]

    def addresses(self, line: int) -> "list[int]":
        """Where pieces of the code of a line begin."""
        return [address for address, found in self.table if found == line]

    def end_of_statement(self, line: int) -> int:
        """The line with the semicolon that ends the statement of a line."""
        return next((each for each in range(line, len(self.lines) + 1) if ";" in self.lines[each - 1]), line)


class Place:
    """A place of the tap file, and where it was found.

    Attributes:
        name: of the place.
        before: patterns of the line to stop before, or else
        after: patterns of the line to stop after.
        takes: what to read there.
        source: the file.
        line: in it, 0 while it is not found.
        others: more lines that match.
        why: the reason why it is not found.
        breakpoint: gdb's.
        ends_pixel: something is read here at the end of a pixel.
    """

    def __init__(self, row: "dict[str, Any]") -> None:
        self.name = row["name"]
        self.before = row.get("before", [])
        self.after = row.get("after", [])
        self.takes = row.get("takes", [])
        self.source: Any = None
        self.line = 0
        self.others: list[int] = []
        self.why = ""
        self.breakpoint: Any = None
        self.ends_pixel = any(take["level"] == "pixel" for take in self.takes)

    def bind(self, source: Source, choose: "Callable[[list[int]], list[int]]") -> bool:
        """Look for the place in a file; `choose` picks from the lines that match and have code."""
        for pattern in self.before or self.after:
            matching = source.matching(pattern)
            usable = choose([line for line in matching if line in source.code])
            if usable:
                self.source, self.line, self.others, self.why = source, usable[0], usable[1:], ""
                return True
            if matching and not self.why:
                self.why = f"{source.name}:{matching[0]} matches, but has no code, or is not in the pixel's loop"
        return False

    def where(self) -> str:
        """`file:line`, "" while it is not found."""
        return f"{self.source.name}:{self.line}" if self.line else ""


def candidates(gdb: Any) -> "Iterator[Any]":
    """Tables of the files that may hold the loops, that of `main` first."""
    seen = set()
    main = gdb.lookup_global_symbol("main")
    if main is not None and main.symtab is not None and main.line:
        seen.add(main.symtab.filename)
        yield main.symtab
    for name in re.split(r",\s+|\n+", gdb.execute("info sources", to_string=True)):
        if name in seen or not _SOURCE_NAME.fullmatch(name):
            continue
        seen.add(name)
        try:
            found = gdb.decode_line(f'"{name}":1')[1] or ()
        except gdb.error:
            continue
        yield from [each.symtab for each in found if each.symtab is not None][:1]
