"""The reference of a probe: copied into the bundle, or taken fresh from a C program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from braggtrace.bundles import names
from braggtrace.bundles.request import ProbeRequest
from braggtrace.bundles.source import side_texts
from braggtrace.bundles.workspace import Workspace
from braggtrace.errors import BundleError
from braggtrace.trace.text import visible

__all__ = ["Reference", "capture_reference", "copy_reference"]


@dataclass(frozen=True, slots=True)
class Reference:
    """The files of the reference.

    Attributes:
        origins: where each file came from, by the name it is stored under, in reading order.
        warnings: what a person should know about it.
    """

    origins: dict[str, str]
    warnings: tuple[str, ...] = ()


def copy_reference(request: ProbeRequest, space: Workspace) -> Reference:
    """Copy the files that the request names.

    Raises:
        TraceReadError: one can't be read.
    """
    texts = side_texts(*request.reference)
    origins = {}
    for number, (origin, text) in enumerate(texts, 1):
        name = _name(number, len(texts), origin, text)
        origins[space.write(name, text, compressible=True)] = origin
    return Reference(origins)


def _name(number: int, count: int, origin: str, text: bytes) -> str:
    """`trace_c.log`, then `trace_c_per_phi.log` beside a single main file, else `trace_c_2.log`, …"""
    suffix = ".json" if text.lstrip()[:1] in (b"{", b"[") else ".log"
    if number == 1:
        return f"trace_c{suffix}"
    inner = count == 2 and "per_phi" in Path(origin).name
    return f"trace_c_{'per_phi' if inner else number}{suffix}"


def capture_reference(request: ProbeRequest, space: Workspace, say: Callable[[str], None]) -> Reference:
    """Run the C program of the request; its talk is kept beside its trace.

    Raises:
        BundleError: it gave no trace, or not all of it; what it gave is kept.
        BraggtraceError: it can't be run.
    """
    from braggtrace.capture import capture

    asked = request.capture
    assert asked is not None  # the only caller looks
    say(f"running {asked.program}")
    result = capture(asked, tell=say)
    origins = {}
    for name, text in (("trace_c.log", result.main_text), ("trace_c_per_phi.log", result.per_phi_text)):
        if text:
            stored = space.write(name, text.encode("utf-8", "surrogateescape"), compressible=True)
            origins[stored] = f"{asked.program} ({result.mode})"
    space.write(names.CAPTURE, "".join(f"{visible(line)}\n" for line in result.log))
    if result.failure or not origins:
        raise BundleError(f"{asked.program}: {result.failure or 'it gave no trace'}")
    say(f"captured by {'its own tracing' if result.mode == 'self' else result.mode}")
    return Reference(origins, tuple(f"the C program gave no {missing}" for missing in result.missing))
