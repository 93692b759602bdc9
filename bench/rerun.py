"""Running pixels again, measured: in the engine, from key press to painted result, and what the keys cost meanwhile.

python bench/rerun.py

Prints medians; `make bench` runs it too. A detector of 2463 x 2527 pixels, 10 phi steps, one CPU engine.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from terminal import Terminal

from braggtrace.service.client import Engine

BRAGGTRACE = [sys.executable, "-m", "braggtrace_tui"]
REPEATS = 9
PIXEL = "1639 966"
FLAGS = shlex.split(
    "-cell 100 100 100 90 90 90 -default_F 100 -N 36 -lambda 0.9768 -distance 228.4 -pixel 0.172 -detpixels_x 2463 "
    "-detpixels_y 2527 -oversample 1 -phi 0 -osc 0.1 -phisteps 10 -misset 10 20 30"
)
LONGER = [*FLAGS, "-phisteps", "100"]


def report(what: str, seconds: list[float], extra: str = "") -> None:
    """Print the median with its spread."""
    median = statistics.median(seconds) * 1000
    low, high = min(seconds) * 1000, max(seconds) * 1000
    print(f"{what:<58} {median:8.1f} ms   ({low:.1f} to {high:.1f}) {extra}", flush=True)


def pair(folder: Path, flags: list[str]) -> tuple[str, str]:
    """Two traces of one pixel that diverge, and record their flags."""
    paths = []
    for mode in ("c-parity", "spec"):
        path = folder / f"{mode}-{len(flags)}.log"
        command = [
            *BRAGGTRACE,
            "trace",
            "--pixel",
            *PIXEL.split(),
            "--phi-mode",
            mode,
            "--out",
            str(path),
            "--",
            *flags,
        ]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        paths.append(str(path))
    return paths[0], paths[1]


def in_the_engine() -> None:
    """A warm rerun of one pixel, from request to result."""
    fields = {"flags": FLAGS, "pixels": [[int(word) for word in PIXEL.split()]]}
    with Engine() as engine:
        started = time.perf_counter()
        engine.call("trace", fields)
        report("engine: from its start to the first trace", [time.perf_counter() - started])
        taken = []
        for _ in range(REPEATS):
            begun = time.perf_counter()
            engine.call("trace", fields)
            taken.append(time.perf_counter() - begun)
    report("engine: warm rerun of one pixel (asked: 50 ms)", taken)


def on_the_screen(traces: tuple[str, str], environment: dict[str, str]) -> None:
    """From the key to the fresh trace on the screen; the form is open and has been checked."""
    with Terminal([*BRAGGTRACE, *traces], environment) as terminal:
        terminal.wait_for("diverges first")
        terminal.type("R")
        terminal.appears("Enter runs it")
        shown, pressed = [], []
        for number in range(REPEATS):
            if number:
                terminal.type("R")
                terminal.appears("Enter runs it")
            shown.append(terminal.time_until("\r", "traced again"))
            terminal.settle()
            pressed.append(terminal.time_until("R", "Enter runs it"))
            terminal.type("\x1b")
            terminal.settle()
        report("screen: R to the form, explained and checked", pressed)
        report("screen: Enter to the fresh trace (asked: 150 ms)", shown)


def start_image(terminal: Terminal) -> None:
    """Launch the image of the whole detector, and wait until it is being computed."""
    terminal.type("R")
    terminal.appears("Enter runs it")
    terminal.type("\x1b[C" * 5)  # the last choice: the image
    terminal.appears("an image of")
    terminal.type("\r")
    terminal.appears("%")


def while_it_computes(traces: tuple[str, str], environment: dict[str, str]) -> None:
    """Stepping through the table during an image of the whole detector, and how soon it ends."""
    with Terminal([*BRAGGTRACE, *traces], environment) as terminal:
        terminal.wait_for("diverges first")
        start_image(terminal)
        latencies, sizes = [], []
        while terminal.shows("Esc cancels") and len(latencies) < 20:
            first, _, count = terminal.press("j" if len(latencies) % 10 < 5 else "k", quiet=0.03)
            latencies.append(first)
            sizes.append(count)
        latencies = sorted(latencies)
        report(
            f"screen: a step while an image is computed, {len(latencies)} steps (asked: 50 ms)",
            latencies,
            f"95 %: {latencies[int(len(latencies) * 0.95)] * 1000:.0f} ms, {statistics.median(sizes):.0f} bytes",
        )
        report("screen: Esc to 'was cancelled'", [terminal.time_until("\x1b", "was cancelled")])
        start_image(terminal)
        report("screen: q to the end of the program, in mid-run (asked: 1 s)", [terminal.time_to_end("q")])


def first_paint(traces: tuple[str, str], environment: dict[str, str]) -> None:
    """The engine must not delay the first picture."""
    for what, options in (("without an engine", ["--engine", "none"]), ("with the engine", [])):
        paints = []
        for _ in range(REPEATS):
            with Terminal([*BRAGGTRACE, *traces, *options], environment) as terminal:
                paints.append(terminal.wait_for("diverges first"))
        report(f"screen: first divergence painted, {what}", paints)
    with Terminal([*BRAGGTRACE, *traces], environment) as terminal:
        terminal.wait_for("diverges first")
        latencies = [terminal.press("j", quiet=0.03)[0] for _ in range(30)]
        report("screen: a step while PyTorch is being loaded", latencies)
        terminal.settle()
        print(f"{'screen: idle for 3 s':<58} {terminal.idle(3.0):8d} bytes", flush=True)


def left_behind(folder: str) -> int:
    """Processes that were started with our environment and still run; where there is no /proc, none is seen."""
    count = 0
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            count += f"XDG_STATE_HOME={folder}".encode() in entry.read_bytes()
    return count


def main() -> None:
    """Run everything."""
    in_the_engine()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        traces = pair(folder, FLAGS)
        os.chdir(folder)
        environment = {"XDG_STATE_HOME": name, "XDG_CONFIG_HOME": name, "TERM": "xterm-256color"}
        on_the_screen(traces, environment)
        while_it_computes(pair(folder, LONGER), environment)
        first_paint(traces, environment)
        print(f"{'processes left behind':<58} {left_behind(name):8d}", flush=True)


if __name__ == "__main__":
    main()
