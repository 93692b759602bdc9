"""The footer: the keys that matter now, or the answer to the last key."""

from __future__ import annotations

from typing import ClassVar

from braggtrace_tui.actions import ACTIONS, Context, key_label
from braggtrace_tui.pieces import Line, Piece, Role, safe
from braggtrace_tui.widgets.paper import Paper

__all__ = ["Footer", "key_hints"]


def key_hints(context: Context, width: int) -> Line:
    """As many keys as fit, the most useful first; what is not possible now is greyed."""
    pieces: list[Piece] = [(" ", Role.TEXT)]
    used = 1
    for each in sorted((each for each in ACTIONS if each.footer), key=lambda each: each.footer):
        possible = not each.why_not(context)
        key = key_label(each.keys[0])
        size = len(key) + len(each.title) + 3
        if used + size > width:
            break
        pieces += [
            (key, Role.KEY if possible else Role.DISABLED),
            (f" {each.title}  ", Role.TEXT if possible else Role.DISABLED),
        ]
        used += size
    return tuple(pieces)


class Footer(Paper):
    """One line at the bottom."""

    raised: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__(id="footer")
        self._possible = Context()
        self._message: Line | None = None

    def set_context(self, context: Context) -> None:
        """What is possible now."""
        self._possible = context
        self._draw()

    def say(self, text: str, *, warning: bool = False) -> None:
        """Answer a key; the next key clears it."""
        self._message = ((f" {'!' if warning else '·'} {safe(text)}", Role.MISSING if warning else Role.STRONG),)
        self._draw()

    def offer(self, title: str, choices: list[tuple[str, str]]) -> None:
        """Ask for a second key."""
        pieces: list[Piece] = [(f" {title}:  ", Role.TITLE)]
        for key, meaning in [*choices, ("Esc", "nothing")]:
            pieces += [(key, Role.KEY), (f" {meaning}   ", Role.TEXT)]
        self._message = tuple(pieces)
        self._draw()

    def clear(self) -> None:
        """Back to the keys."""
        if self._message is not None:
            self._message = None
            self._draw()

    @property
    def message(self) -> str:
        """The answer that is shown, "" for none."""
        return "".join(text for text, _ in self._message or ())

    def _draw(self) -> None:
        self.show([self._message or key_hints(self._possible, self.size.width)])

    def on_resize(self) -> None:
        self._draw()
