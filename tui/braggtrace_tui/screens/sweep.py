"""The sweep: the same pixels over dtype, device, phi mode and profile, one table; Enter opens a combination."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeAlias, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from braggtrace.errors import BraggtraceError
from braggtrace_tui.engine import engine_words
from braggtrace_tui.engine_desk import Ended
from braggtrace_tui.pieces import BLANK, Line, Role, clip, safe
from braggtrace_tui.running import Progress
from braggtrace_tui.runplan import RunPlan
from braggtrace_tui.runtext import device_options, dtype_options, phi_options, profile_options
from braggtrace_tui.sweeptext import Cell, cell_line, cells_heading, profile_width, summary, vary
from braggtrace_tui.widgets.choice import ChoiceRow
from braggtrace_tui.widgets.linelist import LineList
from braggtrace_tui.widgets.paper import Paper

if TYPE_CHECKING:
    from braggtrace.runs.sweep import SweepRow
    from braggtrace_tui.app import BraggtraceApp

__all__ = ["SweepScreen", "Swept"]


@dataclass(frozen=True, slots=True)
class Swept:
    """The combination that the user wants to see."""

    plan: RunPlan
    trace: Path


Judge: TypeAlias = "Callable[[RunPlan, Path], SweepRow]"
"""Compares a fresh trace with what it is swept against; called on a thread."""


class _Cells(LineList):
    """The table."""

    def __init__(self) -> None:
        super().__init__(id="cells")
        self.cells: list[Cell] = []
        self.profile = 8

    @property
    def line_count(self) -> int:
        return len(self.cells)

    def line(self, number: int) -> Line:
        return cell_line(self.cells[number], self.profile, self.size.width) if number < len(self.cells) else BLANK

    def put(self, number: int, cell: Cell) -> None:
        """Change one row."""
        self.cells[number] = cell
        self._repaint(number)


class SweepScreen(Screen[Swept | None]):
    """What is varied above, the table below; it starts by itself."""

    DEFAULT_CSS: ClassVar[str] = "SweepScreen { layout: vertical; overflow: hidden; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,V", "leave", show=False),
        Binding("enter", "choose", show=False),
        Binding("s", "start", show=False),
        Binding("tab", "app.focus_next", show=False),
        Binding("shift+tab", "app.focus_previous", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
    ]

    def __init__(self, plan: RunPlan, judge: Judge, beside: str) -> None:
        """Make the screen.

        Args:
            plan: what is varied.
            judge: compares a fresh trace.
            beside: with what, in words.
        """
        super().__init__()
        self._plan = plan
        self._judge = judge
        self._beside = beside
        self._open = False
        self._at_work: int | None = None
        self.title_line = Paper(id="title")
        self.cells = _Cells()
        self.status = Paper(id="status")
        self.dtypes = ChoiceRow("dtype", [], boxes=True, id="dtypes")
        self.devices = ChoiceRow("device", [], boxes=True, id="devices")
        self.phi_modes = ChoiceRow("phi mode", phi_options()[1:], boxes=True, id="phi-modes")
        self.profiles = ChoiceRow("profile", [], boxes=True, id="profiles")

    @property
    def home(self) -> BraggtraceApp:
        """The app."""
        return cast("BraggtraceApp", self.app)

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield self.dtypes
        yield self.devices
        yield self.phi_modes
        yield self.profiles
        yield Paper(id="columns")
        yield self.cells
        yield self.status
        yield Paper(id="hint")

    def on_mount(self) -> None:
        self._open = True
        hint = (("Enter", " open it   "), ("Tab", " what is varied   "), ("Space", " choose   "), ("s", " run   "),
                ("Esc", " back"))  # fmt: skip
        line: Line = tuple(piece for key, text in hint for piece in ((key, Role.KEY), (text, Role.TEXT)))
        self.query_one("#hint", Paper).show([((" ", Role.TEXT), *line)])
        self._offer()
        self.dtypes.choose({each.value for each in self.dtypes.options})
        self.devices.choose({each.value for each in self.devices.options if not each.why_not})
        self.phi_modes.choose({"c-parity", "spec"})
        self.profiles.choose({self._plan.profile})
        self.cells.focus()
        self._refill()
        self.action_start()

    def on_unmount(self) -> None:
        self._open = False
        if self._at_work is not None:
            self.home.desk.cancel()

    def engine_changed(self) -> None:
        """Offer the devices that there are."""
        if self._open:
            self._offer()
            self._show()

    def _offer(self) -> None:
        hello = self.home.engine.hello
        self.dtypes.offer(dtype_options(hello))
        self.devices.offer(device_options(hello, self._plan.device))
        self.profiles.offer(profile_options(hello))

    def on_choice_row_changed(self, event: ChoiceRow.Changed) -> None:
        event.stop()
        self._refill()

    def _refill(self) -> None:
        """The combinations that are chosen; what was run for one of them stays."""
        known = {cell.plan: cell for cell in self.cells.cells}
        chosen = (self.dtypes.values, self.devices.values, self.phi_modes.values, self.profiles.values)
        running = None if self._at_work is None else self.cells.cells[self._at_work].plan
        self.cells.cells = [known.get(plan, Cell(plan)) for plan in vary(self._plan, *chosen)]
        plans = [cell.plan for cell in self.cells.cells]
        if running is not None and running not in plans:
            self.home.desk.cancel()
        self._at_work = plans.index(running) if running in plans else None
        self.cells.profile = profile_width(self.cells.cells)
        self.query_one("#columns", Paper).show([cells_heading(self.cells.profile)])
        self.cells.changed(self.cells.cursor)
        self._show()

    # -- running -----------------------------------------------------------------------------------------------------

    def action_start(self) -> None:
        """Run what has not been run."""
        if self._at_work is not None:
            return
        for number, cell in enumerate(self.cells.cells):
            if cell.state in ("failed", "cancelled"):
                self.cells.put(number, Cell(cell.plan))
        self._next()

    def _next(self) -> None:
        number = next((at for at, cell in enumerate(self.cells.cells) if cell.state == "waiting"), None)
        if number is None or not self._open:
            self._show()
            return
        plan = self.cells.cells[number].plan
        try:
            self.home.desk.launch(plan, lambda progress: self._told(plan, progress), self._ended)
        except BraggtraceError as error:
            self._show(str(error))
            return
        self._at_work = number
        self.cells.put(number, Cell(plan, "running"))
        self._show()

    def _at(self, plan: RunPlan) -> int | None:
        return next((at for at, cell in enumerate(self.cells.cells) if cell.plan == plan), None)

    def _told(self, plan: RunPlan, progress: Progress) -> None:
        number = self._at(plan)
        if self._open and number is not None:
            self.cells.put(number, Cell(plan, "running", max(0.0, progress.fraction)))

    def _ended(self, ended: Ended) -> None:
        self._at_work = None
        number = self._at(ended.plan)
        if not self._open:
            return
        if number is not None:
            cell = Cell(ended.plan, ended.outcome, 1.0, ended.trace, None, ended.sentence, ended.seconds)
            self.cells.put(number, cell)
            if ended.trace is not None:
                judging = (cell, self.home.call_later)
                threading.Thread(target=self._compare, args=judging, name="judging", daemon=True).start()
        if ended.outcome == "done" or (ended.outcome == "failed" and self.home.engine.kind in ("ready", "busy")):
            self._next()  # what fails in one combination may work in another, as long as there is an engine
        else:
            self._show(ended.sentence if ended.outcome == "failed" else "")

    def _compare(self, cell: Cell, hop: Callable[..., object]) -> None:
        """On a thread: numpy may take a while on a long reference."""
        assert cell.trace is not None  # it is done
        try:
            fresh = replace(cell, verdict=self._judge(cell.plan, cell.trace))
        except (BraggtraceError, OSError) as error:
            fresh = replace(cell, state="failed", sentence=str(error))
        hop(self._take, fresh)

    def _take(self, cell: Cell) -> None:
        number = self._at(cell.plan)
        if self._open and number is not None:
            self.cells.put(number, cell)
            self._show()

    # -- keys --------------------------------------------------------------------------------------------------------

    def action_leave(self) -> None:
        self.dismiss(None)

    def on_line_list_chosen(self) -> None:
        self.action_choose()

    def action_choose(self) -> None:
        cells = self.cells.cells
        if self.focused is not self.cells:
            self.cells.focus()
            self.action_start()
        elif cells and (trace := cells[self.cells.cursor].trace) is not None:
            self.dismiss(Swept(cells[self.cells.cursor].plan, trace))
        else:
            self._show("this one has not been run")

    def action_move(self, lines: int) -> None:
        if self.focused is self.cells and (lines > 0 or self.cells.cursor > 0):
            self.cells.move_to(self.cells.cursor + lines)
        elif lines > 0:
            self.focus_next()
        else:
            self.focus_previous()

    def action_page(self, direction: int) -> None:
        self.cells.move_to(self.cells.cursor + direction * (self.cells.page - 1))

    def _show(self, problem: str = "") -> None:
        where = f"{self._plan.pixels}   beside the {self._beside}"
        self.title_line.show(
            [
                (
                    (" Sweep ", Role.TITLE),
                    (safe(where), Role.TEXT),
                    (f"   {safe(engine_words(self.home.engine))}", Role.DIM),
                )
            ]
        )
        text, role = (f"! {problem}", Role.MISSING) if problem else summary(self.cells.cells)
        self.status.show([((" " + clip(safe(text), max(10, self.size.width - 2)), role),)])
