"""The pixel map of a detector of 2463 x 2527 pixels: how soon it is there, what a key costs in time and bytes.

python bench/map.py
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from terminal import Terminal

from braggtrace.images.load import read_images
from braggtrace.images.measure import map_data
from braggtrace.images.model import MapData
from braggtrace.images.pool import Window, pool

SHAPE = (2527, 2463)
REPEATS = 5
MAP = [sys.executable, "-m", "braggtrace_tui", "map"]
KEYS = (
    ("cursor step", "jjjjjllllll"),
    ("next worst pixel", "nnnnn"),
    ("flip of the sides", "cpcpcp"),
    ("difference, ratio", "drdrdr"),
    ("zoom", "+++---"),
    ("pan", "JLKHJL"),
)


def pictures(folder: Path) -> list[Path]:
    """Two raw float images: spots on a background, and the same with noise in every pixel, which is the worst case."""
    random = np.random.default_rng(1)
    ours = (random.exponential(size=SHAPE) ** 4).astype(np.float32)
    theirs = (ours * (1 + 0.05 * random.standard_normal(SHAPE))).astype(np.float32)
    paths = [folder / "reference.bin", folder / "candidate.bin"]
    both: list[NDArray[np.float32]] = [ours, theirs]
    for path, pixels in zip(paths, both, strict=True):
        pixels.tofile(path)
    return paths


def timed(what: str, work: Callable[[], object]) -> None:
    """Print the median of some runs."""
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    print(f"{what:<52} {statistics.median(seconds) * 1000:8.1f} ms", flush=True)


def bench_library(paths: list[Path]) -> None:
    """Reading, comparing, condensing."""
    timed("read two raw images", lambda: read_images(paths, SHAPE))
    images = read_images(paths, SHAPE)
    timed("statistics, agreement, worst pixels, peaks", lambda: map_data(*images))
    data: MapData = map_data(*images)
    for layer in data.layers:
        timed(f"condense all pixels: {layer}", lambda layer=layer: pool(data, layer, Window(0, 0, *SHAPE), 67))  # type: ignore[misc]


def bench_screen(paths: list[Path], columns: int, lines: int, colours: str) -> None:
    """The real program on a real pseudo-terminal."""
    with tempfile.TemporaryDirectory() as state:
        environment = {"XDG_STATE_HOME": state, "TERM": "xterm-256color", "COLORTERM": colours}
        command = [*MAP, *map(str, paths), "--shape", *map(str, SHAPE)]
        name = f"{columns}x{lines}{' true colour' if colours else ''}: "
        with Terminal(command, environment, columns, lines) as terminal:
            print(f"{name + 'map on screen after':<52} {terminal.wait_for('correlation') * 1000:8.1f} ms", flush=True)
            terminal.settle()
            _, _, written = terminal.press("\x0c")
            print(f"{name + 'a full frame':<52} {'':>11} {written:8.0f} bytes", flush=True)
            for what, keys in KEYS:
                costs = [terminal.press(key) for key in keys]
                latency = statistics.median(first for first, _, _ in costs) * 1000
                sizes = [count for _, _, count in costs]
                extra = f"{statistics.median(sizes):8.0f} bytes, {max(sizes):,} at most"
                print(f"{name + what:<52} {latency:8.1f} ms {extra}", flush=True)
            print(f"{name + 'idle for 2 s':<52} {'':>11} {terminal.idle(2.0):8.0f} bytes", flush=True)


def main() -> None:
    """Run everything."""
    with tempfile.TemporaryDirectory() as folder:
        paths = pictures(Path(folder))
        bench_library(paths)
        for columns, lines in ((80, 24), (120, 40)):
            bench_screen(paths, columns, lines, "")
        bench_screen(paths, 120, 40, "truecolor")


if __name__ == "__main__":
    main()
