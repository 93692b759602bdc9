"""What a line of the compare table says: pure functions from a frame's row to pieces of text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.compare.model import Comparison, MatchedBy, Pairing, Verdict
from braggtrace.compare.numbers import ulp_distance
from braggtrace.compare.view import component_name
from braggtrace.quantities import Level, Quantity
from braggtrace.trace.model import LOOPS
from braggtrace_tui.digits import Split, short, shorten, split
from braggtrace_tui.explaining import RowWhy
from braggtrace_tui.frame import ABSENT, Frame, GroupKey
from braggtrace_tui.pieces import Line, Piece, Role, clip, fit, safe
from braggtrace_tui.whytext import verdict_piece

__all__ = [
    "Columns",
    "Measure",
    "Values",
    "columns_for",
    "group_line",
    "group_title",
    "heading",
    "row_line",
    "values_of",
    "verdict_words",
]

Floats: TypeAlias = npt.NDArray[np.float64]


class Measure(StrEnum):
    """How the difference of two values is shown."""

    REL = "rel"
    ABS = "abs"
    ULP = "ulp"

    @property
    def next(self) -> Measure:
        """The one that a key press changes to."""
        members = list(Measure)
        return members[(members.index(self) + 1) % len(members)]


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths of the table's columns, in cells; a blank stands between two of them."""

    verdict: int
    name: int
    value: int
    measure: int

    @property
    def total(self) -> int:
        """The width of a whole line."""
        return 1 + self.verdict + 1 + self.name + 1 + self.value + 1 + self.value + 1 + self.measure + 1


