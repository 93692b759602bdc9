"""The report as JSON, schema `braggtrace.comparison/1` (`comparison.schema.json` beside this file).

JSON has no NaN and no infinity: such numbers are the strings "nan", "inf" and "-inf".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from braggtrace.compare.model import Comparison, Divergence, MatchedBy, Verdict
from braggtrace.compare.report.why import why_json
from braggtrace.compare.view import divergence, sentence
from braggtrace.trace.model import Coordinate, Trace
from braggtrace.trace.source import Source
from braggtrace.trace.text import visible

if TYPE_CHECKING:
    from braggtrace.replay.model import Explanation

__all__ = ["SCHEMA", "json_pieces", "side_json"]

SCHEMA = "braggtrace.comparison/1"

_PAIRS = 1000


def json_pieces(
    comparison: Comparison, *, all_pairs: bool = False, explanation: Explanation | None = None
) -> Iterator[str]:
    """The JSON document in pieces: `pairs` may be too long to be held in memory.

    Args:
        comparison: what to report.
        all_pairs: `pairs` holds every pair, not only the first 1000 diverging ones.
        explanation: why it diverges: `headline` and `roots`.
    """
    places = _places(comparison, all_pairs=all_pairs)
    pairs = (_pair(divergence(comparison, index, row)) for index, row in places)
    document = _document(comparison)
    if explanation is not None:
        document |= why_json(explanation)
    document["pairs_omitted"] = 0 if all_pairs else comparison.counts.diverge - len(places)
    head = orjson.dumps(document | {"pairs": []}, option=orjson.OPT_INDENT_2).decode()
    opening, closing = head.removesuffix("]\n}"), "]\n}\n"
    yield opening
    separator = "\n    "
    for pair in pairs:
        yield separator + orjson.dumps(pair).decode()
        separator = ",\n    "
    yield ("\n  " if len(places) else "") + closing


def _document(comparison: Comparison) -> dict[str, Any]:
    """Everything but the pairs."""
    counts, options = comparison.counts, comparison.options
    return {
        "schema": SCHEMA,
        "status": comparison.status.value,
        "sentence": sentence(comparison),
        "first": None if comparison.first is None else _pair(divergence(comparison, *comparison.first)),
        "worst": None if comparison.worst is None else _pair(divergence(comparison, *comparison.worst)),
        "counts": {
            "compared": counts.compared,
            "agree": counts.agree,
            "diverge": counts.diverge,
            "only_reference": counts.only_reference,
            "only_candidate": counts.only_candidate,
        },
        "smallest_passing_rtol": comparison.smallest_passing_rtol,
        "tolerances": _tolerances(comparison),
        "options": {
            "equal_nan": options.equal_nan,
            "require_all": options.require_all,
            "pixels": [list(pixel) for pixel in options.pixels],
            "map": visible(options.mapping.path) or None,
        },
        "files": {"reference": side_json(comparison.reference), "candidate": side_json(comparison.candidate)},
        "notes": list(comparison.notes),
    }


def _places(comparison: Comparison, *, all_pairs: bool) -> list[tuple[int, int]]:
    """(pairing, row) of the wanted pairs: by pixel, then in step order, then in loop order, as `first` is chosen."""
    pixels, indices, rows = [], [], []
    for index, pairing in enumerate(comparison.pairings):
        if all_pairs:
            chosen = np.arange(len(pairing))
        elif pairing.matched_by is MatchedBy.PROPOSED or not pairing.counts.diverge:
            continue
        else:
            chosen = np.flatnonzero(pairing.verdict == Verdict.DIVERGES)[:_PAIRS]
        pixels.append(pairing.pixel[chosen])
        indices.append(np.full(len(chosen), index))
        rows.append(chosen)
    if not rows:
        return []
    order = np.lexsort((np.concatenate(rows), np.concatenate(indices), np.concatenate(pixels)))
    order = order if all_pairs else order[:_PAIRS]
    return list(zip(np.concatenate(indices)[order].tolist(), np.concatenate(rows)[order].tolist(), strict=True))


def _number(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else str(float(value))


def _value(values: tuple[float, ...], texts: list[str], component: int) -> float | str | None:
    """A component as a number, or as its text if it is a word; None on a side that has no value."""
    if not values:
        return None
    value = values[component]
    is_word = math.isnan(value) and "nan" not in texts[component].lower()
    return texts[component] if is_word else _number(value)


def _pair(pair: Divergence) -> dict[str, Any]:
    ours, theirs = ([span.text for span in spans] for spans in (pair.reference, pair.candidate))
    has_rel = not math.isnan(pair.rel)
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
        "abs": _number(pair.abs) if has_rel else None,
        "rel": _number(pair.rel) if has_rel else None,
        "ulp": pair.ulp,
        "digits": pair.digits,
        "unit": pair.unit,
        "reference_file": visible(pair.reference[0].path) if ours else None,
        "reference_line": pair.reference[0].line if ours else None,
        "candidate_file": visible(pair.candidate[0].path) if theirs else None,
        "candidate_line": pair.candidate[0].line if theirs else None,
        "matched_by": pair.matched_by.value,
        "conversion": pair.conversion or None,
        "tolerance": str(pair.tolerance),
        "smallest_passing_rtol": pair.smallest_passing_rtol,
    }


def _coordinate(coordinate: Coordinate) -> dict[str, Any]:
    pixel = None if coordinate.pixel is None else list(coordinate.pixel)
    return {"pixel": pixel, **dict(coordinate.tics), "occurrence": coordinate.occurrence}


def _tolerances(comparison: Comparison) -> list[dict[str, Any]]:
    """Each rule in use, with the quantities that it judged."""
    judged: dict[str, dict[str, Any]] = {}
    for pairing in comparison.pairings:
        if not pairing.counts.compared:
            continue
        rule = pairing.tolerance
        limits = {"rtol": rule.rtol, "atol": rule.atol, "atol_of_max": rule.atol_of_max, "ulp": rule.ulp}
        entry = judged.setdefault(str(rule), {"rule": visible(rule.rule), **limits, "quantities": {}})
        entry["quantities"][pairing.name] = True
    return [entry | {"quantities": list(entry["quantities"])} for entry in judged.values()]


def side_json(trace: Trace) -> dict[str, Any]:
    """One side: its (first) file, and what was read from all of them."""
    parts = [{"name": visible(source.name), "sha256": _sha256(source)} for source in trace.sources]
    first = parts[0] if parts else {"name": "", "sha256": None}
    return {
        **first,
        "dialects": list(trace.dialects),
        "lines": trace.lines,
        "skipped": trace.skipped,
        "unreadable": trace.unreadable_count,
        "more": parts[1:],
    }


def _sha256(source: Source) -> str | None:
    try:
        return source.sha256()
    except OSError:  # the file is gone by now
        return None
