"""The header line and the verdict in words. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass

from braggtrace.compare.model import Comparison, Status
from braggtrace.compare.view import sentence
from braggtrace_tui.digits import count
from braggtrace_tui.frame import Frame
from braggtrace_tui.pieces import Line, Piece, Role, plain, wrap
from braggtrace_tui.rowtext import group_title
from braggtrace_tui.whytext import fixes_words

__all__ = ["Header", "header_line", "progress_bar", "verdict_lines"]


@dataclass(frozen=True, slots=True)
class Header:
    """What the header says.

    Attributes:
        frame: the pixel that is shown, None while there is nothing.
        group: the group under the cursor.
        tolerance: the global tolerance in words.
        fraction: how much has been read; 1 when everything has.
        filtered: what the filter says, "" for none.
        only: only divergences are shown.
        fixes: how many fixes are accepted.
    """

    frame: Frame | None
    group: int | None
    tolerance: str
    fraction: float = 1.0
    filtered: str = ""
    only: bool = False
    fixes: int = 0


def progress_bar(fraction: float, width: int = 10) -> str:
    """A bar of blocks, and the percentage: repainted only when a block or a per cent changes."""
    full = min(width, int(fraction * width))
    return "█" * full + "░" * (width - full) + f" {min(99, int(fraction * 100)):2d} %"


def header_line(header: Header, width: int) -> Line:
    """Pixel, step, tolerance and totals; shorter words where the terminal is narrow."""
    for wordy in (3, 2, 1, 0):
        left, right = _left(header, wordy), _right(header, wordy)
        used = len(plain(left)) + len(plain(right))
        if used + 2 <= width or wordy == 0:
            gap: Piece = (" " * max(1, width - used - 1), Role.TEXT)
            return (*left, gap, *right, (" ", Role.TEXT))
    raise AssertionError  # the last turn returns


def _left(header: Header, wordy: int) -> Line:
    pieces: list[Piece] = [(" ", Role.TEXT)]
    frame = header.frame
    if frame is not None:
        where = frame.pixel_coordinates
        total = len(frame.comparison.pixels)
        if where is None and frame.pixel >= 0:
            pieces.append(("unnamed pixel", Role.TITLE))
        elif where is not None:
            name = "pixel (slow, fast)" if wordy == 3 else "pixel"
            named = where[0] >= 0
            pieces.append((f"{name} {where[0]} {where[1]}" if named else "unnamed pixel", Role.TITLE))
        if total > 1 and wordy:
            pieces.append(
                (f"  {frame.pixel + 1:,} of {total:,}" if wordy > 1 else f" {frame.pixel + 1}/{total}", Role.DIM)
            )
        if header.group is not None and header.group < frame.headers:
            pieces.append(("  " + group_title(frame, header.group), Role.TEXT))
    pieces.append(((" " if wordy == 0 else "  ") + header.tolerance, Role.KEY))
    if header.fixes:
        pieces.append((f"  ✓ {fixes_words(header.fixes)}", Role.AGREE))
    if header.only:
        pieces.append(("  only ≠", Role.DIVERGE))
    if header.filtered:
        pieces.append((f"  /{header.filtered}", Role.PROPOSED))
    return tuple(pieces)


def _right(header: Header, wordy: int) -> Line:
    if header.frame is None:
        return ()
    counts = header.frame.comparison.counts
    # Until both sides are read to the end, one is ahead of the other: nothing is missing yet.
    missing = counts.only_reference + counts.only_candidate if header.fraction >= 1 else 0
    words = wordy >= 2
    pieces: list[Piece] = []
    if header.fraction < 1:
        pieces.append(
            (("INDEXING " if wordy else "") + progress_bar(header.fraction, 10 if words else 4) + "  ", Role.KEY)
        )
    if wordy:
        pieces.append((f"{count(counts.compared)}{' compared' if words else ''}  ", Role.DIM))
    pieces.append((f"= {count(counts.agree)}{' agree' if words else ''}  ", Role.AGREE))
    pieces.append(
        (f"≠ {count(counts.diverge)}{' diverge' if words else ''}", Role.DIVERGE if counts.diverge else Role.DIM)
    )
    if missing:
        pieces.append((f"  - {count(missing)}{' missing' if words else ''}", Role.MISSING))
    return tuple(pieces)


def verdict_lines(comparison: Comparison, width: int, *, complete: bool = True) -> list[Line]:
    """The answer in words, two lines at most."""
    if comparison.first is not None:
        glyph, role = "≠", Role.FIRST
    elif comparison.status is Status.AGREES:
        glyph, role = "=", Role.AGREE
    else:
        glyph, role = "-", Role.MISSING
    text = sentence(comparison)
    if not complete and comparison.first is None:
        glyph, role, text = "…", Role.TEXT, "nothing diverges in what has been read so far"
    elif comparison.status is Status.INCONCLUSIVE:
        glyph, role, text = "-", Role.MISSING, f"inconclusive: {text}"
    return [((" " + line, role),) for line in wrap(f"{glyph} {text}", width - 2, 2)]
