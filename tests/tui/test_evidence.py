"""What a probe of the screen is asked, and how its end is told."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from braggtrace.bundles.request import Judging
from braggtrace.compare.mapping import read_map
from braggtrace.compare.options import Options
from braggtrace.compare.tolerance import Measure, Rule, Tolerances
from braggtrace.quantities import Kind
from braggtrace_tui.commands.probe import add_arguments, parse, request_of
from braggtrace_tui.evidence import (
    EvidencePlan,
    EvidenceResult,
    pixel_arguments,
    probe_command,
    result_lines,
    tolerance_arguments,
    tolerance_words,
    topic_of,
    where_it_fails,
)
from braggtrace_tui.pieces import plain

NAMES = ("rot_a", "F_latt", "hkl_rounded", "I_pixel_final")


@pytest.mark.parametrize(
    ("reference", "candidate", "last", "topic"),
    [
        ("/d/work/c.log", "/d/work/torch.log", "", "work"),
        ("/d/stale phi-zero/reference.log", "/d/x/candidate.log", "", "x"),
        ("/d/stale phi-zero/reference.log", "/d/out/candidate.log", "", "stale_phi_zero"),
        ("/d/c.log", "/d/my.port.log.gz", "", "my"),
        ("/d/c.log", "/d/r/.braggtrace/runs/20250101T000000Z-pixel-1-2-cpu/trace.log", "", "d"),
        ("/c/c.log", "/c/torch.log", "", "probe"),
        ("/c/c.log", "/c/torch.log", "carryover", "carryover"),
        ("/c/c.log", "/reports/rot/20250101T000000Z/trace_py.log", "carryover", "rot"),
        ("/c/c.log", "/c/naïve.log", "", "na_ve"),
        ("/c/c.log", "/c/first.log+/c/second.log", "", "first"),
        ("-", "/c/mine.log", "", "mine"),
    ],
)
def test_the_topic_is_what_tells_most(reference: str, candidate: str, last: str, topic: str) -> None:
    """The bundle's own topic, the last one, else a name that is not what everybody calls a trace."""
    assert topic_of(reference, candidate, last) == topic


def rule(measure: Measure, pattern: str, tenths: int, of_max: bool) -> Rule:
    """A rule as a command line may have it; ulp counts whole steps, and nobody writes 0 of them for some names."""
    value = float(max(tenths, bool(pattern))) if measure is Measure.ULP else tenths / 10
    return Rule(measure, pattern, value, of_max and measure is Measure.ATOL)


RULES = st.builds(
    rule,
    st.sampled_from(list(Measure)),
    st.sampled_from(["", "rot_*", "F_latt", "hkl_rounded", "*"]),
    st.integers(0, 20),
    st.booleans(),
)


@given(st.lists(RULES, max_size=6), st.sampled_from([0, -3, 1, 8]))
def test_arguments_judge_as_the_screen_does(rules: list[Rule], decades: int) -> None:
    """Whatever rules there are, and however much they were loosened."""
    tolerances = Tolerances(tuple(rules)).scaled(10.0**decades)
    words: dict[str, list[str]] = {str(measure): [] for measure in Measure}
    for word in tolerance_arguments(tolerances):
        name, _, value = word.removeprefix("--").partition("=")
        words[name].append(value)
    again = Judging({name: tuple(value) for name, value in words.items()}).options(()).tolerances
    for kind in (Kind.REAL, Kind.INTEGER):
        for name in NAMES:
            assert again.of([name], kind).key == pytest.approx(tolerances.of([name], kind).key, rel=1e-11, abs=0)


def test_the_form_says_how_it_is_judged() -> None:
    """Fixes that are accepted on screen are no part of the traces."""
    assert tolerance_words(Tolerances().scaled(10.0), 0) == "rtol 1e-5"
    rules = Tolerances((Rule(Measure.RTOL, "rot_*", 1e-9),))
    assert tolerance_words(rules, 1) == "rtol 1e-6, and 1 rule of your own; without the fix accepted on screen"
    assert tolerance_words(Tolerances(), 2) == "rtol 1e-6; without the 2 fixes accepted on screen"


