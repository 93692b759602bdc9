"""Random experiments: conventions, cells, orientations, shapes, sampling, flags."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

import torch

from braggtrace.simulate.experiment import Beam, Crystal, Detector, Experiment, Sampling, Sources
from braggtrace.simulate.model import Model
from braggtrace.simulate.pixels import PixelLoop
from braggtrace.simulate.quirks import PROFILES
from braggtrace.simulate.resolve import resolve

__all__ = ["Setting", "built", "random_setting"]

_CONVENTIONS = ("MOSFLM", "MOSFLM", "DENZO", "ADXV", "XDS", "DIALS", "CUSTOM")
_SHAPES = ("SQUARE",) * 6 + ("ROUND", "GAUSS")
_EDGE = 40


@dataclass(frozen=True, slots=True)
class Setting:
    """One experiment and the pixels of it that are traced.

    Attributes:
        parts: the fields of the experiment, so that one can be left at its default.
        model: the experiment, resolved.
        pixels: (slow, fast), in loop order.
    """

    parts: dict[str, dict[str, Any]]
    model: Model
    pixels: tuple[tuple[int, int], ...]


def built(parts: dict[str, dict[str, Any]]) -> Model:
    """A model of the fields of an experiment."""
    return resolve(
        Experiment(
            detector=Detector(**parts["detector"]),
            beam=Beam(**parts["beam"]),
            crystal=Crystal(**parts["crystal"]),
            sources=Sources(**parts["sources"]),
            sampling=Sampling(**parts["sampling"]),
            quirks=PROFILES["phi-fixed"],
        )
    )


def random_setting(random: Random) -> Setting:
    """An experiment drawn at random, and three pixels of it near peaks."""
    parts = _parts(random)
    model = built(parts)
    return Setting(parts, model, _pixels(random, model))


def _parts(random: Random) -> dict[str, dict[str, Any]]:
    convention = random.choice(_CONVENTIONS)
    pixel, distance = random.choice((0.1, 0.15, 0.2)), random.uniform(40.0, 120.0)
    edge = _EDGE * pixel
    detector: dict[str, Any] = {
        "convention": convention,
        "fpixels": _EDGE,
        "spixels": _EDGE,
        "pixel_mm": pixel,
        "distance_mm": round(distance, 2),
    }
    offset = random.uniform(5.0, 30.0)
    if convention in ("XDS", "DIALS"):
        detector |= {"ORGX": random.uniform(-80, 0), "ORGY": random.uniform(-80, 0)}
    else:
        detector |= {"Xbeam_mm": round(edge + offset, 3), "Ybeam_mm": round(-random.uniform(1.0, 20.0), 3)}
    if random.random() < 0.4:
        detector |= {f"rot{axis}_deg": round(random.uniform(-8, 8), 3) for axis in "xyz"}
    if random.random() < 0.2:
        detector["twotheta_deg"] = round(random.uniform(-15, 15), 3)
    if random.random() < 0.25:
        detector |= {"thick_um": random.choice((100.0, 320.0)), "mu_per_m": random.uniform(1e3, 8e3), "thicksteps": 2}
    if convention == "CUSTOM":
        detector |= _custom_axes(random)
    beam = {
        "lambda_A": round(random.uniform(0.8, 1.6), 4),
        "fluence": 1e24 * random.uniform(0.5, 2.0),
        "polarization": random.choice((0.0, round(random.uniform(0.3, 0.95), 3))),
    }
    half = 14
    generator = torch.Generator().manual_seed(random.randrange(1 << 30))
    table = 20.0 + 280.0 * torch.rand((2 * half + 1,) * 3, dtype=torch.float64, generator=generator)
    crystal: dict[str, Any] = {
        "cell": tuple(
            round(each, 3)
            for each in (*(random.uniform(18, 45) for _ in range(3)), *(random.uniform(75, 105) for _ in range(3)))
        ),
        "misset_deg": tuple(round(random.uniform(-60, 60), 3) for _ in range(3)),
        "Na": random.randint(3, 9),
        "Nb": random.randint(3, 9),
        "Nc": random.randint(3, 9),
        "shape": random.choice(_SHAPES),
        "fudge": round(random.uniform(0.05, 0.3), 3),
        "default_F": round(random.uniform(20.0, 80.0), 2),
        "F": torch.round(table, decimals=2),
        "F_low": (-half,) * 3,
        "hkls": (2 * half + 1) ** 3,
    }
    if random.random() < 0.4:
        crystal |= {"mosaic_spread_deg": round(random.uniform(0.2, 1.5), 3), "mosaic_domains": 2}
    if random.random() < 0.15:
        crystal["water_um"] = round(random.uniform(1.0, 30.0), 2)
    sources: dict[str, Any] = {}
    if random.random() < 0.2:
        sources |= {"dispersion_pct": 1.0, "dispsteps": 2}
    sampling: dict[str, Any] = {
        "phi_deg": random.choice((0.0, round(random.uniform(-30, 30), 3))),
        "osc_deg": round(random.uniform(0.2, 2.0), 3),
        "phisteps": random.randint(1, 4),
        "oversample": random.choice((1, 1, 2)),
    }
    sampling |= {f"oversample_{name}": random.random() < 0.12 for name in ("polar", "omega", "thick")}
    if not detector.get("thick_um"):
        sampling["oversample_thick"] = False
    if convention == "CUSTOM":
        sampling["spindle_axis"] = (round(random.uniform(-0.2, 0.2), 3), round(random.uniform(-0.2, 0.2), 3), 1.0)
    return {"detector": detector, "beam": beam, "crystal": crystal, "sources": sources, "sampling": sampling}


def _custom_axes(random: Random) -> dict[str, Any]:
    tilt = random.uniform(-0.05, 0.05)
    return {
        "fdet_vector": (tilt, 0.0, 1.0),
        "sdet_vector": (0.0, -1.0, 0.0),
        "odet_vector": (2.0, 0.0, -2.0 * tilt),  # no unit vector, so that it is made of the other two
    }


def _pixels(random: Random, model: Model) -> tuple[tuple[int, int], ...]:
    """Two neighbouring pixels near a peak, and another one."""
    with torch.no_grad():
        loop = PixelLoop(model)
        slow, fast = torch.meshgrid(torch.arange(_EDGE), torch.arange(_EDGE), indexing="ij")
        image = loop.run(slow.reshape(-1).double(), fast.reshape(-1).double()).I_pixel_final
    brightest = torch.topk(image, 30).indices.tolist()
    first, second = (divmod(place, _EDGE) for place in random.sample(brightest, 2))
    beside = (first[0], first[1] + (1 if first[1] + 1 < _EDGE else -1))
    return tuple(sorted({first, beside, second}))
