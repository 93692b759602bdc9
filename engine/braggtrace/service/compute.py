"""The functions that answer requests with torch: what is there, what flags mean, traces and images."""

from __future__ import annotations

import dataclasses
import time
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from braggtrace.errors import EngineError, UsageError
from braggtrace.runs.recorded import comment_lines
from braggtrace.service.protocol import PIECE, Code
from braggtrace.service.verbs import Task
from braggtrace.service.warm import meaning_of
from braggtrace.simulate.device import DTYPES, device_named, devices, dtype_named
from braggtrace.simulate.explain import explained, explanation
from braggtrace.simulate.image import render
from braggtrace.simulate.kernels import compiler
from braggtrace.simulate.levels import Roi, image_statistics
from braggtrace.simulate.model import Model
from braggtrace.simulate.quirks import PROFILES, QUIRKS
from braggtrace.simulate.setup import input_files
from braggtrace.simulate.tracefile import recorded_run, trace_pieces
from braggtrace.simulate.tracer import selected_pixels

__all__ = ["explain", "inputs", "machine", "simulate", "trace"]

_MOST_TRACED = 200_000
_MOST_IMAGE_PIXELS = 1 << 28


def machine() -> dict[str, Any]:
    """What `hello` says about torch and this machine."""
    return {
        "torch": torch.__version__,
        "devices": [dataclasses.asdict(device) for device in devices()],
        "dtypes": list(DTYPES),
        "compiler": compiler(),
        "profiles": [
            {"name": name, "summary": _summary(quirks), "quirks": sorted(quirks)} for name, quirks in PROFILES.items()
        ],
        "quirks": [{"name": each.name, "summary": each.on, "off": each.off} for each in QUIRKS.values()],
        "phi_modes": ["c-parity", "spec"],
    }


def _summary(quirks: frozenset[str]) -> str:
    without = sorted(set(QUIRKS) - quirks)
    if not quirks:
        return "no quirk: the clean physics"
    return "every quirk of the C program" + (f" but {', '.join(without)}" if without else "")


def inputs(task: Task) -> dict[str, Any]:
    """The files that the flags name, as they name them."""
    paths, optional = input_files(task.fields["flags"], meaning_of(task.fields).quirks())
    return {"paths": paths, "optional": optional}


def explain(task: Task) -> dict[str, Any]:
    """Every value of the experiment, and where it came from."""
    prepared = task.warm.prepared(task.fields)
    model = prepared.model
    values = [
        dataclasses.replace(value, origin=prepared.said(value.origin)) for value in explained(prepared.setup, model)
    ]
    return {
        "values": [dataclasses.asdict(value) for value in values],
        "warnings": prepared.warnings,
        "shape": list(model.shape),
        "roi": _region(model),
        "iterations": model.loops.samples * model.loops.iterations,
        "text": explanation(values),
    }


def trace(task: Task) -> dict[str, Any]:
    """Every intermediate value of some pixels, as text: `main`, and `per_phi` for the inner loops."""
    fields = task.fields
    device, dtype = _place(fields)
    start = time.perf_counter()
    prepared = task.warm.prepared(fields)
    pixels = _chosen(fields, prepared.model.shape)
    tracer = prepared.tracer(device, dtype, rot_stars=fields["rot_stars"])
    begun = time.perf_counter()
    texts = {"main": _Text(task, "main"), "per_phi": _Text(task, "per_phi")}
    where = {"folder": fields["folder"] or "", "dtype": fields["dtype"], "device": fields["device"]}
    head = comment_lines(recorded_run(prepared.words, prepared.meaning, prepared.model, **where))
    for count, (main, per_phi) in enumerate(trace_pieces(tracer, pixels, head)):
        texts["main"].add(main)
        texts["per_phi"].add(per_phi)
        task.progress(count, len(pixels), "pixels")
    for text in texts.values():
        text.flush()
    return {
        "pixels": len(pixels),
        "warnings": prepared.warnings,
        "timing": {"setup_s": begun - start, "run_s": time.perf_counter() - begun},
    }


