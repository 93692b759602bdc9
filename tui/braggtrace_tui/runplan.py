"""What is to be run: the run form's content as a value, its words checked, and the requests made from it. No screen."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from braggtrace.errors import UsageError

__all__ = [
    "Beside",
    "More",
    "Pixels",
    "RunPlan",
    "around",
    "experiment_of",
    "more_text",
    "parse_more",
    "parse_pixels",
    "pixels_text",
]

MOST_PIXELS = 20_000
"""More pixels than this are a picture, not a trace: 200 lines each."""

_PIXELS = "S F, S F ±N or S0 S1 F0 F1, several joined by commas"
_MORE: Mapping[str, str] = {
    "--quirk": "NAME=on|off",
    "--build": "plain|fma",
    "--c-threads": "N",
    "--mtz-column": "NAME",
}


class Beside(StrEnum):
    """Beside which trace the fresh one is shown."""

    REFERENCE = "reference"
    CANDIDATE = "candidate"
    BEFORE = "old candidate"

    @property
    def meaning(self) -> str:
        """What happens, in words."""
        return {
            "REFERENCE": "it replaces the candidate",
            "CANDIDATE": "it replaces the reference",
            "BEFORE": "before and after",
        }[self.name]


@dataclass(frozen=True, slots=True)
class Pixels:
    """Which pixels to trace.

    Attributes:
        pixels: (slow, fast) of single ones.
        rois: (slow first, slow last, fast first, fast last), inclusive.
    """

    pixels: tuple[tuple[int, int], ...] = ()
    rois: tuple[tuple[int, int, int, int], ...] = ()

    @property
    def count(self) -> int:
        """How many; those named twice count twice."""
        return len(self.pixels) + sum((s1 - s0 + 1) * (f1 - f0 + 1) for s0, s1, f0, f1 in self.rois)

    def each(self) -> tuple[tuple[int, int], ...]:
        """Every pixel once, single ones first."""
        boxes = ((s, f) for s0, s1, f0, f1 in self.rois for s in range(s0, s1 + 1) for f in range(f0, f1 + 1))
        return tuple(dict.fromkeys((*self.pixels, *boxes)))

    def inside(self, shape: Sequence[int]) -> str:
        """Why they don't fit on a detector of (slow, fast) pixels, "" if they do."""
        corners = [*self.pixels, *((s1, f1) for _, s1, _, f1 in self.rois)]
        outside = next(((s, f) for s, f in corners if s >= shape[0] or f >= shape[1]), None)
        return "" if outside is None else (
            f"pixel {outside[0]} {outside[1]} is not on the detector of {shape[0]} x {shape[1]} pixels (slow, fast)"
        )  # fmt: skip


def parse_pixels(text: str) -> Pixels:
    """Understand `S F`, `S F ±N` and `S0 S1 F0 F1`, several of them joined by commas.

    Raises:
        UsageError: it is none of these.
    """
    pixels: list[tuple[int, int]] = []
    rois: list[tuple[int, int, int, int]] = []
    for part in text.replace(";", ",").split(","):
        middle, sign, margin = part.replace("+-", "±").replace("+", "±").partition("±")
        words = middle.split()
        if not words and not sign and "," in text:
            continue
        numbers = [_pixel_number(word, text) for word in [*words, *([margin] if sign else [])]]
        if len(words) == 2 and not sign:
            pixels.append((numbers[0], numbers[1]))
        elif len(words) == 2:
            rois.append(around((numbers[0], numbers[1]), numbers[2]))
        elif len(words) == 4 and not sign:
            rois.append((numbers[0], numbers[1], numbers[2], numbers[3]))
        else:
            raise UsageError("no pixels", expected=_PIXELS, got=text.strip() or "nothing")
    chosen = Pixels(tuple(pixels), tuple(rois))
    for first, last, left, right in chosen.rois:
        if first > last or left > right:
            raise UsageError("an empty ROI", expected="S0 ≤ S1 and F0 ≤ F1", got=f"{first} {last} {left} {right}")
    if not chosen.count:
        raise UsageError("no pixels", expected=_PIXELS, got=text.strip() or "nothing")
    if chosen.count > MOST_PIXELS:
        raise UsageError("too many pixels to trace", expected=f"at most {MOST_PIXELS:,}", got=f"{chosen.count:,}")
    return chosen


def _pixel_number(word: str, text: str) -> int:
    if not (word.strip().isascii() and word.strip().isdigit() and len(word.strip()) < 8):
        raise UsageError("no pixels", expected=_PIXELS, got=text.strip())
    return int(word)


