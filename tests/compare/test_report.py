"""A comparison as text, JSON, Markdown and JUnit."""

from __future__ import annotations

import hashlib
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from braggtrace.compare.judge import compare
from braggtrace.compare.model import Comparison
from braggtrace.compare.report import FORMATS, render
from braggtrace.compare.report.values import value_rows
from braggtrace.compare.view import divergence
from braggtrace.trace.reader import read_trace

PAIRS = [
    "stale_phi_zero",
    "second_thread",
    "running_sum",
    "swallowed_seed",
    "older_program",
    "hostile",
    "c_against_torch",
]


@pytest.fixture(params=PAIRS)
def comparison(request: pytest.FixtureRequest, sample_traces: Path) -> Comparison:
    """Every bundled pair."""
    return compared(sample_traces / request.param)


def compared(folder: Path) -> Comparison:
    """The pair in a folder."""
    return compare(read_trace(folder / "reference.log"), read_trace(folder / "candidate.log"))


@pytest.fixture
def stale(sample_traces: Path) -> Comparison:
    """The pair of the demo."""
    return compared(sample_traces / "stale_phi_zero")


def as_json(comparison: Comparison, *, all_pairs: bool = False) -> dict[str, Any]:
    """The JSON report, read back."""
    document: dict[str, Any] = json.loads(render(comparison, "json", all_pairs=all_pairs))
    return document


