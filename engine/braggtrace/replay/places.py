"""Rows of tables in words."""

from __future__ import annotations

from typing import Any

from braggtrace.replay.nodes import PLACES, Place
from braggtrace.replay.tables import Tables

__all__ = ["coordinate_words", "coordinates", "place_words"]


def coordinates(tables: Tables, place: Place, row: int) -> dict[str, Any]:
    """Where a row lies: `pixel` as [slow, fast], None for the run, and the loop counters."""
    out: dict[str, Any] = {"pixel": None}
    for name, value in zip(PLACES[place], tables.keys[place][row].tolist(), strict=True):
        out[name] = _pixel(tables, value) if name == "pixel" else value
    return out


def _pixel(tables: Tables, number: int) -> list[int] | None:
    slow, fast = tables.pixels[number].tolist()
    return None if slow < 0 else [slow, fast]


def coordinate_words(tables: Tables, place: Place, row: int) -> str:
    """`pixel 1639 966, phi_tic 0`: the pixel, and the counters that vary; "" for the run."""
    found = coordinates(tables, place, row)
    pixel = found.pop("pixel")
    words = [] if pixel is None else [f"pixel {pixel[0]} {pixel[1]}"]
    varying = [name for name in PLACES[place] if tables.varies(place, name)]
    return ", ".join(words + [f"{name} {found[name]}" for name in varying if name in found])


def place_words(tables: Tables, place: Place, there: int, here: int) -> str:
    """`at phi_tic 9 of the previous pixel`: one row as seen from another."""
    ours, theirs = coordinates(tables, place, here), coordinates(tables, place, there)
    words = [
        f"{name} {theirs[name]}"
        for name in PLACES[place]
        if name != "pixel" and (ours[name] != theirs[name] or name == "phi_tic") and tables.varies(place, name)
    ]
    at = f"at {', '.join(words)}" if words else ""
    if ours["pixel"] != theirs["pixel"] and "pixel" in PLACES[place]:
        before = int(tables.keys[place][there, 0]) == int(tables.keys[place][here, 0]) - 1
        pixel = theirs["pixel"]
        which = "the previous pixel" if before or pixel is None else f"pixel {pixel[0]} {pixel[1]}"
        return f"{at} of {which}".strip() if at else f"for {which}"
    if there > here:
        return f"{at} (as the pixel before left it)" if at else "at a later time"
    return at or "at an earlier time"
