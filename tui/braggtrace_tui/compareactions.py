"""The actions of the compare screen, and those that work everywhere."""

from __future__ import annotations

from collections.abc import Iterator

from braggtrace_tui.actionmodel import Action, Context, Place, Section

__all__ = ["COMPARE_ACTIONS"]


def _needs_rows(context: Context) -> str:
    return "" if context.rows else "there are no values to look at"


def _needs_divergence(context: Context) -> str:
    if context.divergences:
        return ""
    return "nothing diverges at this tolerance" if context.complete else "nothing diverges in what has been read so far"


def _needs_pixels(context: Context) -> str:
    return "" if context.pixels > 1 else "only one pixel is traced" if context.pixels else "no pixel is traced"


def _needs_traced(context: Context) -> str:
    return "" if context.pixels else "no pixel is traced"


def _needs_iterations(context: Context) -> str:
    return "" if context.iterations > 1 else "this pixel has no phi or mosaic steps to step through"


def _needs_row(context: Context) -> str:
    return "" if context.on_row else "the cursor is on a group; move to a value first"


def _needs_files(context: Context) -> str:
    return "" if context.reloadable else "standard input can't be read twice"


def _needs_traces(context: Context) -> str:
    if not context.rows:
        return "there are no values to make evidence of"
    return "" if context.reloadable else "evidence is taken from files: standard input can't be read twice"


def _needs_saved(context: Context) -> str:
    return "" if context.saved_place else "no earlier place is known for this pair"


def _needs_earlier(context: Context) -> str:
    return "" if context.earlier else "nothing was run since these traces were opened"


def _needs_cause(context: Context) -> str:
    return _needs_divergence(context) or context.causes


def _needs_root(context: Context) -> str:
    if _needs_cause(context) or context.roots:
        return _needs_cause(context)
    return "no root is left; U undoes the last fix" if context.fixes else "no root is known"


def _needs_fix(context: Context) -> str:
    return "" if context.fixes else "no fix is accepted; F accepts one"


