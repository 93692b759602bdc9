"""The rows of the registry that belong to the pixel map; `braggtrace_tui.actions` makes them actions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from braggtrace_tui.actions import Context

__all__ = ["MAP_ROWS", "MapRow"]


def _always(_: Context) -> str:
    return ""


def _needs_two(context: Context) -> str:
    return "" if context.two_images else "there is only one image"


def _needs_worst(context: Context) -> str:
    if context.divergences:
        return ""
    return "no pixel diverges at this tolerance" if context.two_images else "the image has no peaks"


def _needs_traces(context: Context) -> str:
    return "" if context.traced_map else "these images are not from traces"


def _needs_opener(context: Context) -> str:
    return "" if context.openable else "there is no trace to open here"


@dataclass(frozen=True, slots=True)
class MapRow:
    """One action of the map, as in `braggtrace_tui.actions.Action`."""

    id: str
    keys: tuple[str, ...]
    title: str
    help: str
    why_not: Callable[[Context], str] = _always


MAP_ROWS = (
    MapRow("map_down", ("down", "j"), "down", "the cursor one dot down: a pixel, or the block that the dot stands for"),
    MapRow("map_up", ("up", "k"), "up", "one dot up"),
    MapRow("map_left", ("left", "h"), "left", "one dot left"),
    MapRow("map_right", ("right", "l"), "right", "one dot right"),
    MapRow("map_page_down", ("pagedown", "shift+down", "J"), "pan down", "half a page down"),
    MapRow("map_page_up", ("pageup", "shift+up", "K"), "pan up", "half a page up"),
    MapRow("map_page_left", ("shift+left", "H"), "pan left", "half a page left"),
    MapRow("map_page_right", ("shift+right", "L"), "pan right", "half a page right"),
    MapRow("map_top", ("home", "g"), "first", "the first pixel"),
    MapRow("map_bottom", ("end", "G"), "last", "the last pixel"),
    MapRow("map_go", ("slash",), "go to", "go to a pixel by its numbers, slow and fast"),
    MapRow("map_next_worst", ("n",), "next worst", "the diverging pixel that is next worst", _needs_worst),
    MapRow("map_previous_worst", ("N",), "worse", "the one before it", _needs_worst),
    MapRow("map_worst", ("w",), "worst", "the worst pixel; by ratio where the ratio is shown", _needs_worst),
    MapRow("map_reference", ("c",), "reference", "show the reference (C)"),
    MapRow("map_candidate", ("p",), "candidate", "show the candidate (PyTorch)", _needs_two),
    MapRow("map_blink", ("space",), "blink", "flip between reference and candidate", _needs_two),
    MapRow("map_difference", ("d",), "difference", "show candidate − reference", _needs_two),
    MapRow("map_ratio", ("r",), "ratio", "show candidate / reference", _needs_two),
    MapRow("map_divergences", ("v",), "divergences", "show how many traced values diverge", _needs_traces),
    MapRow("map_zoom_in", ("plus", "equals_sign"), "closer", "zoom in on the cursor"),
    MapRow("map_zoom_out", ("minus",), "farther", "zoom out"),
    MapRow("map_whole", ("0",), "all", "all of the image"),
    MapRow("map_single", ("1",), "1:1", "one pixel a dot"),
    MapRow("map_scale", ("s",), "log/linear", "logarithmic or linear levels"),
    MapRow("map_fainter", ("greater_than_sign",), "fainter", "show fainter pixels: a decade more, or half the top"),
    MapRow("map_stronger", ("less_than_sign",), "stronger", "show only stronger pixels"),
    MapRow("map_open", ("enter",), "open pixel", "open the comparison of this pixel", _needs_opener),
    MapRow(
        "map_run", ("R",), "run again", "trace the pixels in view again, or this one if they are many", _needs_opener
    ),
    MapRow("map_numbers", ("i",), "numbers", "show or hide statistics, peaks and the worst pixels"),
    MapRow("map_copy", ("y",), "copy", "copy the pixel and its values, tab-separated, all digits"),
    MapRow("map_leave", ("escape",), "leave", "back to where one came from"),
)
