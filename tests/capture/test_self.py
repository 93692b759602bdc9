"""Programs that trace themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from braggtrace.capture import CaptureRequest, capture
from braggtrace.capture.model import Pixel
from braggtrace.capture.selftrace import SelfTrace, trace_lines
from braggtrace.errors import CaptureError, UsageError
from tests.capture.conftest import Build
from tests.capture.programs import FLAGS, captured_values, different, full_run

PIXELS: tuple[Pixel, ...] = ((0, 0), (2, 3), (7, 0), (7, 1))


@pytest.mark.parametrize("name", ["self", "self-stripped"])
def test_values_are_those_of_full_runs(build: Build, tmp_path: Path, name: str) -> None:
    """Pixel by pixel, though only a part of the image is rendered; gdb is not needed."""
    result = capture(CaptureRequest(str(build(name)), FLAGS, pixels=PIXELS, folder=tmp_path))
    assert (result.mode, result.failure, result.missing) == ("self", "", ())
    assert "traces itself (-trace_pixel)" in result.log[0]
    captured = captured_values(tmp_path, result)
    for pixel in PIXELS:
        own = full_run(build(name), FLAGS, pixel, tmp_path)
        assert own.keys() <= captured.keys()
        assert different(own, captured) == []
    assert result.main_text.count("TRACE_C: pixel ") == len(PIXELS)
    assert result.main_text.count("TRACE_C: fdet_vec") == 1


def test_users_own_traced_pixel_gives_way(build: Build, tmp_path: Path) -> None:
    """What is asked for counts, not what the flags had."""
    flags = (*FLAGS, "-trace_pixel", "1", "1")
    result = capture(CaptureRequest(str(build("self")), flags, pixels=((2, 3),), folder=tmp_path))
    assert "TRACE_C: pixel 2 3\n" in result.main_text
    assert "TRACE_C: pixel 1 1\n" not in result.main_text


@pytest.mark.parametrize(
    ("misbehaviour", "words"),
    [
        ("crash", "it crashed: SIGSEGV"),
        ("fail", "it ended with exit status 9; its last lines: ERROR: asked to fail"),
        ("hang", "it was still running after 2 s, and was ended"),
        ("flood", "it wrote more than any trace of these pixels could have, and was ended"),
    ],
)
def test_what_was_traced_before_an_accident_is_kept(
    build: Build, tmp_path: Path, misbehaviour: str, words: str
) -> None:
    """The pixel before it is whole; the one after it is missing, and it is said why."""
    flags = (*FLAGS, "-misbehave", misbehaviour, "-misbehave_at", "2", "9")
    request = CaptureRequest(str(build("self")), flags, pixels=((2, 3), (2, 9), (5, 5)), folder=tmp_path, timeout_s=2.0)
    result = capture(request)
    assert result.failure.startswith(words)
    assert different(full_run(build("self"), FLAGS, (2, 3), tmp_path), captured_values(tmp_path, result)) == []
    assert "TRACE_C: pixel 2 9\n" not in result.main_text
    missing = {each.name: each.reason for each in result.missing}
    assert missing["pixel 2 9"] == result.failure
    assert ("pixel 5 5" in missing) == (misbehaviour in ("hang", "flood"))


def test_garbage_is_no_part_of_the_trace(build: Build, tmp_path: Path) -> None:
    """What looks like a trace line is kept, and made safe to show."""
    flags = (*FLAGS, "-misbehave", "garbage")
    result = capture(CaptureRequest(str(build("self")), flags, pixels=((2, 3),), folder=tmp_path))
    assert "\x1b" not in result.main_text
    assert "TRACE_C: F_latt ␛[2Jnonsense\n" in result.main_text
    assert all(line.startswith(("TRACE_", "#")) for line in result.main_text.splitlines())


def test_nothing_about_the_pixel(build: Build, tmp_path: Path) -> None:
    """Neither a pixel off the detector nor a program that does not trace gives an empty trace."""
    with pytest.raises(CaptureError, match="printed nothing about them"):
        capture(CaptureRequest(str(build("self")), FLAGS, pixels=((99, 0),), folder=tmp_path))
    with pytest.raises(CaptureError, match="printed nothing about them"):
        capture(CaptureRequest(str(build("without-g")), FLAGS, pixels=((2, 3),), folder=tmp_path, mode="self"))


@pytest.mark.parametrize("name", ["without-g", "stripped"])
def test_neither_way(build: Build, tmp_path: Path, name: str) -> None:
    """It is said how to build the program."""
    with pytest.raises(CaptureError, match=r"does not know -trace_pixel .* no debug information; build it with -O0 -g"):
        capture(CaptureRequest(str(build(name)), FLAGS, pixels=((2, 3),), folder=tmp_path))


def test_script(tmp_path: Path) -> None:
    """A script that traces is run like a program; one that does not is told from a program that gdb can read."""
    script = tmp_path / "older"
    script.write_text("#!/bin/sh\n# knows -dump_pixel\ncat <<END\nhello\nTRACE_C: F_cell 100\nEND\n")
    script.chmod(0o755)
    result = capture(CaptureRequest("older", (), pixels=((2, 3),), folder=tmp_path))
    assert result.main_text.endswith("TRACE_C: pixel 2 3\nTRACE_C: F_cell 100\n")
    assert "the program knows no region of interest; the whole image is run" in result.log
    script.write_text("#!/bin/sh\n")
    with pytest.raises(CaptureError, match="is no program that gdb can read"):
        capture(CaptureRequest("older", (), pixels=((2, 3),), folder=tmp_path))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "no pixel is given"),
        ({"rois": ((0, 1, 3, 2),)}, "an empty region"),
        ({"rois": ((0, 9999, 0, 9999),)}, "too many pixels"),
        ({"pixels": ((-1, 2),)}, "no such pixel"),
        ({"pixels": ((1, 2),), "threads": 0}, "too few threads"),
        ({"pixels": ((1, 2),), "timeout_s": 0.0}, "useless time-out"),
        ({"pixels": ((1, 2),), "timeout_s": float("nan")}, "useless time-out"),
    ],
)
def test_senseless_requests(changes: dict[str, object], words: str) -> None:
    """Refused before anything is run."""
    with pytest.raises(UsageError, match=words):
        capture(CaptureRequest("program", (), **changes))  # type: ignore[arg-type]


def test_cache_of_reflections_goes_along(tmp_path: Path) -> None:
    """A program that reads no reflections reads the cache in its folder, so it finds a copy in the other one."""
    script = tmp_path / "cached"
    script.write_text('#!/bin/sh\n# -trace_pixel\necho "TRACE_C: F_cell $(cat Fdump.bin)"\necho changed > Fdump.bin\n')
    script.chmod(0o755)
    (tmp_path / "Fdump.bin").write_text("17")
    result = capture(CaptureRequest("cached", (), pixels=((2, 3),), folder=tmp_path))
    assert "TRACE_C: F_cell 17\n" in result.main_text
    assert (tmp_path / "Fdump.bin").read_text() == "17"
    assert any("gets a copy" in sentence for sentence in result.log)


def test_mask_that_only_the_program_can_read(tmp_path: Path) -> None:
    """Which pixel comes before is not known then, so the run starts at the first one."""
    script = tmp_path / "masked"
    script.write_text('#!/bin/sh\n# -trace_pixel -roi\necho "TRACE_C: detector_pivot $*"\necho TRACE_C: F_cell 1\n')
    script.chmod(0o755)
    (tmp_path / "odd.mask").write_text("what is this")
    flags = ("-roi", "1", "8", "2", "9", "-mask", "odd.mask")
    result = capture(CaptureRequest("masked", flags, pixels=((5, 6),), folder=tmp_path))
    assert any(sentence.startswith("the mask can't be read here") for sentence in result.log)
    assert f"-trace_pixel 5 6 -roi 1 8 2 5 -mask {tmp_path}/odd.mask" in result.main_text


def test_history_is_run_along(tmp_path: Path) -> None:
    """Where a pixel depends on all before it, all before it are rendered."""
    script = tmp_path / "cut"
    script.write_text(
        '#!/bin/sh\n# -trace_pixel -roi -nonoise\necho "TRACE_C: detector_pivot $*"\necho TRACE_C: F_cell 1\n'
    )
    script.chmod(0o755)
    result = capture(CaptureRequest("cut", ("-dmin", "2"), pixels=((5, 6),), folder=tmp_path))
    assert "-trace_pixel 5 6 -nonoise -roi 0 -1 0 5 -dmin 2\n" in result.main_text
    assert any("the run starts at the first one" in sentence for sentence in result.log)


def test_unknown_mode(tmp_path: Path) -> None:
    """Or one that the tap file has no flag for."""
    script = tmp_path / "program"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    with pytest.raises(UsageError, match="unknown mode"):
        capture(CaptureRequest("program", (), pixels=((1, 2),), folder=tmp_path, mode="magic"))
    taps = tmp_path / "own.toml"
    taps.write_text("format = 1\n[pixel]\nbefore = 'x'\nslow = 's'\nfast = 'f'\n")
    with pytest.raises(CaptureError, match="names no flag that makes the program trace itself"):
        capture(CaptureRequest("program", (), pixels=((1, 2),), folder=tmp_path, mode="self", taps=taps))


def test_lines_that_are_kept() -> None:
    """Trace lines only, whatever the bytes around them."""
    output = b"TRACE_C: a 1\r\nhello TRACE_C: b\n\xff\xfe\nDETECTOR_FAST_AXIS 0 0 1\nTRACE: prose\nTRACER 1\n"
    assert trace_lines(output) == ["TRACE_C: a 1", "DETECTOR_FAST_AXIS 0 0 1", "TRACE: prose"]


def test_program_that_names_no_pixel() -> None:
    """Leading lines of the run are said once, those that differ too; the pixel is named by us."""
    traced = SelfTrace()
    older = ["DETECTOR_FAST_AXIS 0 0 1", "TRACE_C: fdet_vec 0 0 1", "TRACE_C: pixel_pos_meters 1 2 3"]
    assert traced.add((1, 2), [*older, "TRACE_C_PHI phi_tic=0 F_latt=1", "TRACE_C: fdet_vec 0 0 1"])
    assert traced.add((1, 3), ["DETECTOR_FAST_AXIS 0 0 1", "TRACE_C: fdet_vec 0 1 0", "TRACE_C: F_cell 5"])
    assert not traced.add((1, 4), older[:1])
    assert traced.run == ["DETECTOR_FAST_AXIS 0 0 1", "TRACE_C: fdet_vec 0 0 1", "TRACE_C: fdet_vec 0 1 0"]
    assert traced.main == [
        "TRACE_C: pixel 1 2", "TRACE_C: pixel_pos_meters 1 2 3", "TRACE_C: fdet_vec 0 0 1",
        "TRACE_C: pixel 1 3", "TRACE_C: F_cell 5",
    ]  # fmt: skip
    assert traced.inner == ["TRACE_C: pixel 1 2", "TRACE_C_PHI phi_tic=0 F_latt=1", "TRACE_C: pixel 1 3"]
