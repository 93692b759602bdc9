"""`braggtrace simulate` and `trace` as a person meets them: files, warnings, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from braggtrace_tui.commands.main import main

pytest.importorskip("torch", reason="the engine needs torch")

CELL = "-cell 40 45 50 85 95 100 -N 3 -lambda 1 -distance 60 -pixel 0.4 -detpixels 12"
FLAGS = f"{CELL} -default_F 100"
FILES = {"floatimage.bin", "intimage.img", "image.pgm", "noiseimage.img"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(line: str, *more: str) -> int:
    """Run a command line."""
    return main([*line.split(), *more])


def names(folder: Path) -> set[str]:
    """The files in a folder."""
    return {path.name for path in folder.iterdir()}


def test_writes_what_the_c_program_writes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Four files under their usual names; nothing on stdout, a summary on stderr."""
    assert run(f"simulate {FLAGS}") == 0
    assert names(folder) == FILES
    out, err = capsys.readouterr()
    assert out == ""
    assert "wrote floatimage.bin" in err
    image = np.fromfile("floatimage.bin", dtype="<f4")
    assert image.shape == (144,)
    assert (image > 0).any()


def test_names_and_switches(folder: Path) -> None:
    """Flags rename files or leave them out."""
    assert run(f"simulate {FLAGS} -nopgm -nonoise -floatfile a.bin -intfile b.img --png c.png") == 0
    assert names(folder) == {"a.bin", "b.img", "c.png"}
    assert (folder / "c.png").read_bytes().startswith(b"\x89PNG")


def test_npy(folder: Path) -> None:
    """A float image named .npy is one, with its shape."""
    assert run(f"simulate {FLAGS} -floatfile a.npy") == 0
    assert np.load(folder / "a.npy").shape == (12, 12)


def test_float32_is_close(folder: Path) -> None:
    """The same image in single precision, within its digits."""
    assert run(f"simulate {FLAGS} -floatfile double.bin") == 0
    assert run(f"simulate --dtype float32 {FLAGS} -floatfile single.bin") == 0
    double, single = (np.fromfile(name, dtype="<f4") for name in ("double.bin", "single.bin"))
    np.testing.assert_allclose(single, double, rtol=1e-5, atol=1e-7 * double.max())


def test_flags_from_a_file(folder: Path) -> None:
    """@file stands for the words in it: comments, quotes and continued lines allowed; later words still win."""
    (folder / "my flags.txt").write_text(f"# a comment\n{CELL} \\\n  -default_F 100\n-floatfile 'a b.bin'  # name\n")
    assert main(["simulate", "@my flags.txt", "-detpixels", "5", "-nonoise"]) == 0
    assert np.fromfile("a b.bin", dtype="<f4").shape == (25,)


