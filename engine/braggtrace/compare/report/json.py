"""The report as JSON, schema `braggtrace.comparison/1` (`comparison.schema.json` beside this file).

JSON has no NaN and no infinity: such numbers are the strings "nan", "inf" and "-inf".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import orjson

from braggtrace.compare.model import Comparison, Divergence, MatchedBy, Verdict
from braggtrace.compare.view import divergence, sentence
from braggtrace.trace.model import Coordinate, Trace

__all__ = ["SCHEMA", "render_json"]

SCHEMA = "braggtrace.comparison/1"

_PAIRS = 1000


def render_json(comparison: Comparison, *, all_pairs: bool = False) -> str:
    """The JSON document. `pairs` holds the diverging pairs, at most 1000 of them, or with `all_pairs` every pair."""
    wanted = _rows(comparison, all_pairs=all_pairs)
    pairs = [_pair(divergence(comparison, *each)) for each in (wanted if all_pairs else islice(wanted, _PAIRS))]
    first = None if comparison.first is None else _pair(divergence(comparison, *comparison.first))
    worst = None if comparison.worst is None else _pair(divergence(comparison, *comparison.worst))
    counts = comparison.counts
    document = {
        "schema": SCHEMA,
        "status": comparison.status.value,
        "sentence": sentence(comparison),
        "first": first,
        "worst": worst,
        "counts": {
            "compared": counts.compared,
            "agree": counts.agree,
            "diverge": counts.diverge,
            "only_reference": counts.only_reference,
            "only_candidate": counts.only_candidate,
        },
        "smallest_passing_rtol": comparison.smallest_passing_rtol,
        "tolerances": _tolerances(comparison),
        "files": {"reference": _files(comparison.reference), "candidate": _files(comparison.candidate)},
        "notes": list(comparison.notes),
        "pairs": pairs,
        "pairs_omitted": 0 if all_pairs else counts.diverge - len(pairs),
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _rows(comparison: Comparison, *, all_pairs: bool) -> Iterator[tuple[int, int]]:
    """(pairing, row) of the diverging pairs, or of all, in step order."""
    for index, pairing in enumerate(comparison.pairings):
        if all_pairs:
            yield from ((index, row) for row in range(len(pairing)))
        elif pairing.counts.diverge and pairing.matched_by is not MatchedBy.PROPOSED:
            yield from ((index, int(row)) for row in np.flatnonzero(pairing.verdict == Verdict.DIVERGES))


def _number(value: float | None) -> float | str | None:
    if value is None or math.isfinite(value):
        return value
    return str(float(value))


def _value(values: tuple[float, ...], texts: list[str], component: int) -> float | str | None:
    """A component as a number, or as its text if it is a word; None on a side that has no value."""
    if not values:
        return None
    value = values[component]
    is_word = math.isnan(value) and texts[component].lower().lstrip("+-")[:3] != "nan"
    return texts[component] if is_word else _number(value)


def _pair(pair: Divergence) -> dict[str, Any]:
    ours, theirs = ([span.text for span in spans] for spans in (pair.reference, pair.candidate))
    compared = bool(ours and theirs)
    return {
        "quantity": pair.quantity,
        "candidate_name": pair.candidate_name or None,
        "component": pair.component,
        "coordinate": _coordinate(pair.coordinate),
        "verdict": pair.verdict.name,
        "reference": _value(pair.reference_values, ours, pair.component),
        "candidate": _value(pair.candidate_values, theirs, pair.component),
        "reference_text": ours,
        "candidate_text": theirs,
        "abs": _number(pair.abs) if compared else None,
        "rel": _number(pair.rel) if compared else None,
        "ulp": pair.ulp,
        "digits": pair.digits,
        "unit": pair.unit,
        "reference_file": pair.reference[0].path if ours else None,
        "reference_line": pair.reference[0].line if ours else None,
        "candidate_file": pair.candidate[0].path if theirs else None,
        "candidate_line": pair.candidate[0].line if theirs else None,
        "matched_by": pair.matched_by.value,
        "conversion": pair.conversion or None,
        "tolerance": str(pair.tolerance),
        "smallest_passing_rtol": pair.smallest_passing_rtol,
    }


def _coordinate(coordinate: Coordinate) -> dict[str, int | None]:
    slow, fast = coordinate.pixel or (None, None)
    return {"slow": slow, "fast": fast, **dict(coordinate.tics), "occurrence": coordinate.occurrence}


def _tolerances(comparison: Comparison) -> list[dict[str, Any]]:
    """Each rule in use, with the quantities that it judged."""
    judged: dict[str, dict[str, Any]] = {}
    for pairing in comparison.pairings:
        if not pairing.counts.compared:
            continue
        rule = pairing.tolerance
        entry = judged.setdefault(
            str(rule),
            {
                "rule": rule.rule,
                "rtol": rule.rtol,
                "atol": rule.atol,
                "atol_of_max": rule.atol_of_max,
                "ulp": rule.ulp,
                "quantities": [],
            },
        )
        if pairing.name not in entry["quantities"]:
            entry["quantities"].append(pairing.name)
    return list(judged.values())


def _files(trace: Trace) -> dict[str, Any]:
    return {
        "files": [{"name": source.name, "sha256": source.sha256(), "lines": source.lines} for source in trace.sources],
        "dialects": list(trace.dialects),
        "lines": trace.lines,
        "skipped": trace.skipped,
        "unreadable": trace.unreadable_count,
    }
