"""The plain text files of a bundle: the commands to run it again, and the observations."""

from __future__ import annotations

import shlex
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from braggtrace.bundles.environment import Revision
from braggtrace.bundles.places import plainly
from braggtrace.bundles.request import ProbeRequest
from braggtrace.bundles.summary import summary
from braggtrace.bundles.words import count, key_pixel, number, pixel_words, product, tag_lines
from braggtrace.trace.text import visible

__all__ = ["commands_text", "observations_text", "suspicions"]

Metrics = Mapping[str, Any]

_FAR = 3.0
_FAR_S = 1.0
_RATIO = 10.0
_LISTED = 20


def commands_text(request: ProbeRequest, metrics: Metrics, revision: Revision, folder: Path) -> str:
    """`commands.txt`: the command as it was given, and all that it stood for."""
    setup = metrics["configuration"]
    boxes = "; ".join(" ".join(map(str, box)) for box in setup["rois"])
    single = "; ".join(" ".join(map(str, pixel)) for pixel in setup["pixels"])
    rows = [
        ("command", shlex.join(request.command) or "(from the screen)"),
        ("folder", str(folder)),
        ("git revision", str(revision)),
        ("UTC time", metrics["time_utc"]),
        ("ROI (slow, fast)", boxes or "none"),
        ("pixels (slow, fast)", single or ("none" if boxes else pixel_words([p["pixel"] for p in metrics["pixels"]]))),
        ("phi mode", setup["phi_mode"] or "unknown"),
        ("profile", " ".join((setup["profile"] or "unknown", *setup["switches"]))),
        ("dtype", setup["dtype"] or "unknown"),
        ("device", setup["device"] or "unknown"),
        ("rot stars", "emitted" if setup["rot_stars"] else "not asked for"),
        ("flags", shlex.join(setup["flags"]) or "none"),
    ]
    if request.candidate:
        rows.append(("candidate", request.candidate))
    rows += [("reference", path) for path in request.reference]
    rows += [("baseline", request.baseline)] if request.baseline else []
    return "".join(f"{name}: {visible(value)}\n" for name, value in rows)


def observations_text(metrics: Metrics) -> str:
    """`observations.txt`: facts, then the user's note, then what looks suspicious."""
    lines = ["Facts", *(f"- {fact}" for fact in _facts(metrics)), "", "Note"]
    lines += [visible(line) for line in metrics["note"].splitlines()] or ["(none)"]
    found = suspicions(metrics)
    lines += ["", "Suspicious", *(f"- {line}" for line in found or ["nothing"])]
    return "\n".join(lines) + "\n"


def _facts(metrics: Metrics) -> Iterator[str]:
    word, rest = summary(metrics)
    yield f"{word}: {rest}"
    yield tag_lines(metrics["lines"])
    comparison = metrics["comparison"]
    if comparison is not None:
        one_sided = (f"{comparison[f'only_{side}']:,} only in the {side}" for side in ("reference", "candidate"))
        yield f"{count(comparison['compared'], 'value')} compared, {comparison['diverge']:,} diverge"
        yield "values on one side: " + ", ".join(one_sided)
    key = key_pixel(metrics)
    if key is not None:
        yield f"brightest: {_name(key)}, I_pixel_final {number(key['candidate']['I_pixel_final'])}"
        yield f"F_latt of its first phi step: {product(key['candidate'])}"
    flips = [flip for flip in metrics["sign_changes"] if flip["quantity"] == "F_latt"]
    shared = sum(flip["in_reference"] is True for flip in flips)
    yield f"F_latt changes its sign along phi at {count(len(flips), 'place')}, {shared:,} of them as in the reference"
    inherited: dict[str, int] = {}
    for entry in metrics["carryover"]:
        inherited[entry["inherited"]] = inherited.get(entry["inherited"], 0) + 1
    for whose, pixels in inherited.items():
        yield f"the phi step of exactly 0 has the cell vectors of: {whose}, in {count(pixels, 'pixel')}"
    spent = metrics["runtime_s"]
    yield f"runtime: {spent['total']:.3g} s, of which the trace took {spent['trace']:.3g} s"
    yield from (visible(note) for note in metrics["notes"])


def suspicions(metrics: Metrics) -> list[str]:
    """What a careful person would look at twice."""
    return [
        *(f"warning: {visible(warning)}" for warning in metrics["warnings"]),
        *_runtime(metrics),
        *_signs(metrics),
        *_magnitudes(metrics),
    ]


def _runtime(metrics: Metrics) -> Iterator[str]:
    """Far from what the same probe took before."""
    before = [entry["runtime_s"] for entry in metrics["history"] if not entry["differs"]]
    if before:
        usual, now = statistics.median(before), metrics["runtime_s"]["total"]
        if abs(now - usual) > _FAR_S and max(now, usual) > _FAR * min(now, usual):
            yield f"runtime {now:.3g} s, but the same probe took {usual:.3g} s before"


def _signs(metrics: Metrics) -> Iterator[str]:
    for pixel in _first([pixel for pixel in metrics["pixels"] if pixel["sign_differs"]]):
        yield f"{_name(pixel)}: F_latt has the other sign than in the reference"
    flips = [flip for flip in metrics["sign_changes"] if flip["quantity"] == "F_latt" and not flip["in_reference"]]
    for flip in _first(flips):
        alone = "" if flip["in_reference"] is None else ", where that of the reference does not"
        yield f"{_name(flip)}: F_latt changes its sign at phi_tic {flip['phi_tic']}{alone}"
    if len(flips) > _LISTED:
        yield f"… and {len(flips) - _LISTED:,} more sign changes"


def _magnitudes(metrics: Metrics) -> Iterator[str]:
    """Values that are no numbers, all dark pixels, intensities that are far off."""
    names = ("I_before_scaling", "I_pixel_final", "F_latt")
    for pixel in metrics["pixels"]:
        missing = [name for name in names if (pixel["candidate"] or {}).get(name, 0.0) is None]
        if missing and (pixel["candidate"] or {}).get("I_pixel_final") != 0.0:
            yield f"{_name(pixel)}: no finite {', '.join(missing)}"
    finals = [(pixel["candidate"] or {}).get("I_pixel_final") for pixel in metrics["pixels"]]
    if finals and all(value == 0.0 for value in finals):
        yield "every pixel is dark: I_pixel_final is 0"
    far = [pixel for pixel in metrics["pixels"] if _is_far(pixel["intensity_ratio"])]
    for pixel in _first(far):
        yield f"{_name(pixel)}: {number(pixel['intensity_ratio'])} times the reference's intensity"
    first = metrics["first_divergence"]
    if first is not None and first["rel"] is not None and first["rel"] > 1.0:
        yield f"the first divergence has another sign or magnitude: {plainly(first)}"


def _is_far(ratio: float | None) -> bool:
    return ratio is not None and not 1 / _RATIO < ratio < _RATIO


def _first(entries: Sequence[Any]) -> Sequence[Any]:
    return entries[:_LISTED]


def _name(entry: Mapping[str, Any]) -> str:
    return f"pixel {entry['pixel'][0]} {entry['pixel'][1]}"
