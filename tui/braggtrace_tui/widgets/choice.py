"""A row of a form: a label, and options of which one (or, with boxes, any number) is chosen with ← → and Space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from braggtrace_tui.pieces import Line, Piece, Role, plain, safe
from braggtrace_tui.widgets.paper import Paper, palette_of, to_strip

__all__ = ["LABEL_WIDTH", "ChoiceRow", "Option", "choice_line"]

LABEL_WIDTH = 12
"""Cells before the first option."""


@dataclass(frozen=True, slots=True)
class Option:
    """Something that can be chosen.

    Attributes:
        value: what it stands for.
        title: as shown.
        why_not: why it can't be chosen, "" if it can.
        meaning: a few words about it.
    """

    value: str
    title: str
    why_not: str = ""
    meaning: str = ""


def choice_line(
    label: str,
    options: Sequence[Option],
    chosen: frozenset[int],
    cursor: int,
    width: int,
    *,
    boxes: bool,
    focused: bool,
) -> Line:
    """The row as text; where the options are wider than the row, the one under the cursor is kept in sight.

    Args:
        label: what is chosen.
        options: what there is.
        chosen: indices of what is chosen.
        cursor: the option that keys act on.
        width: cells.
        boxes: any number may be chosen.
        focused: keys come here.
    """
    lead: Line = (
        (" ▸ " if focused else "   ", Role.KEY),
        (label.ljust(LABEL_WIDTH - 3)[: LABEL_WIDTH - 3] + " ", Role.STRONG if focused else Role.DIM),
    )
    words = [_option(each, number in chosen, boxes=boxes) for number, each in enumerate(options)]
    room = width - len(plain(lead)) - 1
    first = 0
    while first < cursor and sum(len(text) + 2 for text, _ in words[first : cursor + 1]) + 2 * bool(first) > room:
        first += 1
    pieces: list[Piece] = [("… ", Role.DIM)] if first else []
    for number in range(first, len(words)):
        text, role = words[number]
        here = focused and boxes and number == cursor
        pieces += [("  " if number > first else "", Role.TEXT), (text, Role.KEY if here else role)]
    if focused and options and options[cursor].meaning:
        pieces.append((f"  {safe(options[cursor].meaning)}", Role.DIM))
    return (*lead, *pieces)


def _option(option: Option, chosen: bool, *, boxes: bool) -> Piece:
    if option.why_not:
        return f"- {safe(option.title)}: {safe(option.why_not)}", Role.DISABLED
    mark = ("[x]" if chosen else "[ ]") if boxes else ("●" if chosen else "○")
    return f"{mark} {safe(option.title)}", Role.STRONG if chosen else Role.TEXT


class ChoiceRow(Paper, can_focus=True):
    """One line with options.

    Attributes:
        label: what is chosen.
        boxes: any number may be chosen, by Space; else ← and → choose.
    """

    DEFAULT_CSS: ClassVar[str] = "ChoiceRow { height: 1; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", show=False),
        Binding("right", "step(1)", show=False),
        Binding("space", "mark", show=False),
    ]

    class Changed(Message):
        """Something else is chosen."""

        def __init__(self, row: ChoiceRow) -> None:
            self.row = row
            super().__init__()

        @property
        def control(self) -> ChoiceRow:
            return self.row

    def __init__(self, label: str, options: Sequence[Option], value: str = "", *, boxes: bool = False, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.label = label
        self.boxes = boxes
        self.options = tuple(options)
        self.cursor = 0
        self._focused = False
        self._chosen: frozenset[str] = frozenset()
        self.choose({value} if value else set())

    @property
    def value(self) -> str:
        """The one that is chosen, "" if none is."""
        return next((each.value for each in self.options if each.value in self._chosen), "")

    @property
    def values(self) -> tuple[str, ...]:
        """All that are chosen."""
        return tuple(each.value for each in self.options if each.value in self._chosen and not each.why_not)

    def choose(self, values: set[str] | frozenset[str]) -> None:
        """Choose these; the cursor goes to the first of them. Says nothing to anybody."""
        known = {each.value for each in self.options}
        self._chosen = frozenset(values & known)
        at = next((number for number, each in enumerate(self.options) if each.value in self._chosen), None)
        self.cursor = min(self.cursor, max(0, len(self.options) - 1)) if at is None else at
        self._draw()

    def offer(self, options: Sequence[Option]) -> None:
        """Other options; what is chosen stays chosen where it still exists and is possible."""
        chosen = {each.value for each in options if each.value in self._chosen and not each.why_not}
        if not chosen and not self.boxes:
            chosen = {each.value for each in options if not each.why_not}
            chosen = {next(each.value for each in options if each.value in chosen)} if chosen else set()
        self.options = tuple(options)
        self.choose(chosen)

    def action_step(self, direction: int) -> None:
        at = self.cursor + direction
        while 0 <= at < len(self.options) and self.options[at].why_not:
            at += direction
        if not 0 <= at < len(self.options):
            return
        self.cursor = at
        if not self.boxes:
            self._chosen = frozenset({self.options[at].value})
            self.post_message(self.Changed(self))
        self._draw()

    def action_mark(self) -> None:
        if not self.options:
            return
        if not self.boxes:
            possible = [number for number, each in enumerate(self.options) if not each.why_not]
            if possible:
                after = [number for number in possible if number > self.cursor]
                self.cursor = (after or possible)[0]
                self._chosen = frozenset({self.options[self.cursor].value})
        elif not self.options[self.cursor].why_not:
            self._chosen ^= {self.options[self.cursor].value}
        self.post_message(self.Changed(self))
        self._draw()

    def _draw(self) -> None:
        chosen = frozenset(number for number, each in enumerate(self.options) if each.value in self._chosen)
        width = self.size.width if self.is_mounted else 80
        line = choice_line(
            self.label, self.options, chosen, self.cursor, width, boxes=self.boxes, focused=self._focused
        )
        self.show([line])

    def render_line(self, y: int) -> Strip:
        line = self._lines[y] if y < len(self._lines) else ()
        return to_strip(line, self.size.width, palette_of(self), cursor=self._focused)

    def on_mount(self) -> None:
        self._draw()

    def on_focus(self) -> None:
        self._focused = True
        self._draw()
        self.refresh()

    def on_blur(self) -> None:
        self._focused = False
        self._draw()
        self.refresh()

    def on_resize(self) -> None:
        self._draw()

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.focus()