@pytest.mark.parametrize(("text", "message"), [(None, "No such file"), ("-mat 'A.mat", "No closing quotation")])
def test_bad_files_of_flags(folder: Path, text: str | None, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file or an open quote is named."""
    if text is not None:
        (folder / "flags").write_text(text)
    assert run("simulate @flags") == 2
    err = capsys.readouterr().err
    assert "flags: can't read flags" in err
    assert message in err


def test_warnings_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Surprises go to stderr, and the work is done all the same."""
    assert run(f"simulate {FLAGS} -frobnicate -pix0_vector_mm 1 2 3") == 0
    err = capsys.readouterr().err
    assert "braggtrace: -frobnicate is no known flag and is ignored" in err
    assert "never used" in err


def test_strict_refuses_surprises(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --strict the same is an error, before anything is written."""
    assert run(f"simulate --strict {FLAGS} -frobnicate") == 2
    assert "--strict: -frobnicate is no known flag" in capsys.readouterr().err
    assert not names(folder)
    assert run(f"simulate --strict {FLAGS}") == 0


@pytest.mark.parametrize("verb", ["simulate", "trace"])
def test_explain(folder: Path, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every value with its origin, what follows from it, and the quirks; nothing is simulated."""
    assert run(f"{verb} --explain --profile spec --quirk pix0-inert=on {FLAGS}") == 0
    rows: dict[str, list[str]] = {}
    for line in capsys.readouterr().out.splitlines():
        name, *rest = line.split()
        rows.setdefault(name, rest)  # what was given comes first, what follows from it later
    assert rows["default_F"] == ["100", "-default_F", "(word", "18)"]
    assert rows["distance_mm"][:2] == ["60", "-distance"]
    assert rows["fluence"][1] == "default"
    assert rows["oversample"]
    assert rows["[quirks]"] == ["pix0-inert"]
    assert not names(folder)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("", "neither -mat nor -cell"),
        (CELL, "no structure factors"),
        (f"{FLAGS} -detpixels 0 -detsize 0", "no pixels"),
        (f"{FLAGS} -pixel 0", "pixel size must be positive"),
        (f"{FLAGS} -cell 0 1 1", "the cell has no size"),
        (f"{FLAGS} -lambda 0", "wavelength"),
        (f"{FLAGS} -default_F nan", "default_F of the crystal is no finite number; got nan"),
        (f"{FLAGS} -distance nan", "distance_mm of the detector is no finite number"),
        (f"{FLAGS} -fluence inf", "fluence of the beam is no finite number; got inf"),
        (f"{FLAGS} -osc nan", "osc_deg of the sampling is no finite number"),
        (f"{FLAGS} -misset 0 nan 0", "misset_deg of the crystal is no finite number"),
        (f"{FLAGS} -mat missing.mat", "missing.mat: no such file"),
        (f"{CELL} -hkl missing.hkl", "missing.hkl"),
        (f"{FLAGS} -img missing.img", "missing.img"),
        (f"{FLAGS} -mask missing.img", "missing.img"),
        (f"{FLAGS} -sourcefile missing.txt", "missing.txt"),
        (f"{FLAGS} -detector_thick", "crashes"),
        (f"--profile nonesuch {FLAGS}", "unknown profile; expected legacy"),
        (f"--quirk nonesuch=on {FLAGS}", "unknown quirk"),
        (f"--quirk stale-phi-zero {FLAGS}", "expected stale-phi-zero=on"),
        (f"--c-threads 0 {FLAGS}", "--c-threads is too small"),
        (f"--device nonesuch {FLAGS}", "unknown device"),
    ],
)
def test_refusals(folder: Path, flags: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A clear message, exit status 2, and nothing written."""
    assert run(f"simulate {flags}") == 2
    err = capsys.readouterr().err
    assert "braggtrace: error:" in err
    assert message in err
    assert "Traceback" not in err
    assert not names(folder)


@pytest.mark.parametrize(
    ("flag", "text", "message"),
    [
        ("-mat", "1 0 0 0 1 0 0 0", "expected nine numbers"),
        ("-mat", "1 0 0 0 1 0 0 0 nan", "not finite"),
        ("-mat", "1 2 3 2 4 6 0 0 1", "singular"),
        ("-hkl", "", "input"),
        ("-hkl", "1 2 3 nan\n", "input"),
        ("-img", "HEADER_BYTES", "input"),
        ("-mask", "{\nHEADER_BYTES=512;\nSIZE1=12;SIZE2=12;\n}\f", "input"),
        ("-sourcefile", "", "input"),
    ],
)
def test_damaged_inputs(folder: Path, flag: str, text: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A truncated or nonsensical file is named with what is wrong in it; nothing is written."""
    (folder / "input").write_text(text)
    flags = CELL if flag == "-hkl" else FLAGS
    assert run(f"simulate {flags} {flag} input") == 2
    err = capsys.readouterr().err
    assert "input" in err
    assert message in err
    assert "Traceback" not in err
    assert names(folder) == {"input"}


def test_a_folder_that_is_not_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An output that can't be written is named, and no part of it stays."""
    assert run(f"simulate {FLAGS} -floatfile nowhere/a.bin") == 2
    assert "nowhere" in capsys.readouterr().err
    assert not names(folder)


def test_interrupted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while files are written leaves none half-written."""

    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupt)
    monkeypatch.setattr(Path, "replace", interrupt)
    assert run(f"simulate {FLAGS}") == 130
    assert not names(folder)


def test_phi_mode(folder: Path) -> None:
    """At a phi of 0 the program reuses vectors; --phi-mode spec does not, and is a switch of the same quirk."""
    rotation = f"{FLAGS} -phi 0 -osc 4 -phisteps 3 -nonoise -nopgm"
    assert run(f"simulate {rotation} -floatfile legacy.bin") == 0
    assert run(f"simulate --phi-mode spec {rotation} -floatfile spec.bin") == 0
    assert run(f"simulate --quirk stale-phi-zero=off {rotation} -floatfile off.bin") == 0
    legacy, spec, off = ((folder / f"{name}.bin").read_bytes() for name in ("legacy", "spec", "off"))
    assert legacy != spec
    assert spec == off


def test_trace_on_stdout(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Run-level values, then a frame for each pixel in loop order, with its inner lines."""
    assert run(f"trace --pixel 5 6 --pixel 2 3 --emit-rot-stars -- {FLAGS}") == 0
    lines = capsys.readouterr().out.splitlines()
    frames = [line for line in lines if line.startswith("TRACE_PY: pixel ")]
    assert frames == ["TRACE_PY: pixel 2 3", "TRACE_PY: pixel 5 6"]
    assert lines.index(frames[0]) > lines.index("TRACE_PY: detector_convention MOSFLM")
    assert any(line.startswith("TRACE_PY_PHI phi_tic=0") for line in lines)
    assert any(line.startswith("TRACE_PY_ROTSTAR phi_tic=0") for line in lines)
    assert not names(folder)


def test_trace_into_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--out makes two files, refuses to replace them, and does with --force."""
    line = f"trace --roi 2 3 4 5 --out t.log -- {FLAGS} -oversample 1"
    assert run(line) == 0
    assert names(folder) == {"t.log", "t_per_phi.log"}
    main_lines, inner = ((folder / name).read_text().splitlines() for name in ("t.log", "t_per_phi.log"))
    pixels = [f"TRACE_PY: pixel {slow} {fast}" for slow in (2, 3) for fast in (4, 5)]
    assert [text for text in main_lines if ": pixel " in text] == pixels
    assert not any(text.startswith("TRACE_PY_PHI") for text in main_lines)
    assert sum(text.startswith("TRACE_PY_PHI") for text in inner) == 4
    assert run(line) == 2
    assert "--force" in capsys.readouterr().err
    assert main([*line.split()[:1], "--force", *line.split()[1:]]) == 0


def test_traced_pixel_is_the_images(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What `trace` shows last is what `simulate` writes."""
    assert run(f"simulate {FLAGS}") == 0
    image = np.fromfile("floatimage.bin", dtype="<f4").reshape(12, 12)
    capsys.readouterr()
    assert run(f"trace --pixel 7 4 -- {FLAGS}") == 0
    lines = capsys.readouterr().out.splitlines()
    (shown,) = [line.split()[-1] for line in lines if line.startswith("TRACE_PY: I_pixel_final ")]
    assert np.float32(float(shown)) == image[7, 4]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"trace -- {FLAGS}", "no pixel is given"),
        (f"trace --pixel 12 0 -- {FLAGS}", "no such pixel; expected slow 0-11, fast 0-11, got 12 0"),
        ("trace --pixel 1 1 --", "neither -mat nor -cell"),
    ],
)
def test_trace_refusals(folder: Path, line: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A clear message, exit status 2, and no file."""
    assert run(line.replace("trace", "trace --out t.log", 1)) == 2
    assert message in capsys.readouterr().err
    assert not names(folder)


def test_a_pixel_left_out_is_zero_and_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Outside -roi a pixel has no values but its own, and a line on stderr names it; one inside needs none."""
    assert run(f"trace --pixel 1 2 --pixel 4 4 -- {FLAGS} -roi 3 5 2 6") == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    start = lines.index("TRACE_PY: pixel 1 2")
    assert lines[start + 1 : start + 3] == ["TRACE_PY: I_pixel_final 0", "TRACE_PY: pixel 4 4"]
    said = [line for line in err.splitlines() if "pixel " in line]
    expected = "pixel 1 2 is outside -roi, which is slow 2-6, fast 3-5: its value is 0, and nothing else is traced"
    assert said == [f"braggtrace: {expected}"]


def test_masked_pixels_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    """The first ones by name, the others by their number."""
    mask = np.ones((12, 12), dtype=np.uint8)
    mask[2] = 0
    np.save("mask.npy", mask)
    assert run(f"trace --roi 2 3 0 4 --out t.log -- {FLAGS} -mask mask.npy") == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "pixel" in line]
    assert said == [
        *(f"braggtrace: pixel 2 {fast} is masked out: its value is 0, and nothing else is traced" for fast in range(3)),
        "braggtrace: and 2 more such pixels",
    ]


def test_quirks(capsys: pytest.CaptureFixture[str]) -> None:
    """All quirks with both their meanings, and the profiles; or those of one profile."""
    assert run("quirks") == 0
    out = capsys.readouterr().out
    assert "stale-phi-zero\n    on " in out
    assert "weighted-oversample  all but running-sum-oversample" in out
    assert run("quirks --profile phi-fixed") == 0
    assert "stale-phi-zero" not in capsys.readouterr().out


def test_steps(capsys: pytest.CaptureFixture[str]) -> None:
    """All steps; or one with all that it comes from; an unknown name is refused."""
    assert run("steps h_frac") == 0
    out = capsys.readouterr().out
    assert "h_frac" in out
    assert "rot_a_meters" in out
    assert "F_latt" not in out
    assert run("steps --format markdown") == 0
    assert "| F_latt (GAUSS) |" in capsys.readouterr().out
    assert run("steps nonesuch") == 2
