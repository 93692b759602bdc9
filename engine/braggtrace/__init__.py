"""braggtrace: find the first place where two diffraction simulators disagree, and say why.

The names below are a differentiable, nanoBragg-compatible simulator. Each is loaded when it is first used, so that
importing this module loads neither numpy nor torch. Traces and their comparison are in `braggtrace.trace` and
`braggtrace.compare`, errors in `braggtrace.errors`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from braggtrace.simulate.experiment import Beam, Crystal, Detector, Experiment, Sampling, Sources
    from braggtrace.simulate.image import render
    from braggtrace.simulate.quirks import choose_quirks
    from braggtrace.simulate.resolve import resolve
    from braggtrace.simulate.setup import setup_from_flags
    from braggtrace.simulate.tracer import Tracer

__all__ = [
    "Beam",
    "Crystal",
    "Detector",
    "Experiment",
    "Sampling",
    "Sources",
    "Tracer",
    "__version__",
    "choose_quirks",
    "render",
    "resolve",
    "setup_from_flags",
]

__version__ = "0.1.0"

_HOME = {
    **dict.fromkeys(("Beam", "Crystal", "Detector", "Experiment", "Sampling", "Sources"), "experiment"),
    "Tracer": "tracer",
    "choose_quirks": "quirks",
    "render": "image",
    "resolve": "resolve",
    "setup_from_flags": "setup",
}
"""Name -> its module below `braggtrace.simulate`."""


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.simulate.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
