"""How fast the engine renders and traces, and what it needs.

Times are also given as ratios to the time that torch.sin takes for the sines of the work, measured in the same run.
Needs the measured inputs beside the checkout (`../shared/golden`).

python bench/engine.py              everything (some minutes)
python bench/engine.py speed        only the table of rendering speeds
python bench/engine.py core         the same, one thread in CPU time: for machines that do something else, too
python bench/engine.py cold         only new processes: simulate, trace, compiling
python bench/engine.py memory       only memory
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import torch

from braggtrace.simulate.image import render
from braggtrace.simulate.model import Model
from braggtrace.simulate.quirks import PROFILES
from braggtrace.simulate.resolve import resolve
from braggtrace.simulate.setup import setup_from_flags
from braggtrace.simulate.workers import in_order

GOLDEN = Path(os.environ.get("BRAGGTRACE_SHARED", Path(__file__).parent.parent.parent / "shared")) / "golden"
GEOMETRY = (
    "-nointerpolate -oversample 1 -flux 1e18 -beamsize 1 "
    "-spindle_axis -1 0 0 -Xbeam 212.31 -Ybeam 219.84 -distance 228.4 -lambda 0.9768 -pixel 0.172 "
    "-odet_vector 0.002075 0.003714 -0.999991 -sdet_vector 0.006808 -0.999970 -0.003700 "
    "-fdet_vector 0.999975 0.006800 0.002100 -beam_vector 0.00061 -0.00023 -0.99999979 "
    "-Na 36 -Nb 47 -Nc 29 -osc 0.1 -phi 0 -phisteps 10 -detpixels_x 2463 -detpixels_y 2527 "
)
WHOLE = f"-mat inputs/beamline_A.mat -hkl inputs/beamline.hkl {GEOMETRY}"
COARSE = f"{WHOLE} -pixel 0.827 -detpixels 512 "  # the same detector in fewer pixels
WORK = {
    "whole frame": ("legacy", WHOLE),
    "mosaic 20 x phi 10": ("legacy", COARSE + "-mosaic 0.5 -mosaic_domains 20"),
    "49 sources x phi 1": (
        "legacy",
        COARSE + "-phisteps 1 -hdivrange 1 -vdivrange 1 -hdivsteps 7 -vdivsteps 7 -square_div",
    ),
    "oversample 5 x phi 10": ("legacy", COARSE + "-oversample 5"),
    "interpolation x phi 10": ("spec", COARSE + "-interpolate"),
    "resolution cut": ("legacy", COARSE + "-dmin 2"),
}
HUGE = {
    "whole frame, 10 phi": WHOLE,
    "whole frame, 49 sources": WHOLE + "-phisteps 1 -hdivrange 1 -vdivrange 1 -hdivsteps 7 -vdivsteps 7 -square_div",
    "whole frame, 200 mosaic domains": WHOLE + "-phisteps 1 -mosaic 0.5 -mosaic_domains 200",
}
REPEATS = 7
Clock = Callable[[], float]
PIECE, TIMES = 16384, 200


def model_of(profile: str, flags: str) -> Model:
    """The resolved experiment of a line of flags."""
    return resolve(setup_from_flags(flags.split(), PROFILES[profile], folder=GOLDEN).experiment)


def timed(work: Callable[[], object], times: int, clock: Clock = time.perf_counter) -> float:
    """The median of several runs [s]."""
    found = []
    for _ in range(times):
        start = clock()
        work()
        found.append(clock() - start)
    return statistics.median(found)


def sine_seconds(clock: Clock = time.perf_counter) -> float:
    """Seconds that torch.sin takes for one float64, in pieces that fit the cache, on all threads."""
    x = torch.rand(PIECE, dtype=torch.float64) * 100.0

    def piece(_: int) -> None:
        out = torch.empty_like(x)
        for _ in range(TIMES):
            torch.sin(x, out=out)

    pieces = 4 * torch.get_num_threads()
    return timed(lambda: list(in_order(piece, range(pieces))), 1, clock) / (pieces * TIMES * PIECE)


def ratio_to_sines(work: Callable[[], object], sines: float, times: int, clock: Clock) -> tuple[float, float]:
    """The median time of some work [s], and of its ratio to that of sines, measured alternately."""
    pairs = [(timed(work, 1, clock), sines * sine_seconds(clock)) for _ in range(times)]
    return statistics.median(took for took, _ in pairs), statistics.median(took / sine for took, sine in pairs)


def bench_speed(clock: Clock = time.perf_counter) -> None:
    """Rendering, with compiled kernels and without."""
    print(f"{torch.get_num_threads()} threads; ratios are to the time of torch.sin for six sines an iteration")
    print(f"{'':<33}{'M iterations':>14}{'compiled s':>12}{'ns':>8}{'ratio':>8}{'bare s':>10}{'ns':>8}{'ratio':>8}")
    with torch.inference_mode():
        for name, (profile, flags) in WORK.items():
            model = model_of(profile, flags)
            count = len(model.rendered()) * model.loops.samples * model.loops.iterations
            for dtype in (torch.float64, torch.float32):
                cells = []
                for compiled, times in (("on", REPEATS), ("off", 1)):

                    def work(compiled: str = compiled, model: Model = model, dtype: torch.dtype = dtype) -> object:
                        return render(model, dtype=dtype, compiled=compiled)

                    if compiled == "on":
                        work()  # the first run compiles or loads the kernels
                    took, ratio = ratio_to_sines(work, 6 * count, times, clock)
                    cells.append(f"{took:10.3f}{took / count * 1e9:8.2f}{ratio:8.3f}")
                print(f"{name:<24}{str(dtype)[6:]:<9}{count / 1e6:14.1f}  {''.join(cells)}", flush=True)
    print(f"torch.sin takes {statistics.median(sine_seconds(clock) for _ in range(5)) * 1e9:.2f} ns a value")


def bench_core() -> None:
    """The same on one thread in CPU time, which other programs on the machine hardly disturb."""
    torch.set_num_threads(1)
    bench_speed(time.process_time)


def write_table(path: Path, edge: int = 40) -> int:
    """A table of edge³ reflections around the origin; how many."""
    indices = product(range(-edge // 2, edge - edge // 2), repeat=3)
    with path.open("w") as file:
        file.writelines(f"{h} {k} {el} {10 + (7 * h + 11 * k + 13 * el) % 90}\n" for h, k, el in indices)
    return edge**3


def wall(command: list[str], times: int, **environment: str) -> float:
    """The median time of a command [s]."""
    settings = os.environ | environment
    return timed(lambda: subprocess.run(command, check=True, capture_output=True, env=settings), times)


def bench_cold() -> None:
    """New processes, from start to end."""
    program = [sys.executable, "-m", "braggtrace_tui"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"{'import torch':<56}{wall([sys.executable, '-c', 'import torch'], 5):8.2f} s")
        inputs = f"-mat {GOLDEN}/inputs/beamline_A.mat {GEOMETRY} -hkl {folder}/big.hkl"
        count = write_table(folder / "big.hkl")
        trace = wall([*program, "trace", "--pixel", "684", "1039", "--", *inputs.split()], 5)
        print(f"{f'trace of one pixel, a table of {count} reflections':<56}{trace:8.2f} s")
        flags = WHOLE.replace("inputs/", f"{GOLDEN}/inputs/").split()
        files = f"-floatfile {folder}/f.bin -intfile {folder}/i.img -dumpfile {folder}/d.bin".split()
        simulate = [*program, "simulate", "--compile", "on", *flags, *files, "-nopgm", "-nonoise"]
        for dtype in ("float64", "float32"):
            # What inductor and gcc keep for themselves is put aside, too.
            cold = {"BRAGGTRACE_CACHE": f"{folder}/kernels", "TMPDIR": str(folder)}
            first = wall([*simulate, "--dtype", dtype], 1, **cold)
            print(f"{f'simulate, whole frame, {dtype}, kernels to compile':<56}{first:8.2f} s")
            print(
                f"{'… with kernels in the cache':<56}{wall([*simulate, '--dtype', dtype], 5, **cold):8.2f} s",
                flush=True,
            )


def bench_memory() -> None:
    """Peak memory of rendering above that of `import torch`."""
    for name in HUGE:
        done = subprocess.run([sys.executable, __file__, "peak", name], check=True, capture_output=True, text=True)
        print(f"{name:<56}{float(done.stdout):8.0f} MB above import torch", flush=True)


def print_peak(name: str) -> None:
    """Peak memory of rendering one of the large images above what the process had before [MB]."""
    before = peak_kb()
    with torch.inference_mode():
        render(model_of("legacy", HUGE[name]), compiled="on")
    print((peak_kb() - before) / 1024)


def peak_kb() -> int:
    """Peak memory of this program; getrusage would tell that of who started it, too."""
    text = Path("/proc/self/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0])


BENCHES = {"speed": bench_speed, "cold": bench_cold, "memory": bench_memory, "core": bench_core}


def main() -> None:
    """Run what was asked for, or everything."""
    if sys.argv[1:2] == ["peak"]:
        print_peak(sys.argv[2])
        return
    for name in sys.argv[1:] or BENCHES:
        BENCHES[name]()


if __name__ == "__main__":
    main()
