"""The words around a pixel map: title, answer, legend, the pixel under the cursor, the numbers beside it. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from braggtrace.compare.model import Status
from braggtrace.images.levels import ARM, Scale
from braggtrace.images.measure import agrees_at
from braggtrace.images.model import Agreement, Layer, MapData, Mark, Pixel, Statistics
from braggtrace.images.report import place, sentence, values_at
from braggtrace_tui.mapcolours import MARK_SIGNS
from braggtrace_tui.mapview import View
from braggtrace_tui.pieces import BLANK, Line, Piece, Role, clip_start, plain, safe

__all__ = ["PANEL", "answer_lines", "legend_pieces", "panel_lines", "pixel_line", "title_line"]

PANEL = 46
"""Columns of the numbers beside the map."""

_KEYS = {
    Layer.REFERENCE: "c",
    Layer.CANDIDATE: "p",
    Layer.DIFFERENCE: "d",
    Layer.RATIO: "r",
    Layer.DIVERGENCES: "v",
}
_ROLES = {Layer.REFERENCE: Role.REFERENCE, Layer.CANDIDATE: Role.CANDIDATE}
_WORST = 12


def title_line(data: MapData, layer: Layer, view: View, scale: Scale) -> Line:
    """Which map this is, of the ones there are, and how it is drawn."""
    pieces: list[Piece] = [(" ", Role.TEXT)]
    for each in data.layers:
        if each is layer:
            pieces.append((f"[{each.value}]", Role.STRONG))
        else:
            pieces += [(f" {_KEYS[each]}", Role.KEY), (f" {each.value}", Role.DIM)]
        pieces.append((" ", Role.TEXT))
    pieces.append((f"  {'log' if scale.log else 'linear'}  {_zoom_words(view)}", Role.TEXT))
    return tuple(pieces)


def _zoom_words(view: View) -> str:
    """How many dots and pixels correspond: 1:4 where a dot is a block of 4 x 4 pixels."""
    return f"{view.spread}:{view.block}{' all' if view.whole else ''}"


def answer_lines(data: MapData, width: int) -> list[Line]:
    """How far the images agree."""
    agreement = data.agreement
    words = safe(sentence(data))
    if agreement is None:
        numbers = _one_side(data.reference_statistics)
        return [((f" {clip_start(safe(data.reference.name), width - 2)}", Role.STRONG),), ((f" {numbers}", Role.DIM),)]
    signs = {Status.AGREES: ("=", Role.AGREE), Status.DIVERGES: ("≠", Role.DIVERGE)}
    sign, role = signs.get(agreement.status, ("?", Role.MISSING))
    numbers = (
        f"correlation {_short(agreement.correlation)}  sum ratio {_short(agreement.sum_ratio)}"
        f"  rms {_short(agreement.rms_difference, 4)}  max {_short(agreement.largest_difference, 4)}"
    )
    if agreement.largest_difference_at is not None:
        numbers += f" at {place(agreement.largest_difference_at)}"
    return [((f" {sign} {words}", role),), ((f" {numbers}", Role.TEXT),)]


def _one_side(side: Statistics) -> str:
    at = "" if side.maximum_at is None else f" at {place(side.maximum_at)}"
    return f"sum {_short(side.total)}  mean {_short(side.mean)}  rms {_short(side.rms)}  max {_short(side.maximum)}{at}"


def _short(value: float | None, digits: int = 6) -> str:
    """A number in few characters, with a true minus sign; "-" for none."""
    return "-" if value is None else f"{value:.{digits}g}".replace("-", "−")


def legend_pieces(data: MapData, layer: Layer, view: View, scale: Scale, width: int) -> tuple[Line, Line]:
    """What stands before and after the swatches of the legend, which is `width` cells wide."""
    low, high = _ends(layer, scale)
    words: list[Piece] = [(f" {high}  ", Role.TEXT)]
    if view.block > 1:
        words.append((f"{_chosen(layer)} of {view.block}x{view.block}  ", Role.DIM))
    for mark, meaning in _marks(data, layer):
        words += [(MARK_SIGNS[mark], Role.STRONG), (f" {meaning}  ", Role.TEXT)]
    if scale.centred and scale.high > 0:
        least = f"{scale.edges()[0]:.2g}"
        neutral = f"0 is below {least}" if layer is Layer.DIFFERENCE else f"1 is within {least}"
        used = len(low) + 2 + 2 * (2 * ARM + 1) + len(plain(tuple(words)))
        words += [(neutral, Role.DIM)] if used + len(neutral) <= width else []
    return ((f" {low} ", Role.TEXT),), tuple(words)


def _ends(layer: Layer, scale: Scale) -> tuple[str, str]:
    """The labels of both ends."""
    if layer is Layer.RATIO:
        factor = f"{math.exp(scale.high):.4g}" if scale.high >= 1e-3 else f"1+{scale.high:.1e}"
        return f"÷{factor}", f"×{factor}"
    if scale.centred:
        high = f"{scale.high:.4g}"
        return f"−{high}", f"+{high}"
    if scale.log and scale.high > 0:
        return f"≤{scale.low:.2g}", f"{scale.high:.4g}"
    return "0", f"{scale.high:.4g}"


def _chosen(layer: Layer) -> str:
    return {Layer.DIFFERENCE: "largest |difference|", Layer.RATIO: "ratio furthest from 1"}.get(layer, "largest")


def _marks(data: MapData, layer: Layer) -> Iterator[tuple[Mark, str]]:
    """The marks that the map can have, with their meaning and how many pixels have them."""
    ours, theirs = data.reference_statistics, data.candidate_statistics
    if layer is not Layer.DIVERGENCES:
        sides = [ours] if theirs is None or layer is Layer.REFERENCE else [theirs]
        sides = [ours, theirs] if theirs is not None and layer not in _ROLES else sides
        nan, infinite, negative = (
            sum(getattr(side, name) for side in sides) for name in ("nan", "infinite", "negative")
        )
        if nan:
            yield Mark.NAN, f"NaN {nan:,}"
        if layer is Layer.RATIO:
            if ours.minimum is not None and ours.minimum <= 0:
                yield Mark.INFINITE, "reference 0"
            if negative:
                yield Mark.NEGATIVE, "signs differ"
        elif infinite:
            yield Mark.INFINITE, f"infinite {infinite:,}"
        if negative and layer in _ROLES:
            yield Mark.NEGATIVE, f"negative {negative:,}"
    known = data.reference.known
    if known is not None and not known.all():
        yield Mark.UNKNOWN, "not traced"


def pixel_line(data: MapData, pixel: Pixel, width: int) -> Line:
    """The pixel under the cursor: coordinates, verdict, both values, how far apart; as many digits as there is room."""
    for digits in (9, 6, 5, 4):
        line = _pixel_line(data, pixel, digits, wide=width >= 100)
        if len(plain(line)) <= width:
            break
    return line


def _pixel_line(data: MapData, pixel: Pixel, digits: int, *, wide: bool) -> Line:
    ours, theirs, apart, ratio = values_at(data, pixel)
    pieces: list[Piece] = [(f" {'pixel ' if wide else ''}{place(pixel)}", Role.STRONG)]
    if data.divergences is not None:
        count = data.divergences.at(pixel)
        words = "not traced" if count is None else f"≠ {count:,.0f} values" if count else "= all values"
        pieces.append((f"  {words}", Role.MISSING if count is None else Role.DIVERGE if count else Role.AGREE))
    if data.candidate is None:
        return (*pieces, (f"  value {_short(ours, 9)}", Role.REFERENCE))
    if (ours is not None or theirs is not None) and (wide or data.divergences is None):
        words, role = _verdict(data.agreement, ours, theirs)
        pieces.append((f"  {words if wide else words[0]}", role))
    pieces.append((f"  reference {_short(ours, digits)}", Role.REFERENCE))
    pieces.append((f"  candidate {_short(theirs, digits)}", Role.CANDIDATE))
    if apart is not None and ratio is not None:
        fewer = max(3, digits - 2)
        if wide or data.divergences is None:
            pieces.append((f"  {'difference' if wide else 'diff'} {_short(apart, fewer)}", Role.TEXT))
        pieces.append((f"  ratio {_short(ratio, fewer)}", Role.TEXT))
    return tuple(pieces)


def _verdict(agreement: Agreement | None, ours: float | None, theirs: float | None) -> Piece:
    if agreement is None or ours is None or theirs is None:
        return "- missing", Role.MISSING
    if agrees_at(agreement, ours, theirs):
        return "= agrees", Role.AGREE
    return "≠ diverges", Role.DIVERGE


def panel_lines(data: MapData, cursor: Pixel, height: int) -> list[Line]:
    """The numbers beside the map, `height` lines at most."""
    lines = [*_statistics_lines(data), *_agreement_lines(data), *_peak_lines(data), *_worst_lines(data, cursor)]
    return lines[:height]


def _pair(label: str, texts: list[str]) -> Line:
    roles = (Role.REFERENCE, Role.CANDIDATE)
    columns = tuple((f"{text:>16}", role) for text, role in zip(texts, roles, strict=False))
    return ((f" {label:<11}", Role.DIM), *columns)


def _sides(data: MapData) -> list[Statistics]:
    return [each for each in (data.reference_statistics, data.candidate_statistics) if each is not None]


def _statistics_lines(data: MapData) -> Iterator[Line]:
    sides = _sides(data)
    names = [data.reference.name, *([] if data.candidate is None else [data.candidate.name])]
    titles = ["reference", "candidate"] if len(sides) > 1 else ["image"]
    for title, name, role in zip(titles, names, (Role.REFERENCE, Role.CANDIDATE), strict=False):
        yield ((f" {title:<10}", role), (clip_start(safe(name), PANEL - 13), Role.DIM))
    yield BLANK
    yield _pair("", titles)
    for label, texts in (
        ("sum", [_short(side.total, 9) for side in sides]),
        ("mean", [_short(side.mean, 9) for side in sides]),
        ("rms", [_short(side.rms, 9) for side in sides]),
        ("max", [_short(side.maximum, 9) for side in sides]),
        ("  at", [place(side.maximum_at) for side in sides]),
        ("min", [_short(side.minimum, 9) for side in sides]),
    ):
        yield _pair(label, texts)
    for label, counts in (
        ("NaN", [side.nan for side in sides]),
        ("infinite", [side.infinite for side in sides]),
        ("negative", [side.negative for side in sides]),
    ):
        if any(counts):
            yield _pair(label, [f"{count:,}" for count in counts])


def _agreement_lines(data: MapData) -> Iterator[Line]:
    agreement = data.agreement
    if agreement is None:
        return
    yield BLANK
    passing = agreement.smallest_passing_rtol
    for label, text in (
        ("correlation", _short(agreement.correlation, 9)),
        ("sum ratio", _short(agreement.sum_ratio, 9)),
        ("rms difference", _short(agreement.rms_difference, 9)),
        ("max |difference|", _short(agreement.largest_difference, 9)),
        ("max rel", _short(agreement.largest_rel, 6)),
        ("passing rtol", "none" if passing is None else _short(passing, 6)),
    ):
        yield ((f" {label:<18}", Role.DIM), (text, Role.TEXT))


def _peak_lines(data: MapData) -> Iterator[Line]:
    sides = _sides(data)
    if not any(side.peaks for side in sides):
        return
    yield BLANK
    yield ((" peaks, highest first", Role.TITLE),)
    for rank in range(min(5, max(len(side.peaks) for side in sides))):
        peaks = [side.peaks[rank] if rank < len(side.peaks) else None for side in sides]
        texts = ["" if peak is None else f"{place(peak.pixel)}  {_short(peak.value, 6)}" for peak in peaks]
        yield ((" ", Role.DIM), *((f"{text:<22}", role) for text, role in zip(texts, _ROLES.values(), strict=False)))


def _worst_lines(data: MapData, cursor: Pixel) -> Iterator[Line]:
    agreement = data.agreement
    if agreement is None or not len(agreement.worst):
        return
    yield BLANK
    yield ((" worst", Role.TITLE), (f" of {agreement.diverge:,}: |difference|", Role.DIM))
    for slow, fast in agreement.worst[:_WORST]:
        pixel = (int(slow), int(fast))
        _, _, apart, ratio = values_at(data, pixel)
        here = pixel == cursor
        yield (
            ("▸" if here else " ", Role.KEY),
            (f"{place(pixel):<12}", Role.STRONG if here else Role.TEXT),
            (f"{_short(apart, 6):>16}{'×' + _short(ratio, 4):>14}", Role.DIVERGE),
        )
