"""Pixels that neither side has: how each side is traced, and the story of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from braggtrace.runs.requests import RunRequest
from braggtrace.trace.reader import read_trace
from braggtrace_tui.bothsides import sides_of_images, sides_of_traces
from braggtrace_tui.config import Backends
from braggtrace_tui.runplan import RunPlan
from braggtrace_tui.screens.map import MapScreen
from tests.tui.fake_engine import FakeEngine, cut_out
from tests.tui.rerun_hand import RECORDED, Hand, Tell, engine, tell

__all__ = ["engine", "tell"]


@pytest.fixture
def flags(tmp_path: Path) -> str:
    """A file of flags."""
    path = tmp_path / "flags.txt"
    path.write_text("-distance 200 -mat A.mat")
    return str(path)


def a_run(folder: Path, **changes: Any) -> str:
    """The folder of an image's run."""
    experiment = {"flags": ["-distance", "231"], "folder": "/data", "profile": "legacy", **changes}
    folder.mkdir()
    (folder / "request.json").write_bytes(orjson.dumps(RunRequest("simulate", experiment, device="cuda").as_json()))
    np.save(folder / "image.npy", np.zeros((3, 3), np.float32))
    return str(folder)


def test_a_run_says_how_its_image_was_made(tmp_path: Path, flags: str) -> None:
    """Its own flags count before the user's, also where the image in it is named."""
    first, second = a_run(tmp_path / "first", phi_mode="spec"), a_run(tmp_path / "second", profile="spec")
    sides = sides_of_images([first, f"{second}/image.npy"], Backends(args=flags))
    assert sides is not None
    assert [(each.flags, each.device, each.image) for each in sides] == [("-distance 231", "cuda", False)] * 2
    assert [(each.profile, each.phi_mode) for each in sides] == [("legacy", "spec"), ("spec", "")]


def test_of_other_images_only_the_flags_are_known(tmp_path: Path, flags: str) -> None:
    """The reference is the C program, or the profile that behaves like it; the candidate has no quirks."""
    (tmp_path / "request.json").write_text("{}")
    paths = [str(tmp_path / "c.bin"), str(tmp_path / "torch.bin")]
    sides = sides_of_images(paths, Backends(args=flags, program="/opt/nanoBragg"))
    assert sides is not None
    assert [(each.flags, each.program, each.profile) for each in sides] == [
        ("-distance 200 -mat A.mat", "/opt/nanoBragg", "legacy"),
        ("-distance 200 -mat A.mat", "", "spec"),
    ]
    half = sides_of_images([paths[0], a_run(tmp_path / "run", phi_mode="spec")], Backends())
    assert half is not None
    assert [(each.flags, each.phi_mode) for each in half] == [("-distance 231", ""), ("-distance 231", "spec")]
    assert sides_of_images(paths, Backends()) is None


def test_a_reference_is_traced_as_it_was_made(tmp_path: Path) -> None:
    """By torch as it records, or by the user's C program; a program that a trace names is never run."""
    usual = RunPlan(flags="-distance 1", profile="spec")
    path = tmp_path / "reference.log"
    by_program = RECORDED.replace("folder=", "program=/tmp/theirs mode=gdb folder=")
    for head, program, expected in (
        (RECORDED, "/opt/mine", ("-distance 200 -mat A.mat", "")),
        (by_program, "/opt/mine", ("-distance 200 -mat A.mat", "/opt/mine")),
        (by_program, "", None),
        ("", "/opt/mine", ("-distance 1", "/opt/mine")),
        ("", "", None),
    ):
        path.write_text(f"{head}TRACE_C: pixel 1 2\nTRACE_C: F_latt 3\n")
        sides = sides_of_traces(read_trace(path), usual, program)
        assert (None if sides is None else (sides[0].flags, sides[0].program)) == expected
        assert sides is None or sides[1] == usual
    assert sides_of_traces(read_trace(path), RunPlan(), "/opt/mine") is None


CORNERS = {"pixels": [(1639, 966), (1640, 967)], "rois": []}


def test_a_pixel_between_the_traced_ones_is_traced_on_both_sides(
    tell: Tell, engine: FakeEngine, stale: tuple[str, str]
) -> None:
    """`m`, to a pixel that neither trace has, Enter; `B` goes back. R there fills in the form with the ROI."""
    before = [cut_out(Path(path).read_text(), CORNERS) for path in stale]

    async def story(hand: Hand) -> None:
        await hand.press("m", "right")
        assert isinstance(hand.app.screen, MapScreen)
        assert "not traced" in hand.app.screen.pixel.text
        await hand.press("enter")
        await hand.until(lambda: "B goes back" in hand.message)
        assert hand.compare.comparison.pixels.tolist() == [[1639, 967]]
        assert "missing" not in hand.compare.verdict.text
        assert [fields["phi_mode"] for do, fields in engine.asked if do == "trace"] == [None, "spec"]
        await hand.press("B", "m", "R")
        assert hand.form.plan.pixels == "1639 1640 966 967"
        hand.form.fields.where.focus()
        await hand.until(lambda: "= 4 pixels" in hand.form_text)
        await hand.press("left", "left")
        assert hand.form.plan.pixels == "1634 1644 961 971", "the pixel and five around it"

    recorded = RECORDED.replace("phi_mode=spec", "phi_mode=c-parity"), RECORDED
    tell(story, pair=(recorded[0] + before[0], recorded[1] + before[1]))


def test_without_a_way_to_trace_the_reference_only_the_candidate_is(
    tell: Tell, engine: FakeEngine, stale: tuple[str, str]
) -> None:
    """And it says what would trace the reference too."""
    before = [cut_out(Path(path).read_text(), CORNERS) for path in stale]

    async def story(hand: Hand) -> None:
        await hand.press("m", "right", "enter")
        await hand.until(lambda: "traced again" in hand.message)
        assert "the reference has no such pixel" in hand.message
        assert "--bin PROGRAM traces the reference too" in hand.message

    tell(story, pair=(before[0], RECORDED + before[1]))
