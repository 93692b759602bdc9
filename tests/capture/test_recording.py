"""From gdb's records to the text of a trace."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from braggtrace.capture.assemble import comments, inner_text, main_text
from braggtrace.capture.confirm import drop_unconfirmed
from braggtrace.capture.model import Missing
from braggtrace.capture.recording import Recording
from braggtrace.capture.tapfile import load_taps
from braggtrace.runs.recorded import Recorded

TAPS = load_taps()


def values(level: str, place: str, tics: list[int], found: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A record of values."""
    told = {"level": level, "place": place, "where": "/src/n.c:7", "pixel": [1, 2], "tics": tics, "values": found}
    return {"kind": "values", "missing": {}, "doubt": [], **told, **more}


def recorded(*records: dict[str, Any], optimised: bool = False) -> Recording:
    """A recording of one pixel."""
    recording = Recording(TAPS)
    places = [{"kind": "place", "name": name, "where": "n.c:1", "others": [], "why": ""} for name in PLACES]
    source = {"kind": "source", "file": "n.c", "optimised": optimised, "producer": ""}
    start = [source, *places, {"kind": "pixel", "pixel": [1, 2]}]
    recording.read(json.dumps(record) for record in (*start, *records))
    recording.finish()
    return recording


PLACES = ("row", "pixel", "geometry", "rotation", "lattice", "sum", "store", "stored")


def iteration(phi: int, **found: float) -> dict[str, Any]:
    """What is read of an iteration before its lattice factor is looked at."""
    return values("iteration", "lattice", [0, 0, 0, 0, phi, 0], {name: [value] for name, value in found.items()})


def test_iteration_that_is_skipped() -> None:
    """It adds nothing and has no F_cell; the others have what the later place says."""
    skipped = iteration(0, F_latt=0.0, F_cell=math.nan, I_term=0.0, I_running=5.0)
    taken = iteration(1, F_latt=2.0, F_cell=math.nan, I_term=0.0, I_running=5.0)
    added = values("iteration", "sum", [0, 0, 0, 0, 1, 0], {"F_cell": [3.0], "I_term": [36.0]})
    end = values("pixel", "store", [], {"I_running": [41.0], "I_before_scaling": [41.0]})
    recording = recorded(skipped, taken, added, end)
    rows = list(recording.pixels[1, 2].iterations.values())
    assert [row.values["I_running"] for row in rows] == [[5.0], [41.0]]
    assert [row.values["I_term"] for row in rows] == [[0.0], [36.0]]
    assert math.isnan(float(rows[0].values["F_cell"][0]))
    assert rows[1].values["F_cell"] == [3.0]
    assert "I_running" not in recording.pixels[1, 2].final.values


def test_without_the_later_place_nothing_is_known_of_it() -> None:
    """What counts for skipped iterations is no value of those that may not have been skipped."""
    recording = Recording(TAPS)
    records = [
        {"kind": "place", "name": "sum", "where": "", "others": [], "why": "no line matches x"},
        {"kind": "pixel", "pixel": [1, 2]},
        iteration(0, F_latt=2.0, F_cell=math.nan, I_term=0.0),
    ]
    recording.read(json.dumps(record) for record in records)
    recording.finish()
    [row] = recording.pixels[1, 2].iterations.values()
    assert "F_cell" not in row.values
    assert Missing("F_cell", "no line matches x") in recording.missing()


def test_what_fails_later_takes_back_what_was_read_before() -> None:
    """A value that a later place can't confirm is missing; how often is said where only some are."""
    first = iteration(0, F_latt=2.0)
    lost = values("iteration", "lattice", [0, 0, 0, 0, 0, 0], {}, missing={"F_latt": "optimised out"})
    recording = recorded(first, lost, iteration(1, F_latt=3.0))
    rows = list(recording.pixels[1, 2].iterations.values())
    assert "F_latt" not in rows[0].values
    assert rows[1].values["F_latt"] == [3.0]
    assert recording.missing() == [Missing("F_latt", "optimised out at n.c:7, 1 of 2 values")]


