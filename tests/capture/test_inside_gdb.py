"""What runs inside gdb, as far as it needs no gdb; the rest is tested with a real one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import braggtrace.capture.inside_gdb as package
from braggtrace.capture.inside_gdb.reader import GaveUp, Reader
from braggtrace.capture.inside_gdb.source import Place, Source, identifiers, is_optimised, without_comments


def test_comments_and_texts_are_no_source() -> None:
    """Lines stay where they are."""
    text = 'a /* I = 0; */ b\n// I = 0;\n"I = \\" 0;" c\n/* x\nI = 0; */ d \'"\' e\n'
    assert [line.split() for line in without_comments(text)] == [["a", "b"], [], ["c"], [], ["d", "e"], []]


def test_identifiers() -> None:
    """Names of variables and functions, not of members, types or numbers."""
    assert identifiers("sincg(3.14e0*h, (double) p->Na.x) + a[i] + 0x1f") == ["sincg", "h", "p", "a", "i"]


@pytest.mark.parametrize(
    ("producer", "lists", "optimised"),
    [
        ("GNU C11 12.2.0 -mtune=generic -march=x86-64 -g -O2", False, True),
        ("GNU C11 12.2.0 -g -O0", True, False),
        ("GNU C11 12.2.0 -O2 -g -O0", True, False),
        ("GNU C11 12.2.0 -mtune=generic -g", True, False),
        ("GNU C11 12.2.0 -Og -g", False, True),
        ("clang version 15.0.6", False, False),
        ("clang version 15.0.6", True, True),
    ],
)
def test_optimised_builds_are_known(producer: str, lists: bool, optimised: bool) -> None:
    """By what the compiler says of itself, or else by variables that move about."""
    assert is_optimised(producer, lists) is optimised


def source_of(tmp_path: Path, text: str, code: dict[int, int]) -> Source:
    """A source whose code lies at address -> line."""
    path = tmp_path / "n.c"
    path.write_text(text)
    table = [SimpleNamespace(pc=pc, line=line) for pc, line in code.items()]
    return Source(SimpleNamespace(filename="n.c", fullname=lambda: str(path), linetable=lambda: table))


def test_places_need_code(tmp_path: Path) -> None:
    """A line that matches but has no code is not the place; the first pattern that is found counts."""
    source = source_of(tmp_path, "I = 0;\nI = 0;\nx = 1\n + 2;\n", {10: 2, 20: 3, 30: 4, 40: 3})
    assert source.addresses(3) == [20, 40]
    assert source.end_of_statement(3) == 4
    place = Place({"name": "p", "before": ["nowhere", "I = 0", "x ="]})
    assert place.bind(source, lambda lines: lines)
    assert (place.where(), place.others) == ("n.c:2", [])
    elsewhere = Place({"name": "p", "before": ["I = 0"]})
    assert not elsewhere.bind(source, lambda lines: [])
    assert elsewhere.why.startswith("n.c:1 matches, but has no code")
    assert elsewhere.where() == ""


class FakeError(Exception):
    """gdb's own kind of error."""


class FakeGdb:
    """Frames with variables: numbers, texts that gdb would say, or errors."""

    error = FakeError
    TYPE_CODE_FLT, TYPE_CODE_INT, TYPE_CODE_PTR, TYPE_CODE_ARRAY, TYPE_CODE_STRUCT, TYPE_CODE_FUNC = range(6)

    def __init__(self, *frames: dict[str, Any], addresses: dict[str, str] | None = None) -> None:
        self.scopes, self.at, self.asked = frames, 0, 0
        self.addresses = addresses or {}

    def newest_frame(self) -> Any:
        return self.frame(0)

    def frame(self, depth: int) -> Any:
        older = self.frame(depth + 1) if depth + 1 < len(self.scopes) else None
        return SimpleNamespace(select=lambda: setattr(self, "at", depth), older=lambda: older)

    def parse_and_eval(self, expression: str) -> Any:
        self.asked += 1
        found = self.scopes[self.at].get(expression, FakeError(f'No symbol "{expression}" in current context.'))
        if isinstance(found, Exception):
            raise found
        return FakeValue(self, found)

    def execute(self, command: str, to_string: bool) -> str:
        assert to_string
        return self.addresses[command.removeprefix("info address ")]


