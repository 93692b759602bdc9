"""Map files: what they say, and what can be wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from braggtrace.compare.mapping import parse_map, read_map
from braggtrace.compare.model import Status
from braggtrace.compare.options import Options
from braggtrace.errors import MapFileError
from braggtrace.quantities import Kind
from tests.compare.build import compared, names, pairing

MAP = """
ignore = ["debug_*"]
[renames]
dist = "distance_meters"
[units]
dist = "mm"
[tolerances]
rtol = ["distance*:1e-2"]
"""


def test_a_map_says_four_things(tmp_path: Path) -> None:
    """Renames, units, tolerances and what to leave out."""
    path = tmp_path / "map.toml"
    path.write_text(MAP)
    mapping = read_map(path)
    assert mapping.renames == {"dist": "distance_meters"}
    assert mapping.units == {"dist": "mm"}
    assert mapping.tolerances.of(["distance_meters"], Kind.REAL).rtol == 1e-2
    assert mapping.ignores("debug_1")
    assert not mapping.ignores("dist")


def test_a_map_joins_what_names_do_not() -> None:
    """The value is converted, judged by the map's tolerance, and marked as mapped; the ignored one is gone."""
    comparison = compared(
        "distance_meters 0.1\nNa 5\ndebug_1 3", "dist 100.5\nNa 5\ndebug_2 4", Options(mapping=parse_map(MAP))
    )
    assert names(comparison) == [("distance_meters", "dist", "mapped"), ("Na", "Na", "exact")]
    found = pairing(comparison, "distance_meters")
    assert (found.conversion, found.tolerance.rtol, found.rel[0]) == ("mm → m", 1e-2, pytest.approx(0.5 / 100.5))
    assert comparison.status is Status.AGREES
    assert comparison.notes == ("quantities that the map leaves out: 1 of the reference, 1 of the candidate",)


def test_a_rename_comes_before_the_same_name() -> None:
    """The user knows that the candidate's F_latt is another thing."""
    mapping = parse_map('[renames]\nF_true = "F_latt"')
    comparison = compared("pixel 1 1\nF_latt 2", "pixel 1 1\nF_latt 3\nF_true 2", Options(mapping=mapping))
    assert names(comparison) == [("F_latt", "F_true", "mapped"), ("", "F_latt", "none")]


def test_a_unit_alone_marks_the_pair_as_mapped() -> None:
    """The name is the same, but the user's word made the number another."""
    comparison = compared("distance_meters 0.1", "distance_meters 100", Options(mapping=parse_map(MAP_UNIT)))
    assert names(comparison) == [("distance_meters", "distance_meters", "mapped")]
    assert comparison.status is Status.AGREES


MAP_UNIT = '[units]\ndistance_meters = "mm"'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("renames = ", "not TOML"),
        ("rename = {}", "unknown key 'rename'; expected renames, units, tolerances, ignore"),
        ("renames = 3", "renames is no table"),
        ("[renames]\na = 3", "bad value of 'a'"),
        ('[renames]\na = "c"\nb = "c"', "'c' is the new name of more than one"),
        ('[units]\na = "furlong"', "bad value of 'a'; expected a unit like m"),
        ("[tolerances]\nrtoll = 1", "tolerances: unknown key 'rtoll'"),
        ('ignore = "x"', "no list of names"),
        ("ignore = [1]", "no list of names"),
    ],
)
def test_a_bad_map_is_an_error(text: str, complaint: str) -> None:
    """It names the file and what was expected."""
    with pytest.raises(MapFileError, match=complaint) as caught:
        parse_map(text, "my.toml")
    assert str(caught.value).startswith("my.toml: ")


def test_a_missing_map_is_an_error(tmp_path: Path) -> None:
    """The system's words say why."""
    with pytest.raises(MapFileError, match="No such file"):
        read_map(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[renames]\ndit = "distance_meters"', "the candidate has no quantity 'dit'; expected 'dist'"),
        ('[renames]\ndist = "distance"', "the reference has no quantity 'distance'; expected 'distance_meters'"),
        ('[units]\nnone = "mm"', "units: the candidate has no quantity 'none'"),
        ('ignore = ["nothing*"]', "matches no quantity of either trace"),
        ('[renames]\ndist = "distance_meters"\n[units]\ndist = "deg"', "expected m, got deg"),
        ('[renames]\ndist = "Na"\n[units]\ndist = "mm"', "expected a pure number, got mm"),
        ('[renames]\ndist = "gain"\n[units]\ndist = "mm"', "a reference quantity with a known unit"),
    ],
)
def test_a_map_that_does_not_fit_the_traces_is_an_error(text: str, complaint: str) -> None:
    """A name that isn't there, a unit of another dimension."""
    with pytest.raises(MapFileError, match=complaint):
        compared("distance_meters 0.1\nNa 5\ngain 2", "dist 100\nNa 5", Options(mapping=parse_map(text)))
