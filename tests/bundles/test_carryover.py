"""What a phi step of exactly 0 inherits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from braggtrace.bundles.carryover import carryover, previous_by_roi
from braggtrace.bundles.places import Json
from braggtrace.trace.reader import read_trace
from tests.bundles.build import PIXELS, trace_text


def entries(
    folder: Path, text: str, previous: dict[tuple[int, int], tuple[int, int] | None] | None = None
) -> list[Json]:
    """What the pixels of a text inherit."""
    path = folder / "t.log"
    path.write_text(text)
    return carryover(read_trace(path), previous or {}, list(PIXELS))


def test_the_pixel_before(tmp_path: Path) -> None:
    """It is named where it is known; the evidence is the other pixel's own vectors where they are traced."""
    found = entries(tmp_path, trace_text(), {(684, 1040): (684, 1039), (685, 1039): (684, 2000)})
    assert [(entry["from_pixel"], entry["from_traced"], entry["previous_known"]) for entry in found] == [
        (None, False, False),
        ([684, 1039], True, True),
        ([684, 2000], False, True),
        (None, False, False),
    ]
    assert {entry["inherited"] for entry in found} == {"previous pixel"}
    assert {entry["difference"] for entry in found} == {0.0}


def test_nothing_is_inherited(tmp_path: Path) -> None:
    """The unrotated cell."""
    assert {entry["inherited"] for entry in entries(tmp_path, trace_text(stale=False))} == {"unrotated cell"}


def test_neither(tmp_path: Path) -> None:
    """Vectors of unknown origin are called that, with how far off they are."""
    text = trace_text().replace("rot_c_z=30 ", "rot_c_z=30.5 ", 1)
    found = entries(tmp_path, text)
    assert found[0]["inherited"] == "neither"
    assert found[0]["difference"] == pytest.approx(0.5)


def test_zero_in_the_middle(tmp_path: Path) -> None:
    """A rotation that crosses 0 inherits from the phi step before, in the same pixel."""
    text = trace_text().replace("phi_deg=0 ", "phi_deg=-0.01 ").replace("phi_deg=0.01 ", "phi_deg=0 ")
    for axis in ("a", "b", "c"):  # step 1 keeps the vectors of step 0
        text = keep(text, axis)
    found = entries(tmp_path, text)
    assert {(entry["phi_tic"], entry["inherited"], entry["from_phi_tic"]) for entry in found} == {
        (1, "phi step before", 0)
    }
    assert found[0]["from_pixel"] == [684, 1039]


def keep(text: str, axis: str) -> str:
    """Give phi step 1 the vectors of phi step 0."""
    first = re.search(rf"phi_tic=0 .*?(rot_{axis}_x=.*?rot_{axis}_z=\S+)", text)
    second = re.search(rf"phi_tic=1 .*?(rot_{axis}_x=.*?rot_{axis}_z=\S+)", text)
    assert first is not None
    assert second is not None
    return text.replace(second[1], first[1])


def test_no_step_is_zero(tmp_path: Path) -> None:
    """There is nothing to say."""
    assert entries(tmp_path, trace_text().replace("phi_deg=0 ", "phi_deg=5 ")) == []
    assert entries(tmp_path, "TRACE_PY: pixel 684 1039\n") == []


def test_order_of_a_region(tmp_path: Path) -> None:
    """Row by row; the first pixel has none before it."""
    path = tmp_path / "t.log"
    path.write_text(trace_text())
    found = previous_by_roi(read_trace(path), [(684, 1039), (684, 1040), (685, 1039)])
    assert found == {(684, 1039): None, (684, 1040): (684, 1039), (685, 1039): (684, 1041)}
    path.write_text("TRACE_PY: pixel 684 1039\n")
    assert previous_by_roi(read_trace(path), [(684, 1039)]) == {}