class FakeValue:
    """A value of the fake gdb."""

    is_optimized_out = False

    def __init__(self, gdb: FakeGdb, value: Any) -> None:
        code = gdb.TYPE_CODE_FLT if isinstance(value, float) else gdb.TYPE_CODE_INT
        code = gdb.TYPE_CODE_PTR if isinstance(value, bytes) else code
        kind = SimpleNamespace(code=code)
        self.value, self.type = value, SimpleNamespace(strip_typedefs=lambda: kind, code=code)
        self.is_optimized_out = value is None

    def fetch_lazy(self) -> None:
        pass

    def string(self, errors: str) -> str:
        return bytes(self.value).decode("utf-8", errors)

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __str__(self) -> str:
        return str(self.value)


def reader_of(gdb: FakeGdb, optimised: bool = False) -> Reader:
    """A reader where the program has just stopped."""
    reader = Reader(gdb, optimised)
    reader.stopped()
    return reader


def test_names_are_looked_up_in_callers_too() -> None:
    """OpenMP makes functions of loops; where a name was found is remembered, also that it is nowhere."""
    gdb = FakeGdb({"h": 1.5}, {}, {"Na": 5, "h": 9.0})
    reader = reader_of(gdb)
    assert reader.first("p", [["h"]]) == ([1.5], False)
    assert reader.first("p", [["Na"]]) == ([5], False)
    assert gdb.at == 0
    before = gdb.asked
    assert reader.first("p", [["Na"]]) == ([5], False)
    assert gdb.asked == before + 1
    for _ in range(2):
        with pytest.raises(GaveUp, match="no variable x") as failure:
            reader.first("p", [["x"]])
        assert failure.value.absent
    assert gdb.asked == before + 1 + 3


def test_alternatives_and_their_reasons() -> None:
    """The first that can be read counts; else the reason of one that the program has."""
    gdb = FakeGdb({"b": FakeError("value has been optimized out"), "c": 3, "d": FakeError("Cannot access memory at 0")})
    reader = reader_of(gdb)
    assert reader.first("p", [["a"], ["b"], ["c"]]) == ([3], False)
    with pytest.raises(GaveUp, match=r"^optimised out$"):
        reader.first("p", [["a"], ["b"]])
    with pytest.raises(GaveUp, match="memory can't be read"):
        reader.first("p", [["c", "d"]])


def test_texts_and_what_is_no_number() -> None:
    """A text is read as one; a pointer is no number."""
    reader = reader_of(FakeGdb({"name": b"caf\xc3\xa9", "gone": None}))
    assert reader.component("p", "name", text=True) == "café"
    with pytest.raises(GaveUp, match="is no number"):
        reader.component("p", "name")
    with pytest.raises(GaveUp, match="optimised out"):
        reader.component("p", "gone", text=True)


def test_doubts_in_an_optimised_program() -> None:
    """What the compiler followed is sure; memory and pointers are in doubt; functions are not called."""
    addresses = {
        "h": 'Symbol "h" is multi-location: ...',
        "a": 'Symbol "a" is a complex DWARF expression: 0: DW_OP_fbreg -896 .',
        "p": 'Symbol "p" is multi-location: ...',
        "i": 'Symbol "i" is constant.',
    }
    variables = {"h": 1.0, "a": 2.0, "a[1]": 2.0, "p": b"", "p[i]": 3.0, "i": 4, "f(h)": 5.0}
    reader = reader_of(FakeGdb(variables, addresses=addresses), optimised=True)
    assert reader.first("p", [["h", "i"]]) == ([1.0, 4], False)
    assert reader.first("p", [["a[1]"]]) == ([2.0], True)
    assert reader.first("p", [["p[i]"]]) == ([3.0], True)
    with pytest.raises(GaveUp, match="calling a function of an optimised program is unsafe"):
        reader.first("p", [["f(h)"]])
    assert reader_of(FakeGdb(variables)).first("p", [["f(h)"]]) == ([5.0], False)


def test_it_stands_alone() -> None:
    """Gdb's Python has none of our packages: the modules load without them."""
    folder = Path(package.__path__[0]).parent
    code = f"import sys; sys.path = [p for p in sys.path if 'site-packages' not in p] + [{str(folder)!r}]\n"
    code += "import inside_gdb.driver\nassert not [name for name in sys.modules if name.startswith('braggtrace')]"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, timeout=60)
