"""The help page: every key of the registry, and what the signs mean."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from braggtrace_tui.actions import ACTIONS, Context, Section, key_label
from braggtrace_tui.pieces import BLANK, Line, Role, wrap
from braggtrace_tui.widgets.linelist import LineList
from braggtrace_tui.widgets.paper import Paper

__all__ = ["HelpScreen", "help_lines"]

_SIGNS: tuple[tuple[str, str, Role], ...] = (
    ("= agrees", "within the tolerance", Role.AGREE),
    ("≠ diverges", "out of tolerance; ≠ first is the first one in step order, then in loop order", Role.DIVERGE),
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


class _Page(LineList):
    """The lines of the page."""

    def __init__(self, context: Context) -> None:
        super().__init__(id="page")
        self.possible = context
        self.made: list[Line] = []
        self.made_for = 0

    @property
    def line_count(self) -> int:
        if self.made_for != self.size.width:
            self.made, self.made_for = help_lines(self.possible, self.size.width), self.size.width
        return len(self.made)

    def line(self, number: int) -> Line:
        return self.made[number]

    def on_mount(self) -> None:
        self.cursor = -1


class HelpScreen(Screen[None]):
    """All keys on one page."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter,f1", "close", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("pagedown,space", "scroll(15)", show=False),
        Binding("pageup", "scroll(-15)", show=False),
        Binding("home,g", "scroll(-999)", show=False),
        Binding("end,G", "scroll(999)", show=False),
    ]

    def compose(self) -> ComposeResult:
        below = self.app.screen_stack[-2] if len(self.app.screen_stack) > 1 else None
        yield Paper(id="title")
        yield _Page(
            getattr(below, "context", None) or Context(rows=1, divergences=1, pixels=2, iterations=2, on_row=True)
        )
        yield Paper(id="hint")

    def on_mount(self) -> None:
        self.query_one("#title", Paper).show([((" braggtrace: keys", Role.TITLE),)])
        self.query_one("#hint", Paper).show(
            [((" Esc", Role.KEY), (" back   ", Role.TEXT), ("↑ ↓ PgUp PgDn", Role.KEY), (" scroll", Role.TEXT))]
        )
        self.query_one(_Page).focus()

    def action_close(self) -> None:
        self.app.pop_screen()

    def action_scroll(self, lines: int) -> None:
        page = self.query_one(_Page)
        page.scroll_by(lines)
        page.cursor = -1