def test_json_is_what_its_schema_says(comparison: Comparison) -> None:
    """For every bundled pair, with and without all pairs."""
    schema = json.loads(resources.files("braggtrace.compare.report").joinpath("comparison.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    for all_pairs in (False, True):
        jsonschema.validate(as_json(comparison, all_pairs=all_pairs), schema)


def keys_of(schema: dict[str, Any]) -> set[str]:
    """Every key that a schema names, at any depth."""
    keys = set(schema.get("properties", {}))
    inner = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    for each in [*inner, schema["items"]] if "items" in schema else inner:
        keys |= keys_of(each)
    return keys


def test_every_key_is_documented() -> None:
    """In `docs/report.md`, where people look."""
    schema = json.loads(resources.files("braggtrace.compare.report").joinpath("comparison.schema.json").read_text())
    page = Path(__file__).parents[2] / "docs" / "report.md"
    assert {key for key in keys_of(schema) if f"`{key}`" not in page.read_text("utf-8")} == set()


def test_json_holds_the_first_divergence_in_full(stale: Comparison, sample_traces: Path) -> None:
    """Numbers, texts, places and how the names were matched."""
    document = as_json(stale)
    first = document["first"]
    assert document["status"] == "DIVERGES"
    assert (first["quantity"], first["component"]) == ("rot_a", 1)
    assert first["coordinate"] == {
        "pixel": [1639, 966], "thick_tic": 0, "subS": 0, "subF": 0, "source": 0, "phi_tic": 0, "mos_tic": 0,
        "occurrence": 0,
    }  # fmt: skip
    assert (first["reference"], first["candidate"]) == (0.57066091685103237, 0.52014934029535964)
    assert first["reference_text"][1] == "0.57066091685103237"
    assert first["abs"] == pytest.approx(0.0505115766)
    assert first["matched_by"] == "exact"
    for side in ("reference", "candidate"):
        path = sample_traces / "stale_phi_zero" / f"{side}.log"
        line = path.read_text().splitlines()[first[f"{side}_line"] - 1]
        assert f"rot_a_y={first[f'{side}_text'][1]}" in line
        file = document["files"][side]
        assert (file["name"], file["lines"]) == (str(path), 266)
        assert file["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_json_counts_add_up(comparison: Comparison) -> None:
    """What compares agrees or diverges; the listed pairs are the diverging ones."""
    document = as_json(comparison)
    counts = document["counts"]
    assert counts["compared"] == counts["agree"] + counts["diverge"]
    assert len(document["pairs"]) + document["pairs_omitted"] == counts["diverge"]
    assert {pair["verdict"] for pair in document["pairs"]} == {"DIVERGES"}
    everything = as_json(comparison, all_pairs=True)["pairs"]
    verdicts = [pair["verdict"] for pair in everything]
    assert verdicts.count("AGREES") == counts["agree"]
    assert verdicts.count("ONLY_CANDIDATE") >= counts["only_candidate"]


def test_json_of_traces_that_agree_has_no_first(sample_traces: Path) -> None:
    """`first` is null."""
    trace = read_trace(sample_traces / "stale_phi_zero/reference.log")
    document = as_json(compare(trace, trace))
    assert document["status"] == "AGREES"
    assert document["first"] is None
    assert document["smallest_passing_rtol"] == 0


def test_json_lists_at_most_a_thousand_pairs(tmp_path: Path) -> None:
    """And says how many it left out."""
    for name, value in (("reference", 1), ("candidate", 2)):
        lines = "".join(f"TRACE_C: pixel 0 {fast}\nTRACE_C: F_latt {value}.5\n" for fast in range(1200))
        (tmp_path / f"{name}.log").write_text(lines)
    document = as_json(compared(tmp_path))
    assert (len(document["pairs"]), document["pairs_omitted"]) == (1000, 200)


def test_json_writes_what_is_no_finite_number_as_words(tmp_path: Path) -> None:
    """JSON knows no NaN."""
    (tmp_path / "reference.log").write_text("TRACE_C: pixel 0 0\nTRACE_C: F_latt nan\nTRACE_C: F_cell -inf\n")
    (tmp_path / "candidate.log").write_text("TRACE_C: pixel 0 0\nTRACE_C: F_latt 1\nTRACE_C: F_cell 1\n")
    pairs = as_json(compared(tmp_path))["pairs"]
    assert [(pair["quantity"], pair["reference"]) for pair in pairs] == [("F_latt", "nan"), ("F_cell", "-inf")]
    assert {pair["rel"] for pair in pairs} == {"inf"}


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_people_get_the_answer_first(stale: Comparison, form: str) -> None:
    """The verdict and the quantity stand in the first line, values and places in the first ten."""
    lines = render(stale, form).splitlines()
    assert "DIVERGES" in lines[0]
    assert re.search(r"rot(\\)?_a\.y diverges first at pixel 1639 966, phi(\\)?_tic 0", lines[0])
    top = "\n".join(lines[:10])
    assert "0.57066091685103237" in top
    assert "0.52014934029535964" in top
    assert "reference.log:98" in top


def test_text_reports_what_is_on_one_side_only(sample_traces: Path) -> None:
    """By name, never silently."""
    text = render(compared(sample_traces / "older_program"))
    assert text.startswith("INCONCLUSIVE")
    assert "only in the reference\n    DETECTOR_FAST_AXIS" in text
    assert "note: the reference doesn't name its pixel; it is taken for pixel 1639 966" in text


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_missing_values_are_placed(sample_traces: Path, tmp_path: Path, form: str) -> None:
    """Phi steps that a side lacks are named, apart from what it lacks altogether."""
    reference = sample_traces / "stale_phi_zero" / "reference.log"
    lines = (sample_traces / "stale_phi_zero" / "candidate.log").read_text().splitlines(keepends=True)
    gone = re.compile(r"phi_tic=[3468] |: hkl_frac ")
    candidate = tmp_path / "candidate.log"
    candidate.write_text("".join(line for line in lines if not gone.search(line)))
    text = render(compare(read_trace(str(reference)), read_trace(str(candidate))), form)
    assert re.search(r"at phi_tic 3-4 6 8: `?phi_deg", text)
    assert re.search(r"^(    |Only in the reference: `)hkl_frac", text, re.MULTILINE)


def test_text_reports_lines_that_cannot_be_read(sample_traces: Path) -> None:
    """With path, line and reason."""
    text = render(compared(sample_traces / "hostile"))
    assert re.search(r"hostile/candidate\.log:4: 'F_latt' is .*, expected a number", text)
    assert "2 skipped as program output, 1 unreadable" in text


@pytest.mark.parametrize("form", FORMATS)
def test_no_report_can_drive_a_terminal(sample_traces: Path, form: str) -> None:
    """Every line of every report of a hostile trace is printable."""
    for line in render(compared(sample_traces / "hostile"), form, all_pairs=form == "json").splitlines():
        assert line.isprintable()


def test_text_fits_a_terminal(sample_traces: Path) -> None:
    """But for long paths, 100 columns are enough."""
    for pair in PAIRS:
        for line in render(compared(sample_traces / pair)).splitlines():
            if str(sample_traces) not in line:
                assert len(line) <= 100


def test_junit_has_a_case_for_every_quantity(stale: Comparison) -> None:
    """Diverging ones fail, with both values."""
    suite = ET.fromstring(render(stale, "junit")).find("testsuite")
    assert suite is not None
    cases = suite.findall("testcase")
    assert int(suite.get("tests", "")) == len(cases) == len(stale.pairings)
    failed = [case for case in cases if case.find("failure") is not None]
    assert int(suite.get("failures", "")) == len(failed) == 23
    assert failed[0].get("name") == "rot_a (PHI)"
    assert "0.57066091685103237" in (failed[0].findtext("failure") or "")


def test_junit_of_an_inconclusive_comparison_has_an_error(sample_traces: Path) -> None:
    """So that a CI server doesn't take it for a pass."""
    suite = ET.fromstring(render(compared(sample_traces / "older_program"), "junit")).find("testsuite")
    assert suite is not None
    assert suite.get("errors") == "1"


def test_junit_holds_only_what_xml_can(tmp_path: Path) -> None:
    """Some characters can't be written in XML at all."""
    for name, value in (("reference", 1), ("candidate", 2)):
        (tmp_path / f"{name}.log").write_bytes(f"TRACE_C: a\ufffe\uffffb<&\"' {value}.5\n".encode() + b"\xff\x00\n")
    suite = ET.fromstring(render(compared(tmp_path), "junit")).find("testsuite")
    assert suite is not None
    assert suite.get("failures") == "1"


def test_digits_stand_above_digits(tmp_path: Path) -> None:
    """Decimal points too, and marks below what differs; converted values have a row of their own."""
    (tmp_path / "reference.log").write_text("TRACE_C: hkl_frac -1.25 2 3e-5\nTRACE_C: distance_meters 0.1\n")
    (tmp_path / "candidate.log").write_text("TRACE_C: hkl_frac 10.25 2 -3.5e-5\nTRACE_C: distance_mm 100.5\n")
    comparison = compared(tmp_path)
    by_name = {
        each.name: list(value_rows(divergence(comparison, at, 0))) for at, each in enumerate(comparison.pairings)
    }
    assert by_name["hkl_frac"] == [
        ("reference", "-1.25   2    3e-5"),
        ("candidate", "10.25   2   -3.5e-5"),
        ("", "^^^^^       ^^^^^^^"),
    ]
    assert by_name["distance_meters"] == [
        ("reference", "  0.1"),
        ("candidate", "100.5"),
        ("in m", "  0.10050000000000001"),
        ("", "     ^^^^^^^^^^^^^^^^"),
    ]


def test_long_names_and_words_are_cut(tmp_path: Path) -> None:
    """A report stays as wide as a terminal."""
    for side, value in (("reference", 1), ("candidate", 2)):
        lines = (
            f"TRACE_C: {'n' * 3000} {value}.5\nTRACE_C: xtal_shape {'w' * 3000}{value}\nTRACE_C: {side}{'o' * 3000} 7\n"
        )
        (tmp_path / f"{side}.log").write_text(lines)
    for line in render(compared(tmp_path)).splitlines():
        assert len(line) <= 100 or str(tmp_path) in line


def test_an_unknown_format_is_a_mistake_of_the_caller(stale: Comparison) -> None:
    """Not silently text."""
    with pytest.raises(ValueError, match="no report format 'yaml'"):
        render(stale, "yaml")
