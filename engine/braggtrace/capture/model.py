"""What is asked of a capture, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

__all__ = ["Box", "CaptureRequest", "CaptureResult", "Missing", "Pixel"]

Pixel: TypeAlias = tuple[int, int]
"""(slow, fast)."""

Box: TypeAlias = tuple[int, int, int, int]
"""Slow first, slow last, fast first, fast last; inclusive."""


@dataclass(frozen=True, slots=True)
class CaptureRequest:
    """What to capture.

    Attributes:
        program: the C program: a path, or a name to be found on the PATH.
        flags: its flags, as the user has them; `@file` stands for the words in that file.
        pixels: (slow, fast).
        rois: boxes of pixels besides: slow first, slow last, fast first, fast last; inclusive.
        folder: where relative paths start. The program runs elsewhere, and leaves nothing here.
        mode: "self" (the program traces itself), "gdb", or "auto".
        taps: the tap file; the one for nanoBragg if None.
        source: a folder with the program's source, where gdb does not find it by itself.
        threads: OpenMP threads of the program.
        timeout_s: how long the program may run in all [s].
    """

    program: str
    flags: tuple[str, ...]
    pixels: tuple[Pixel, ...] = ()
    rois: tuple[Box, ...] = ()
    folder: Path = Path()
    mode: str = "auto"
    taps: Path | None = None
    source: Path | None = None
    threads: int = 1
    timeout_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Missing:
    """A quantity, or a pixel, that could not be captured.

    Attributes:
        name: of the quantity.
        reason: why, in a few words, with the number of values if only some are missing.
    """

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} ({self.reason})"


@dataclass(frozen=True, slots=True)
class CaptureResult:
    """What was captured.

    Attributes:
        main_text: the trace without its inner loops, in the project's format.
        per_phi_text: the values of the inner loops, in a text of their own.
        mode: "self" or "gdb".
        missing: what could not be had, and why.
        log: what a person should know, a sentence each.
        failure: why the trace is not complete ("" if it is): a crash, a time-out.
    """

    main_text: str
    per_phi_text: str
    mode: str
    missing: tuple[Missing, ...]
    log: tuple[str, ...]
    failure: str = ""
