"""Everything that follows from the traces of a bundle: computed once when it is made, and again when it is verified."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from braggtrace.bundles.carryover import carryover, previous_by_roi
from braggtrace.bundles.gates import judge_gates
from braggtrace.bundles.places import Json, change, finite, first_divergence
from braggtrace.bundles.request import Gates, Judging
from braggtrace.bundles.values import SIDES, per_phi_values, pixel_values, sign_changes
from braggtrace.compare.judge import compare
from braggtrace.compare.model import Comparison, Status, Verdict
from braggtrace.compare.options import Options
from braggtrace.compare.view import pixel_totals, sentence
from braggtrace.errors import MapFileError, ToleranceError, TraceReadError
from braggtrace.trace.model import Trace
from braggtrace.trace.reader import read_trace

__all__ = ["Evidence", "Files", "Told", "derive", "gather", "previous_of", "read_as"]

Pixel = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Files:
    """The files of every side; () for a side that there isn't.

    Attributes:
        candidate: main file, then the one of the inner loops.
        reference: likewise, or whatever the user named.
        baseline: likewise.
    """

    candidate: tuple[Path, ...]
    reference: tuple[Path, ...] = ()
    baseline: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The traces of a bundle, compared.

    Attributes:
        traces: by side: candidate, reference, baseline.
        pixels: those that the probe is about.
        against_reference: reference and candidate, None where there is no reference.
        baseline_against_reference: reference and baseline.
        against_baseline: baseline and candidate.
        notes: what a person should know about the comparisons.
    """

    traces: Mapping[str, Trace]
    pixels: tuple[Pixel, ...]
    against_reference: Comparison | None = None
    baseline_against_reference: Comparison | None = None
    against_baseline: Comparison | None = None
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Told:
    """Why a candidate diverges.

    Attributes:
        story: lines of plain text.
        roots: where the divergence originates, as in a report of `braggtrace diff --explain --format json`.
        why_not: why nothing is told, "" if it is.
    """

    story: tuple[str, ...] = ()
    roots: tuple[Json, ...] = ()
    why_not: str = ""


def read_as(paths: Sequence[Path]) -> Trace:
    """A trace of exactly these files, which it calls by their names without folders.

    So what is written about it is the same wherever the bundle lies.

    Raises:
        TraceReadError: a file can't be read.
    """
    trace = read_trace([str(path) for path in paths], siblings=False)
    names = {str(path): path.name for path in paths}
    for source in trace.sources:
        source.name = names[source.name]
    unreadable = tuple(dataclasses.replace(bad, path=names[bad.path]) for bad in trace.unreadable)
    return dataclasses.replace(trace, unreadable=unreadable)


def _named(trace: Trace, pixels: Sequence[Pixel]) -> Trace:
    """A trace of one pixel that doesn't say which is of the one that was asked for."""
    if len(pixels) == 1 and trace.pixels.tolist() == [[-1, -1]]:
        return dataclasses.replace(trace, pixels=np.array(pixels, dtype=np.int32))
    return trace


def gather(files: Files, judging: Judging, pixels: Sequence[Pixel]) -> Evidence:
    """Read every side and compare.

    Args:
        files: of every side.
        judging: how traces are compared.
        pixels: what the probe is about.

    Raises:
        TraceReadError: a trace can't be read, or holds no values.
        BraggtraceError: a tolerance or the map doesn't fit the traces.
    """
    sides = {"candidate": files.candidate, "reference": files.reference, "baseline": files.baseline}
    traces = {side: _named(read_as(paths), pixels) for side, paths in sides.items() if paths}
    for side, trace in traces.items():
        if not trace.columns:
            names = ", ".join(path.name for path in sides[side])
            raise TraceReadError(f"the {side} holds no values that could be read", path=names, expected="a trace")
    options = judging.options(pixels)
    notes: list[str] = []

    def compared(one: str, other: str, *, strict: bool) -> Comparison | None:
        if one not in traces or other not in traces:
            return None
        return _compared(traces[one], traces[other], options, notes, strict=strict)

    return Evidence(
        traces=traces,
        pixels=tuple(pixels),
        against_reference=compared("reference", "candidate", strict=True),
        baseline_against_reference=compared("reference", "baseline", strict=False),
        against_baseline=compared("baseline", "candidate", strict=False),
        notes=tuple(dict.fromkeys(notes)),
    )


