"""Kept evidence as rows: order, columns, what is damaged, and in what two set-ups differ."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from braggtrace.bundles.history import State, compare_setup, read_history
from braggtrace.bundles.request import Judging
from braggtrace.bundles.verify import verify
from braggtrace.quantities import Kind
from braggtrace_tui.bundlelist import (
    BundleRow,
    bundle_detail,
    bundle_heading,
    bundle_line,
    bundle_rows,
    setup_lines,
    verified_words,
)
from braggtrace_tui.pieces import plain
from tests.bundles.build import NOON, FakeClock, FakeSource, captured, trace_text

SPEC = FakeSource(trace_text(stale=False), phi_mode="spec")


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Two topics: one that agreed, diverged, and agreed again; an older one that was never finished."""
    (tmp_path / "c.log").write_text(trace_text(tag="TRACE_C"))
    for hours, source in enumerate((FakeSource(), SPEC, FakeSource())):
        captured(tmp_path, source, FakeClock(NOON + timedelta(hours=hours)))
    captured(tmp_path, SPEC, FakeClock(NOON - timedelta(days=1)), topic="older", reference=())
    partial = tmp_path / "reports/older/20251007T130000Z.partial"
    partial.mkdir()
    (partial / "attempt.log").write_text("2025-10-07T13:00:01Z BLOCKED in step run: \x1b[31mno GPU\n")
    return tmp_path / "reports"


def rows_of(reports: Path) -> list[BundleRow]:
    """As the screen lists them."""
    return bundle_rows(read_history(reports))


def test_the_latest_come_first_topic_by_topic(reports: Path) -> None:
    """With what became of the first divergence, at the moment it became so."""
    rows = rows_of(reports)
    assert [(row.topic, row.name[9:13], row.change) for row in rows] == [
        ("carryover", "1400", "vanished"),
        ("carryover", "1300", "appeared"),
        ("carryover", "1200", None),
        ("older", "1300", None),
        ("older", "1200", None),
    ]
    assert [row.answer for row in rows] == ["AGREES", "DIVERGES", "AGREES", "", ""]
    assert [row.state for row in rows] == [State.COMPLETE] * 3 + [State.PARTIAL, State.COMPLETE]
    assert [bool(row.trace) for row in rows] == [True, True, True, False, True]
    assert [bool(row.reference) for row in rows] == [True, True, True, False, False]
    assert rows[0].options.pixels == ((684, 1039), (684, 1040), (685, 1039), (685, 1040))


@pytest.mark.parametrize("width", [80, 100, 120, 170])
def test_a_line_says_what_fits(reports: Path, width: int) -> None:
    """Time, topic, divergence and trend always; wider screens say more."""
    rows = rows_of(reports)
    first, second, *_ = (
        plain(bundle_line(row, mark, width)) for row, mark in zip(rows, ("r", "c", "", "", ""), strict=True)
    )
    assert first.startswith(" ref  20251008T140000Z  carryover       = none ")
    assert first.endswith("  VANISHED")
    assert second.startswith(" cand 20251008T130000Z  carryover       ≠ rot_a.y ")
    assert second.endswith("  APPEARED")
    assert len(plain(bundle_heading(width))) <= len(first) <= width
    heading = plain(bundle_heading(width))
    assert ("F_latt" in heading, "configuration" in heading) == (width >= 100, width >= 170)
    if width >= 170:
        assert "spec float64 cpu" in second
        assert second.index("APPEARED") == heading.index("since")
    partial = plain(bundle_line(rows[3], "", width))
    assert "! partial: BLOCKED in step run: ␛[31mno GPU" in partial


def test_the_detail_has_what_the_list_has_no_room_for(reports: Path) -> None:
    """The whole answer, how it was made, the values; and what came of verifying it."""
    row = rows_of(reports)[1]
    verified = verified_words(verify(row.path))
    text = "\n".join(plain(line) for line in bundle_detail(row, 100 + len(str(row.path)), verified))
    assert text.startswith(f" {row.path}\n DIVERGES: first divergence rot_a.y at pixel 684 1039, phi_tic 0")
    assert " = verifies: " in text
    assert "computed trace, spec float64 cpu, legacy · 4 pixels, slow 684-685, fast 1039-1040" in text
    assert "F_latt " in text
    assert "I_pixel_final" in text
    assert [plain(line) for line in bundle_detail(None, 100)] == [""]


def test_what_is_altered_is_named(reports: Path) -> None:
    """First how many faults, then each."""
    path = rows_of(reports)[0].path
    (path / "README.md").chmod(0o644)
    (path / "README.md").write_text("fine\n")
    assert verified_words(verify(path))[:2] == [
        "! does not verify: 3 faults",
        "! README.md: altered: the checksum differs",
    ]


def test_metrics_that_mean_nothing_are_a_damaged_bundle(reports: Path) -> None:
    """It is listed, and says so; the others are not hurt."""
    path = rows_of(reports)[2].path
    text = (path / "metrics.json").read_text()
    (path / "metrics.json").chmod(0o644)
    (path / "metrics.json").write_text(text.replace('"judging"', '"jugding"'))
    rows = rows_of(reports)
    assert [row.state for row in rows[:3]] == [State.COMPLETE, State.COMPLETE, State.DAMAGED]
    assert rows[2].summary == "its metrics are not as their schema says"
    (path / "metrics.json").write_text("{")
    (damaged,) = (row for row in rows_of(reports) if row.state is State.DAMAGED)
    assert damaged.summary.startswith("metrics.json: not JSON")
    assert damaged.trace == ""


def test_two_set_ups_are_told_apart(reports: Path, tmp_path: Path) -> None:
    """What people ask for first comes first; another folder alone makes no difference."""
    rows = rows_of(reports)
    differ = compare_setup(rows[0].path, rows[1].path)
    assert plain(setup_lines(differ, 80, 2)[0]) == " set up differently: phi_mode c-parity | spec"
    elsewhere = tmp_path / "elsewhere" / rows[0].path.name
    shutil.copytree(rows[0].path, elsewhere)
    assert compare_setup(rows[0].path, elsewhere) == []
    assert plain(setup_lines([], 80, 2)[0]) == " set up alike: settings, machine and revision"
    (elsewhere / "env.json").chmod(0o644)
    facts = (elsewhere / "env.json").read_text()
    (elsewhere / "env.json").write_text(facts.replace('"host": "', '"host": "cluster-'))
    (line,) = setup_lines(compare_setup(rows[1].path, elsewhere), 120, 2)
    assert plain(line).startswith(" set up differently: host ")
    assert "| cluster-" in plain(line)
    assert plain(line).endswith("· phi_mode spec | c-parity")
    rows_of_long = [("libraries.torch", "1", "2"), ("flags", "-a " * 40, "-b"), ("phi_mode", "–", "spec")]
    lines = [plain(line) for line in setup_lines(rows_of_long, 60, 2)]
    assert lines == [" set up differently: phi_mode – | spec · libraries.torch 1", "   | 2 · flags"]


def test_it_is_judged_as_it_was(reports: Path, tmp_path: Path) -> None:
    """Its tolerances and its map, of which the file is in the bundle."""
    judging = Judging({"rtol": ("rot_*:1e-2",)}, mapping='ignore = ["stol"]\n')
    captured(tmp_path, SPEC, FakeClock(NOON + timedelta(hours=9)), judging=judging)
    row = rows_of(reports)[0]
    assert row.options.tolerances.of(["rot_a"], Kind.REAL).rtol == 1e-2
    assert row.options.mapping.ignore == ("stol",)
    assert Path(row.options.mapping.path).read_text() == judging.mapping
