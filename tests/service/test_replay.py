"""The request `replay`: why two traces diverge, asked of a real engine."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="replaying needs torch")
from braggtrace.compare.judge import compare, rejudge
from braggtrace.compare.mapping import parse_map
from braggtrace.compare.model import Comparison
from braggtrace.compare.options import DEFAULT_OPTIONS, Options
from braggtrace.compare.tolerance import Measure, Tolerances, parse_rules, parse_tables
from braggtrace.errors import EngineError, UsageError
from braggtrace.service.client import LOCAL_COMMAND, Engine, Event
from braggtrace.service.replayrequest import explanation_of, judging_fields, options_of, replay_fields
from braggtrace.trace.reader import TraceReader, read_trace
from tests.service.talk import until

STALE = "rot_b_angstroms:reference"


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One engine for all tests."""
    with Engine() as engine:
        yield engine


@pytest.fixture
def pair(sample_traces: Path) -> dict[str, Any]:
    """The fields of the bundled pair."""
    folder = sample_traces / "stale_phi_zero"
    return {side: [str(folder / f"{side}.log")] for side in ("reference", "candidate")}


def compared(pair: Mapping[str, Any], options: Options = DEFAULT_OPTIONS) -> Comparison:
    """The pair, compared here."""
    return compare(read_trace(pair["reference"][0]), read_trace(pair["candidate"][0]), options)


def roots(result: Mapping[str, Any]) -> dict[str, str]:
    """Id of each root -> code of its cause."""
    return {root["id"]: root["cause"]["code"] for root in explanation_of(result)["roots"]}


def refused(engine: Engine, fields: Mapping[str, Any]) -> EngineError:
    """The error that a request comes back with."""
    with pytest.raises(EngineError) as caught:
        engine.call("replay", fields, 60)
    return caught.value


def test_the_stale_vector_is_found(engine: Engine, pair: dict[str, Any]) -> None:
    """Code, side, and what inherits from it; rows point into the comparison that was made here."""
    result = engine.call("replay", pair, 60)
    assert result["status"] == "DIVERGES"
    assert roots(result)[STALE] == "STALE_VALUE"
    assert "STALE_VALUE" in result["story"]
    explanation = explanation_of(result)
    assert explanation["schema"] == "braggtrace.explanation/1"
    pairings = compared(pair).pairings
    quantities = [each for each in explanation["quantities"] if each["pairing"] >= 0]
    assert {"F_latt", "I_pixel_final"} <= {each["quantity"] for each in quantities}
    for each in quantities:
        assert len(each["states"]) == len(each["pair_rows"]) == len(each["row_roots"])
        assert max(each["pair_rows"], default=0) < len(pairings[each["pairing"]].verdict)


def test_accepted_roots_are_taken_as_mended(engine: Engine, pair: dict[str, Any]) -> None:
    """One after the other goes; with all of them nothing is left; a name that is none is told."""
    all_of_them = list(roots(engine.call("replay", pair, 60)))
    for count in range(1, len(all_of_them) + 1):
        result = engine.call("replay", {**pair, "accepted": all_of_them[:count]}, 60)
        assert set(roots(result)) == set(all_of_them[count:])
        assert explanation_of(result)["accepted"] == all_of_them[:count]
    result = engine.call("replay", {**pair, "accepted": ["none:candidate"]}, 60)
    assert list(roots(result)) == all_of_them
    assert any("none:candidate" in note for note in explanation_of(result)["notes"])


def test_a_pixel_that_was_chosen_is_looked_at(engine: Engine, pair: dict[str, Any]) -> None:
    """Only that one; one that isn't traced is refused."""
    result = engine.call("replay", {**pair, "pixels": [[1640, 967]]}, 60)
    assert [1640, 967] in explanation_of(result)["pixels"]
    error = refused(engine, {**pair, "pixels": [[1640, 967], [3, 4]]})
    assert (error.code, "pixel 3 4" in error.sentence) == ("usage", True)