def _table() -> Iterator[Action]:
    move, find, step, look, judge, run, files, program, _ = Section
    yield Action("cursor_down", ("down", "j"), "down", "next line", move, why_not=_needs_rows)
    yield Action("cursor_up", ("up", "k"), "up", "previous line", move, why_not=_needs_rows)
    yield Action("page_down", ("pagedown", "ctrl+f"), "page down", "a page further", move, why_not=_needs_rows)
    yield Action("page_up", ("pageup",), "page up", "a page back", move, why_not=_needs_rows)
    yield Action("top", ("home", "g"), "top", "first line", move, why_not=_needs_rows)
    yield Action("bottom", ("end", "G"), "bottom", "last line", move, why_not=_needs_rows)
    yield Action(
        "toggle",
        ("space",),
        "fold",
        "fold or open a group; expand a vector into components",
        move,
        footer=60,
        why_not=_needs_rows,
    )
    yield Action("fold_all", ("z",), "fold all", "fold every group, or open every group", move, why_not=_needs_rows)

    yield Action(
        "next_divergence",
        ("n",),
        "next ≠",
        "next diverging value, in this pixel or a later one",
        find,
        footer=10,
        why_not=_needs_divergence,
    )
    yield Action(
        "previous_divergence", ("N",), "previous ≠", "previous diverging value", find, why_not=_needs_divergence
    )
    yield Action(
        "first_divergence",
        ("f",),
        "first",
        "the first divergence in step order",
        find,
        footer=20,
        why_not=_needs_divergence,
    )
    yield Action("worst_divergence", ("w",), "worst", "the value that is furthest off", find, why_not=_needs_divergence)
    yield Action(
        "only_divergent",
        ("d",),
        "only ≠",
        "show only what diverges, or everything",
        find,
        footer=30,
        why_not=_needs_rows,
    )
    yield Action(
        "filter",
        ("slash",),
        "filter",
        "show only quantities whose name holds what you type; * and ? match anything; Esc ends it",
        find,
        footer=40,
        why_not=_needs_rows,
    )
    yield Action("clear", ("escape",), "clear", "end the filter, close what is open; cancel the run", find)

    yield Action(
        "next_step",
        ("right", "l"),
        "step",
        "the same quantity at the next phi or mosaic step",
        step,
        footer=50,
        why_not=_needs_iterations,
    )
    yield Action(
        "previous_step",
        ("left", "h"),
        "step back",
        "the same quantity at the previous phi or mosaic step",
        step,
        why_not=_needs_iterations,
    )
    yield Action(
        "next_same",
        ("s",),
        "same ≠",
        "the next place where this quantity diverges",
        step,
        footer=55,
        why_not=_needs_row,
    )
    yield Action(
        "previous_same",
        ("S",),
        "same ≠ back",
        "the previous place where this quantity diverges",
        step,
        why_not=_needs_row,
    )
    yield Action(
        "next_pixel",
        ("right_square_bracket", "shift+right"),
        "next pixel",
        "the same quantity in the next pixel",
        step,
        why_not=_needs_pixels,
    )
    yield Action(
        "previous_pixel",
        ("left_square_bracket", "shift+left"),
        "previous pixel",
        "the same quantity in the previous pixel",
        step,
        why_not=_needs_pixels,
    )
    yield Action(
        "pixels", ("p",), "pixels", "every pixel, worst first; Enter goes there", step, footer=70, why_not=_needs_pixels
    )
    yield Action(
        "left_off",
        ("grave_accent",),
        "left off",
        "back to where an earlier session left off",
        step,
        why_not=_needs_saved,
    )

    yield Action(
        "open_map",
        ("m",),
        "map",
        "the traced pixels as heat maps: intensities, differences, divergences",
        look,
        why_not=_needs_traced,
    )
    yield Action(
        "causes",
        ("C",),
        "causes",
        "why it diverges: the roots as a tree, what inherits from each, what each matters; Enter goes there",
        look,
        footer=12,
        why_not=_needs_cause,
    )
    yield Action("details", ("enter",), "details", "show or hide the detail pane", look, footer=45, why_not=_needs_rows)
    yield Action(
        "detail_down", ("J", "ctrl+down"), "details down", "scroll the detail pane down", look, why_not=_needs_rows
    )
    yield Action("detail_up", ("K", "ctrl+up"), "details up", "scroll the detail pane up", look, why_not=_needs_rows)
    yield Action("measure", ("u",), "rel/abs/ULP", "show differences as rel, abs or ULP", look, why_not=_needs_rows)
    yield Action(
        "axis",
        ("a",),
        "axis",
        "draw the plot along another loop: phi, mosaic, source, subpixel",
        look,
        why_not=_needs_row,
    )

    yield Action(
        "fix",
        ("F",),
        "fix",
        "fix and go on: take the root under the cursor, or the first, as mended; judge what follows, go to the next",
        judge,
        footer=22,
        why_not=_needs_root,
    )
    yield Action("undo_fix", ("U",), "undo fix", "take the last fix back", judge, why_not=_needs_fix)
    yield Action(
        "looser",
        ("plus", "equals_sign"),
        "looser",
        "multiply the relative tolerance by ten and judge again",
        judge,
        footer=80,
        why_not=_needs_rows,
    )
    yield Action(
        "tighter",
        ("minus",),
        "tighter",
        "divide the relative tolerance by ten and judge again",
        judge,
        footer=81,
        why_not=_needs_rows,
    )
    yield Action(
        "own_tolerance",
        ("0",),
        "own tolerance",
        "back to the tolerances given on the command line",
        judge,
        why_not=_needs_rows,
    )

    yield Action(
        "rerun",
        ("R",),
        "run",
        "trace this pixel, or a ROI, again: a form, filled in; Enter there runs it",
        run,
        footer=15,
        why_not=_needs_rows,
    )
    yield Action("runs", ("L",), "runs", "the runs that are kept: open, compare two, change one thing, delete", run)
    yield Action(
        "sweep",
        ("V",),
        "vary",
        "trace the same pixels over dtype, device, phi mode and profile: which agree, where each first diverges",
        run,
        why_not=_needs_rows,
    )
    yield Action("engine", ("M",), "engine", "the machine that runs them: its state, reconnect, use another", run)
    yield Action("earlier", ("B",), "back", "back to the comparison before the last run", run, why_not=_needs_earlier)

    yield Action(
        "copy",
        ("y",),
        "copy",
        "copy one value, the quantity or its place: a second key chooses",
        files,
        footer=90,
        why_not=_needs_row,
    )
    yield Action(
        "copy_row", ("Y",), "copy row", "copy the whole row, tab-separated, all digits", files, why_not=_needs_row
    )
    yield Action(
        "export",
        ("e",),
        "export",
        "write a report (text, JSON, Markdown) or a picture of the screen: a second key chooses",
        files,
        footer=85,
        why_not=_needs_rows,
    )
    yield Action(
        "evidence",
        ("E",),
        "evidence",
        "make evidence of this comparison: one folder to hand over and to verify; Enter in the form makes it",
        files,
        why_not=_needs_traces,
    )
    yield Action(
        "bundles", ("b",), "bundles", "the evidence that is kept, as a history: open one or two, verify", files
    )
    yield Action("reload", ("r",), "reload", "read both files again", files, why_not=_needs_files)
    yield Action("open", ("o",), "open", "open another file on either side", files)

    yield Action("help", ("question_mark", "f1"), "help", "this page", program, Place.EVERYWHERE, footer=1)
    yield Action("palette", ("ctrl+p",), "commands", "find a command by typing", program, Place.EVERYWHERE)
    yield Action(
        "theme", ("t",), "theme", "next theme: dark, light, colour-blind-safe, ansi", program, Place.EVERYWHERE
    )
    yield Action("redraw", ("ctrl+l",), "redraw", "draw the screen anew", program, Place.EVERYWHERE)
    yield Action("suspend", ("ctrl+z",), "suspend", "back to the shell; fg returns", program, Place.EVERYWHERE)
    yield Action(
        "quit",
        ("q", "ctrl+q"),
        "quit",
        "leave; the terminal is restored",
        program,
        Place.EVERYWHERE,
        footer=2,
    )
    yield Action(
        "interrupt", ("ctrl+c",), "interrupt", "cancel the run; leave if there is none", program, Place.EVERYWHERE
    )


COMPARE_ACTIONS = tuple(_table())
