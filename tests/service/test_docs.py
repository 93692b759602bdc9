"""`docs/engine-protocol.md` is true: its session is held again, its tables are those of the code."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the worker computes with torch")
from braggtrace.service.protocol import Code
from braggtrace.service.verbs import EXPERIMENT, PAIR, VERBS
from tests.conftest import ROOT
from tests.service.talk import EXPERIMENT as EXAMPLE
from tests.service.talk import talking

PAGE = ROOT / "docs" / "engine-protocol.md"
PAIR_OF_TRACES = ROOT / "sample_traces" / "stale_phi_zero"
TEXT = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""

pytestmark = pytest.mark.skipif(not TEXT, reason="the pages are not part of the wheel")


def section(title: str) -> str:
    """The text below a heading."""
    return re.split(r"^#+ ", TEXT.partition(f"# {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(text: str) -> set[str]:
    """The first column of the tables."""
    return set(re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE))


def pattern_of(line: str) -> re.Pattern[str]:
    """A line of the page, where … stands for anything."""
    return re.compile(".*".join(re.escape(part) for part in line.split("…")), re.DOTALL)


def test_the_session_is_what_happens(tmp_path: Path) -> None:
    """Every request of the page gives its replies, in order."""
    lines = re.search(r"```\n(.*?)```", section("A session"), re.DOTALL)
    assert lines is not None
    for name, trace in (("c.log", "reference.log"), ("torch.log", "candidate.log")):
        shutil.copy(PAIR_OF_TRACES / trace, tmp_path / name)
    with talking(cwd=tmp_path) as talk:
        held = 0
        for line in lines[1].splitlines():
            if line.startswith("> "):
                talk.say(line[2:])
                continue
            assert talk.process.stdout is not None
            while '"event":"progress"' in (reply := talk.process.stdout.readline().decode().rstrip("\n")):
                pass
            assert pattern_of(line).fullmatch(reply), f"the page says {line}\nthe engine says {reply}"
            held += 1
    assert held > 8


def test_verbs_codes_and_fields_are_all_there() -> None:
    """Nothing that exists is missing from the page, nothing on the page doesn't exist."""
    assert first_cells(section("Requests")) == set(VERBS)
    assert first_cells(section("An experiment")) == set(EXPERIMENT)
    others = {name for verb in ("trace", "simulate") for name in VERBS[verb].fields} - set(EXPERIMENT)
    assert first_cells(section("Where, and which pixels")) == others
    assert first_cells(section("Two traces")) == set(VERBS["replay"].fields) > set(PAIR)
    assert first_cells(section("Replies")) >= set(Code)
    for name in ("cancel", "have", "put"):
        row = re.search(rf"^\| `{name}` \|.*$", section("Requests"), re.MULTILINE)
        assert row is not None
        assert all(f"`{field}`" in row[0] for field in VERBS[name].fields)


def test_results_hold_what_the_page_says() -> None:
    """The names that the page lists are the names in the replies."""
    listed = section("What the results hold")

    def names(verb: str) -> set[str]:
        text = re.split(r"^- ", listed.partition(f"- `{verb}`:")[2], maxsplit=1, flags=re.MULTILINE)[0]
        return set(re.findall(r"`(\w+)`", re.sub(r"\([^()]*\)", "", text)))

    flags = EXAMPLE["flags"]
    with talking() as talk:
        for verb, fields in (
            ("hello", {}),
            ("explain", {"flags": flags}),
            ("trace", {"flags": flags, "pixels": [[1, 1]]}),
            ("simulate", {"flags": flags}),
            ("replay", {side: [str(PAIR_OF_TRACES / f"{side}.log")] for side in ("reference", "candidate")}),
        ):
            talk.say({"id": "x", "do": verb, **fields})
            parts = set()
            while (message := talk.line())["event"] != "result":
                assert message["event"] != "error", message
                parts |= {message["field"]} if message["event"] == "part" else set()
            assert names(verb) - {"setup_s", "run_s", "sum"} == (set(message) - {"id", "event"}) | parts, verb


def test_the_shell_example_is_one_line_of_shell() -> None:
    """It can be copied, and its request is a request."""
    example = re.search(r"```sh\n(.*?)\n```", TEXT)
    assert example is not None
    words = shlex.split(example[1], posix=True)
    assert json.loads(next(word for word in words if word.startswith("{")).rstrip(";"))["do"] == "hello"