def columns_for(width: int, longest_name: int, longest_value: int) -> Columns:
    """Share a width: values get room for 17 digits if the names leave it, names what they need to be told apart."""
    verdict, measure = (14 if width >= 76 else 10 if width >= 64 else 1), 7
    free = width - 1 - verdict - measure - 5
    name = max(8, min(longest_name, free - 2 * (18 if width < 82 else 19)))
    value = max(6, min((free - name) // 2, longest_value))
    return Columns(verdict, max(6, free - 2 * value), value, measure)


@dataclass(frozen=True, slots=True)
class Values:
    """One pair of numbers, of one component.

    Attributes:
        component: which one.
        reference, candidate: as written; "" where a side has none. The candidate's is converted where units differ.
        r, c: as numbers, in the reference's unit.
        converted: the candidate was written in another unit.
    """

    component: int
    reference: str
    candidate: str
    r: float
    c: float
    converted: bool = False

    @property
    def abs(self) -> float:
        """|r − c|; 0 for equal infinities."""
        return 0.0 if self.r == self.c else abs(self.r - self.c)

    @property
    def ulp(self) -> int | None:
        """Float64 steps between the two, None if either is not finite."""
        return ulp_distance(self.r, self.c)


def values_of(comparison: Comparison, pairing: Pairing, row: int, component: int = -1) -> Values:
    """The texts and numbers of one component of a pair; of the one that differs most if `component` is −1."""
    at_r, at_c = int(pairing.reference_rows[row]), int(pairing.candidate_rows[row])
    has_r = pairing.reference is not None and at_r >= 0
    has_c = pairing.candidate is not None and at_c >= 0
    r = pairing.reference.values[at_r] if has_r and pairing.reference is not None else None
    c = pairing.candidate.values[at_c] * pairing.factor if has_c and pairing.candidate is not None else None
    if component < 0:
        component = _worst_component(r, c)
    text_r = text_c = ""
    if has_r and pairing.reference is not None and component < pairing.reference.width:
        text_r = safe(comparison.reference.text(pairing.reference, at_r, component))
    if has_c and pairing.candidate is not None and component < pairing.candidate.width:
        text_c = safe(comparison.candidate.text(pairing.candidate, at_c, component))
    value_r = float(r[component]) if r is not None and component < len(r) else math.nan
    value_c = float(c[component]) if c is not None and component < len(c) else math.nan
    converted = pairing.factor != 1.0 and text_c != ""
    if converted:
        text_c = repr(value_c)
    return Values(component, text_r, text_c, value_r, value_c, converted)


def _worst_component(r: Floats | None, c: Floats | None) -> int:
    """The component that differs most; the first where all agree or a side is missing."""
    if r is None or c is None or len(r) == 1 or len(r) != len(c):
        return 0
    with np.errstate(invalid="ignore"):
        gap = np.where(r == c, 0.0, np.abs(r - c))
    gap[np.isnan(gap)] = np.where(np.isnan(r) & np.isnan(c), 0.0, np.inf)[np.isnan(gap)]
    return int(np.argmax(gap))


def verdict_words(verdict: int, matched_by: MatchedBy, *, first: bool = False) -> tuple[str, str, Role]:
    """(glyph, word, role): what a verdict looks like. Never by colour alone."""
    if matched_by is MatchedBy.PROPOSED:
        return "~", "proposed", Role.PROPOSED
    if verdict == Verdict.AGREES:
        return "=", "agrees", Role.AGREE
    if verdict == Verdict.DIVERGES:
        return ("≠", "first", Role.FIRST) if first else ("≠", "diverges", Role.DIVERGE)
    return "-", "missing", Role.MISSING


def heading(columns: Columns, measure: Measure) -> Line:
    """The frozen line above the table."""
    return (
        (" " + "verdict"[: columns.verdict].ljust(columns.verdict) + " ", Role.DIM),
        (_left("quantity", columns.name) + " ", Role.DIM),
        (_left("reference", columns.value) + " ", Role.REFERENCE),
        (_left("candidate", columns.value) + " ", Role.CANDIDATE),
        (measure.value.rjust(columns.measure) + " ", Role.DIM),
    )


def row_line(
    frame: Frame,
    row: int,
    component: int,
    columns: Columns,
    measure: Measure,
    *,
    first: bool,
    expanded: bool,
    why: RowWhy | None = None,
) -> Line:
    """One row of the table.

    Args:
        frame: the rows.
        row: which one.
        component: of an expanded vector; −1 for the row itself, which shows the component that differs most.
        columns: widths.
        measure: which difference the last column shows.
        first: this is the comparison's first divergence.
        expanded: the row's components follow on lines of their own.
        why: what the replay says about the row, None if nothing is known.
    """
    pairing = frame.comparison.pairings[frame.pairing[row]]
    verdict = int(frame.verdict[row])
    glyph, word, role = verdict_words(verdict, pairing.matched_by, first=first)
    values = values_of(frame.comparison, pairing, int(frame.row[row]), component)
    width = int(frame.width[row])
    difference = _difference(pairing, int(frame.row[row]), values, verdict, measure, whole=component < 0)
    if component >= 0:
        lead: list[Piece] = [(" " * (columns.verdict + 2), Role.TEXT)]
        name = [("  · " + component_name(component, width), Role.DIM)]
    else:
        said = f"{glyph} {word}" if columns.verdict > 1 else glyph
        if why is not None and (piece := verdict_piece(why, verdict, columns.verdict, first=first)) is not None:
            said, role = piece
        lead = [(" " + said.ljust(columns.verdict) + " ", role)]
        name = _name_pieces(pairing, values.component, width, expanded=expanded, role=role if verdict else Role.TEXT)
    return (
        *lead,
        *fit(tuple(name), columns.name),
        (" ", Role.TEXT),
        *_value_pieces(values, verdict, columns.value),
        (difference.rjust(columns.measure) + " ", Role.TEXT if verdict else Role.DIM),
    )


def _name_pieces(pairing: Pairing, component: int, width: int, *, expanded: bool, role: Role) -> list[Piece]:
    strong = Role.STRONG if role in (Role.DIVERGE, Role.FIRST) else Role.TEXT
    pieces: list[Piece] = [(safe(pairing.name), strong)]
    if width > 1 and not expanded:
        pieces.append((f".{component_name(component, width)}", Role.DIM))
    family = next((column.key for column in (pairing.reference, pairing.candidate) if column is not None), None)
    if family is not None and family.final:
        pieces.append((" final", Role.DIM))
    if pairing.matched_by in (MatchedBy.ALIAS, MatchedBy.MAPPED):
        pieces.append((" ≈" if pairing.matched_by is MatchedBy.ALIAS else " →", Role.PROPOSED))
    return pieces


def _value_pieces(values: Values, verdict: int, width: int) -> list[Piece]:
    if not values.reference or not values.candidate:
        text = values.reference or values.candidate
        shown = shorten(Split("", text), width).differing if _is_number(text) else clip(text, width)
        nothing = ("—".ljust(width) + " ", Role.MISSING)
        there = (_left(shown, width) + " ", Role.TEXT)
        return [there, nothing] if values.reference else [nothing, there]
    bright = Role.STRONG if verdict == Verdict.DIVERGES else Role.TEXT
    common = Role.DIM
    pieces: list[Piece] = []
    for part in split(values.reference, values.candidate):
        cut = shorten(part, width)
        used = len(cut.common) + len(cut.differing) + len(cut.tail)
        pieces += [(cut.common, common), (cut.differing, bright), (cut.tail + " " * (width - used + 1), common)]
    return [piece for piece in pieces if piece[0]]


def _difference(pairing: Pairing, row: int, values: Values, verdict: int, measure: Measure, *, whole: bool) -> str:
    if verdict >= Verdict.ONLY_REFERENCE or (math.isnan(values.r) and math.isnan(values.c)):
        return ""
    if values.r == values.c:
        return "0"
    if measure is Measure.ABS:
        return short(values.abs)
    if measure is Measure.ULP:
        ulp = values.ulp
        return "" if ulp is None else f"{ulp:,}" if ulp < 1_000_000 else short(float(ulp))
    if whole:
        return short(float(pairing.rel[row]))
    return short(values.abs / _largest_component(pairing, row)) if math.isfinite(values.abs) else "inf"


def _largest_component(pairing: Pairing, row: int) -> float:
    """The largest |component| of either side: what a vector's differences are relative to."""
    sides = (
        (pairing.reference, pairing.reference_rows, 1.0),
        (pairing.candidate, pairing.candidate_rows, pairing.factor),
    )
    sizes = [
        float(np.max(np.abs(column.values[int(rows[row])] * factor), initial=0.0))
        for column, rows, factor in sides
        if column is not None and rows[row] >= 0
    ]
    return max(sizes, default=0.0)


def _is_number(text: str) -> bool:
    return bool(text) and (text[0].isdigit() or text[0] in "+-.")


def _left(text: str, width: int) -> str:
    return clip(text, width).ljust(width)


# -- groups ------------------------------------------------------------------------------------------------------------


def _varying(groups: Sequence[GroupKey], level: Level) -> tuple[int, ...]:
    """Indices into `LOOPS` of the counters that tell the groups of a level apart."""
    keys = [key.tics for key in groups if key.level == level and any(tic != ABSENT for tic in key.tics)]
    return tuple(number for number in range(len(LOOPS)) if len({key[number] for key in keys} - {ABSENT}) > 1)


def group_title(frame: Frame, header: int) -> str:
    """What a group or section holds: "run", "phi_tic 3  phi 0.6°", "phi, mosaic: 80 steps", …"""
    if header >= len(frame.groups):
        return _section_title(frame, header - len(frame.groups))
    group = header
    key = frame.groups[group]
    shown = _varying(frame.groups, key.level)
    tics = [f"{LOOPS[number]} {key.tics[number]}" for number in shown if key.tics[number] != ABSENT]
    if not tics:  # nothing tells it apart: name the innermost counter that there is
        innermost = [number for number in range(len(LOOPS)) if key.tics[number] != ABSENT]
        preferred = [number for number in innermost if LOOPS[number] == "phi_tic"] or innermost[-1:]
        tics = [f"{LOOPS[number]} {key.tics[number]}" for number in preferred]
    if key.run:
        words = ["run", *tics]
    elif key.level == Level.RUN:
        words = ["run values of this pixel", *tics]
    elif key.level == Level.SAMPLE:
        words = ["sample", *tics] if tics else ["first sample"]
    elif key.level == Level.ITERATION:
        angle = _angle(frame, group)
        words = [*(tics or ["first phi step"]), *([f"phi {angle}°"] if angle else [])]
    else:
        words = ["pixel total", *tics]
    if key.occurrence:
        words.append(f"again ({key.occurrence + 1})")
    return "  ".join(words)


def _section_title(frame: Frame, section: int) -> str:
    key = frame.groups[int(frame.section_start[section])]
    size = frame.section_size(section)
    if key.run:
        return f"run: {size} groups"
    if key.level == Level.RUN:
        return f"run values of this pixel: {size} groups"
    if key.level == Level.SAMPLE:
        return f"layer, subpixel, source: {size} samples"
    if key.level == Level.ITERATION:
        return f"phi, mosaic: {size} steps"
    return f"pixel: {size} groups"


def _angle(frame: Frame, group: int) -> str:
    for row in range(int(frame.start[group]), int(frame.start[group + 1])):
        pairing = frame.comparison.pairings[frame.pairing[row]]
        quantity: Quantity | None = pairing.quantity
        if quantity is not None and quantity.name == "phi_deg":
            values = values_of(frame.comparison, pairing, int(frame.row[row]))
            angle = values.r if values.reference else values.c
            return f"{angle:.6g}"
    return ""


def group_line(frame: Frame, header: int, width: int, *, folded: bool) -> Line:
    """The line that opens a group or a section: fold mark, title, and what is inside."""
    rows = frame.rows_of_header(header)
    total = rows.stop - rows.start
    diverging = int(frame.diverges[rows].sum())
    missing = int(((frame.verdict[rows] >= Verdict.ONLY_REFERENCE) & frame.counted[rows]).sum())
    tail: list[Piece] = []
    if diverging:
        tail.append((f"≠ {diverging:,} of {total:,}", Role.DIVERGE))
    if missing:
        tail.append((("  " if tail else "") + f"- {missing:,} missing", Role.MISSING))
    if not tail:
        tail.append((f"= all {total:,}" if total > 1 else "= 1", Role.AGREE))
    used = sum(len(text) for text, _ in tail) + 1
    is_section = header >= len(frame.groups)
    nested = not is_section and frame.section_size(int(frame.section[header])) > 1
    mark = ("   " if nested else " ") + ("▸ " if folded else "▾ ")
    lead: Line = ((mark, Role.KEY), (group_title(frame, header), Role.GROUP if nested else Role.TITLE))
    return (*fit(lead, max(4, width - used)), *tail, (" ", Role.TEXT))
