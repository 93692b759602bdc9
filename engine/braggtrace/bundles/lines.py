"""The lines of a trace: which are there, which should be, and which belong to the inner loops."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = [
    "Expectation",
    "Found",
    "compare_counts",
    "count_lines",
    "find_problems",
    "has_inner_lines",
    "split_lines",
    "tag_of",
    "total_kinds",
]

_LINE = re.compile(r"(TRACE_[A-Z]+)(?:_([A-Z0-9]+)[A-Z0-9_]*)?(?=[:\s]|$)")
_FRAME = re.compile(r"TRACE_[A-Z]+: pixel\s+(-?\d+)\s+(-?\d+)\s*$")
_CONFIG = re.compile(r"TRACE_CONFIG\b.*pixel \(spixel=(-?\d+),\s*fpixel=(-?\d+)\)")
_INNER = re.compile(rb"TRACE_[A-Z]+_PHI\b")
_ANY_INNER = re.compile(rb"^TRACE_[A-Z]+_PHI\b", re.MULTILINE)
_COMMENT = b"# braggtrace "
"""Starts a line about what made the trace; it stands on top of both files."""
_ANY_TAG = re.compile(rb"^(TRACE_(?!CONFIG)[A-Z]+)(?=[:\s_])", re.MULTILINE)
_SHOWN = 5

Pixel = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the configuration says that a trace holds.

    Attributes:
        tag: how its lines start, `TRACE_PY`.
        run_names: named values of the whole run.
        sources: lines of the sources.
        domains: lines of the mosaic domains.
        pixels: every pixel asked for, (slow, fast), and whether the simulation renders it.
        samples: layers × subpixels × sources of a pixel.
        iterations: phi steps × mosaic domains of a sample.
        cut: a resolution limit may leave out samples.
        sample_names: values of the first sample.
        iteration_names: values of the first iteration.
        optional_names: of these, what a step that is skipped lacks.
        pixel_names: values at the end of the pixel.
        rot_stars: lines of rotated vectors of a pixel.
        tricubic: lines about the neighbourhood in the table of a pixel.
    """

    tag: str
    run_names: tuple[str, ...]
    sources: int
    domains: int
    pixels: tuple[tuple[int, int, bool], ...]
    samples: int
    iterations: int
    cut: bool
    sample_names: tuple[str, ...]
    iteration_names: tuple[str, ...]
    optional_names: tuple[str, ...]
    pixel_names: tuple[str, ...]
    rot_stars: int
    tricubic: int

    def as_json(self) -> dict[str, Any]:
        """Plain data, for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Expectation:
        """The other way round."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
        }
        values["pixels"] = tuple((int(slow), int(fast), bool(rendered)) for slow, fast, rendered in data["pixels"])
        return cls(**values)


