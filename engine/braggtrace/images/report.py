"""What is known about one image or two, in words: the text table and the JSON document."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from braggtrace.images.model import Agreement, Image, MapData, Pixel, Statistics
from braggtrace.trace.text import visible

__all__ = ["SCHEMA", "as_json", "number", "place", "sentence", "text_lines", "values_at"]

SCHEMA = "braggtrace.map/1"

_LISTED = 10
_LISTED_JSON = 1000
_LABEL = 18
_COLUMN = 30


def number(value: float | None, digits: int = 9) -> str:
    """A number for people, "-" for none."""
    return "-" if value is None else f"{value:.{digits}g}"


def place(pixel: Pixel | None) -> str:
    """`slow fast`, "-" for none."""
    return "-" if pixel is None else f"{pixel[0]} {pixel[1]}"


def sentence(data: MapData) -> str:
    """The answer in one sentence, without a full stop."""
    agreement = data.agreement
    if agreement is None:
        pixels = data.reference_statistics.pixels
        return f"one image of {pixels:,} pixels, nothing to compare it with"
    if not agreement.compared:
        return "no pixel is known on both sides"
    tolerance = str(agreement.tolerance)
    if not agreement.diverge:
        return f"{_pixels(agreement.compared)} {'agrees' if agreement.compared == 1 else 'agree'} at {tolerance}"
    verb = "diverges" if agreement.diverge == 1 else "diverge"
    return f"{agreement.diverge:,} of {_pixels(agreement.compared)} {verb} at {tolerance}"


def _pixels(count: int) -> str:
    return "1 pixel" if count == 1 else f"{count:,} pixels"


def text_lines(data: MapData) -> Iterator[str]:
    """The table for people, without line ends."""
    status = "" if data.agreement is None else f"{data.agreement.status}  "
    yield f"{status}{sentence(data)}"
    yield ""
    sides = [(data.reference, data.reference_statistics)]
    if data.candidate is not None and data.candidate_statistics is not None:
        sides.append((data.candidate, data.candidate_statistics))
        yield _row("", ["reference", "candidate"])
    for label, texts in _side_rows(sides):
        yield _row(label, texts)
    if data.agreement is not None:
        yield ""
        yield from _agreement_lines(data, data.agreement)
    yield ""
    for label, (image, _) in zip(("reference", "candidate"), sides, strict=False):
        first_slow, last_slow, first_fast, last_fast = image.roi
        where = f"slow {first_slow} to {last_slow}, fast {first_fast} to {last_fast}"
        yield f"{label:<{_LABEL}}{visible(image.name)}  ({where})"


def _row(label: str, texts: Sequence[str]) -> str:
    return f"{label:<{_LABEL}}{''.join(f'{text:<{_COLUMN}}' for text in texts)}".rstrip()


def _side_rows(sides: Sequence[tuple[Image, Statistics]]) -> Iterator[tuple[str, list[str]]]:
    each = [statistics for _, statistics in sides]
    yield "pixels", [f"{one.pixels:,}" for one in each]
    yield "sum", [number(one.total) for one in each]
    yield "mean", [number(one.mean) for one in each]
    yield "rms", [number(one.rms) for one in each]
    yield "max", [f"{number(one.maximum)} at {place(one.maximum_at)}" for one in each]
    yield "min", [f"{number(one.minimum)} at {place(one.minimum_at)}" for one in each]
    for label, counts in (
        ("NaN", [one.nan for one in each]),
        ("infinite", [one.infinite for one in each]),
        ("negative", [one.negative for one in each]),
    ):
        if any(counts):
            yield label, [f"{count:,}" for count in counts]
    for rank in range(max(len(one.peaks) for one in each)):
        peaks = [one.peaks[rank] if rank < len(one.peaks) else None for one in each]
        yield (
            "peaks" if not rank else "",
            ["" if peak is None else f"{number(peak.value)} at {place(peak.pixel)}" for peak in peaks],
        )


def _agreement_lines(data: MapData, agreement: Agreement) -> Iterator[str]:
    yield _row("correlation", [number(agreement.correlation)])
    yield _row("sum ratio", [f"{number(agreement.sum_ratio)}  (candidate / reference)"])
    yield _row("rms difference", [number(agreement.rms_difference)])
    at = "" if agreement.largest_difference_at is None else f" at {place(agreement.largest_difference_at)}"
    yield _row("max |difference|", [f"{number(agreement.largest_difference)}{at}"])
    yield _row("max rel", [number(agreement.largest_rel)])
    passing = agreement.smallest_passing_rtol
    yield _row("passing rtol", ["no rtol makes it pass" if passing is None else number(passing)])
    if agreement.missing:
        yield _row("one side only", [_pixels(agreement.missing)])
    if len(agreement.worst):
        yield ""
        shown = min(_LISTED, len(agreement.worst))
        yield f"the worst of {_pixels(agreement.diverge)}" if shown < agreement.diverge else "every diverging pixel"
        yield f"{'slow':>8}{'fast':>8}{'reference':>18}{'candidate':>18}{'difference':>18}{'ratio':>18}"
        for pixel in _listed(agreement, shown):
            ours, theirs, apart, ratio = values_at(data, pixel)
            texts = "".join(f"{number(value):>18}" for value in (ours, theirs, apart, ratio))
            yield f"{pixel[0]:>8}{pixel[1]:>8}{texts}"


def _listed(agreement: Agreement, count: int) -> list[Pixel]:
    return [(int(slow), int(fast)) for slow, fast in agreement.worst[:count]]


def values_at(data: MapData, pixel: Pixel) -> tuple[float | None, float | None, float | None, float | None]:
    """Reference, candidate, difference c − r and ratio c / r at a pixel of the images; None where there is none."""
    ours = data.reference.at(pixel)
    theirs = None if data.candidate is None else data.candidate.at(pixel)
    if ours is None or theirs is None:
        return ours, theirs, None, None
    if ours == theirs:
        return ours, theirs, 0.0, 1.0
    if ours == 0:
        return ours, theirs, theirs, math.nan if math.isnan(theirs) else math.copysign(math.inf, theirs)
    return ours, theirs, theirs - ours, theirs / ours


def as_json(data: MapData) -> dict[str, Any]:
    """The same as a document, schema `braggtrace.map/1`. Numbers that JSON lacks are "nan", "inf" and "-inf"."""
    agreement = data.agreement
    return {
        "schema": SCHEMA,
        "status": None if agreement is None else agreement.status.value,
        "sentence": sentence(data),
        "roi": list(data.reference.roi),
        "reference": _side_json(data.reference, data.reference_statistics),
        "candidate": None
        if data.candidate is None or data.candidate_statistics is None
        else _side_json(data.candidate, data.candidate_statistics),
        "agreement": None if agreement is None else _agreement_json(data, agreement),
    }


def _side_json(image: Image, statistics: Statistics) -> dict[str, Any]:
    return {
        "name": visible(image.name),
        "shape": list(image.shape),
        "pixels": statistics.pixels,
        "finite": statistics.finite,
        "nan": statistics.nan,
        "infinite": statistics.infinite,
        "negative": statistics.negative,
        "sum": _plain(statistics.total),
        "mean": _plain(statistics.mean),
        "rms": _plain(statistics.rms),
        "max": statistics.maximum,
        "max_at": _pair(statistics.maximum_at),
        "min": statistics.minimum,
        "min_at": _pair(statistics.minimum_at),
        "peaks": [{"pixel": list(peak.pixel), "value": peak.value} for peak in statistics.peaks],
    }


def _agreement_json(data: MapData, agreement: Agreement) -> dict[str, Any]:
    limits = agreement.tolerance
    worst = []
    for pixel in _listed(agreement, _LISTED_JSON):
        ours, theirs, apart, ratio = (_plain(value) for value in values_at(data, pixel))
        worst.append(
            {"pixel": list(pixel), "reference": ours, "candidate": theirs, "difference": apart, "ratio": ratio}
        )
    return {
        "rtol": limits.rtol,
        "atol": limits.atol,
        "equal_nan": agreement.equal_nan,
        "compared": agreement.compared,
        "diverge": agreement.diverge,
        "not_finite": agreement.odd,
        "missing": agreement.missing,
        "correlation": agreement.correlation,
        "sum_ratio": _plain(agreement.sum_ratio),
        "rms_difference": _plain(agreement.rms_difference),
        "max_difference": _plain(agreement.largest_difference),
        "max_difference_at": _pair(agreement.largest_difference_at),
        "max_rel": _plain(agreement.largest_rel),
        "smallest_passing_rtol": agreement.smallest_passing_rtol,
        "worst": worst,
        "worst_omitted": agreement.diverge - len(worst),
    }


def _plain(value: float | None) -> float | str | None:
    """A number that JSON can write, or its name."""
    return value if value is None or math.isfinite(value) else str(value)


def _pair(pixel: Pixel | None) -> list[int] | None:
    return None if pixel is None else list(pixel)