def test_units_are_converted() -> None:
    """Metres to Ångström, radians to degrees, as C programs do."""
    found = {"rot_a_angstroms": [1e-9, 2e-9, 3e-9], "phi_deg": [math.pi]}
    recording = recorded(values("iteration", "lattice", [0] * 6, found))
    [row] = recording.pixels[1, 2].iterations.values()
    assert row.values["rot_a_angstroms"] == [1e-9 * 1e10, 2e-9 * 1e10, 3e-9 * 1e10]
    assert row.values["phi_deg"] == [math.pi * (180.0 * (1.0 / math.pi))]


def test_records_end_where_gdb_was_killed() -> None:
    """A half-written record is no error, and what stands before it counts."""
    recording = Recording(TAPS)
    recording.read(['{"kind": "pixel", "pixel": [1, 2]}\n', '{"kind": "done"}\n', '{"kind": "pix'])
    assert recording.ending == {"kind": "done"}
    assert list(recording.pixels) == [(1, 2)]


def test_text_of_a_trace() -> None:
    """Run, source, pixel, first sample, samples that are not cut, first iteration, end; inner loops apart."""
    recording = recorded(
        values("run", "pixel", [], {"xtal_shape": ["SQUARE"], "Na": [5.0], "fpixels": [8]}),
        values("source", "geometry", [0], {"dir": [-1.0, 0.0, 0.0], "lambda_meters": [1e-10]}),
        values("sample", "geometry", [0, 0, 0, 0], {"R_distance_meters": [0.1], "stol": [2.0]}),
        values("sample", "rotation", [0, 0, 0, 0], {"polar": [0.5]}),
        values("sample", "geometry", [0, 0, 1, 0], {"R_distance_meters": [0.2]}),
        values("iteration", "lattice", [0] * 6, {"h_frac": [1.5], "k_frac": [2.5], "l_frac": [0.1], "h0": [1]}),
        values("pixel", "store", [], {"I_before_scaling": [3.0], "polar": [0.5]}),
    )
    assert list(main_text(recording)) == [
        "TRACE_C: xtal_shape SQUARE",
        "TRACE_C: fpixels 8",
        "TRACE_C: Na 5",
        "TRACE_C_SOURCE source=0 dir_x=-1 dir_y=0 dir_z=0 lambda_meters=1e-10",
        "TRACE_C: pixel 1 2",
        "TRACE_C: R_distance_meters 0.10000000000000001",
        "TRACE_C: polar 0.5",
        "TRACE_C_SUBPIXEL thick_tic=0 subS=0 subF=0 source=0 R_distance_meters=0.10000000000000001 polar=0.5 stol=2",
        "TRACE_C: hkl_frac 1.5 2.5 0.10000000000000001",
        "TRACE_C: I_before_scaling 3",
        "TRACE_C: polar 0.5",
        "TRACE_C: innermost_iterations 1",
    ]
    assert list(inner_text(recording)) == [
        "TRACE_C: pixel 1 2",
        (
            "TRACE_C_PHI phi_tic=0 mos_tic=0 source=0 subS=0 subF=0 thick_tic=0 "
            "h_frac=1.5 k_frac=2.5 l_frac=0.10000000000000001 h0=1"
        ),
    ]


def test_first_value_is_never_taken_for_the_last_one() -> None:
    """Readers tell a factor's first value from its final one by what stands below; without that it is not said."""
    samples = [
        values("sample", "geometry", [0, 0, 0, 0], {}),
        values("sample", "rotation", [0, 0, 0, 0], {"polar": [0.5]}),
    ]
    assert "TRACE_C: polar 0.5" not in list(main_text(recorded(*samples)))
    end = values("pixel", "store", [], {"I_before_scaling": [3.0]})
    assert "TRACE_C: polar 0.5" in list(main_text(recorded(*samples, end)))


def test_head_is_made_safe() -> None:
    """Reasons may quote a program's last words."""
    lines = comments(Recorded(("-mat", "A B.mat")), [Missing("F_latt", "it said \x1b[2J")])
    assert lines == ["# braggtrace flags: -mat 'A B.mat'", "# missing: F_latt (it said ␛[2J)"]


