"""Speed and memory of what people wait for. Prints medians; absolute times depend on the machine, ratios less so.

python bench/run.py            everything (a few minutes: numdiff is slow)
python bench/run.py diff       only the big comparison
python bench/run.py screen     only the screen
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pair import make_pair
from terminal import Terminal

LINES = 3_000_000
REPEATS = 5
PAGE_DOWN, PAGE_UP = "\x1b[6~", "\x1b[5~"
ROOT = Path(__file__).parent.parent
BRAGGTRACE = [sys.executable, "-m", "braggtrace_tui"]


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds and peak memory in MB of one run, its output thrown away."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0  # it has been waited for
    return time.perf_counter() - start, usage.ru_maxrss / 1000


def report(what: str, seconds: list[float], extra: str = "") -> float:
    """Print the median with its spread, and give it back."""
    median = statistics.median(seconds)
    print(f"{what:<52} {median:8.3f} s   ({min(seconds):.3f} to {max(seconds):.3f}) {extra}", flush=True)
    return median


def bench_diff(folder: Path) -> None:
    """`diff` of two traces of 3 million lines, beside numdiff and beside counting their lines."""
    reference, candidate = make_pair(folder, LINES)
    megabytes = (reference.stat().st_size + candidate.stat().st_size) / 1e6
    print(f"two traces of {LINES:,} lines, {megabytes:.0f} MB together, noise in the 13th digit of every value")
    runs = [timed([*BRAGGTRACE, "diff", str(reference), str(candidate)]) for _ in range(REPEATS)]
    ours = report("braggtrace diff", [seconds for seconds, _ in runs], f"peak {max(mb for _, mb in runs):.0f} MB")
    counted = report("wc -l, for scale", [timed(["wc", "-l", str(reference), str(candidate)])[0] for _ in range(3)])
    print(f"{'braggtrace diff / wc -l':<52} {ours / counted:8.1f} x")
    if shutil.which("numdiff"):
        theirs = report("numdiff -r 1e-6", [timed(["numdiff", "-r", "1e-6", str(reference), str(candidate)])[0]])
        print(f"{'numdiff / braggtrace diff':<52} {theirs / ours:8.1f} x")
    else:
        print("numdiff is not installed: no ratio")


def bench_start() -> None:
    """What a shell prompt waits for."""
    pair = [str(ROOT / "sample_traces/stale_phi_zero" / f"{side}.log") for side in ("reference", "candidate")]
    report("python -c pass, for scale", [timed([sys.executable, "-c", "pass"])[0] for _ in range(REPEATS)])
    report("braggtrace --help", [timed([*BRAGGTRACE, "--help"])[0] for _ in range(REPEATS)])
    report("braggtrace diff of a bundled pair", [timed([*BRAGGTRACE, "diff", *pair])[0] for _ in range(REPEATS)])


def bench_screen(folder: Path) -> None:
    """First paint, and what a key costs in time and bytes on a real pseudo-terminal."""
    with tempfile.TemporaryDirectory() as state:
        environment = {"XDG_STATE_HOME": state, "TERM": "xterm-256color"}
        paints = []
        for _ in range(REPEATS):
            with Terminal([*BRAGGTRACE, "demo"], environment) as terminal:
                paints.append(terminal.wait_for("rot_a"))
        report("demo: first divergence on screen after", paints)
        with Terminal([*BRAGGTRACE, "demo"], environment) as terminal:
            terminal.wait_for("rot_a")
            terminal.settle()
            keys(terminal, "demo")
        reference, candidate = make_pair(folder, LINES)
        with Terminal([*BRAGGTRACE, str(reference), str(candidate)], environment) as terminal:
            report("3 million lines: values on screen after", [terminal.wait_for("F_latt")])
            report(
                "3 million lines: first divergence on screen after", [terminal.wait_for("diverges first", timeout=60)]
            )
            terminal.settle()
            keys(terminal, "3 million lines")


def keys(terminal: Terminal, what: str) -> None:
    """Steps, pages and idling. The time runs until the last byte, the detail pane's included."""
    for name, pressed in (("cursor step", ["j"] * 10), ("page", [PAGE_DOWN, PAGE_UP] * 5)):
        costs = [terminal.press(key) for key in pressed]
        latency = statistics.median(first for first, _, _ in costs) * 1000
        settled = statistics.median(last for _, last, _ in costs) * 1000
        written = statistics.median(count for _, _, count in costs)
        extra = f"({settled:.1f} ms with details) {written:6.0f} bytes"
        print(f"{what + ': ' + name:<52} {latency:8.1f} ms  {extra}", flush=True)
    print(f"{what + ': idle for 2 s':<52} {'':>12} {terminal.idle(2.0):6.0f} bytes", flush=True)


def main(chosen: list[str]) -> None:
    """Run the chosen benchmarks, or all."""
    folder = Path(tempfile.gettempdir()) / "braggtrace-bench"
    if not chosen or "start" in chosen:
        bench_start()
    if not chosen or "diff" in chosen:
        bench_diff(folder)
    if not chosen or "screen" in chosen:
        bench_screen(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
