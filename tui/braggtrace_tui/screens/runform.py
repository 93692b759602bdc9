"""The run form: what to trace again, how, and what that means, before Enter launches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input

from braggtrace.errors import UsageError
from braggtrace_tui.engine import NO_ENGINE_WORDS, EngineHold, engine_words
from braggtrace_tui.pieces import BLANK, Line, Role, safe, wrap
from braggtrace_tui.runplan import Pixels, RunPlan, experiment_of, parse_pixels
from braggtrace_tui.runtext import NO_TORCH, checked_words, experiment_lines, experiment_values, no_flags_lines
from braggtrace_tui.widgets.paper import Paper
from braggtrace_tui.widgets.reading import ReadingPane
from braggtrace_tui.widgets.runfields import RunFields

if TYPE_CHECKING:
    from braggtrace.service.client import Event, Ticket
    from braggtrace_tui.app import BraggtraceApp

__all__ = ["FormAnswer", "RunFormScreen"]

_WIDE = 116
_TYPING_S = 0.15
"""The experiment is explained once no key has come for so long."""


@dataclass(frozen=True, slots=True)
class FormAnswer:
    """What the user decided.

    Attributes:
        plan: the form's content, checked.
        sweep: vary it instead of running it once.
    """

    plan: RunPlan
    sweep: bool = False


class RunFormScreen(Screen[FormAnswer | None]):
    """Fields above (or left), the experiment below (or right)."""

    DEFAULT_CSS: ClassVar[str] = """
    RunFormScreen { layout: vertical; overflow: hidden; }
    RunFormScreen #form { height: 1fr; layout: vertical; }
    RunFormScreen #explained { height: 1fr; width: 1fr; }
    RunFormScreen.wide #form { layout: horizontal; }
    RunFormScreen.wide RunFields { width: 54%; height: 1fr; }
    RunFormScreen.wide WordsArea { height: 7; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", show=False),
        Binding("enter", "launch", show=False),
        Binding("ctrl+s", "sweep", show=False),
        Binding("ctrl+r", "reconnect", show=False),
        # Priority: what is typed after Tab belongs to the next field, however fast it comes.
        Binding("tab", "app.focus_next", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", show=False, priority=True),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
        Binding("pagedown", "read(1)", show=False),
        Binding("pageup", "read(-1)", show=False),
    ]

    def __init__(
        self, plan: RunPlan, *, here: tuple[int, int] | None, traced: tuple[tuple[int, int], ...], program: str = ""
    ) -> None:
        """Make the form.

        Args:
            plan: what it is filled in with.
            here: (slow, fast) of the pixel that is looked at.
            traced: every traced pixel.
            program: the C program, "" where none is known.
        """
        super().__init__()
        self._plan = plan
        self._first: dict[tuple[str, str], str] | None = None
        self._explained: Mapping[str, Any] | None = None
        self._explained_for: dict[str, Any] | None = None
        self._asked: tuple[Ticket, dict[str, Any]] | None = None
        self._problem = ""
        self._waiting: Timer | None = None
        self._decided: FormAnswer | None = None
        self._open = False
        self.title_line = Paper(id="title")
        self.status = Paper(id="status")
        self.explained = ReadingPane(id="explained")
        self.fields = RunFields(plan, here=here, traced=traced, program=program)

    @property
    def home(self) -> BraggtraceApp:
        """The app."""
        return cast("BraggtraceApp", self.app)

    @property
    def engine(self) -> EngineHold:
        """The app's engine."""
        return self.home.engine

    def compose(self) -> ComposeResult:
        yield self.title_line
        with Container(id="form"):
            yield self.fields
            yield self.explained
        yield self.status
        yield Paper(id="hint")

    def on_mount(self) -> None:
        self._open = True
        self.set_class(self.app.size.width >= _WIDE, "wide")
        hint = ((" Enter", " run   "), ("Tab ↑ ↓", " field   "), ("← →", " choose   "), ("PgDn", " read on   "),
                ("Ctrl+S", " sweep   "), ("Esc", " back"))  # fmt: skip
        line: Line = tuple(piece for key, text in hint for piece in ((key, Role.KEY), (text, Role.TEXT)))
        self.query_one("#hint", Paper).show([line])
        self.fields.start()
        self.engine.start()
        self.engine_changed()
        self.check()

    def on_resize(self) -> None:
        self.set_class(self.app.size.width >= _WIDE, "wide")
        self.call_after_refresh(self.show_all)

    @property
    def plan(self) -> RunPlan:
        """What the form says now."""
        return self.fields.plan

    def on_run_fields_edited(self, event: RunFields.Edited) -> None:
        event.stop()
        if self._decided is not None and self._decided.plan != self.plan:  # Enter may overtake this message
            self._decided = None
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = self.set_timer(_TYPING_S, self.check)
        self.show_status()

    # -- checking ----------------------------------------------------------------------------------------------------

    def engine_changed(self) -> None:
        """The engine's state is another: offer what it has, and check again if it came back."""
        self.fields.offer(self.engine.hello)
        if self._asked is None and self._explained is None and self.engine.kind == "ready":
            self.check()
        self.show_all()

    def check(self) -> None:
        """Ask the engine what the experiment is, unless it has said so."""
        self._waiting = None
        if not self._open:
            return
        try:
            experiment = experiment_of(self.plan)
        except UsageError as error:
            self._refuse(str(error))
            return
        if self._asked is None and experiment != self._explained_for and experiment["flags"]:
            self._ask(experiment)
        self.show_all()
        self._go_on()

    def _ask(self, experiment: dict[str, Any]) -> None:
        if self._why_no_engine():
            return
        self._problem = ""

        def answer(event: Event) -> None:
            self._answered(event, experiment)

        self._asked = (self.engine.request("explain", experiment, answer), experiment)

    def _answered(self, event: Event, experiment: dict[str, Any]) -> None:
        if event.kind == "progress" or not self._open:
            return
        self._asked = None
        self._explained_for = experiment
        if event.kind == "result":
            self._explained, self._problem = event.fields, ""
            if self._first is None:
                self._first = experiment_values(event.fields)
        else:
            self._explained = None
            self._refuse(str(event.fields.get("sentence") or "the engine gave no reason"))
        self.check()

    def _refuse(self, problem: str) -> None:
        self._problem, self._decided = problem, None
        self.show_all()

    def _where_it_fails(self) -> str:
        """Why the form can't be run as it stands, "" if it can as far as is known."""
        plan = self.plan
        why = "" if plan.program else self._why_no_engine()
        if why:
            return why
        try:
            pixels = Pixels() if plan.image else parse_pixels(plan.pixels)
            experiment_of(plan)
        except UsageError as error:
            return str(error)
        if not plan.flags:
            return "there are no flags"
        if plan.program:
            return "a C program is traced, its image is not shown: choose pixels" if plan.image else ""
        if self._problem:
            return self._problem
        shape = (self._explained or {}).get("shape")
        return pixels.inside(shape) if shape else ""

    def _why_no_engine(self) -> str:
        engine = self.engine
        if engine.off:
            return f"{NO_ENGINE_WORDS}. Esc, then M starts one"
        if engine.kind in ("lost", "closed"):
            return f"Ctrl+R connects again: {'the engine is lost' if engine.state is None else engine.state.sentence}"
        return NO_TORCH if engine.hello and not engine.hello.get("torch") else ""

    # -- deciding ----------------------------------------------------------------------------------------------------

    def action_launch(self) -> None:
        self._decide(sweep=False)

    def action_sweep(self) -> None:
        self._decide(sweep=True)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_launch()

    def _decide(self, *, sweep: bool) -> None:
        """Launch as soon as the experiment is known to make sense."""
        if self._waiting is not None:
            self._waiting.stop()
        self._decided = FormAnswer(self.plan, sweep)
        self.check()
        self.show_status()

    def _go_on(self) -> None:
        if self._decided is None or self._asked is not None:
            return
        if self._where_it_fails():
            self._decided = None
            return
        known = self._explained is not None and self._explained_for == experiment_of(self.plan)
        if known or self.plan.program:
            self._open = False
            self.dismiss(self._decided)

    def action_reconnect(self) -> None:
        if not self.engine.off:
            self._explained = self._explained_for = None
            self._problem = ""
            self.engine.reconnect()
            self.check()

    def action_leave(self) -> None:
        self.dismiss(None)

    def on_unmount(self) -> None:
        self._open = False
        if self._asked is not None:
            self._asked[0].cancel()

    # -- drawing -----------------------------------------------------------------------------------------------------

    def action_read(self, direction: int) -> None:
        self.explained.page(direction)

    def show_all(self) -> None:
        """Draw everything but the fields."""
        if not self._open:
            return
        origin = f"   flags: {self._plan.origin}" if self._plan.origin else ""
        self.title_line.show(
            [
                (
                    (" Run again", Role.TITLE),
                    (safe(origin), Role.DIM),
                    (f"   {safe(engine_words(self.engine))}", Role.DIM),
                )
            ]
        )
        width = max(20, self.explained.size.width - 1)
        problem = self._where_it_fails()
        if problem and len(problem) > self.size.width - 4 and (self._explained is None or self._problem):
            self.explained.show([BLANK, *(((f" {part}", Role.MISSING),) for part in wrap(safe(problem), width - 2))])
        elif self._explained is not None:
            self.explained.show(experiment_lines(self._explained, self._first, width))
        elif not self.plan.flags:
            self.explained.show(no_flags_lines(width))
        elif self._asked is not None:
            self.explained.show([BLANK, ((" asking the engine what these flags mean …", Role.DIM),)])
        else:
            self.explained.show([])
        self.show_status()

    def show_status(self) -> None:
        """Draw the line that says whether Enter would run it."""
        problem = self._where_it_fails()
        if problem:
            line: Line = ((f" ! {safe(problem)}", Role.MISSING),)
        elif self._asked is not None or self._waiting is not None:
            doing = "the engine is starting" if self.engine.kind in ("idle", "starting") else "checking"
            decided = self._decided
            after = "" if decided is None else ", then the sweep" if decided.sweep else ", then it runs"
            line = ((f" … {doing}{after}", Role.DIM),)
        else:
            words = checked_words(self._explained or {}, self._count())
            line = ((f" = {words}", Role.AGREE), (f"   Enter runs it: {self.plan.choices}", Role.DIM))
        self.status.show([line])

    def _count(self) -> int | None:
        """How many pixels are traced, None for an image."""
        try:
            return None if self.plan.image else parse_pixels(self.plan.pixels).count
        except UsageError:
            return 0