def test_the_second_time_nothing_is_read(engine: Engine, pair: dict[str, Any], tmp_path: Path) -> None:
    """The comparison is warm; another tolerance or a file that has changed makes another one."""
    own = tmp_path / "candidate.log"
    own.write_bytes(Path(pair["candidate"][0]).read_bytes())
    fields = {**pair, "candidate": [str(own)]}
    first = engine.call("replay", fields, 60)
    again = engine.call("replay", fields, 60)
    assert again["timing"]["setup_s"] < 0.005 < first["timing"]["setup_s"]
    assert roots(again) == roots(first) != {}
    loose = engine.call("replay", {**fields, "loosened": 1e9}, 60)
    assert (loose["status"], roots(loose)) == ("AGREES", {})
    own.write_bytes(Path(pair["reference"][0]).read_bytes())
    assert engine.call("replay", fields, 60)["status"] == "AGREES"


def test_what_is_judged_here_is_judged_there(engine: Engine, pair: dict[str, Any]) -> None:
    """Tolerances, their factor, the map and the pixels arrive as they are here."""
    rules = parse_rules(Measure.RTOL, ["1e-7", "F_*:0.12345678901234567", "rot_*:1"], "--rtol")
    file = parse_tables({"rtol": [1e-3, "k_*:1"], "ulp": ["hkl_*:4"], "atol": ["I_*:1e-3*max"]}, "file")
    options = Options(
        tolerances=(Tolerances(rules) + file).scaled(0.3),
        mapping=parse_map('ignore = ["rot_c*"]\n[tolerances]\natol = ["F_latt:2"]'),
        equal_nan=True,
        pixels=((1639, 966), (1640, 966)),
    )
    comparison = compared(pair, options)
    there = options_of(judging_fields(options))
    for pairing in comparison.pairings:
        names, kind = {pairing.name}, pairing.kind
        assert there.all_tolerances.of(names, kind).key == options.all_tolerances.of(names, kind).key
    assert (there.pixels, there.equal_nan, there.mapping.ignore) == (options.pixels, True, ("rot_c*",))
    result = engine.call("replay", replay_fields(comparison), 60)
    assert result["status"] == comparison.status.value
    again = rejudge(comparison, Tolerances(parse_rules(Measure.RTOL, ["1e9"], "--rtol")))
    assert engine.call("replay", replay_fields(again), 60)["status"] == again.status.value == "AGREES"


def test_a_trace_of_two_files(engine: Engine, sample_traces: Path) -> None:
    """The fields name both, and the engine reads both."""
    folder = sample_traces / "c_against_torch"
    pair = {side: [str(folder / f"{side}.log")] for side in ("reference", "candidate")}
    fields = replay_fields(compared(pair))
    assert [Path(path).name for path in fields["candidate"]] == ["candidate.log", "candidate_per_phi.log"]
    assert roots(engine.call("replay", fields, 60))[STALE] == "STALE_VALUE"


def test_what_is_no_file_can_not_be_asked_about(pair: dict[str, Any]) -> None:
    """Standard input, and a trace that is still being read."""
    comparison = compared(pair)
    comparison.reference.sources[0].stamp = None
    with pytest.raises(UsageError, match="can't be read a second time"):
        replay_fields(comparison)
    reader = TraceReader(pair["reference"])
    with pytest.raises(UsageError, match="still being read"):
        replay_fields(compare(reader.snapshot(), comparison.candidate))


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"reference": []}, "usage", "has no file"),
        ({"reference": ["-"]}, "input", "-: No such file"),
        ({"reference": ["absent\x1b[31m.log"]}, "input", "absent␛[31m.log: No such file"),
        ({"reference": ["/dev/zero"]}, "input", "no regular file"),
        ({"reference": "c.log"}, "usage", "a list of paths"),
        ({"candidate": ["c\0.log"]}, "usage", "a list of paths"),
        ({"files": {}}, "input", "No such file"),
        ({"wrong": 1}, "usage", "no field 'wrong'"),
        ({"only": [[3, 4]]}, "usage", "3 4 is in neither trace"),
        ({"pixels": [3, 4]}, "usage", "[slow, fast]"),
        ({"accepted": [1]}, "usage", "ids of roots"),
        ({"loosened": 0}, "usage", "above 0"),
        ({"loosened": float("inf")}, "usage", "above 0"),
        ({"tolerances": {"rtol": ["nowhere:1"]}}, "input", "matches no quantity"),
        ({"tolerances": {"rtoll": 1}}, "input", "rtoll"),
        ({"map": {"renames": {"mine": "yours"}}}, "input", "mine"),
        ({"map": []}, "usage", "map file"),
    ],
)
def test_bad_requests(engine: Engine, pair: dict[str, Any], change: dict[str, Any], code: str, words: str) -> None:
    """Each is refused in words that name what is wrong, and the engine goes on."""
    error = refused(engine, {**pair, "folder": "/nowhere", **change})
    assert (error.code, words in error.sentence) == (code, True), error.sentence
    assert error.detail == ""


