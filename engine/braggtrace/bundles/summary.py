"""The answer of a probe in one sentence: what diverges first, and what became of it since earlier probes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from braggtrace.bundles.places import plainly
from braggtrace.bundles.words import count, pixel_words

__all__ = ["result_since", "summary"]

Metrics = Mapping[str, Any]

_NAMED = 3


def summary(metrics: Metrics) -> tuple[str, str]:
    """The status in one word, and the rest of the sentence without a full stop."""
    pixels = pixel_words([pixel["pixel"] for pixel in metrics["pixels"]])
    if metrics["status"] is None:
        return _without_reference(metrics, pixels)
    parts = [_against_reference(metrics, pixels), *_history(metrics)]
    return metrics["status"], "; ".join(parts)


def _without_reference(metrics: Metrics, pixels: str) -> tuple[str, str]:
    since = metrics["against_baseline"]
    if since is None:
        return "CAPTURED", f"{pixels}; there is nothing to compare with"
    name = metrics["baseline"]["name"]
    return since["status"], f"compared with the baseline {name}, without a reference: {since['comparison']['sentence']}"


def _against_reference(metrics: Metrics, pixels: str) -> str:
    """What diverges, and since when."""
    first, change = metrics["first_divergence"], metrics["change"]
    said = metrics["comparison"]["sentence"]
    if metrics["status"] == "INCONCLUSIVE":
        return f"{said} ({pixels})"
    if change is None:
        return f"no divergence; {said} ({pixels})" if first is None else f"first divergence {plainly(first)} ({pixels})"
    base = f"the baseline {metrics['baseline']['name']}"
    old = metrics["against_baseline"]["baseline_first_divergence"]
    if first is None:
        known = f"the divergence of {base} vanished (it was {plainly(old)})" if old else f"no divergence, as in {base}"
        return f"{known}; {said} ({pixels})"
    if change == "appeared":
        return f"a divergence appeared since {base}: {plainly(first)} ({pixels})"
    if change == "stayed":
        return f"the first divergence stayed since {base}: {plainly(first)} ({pixels})"
    return f"the first divergence {change} since {base}: from {plainly(old)} to {plainly(first)} ({pixels})"


def _history(metrics: Metrics) -> Iterator[str]:
    """Since the earlier bundles of the topic, the latest ones first; the baseline has been spoken of."""
    base = (metrics["baseline"] or {}).get("name")
    earlier = [
        entry for entry in reversed(metrics["history"]) if entry["bundle"] != base and entry["change"] is not None
    ]
    groups: dict[str, list[str]] = {}
    for entry in earlier:
        groups.setdefault(entry["change"], []).append(entry["bundle"])
    if groups:
        yield "since earlier bundles: " + ", ".join(_group(change, names) for change, names in groups.items())


def _group(change: str, names: Sequence[str]) -> str:
    word = "none then and now" if change == "none" else change
    which = " ".join(names[:_NAMED]) + (f" and {count(len(names) - _NAMED, 'other')}" if len(names) > _NAMED else "")
    return f"{word} ({which})"


def result_since(metrics: Metrics) -> str:
    """The result against last time, in a few words: against the baseline, else the bundle before."""
    if metrics["change"] is not None:
        return f"{_word(metrics['change'])} since the baseline {metrics['baseline']['name']}"
    last = next((entry for entry in reversed(metrics["history"]) if entry["change"] is not None), None)
    return "nothing to compare with" if last is None else f"{_word(last['change'])} since {last['bundle']}"


def _word(change: str) -> str:
    return "no divergence then and now" if change == "none" else f"divergence {change}"
