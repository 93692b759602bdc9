"""What Enter is about to make evidence of, and where it goes: topic, root and a note to edit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input

from braggtrace_tui.evidence import EvidencePlan, where_it_fails
from braggtrace_tui.pieces import BLANK, Line, Role, clip, clip_start, safe
from braggtrace_tui.widgets.choice import LABEL_WIDTH, ChoiceRow, Option
from braggtrace_tui.widgets.paper import Paper
from braggtrace_tui.widgets.words import FormRow, WordsRow

__all__ = ["EvidenceFormScreen"]


class EvidenceFormScreen(Screen[EvidencePlan | None]):
    """The result is the plan as it was edited, or None."""

    DEFAULT_CSS: ClassVar[str] = """
    EvidenceFormScreen { layout: vertical; overflow: hidden; }
    EvidenceFormScreen #about { height: 6; }
    EvidenceFormScreen #where { height: 3; }
    EvidenceFormScreen #rest { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("enter", "go", show=False),
        # Priority: what is typed after Tab belongs to the next field, however fast it comes.
        Binding("tab", "app.focus_next", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", show=False, priority=True),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(
        self,
        plan: EvidencePlan,
        *,
        here: tuple[int, int] | None,
        traced: int,
        tolerance: str,
        known: Callable[[Path], int],
    ) -> None:
        """Make the form.

        Args:
            plan: what it is filled in with.
            here: (slow, fast) of the pixel that is looked at.
            traced: how many pixels are, 0 if that is not known yet.
            tolerance: the one that is on, in words.
            known: how many bundles a folder has.
        """
        super().__init__()
        self._plan, self._here, self._tolerance, self._known = plan, here, tolerance, known
        everything = Option("all", f"all {traced:,}" if traced > 1 else "the one that is traced" if traced else "all")
        options = [everything]
        if here is not None and traced != 1:
            options.append(Option("here", f"this one: {here[0]} {here[1]}"))
        self.pixels = ChoiceRow("pixels", options, "all", id="pixels")
        self.topic = WordsRow("topic", plan.topic, "letters, digits and underscores", id="topic")
        self.root = WordsRow("root", plan.root, "the folder of all topics", id="root")
        self.note = WordsRow("note", plan.note, "your words, if you like", id="note")
        self.where = Paper(id="where")
        self.status = Paper(id="status")

    def compose(self) -> ComposeResult:
        title = Paper(id="title")
        title.show([((" Evidence", Role.TITLE), ("   of the comparison on screen, in one folder to verify", Role.DIM))])
        yield title
        yield Paper(id="about")
        yield self.pixels
        yield self.topic
        yield self.root
        yield self.note
        yield self.where
        yield self.status
        yield Paper(id="rest")
        hint = Paper(id="hint")
        keys = (("Enter", " make it   "), ("Tab ↑ ↓", " field   "), ("← →", " choose   "), ("Esc", " back"))
        hint.show(
            [((" ", Role.TEXT), *(piece for key, text in keys for piece in ((key, Role.KEY), (text, Role.TEXT))))]
        )
        yield hint

    def on_mount(self) -> None:
        self.topic.box.focus()
        self.show_all()

    def on_resize(self) -> None:
        self.call_after_refresh(self.show_all)

    @property
    def plan(self) -> EvidencePlan:
        """What the form says now."""
        root = self.root.value.strip()
        only_here = self.pixels.value == "here" and self._here is not None
        return replace(
            self._plan,
            topic=self.topic.value.strip(),
            root=str(Path(root).expanduser()) if root else "",
            note=self.note.value.strip(),
            pixels=(self._here,) if only_here and self._here is not None else self._plan.pixels,
        )

    def show_all(self) -> None:
        """Draw everything but the fields."""
        plan, room = self.plan, max(10, self.size.width - LABEL_WIDTH - 3)
        self.query_one("#about", Paper).show(
            [
                BLANK,
                _fact("reference", clip_start(safe(plan.reference), room), Role.REFERENCE),
                _fact("candidate", clip_start(safe(plan.candidate), room), Role.CANDIDATE),
                _fact("tolerance", clip(safe(self._tolerance), room)),
                BLANK,
            ]
        )
        problem = where_it_fails(plan)
        goes: Line = BLANK
        if not problem:
            folder = Path(plan.root) / plan.topic
            known = self._known(folder)
            words = f"   with {known:,} that {'is' if known == 1 else 'are'} there already" if known else ""
            shown = clip_start(safe(f"{folder}/<time>"), room - len(words))
            goes = (*_fact("goes to", shown, Role.STRONG), (words, Role.DIM))
        self.where.show([BLANK, goes, BLANK])
        status: Line = ((f" ! {safe(problem)}", Role.MISSING),) if problem else ((" = Enter makes it", Role.AGREE),)
        self.status.show([status])

    def on_form_row_edited(self, event: FormRow.Edited) -> None:
        event.stop()
        self.show_all()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_go()

    def action_go(self) -> None:
        plan = self.plan
        if where_it_fails(plan):
            self.show_all()
        else:
            self.dismiss(plan)

    def action_leave(self) -> None:
        self.dismiss(None)


def _fact(name: str, text: str, role: Role = Role.TEXT) -> Line:
    return ((f"   {name:<{LABEL_WIDTH - 2}}", Role.DIM), (text, role))
