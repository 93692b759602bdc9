"""The candidate's trace, computed in a process of its own: its output is kept as it is, its end hurts nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from braggtrace.bundles.environment import InputFile
from braggtrace.bundles.lines import Expectation, split_lines
from braggtrace.bundles.names import MAIN, PER_PHI, STDERR, STDOUT
from braggtrace.bundles.places import Json
from braggtrace.bundles.request import ProbeRequest
from braggtrace.bundles.source import Captured, Step
from braggtrace.bundles.workspace import Workspace
from braggtrace.errors import BundleError, OutputError, UsageError
from braggtrace.simulate.quirks import choose_quirks
from braggtrace.simulate.scanning import scan_flags
from braggtrace.trace.text import visible

__all__ = ["ComputedTrace"]

_FILES = {"matfile": "-mat", "hklfile": "-hkl", "sourcefile": "-sourcefile", "mask": "-mask", "img": "-img"}
_LONGEST_MESSAGE = 2000


class ComputedTrace:
    """A fresh trace of the experiment that the request describes."""

    def check(self, request: ProbeRequest) -> None:
        """There have to be pixels, and quirks that exist."""
        if not request.pixels and not request.boxes:
            raise UsageError("no pixel is given", expected="--pixel S F or --roi S0 S1 F0 F1")
        asked = request.experiment
        choose_quirks(asked.profile, asked.switches, asked.phi_mode)

    def inputs(self, request: ProbeRequest) -> list[InputFile]:
        """The files that the flags name."""
        asked = request.experiment
        scan = scan_flags(asked.flags, choose_quirks(asked.profile, asked.switches, asked.phi_mode))
        given = {flag: str(scan.values[name]) for name, flag in _FILES.items() if name in scan.values}
        return [InputFile(flag, name, asked.folder / name) for flag, name in given.items()]

    def take(self, request: ProbeRequest, space: Workspace, step: Step) -> Captured:
        """Compute it.

        Raises:
            BundleError: it failed; the message is that process's.
        """
        return _compute(request, space, step)


def _compute(request: ProbeRequest, space: Workspace, step: Step) -> Captured:
    """Compute the trace in a process of its own, whose output is kept as it is.

    Raises:
        BundleError: it failed; the message is that process's.
    """
    command = [sys.executable, "-P", "-m", "braggtrace.bundles.harness"]
    started = space.clock.monotonic()
    facts: Json = {"warnings": []}
    with (space.folder / STDOUT).open("xb") as out, (space.folder / STDERR).open("xb") as err:
        reader, writer = os.pipe()
        try:
            child = subprocess.Popen(
                [*command, str(writer)], stdin=subprocess.PIPE, stdout=out, stderr=err, pass_fds=[writer]
            )
        except OSError as error:
            os.close(reader)
            raise BundleError("can't start a process to compute in", got=error.strerror or str(error)) from error
        finally:
            os.close(writer)
        try:
            _feed(child, request)
            with os.fdopen(reader, "rb") as lines:
                for line in lines:
                    _take(json.loads(line), facts, step)
            code = child.wait()
        finally:
            child.kill()
            child.wait()
            assert child.stdin is not None  # asked for above
            child.stdin.close()
    return _captured(space, facts, code, space.clock.monotonic() - started)


def _feed(child: subprocess.Popen[bytes], request: ProbeRequest) -> None:
    """Send the request; the pipe stays open, and its end tells the child that we are gone."""
    asked = asdict(request.experiment) | {"folder": str(request.experiment.folder.absolute())}
    message = {"experiment": asked, "pixels": request.pixels, "boxes": request.boxes}
    assert child.stdin is not None  # asked for

    def send() -> None:
        try:
            assert child.stdin is not None
            child.stdin.write(json.dumps(message).encode() + b"\n")
            child.stdin.flush()
        except OSError:
            pass  # it died; its exit status says so

    threading.Thread(target=send, daemon=True).start()


def _take(fact: Mapping[str, Any], facts: Json, step: Step) -> None:
    if "step" in fact:
        step(fact["step"])
    facts["warnings"] += fact.get("warnings", [])
    facts.update({key: value for key, value in fact.items() if key not in ("step", "warnings")})


def _captured(space: Workspace, facts: Json, code: int, seconds: float) -> Captured:
    talk = (space.folder / STDERR).read_bytes()
    if not talk:
        (space.folder / STDERR).unlink()
    said = [visible(line) for line in talk.decode("utf-8", "replace").splitlines() if line.strip()]
    if "error" in facts:
        raise BundleError(facts["error"])
    if code or "expectation" not in facts:
        how = f"signal {-code}" if code < 0 else f"exit status {code}"
        last = visible(said[-1])[:_LONGEST_MESSAGE] if said else "it said nothing"
        raise BundleError(f"the process that computes the trace ended with {how}", got=last)
    raw = (space.folder / STDOUT).read_bytes()
    main, per_phi = split_lines(raw)
    if len(raw) != facts["bytes"]:
        raise OutputError(f"has {len(raw)} bytes, but {facts['bytes']} were written", path=space.folder / STDOUT)
    names = space.write(MAIN, main, compressible=True), space.write(PER_PHI, per_phi, compressible=True)
    space.compress(STDOUT)
    return Captured(
        *names,
        warnings=(*map(visible, facts["warnings"]), *said),
        facts=facts["about"],
        expectation=Expectation.from_json(facts["expectation"]),
        previous={(p[0], p[1]): None if before is None else (before[0], before[1]) for p, before in facts["previous"]},
        phi_mode=facts["phi_mode"],
        seconds=seconds,
    )
