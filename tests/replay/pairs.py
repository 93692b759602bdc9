"""Small pairs of traces, computed by the engine, one side with steps that are wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch

from braggtrace.compare.judge import compare
from braggtrace.compare.model import Comparison
from braggtrace.compare.options import Options
from braggtrace.corpus.experiments import built
from braggtrace.corpus.mutants import Patch, as_c_does, mapped, planted
from braggtrace.corpus.pairs import read_text
from braggtrace.replay.budget import Shares, shares
from braggtrace.replay.judge import Judgement, judge
from braggtrace.replay.loops import add_carried
from braggtrace.replay.model import Explanation, Root
from braggtrace.replay.pair import explain_pair
from braggtrace.replay.quirks import Fit, fit_quirks
from braggtrace.replay.reading import read_book
from braggtrace.replay.replayer import Replayer
from braggtrace.replay.roots import find_origins
from braggtrace.replay.tree import Tree
from braggtrace.simulate.tracer import Tracer
from braggtrace.trace.model import Trace

__all__ = ["PIXELS", "Walked", "edited", "explained", "parts_of", "scaled", "text_of", "the_root", "trace_of", "walked"]

PIXELS = ((4, 5), (4, 6))

_PARTS: Mapping[str, Mapping[str, Any]] = {
    "detector": {
        "convention": "MOSFLM",
        "fpixels": 12,
        "spixels": 10,
        "pixel_mm": 0.4,
        "distance_mm": 60.0,
        "Xbeam_mm": 22.1,
        "Ybeam_mm": -7.7,
    },
    "beam": {"lambda_A": 1.1, "polarization": 0.8, "fluence": 1e24},
    "crystal": {
        "cell": (12.3, 15.4, 9.8, 90.0, 101.3, 90.0),
        "misset_deg": (14.0, -9.0, 27.0),
        "default_F": 100.0,
        "Na": 5,
        "Nb": 7,
        "Nc": 6,
    },
    "sources": {},
    "sampling": {"oversample": 1, "phi_deg": 3.0, "osc_deg": 2.0, "phisteps": 3},
}


def parts_of(**changes: Any) -> dict[str, dict[str, Any]]:
    """The fields of the experiment, some of them changed."""
    parts = {name: dict(fields) for name, fields in _PARTS.items()}
    homes = {
        "detector": ("distance_mm", "thick_um", "mu_per_m", "thicksteps", "rotx_deg", "roty_deg"),
        "beam": ("lambda_A", "polarization", "fluence"),
        "crystal": (
            "misset_deg",
            "Na",
            "Nb",
            "Nc",
            "mosaic_spread_deg",
            "mosaic_domains",
            "water_um",
            "shape",
            "fudge",
        ),
        "sources": ("dispersion_pct", "dispsteps"),
        "sampling": ("oversample", "phi_deg", "osc_deg", "phisteps", "oversample_polar"),
    }
    for name, value in changes.items():
        (home,) = (part for part, fields in homes.items() if name in fields)
        parts[home][name] = value
    return parts


def scaled(factor: float) -> Patch:
    """A step whose number is multiplied."""
    return mapped(lambda value: value * factor)


def text_of(patches: Mapping[str, Patch] | None = None, **changes: Any) -> str:
    """A trace of the experiment, with some steps replaced."""
    return _text(tuple((patches or {}).items()), tuple(changes.items()))


@cache
def _text(patches: tuple[tuple[str, Patch], ...], changes: tuple[tuple[str, Any], ...]) -> str:
    wrong = dict(as_c_does())
    for key, patch in patches:
        before = wrong.get(key)
        wrong[key] = patch if before is None else _both(before, patch)
    with planted(wrong), torch.no_grad():
        tracer = Tracer(built(parts_of(**dict(changes))), side="C")
        lines = [line.text for line in tracer.run_lines()]
        for slow, fast in PIXELS:
            lines += [line.text for line in tracer.pixel_lines(slow, fast)]
    return "".join(f"{line}\n" for line in lines)


def _both(first: Patch, second: Patch) -> Patch:
    return lambda step: second(first(step))


def trace_of(patches: Mapping[str, Patch] | None = None, name: str = "trace.log", **changes: Any) -> Trace:
    """The same, read."""
    return read_text(text_of(patches, **changes), name)


def edited(text: str, name: str, change: Callable[[float], float], *, phi_lines: bool = False) -> str:
    """A trace with one printed number changed: of a main line, or of the lines of the inner loop."""

    def new(match: re.Match[str]) -> str:
        return f"{match[1]}{change(float(match[2])):.17g}"

    pattern = rf"((?<= ){name}=)(\S+)" if phi_lines else rf"^(TRACE_C: {name} )(\S+)"
    found, count = re.subn(pattern, new, text, flags=re.MULTILINE)
    assert count, f"{name} is not printed"
    return found


def explained(reference: Trace, candidate: Trace, options: Options | None = None, **more: Any) -> Explanation:
    """Why they diverge."""
    return explain_pair(
        reference, candidate, None if options is None else compare(reference, candidate, options), **more
    )


def the_root(explanation: Explanation) -> Root:
    """Its only root."""
    (root,) = explanation.roots
    return root


class Walked:
    """All that is known on the way to an explanation."""

    def __init__(self, comparison: Comparison) -> None:
        self.book = read_book(comparison, list(range(len(comparison.pixels))))
        add_carried(self.book)
        self.judgement: Judgement = judge(self.book, Replayer(self.book))
        self.fits: list[Fit] = fit_quirks(self.judgement)
        self.tree: Tree = find_origins(self.judgement, self.fits)

    def shares(self) -> Shares:
        """What each origin does to the final value."""
        return shares(self.judgement, self.tree.origins, self.fits)


def walked(reference: Trace, candidate: Trace) -> Walked:
    """Compare and judge two traces."""
    return Walked(compare(reference, candidate))
