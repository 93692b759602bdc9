"""A page of lines that scroll: what both help pages are."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from braggtrace_tui.pieces import Line, Role
from braggtrace_tui.widgets.linelist import LineList
from braggtrace_tui.widgets.paper import Paper

__all__ = ["PageScreen"]


class _Page(LineList):
    """The lines of the page, made anew for another width."""

    def __init__(self, make: Callable[[int], list[Line]]) -> None:
        super().__init__(id="page")
        self._make = make
        self._lines: list[Line] = []
        self._made_for = 0
        self.cursor = -1

    @property
    def line_count(self) -> int:
        if self._made_for != self.size.width:
            self._lines, self._made_for = self._make(self.size.width), self.size.width
        return len(self._lines)

    def line(self, number: int) -> Line:
        return self._lines[number]

    def on_mount(self) -> None:
        self.cursor = -1


class PageScreen(Screen[None]):
    """Lines to read on a screen of their own."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter,f1", "close", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("pagedown,space", "scroll(15)", show=False),
        Binding("pageup", "scroll(-15)", show=False),
        Binding("home,g", "scroll(-999)", show=False),
        Binding("end,G", "scroll(999)", show=False),
    ]

    def __init__(self, title: str, make: Callable[[int], list[Line]]) -> None:
        """Make the screen.

        Args:
            title: above the page.
            make: the lines for a width in cells.
        """
        super().__init__()
        self._heading = title
        self._make = make

    def compose(self) -> ComposeResult:
        yield Paper(id="title")
        yield _Page(self._make)
        yield Paper(id="hint")

    def on_mount(self) -> None:
        self.query_one("#title", Paper).show([((f" braggtrace: {self._heading}", Role.TITLE),)])
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