@dataclass(slots=True)
class Found:
    """The lines of one frame, or of the whole run.

    Attributes:
        kinds: how many lines of each kind: "" for named values, "PHI", "SUBPIXEL", …
        names: how often each named value stands there.
        frames: how often the frame starts.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)
    frames: int = 0


def split_lines(raw: bytes) -> tuple[bytes, bytes]:
    """The main lines of a trace, and those of its inner loops with the frames they belong to."""
    main, inner = [], []
    for line in raw.splitlines(keepends=True):
        if _INNER.match(line):
            inner.append(line)
            continue
        main.append(line)
        if line.startswith(_COMMENT) or _frame(line.decode("utf-8", "replace")):
            inner.append(line)
    return b"".join(main), b"".join(inner)


def has_inner_lines(raw: bytes) -> bool:
    """Whether a trace holds lines of its inner loops."""
    return _ANY_INNER.search(raw) is not None


def tag_of(texts: Iterable[bytes]) -> str:
    """How the lines of a trace start: `TRACE_PY`; `TRACE` where it has no such lines."""
    found = (_ANY_TAG.search(text) for text in texts)
    return next((match[1].decode() for match in found if match is not None), "TRACE")


def _frame(line: str) -> Pixel | None:
    match = _FRAME.match(line) or _CONFIG.match(line)
    return None if match is None else (int(match[1]), int(match[2]))


def count_lines(texts: Iterable[bytes]) -> dict[Pixel | None, Found]:
    """The lines of every frame, by pixel; None for what belongs to the whole run.

    Args:
        texts: the main file, then the one for the inner loops, which repeats the frames.
    """
    found: dict[Pixel | None, Found] = {None: Found()}
    for number, text in enumerate(texts):
        here = found[None]
        for line in text.decode("utf-8", "replace").splitlines():
            pixel = _frame(line)
            if pixel is not None:
                here = found.setdefault(pixel, Found())
            match = _LINE.match(line)
            if match is None or (pixel is not None and number):
                continue
            here.frames += pixel is not None
            here.kinds[match[2] or ""] += 1
            if match[2] is None and pixel is None:
                words = line[match.end() + 1 :].split(maxsplit=1)
                here.names[words[0] if words else ""] += 1
    return found


def compare_counts(expected: Expectation, found: Mapping[Pixel | None, Found]) -> dict[str, dict[str, int]]:
    """How many lines of each kind the configuration implies, and how many are there.

    Where a limit leaves samples out, and where a step is skipped, what follows from the lines that are there is
    expected.
    """
    run = len(expected.run_names)
    counts = {
        "": run,
        "SOURCE": expected.sources,
        "MOSAIC": expected.domains,
        **dict.fromkeys(("SUBPIXEL", "PHI", "TRICUBIC", "ROTSTAR"), 0),
    }
    for slow, fast, rendered in expected.pixels:
        here = found.get((slow, fast), Found())
        if not rendered:
            counts[""] += 2
            continue
        samples = here.kinds["SUBPIXEL"] if expected.cut else expected.samples
        counts["SUBPIXEL"] += samples
        counts["PHI"] += samples * expected.iterations
        counts["TRICUBIC"] += expected.tricubic * bool(samples)
        counts["ROTSTAR"] += expected.rot_stars
        counts[""] += 1 + len(_wanted(expected, samples)) + sum(here.names[name] for name in expected.optional_names)
    there = total_kinds(found)
    tags = {kind: expected.tag + (f"_{kind}" if kind else "") for kind in counts}
    return {
        tags[kind]: {"expected": number, "found": there[kind]}
        for kind, number in counts.items()
        if number or there[kind]
    }


def _wanted(expected: Expectation, samples: int) -> list[str]:
    """The names that a rendered pixel has to have; a name that stands there twice is there twice."""
    names = [*expected.sample_names, *expected.pixel_names]
    if samples:
        names += [name for name in expected.iteration_names if name not in expected.optional_names]
    return names


def total_kinds(found: Mapping[Pixel | None, Found]) -> Counter[str]:
    """How many lines of each kind a trace has in all."""
    total: Counter[str] = Counter()
    for frame in found.values():
        total.update(frame.kinds)
    return total


def find_problems(expected: Expectation, found: Mapping[Pixel | None, Found]) -> list[str]:
    """What is missing from a trace or too much in it, as sentences; none where all is as it should be."""
    problems = [f"the run lacks {name}" for name in expected.run_names if not found[None].names[name]]
    for kind, number in (("SOURCE", expected.sources), ("MOSAIC", expected.domains)):
        problems += _differs(f"the run has {{}} {expected.tag}_{kind} lines", found[None].kinds[kind], number)
    asked = {(slow, fast) for slow, fast, _ in expected.pixels}
    problems += [f"pixel {p[0]} {p[1]} was not asked for" for p in found if p is not None and p not in asked]
    for slow, fast, rendered in expected.pixels:
        problems += _pixel_problems(expected, f"pixel {slow} {fast}", found.get((slow, fast)), rendered)
    if not any(rendered for *_, rendered in expected.pixels):
        problems.append("none of the pixels is rendered: all are masked or outside the -roi of the flags")
    return problems


def _pixel_problems(expected: Expectation, pixel: str, here: Found | None, rendered: bool) -> list[str]:
    if here is None:
        return [f"{pixel} is missing"]
    problems = _differs(f"{pixel} starts {{}} times", here.frames, 1)
    if not rendered:
        return problems
    samples = here.kinds["SUBPIXEL"]
    if not expected.cut:
        problems += _differs(f"{pixel} has {{}} {expected.tag}_SUBPIXEL lines", samples, expected.samples)
        samples = expected.samples
    phi = samples * expected.iterations
    problems += _differs(f"{pixel} has {{}} {expected.tag}_PHI lines", here.kinds["PHI"], phi)
    problems += _differs(f"{pixel} has {{}} {expected.tag}_ROTSTAR lines", here.kinds["ROTSTAR"], expected.rot_stars)
    wanted = Counter(_wanted(expected, samples))
    lacking = [name for name, number in wanted.items() if here.names[name] < number]
    if lacking:
        more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
        problems.append(f"{pixel} lacks {', '.join(lacking[:_SHOWN])}{more}")
    return problems


def _differs(sentence: str, found: int, expected: int) -> list[str]:
    return [] if found == expected else [f"{sentence.format(found)}, expected {expected}"]