def test_a_side_is_needed(engine: Engine, pair: dict[str, Any]) -> None:
    """Also where the files would have to be sent."""
    assert refused(engine, {"reference": pair["reference"]}).code == "usage"
    with Engine(LOCAL_COMMAND) as elsewhere:
        assert refused(elsewhere, {"reference": pair["reference"]}).code == "usage"
        assert refused(elsewhere, {**pair, "candidate": None}).code == "usage"


def test_paths_start_where_the_request_says(engine: Engine, pair: dict[str, Any]) -> None:
    """Relative names, and messages that call files what the client calls them."""
    folder = str(Path(pair["reference"][0]).parent)
    fields = {"reference": ["reference.log"], "candidate": ["candidate.log"], "folder": folder}
    assert roots(engine.call("replay", fields, 60))
    error = refused(engine, {**fields, "candidate": ["absent.log"]})
    assert error.sentence.startswith("absent.log: ")


def test_cancel_while_a_big_trace_is_read(engine: Engine, pair: dict[str, Any], tmp_path: Path) -> None:
    """It is told how far it is, ends before it is through, and the next request is answered."""
    text = Path(pair["reference"][0]).read_text()
    big = tmp_path / "big.log"
    with big.open("w") as file:
        for slow in range(2000):
            file.write(text.replace("1639", str(3000 + slow)).replace("1640", str(6000 + slow)))
    events: list[Event] = []
    ticket = engine.request("replay", {**pair, "reference": [str(big)]}, events.append)
    until(lambda: any(event.kind == "progress" for event in events))
    ticket.cancel()
    with pytest.raises(EngineError) as caught:
        ticket.wait(10)
    assert caught.value.code == "cancelled"
    progress = [event.fields for event in events if event.kind == "progress"]
    assert {each["unit"] for each in progress} == {"bytes"}
    assert all(0 <= each["fraction"] <= 1 for each in progress)
    assert roots(engine.call("replay", pair, 60))


def test_an_engine_elsewhere_gets_the_traces_by_content(pair: dict[str, Any], tmp_path: Path) -> None:
    """It reads nothing of ours; its cache holds the two files; messages name files as they are called here."""
    cache = tmp_path / "cache"
    command = [*LOCAL_COMMAND]
    shell = f"cd /; XDG_CACHE_HOME={shlex.quote(str(cache))} exec {shlex.join(command)}"
    folder = tmp_path / "here"
    folder.mkdir()
    for side, (path,) in pair.items():
        (folder / f"{side}.log").write_bytes(Path(path).read_bytes())
    fields = {"reference": ["reference.log"], "candidate": ["candidate.log"], "folder": str(folder)}
    with Engine(["sh", "-c", shell]) as elsewhere:
        assert roots(elsewhere.call("replay", fields, 60))[STALE] == "STALE_VALUE"
        assert len(list((cache / "braggtrace" / "inputs").iterdir())) >= 2
        (folder / "reference.log").unlink()
        assert refused(elsewhere, fields).sentence.startswith("reference.log: No such file")
        (folder / "reference.log").write_text("TRACE_C: F_latt two words too many\n\x00")
        assert elsewhere.call("replay", fields, 60)["status"] == "INCONCLUSIVE"


def test_a_damaged_reply_is_told() -> None:
    """An explanation that is none is an error in words."""
    for text in ("", "{", "[]"):
        with pytest.raises(EngineError, match="explanation"):
            explanation_of({"explanation": text})