def _compared(reference: Trace, candidate: Trace, options: Options, notes: list[str], *, strict: bool) -> Comparison:
    """A comparison. Rules and maps are about reference and candidate; a baseline may lack what they name."""
    try:
        return compare(reference, candidate, options)
    except (ToleranceError, MapFileError) as error:
        if strict:
            raise
        notes.append(f"the baseline is compared by default tolerances and without the map: {error}")
        return compare(reference, candidate, Options(equal_nan=options.equal_nan, pixels=options.pixels))


def derive(evidence: Evidence, previous: Mapping[Pixel, Pixel | None], gates: Gates) -> Json:
    """What the metrics say about the traces, as plain data.

    Args:
        evidence: the traces, compared.
        previous: the pixel that is computed before each one.
        gates: what has to hold.
    """
    main, before, since = evidence.against_reference, evidence.baseline_against_reference, evidence.against_baseline
    first = None if main is None else first_divergence(main, main.first)
    candidate = evidence.traces["candidate"]
    pixels = _pixels(evidence)
    per_phi, omitted = per_phi_values(evidence.traces, pixels)
    document: Json = {
        "status": None if main is None else main.status.value,
        "first_divergence": first,
        "comparison": None if main is None else _comparison(main),
        "against_baseline": None,
        "change": None,
        "pixels": pixels,
        "per_phi": per_phi,
        "per_phi_omitted": omitted,
        "sign_changes": sign_changes(evidence.traces, evidence.pixels),
        "carryover": carryover(candidate, previous, list(evidence.pixels)),
        "gates": judge_gates(gates, main, before, since),
    }
    if since is not None:
        document["against_baseline"] = {
            "status": since.status.value,
            "first_divergence": first_divergence(since, since.first),
            "comparison": _comparison(since),
            "baseline_first_divergence": None if before is None else first_divergence(before, before.first),
        }
    if before is not None and main is not None:
        document["change"] = _change(before, main)
    return document


def _change(before: Comparison, after: Comparison) -> str | None:
    """What became of the first divergence; nothing is said where too little could be compared."""
    if Status.INCONCLUSIVE in (before.status, after.status):
        return None
    return str(change(first_divergence(before, before.first), first_divergence(after, after.first)))


def _comparison(comparison: Comparison) -> Json:
    counts = comparison.counts
    return {
        "sentence": sentence(comparison),
        "compared": counts.compared,
        "agree": counts.agree,
        "diverge": counts.diverge,
        "only_reference": counts.only_reference,
        "only_candidate": counts.only_candidate,
        "smallest_passing_rtol": comparison.smallest_passing_rtol,
        "worst": None if comparison.worst is None else first_divergence(comparison, comparison.worst),
        "notes": list(comparison.notes),
    }


def _pixels(evidence: Evidence) -> list[Json]:
    """The key quantities of every pixel, on every side, and what diverges there."""
    values = {side: pixel_values(trace, evidence.pixels) for side, trace in evidence.traces.items()}
    firsts = _firsts(evidence.against_reference)
    out = []
    for pixel in evidence.pixels:
        entry: Json = {"pixel": list(pixel)}
        entry |= {side: values[side][pixel] if side in values else None for side in SIDES}
        entry["diverging"], entry["first_divergence"] = firsts.get(pixel, (0, None))
        ours, theirs = (entry[side] or {} for side in ("candidate", "reference"))
        entry["sign_differs"] = _opposite(ours.get("F_latt"), theirs.get("F_latt"))
        entry["intensity_ratio"] = _ratio(ours.get("I_pixel_final"), theirs.get("I_pixel_final"))
        out.append(entry)
    return out


def _firsts(comparison: Comparison | None) -> dict[Pixel, tuple[int, Json | None]]:
    """How many values of each pixel diverge, and which one first."""
    if comparison is None:
        return {}
    totals = pixel_totals(comparison)
    out = {}
    for index, (slow, fast) in enumerate(comparison.pixels.tolist()):
        at = int(totals.first[index])
        place = None
        if at >= 0:
            pairing = comparison.pairings[at]
            wanted = (pairing.pixel == index) & (pairing.verdict == Verdict.DIVERGES)
            place = first_divergence(comparison, (at, int(wanted.argmax())))
        out[slow, fast] = (int(totals.diverge[index]), place)
    return out


def _opposite(ours: float | None, theirs: float | None) -> bool | None:
    return None if ours is None or theirs is None else ours * theirs < 0


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or not theirs else finite(ours / theirs)


def previous_of(evidence: Evidence, known: Mapping[Pixel, Pixel | None]) -> Mapping[Pixel, Pixel | None]:
    """The pixel before each one: as the simulation knows it, else as the trace implies."""
    return known or previous_by_roi(evidence.traces["candidate"], list(evidence.pixels))
