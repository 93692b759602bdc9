"""The result of a comparison: plain data that every report, the screen and the exit status only render."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from braggtrace.compare.options import DEFAULT_OPTIONS, Options
from braggtrace.compare.tolerance import Tolerance
from braggtrace.quantities import Kind, Level, Quantity
from braggtrace.trace.model import Column, Coordinate, Span, Trace

__all__ = ["NO_COUNTS", "Comparison", "Counts", "Divergence", "MatchedBy", "Pairing", "Status", "Verdict"]

Rows: TypeAlias = npt.NDArray[np.int32]


class Status(StrEnum):
    """The answer of a whole comparison."""

    AGREES = "AGREES"
    DIVERGES = "DIVERGES"
    INCONCLUSIVE = "INCONCLUSIVE"

    @property
    def exit_status(self) -> int:
        """The exit status of the command line: 0 agree, 1 diverge, 3 inconclusive."""
        return {"AGREES": 0, "DIVERGES": 1, "INCONCLUSIVE": 3}[self.value]


class Verdict(IntEnum):
    """The answer for one pair of values."""

    AGREES = 0
    DIVERGES = 1
    ONLY_REFERENCE = 2
    ONLY_CANDIDATE = 3


class MatchedBy(StrEnum):
    """How the two names of a pairing were found to be the same quantity."""

    EXACT = "exact"
    ALIAS = "alias"
    MAPPED = "mapped"
    PROPOSED = "proposed"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many values compare, agree, diverge and are missing on one side.

    A value is one quantity at one coordinate; a vector is one value. Proposed pairings don't count as compared: their
    values are among those on one side only.
    """

    compared: int
    agree: int
    diverge: int
    only_reference: int
    only_candidate: int

    def __add__(self, other: Counts) -> Counts:
        """The totals of both."""
        return Counts(
            self.compared + other.compared,
            self.agree + other.agree,
            self.diverge + other.diverge,
            self.only_reference + other.only_reference,
            self.only_candidate + other.only_candidate,
        )


NO_COUNTS = Counts(0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Pairing:
    """One quantity on both sides, or on one side only: parallel arrays over n coordinates in loop order.

    Attributes:
        reference: the reference's column, None if only the candidate has the quantity.
        candidate: the candidate's column, None if only the reference has the quantity.
        matched_by: how the names were matched; PROPOSED pairings are shown but not counted.
        factor: the candidate's values are multiplied by this to be in the reference's unit; 1 mostly.
        conversion: "mm → m" where factor is not 1, else "".
        tolerance: the rule that judged this quantity.
        kind: how its values were compared.
        level: the loop level it is ranked in.
        order: its rank in step order, unique among the pairings.
        pixel: (n,) index into `Comparison.pixels`, −1 at run level.
        reference_rows: (n,) row of the reference's column, −1 where it has none.
        candidate_rows: (n,) row of the candidate's column, −1 where it has none.
        verdict: (n,) `Verdict` values.
        counts: totals; those of a PROPOSED pairing say how it would count.
        first: the first diverging row, −1 if none diverges.
        worst: the diverging row with the largest rel (of all rows if none diverges), −1 if no row has a rel.
        rel: (n,) largest |r − c| of the components over the largest |component| of either side; nan if one side is
            missing or is text, inf if only one is finite or both are NaN without `equal_nan`.
    """

    reference: Column | None
    candidate: Column | None
    matched_by: MatchedBy
    factor: float
    conversion: str
    tolerance: Tolerance
    level: Level
    order: int
    pixel: Rows
    reference_rows: Rows
    candidate_rows: Rows
    verdict: npt.NDArray[np.uint8]
    rel: npt.NDArray[np.float64]
    counts: Counts = NO_COUNTS
    first: int = -1
    worst: int = -1
    kind: Kind = Kind.REAL

    def __len__(self) -> int:
        return len(self.verdict)

    @property
    def name(self) -> str:
        """The reference's name of the quantity, or the candidate's where the reference has none."""
        column = self.candidate if self.reference is None else self.reference
        assert column is not None  # a pairing has at least one side
        return column.key.name

    @property
    def quantity(self) -> Quantity | None:
        """The catalogue row, if either name is known."""
        known = (column.quantity for column in (self.reference, self.candidate) if column is not None)
        return next((quantity for quantity in known if quantity is not None), None)


@dataclass(frozen=True, slots=True)
class Divergence:
    """One pair of values in full: what a report prints and the detail pane explains (agreeing pairs too).

    Attributes:
        quantity: the reference's name (the candidate's where the reference has none).
        candidate_name: the candidate's name, "" where it has none.
        component: index of the worst component.
        coordinate: where the pair was taken.
        verdict: the answer for the pair.
        reference: the reference's components as written, () where it has none.
        candidate: the candidate's components as written, () where it has none.
        reference_values: the components as numbers.
        candidate_values: the components as numbers, in the reference's unit.
        abs: |r − c| of the worst component.
        rel: `abs` over the largest |component| of either side.
        ulp: float64 steps between the two, of the worst component; None if either is not finite.
        digits: leading decimal digits on which the worst component agrees.
        smallest_passing_rtol: the smallest rtol with which the pair agrees; None if no rtol helps.
        matched_by, conversion, tolerance, unit: as in `Pairing` and the catalogue.
    """

    quantity: str
    candidate_name: str
    component: int
    coordinate: Coordinate
    verdict: Verdict
    reference: tuple[Span, ...]
    candidate: tuple[Span, ...]
    reference_values: tuple[float, ...]
    candidate_values: tuple[float, ...]
    abs: float
    rel: float
    ulp: int | None
    digits: int
    smallest_passing_rtol: float | None
    matched_by: MatchedBy
    conversion: str
    tolerance: Tolerance
    unit: str


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two traces, aligned and judged.

    Attributes:
        reference, candidate: the traces.
        status: the answer.
        first: index pair (pairing, row) of the first divergence in step order, or None.
        worst: index pair (pairing, row) of the diverging pair with the largest rel (of all pairs if none diverges), or
            None.
        counts: totals.
        smallest_passing_rtol: the smallest global rtol with which everything compared agrees; None if no rtol helps.
        pixels: (p, 2) slow, fast of every pixel of either trace, in loop order.
        pairings: every quantity, in step order.
        notes: sentences a person should know (why inconclusive, which pixel was assumed to be which, …).
        options: how it was aligned and judged.
    """

    reference: Trace
    candidate: Trace
    status: Status
    first: tuple[int, int] | None
    worst: tuple[int, int] | None
    counts: Counts
    smallest_passing_rtol: float | None
    pixels: npt.NDArray[np.int32]
    pairings: Sequence[Pairing]
    notes: tuple[str, ...]
    options: Options = DEFAULT_OPTIONS
