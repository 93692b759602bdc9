"""Whether a captured trace holds what it has to: fewer lines than the configuration implies are no evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from braggtrace.bundles.lines import (
    Expectation,
    Found,
    compare_counts,
    count_lines,
    find_problems,
    tag_of,
    total_kinds,
)
from braggtrace.bundles.places import Json
from braggtrace.bundles.request import ProbeRequest
from braggtrace.bundles.words import tag_lines
from braggtrace.errors import BundleError

__all__ = ["Complete", "check_trace"]

Pixel = tuple[int, int]

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Complete:
    """A trace that is complete.

    Attributes:
        lines: how many lines of each kind are expected and there.
        pixels: which it is about; () if that is to be seen in the trace.
        said: the same in words.
        warnings: what a person should know about it.
    """

    lines: Json
    pixels: tuple[Pixel, ...]
    said: str
    warnings: tuple[str, ...] = ()


def check_trace(request: ProbeRequest, expected: Expectation | None, texts: Mapping[str, bytes]) -> Complete:
    """Check the lines of a trace.

    Args:
        request: which pixels were asked for.
        expected: what the configuration implies; None for a trace of unknown origin.
        texts: its files by name, the main one first.

    Raises:
        BundleError: something is missing or too much; the message says what.
    """
    found = count_lines(list(texts.values()))
    if expected is None:
        return _check_given(request, found, tag_of(texts.values()))
    lines = compare_counts(expected, found)
    problems = find_problems(expected, found)
    problems += [
        f"there are {entry['found']:,} {tag} lines, {entry['expected']:,} are implied"
        for tag, entry in lines.items()
        if entry["found"] != entry["expected"]
    ]
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise BundleError(f"the trace is not complete: {'; '.join(problems[:_SHOWN])}{more}")
    dark = sum(not rendered for *_, rendered in expected.pixels)
    warnings = [f"{dark} of {len(expected.pixels)} pixels are not rendered: masked or outside -roi"] if dark else []
    pixels = tuple((slow, fast) for slow, fast, _ in expected.pixels)
    return Complete(lines, pixels, f"{tag_lines(lines)}, as many as the configuration implies", tuple(warnings))


def _check_given(request: ProbeRequest, found: Mapping[Pixel | None, Found], tag: str) -> Complete:
    """Of a trace of unknown origin only the pixels can be asked for."""
    asked = set(request.pixels)
    asked |= {(s, f) for a, b, c, d in request.boxes for s in range(a, b + 1) for f in range(c, d + 1)}
    there = {pixel for pixel in found if pixel is not None}
    missing = sorted(asked - there)
    if missing and not (len(asked) == 1 and not there):  # a trace of one pixel may not name it
        shown = ", ".join(f"{slow} {fast}" for slow, fast in missing[:_SHOWN])
        raise BundleError(f"the trace lacks {len(missing)} of {len(asked)} pixels: {shown}")
    counts = total_kinds(found)
    lines = {tag + (f"_{kind}" if kind else ""): {"expected": None, "found": counts[kind]} for kind in sorted(counts)}
    said = tag_lines(lines) if lines else "no lines of the text format; the comparison says what can be read"
    return Complete(lines, tuple(sorted(asked or there)), said)
