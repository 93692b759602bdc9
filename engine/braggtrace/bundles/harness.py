"""The process that computes a probe's trace: `python -m braggtrace.bundles.harness FD`.

It reads a request, one line of JSON, from standard input, and writes the trace to standard output. What it knows about
it goes to file descriptor FD, as lines of JSON. It ends when its standard input does: then nobody waits for it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from braggtrace.bundles.lines import Expectation
from braggtrace.errors import BraggtraceError, UsageError

if TYPE_CHECKING:
    import torch

    from braggtrace.simulate.model import Model
    from braggtrace.simulate.setup import Setup
    from braggtrace.simulate.tracer import Tracer

__all__ = ["main"]

Tell = Callable[..., None]
_ITERATION_NAMES = ("F_latt", "F_cell_interpolated", "F_cell_nearest", "F_cell")
_PIXEL_NAMES = (
    "I_before_scaling",
    "r_e_sqr",
    "fluence_photons_per_m2",
    "steps",
    "oversample_thick",
    "oversample_polar",
    "oversample_omega",
    "capture_fraction",
    "polar",
    "omega_pixel",
    "cos_2theta",
    "I_pixel_final",
    "floatimage_accumulated",
    "innermost_iterations",
    "interpolate_active",
)
"""What a trace has to say at the end of a pixel; written down here, apart from the tracer that it checks."""


def main() -> int:
    """Compute the trace; the exit status is 0, or 2 after an error that the user can cause."""
    facts = os.fdopen(int(sys.argv[1]), "wb", buffering=0)

    def tell(**fields: Any) -> None:
        facts.write(json.dumps(fields).encode() + b"\n")

    request = json.loads(sys.stdin.buffer.readline() or b"{}")
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _trace(request, tell)
    except BraggtraceError as error:
        tell(error=str(error))
        return 2
    except OSError as error:  # standard output: the disk is full, or nobody listens
        tell(error=f"the trace can't be written: {error.strerror or error}")
        return 2
    return 0


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(3)


def _trace(request: dict[str, Any], tell: Tell) -> None:
    asked = request["experiment"]
    tell(step="starting PyTorch")
    device, dtype, about = _device(asked["device"], asked["dtype"], asked["threads"])
    tell(step=f"{about['device']} and {asked['dtype']} are available", about=about)
    setup, model = _model(asked, tell)

    from braggtrace.simulate.tracer import Tracer, selected_pixels

    tracer = Tracer(model, device, dtype, rot_stars=asked["rot_stars"])
    pixels = selected_pixels([(s, f) for s, f in request["pixels"]], [(a, b, c, d) for a, b, c, d in request["boxes"]])
    _refuse_outside(model, pixels)
    tell(step=f"tracing {len(pixels)} pixels")
    started = time.monotonic()
    written = 0
    for text in _texts(tracer, pixels, _head(asked, model)):
        data = f"{text}\n".encode("utf-8", "surrogateescape")
        sys.stdout.buffer.write(data)
        written += len(data)
    sys.stdout.buffer.flush()
    tell(
        bytes=written,
        run_s=time.monotonic() - started,
        expectation=_expectation(tracer, model, pixels).as_json(),
        previous=_previous(model, pixels),
        phi_mode=_phi_mode(model),
        quirks=sorted(setup.experiment.quirks),
    )


def _texts(tracer: Tracer, pixels: Sequence[tuple[int, int]], head: Sequence[str]) -> Iterator[str]:
    yield from head
    yield from (line.text for line in tracer.run_lines())
    for slow, fast in pixels:
        yield from (line.text for line in tracer.pixel_lines(slow, fast))


def _device(name: str, precision: str, threads: int | None) -> tuple[torch.device, torch.dtype, dict[str, Any]]:
    """The device and the precision, used once to see that they work."""
    try:
        import torch
    except ImportError as error:
        raise UsageError(f"PyTorch can't be imported ({error})", expected="pip install 'braggtrace[torch]'") from error

    from braggtrace.simulate.device import device_named, dtype_named

    if threads is not None:
        torch.set_num_threads(max(1, threads))
    dtype, device = dtype_named(precision), device_named(name)
    try:
        float((torch.ones(2, device=device, dtype=dtype) * 2).sum())
    except (RuntimeError, TypeError, NotImplementedError) as error:
        what = str(error).partition("\n")[0]
        raise UsageError(f"{precision} on {name} does not work ({what})") from error
    about: dict[str, Any] = {"device": str(device), "dtype": precision, "threads": torch.get_num_threads()}
    if device.type == "cuda":
        card = torch.cuda.get_device_properties(device)
        about["gpu"] = {
            "name": card.name,
            "memory_bytes": card.total_memory,
            "capability": f"{card.major}.{card.minor}",
            "processors": card.multi_processor_count,
            "cuda": torch.version.cuda,
        }
    return device, dtype, about


def _model(asked: dict[str, Any], tell: Tell) -> tuple[Setup, Model]:
    from braggtrace.simulate.resolve import resolve
    from braggtrace.simulate.setup import check_strict
    from braggtrace.simulate.understand import Meaning, understand

    names = ("profile", "phi_mode", "switches", "build", "c_threads", "mtz_column")
    meaning = Meaning(**{name: asked[name] for name in names})
    setup = understand(asked["flags"], meaning, folder=Path(asked["folder"]))
    tell(step="flags and input files read", warnings=list(setup.warnings))
    if asked["strict"]:
        check_strict(setup)
    model = resolve(setup.experiment)
    tell(step="experiment resolved", warnings=list(model.notes))
    return setup, model


def _head(asked: dict[str, Any], model: Model) -> list[str]:
    """What made the trace, as comments on top of it."""
    from braggtrace.runs.recorded import Recorded, comment_lines

    switched = {name: state == "on" for name, _, state in (word.partition("=") for word in asked["switches"])}
    more = {name: str(asked[name]) for name in ("build", "c_threads", "mtz_column") if asked[name] is not None}
    return comment_lines(
        Recorded(
            tuple(asked["flags"]),
            folder=asked["folder"],
            profile=asked["profile"],
            phi_mode=_phi_mode(model),
            quirks=switched,
            dtype=asked["dtype"],
            device=asked["device"],
            more=more,
        )
    )


def _refuse_outside(model: Model, pixels: Sequence[tuple[int, int]]) -> None:
    """Before any work, not after half of it."""
    rows, columns = model.shape
    for slow, fast in pixels:
        if not (0 <= slow < rows and 0 <= fast < columns):
            expected = f"slow 0-{rows - 1}, fast 0-{columns - 1}"
            raise UsageError("no such pixel", expected=expected, got=f"{slow} {fast}")


def _phi_mode(model: Model) -> str:
    from braggtrace.simulate.quirks import STALE_PHI_ZERO

    return "c-parity" if STALE_PHI_ZERO in model.quirks else "spec"


def _expectation(tracer: Tracer, model: Model, pixels: Sequence[tuple[int, int]]) -> Expectation:
    from braggtrace.simulate.trace_names import FIRST_SAMPLE, ROTATED, RUN

    loops, values = model.loops, model.values
    has_range = {"hkl_range"} if model.table is not None else set()
    return Expectation(
        tag=tracer.tag,
        run_names=tuple(name for name in RUN if name in {*values, *has_range}),
        sources=len(loops.source_lambda_m),
        domains=int(values["mosaic_domains"]),
        pixels=tuple((slow, fast, model.is_rendered(slow, fast)) for slow, fast in pixels),
        samples=loops.samples,
        iterations=loops.iterations,
        cut=bool(values["dmin_angstroms"] > 0),
        sample_names=FIRST_SAMPLE,
        iteration_names=(*ROTATED, "hkl_frac", "hkl_rounded", *tracer.factors, *_ITERATION_NAMES),
        optional_names=("F_cell",),
        pixel_names=_PIXEL_NAMES,
        rot_stars=len(loops.phi_rad) if tracer.rot_stars else 0,
        tricubic=4**3 + 2 + 3,
    )


def _previous(model: Model, pixels: Sequence[tuple[int, int]]) -> list[Any]:
    """For each rendered pixel, the one that its thread renders just before."""
    import numpy as np

    from braggtrace.simulate.counts import thread_rows

    if model.values["dmin_angstroms"] > 0:  # pixels beyond the limit are passed over
        return []
    columns = model.shape[1]
    out: list[Any] = []
    for rows in thread_rows(model.shape[0], model.threads):
        here = [(slow, fast) for slow, fast in pixels if slow in rows and model.is_rendered(slow, fast)]
        places = model.rendered(rows) if here else np.empty(0, dtype=np.int64)
        for slow, fast in here:
            at = int(np.searchsorted(places, slow * columns + fast))
            before = None if at == 0 else divmod(int(places[at - 1]), columns)
            out.append([[slow, fast], before])
    return out


if __name__ == "__main__":
    sys.exit(main())
