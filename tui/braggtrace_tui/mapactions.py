"""The actions of the pixel map."""

from __future__ import annotations

from braggtrace_tui.actionmodel import Action, Context, Place, Reason, Section, possible

__all__ = ["MAP_ACTIONS"]


def _needs_two(context: Context) -> str:
    return "" if context.two_images else "there is only one image"


def _needs_worst(context: Context) -> str:
    if context.divergences:
        return ""
    return "no pixel diverges at this tolerance" if context.two_images else "the image has no peaks"


def _needs_traces(context: Context) -> str:
    return "" if context.traced_map else "these images are not from traces"


def _needs_opener(context: Context) -> str:
    return "" if context.openable else "how the images were made is not known; --args FILE says it"


def _on_map(name: str, keys: tuple[str, ...], title: str, text: str, why_not: Reason = possible) -> Action:
    return Action(name, keys, title, text, Section.MAP, Place.MAP, why_not=why_not)


MAP_ACTIONS = (
    _on_map("map_down", ("down", "j"), "down", "the cursor one dot down: a pixel, or the block a dot stands for"),
    _on_map("map_up", ("up", "k"), "up", "one dot up"),
    _on_map("map_left", ("left", "h"), "left", "one dot left"),
    _on_map("map_right", ("right", "l"), "right", "one dot right"),
    _on_map("map_page_down", ("pagedown", "shift+down", "J"), "pan down", "half a page down"),
    _on_map("map_page_up", ("pageup", "shift+up", "K"), "pan up", "half a page up"),
    _on_map("map_page_left", ("shift+left", "H"), "pan left", "half a page left"),
    _on_map("map_page_right", ("shift+right", "L"), "pan right", "half a page right"),
    _on_map("map_top", ("home", "g"), "first", "the first pixel"),
    _on_map("map_bottom", ("end", "G"), "last", "the last pixel"),
    _on_map("map_go", ("slash",), "go to", "go to a pixel by its numbers, slow and fast"),
    _on_map("map_next_worst", ("n",), "next worst", "the diverging pixel that is next worst", _needs_worst),
    _on_map("map_previous_worst", ("N",), "worse", "the one before it", _needs_worst),
    _on_map("map_worst", ("w",), "worst", "the worst pixel; by ratio where the ratio is shown", _needs_worst),
    _on_map("map_reference", ("c",), "reference", "show the reference (C)"),
    _on_map("map_candidate", ("p",), "candidate", "show the candidate (PyTorch)", _needs_two),
    _on_map("map_blink", ("space",), "blink", "flip between reference and candidate", _needs_two),
    _on_map("map_difference", ("d",), "difference", "show candidate − reference", _needs_two),
    _on_map("map_ratio", ("r",), "ratio", "show candidate / reference", _needs_two),
    _on_map("map_divergences", ("v",), "divergences", "show how many traced values diverge", _needs_traces),
    _on_map("map_zoom_in", ("plus", "equals_sign"), "closer", "zoom in on the cursor"),
    _on_map("map_zoom_out", ("minus",), "farther", "zoom out"),
    _on_map("map_whole", ("0",), "all", "all of the image"),
    _on_map("map_single", ("1",), "1:1", "one pixel a dot"),
    _on_map("map_scale", ("s",), "log/linear", "logarithmic or linear levels"),
    _on_map("map_fainter", ("greater_than_sign",), "fainter", "show fainter pixels: a decade more, or half the top"),
    _on_map("map_stronger", ("less_than_sign",), "stronger", "show only stronger pixels"),
    _on_map("map_open", ("enter",), "open pixel", "open the comparison of this pixel", _needs_opener),
    _on_map(
        "map_run", ("R",), "run again", "trace the pixels in view again, or this one if they are many", _needs_opener
    ),
    _on_map("map_numbers", ("i",), "numbers", "show or hide statistics, peaks and the worst pixels"),
    _on_map("map_copy", ("y",), "copy", "copy the pixel and its values, tab-separated, all digits"),
    _on_map("map_leave", ("escape",), "leave", "back to where one came from"),
)