def test_a_box_of_pixels_is_a_roi() -> None:
    """Any other pixels are named one by one."""
    assert pixel_arguments(()) == []
    assert pixel_arguments([(1, 2)]) == ["--pixel", "1", "2"]
    assert pixel_arguments([(1, 2), (1, 3), (2, 2), (2, 3)]) == ["--roi", "1", "2", "2", "3"]
    assert pixel_arguments([(1, 2), (2, 3), (1, 2)]) == ["--pixel", "1", "2", "--pixel", "2", "3"]


def test_the_command_asks_for_what_is_on_screen(tmp_path: Path) -> None:
    """`braggtrace probe` reads it back: traces, tolerances, map, pixels, place and words."""
    (tmp_path / "map.toml").write_text('ignore = ["debug_*"]\n[tolerances]\nrtol = [1e-3]\n')
    options = Options(
        Tolerances((Rule(Measure.RTOL, "rot_*", 1e-9),)).scaled(100.0),
        read_map(tmp_path / "map.toml"),
        equal_nan=True,
        require_all=True,
    )
    plan = EvidencePlan("c 1.log+c 2.log", "-odd.log", options, ((1, 2),), "my reports", "topic", "--it's a 'note'")
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    words = probe_command(plan)
    request = request_of(parse(parser, words[words.index("probe") + 1 :]))
    assert request.candidate == "-odd.log"
    assert request.reference == ("c 1.log", "c 2.log")
    assert (request.root, request.topic, request.note) == (Path("my reports"), "topic", "--it's a 'note'")
    assert (request.pixels, request.boxes) == (((1, 2),), ())
    assert (request.judging.equal_nan, request.judging.require_all) == (True, True)
    assert request.experiment.flags == ()
    judged = request.judging.options(()).all_tolerances
    for name in NAMES:
        assert judged.of([name], Kind.REAL).key == pytest.approx(options.all_tolerances.of([name], Kind.REAL).key)


def test_what_can_be_seen_before_is_said_before(tmp_path: Path) -> None:
    """A topic that is no name, a root that is a file, a map that has gone."""

    def why(root: Path | str = tmp_path, topic: str = "probe", options: Options = Options()) -> str:  # noqa: B008 - a value
        return where_it_fails(EvidencePlan("c.log", "py.log", options, root=str(root), topic=topic))

    assert why() == ""
    assert why(tmp_path / "new" / "deeper") == ""
    assert "my_topic" in why(topic="my topic")
    (tmp_path / "file").touch()
    assert why(tmp_path / "file").endswith("file is no folder")
    assert why("") == "the root is empty: name a folder"
    (tmp_path / "map.toml").write_text("")
    options = Options(mapping=read_map(tmp_path / "map.toml"))
    (tmp_path / "map.toml").unlink()
    assert why(options=options).endswith("map.toml is not there any more")


@pytest.mark.parametrize(("width", "at"), [(44, 2), (64, 1), (80, 1), (120, 0)])
def test_the_end_is_told_in_a_few_lines(width: int, at: int) -> None:
    """The path, the answer, the keys where there is room; or why there is none, and what is left."""
    path = Path("reports/stale_phi_zero/20251008T172721Z")
    lines = [plain(line) for line in result_lines(EvidenceResult(path, "DIVERGES: \x1b[31mrot_a", True), width)]
    assert lines[0].startswith(" = evidence  reports/stale" if width > 44 else " = evidence  …")
    assert "phi_zero/20251008T172721Z" in lines[0]
    assert lines[1].startswith("   DIVERGES: ␛[31mrot_a")
    assert lines[at].endswith("y copies the path  Esc closes")
    assert max(map(len, lines)) <= width
    failed = EvidenceResult(path, "bundle: no space left")
    said = " ".join(plain(line).strip() for line in result_lines(failed, width))
    assert said.startswith("! no evidence: bundle: no space left; what was there is in")
    gone = result_lines(EvidenceResult(None, "cancelled", cancelled=True), width)
    assert plain(gone[0]) == " · cancelled; nothing was written"
