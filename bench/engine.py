"""How fast the engine renders, as ratios to the time that torch.sin takes for the sines of the work.

Needs the measured inputs beside the checkout (`../shared/golden`). Run it as `python bench/engine.py`.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

import torch

from braggtrace.simulate.image import render
from braggtrace.simulate.quirks import PROFILES
from braggtrace.simulate.resolve import resolve
from braggtrace.simulate.setup import setup_from_flags

GOLDEN = Path(os.environ.get("BRAGGTRACE_SHARED", Path(__file__).parent.parent.parent / "shared")) / "golden"
BEAMLINE = (
    "-mat inputs/beamline_A.mat -hkl inputs/beamline.hkl -nointerpolate -oversample 1 -flux 1e18 -beamsize 1 "
    "-spindle_axis -1 0 0 -Xbeam 212.31 -Ybeam 219.84 -distance 228.4 -lambda 0.9768 -pixel 0.172 "
    "-odet_vector 0.002075 0.003714 -0.999991 -sdet_vector 0.006808 -0.999970 -0.003700 "
    "-fdet_vector 0.999975 0.006800 0.002100 -beam_vector 0.00061 -0.00023 -0.99999979 "
    "-Na 36 -Nb 47 -Nc 29 -osc 0.1 -phi 0 -phisteps 10 "
)
SMALL = BEAMLINE + "-detpixels 512 "
WORK = {
    "whole frame": BEAMLINE + "-detpixels_x 2463 -detpixels_y 2527",
    "mosaic 20 x phi 10": SMALL + "-mosaic 0.5 -mosaic_domains 20",
    "49 sources": SMALL + "-phisteps 1 -hdivrange 1 -vdivrange 1 -hdivsteps 7 -vdivsteps 7 -square_div",
    "oversample 5": SMALL + "-oversample 5",
    "interpolation": SMALL + "-phisteps 1 -interpolate",
}


def best(work: Callable[[], object], times: int) -> float:
    """The shortest of several runs [s]."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def sine_seconds() -> float:
    """Seconds that torch.sin takes for one float64, in pieces that fit the cache, on all threads."""
    x = torch.rand(65536, dtype=torch.float64) * 100.0
    out = torch.empty_like(x)
    return best(lambda: [torch.sin(x, out=out) for _ in range(200)], 5) / (200 * len(x))


def main() -> None:
    """Print a table."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sine = sine_seconds()
    print(f"{torch.get_num_threads()} threads, torch.sin {sine * 1e9:.2f} ns; ratios are to six sines an iteration")
    with torch.inference_mode():
        for name, flags in WORK.items():
            model = resolve(setup_from_flags(flags.split(), PROFILES["legacy"], folder=GOLDEN).experiment)
            count = len(model.rendered()) * model.loops.samples * model.loops.iterations
            modes = ("off",) if model.interpolate else ("on", "off")
            for mode in modes:
                for dtype in (torch.float64, torch.float32):
                    # The first run compiles or loads the kernels.
                    seconds = best(lambda m=model, d=dtype, c=mode: render(m, dtype=d, compiled=c), 3)  # type: ignore[misc]
                    print(
                        f"{name:<20} {str(dtype).removeprefix('torch.'):<8} compile {mode:<4}"
                        f"{count / 1e6:8.1f} M iterations {seconds:7.3f} s  ratio {seconds / (6 * count * sine):7.2f}"
                    )
    used = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"peak memory {used:.0f} MB above torch")


if __name__ == "__main__":
    main()