def around(pixel: tuple[int, int], margin: int) -> tuple[int, int, int, int]:
    """The ROI of a pixel and `margin` more on every side, cut at 0."""
    slow, fast = pixel
    return max(0, slow - margin), slow + margin, max(0, fast - margin), fast + margin


def pixels_text(pixels: Pixels) -> str:
    """The words that `parse_pixels` understands."""
    return ", ".join(" ".join(map(str, each)) for each in (*pixels.pixels, *pixels.rois))


@dataclass(frozen=True, slots=True)
class RunPlan:
    """A filled-in run form.

    Attributes:
        pixels: as typed.
        flags: nanoBragg's flags as typed, quoted as in a shell.
        folder: where relative paths start.
        origin: where the flags are from, in words.
        device, dtype: where and how precisely to compute.
        phi_mode: "c-parity", "spec", or "" for what the profile says.
        profile: the quirks.
        more: further options as typed: --quirk, --build, --c-threads, --mtz-column.
        beside: which trace the fresh one is shown beside.
        program: the C program to trace instead of computing, "" for none.
        image: compute the whole image instead of a trace.
    """

    pixels: str = ""
    flags: str = ""
    folder: str = ""
    origin: str = ""
    device: str = "cpu"
    dtype: str = "float64"
    phi_mode: str = ""
    profile: str = "legacy"
    more: str = ""
    beside: Beside = Beside.REFERENCE
    program: str = ""
    image: bool = False

    @property
    def words(self) -> list[str]:
        """The flags, split.

        Raises:
            UsageError: a quote is not closed.
        """
        return _split(self.flags, "the flags")

    @property
    def choices(self) -> str:
        """Backend, device, dtype and phi mode in a few words."""
        if self.program:
            return "C program"
        words = [self.device, self.dtype, self.phi_mode, "" if self.profile == "legacy" else self.profile]
        return " ".join(["torch", *filter(None, words)])


def experiment_of(plan: RunPlan) -> dict[str, Any]:
    """The fields that `explain`, `trace` and `simulate` share.

    Raises:
        UsageError: what was typed can't be understood.
    """
    more = parse_more(plan.more)
    return {
        "flags": plan.words,
        "folder": plan.folder or None,
        "profile": plan.profile,
        "phi_mode": plan.phi_mode or None,
        "quirks": more.quirks,
        "build": more.build,
        "c_threads": more.c_threads,
        "mtz_column": more.mtz_column,
    }


@dataclass(frozen=True, slots=True)
class More:
    """The rarer options."""

    quirks: dict[str, bool] = field(default_factory=dict)
    build: str = "plain"
    c_threads: int = 1
    mtz_column: str | None = None


def parse_more(text: str) -> More:
    """Understand `--quirk NAME=on|off --build plain|fma --c-threads N --mtz-column NAME`.

    Raises:
        UsageError: it is something else.
    """
    words = _split(text, "the options")
    quirks: dict[str, bool] = {}
    chosen: dict[str, Any] = {}
    while words:
        name, equals, value = words.pop(0).partition("=")
        if name not in _MORE:
            raise UsageError("unknown option", expected=", ".join(_MORE), got=name)
        if not equals:
            if not words:
                raise UsageError(f"{name} has no value", expected=f"{name} {_MORE[name]}")
            value = words.pop(0)
        if name == "--quirk":
            quirk, _, state = value.partition("=")
            if state not in ("on", "off"):
                raise UsageError(f"{name} is neither on nor off", expected=_MORE[name], got=value)
            quirks[quirk] = state == "on"
        elif name == "--build":
            if value not in ("plain", "fma"):
                raise UsageError("unknown build", expected=_MORE[name], got=value)
            chosen["build"] = value
        elif name == "--c-threads":
            if not value.isdigit() or not 1 <= int(value) <= 4096:
                raise UsageError("no number of threads", expected="1 to 4096", got=value)
            chosen["c_threads"] = int(value)
        else:
            chosen["mtz_column"] = value
    return More(quirks, **chosen)


def more_text(experiment: Mapping[str, Any]) -> str:
    """The words that `parse_more` understands, of what an earlier experiment had."""
    words = [f"--quirk {name}={'on' if on else 'off'}" for name, on in (experiment.get("quirks") or {}).items()]
    if experiment.get("build", "plain") != "plain":
        words.append(f"--build {experiment['build']}")
    if experiment.get("c_threads", 1) != 1:
        words.append(f"--c-threads {experiment['c_threads']}")
    if experiment.get("mtz_column"):
        words.append(f"--mtz-column {shlex.quote(experiment['mtz_column'])}")
    return " ".join(words)


def _split(text: str, what: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{what} can't be split into words", expected=str(error)) from error
