"""Cut sample_traces/ out of the golden traces. Usage: sample_traces.py GOLDEN_FOLDER."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

OUT = Path(__file__).parent.parent / "sample_traces"

# name: (reference, candidate, the pixels to keep)
PAIRS = {
    "stale_phi_zero": (
        "beamline-roi-legacy/trace.log",
        "beamline-roi-fixed/trace.log",
        [(slow, fast) for slow in (1639, 1640) for fast in (966, 967)],
    ),
    "second_thread": (
        "phi0-threads1-legacy/trace.log",
        "phi0-threads2-legacy/trace.log",
        [(slow, fast) for slow in (23, 24) for fast in (52, 53)],
    ),
    "running_sum": (
        "oversample-polar-weighted/trace.log",
        "oversample-polar-legacy/trace.log",
        None,
    ),
    "swallowed_seed": ("misset-random/trace.log", "misset-seed-after/trace.log", []),
    "older_program": (
        "beamline-roi-instrumented/trace_s1639_f966.log",
        "beamline-roi-fixed/trace.log",
        [(1639, 966)],
    ),
}

# What a terminal must never receive: title, clear screen, clipboard (OSC 52), C1, bell, backspace, bidirectional marks.
HOSTILE_LINES = (
    b"\x1b]0;owned\x07\x1b[2J\x1b[H progress 50%\r 51%\n",
    b"TRACE_C: xtal_shape SQU\x1b[31mARE\x1b]52;c;b3duZWQ=\x07\n",
    b"TRACE_C: evil\x9b2J\x08\x08name\xe2\x80\xae 1.5\n",
    b"TRACE_C: F_latt \x1b[5m\xff\xfe 3\n",
    b"TRACE_C: [bold red]markup[/] 2.5\n",
)


def frames(text: bytes) -> tuple[list[bytes], dict[tuple[int, int], list[bytes]]]:
    """The lines before the first frame, and those of every frame by its pixel."""
    head: list[bytes] = []
    by_pixel: dict[tuple[int, int], list[bytes]] = {}
    lines = head
    for line in text.splitlines(keepends=True):
        if line.startswith(b"TRACE_C: pixel "):
            slow, fast = line.split()[2:]
            lines = by_pixel.setdefault((int(slow), int(fast)), [])
        lines.append(line)
    return head, by_pixel


def cut(text: bytes, pixels: list[tuple[int, int]] | None) -> bytes:
    """The trace of some pixels only; None keeps all, and a trace without frames stays whole."""
    head, by_pixel = frames(text)
    kept = [pixel for pixel in by_pixel if pixels is None or pixel in pixels]
    return b"".join(head + [line for pixel in kept for line in by_pixel[pixel]])


def main(golden: Path) -> None:
    """Write every pair, and the hostile one made from the first."""
    for name, (reference, candidate, pixels) in PAIRS.items():
        folder = OUT / name
        folder.mkdir(parents=True, exist_ok=True)
        for side, source in (("reference.log", reference), ("candidate.log", candidate)):
            (folder / side).write_bytes(cut((golden / source).read_bytes(), pixels))
    clean = cut((golden / "beamline-roi-legacy/trace.log").read_bytes(), [(1639, 966)])
    folder = OUT / "hostile"
    folder.mkdir(exist_ok=True)
    (folder / "reference.log").write_bytes(clean)
    head, frame = frames(clean)
    hostile = b"".join([*HOSTILE_LINES, *head[:20], HOSTILE_LINES[0], *head[20:], *frame[1639, 966]])
    (folder / "candidate.log").write_bytes(hostile.replace(b"I_before_scaling ", b"I_before_scaling -", 1))
    torch_side(golden)


def torch_side(golden: Path) -> None:
    """The first pair with the candidate computed by our own engine: C against PyTorch, in the field's two dialects."""
    folder = OUT / "c_against_torch"
    folder.mkdir(exist_ok=True)
    case = golden / "beamline-roi-legacy"
    (folder / "reference.log").write_bytes(cut((case / "trace.log").read_bytes(), [(1639, 966)]))
    flags = json.loads((case / "case.json").read_text())["flags"]
    command = [
        sys.executable,
        "-m",
        "braggtrace_tui",
        "trace",
        "--pixel",
        "1639",
        "966",
        "--phi-mode",
        "spec",
        "--force",
    ]
    command += ["--out", str(folder / "candidate.log"), "--", *flags]
    subprocess.run(command, check=True, cwd=golden)  # the flags name their inputs relative to this folder


if __name__ == "__main__":
    main(Path(sys.argv[1]))
