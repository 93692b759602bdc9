"""Two big traces of the same run: noise in the 13th digit of every value, one real divergence at 90 %."""

from __future__ import annotations

import random
from pathlib import Path

__all__ = ["DIVERGING_LINE_FRACTION", "make_pair"]

DIVERGING_LINE_FRACTION = 0.9

# name: components; what a program prints for every pixel, over and over
FRAME = {
    "R_distance_meters": 1,
    "omega_pixel_sr": 1,
    "obliquity_factor": 1,
    "lambda_meters": 1,
    "polar": 1,
    "hkl_frac": 3,
    "F_latt_a": 1,
    "F_latt_b": 1,
    "F_latt_c": 1,
    "F_latt": 1,
    "F_cell": 1,
    "I_before_scaling": 1,
    "capture_fraction": 1,
    "cos_2theta": 1,
    "I_pixel_final": 1,
}


def make_pair(folder: Path, lines: int) -> tuple[Path, Path]:
    """Write reference.log and candidate.log with `lines` lines each into `folder`, unless they are there."""
    paths = folder / f"reference-{lines}.log", folder / f"candidate-{lines}.log"
    if all(path.exists() for path in paths):
        return paths
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(20)
    frames = lines // (len(FRAME) + 1)
    with paths[0].open("w") as reference, paths[1].open("w") as candidate:
        for frame in range(frames):
            pixel = f"TRACE_C: pixel {frame // 2000} {frame % 2000}\n"
            reference.write(pixel)
            candidate.write(pixel)
            for name, components in FRAME.items():
                values = [rng.uniform(-1, 1) * 10.0 ** rng.randint(-3, 3) for _ in range(components)]
                noisy = [value * (1 + rng.choice((-4e-13, 3e-13))) for value in values]
                if frame == int(frames * DIVERGING_LINE_FRACTION) and name == "F_latt_b":
                    noisy[0] *= -1.02
                reference.write(f"TRACE_C: {name} {' '.join(f'{value:.15g}' for value in values)}\n")
                candidate.write(f"TRACE_C: {name} {' '.join(f'{value:.15g}' for value in noisy)}\n")
    return paths
