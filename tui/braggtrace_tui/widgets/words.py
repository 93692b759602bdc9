"""Rows of a form that are typed: a line, and a few wrapped lines for long text such as flags."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, TextArea

from braggtrace_tui.pieces import Role, safe
from braggtrace_tui.widgets.choice import LABEL_WIDTH
from braggtrace_tui.widgets.paper import Paper

__all__ = ["FormRow", "WordsArea", "WordsRow"]


class _Area(TextArea):
    """Wrapped text in which Enter is not a new line, and Tab leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "up_or_leave", show=False),
        Binding("down", "down_or_leave", show=False),
    ]

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        return key not in ("enter", "tab") and super().check_consume_key(key, character)

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":  # it belongs to the screen; Textual calls the base's method too, unless prevented
            event.prevent_default()

    async def _on_paste(self, event: events.Paste) -> None:
        """Lines of a script become words: a backslash at a line's end goes, as in a shell."""
        if self.read_only:
            return
        event.stop()
        event.prevent_default()
        text = safe(event.text.replace("\\\n", " ").replace("\r", " "))
        self._replace_via_keyboard(text, *self.selection)

    def action_up_or_leave(self) -> None:
        before = self.cursor_location
        self.action_cursor_up()
        if self.cursor_location == before or self.wrapped_document.height <= 1:
            self.screen.focus_previous()

    def action_down_or_leave(self) -> None:
        before = self.cursor_location
        self.action_cursor_down()
        if self.cursor_location == before or self.wrapped_document.height <= 1:
            self.screen.focus_next()


class FormRow(Horizontal):
    """A label before something that is typed."""

    class Edited(Message):
        """The text is another."""

        def __init__(self, row: FormRow) -> None:
            self.row = row
            super().__init__()

    def __init__(self, label: str, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._label = label
        self._paper = Paper(classes="label")

    def _mark(self, focused: bool) -> None:
        lead = " ▸ " if focused else "   "
        self._paper.show([((lead, Role.KEY), (self._label, Role.STRONG if focused else Role.DIM))])

    def on_descendant_focus(self) -> None:
        self._mark(True)

    def on_descendant_blur(self) -> None:
        self._mark(False)


class WordsRow(FormRow):
    """One line to type in."""

    DEFAULT_CSS: ClassVar[str] = f"""
    WordsRow {{ height: 1; width: 1fr; }}
    WordsRow .label {{ width: {LABEL_WIDTH + 1}; }}
    WordsRow Input {{ height: 1; border: none; padding: 0; background: $surface; width: 1fr; }}
    WordsRow Input:focus {{ border: none; background: $panel; }}
    """

    def __init__(self, label: str, value: str, placeholder: str = "", *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(label, id=id)
        self.box = Input(safe(value), placeholder=placeholder, select_on_focus=False)
        self.box.cursor_blink = False

    def compose(self) -> ComposeResult:
        self._mark(False)
        yield self._paper
        yield self.box

    @property
    def value(self) -> str:
        """What stands there."""
        return self.box.value

    def set_value(self, text: str) -> None:
        """Put something there."""
        if self.box.value != text:
            self.box.value = safe(text)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Edited(self))


class WordsArea(FormRow):
    """A few wrapped lines to type in."""

    DEFAULT_CSS: ClassVar[str] = f"""
    WordsArea {{ height: 3; width: 1fr; }}
    WordsArea .label {{ width: {LABEL_WIDTH + 1}; height: 100%; }}
    WordsArea TextArea {{ height: 100%; border: none; padding: 0; background: $surface; width: 1fr; }}
    WordsArea TextArea:focus {{ border: none; background: $panel; }}
    WordsArea TextArea {{ scrollbar-size-vertical: 0; }}
    """

    def __init__(self, label: str, value: str, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(label, id=id)
        text = f"{safe(value)} " if value else ""  # what is typed there first is one more word
        self.box = _Area(text, soft_wrap=True, show_line_numbers=False, compact=True, theme="css")
        self.box.move_cursor(self.box.document.end)
        self.box.cursor_blink = False
        self.box.show_vertical_scrollbar = False
        self.box.highlight_cursor_line = False

    def compose(self) -> ComposeResult:
        self._mark(False)
        yield self._paper
        yield self.box

    @property
    def value(self) -> str:
        """What stands there, on one line."""
        return " ".join(self.box.text.split("\n"))

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self.post_message(self.Edited(self))
