"""The detail pane: everything there is to know about one pair of values, as lines of text. Pure functions."""

from __future__ import annotations

from collections.abc import Callable

from braggtrace.compare.model import Comparison, Divergence, MatchedBy, Pairing, Verdict
from braggtrace.compare.tolerance import Tolerance
from braggtrace.compare.view import component_name, short_coordinate
from braggtrace.trace.model import Trace
from braggtrace_tui.digits import short, split
from braggtrace_tui.navigate import axes_of, series_along
from braggtrace_tui.pieces import BLANK, Line, Piece, Role, clip_start, fit, safe, wrap
from braggtrace_tui.plot import plot
from braggtrace_tui.rowtext import values_of, verdict_words

__all__ = ["detail_lines", "tolerance_words"]

_MATCHES = {
    MatchedBy.EXACT: "same name on both sides",
    MatchedBy.ALIAS: "names known to mean the same",
    MatchedBy.MAPPED: "by the map file",
    MatchedBy.PROPOSED: "only because the values are equal; not counted",
    MatchedBy.NONE: "not matched",
}


def tolerance_words(tolerance: Tolerance) -> str:
    """A tolerance as a person writes it: "rtol 1e-6", "rtol 1e-6 or atol 1e-3 or 4 ULP"."""
    words = []
    if tolerance.rtol:
        words.append(f"rtol {short(tolerance.rtol)}")
    if tolerance.atol:
        words.append(f"atol {short(tolerance.atol)}")
    if tolerance.atol_of_max:
        words.append(f"atol {short(tolerance.atol_of_max)}·max")
    if tolerance.ulp:
        words.append(f"{tolerance.ulp} ULP")
    return " or ".join(words) or "exactly equal"


def detail_lines(
    comparison: Comparison,
    index: int,
    row: int,
    one: Divergence,
    width: int,
    *,
    height: int = 99,
    component: int = -1,
    axis: int = 0,
    why: Callable[[int], list[Line]] | None = None,
) -> list[Line]:
    """Explain a pair.

    Args:
        comparison: the comparison.
        index: the pairing.
        row: the row of the pairing.
        one: what `braggtrace.compare.view.divergence` says about it.
        width: cells.
        height: lines that are visible; in a low and wide pane the text stands in two columns.
        component: the component that is meant; −1 for the one that differs most.
        axis: which of the loops to plot along, counted from the preferred one.
        why: makes the lines about the cause for a width, None if there is nothing to say.
    """
    pair = comparison.pairings[index]
    component = one.component if component < 0 else component
    low = width >= 72 and height < 24
    column = width // 2 - 1 if low else width
    left = _head(
        pair,
        one,
        component,
        column,
        str(short_coordinate(comparison, pair, row)),
        first=comparison.first == (index, row),
    )
    components = _components(comparison, pair, row, one, component)
    numbers = _numbers(one, column)
    drawing = _plot(pair, row, component, axis, column, 6 if height < 34 else 8)
    sources = _sources(comparison, one, component, width)
    cause = why(column) if why is not None else []
    if not low:
        # What always takes the same lines comes first: from row to row only the text changes, not its place.
        head = [*left, *[BLANK] * (7 - len(left))]
        about = [BLANK, *cause] if cause else [BLANK]
        return [*head, *numbers, *about, *components, *([BLANK, *drawing] if drawing else []), *sources]
    right = [*cause, *numbers, *drawing]
    left = [*left, *components]
    return [*_beside(left, right, column), *sources]


def _beside(left: list[Line], right: list[Line], column: int) -> list[Line]:
    """Two columns."""
    rows = max(len(left), len(right))
    left, right = ([*lines, *[BLANK] * (rows - len(lines))] for lines in (left, right))
    return [(*fit(one, column), ("  ", Role.TEXT), *other) for one, other in zip(left, right, strict=True)]


def _head(pair: Pairing, one: Divergence, component: int, width: int, where: str, *, first: bool) -> list[Line]:
    """Name, meaning, verdict and place."""
    quantity = pair.quantity
    lines: list[Line] = [_title(pair, component, len(one.reference) or len(one.candidate))]
    if quantity is not None:
        lines += [((text, Role.TEXT),) for text in wrap(quantity.meaning, width, 2)]
        unit = f"[{quantity.unit}]" if quantity.unit else ""
        formula = f"= {quantity.formula}" if quantity.formula else ""
        lines += [((text, Role.DIM),) for text in wrap(f"{unit}  {formula}".strip(), width, 2)]
    else:
        lines.append((("a name that the catalogue doesn't know", Role.DIM),))
    glyph, word, role = verdict_words(int(one.verdict), pair.matched_by, first=first)
    lines.append(((f"{glyph} {_verdict_phrase(one, word)}", role),))
    return lines + [((text, Role.DIM),) for text in wrap(f"at {where}", width, 3)]


def _title(pair: Pairing, component: int, size: int) -> Line:
    name = safe(pair.name)
    title: list[Piece] = [(name, Role.TITLE)]
    if size > 1:
        title.append((f"  {component_name(component, size)}", Role.KEY))
    if pair.candidate is not None and pair.reference is not None and pair.candidate.key.name != pair.name:
        title.append((f"  ≈ {safe(pair.candidate.key.name)}", Role.PROPOSED))
    return tuple(title)