def simulate(task: Task) -> dict[str, Any]:
    """The whole image, as `image`: packed little-endian float32; with what the C program prints about it."""
    fields = task.fields
    device, dtype = _place(fields)
    start = time.perf_counter()
    prepared = task.warm.prepared(fields)
    model = prepared.model
    slow, fast = model.shape
    if slow * fast > _MOST_IMAGE_PIXELS:
        raise EngineError(Code.TOO_BIG, f"an image of {slow} x {fast} pixels; at most {_MOST_IMAGE_PIXELS} go")
    begun = time.perf_counter()
    with torch.inference_mode():
        image = render(
            model,
            device=device,
            dtype=dtype,
            compiled=fields["compile"],
            progress=lambda done, total: task.progress(done, total, "pixels"),
        )
    stored = image.numpy().astype("<f4")
    done = time.perf_counter()
    for piece in _packed(stored):
        task.part("image", piece)
    return {
        "shape": [slow, fast],
        "roi": _region(model),
        "statistics": _statistics(stored, model.roi),
        "warnings": prepared.warnings,
        "timing": {"setup_s": begun - start, "run_s": done - begun},
    }


def _region(model: Model) -> list[int]:
    """What is rendered: slow first, slow last, fast first, fast last, all on the detector."""
    first, last, left, right = model.roi
    return [first, min(last, model.shape[0] - 1), left, min(right, model.shape[1] - 1)]


def _place(fields: Mapping[str, Any]) -> tuple[torch.device, torch.dtype]:
    try:
        return device_named(fields["device"]), dtype_named(fields["dtype"])
    except UsageError as error:
        raise EngineError(Code.DEVICE, str(error)) from error


def _chosen(fields: Mapping[str, Any], shape: tuple[int, int]) -> list[tuple[int, int]]:
    """The pixels to trace, in loop order."""
    boxes = [(first, last, left, right) for first, last, left, right in fields["rois"]]
    for first, last, left, right in boxes:
        if not (0 <= first <= last < shape[0] and 0 <= left <= right < shape[1]):
            raise UsageError(
                "no such region",
                expected=f"slow 0-{shape[0] - 1}, fast 0-{shape[1] - 1}, first before last",
                got=f"{first} {last} {left} {right}",
            )
    count = len(fields["pixels"]) + sum((last - first + 1) * (right - left + 1) for first, last, left, right in boxes)
    if not count:
        raise UsageError("no pixel is given", expected="pixels or rois")
    if count > _MOST_TRACED:
        raise EngineError(Code.TOO_BIG, f"{count} pixels; a trace has at most {_MOST_TRACED}")
    return selected_pixels([(slow, fast) for slow, fast in fields["pixels"]], boxes)


def _packed(image: NDArray[np.float32]) -> Iterator[bytes]:
    """An image, packed, in pieces."""
    packer = zlib.compressobj(level=1)
    rows = max(1, PIECE // max(1, image[0].nbytes))
    held = b""
    for start in range(0, len(image), rows):
        held += packer.compress(image[start : start + rows].tobytes())
        if len(held) >= PIECE:
            yield held
            held = b""
    yield held + packer.flush()


def _statistics(image: NDArray[np.float32], roi: Roi) -> dict[str, Any] | None:
    """What the C program prints about an image; None where a pixel is not finite."""
    if not np.isfinite(image).all():
        return None
    return {**dataclasses.asdict(image_statistics(image, roi)), "sum": float(image.sum(dtype=np.float64))}


class _Text:
    """Collects text and sends it in pieces."""

    def __init__(self, task: Task, name: str) -> None:
        self._task, self._name = task, name
        self._pieces: list[str] = []
        self._size = 0

    def add(self, text: str) -> None:
        self._pieces.append(text)
        self._size += len(text)
        if self._size >= PIECE:
            self.flush()

    def flush(self) -> None:
        self._task.part(self._name, "".join(self._pieces))
        self._pieces, self._size = [], 0
