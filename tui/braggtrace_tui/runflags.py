"""What the run form starts from: the flags that a trace records, a file of them, or the latest kept run."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from braggtrace.errors import BraggtraceError
from braggtrace_tui.config import Backends
from braggtrace_tui.runplan import RunPlan, more_text

if TYPE_CHECKING:
    from braggtrace.runs.requests import RunRequest
    from braggtrace.trace.model import Trace

__all__ = ["first_plan", "plan_of_file", "plan_of_request", "plan_of_trace"]


def first_plan(
    traces: Iterable[tuple[str, Trace]], backends: Backends, latest: Callable[[], RunRequest | None]
) -> RunPlan:
    """The best that is known about how these traces were made.

    Args:
        traces: the traces by side, the one that is to be replaced first.
        backends: which files hold flags.
        latest: gives the latest kept run.

    Returns:
        A plan without pixels; its flags are "" if nothing is known.
    """
    if backends.args:
        return plan_of_file(backends.args)
    for side, trace in traces:
        plan = plan_of_trace(trace)
        if plan is not None:
            return replace(plan, origin=f"recorded in the {side}")
    if backends.usual_args and Path(backends.usual_args).is_file():
        return plan_of_file(backends.usual_args)
    request = latest()
    if request is not None:
        return replace(plan_of_request(request), pixels="", origin="those of the latest run")
    return RunPlan(folder=str(Path.cwd()))


def plan_of_file(path: str) -> RunPlan:
    """The flags of a file, as words that can be edited; paths in them start where the program was started."""
    from braggtrace.formats.arguments import expand_argument_files

    try:
        words = expand_argument_files([f"@{path}"])
    except BraggtraceError:
        words = [f"@{path}"]  # the engine says what is wrong with it
    return RunPlan(flags=shlex.join(words), folder=str(Path.cwd()), origin=Path(path).name)


def plan_of_trace(trace: Trace) -> RunPlan | None:
    """How a trace was made, None if it does not say so."""
    from braggtrace.runs.recorded import recorded_in

    try:
        recorded = recorded_in(trace)
    except (BraggtraceError, OSError):  # the file has gone
        return None
    if recorded is None:
        return None
    plan = _of_experiment(recorded.experiment())
    return replace(plan, device=recorded.device or plan.device, dtype=recorded.dtype or plan.dtype)


def plan_of_request(request: RunRequest) -> RunPlan:
    """The form of a kept run."""
    words = [" ".join(map(str, each)) for each in (*request.pixels, *request.rois)]
    plan = _of_experiment(request.experiment)
    program = (request.command or "") if request.kind == "c-trace" else ""
    return replace(
        plan,
        pixels=", ".join(words),
        device=request.device,
        dtype=request.dtype,
        program=program,
        image=request.kind == "simulate",
    )


def _of_experiment(experiment: Mapping[str, Any]) -> RunPlan:
    plan = RunPlan(
        flags=shlex.join(experiment.get("flags") or ()),
        folder=experiment.get("folder") or str(Path.cwd()),
        profile=experiment.get("profile") or "legacy",
        phi_mode=experiment.get("phi_mode") or "",
        more=more_text(experiment),
    )
    return _without_idle_phi_mode(plan)


def _without_idle_phi_mode(plan: RunPlan) -> RunPlan:
    """A phi mode that says what the profile says anyway is left to the profile."""
    usual = "spec" if plan.profile in ("spec", "phi-fixed") else "c-parity"
    return replace(plan, phi_mode="") if plan.phi_mode == usual else plan