GEOMETRY = {
    "R_distance_meters": [5.0],
    "pixel_pos_meters": [3.0, 0.0, 4.0],
    "diffracted_vec": [0.6, 0.0, 0.8],
    "incident_vec": [0.0, 0.0, 1.0],
    "lambda_meters": [0.5],
    "scattering_vec_A_inv": [1.2, 0.0, -0.4],
}
VECTOR = {"rot_a_angstroms": [1.0, 0.0, 0.0], "h_frac": [1.2]}
ARRAYS = ["pixel_pos_meters", "diffracted_vec", "incident_vec", "scattering_vec_A_inv"]


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({}, set(ARRAYS)),
        ({"pixel_pos_meters": [3.0, 0.0, 4.1]}, set()),
        ({"incident_vec": [0.0, 0.1, 1.0]}, {"pixel_pos_meters", "diffracted_vec"}),
    ],
    ids=["agree", "position is late", "ray is late"],
)
def test_memory_of_an_optimised_program_must_be_confirmed(change: dict[str, list[float]], left: set[str]) -> None:
    """An array stays only if it fits numbers that are sure; what it is needed for goes with it."""
    recording = recorded(
        values("sample", "geometry", [0, 0, 0, 0], GEOMETRY | change, doubt=ARRAYS),
        values("iteration", "lattice", [0] * 6, VECTOR, doubt=["rot_a_angstroms"]),
        values("run", "pixel", [], {"fdet_vec": [0.0, 0.0, 1.0], "Na": [5.0]}, doubt=["fdet_vec"]),
        optimised=True,
    )
    drop_unconfirmed(recording)
    [sample] = recording.pixels[1, 2].samples.values()
    assert set(ARRAYS) & sample.values.keys() == left
    [row] = recording.pixels[1, 2].iterations.values()
    assert ("rot_a_angstroms" in row.values) == (len(left) == 4)
    assert recording.run.values == {"Na": [5.0]}
    assert {"fdet_vec", *ARRAYS} - left <= {each.name for each in recording.missing()}


def test_sums_and_stores_of_an_optimised_program() -> None:
    """A sum must follow from the sum before it, a stored pixel from its value."""
    run = values(
        "run", "pixel", [], {"I_bg": [0.0], **{f"oversample_{name}": [0] for name in ("thick", "polar", "omega")}}
    )
    rows = [iteration(n, I_running=total) for n, total in enumerate((0.0, 2.0, 5.0))]
    sums = [values("iteration", "sum", [0, 0, 0, 0, n, 0], {"I_term": [2.0]}) for n in range(3)]
    inner = [record for pair in zip(rows, sums, strict=True) for record in pair]
    end = values("pixel", "store", [], {"I_running": [7.0], "I_pixel_final": [0.1]})
    stored = values("pixel", "stored", [], {"floatimage_accumulated": [0.1]}, doubt=["floatimage_accumulated"])
    recording = recorded(run, *inner, end, stored, optimised=True)
    drop_unconfirmed(recording)
    assert [row.values.get("I_running") for row in recording.pixels[1, 2].iterations.values()] == [[2.0], None, [7.0]]
    assert "floatimage_accumulated" not in recording.pixels[1, 2].final.values


def test_counters_that_repeat_with_other_values() -> None:
    """Then one of the visits was elsewhere; with the same values it does no harm."""
    same = recorded(iteration(0, F_latt=2.0), iteration(0, F_latt=2.0), optimised=True)
    other = recorded(iteration(0, F_latt=2.0), iteration(0, F_latt=3.0), optimised=True)
    for recording in (same, other):
        drop_unconfirmed(recording)
    assert [row.values for row in same.pixels[1, 2].iterations.values()] == [{"F_latt": [2.0]}]
    assert [row.values for row in other.pixels[1, 2].iterations.values()] == [{}]


def test_taps_in_the_wheel() -> None:
    """The tap file and what runs inside gdb lie in the package."""
    import braggtrace.capture

    folder = Path(braggtrace.capture.__path__[0])
    assert (folder / "nanobragg.toml").is_file()
    assert (folder / "inside_gdb" / "driver.py").is_file()
