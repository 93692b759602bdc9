"""Two values one above the other, so that their digits can be compared by eye."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from braggtrace.compare.model import Divergence
from braggtrace.compare.report.words import cut

__all__ = ["value_rows"]

_LONGEST = 40  # a number is shorter; words can have any length
_IN_A_ROW = 3
_NUMBER = re.compile(r"([-+]?\d*)(\.\d*)?([eE][-+]?\d+)?")


def value_rows(pair: Divergence) -> Iterator[tuple[str, str]]:
    """Title and text of each row: three components at a time, decimal points aligned, marks where digits differ.

    Args:
        pair: a pair that both sides have.
    """
    ours = [cut(span.text, _LONGEST) for span in pair.reference]
    theirs = [cut(span.text, _LONGEST) for span in pair.candidate]
    sides = [("reference", ours), ("candidate", theirs)]
    if pair.conversion:
        theirs = [f"{value:.17g}" for value in pair.candidate_values]
        sides.append((f"in {pair.unit or 'its unit'}", theirs))
    differ = [
        mine != yours and text != other
        for mine, yours, text, other in zip(pair.reference_values, pair.candidate_values, ours, theirs, strict=True)
    ]
    for begin in range(0, len(ours), _IN_A_ROW):
        part = slice(begin, begin + _IN_A_ROW)
        cells = [_aligned([texts[at] for _, texts in sides]) for at in range(*part.indices(len(ours)))]
        for row, (title, _) in enumerate(sides):
            yield title, "   ".join(cell[row] for cell in cells).rstrip()
        marks = "   ".join(
            _marks(cell[0], cell[-1]) if is_other else " " * len(cell[0])
            for cell, is_other in zip(cells, differ[part], strict=True)
        )
        if marks.strip():
            yield "", marks.rstrip()


def _aligned(texts: Sequence[str]) -> list[str]:
    """Texts of equal length; the decimal points of numbers stand above each other."""
    heads = [len(match[1]) if (match := _NUMBER.fullmatch(text)) else 0 for text in texts]
    moved = [" " * (max(heads) - head) + text for head, text in zip(heads, texts, strict=True)]
    width = max(map(len, moved))
    return [text.ljust(width) for text in moved]


def _marks(ours: str, theirs: str) -> str:
    """Marks under two texts of equal length, from the first character on in which they differ."""
    same = next((at for at, (mine, yours) in enumerate(zip(ours, theirs, strict=True)) if mine != yours), len(ours))
    end = max(len(ours.rstrip()), len(theirs.rstrip()))
    return (" " * same + "^" * (end - same)).ljust(len(ours))
