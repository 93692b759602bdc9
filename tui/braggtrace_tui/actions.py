"""The one registry of what a person can do: id, keys, help text, when it is possible and why not.

Key bindings, the footer, the help page, the command palette and `docs/keys.md` are all made from `ACTIONS`. An action
that is not possible now stays visible; pressing its key says why.
"""

from __future__ import annotations

from braggtrace_tui.actionmodel import Action, Context, Place, Section
from braggtrace_tui.compareactions import COMPARE_ACTIONS
from braggtrace_tui.mapactions import MAP_ACTIONS

__all__ = ["ACTIONS", "Action", "Context", "Place", "Section", "action", "actions_of", "key_label"]

ACTIONS: tuple[Action, ...] = (*COMPARE_ACTIONS, *MAP_ACTIONS)
_BY_ID = {each.id: each for each in ACTIONS}

_LABELS = {
    "slash": "/", "question_mark": "?", "plus": "+", "minus": "-", "equals_sign": "=", "left_square_bracket": "[",
    "right_square_bracket": "]", "grave_accent": "`", "escape": "Esc", "enter": "Enter", "space": "Space", "up": "↑",
    "down": "↓", "left": "←", "right": "→", "pageup": "PgUp", "pagedown": "PgDn", "home": "Home", "end": "End",
    "f1": "F1", "greater_than_sign": ">", "less_than_sign": "<",
}  # fmt: skip


def action(name: str) -> Action:
    """The action with this id.

    Raises:
        KeyError: there is none.
    """
    return _BY_ID[name]


def actions_of(place: Place) -> tuple[Action, ...]:
    """The actions that a screen binds itself."""
    return tuple(each for each in ACTIONS if each.place is place)


def key_label(key: str) -> str:
    """A key as it is shown: "/" for slash, "Ctrl+P" for ctrl+p."""
    *modifiers, last = key.split("+")
    shown = _LABELS.get(last, last.upper() if modifiers else last)
    return "+".join([*(modifier.capitalize() for modifier in modifiers), shown])
