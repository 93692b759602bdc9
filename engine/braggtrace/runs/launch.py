"""Runs of an engine, recorded from the first moment on."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

from braggtrace.errors import BraggtraceError, UsageError
from braggtrace.runs.requests import RunRequest
from braggtrace.runs.store import OpenRun, RunRecord, RunStore
from braggtrace.service.client import Engine
from braggtrace.service.protocol import Code, trouble
from braggtrace.service.ticket import Event, Ticket

__all__ = ["launch", "run_now"]


def launch(
    engine: Engine, store: RunStore, request: RunRequest, on_event: Callable[[Event], None], *, slug: str = ""
) -> tuple[OpenRun, Ticket]:
    """Begin a run.

    Args:
        engine: computes it.
        store: keeps it.
        request: what is asked for.
        on_event: gets progress, then the result or an error, on a thread of the engine's; the run is written by then.
        slug: some words for the name of the run's folder.

    Returns:
        The run, and the ticket to cancel it.

    Raises:
        UsageError: it is no run of an engine.
        OutputError: the run can't be kept.
    """
    if request.kind == "c-trace":
        raise UsageError("a C program is not run by the engine", expected="a trace or an image", got=request.kind)
    known: dict[str, Any] = {"engine": {"name": engine.name, "command": shlex.join(engine.command)}}
    if engine.state.hello is not None:
        known["engine"]["hello"] = {
            name: value for name, value in engine.state.hello.items() if name not in ("profiles", "quirks")
        }
    run = store.create(request, slug, known)

    ticket = engine.request(request.kind, request.fields(), on_event, through=lambda event: _recorded(run, event))
    return run, ticket


def run_now(
    engine: Engine, store: RunStore, request: RunRequest, on_event: Callable[[Event], None] = lambda _event: None
) -> RunRecord:
    """Run something and wait for its end.

    Raises:
        EngineError: there is no result; the run is kept and says why.
        BraggtraceError: the run can't be kept.
    """
    run, ticket = launch(engine, store, request, on_event)
    try:
        ticket.wait()
    except KeyboardInterrupt:
        ticket.cancel()
        run.fail("interrupted", cancelled=True)
        raise
    return store.load(run.name)


def _recorded(run: OpenRun, event: Event) -> Event:
    """Write what an event says; the event, or the trouble there was in writing."""
    if event.kind == "error":
        fields = event.fields
        log = "\n".join(text for text in (fields.get("log"), fields.get("detail")) if text)
        run.fail(str(fields["sentence"]), cancelled=fields["code"] == Code.CANCELLED, detail=log)
    if event.kind != "result":
        return event
    try:
        run.finish(event.fields)
    except BraggtraceError as error:
        return Event(event.id, "error", trouble(Code.INTERNAL, f"the run can't be kept: {error}"))
    return event
