"""Open another file on either side: two paths to edit, Tab between them."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input

from braggtrace_tui.pieces import Role, safe
from braggtrace_tui.widgets.paper import Paper
from braggtrace_tui.widgets.paths import PathSuggester

__all__ = ["OpenFileScreen"]


class OpenFileScreen(Screen[tuple[str, str] | None]):
    """The result is (reference, candidate), or None."""

    DEFAULT_CSS: ClassVar[str] = """
    OpenFileScreen { layout: vertical; padding: 1 2; }
    OpenFileScreen Input { height: 1; border: none; padding: 0; background: $surface; }
    OpenFileScreen Input:focus { border: none; background: $panel; }
    OpenFileScreen Paper { margin: 1 0 0 0; }
    OpenFileScreen #hint { margin: 2 0 0 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("tab,down,up,shift+tab", "app.focus_next", show=False),
    ]

    def __init__(self, reference: str, candidate: str) -> None:
        super().__init__()
        self.paths = (reference, candidate)
        self.problem = Paper(id="problem")

    def compose(self) -> ComposeResult:
        title = Paper(id="title")
        title.show([(("Open two traces", Role.TITLE),)])
        yield title
        for name, role, path in zip(
            ("reference", "candidate"), (Role.REFERENCE, Role.CANDIDATE), self.paths, strict=True
        ):
            label = Paper()
            label.show([((name, role),)])
            yield label
            box = Input(safe(path), id=name, suggester=PathSuggester(), select_on_focus=False)
            box.cursor_blink = False
            yield box
        yield self.problem
        hint = Paper(id="hint")
        hint.show(
            [
                (
                    ("Enter", Role.KEY),
                    (" open   ", Role.TEXT),
                    ("Tab", Role.KEY),
                    (" other side   ", Role.TEXT),
                    ("→", Role.KEY),
                    (" complete   ", Role.TEXT),
                    ("Esc", Role.KEY),
                    (" back", Role.TEXT),
                )
            ]
        )
        yield hint

    def on_mount(self) -> None:
        self.query_one("#candidate" if self.paths[0] else "#reference", Input).focus()

    def on_input_submitted(self) -> None:
        paths = [
            str(Path(self.query_one(f"#{name}", Input).value.strip()).expanduser())
            for name in ("reference", "candidate")
        ]
        for name, path in zip(("reference", "candidate"), paths, strict=True):
            if not Path(path).is_file():
                why = "is a directory" if Path(path).is_dir() else "is not there"
                self.problem.show([((f"! the {name} {safe(path)} {why}", Role.MISSING),)])
                self.query_one(f"#{name}", Input).focus()
                return
        self.dismiss((paths[0], paths[1]))

    def action_leave(self) -> None:
        self.dismiss(None)
