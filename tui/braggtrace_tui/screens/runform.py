"""The run form: what to trace again, how, and what that means, before Enter launches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input

from braggtrace.errors import UsageError
from braggtrace_tui.engine import EngineHold, engine_words
from braggtrace_tui.pieces import BLANK, Line, Role, clip_start, safe
from braggtrace_tui.runplan import Beside, Pixels, RunPlan, around, experiment_of, parse_pixels
from braggtrace_tui.runtext import (
    beside_options,
    checked_words,
    device_options,
    dtype_options,
    experiment_lines,
    experiment_values,
    no_flags_lines,
    phi_options,
    profile_options,
)
from braggtrace_tui.widgets.choice import ChoiceRow, Option
from braggtrace_tui.widgets.paper import Paper
from braggtrace_tui.widgets.reading import ReadingPane
from braggtrace_tui.widgets.words import FormRow, WordsArea, WordsRow

if TYPE_CHECKING:
    from braggtrace.service.client import Event, Ticket
    from braggtrace_tui.app import BraggtraceApp

__all__ = ["FormAnswer", "RunFormScreen"]

_WIDE = 116
_TYPING_S = 0.15
"""The experiment is explained once no key has come for so long."""

_MARGINS = (1, 2, 5)


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
    RunFormScreen #fields { height: auto; width: 1fr; }
    RunFormScreen #explained { height: 1fr; width: 1fr; }
    RunFormScreen.wide #form { layout: horizontal; }
    RunFormScreen.wide #fields { width: 50%; height: 1fr; }
    RunFormScreen.wide WordsArea { height: 7; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", show=False),
        Binding("enter", "launch", show=False),
        Binding("ctrl+s", "sweep", show=False),
        Binding("ctrl+r", "reconnect", show=False),
        Binding("tab,down", "app.focus_next", show=False),
        Binding("shift+tab,up", "app.focus_previous", show=False),
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
        self._here = here
        self._traced = traced
        self._program = program
        self._first: dict[tuple[str, str], str] | None = None
        self._explained: Mapping[str, Any] | None = None
        self._explained_for: dict[str, Any] | None = None
        self._asked: tuple[Ticket, dict[str, Any]] | None = None
        self._problem = ""
        self._waiting: Timer | None = None
        self._decided: bool | None = None
        self._open = False
        self.title_line = Paper(id="title")
        self.status = Paper(id="status")
        self.explained = ReadingPane(id="explained")
        self._make_rows()

    def _make_rows(self) -> None:
        plan = self._plan
        self.where = ChoiceRow("pixels", self._where_options(), id="where")
        self.pixels = WordsRow("", plan.pixels, "slow fast, or slow0 slow1 fast0 fast1", id="pixels")
        self.flags = WordsArea("flags", plan.flags, id="flags")
        self.folder = WordsRow("in folder", plan.folder, "where relative paths start", id="folder")
        why = "" if self._program else "no --bin, no $NB_C_BIN"
        name = clip_start(safe(self._program), 24) if self._program else ""
        backends = [Option("torch", "torch"), Option("c", f"C program {name}".strip(), why)]
        self.backend = ChoiceRow("run with", backends, "c" if plan.program else "torch", id="backend")
        self.device = ChoiceRow("device", device_options({}, plan.device), plan.device, id="device")
        self.dtype = ChoiceRow("dtype", dtype_options({}), plan.dtype, id="dtype")
        self.phi = ChoiceRow("phi mode", phi_options(), id="phi")
        self.phi.choose({plan.phi_mode})
        self.profile = ChoiceRow("profile", profile_options({}), plan.profile, id="profile")
        self.more = WordsRow("more", plan.more, "--quirk NAME=on|off  --build fma  --c-threads N", id="more")
        self.beside = ChoiceRow("beside", beside_options(), plan.beside.name, id="beside")
        self.where.choose({self._where_of(plan.pixels)})

    @property
    def home(self) -> BraggtraceApp:
        """The app."""
        return cast("BraggtraceApp", self.app)

    @property
    def engine(self) -> EngineHold | None:
        """The app's engine."""
        return self.home.engine

    def compose(self) -> ComposeResult:
        yield self.title_line
        with Container(id="form"):
            with Vertical(id="fields"):
                yield self.where
                yield self.pixels
                yield self.flags
                yield self.folder
                yield self.backend
                yield self.device
                yield self.dtype
                yield self.phi
                yield self.profile
                yield self.more
                yield self.beside
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
        (self.where if self._plan.flags else self.flags.box).focus()
        if self.engine is not None:
            self.engine.start()
        self.engine_changed()
        self.check()

    def on_resize(self) -> None:
        self.set_class(self.app.size.width >= _WIDE, "wide")
        self.call_after_refresh(self.show_all)

    # -- what is chosen ----------------------------------------------------------------------------------------------

    def _where_options(self) -> list[Option]:
        options = []
        if self._here is not None:
            options.append(Option("here", "this"))
            options += [Option(str(margin), f"±{margin}") for margin in _MARGINS]
        if len(self._traced) > 1:
            options.append(Option("traced", f"all {len(self._traced):,}"))
        return [*options, Option("typed", "typed")]

    def _where_text(self, where: str) -> str | None:
        """The pixels that an option stands for, None for what is typed."""
        if where == "traced":
            return ", ".join(f"{slow} {fast}" for slow, fast in self._traced)
        if self._here is None or where == "typed":
            return None
        if where == "here":
            return f"{self._here[0]} {self._here[1]}"
        return " ".join(map(str, around(self._here, int(where))))

    def _where_of(self, text: str) -> str:
        """The option that stands for what is typed."""
        known = (each.value for each in self._where_options() if self._where_text(each.value) == text.strip())
        return next(known, "typed")

    @property
    def plan(self) -> RunPlan:
        """What the form says now."""
        return replace(
            self._plan,
            pixels=self.pixels.value.strip(),
            flags=self.flags.value.strip(),
            folder=self.folder.value.strip(),
            device=self.device.value or self._plan.device,
            dtype=self.dtype.value or self._plan.dtype,
            phi_mode=self.phi.value,
            profile=self.profile.value or self._plan.profile,
            more=self.more.value.strip(),
            beside=Beside[self.beside.value],
            program=self._program if self.backend.value == "c" else "",
        )

    def on_choice_row_changed(self, event: ChoiceRow.Changed) -> None:
        event.stop()
        if event.row is self.where:
            text = self._where_text(self.where.value)
            if text is not None:
                self.pixels.set_value(text)
            else:
                self.pixels.box.focus()
        self._edited()

    def on_form_row_edited(self, event: FormRow.Edited) -> None:
        event.stop()
        if event.row is self.pixels:
            self.where.choose({self._where_of(self.pixels.value)})
        self._edited()

    def _edited(self) -> None:
        self._decided = None
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = self.set_timer(_TYPING_S, self.check)
        self.show_status()

    # -- checking ----------------------------------------------------------------------------------------------------

    def engine_changed(self) -> None:
        """The engine's state is another: offer what it has, and check again if it came back."""
        hello = self.engine.hello if self.engine is not None else {}
        self.device.offer(device_options(hello, self._plan.device))
        self.dtype.offer(dtype_options(hello))
        self.profile.offer(profile_options(hello))
        if self._asked is None and self._explained is None and self.engine is not None and self.engine.kind == "ready":
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
        if self.engine is None or self.engine.off or self.engine.kind in ("lost", "closed"):
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
        engine = self.engine
        if engine is None or engine.off:
            return "there is no engine to run it: start with --engine, see docs/runs.md"
        if engine.kind in ("lost", "closed"):
            state = engine.state
            return f"{state.sentence if state is not None else 'the engine is lost'} · Ctrl+R reconnects"
        try:
            pixels = parse_pixels(self.plan.pixels)
            experiment_of(self.plan)
        except UsageError as error:
            return str(error)
        if not self.plan.flags:
            return "there are no flags"
        if self._problem:
            return self._problem
        shape = (self._explained or {}).get("shape")
        return pixels.inside(shape) if shape else ""

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
        self._decided = sweep
        self.check()
        self.show_status()

    def _go_on(self) -> None:
        if self._decided is None or self._asked is not None:
            return
        if self._where_it_fails():
            self._decided = None
            return
        if self._explained is not None and self._explained_for == experiment_of(self.plan):
            self.dismiss(FormAnswer(self.plan, self._decided))

    def action_reconnect(self) -> None:
        if self.engine is not None and not self.engine.off:
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
        if self._explained is not None:
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
        engine = self.engine
        if problem:
            line: Line = ((f" ! {safe(problem)}", Role.MISSING),)
        elif self._asked is not None or self._waiting is not None:
            kind = engine.kind if engine is not None else ""
            doing = "the engine is starting" if kind in ("idle", "starting") else "checking"
            after = ", then it runs" if self._decided is False else ", then the sweep" if self._decided else ""
            line = ((f" … {doing}{after}", Role.DIM),)
        else:
            words = checked_words(self._explained or {}, self._count().count)
            line = ((f" = {words}", Role.AGREE), (f"   Enter runs it: {self.plan.choices}", Role.DIM))
        self.status.show([line])

    def _count(self) -> Pixels:
        try:
            return parse_pixels(self.plan.pixels)
        except UsageError:
            return Pixels()

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