def _verdict_phrase(one: Divergence, word: str) -> str:
    if one.verdict == Verdict.ONLY_REFERENCE:
        return "missing in the candidate"
    if one.verdict == Verdict.ONLY_CANDIDATE:
        return "missing in the reference"
    if word == "first":
        return "diverges: the first divergence"
    return word


def _components(comparison: Comparison, pair: Pairing, row: int, one: Divergence, chosen: int) -> list[Line]:
    """Each component, the two numbers one above the other so that the digits line up."""
    size = max(len(one.reference), len(one.candidate))
    lines: list[Line] = []
    for component in range(min(size, 16)):
        values = values_of(comparison, pair, row, component)
        name = component_name(component, size) if size > 1 else ""
        lead = f"{name:<3}" if size > 1 else ""
        mark = Role.KEY if component == chosen and size > 1 else Role.DIM
        parts = split(values.reference, values.candidate)
        texts = (values.reference, values.candidate)
        negative = any(text.startswith("-") for text in texts)
        for number, (side, role, part) in enumerate(
            zip(("ref ", "cand "), (Role.REFERENCE, Role.CANDIDATE), parts, strict=True)
        ):
            label = (side.ljust(5), role)
            first = (lead if number == 0 else " " * len(lead), mark)
            if not texts[number]:
                lines.append((first, label, ("— not traced", Role.MISSING)))
                continue
            pad = " " if negative and not texts[number].startswith("-") else ""
            bright = Role.STRONG if one.verdict == Verdict.DIVERGES else Role.TEXT
            unit = [("  converted", Role.PROPOSED)] if values.converted and number else []
            lines.append(
                (first, label, (pad + part.common, Role.DIM), (part.differing, bright), (part.tail, Role.DIM), *unit)
            )
    if size > 16:
        lines.append(((f"… and {size - 16} more components", Role.DIM),))
    return lines


def _numbers(one: Divergence, width: int) -> list[Line]:
    lines: list[Line] = []
    both = one.verdict in (Verdict.AGREES, Verdict.DIVERGES)

    def fact(label: str, text: str, role: Role = Role.TEXT) -> None:
        rest = wrap(text, width - 10, 3) or [""]
        lines.append(((label.ljust(10), Role.DIM), (rest[0], role)))
        lines.extend(((" " * 10, Role.DIM), (more, role)) for more in rest[1:])

    if both:
        ulp = "—" if one.ulp is None else f"{one.ulp:,}" if one.ulp < 10**9 else short(float(one.ulp))
        fact("abs", f"{short(one.abs) or '—'}{f' {one.unit}' if one.unit else ''}")
        agree = "1 digit agrees" if one.digits == 1 else f"{one.digits} digits agree"
        fact("rel", f"{short(one.rel) or '—'}   {ulp} ULP")
        fact("", agree)
    rule = "" if one.tolerance.rule == "default" else f" (rule {safe(one.tolerance.rule)})"
    fact("tolerance", tolerance_words(one.tolerance) + (rule or " (default)"))
    if one.verdict == Verdict.DIVERGES:
        passes = one.smallest_passing_rtol
        fact("passes", "with no rtol" if passes is None else f"from rtol {short(passes)}")
    match = _MATCHES[one.matched_by] + (f", {one.conversion}" if one.conversion else "")
    fact("matched", match)
    return lines


def _plot(pair: Pairing, row: int, component: int, choice: int, width: int, height: int) -> list[Line]:
    axes = axes_of(pair, row) if height else ()
    if not axes:
        return []
    axis = axes[choice % len(axes)]
    series = series_along(pair, row, component, axis)
    drawn = plot(list(series.reference), list(series.candidate), list(series.diverges), series.current, width, height)
    if not drawn:
        return []
    legend: Line = (
        (f"along {axis}", Role.TITLE),
        ("  o ref", Role.REFERENCE),
        ("  × cand", Role.CANDIDATE),
        ("  • both", Role.BOTH),
    )
    more: list[Line] = (
        [((f"a: along {', '.join(name for name in axes if name != axis)}", Role.DIM),)] if len(axes) > 1 else []
    )
    return [legend, *drawn, *more]


def _sources(comparison: Comparison, one: Divergence, component: int, width: int) -> list[Line]:
    lines: list[Line] = []
    for label, role, spans, trace in (
        ("reference", Role.REFERENCE, one.reference, comparison.reference),
        ("candidate", Role.CANDIDATE, one.candidate, comparison.candidate),
    ):
        if not spans:
            continue
        span = spans[min(component, len(spans) - 1)]
        place = f"{safe(span.path)}:{span.line}"
        lines += [BLANK, ((f"{label} ", role), (clip_start(place, width - len(label) - 1), Role.TEXT))]
        lines += _raw_line(trace, span.path, span.line, span.text, width)
    return lines


def _raw_line(trace: Trace, path: str, line: int, value: str, width: int) -> list[Line]:
    """The written line around the value, at most two lines of it."""
    source = next((each for each in trace.sources if each.name == path), None)
    if source is None:
        return []
    text = safe(trace.line_text(source.first_line + line - 1)).strip()
    room = 2 * (width - 2) - 2
    if len(text) > room:
        at = max(0, text.find(safe(value)))
        begin = max(0, min(at - room // 3, len(text) - room))
        text = ("…" if begin else "") + text[begin : begin + room] + ("…" if begin + room < len(text) else "")
    return [(("  " + each, Role.DIM),) for each in wrap(text, width - 2, 2)]
