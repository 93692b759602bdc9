"""A sweep: one request over a small matrix of settings, each result compared with a reference; a row each."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from braggtrace.compare.judge import compare
from braggtrace.compare.model import Comparison
from braggtrace.compare.options import DEFAULT_OPTIONS, Options
from braggtrace.compare.view import component_name, divergence, short_coordinate
from braggtrace.errors import BraggtraceError, UsageError
from braggtrace.runs.requests import RunRequest
from braggtrace.runs.store import RunRecord
from braggtrace.trace.model import Trace
from braggtrace.trace.reader import read_trace

__all__ = ["SweepRow", "Tell", "judge", "sweep", "vary"]

RowStatus: TypeAlias = Literal["AGREES", "DIVERGES", "INCONCLUSIVE", "failed"]
Tell: TypeAlias = Callable[[int, float], None]
"""Called with the index of the combination at work and the fraction of it that is done."""

Run: TypeAlias = Callable[[RunRequest, Callable[[float], None]], RunRecord]
"""Runs a request, tells the fraction that is done, and gives the kept run."""

_MOST_PIXELS = 10_000


@dataclass(frozen=True, slots=True)
class SweepRow:
    """One combination, and how it compares.

    Attributes:
        request: what was run.
        status: the answer of the comparison, or "failed" if there is none.
        run: the name of the kept run, "" if there is none.
        trace: its trace, None if there is none.
        compared: values that were compared.
        diverging: those of them that diverge.
        first: the first divergence: quantity and place; "" if there is none.
        first_reference: its value in the reference, as written.
        first_candidate: its value in the run, as written.
        worst: the largest relative difference of all pairs; nan if there is none.
        seconds: how long the run took.
        sentence: what went wrong.
    """

    request: RunRequest
    status: RowStatus
    run: str = ""
    trace: Path | None = None
    compared: int = 0
    diverging: int = 0
    first: str = ""
    first_reference: str = ""
    first_candidate: str = ""
    worst: float = math.nan
    seconds: float = 0.0
    sentence: str = ""


def vary(
    request: RunRequest,
    *,
    profiles: Sequence[str] = (),
    phi_modes: Sequence[str | None] = (),
    devices: Sequence[str] = (),
    dtypes: Sequence[str] = (),
) -> list[RunRequest]:
    """A request with every combination of settings, the last ones varying fastest; what is empty stays as it is."""
    matrix = {"profile": profiles, "phi_mode": phi_modes, "device": devices, "dtype": dtypes}
    given = {name: list(dict.fromkeys(values)) for name, values in matrix.items() if values}
    return [request.changed(**dict(zip(given, values, strict=True))) for values in itertools.product(*given.values())]


def sweep(
    requests: Iterable[RunRequest],
    run: Run,
    reference: Trace,
    options: Options = DEFAULT_OPTIONS,
    tell: Tell = lambda _index, _fraction: None,
) -> Iterator[SweepRow]:
    """Run each request and compare it; a row as soon as it is known. A run that fails is a row, too.

    Args:
        requests: traces to run, from `vary`.
        run: runs one, such as `run_now` of an engine and a store.
        reference: what they are compared with.
        options: how they are compared; without pixels, only those that are traced are.
        tell: gets progress.

    Raises:
        UsageError: a request is for no trace.
        BraggtraceError: the options don't fit the reference.
    """
    for index, request in enumerate(requests):
        if request.kind == "simulate":
            raise UsageError("a sweep compares traces", expected="pixels", got="an image")
        tell(index, 0.0)
        try:
            record = run(request, lambda fraction, index=index: tell(index, fraction))  # type: ignore[misc]
        except BraggtraceError as error:
            yield SweepRow(request, "failed", sentence=str(error))
            continue
        yield judge(record, request, reference, options)


def judge(record: RunRecord, request: RunRequest, reference: Trace, options: Options = DEFAULT_OPTIONS) -> SweepRow:
    """How a kept run compares with a reference.

    Raises:
        BraggtraceError: the options don't fit the traces.
    """
    seconds = record.seconds or 0.0
    if record.trace is None:
        return SweepRow(
            request, "failed", record.name, seconds=seconds, sentence=record.sentence or "it wrote no trace"
        )
    comparison = compare(reference, read_trace(record.trace), _fitting(options, request))
    known = SweepRow(
        request,
        comparison.status.value,
        record.name,
        record.trace,
        compared=comparison.counts.compared,
        diverging=comparison.counts.diverge,
        seconds=seconds,
        sentence="; ".join(comparison.notes) if comparison.status.value == "INCONCLUSIVE" else "",
    )
    return _with_first(known, comparison)


def _fitting(options: Options, request: RunRequest) -> Options:
    """Compare only what was asked for: the reference may hold many more pixels."""
    boxes = ((range(s0, s1 + 1), range(f0, f1 + 1)) for s0, s1, f0, f1 in request.rois)
    if options.pixels or sum((s1 - s0 + 1) * (f1 - f0 + 1) for s0, s1, f0, f1 in request.rois) > _MOST_PIXELS:
        return options
    pixels = [*request.pixels, *(pixel for box in boxes for pixel in itertools.product(*box))]
    return replace(options, pixels=tuple(dict.fromkeys(pixels)))


def _with_first(row: SweepRow, comparison: Comparison) -> SweepRow:
    worst = math.nan
    if comparison.worst is not None:
        worst = float(comparison.pairings[comparison.worst[0]].rel[comparison.worst[1]])
    if comparison.first is None:
        return replace(row, worst=worst)
    index, at = comparison.first
    pairing = comparison.pairings[index]
    pair = divergence(comparison, index, at)
    width = max(len(pair.reference), len(pair.candidate))
    name = pairing.name + (f".{component_name(pair.component, width)}" if width > 1 else "")
    return replace(
        row,
        worst=worst,
        first=f"{name}  {short_coordinate(comparison, pairing, at)}",
        first_reference=pair.reference[pair.component].text if pair.reference else "",
        first_candidate=pair.candidate[pair.component].text if pair.candidate else "",
    )
