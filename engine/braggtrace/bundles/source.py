"""Where the candidate's trace comes from. This module takes files that are there; `compute` starts a process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from braggtrace.runs.recorded import Recorded, recorded_at
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
        recorded: what the trace itself says about how it was made, where it was not made here.
    """

    main: str
    per_phi: str
    warnings: tuple[str, ...] = ()
    facts: Json = field(default_factory=dict)
    expectation: Expectation | None = None
    previous: Mapping[tuple[int, int], tuple[int, int] | None] = field(default_factory=dict)
    phi_mode: str = ""
    seconds: float = 0.0
    recorded: Recorded | None = None


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
        entries = side_texts(request.candidate)
        space.write(STDOUT, _joined([text for _, text in entries]), compressible=True)
        main, per_phi, suffix = _two_files(entries)
        name = PER_PHI.replace(".log", suffix)
        names = space.write(MAIN, main, compressible=True), space.write(name, per_phi, compressible=True)
        seconds = space.clock.monotonic() - started
        return Captured(*names, facts={"trace": "given"}, seconds=seconds, recorded=recorded_at(main))


def _two_files(entries: Sequence[tuple[str, bytes]]) -> tuple[bytes, bytes, str]:
    """Main lines, inner loops, and the suffix of a file of those."""
    texts = [text for _, text in entries]
    if len(texts) == 1:
        return (*split_lines(texts[0]), ".log")
    if len(texts) == 2 and not has_inner_lines(texts[0]) and "per_phi" in Path(entries[1][0]).name:
        return texts[0], texts[1], ".json" if _is_json(texts[1]) else ".log"
    if any(map(_is_json, texts)):
        named = ", ".join(visible(name) for name, text in entries if _is_json(text))
        raise TraceReadError("JSON can't be joined with others", path=named, expected="one main trace beside it")
    return (*split_lines(_joined(texts)), ".log")


def _joined(texts: Sequence[bytes]) -> bytes:
    """Files behind each other; none goes on in the last line of another."""
    ended = [text if text.endswith(b"\n") or not text else text + b"\n" for text in texts[:-1]]
    return b"".join([*ended, *texts[-1:]])


def _is_json(text: bytes) -> bool:
    return text.lstrip()[:1] in (b"{", b"[")


def side_texts(*sides: str) -> list[tuple[str, bytes]]:
    """The files of one side, decompressed; of a single trace also the per-phi file beside it, if it needs one.

    Args:
        sides: what names them, as `trace.reader.files_of` takes it.

    Raises:
        TraceReadError: one can't be read.
    """
    names = [name for side in sides for name in files_of(side)]
    texts = [read_text(name) for name in names]
    if len(names) == 1 and not has_inner_lines(texts[0]):
        sibling = sibling_of(names[0])
        if sibling is not None:
            names, texts = [*names, sibling], [*texts, read_text(sibling)]
    return list(zip(names, texts, strict=True))


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
