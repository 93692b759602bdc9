"""The explanation of a divergence: plain data that every face only renders. No torch, no arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["SCHEMA", "Amplified", "Budget", "Cause", "Explanation", "Root", "Traced", "jsonable"]

SCHEMA = "braggtrace.explanation/1"


@dataclass(frozen=True, slots=True)
class Cause:
    """What kind of mistake a root is.

    Attributes:
        code: one of `braggtrace.causes.codes.Code`.
        sentence: what the wrong value is, to stand after "the value is".
        confidence: how likely the code is right, 0 to 1, as calibrated on the corpus; 0 where no cause is claimed.
        evidence: numbers before and after the change: `recorded`, `step_gives`, `with_change` (components at the
            root's coordinate), `apart_before` and `apart_after` (relative), `digits`, `rows`, `rows_explained`; `bits`
            by which it beats chance, and `lead` by which it beats the next cause.
        look_at: what to look at next.
        quirk: the named quirk of the C program that it is, "" if none.
    """

    code: str
    sentence: str
    confidence: float
    evidence: Mapping[str, Any]
    look_at: str
    quirk: str = ""


@dataclass(frozen=True, slots=True)
class Amplified:
    """One quantity on the way from a root to the pixel.

    Attributes:
        quantity: its name.
        relative: the relative difference between the sides.
        source: the input that carries the difference.
        source_relative: that input's relative difference.
        factor: the first over the second.
        condition: the relative condition number of the step for that input, where it could be replayed.
        reason: why it is large, "" if it is not.
    """

    quantity: str
    relative: float
    source: str
    source_relative: float
    factor: float
    condition: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Root:
    """A quantity at which a divergence originates.

    Attributes:
        id: names the root within the explanation.
        quantity: as the trace calls it.
        node: the step that computes it.
        coordinate: where it was met first: `pixel` and loop counters.
        where: the same in words, "" for the run.
        coordinates: how many rows it originates at, in the pixels that were looked at.
        side: "reference", "candidate" or "unknown".
        verdict: "originates", "printed wrong" (later steps used the right value), "differs" (an input of the run, or a
            step that can't be replayed).
        masked: its own pairs agree within tolerance; only what comes from it diverges.
        formula: of the step.
        inputs: what it was replayed from.
        missing: inputs that a replay would need.
        recorded: side -> components at the coordinate.
        step_gives: components that the step gives for the inputs of `side`; () if it can't be replayed.
        cause: the likeliest.
        rivals: others that fit as well, likeliest first.
        inherited: how many later quantities diverge because of it.
        inherited_by: their names, in dataflow order.
        share_of_final: the part of the difference in the pixel's value that goes when it is mended, None if unknown.
        factor_of_final: the factor by which mending it changes the ratio of the two pixel values.
        sensitivity: relative change of the pixel's value over relative change of this quantity, None if unknown.
        amplification: how the difference grows on its way.
        sentence: the root in plain words.
        pairing: index of the pairing in the comparison, −1 if it was recorded on one side only.
        row: row of that pairing.
    """

    id: str
    quantity: str
    node: str
    coordinate: Mapping[str, Any]
    where: str
    coordinates: int
    side: str
    verdict: str
    masked: bool
    formula: str
    inputs: tuple[str, ...]
    missing: tuple[str, ...]
    recorded: Mapping[str, tuple[float, ...]]
    step_gives: tuple[float, ...]
    cause: Cause
    rivals: tuple[Cause, ...]
    inherited: int
    inherited_by: tuple[str, ...]
    share_of_final: float | None
    factor_of_final: float | None
    sensitivity: float | None
    amplification: tuple[Amplified, ...]
    sentence: str
    pairing: int = -1
    row: int = -1

    @property
    def cause_and_rivals(self) -> tuple[Cause, ...]:
        """All causes, the likeliest first."""
        return (self.cause, *self.rivals)


@dataclass(frozen=True, slots=True)
class Budget:
    """Where the difference of one pixel's final value comes from.

    Attributes:
        quantity: what is taken as the final value.
        pixel: slow, fast; None if the trace doesn't name it.
        reference, candidate: the two values.
        ratio: candidate over reference.
        product: the product of the roots' factors.
        explained: the part of the difference that the roots make up.
        remainder: the part that is left.
    """

    quantity: str
    pixel: tuple[int, int] | None
    reference: float
    candidate: float
    ratio: float
    product: float
    explained: float
    remainder: float


@dataclass(frozen=True, slots=True)
class Traced:
    """The verdict on one quantity that diverges.

    Attributes:
        quantity: as the trace calls it.
        verdict: "originates", "inherits", "printed wrong", "differs", "rounding", "not replayable", "masked".
        side: for what originates.
        roots: ids of the roots that it is or inherits from.
        rows: diverging rows that were looked at.
        missing: inputs that a replay would need.
        pairing: index of the pairing, and the rows of it that each entry of `states` is about.
        pair_rows: see above.
        states: verdict of each of these rows.
        row_roots: ids of the roots of each of these rows.
    """

    quantity: str
    verdict: str
    side: str
    roots: tuple[str, ...]
    rows: int
    missing: tuple[str, ...]
    pairing: int
    pair_rows: tuple[int, ...] = ()
    states: tuple[str, ...] = ()
    row_roots: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why two traces diverge.

    Attributes:
        headline: the answer in one or two sentences.
        roots: in step order; the first is the headline's.
        accepted: ids of roots that were taken as mended.
        quantities: the verdict on every diverging quantity, in dataflow order.
        profiles: side -> profiles whose quirks it shows, () if it shows none.
        quirks: side -> quirk -> "on", "off" or "mixed".
        budget: of the first pixel whose final value differs.
        pixels: (slow, fast) of the pixels that were looked at.
        diverging_pixels: how many pixels diverge in all.
        notes: what a person should know.
        seconds: how long it took.
    """

    headline: str
    roots: tuple[Root, ...]
    accepted: tuple[str, ...]
    quantities: tuple[Traced, ...]
    profiles: Mapping[str, tuple[str, ...]]
    quirks: Mapping[str, Mapping[str, str]]
    budget: Budget | None
    pixels: tuple[tuple[int, int] | None, ...]
    diverging_pixels: int
    notes: tuple[str, ...]
    seconds: float = 0.0

    def to_json(self, *, rows: bool = False) -> dict[str, Any]:
        """As JSON values, schema `braggtrace.explanation/1`.

        Args:
            rows: with the verdict of every diverging row.
        """
        document = {"schema": SCHEMA, **jsonable(self)}
        if not rows:
            for each in document["quantities"]:
                for key in ("pair_rows", "states", "row_roots"):
                    each.pop(key)
        return document


def jsonable(value: Any) -> Any:
    """A value as JSON can hold it; numbers that are not finite become words, as in the report."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): jsonable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(each) for each in value]
    slots = getattr(value, "__dataclass_fields__", None)
    if slots is not None:
        return {name: jsonable(getattr(value, name)) for name in slots}
    return value
