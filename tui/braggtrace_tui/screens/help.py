"""The help page of the compare screen: every key of the registry, and what the signs mean."""

from __future__ import annotations

from braggtrace_tui.actions import ACTIONS, Context, Section, key_label
from braggtrace_tui.pieces import BLANK, Line, Role, wrap
from braggtrace_tui.screens.page import PageScreen

__all__ = ["HelpScreen", "help_lines"]

_SIGNS: tuple[tuple[str, str, Role], ...] = (
    ("= agrees", "within the tolerance", Role.AGREE),
    ("≠ diverges", "out of tolerance; ≠ first is the first one in step order, then in loop order", Role.DIVERGE),
    (
        "≠ STALE_VALUE, …",
        "a root: the divergence originates here; the code says what kind of mistake it is",
        Role.DIVERGE,
    ),
    (
        "≠ from rot_b",
        "inherits: right for its inputs, which differ because of rot_b; ? if it can't be replayed",
        Role.DIVERGE,
    ),
    (
        "≠ misprinted",
        "a root of which later steps used the right value; rounding: within what the digits allow",
        Role.DIVERGE,
    ),
    ("✓ with fix", "diverges as recorded, agrees with the fixes that were accepted (F)", Role.AGREE),
    ("- missing", "traced on one side only", Role.MISSING),
    ("~ proposed", "names differ, values are equal: perhaps the same quantity; not counted", Role.PROPOSED),
    ("≈ →", "after a name: matched by a known alias, by your map file", Role.PROPOSED),
)


def help_lines(context: Context, width: int) -> list[Line]:
    """The page, `width` cells wide."""
    lines: list[Line] = []
    column = 20
    for section in Section:
        lines += [((f" {section.value}", Role.TITLE),)]
        for each in ACTIONS:
            if each.section is not section:
                continue
            keys = "  ".join(key_label(key) for key in each.keys)
            reason = each.why_not(context)
            text = each.help + (f"  (not now: {reason})" if reason else "")
            for number, part in enumerate(wrap(text, max(20, width - column - 2))):
                lead = f"   {keys}".ljust(column) if number == 0 else " " * column
                lines.append(((lead, Role.DISABLED if reason else Role.KEY), (part, Role.DIM if reason else Role.TEXT)))
        lines.append(BLANK)
    lines.append(((" Signs", Role.TITLE),))
    for sign, meaning, role in _SIGNS:
        for number, part in enumerate(wrap(meaning, max(20, width - column - 2))):
            lines.append(((f"   {sign}".ljust(column) if number == 0 else " " * column, role), (part, Role.TEXT)))
    lines.append(
        (
            (" " * 3 + "digits".ljust(column - 3), Role.TEXT),
            ("common digits are dim, ", Role.DIM),
            ("differing digits bright", Role.STRONG),
        )
    )
    return lines


class HelpScreen(PageScreen):
    """All keys on one page."""

    def __init__(self, context: Context) -> None:
        super().__init__("keys", lambda width: help_lines(context, width))
