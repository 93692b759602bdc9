"""Where the candidate's trace comes from. This module takes files that are there; `compute` starts a process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from braggtrace.bundles.environment import InputFile
from braggtrace.bundles.lines import Expectation, has_inner_lines, split_lines
from braggtrace.bundles.names import MAIN, PER_PHI, STDOUT
from braggtrace.bundles.places import Json
from braggtrace.bundles.request import ProbeRequest
from braggtrace.bundles.workspace import Workspace
from braggtrace.errors import TraceReadError, UsageError
from braggtrace.trace.reader import files_of, sibling_of
from braggtrace.trace.source import open_source
from braggtrace.trace.text import visible

__all__ = ["Captured", "GivenTrace", "Step", "TraceSource", "read_text", "side_texts"]

Step: TypeAlias = Callable[[str], None]
"""Told what is being done."""


@dataclass(frozen=True, slots=True)
class Captured:
    """A trace in the workspace, and what is known about it.

    Attributes:
        main: the name of the main file there.
        per_phi: the name of the file of the inner loops, "" if there is none.
        warnings: what was said while it was made.
        facts: what the process that made it says about itself: versions, device, …
        expectation: what it has to hold; None for a trace of unknown origin.
        previous: for each pixel the one that the simulation does just before: [slow, fast], None for the first one of
            a thread. A pixel of which it isn't known is absent.
        phi_mode: c-parity or spec, "" if not known.
        seconds: how long it took.
    """

    main: str
    per_phi: str
    warnings: tuple[str, ...] = ()
    facts: Json = field(default_factory=dict)
    expectation: Expectation | None = None
    previous: Mapping[tuple[int, int], tuple[int, int] | None] = field(default_factory=dict)
    phi_mode: str = ""
    seconds: float = 0.0


class TraceSource(Protocol):
    """Puts a trace into a workspace."""

    def check(self, request: ProbeRequest) -> None:
        """Complain about what is wrong with the request itself, before anything is made.

        Raises:
            BraggtraceError: it makes no sense.
        """

    def inputs(self, request: ProbeRequest) -> list[InputFile]:
        """The files that it is going to read.

        Raises:
            BraggtraceError: the request can't be understood.
        """

    def take(self, request: ProbeRequest, space: Workspace, step: Step) -> Captured:
        """Make or take the trace that a probe is about.

        Args:
            request: the probe.
            space: where files go.
            step: to be told what is being done.

        Raises:
            BraggtraceError: there is no trace.
        """


class GivenTrace:
    """A trace that is there already, with the per-phi file beside it."""

    def check(self, request: ProbeRequest) -> None:
        """It has to be named."""
        if not request.candidate:
            raise UsageError("no trace is named", expected="--candidate FILE")

    def inputs(self, request: ProbeRequest) -> list[InputFile]:
        """Its files."""
        return [InputFile("candidate", name, Path(name)) for name in files_of(request.candidate) if name != "-"]

    def take(self, request: ProbeRequest, space: Workspace, step: Step) -> Captured:
        """Copy it.

        Raises:
            TraceReadError: it can't be read.
        """
        step(f"taking {request.candidate}")
        started = space.clock.monotonic()
        texts = side_texts(request.candidate)
        space.write(STDOUT, b"".join(text for _, text in texts), compressible=True)
        name = PER_PHI
        if len(texts) == 1:
            main, per_phi = split_lines(texts[0][1])
        else:
            (_, main), (sibling, per_phi) = texts
            name = PER_PHI.replace(".log", ".json") if ".json" in Path(sibling).suffixes else PER_PHI
        names = space.write(MAIN, main, compressible=True), space.write(name, per_phi, compressible=True)
        return Captured(*names, facts={"trace": "given"}, seconds=space.clock.monotonic() - started)


def side_texts(path: str) -> list[tuple[str, bytes]]:
    """The files of one side, decompressed: a trace, and the per-phi file beside it if it lacks such lines itself.

    Raises:
        TraceReadError: one can't be read.
    """
    main = read_text(path)
    sibling = None if has_inner_lines(main) else sibling_of(path)
    names = [path] if sibling is None else [path, sibling]
    return list(zip(names, [main, *(read_text(name) for name in names[1:])], strict=True))


def read_text(path: str) -> bytes:
    """The bytes of a trace file, decompressed.

    Raises:
        TraceReadError: it can't be read.
    """
    source = open_source(path)
    try:
        return source.held if source.descriptor is None else Path(path).read_bytes()
    except OSError as error:
        raise TraceReadError(error.strerror or str(error), path=visible(path), expected="a trace file") from error
