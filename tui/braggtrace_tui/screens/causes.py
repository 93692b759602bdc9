"""The overview of causes: a tree of roots with what inherits from each; Enter goes to the value."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from braggtrace_tui.causetree import (
    Branch,
    about_branch,
    branch_line,
    branches,
    budget_lines,
    tree_heading,
    tree_title,
)
from braggtrace_tui.explaining import Why
from braggtrace_tui.pieces import Line, Role, safe
from braggtrace_tui.widgets.linelist import LineList
from braggtrace_tui.widgets.paper import Paper
from braggtrace_tui.widgets.reading import ReadingPane

__all__ = ["CausesScreen"]

_KEYS = (
    ("Enter", " go there   "),
    ("Space", " what inherits   "),
    ("F", " fix   "),
    ("U", " undo   "),
    ("y", " copy story   "),
    ("Esc", " back"),
)


class _Tree(LineList):
    """One line a root, or a quantity that inherits from it."""

    def __init__(self) -> None:
        super().__init__(id="tree")
        self.branches: list[Branch] = []

    @property
    def line_count(self) -> int:
        return len(self.branches)

    def line(self, number: int) -> Line:
        return branch_line(self.branches[number], self.size.width)

    @property
    def branch(self) -> Branch | None:
        """The one under the cursor."""
        return self.branches[self.cursor] if self.branches else None

    def show_branches(self, lines: list[Branch]) -> None:
        """Show these lines; the cursor stays on its own, or goes on to what is left when that has been fixed."""
        before = self.branch
        self.branches = lines
        if before is not None and not before.fixed:
            now = next((each for each in lines if each.key == before.key), None)
            left = next((each for each in lines if not each.fixed), None)
            before = left if now is not None and now.fixed and left is not None else before
        keys = [each.key for each in lines]
        root = before.root.id if before is not None else ""
        at = next((keys.index(key) for key in (before.key if before else "", f"{root}\0") if key in keys), self.cursor)
        self.changed(at, hold=self.cursor - self.top)


class CausesScreen(Screen[Branch | None]):
    """What originates, what each root matters, and what is left; the result is where to go, or None."""

    DEFAULT_CSS: ClassVar[str] = """
    CausesScreen { layout: vertical; overflow: hidden; }
    CausesScreen #budget { height: 3; }
    CausesScreen #about { height: 45%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,C,q", "leave", show=False),
        Binding("enter", "choose", show=False),
        Binding("space,right,l", "open", show=False),
        Binding("left,h", "close", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("home,g", "move(-99999999)", show=False),
        Binding("end,G", "move(99999999)", show=False),
        Binding("pagedown,J,ctrl+down", "read(1)", show=False),
        Binding("pageup,K,ctrl+up", "read(-1)", show=False),
        Binding("F", "fix", show=False),
        Binding("U", "undo", show=False),
        Binding("y", "copy", show=False),
    ]

    def __init__(
        self,
        why: Callable[[], Why | None],
        fix: Callable[[str], str],
        undo: Callable[[], str],
        copy: Callable[[str], str],
    ) -> None:
        """Make the screen.

        Args:
            why: what is known now.
            fix: takes a root as mended, by its id; returns what to say.
            undo: takes the last fix back; returns what to say.
            copy: copies a text; returns what to say.
        """
        super().__init__()
        self._why = why
        self._fix = fix
        self._undo = undo
        self._copy = copy
        self._opened: frozenset[str] = frozenset()
        self.title_line = Paper(id="title")
        self.budget = Paper(id="budget")
        self.columns = Paper(id="columns")
        self.tree_list = _Tree()
        self.about = ReadingPane(id="about")
        self.hint = Paper(id="hint")

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield self.budget
        yield self.columns
        yield self.tree_list
        yield self.about
        yield self.hint

    def on_mount(self) -> None:
        why = self._why()
        if why is not None and len(why.explanation.roots) == 1:
            self._opened = frozenset({why.explanation.roots[0].id})
        self.tree_list.focus()
        self.say("")
        self.call_after_refresh(self.show_causes)

    def on_resize(self) -> None:
        self.call_after_refresh(self.show_causes)

    def show_causes(self) -> None:
        """Something else is known now."""
        why = self._why()
        if why is None or not self.is_mounted:
            return
        self.tree_list.show_branches(branches(why, self._opened))
        self.title_line.show([tree_title(why)])
        self.budget.show(budget_lines(why, self.size.width))
        self.columns.show([tree_heading(self.size.width)])
        self._show_about()

    def _show_about(self) -> None:
        why = self._why()
        if why is not None:
            self.about.show(about_branch(why, self.tree_list.branch, max(20, self.about.size.width)))

    def say(self, text: str, *, warning: bool = False) -> None:
        """Show a message, or the keys."""
        line: Line = tuple(piece for key, words in _KEYS for piece in ((key, Role.KEY), (words, Role.TEXT)))
        if text:
            line = ((f"{'!' if warning else '·'} {safe(text)}", Role.MISSING if warning else Role.STRONG),)
        self.hint.show([((" ", Role.TEXT), *line)])

    def on_line_list_moved(self, event: LineList.Moved) -> None:
        event.stop()
        self.say("")
        self._show_about()

    # -- keys --------------------------------------------------------------------------------------------------------

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_choose(self) -> None:
        branch = self.tree_list.branch
        if branch is None:
            self.dismiss(None)
        elif branch.target is None:
            self.say(f"{branch.heir or branch.root.quantity} has no row in the table", warning=True)
        else:
            self.dismiss(branch)

    def on_line_list_chosen(self) -> None:
        self.action_choose()

    def action_open(self) -> None:
        branch = self.tree_list.branch
        if branch is None:
            return
        if not branch.root.inherited:
            self.say(f"nothing inherits from {branch.root.quantity}")
            return
        self._opened ^= {branch.root.id}
        self.show_causes()

    def action_close(self) -> None:
        branch = self.tree_list.branch
        if branch is not None:
            self._opened -= {branch.root.id}
            self.show_causes()

    def action_move(self, lines: int) -> None:
        self.tree_list.move_to(self.tree_list.cursor + lines)

    def action_read(self, direction: int) -> None:
        self.about.page(direction)

    def action_fix(self) -> None:
        branch = self.tree_list.branch
        if branch is None:
            self.say("no root is left", warning=True)
        elif branch.fixed:
            self.say(f"{branch.root.quantity} is taken as mended already; U undoes the last fix", warning=True)
        else:
            self.say(self._fix(branch.root.id))

    def action_undo(self) -> None:
        self.say(self._undo())

    def action_copy(self) -> None:
        why = self._why()
        if why is not None and why.story:
            self.say(self._copy(why.story))
