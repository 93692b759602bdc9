"""The compare screen, sixth part: why it diverges. Answers come from the engine by themselves, and fill in quietly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from textual.timer import Timer

from braggtrace.replay.model import Root
from braggtrace_tui.actions import Context
from braggtrace_tui.engine import NO_ENGINE_WORDS
from braggtrace_tui.explaining import MENDED, RowWhy, Why, root_after
from braggtrace_tui.frame import Frame, Mask
from braggtrace_tui.pieces import Line, clip, plain
from braggtrace_tui.screens.moves import CompareMoves
from braggtrace_tui.session import Session, Snapshot
from braggtrace_tui.whydesk import WhyDesk
from braggtrace_tui.whytext import headline_lines, waiting_line, waiting_lines, why_lines

if TYPE_CHECKING:
    from braggtrace_tui.causetree import Branch

__all__ = ["CompareWhy"]

_SETTLE_S = 0.35
"""After another tolerance or pixel the engine is asked once no key has come for so long."""


class CompareWhy(CompareMoves):
    """What `C`, `F` and `U` do, and what the engine has found out."""

    def __init__(self, session: Session, snapshot: Snapshot) -> None:
        super().__init__(session, snapshot)
        self._desk: WhyDesk | None = None
        self._explained: Session | None = None
        self._settling: Timer | None = None
        self._seen_pixel = -1
        self._answered = ""
        self._going_on: tuple[str, tuple[Root, ...]] | None = None

    @property
    def causes(self) -> WhyDesk:
        """Who asks the engine."""
        if self._desk is None:
            self._desk = WhyDesk(self.home.engine, self.app.call_later, self._why_news)
        return self._desk

    @property
    def why(self) -> Why | None:
        """What is known."""
        return None if self._desk is None else self._desk.why

    # -- asking ------------------------------------------------------------------------------------------------------

    def show_all(self) -> None:
        self._look()
        super().show_all()

    def _look(self) -> None:
        """Ask about what is shown now: at once about other traces, after a moment about another tolerance."""
        if not self.snapshot.complete or not self.comparison.counts.diverge:
            if self._desk is not None:
                self._desk.forget()
                self._show_why()
            return
        if self._explained is not self.session:
            self._explained, self._going_on = self.session, None
            self.causes.look(self.comparison, afresh=True)
            self.table.why = self.why
        else:
            self._settle()

    def _settle(self) -> None:
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(_SETTLE_S, self._ask_why)

    def _ask_why(self) -> None:
        """Ask about the tolerance and the pixel at which the user has come to rest."""
        if not self.snapshot.complete or not self.comparison.counts.diverge or self._explained is not self.session:
            return
        self.causes.look(self.comparison)
        frame = self.frame
        if frame is not None and frame.pixel >= 0 and self.diverging_by_pixel[frame.pixel]:
            where = frame.pixel_coordinates
            if where is not None:
                self.causes.visit(where)

    def schedule_detail(self) -> None:
        """The cursor has moved, perhaps to a pixel that was not looked at."""
        super().schedule_detail()
        if self.frame is not None and self.frame.pixel != self._seen_pixel:
            self._seen_pixel = self.frame.pixel
            self._settle()

    def engine_changed(self) -> None:
        """The engine has become ready, or was lost."""
        if self._desk is not None and self.is_running:
            self._desk.engine_changed()
            if self._desk.why is None:
                self.show_verdict()
                self.schedule_detail()

    def on_unmount(self) -> None:
        if self._desk is not None:
            self._desk.close()

    # -- answers -----------------------------------------------------------------------------------------------------

    def _why_news(self) -> None:
        """The engine has answered: fill in what is known; nothing moves, unless the user waits to go on."""
        if not self.is_running:
            return
        self._show_why()
        if not self.causes.pending:
            self._go_on()
            self._settle()

    def _show_why(self) -> None:
        self.table.why = self.why
        self.table.refresh()
        self.show_verdict()
        self.show_header()
        top = self.detail.top
        self.show_detail()
        self.detail.scroll_by(top)
        for screen in self.app.screen_stack:
            show = getattr(screen, "show_causes", None)
            if show is not None:
                show()

    def answer_lines(self) -> list[Line]:
        """The cause, where it is known; always two lines, so that the table stays where it is."""
        lines = super().answer_lines()
        if not self.snapshot.complete or not self.comparison.counts.diverge or self._desk is None:
            return lines
        desk, width = self._desk, self.size.width
        if desk.why is not None:
            lines = headline_lines(desk.why, width)
        elif desk.trouble and not (self.home.engine.off and len(lines) > 1):
            if len(lines) > 1:
                lines = [((clip(f"{plain(lines[0])} …", width), lines[0][0][1]),)]
            lines = [*lines, waiting_line(desk.trouble, width)]
        elif len(lines) == 1:
            lines = [*lines, waiting_line(f"{desk.waits_for} …", width)]
        return [*lines, *[()] * (2 - len(lines))]

    def why_of_row(self, pairing: int, row: int, component: int) -> Callable[[int], list[Line]] | None:
        """What the detail pane says about the cause of a row's divergence, for a width; None if nothing."""
        if self._desk is None:
            return None
        desk, why = self._desk, self._desk.why
        pixel = int(self.comparison.pairings[pairing].pixel[row])
        found = None if why is None else why.of(pairing, row, pixel)
        if why is not None and found is not None:
            return lambda width: why_lines(why, found, (pairing, row), component, width)
        diverges = self.frame is not None and self.table.row is not None and bool(self.frame.diverges[self.table.row])
        if not diverges:
            return None
        text = desk.trouble or (f"{desk.waits_for} …" if desk.pending else "")
        return (lambda width: waiting_lines(text, width)) if text else None

    @property
    def fixes(self) -> int:
        """How many fixes are accepted."""
        return 0 if self.why is None else len(self.why.explanation.accepted)

    def still_diverging(self, frame: Frame) -> Mask:
        """What diverges with the fixes that are accepted."""
        wanted = super().still_diverging(frame)
        why = self.why
        if why is None or not why.explanation.accepted:
            return wanted
        wanted = wanted.copy()
        for at in np.flatnonzero(wanted):
            row = self._row_why(frame, int(at))
            wanted[at] = row is None or row.state != MENDED
        return wanted

    @property
    def context(self) -> Context:
        """What is possible now."""
        return replace(
            super().context,
            roots=0 if self.why is None else len(self.why.explanation.roots),
            fixes=self.fixes,
            causes=self._why_no_causes(),
        )

    def _why_no_causes(self) -> str:
        if self.why is not None:
            return ""
        if not self.snapshot.complete:
            return "the traces are still being read"
        if not self.comparison.counts.diverge:
            return "nothing diverges at this tolerance"
        if self.home.engine.off:
            return NO_ENGINE_WORDS
        return "" if self.causes.trouble else f"{self.causes.waits_for}; causes come by themselves"

    # -- keys --------------------------------------------------------------------------------------------------------

    def do_causes(self) -> None:
        from braggtrace_tui.screens.causes import CausesScreen

        if self.why is None:
            before = self.causes.trouble
            self.causes.insist()
            again = self.causes.trouble or "asking the engine again …"
            self.say(before if again == before else again, warning=bool(self.causes.trouble))
            return

        def chosen(branch: Branch | None) -> None:
            if branch is not None and branch.target is not None:
                self.go_to(self.target_of(*branch.target))

        self.app.push_screen(CausesScreen(lambda: self.why, self._fix, self._undo, self._copy_story), chosen)

    def _copy_story(self, story: str) -> str:
        self.copy_text(story)
        return self.footer.message.strip(" ·")

    def copy_text(self, text: str) -> None:
        """Copy something, and say how."""
        raise NotImplementedError

    def do_fix(self) -> None:
        why = self.why
        if why is None:
            self.say("no cause is known yet", warning=True)
            return
        root = self._root_here() or why.explanation.roots[0]
        self.say(self._fix(root.id))

    def _root_here(self) -> Root | None:
        """The root under the cursor."""
        frame, at = self.frame, self.table.row
        found = None if frame is None or at is None else self._row_why(frame, at)
        return None if found is None else found.root

    def _row_why(self, frame: Frame, at: int) -> RowWhy | None:
        """What is known about a row of a frame."""
        if self.why is None:
            return None
        pairing, row = int(frame.pairing[at]), int(frame.row[at])
        return self.why.of(pairing, row, int(self.comparison.pairings[pairing].pixel[row]))

    def _fix(self, root: str) -> str:
        """Take a root as mended; returns what to say until the engine has judged what comes after it."""
        why = self.why
        if why is None or self._going_on is not None:
            return "the last fix is still being judged"
        names = {each.id: each.quantity for each in why.explanation.roots}
        self._going_on, self._answered = (root, why.explanation.roots), ""
        said = f"{names.get(root, root)} is taken as mended; judging what comes after it …"
        self.causes.accept(root)
        return self._answered or said  # what was judged before is known at once

    def do_undo_fix(self) -> None:
        self.say(self._undo())

    def _undo(self) -> str:
        self._going_on = None
        why = self.why
        last = self.causes.undo()
        if not last or why is None:
            return "no fix is accepted"
        root = next((each for each in why.fixed if each.id == last), None)
        if root is None:
            return "the last fix is undone"
        self._go_to_root(root)
        return f"the fix of {root.quantity} is undone"

    def _go_on(self) -> None:
        """After a fix has been judged: to the next root."""
        going, why = self._going_on, self.why
        if going is None:
            return
        self._going_on = None
        accepted, before = going
        if why is None or accepted not in why.explanation.accepted:
            trouble = self.causes.trouble or "the engine knows no such root any more"
            self._answer(f"not fixed: {trouble}", warning=True)
            return
        name = next((root.quantity for root in before if root.id == accepted), accepted)
        root = root_after(before, accepted, why.explanation.roots)
        if root is None:
            count = len(why.explanation.accepted)
            with_these = "with this fix" if count == 1 else f"with these {count} fixes"
            end = "everything agrees" if why.settled else "no root is left; what still diverges can't be replayed"
            self._answer(f"{with_these} {end}; U undoes the last")
            return
        self._go_to_root(root)
        left = len(why.explanation.roots)
        self._answer(f"{name} is taken as mended; {left} root{'s are' if left > 1 else ' is'} left; U undoes it")

    def _go_to_root(self, root: Root) -> None:
        """To a root's row in this pixel, else to where it was met first."""
        frame = self.frame
        if frame is not None:
            for at in np.flatnonzero(frame.diverges & (frame.pairing == root.pairing)):
                found = self._row_why(frame, int(at))
                if found is not None and found.root is not None and found.root.id == root.id:
                    self.go_to(self.target_of(int(frame.pairing[at]), int(frame.row[at])))
                    return
        if root.pairing >= 0 and root.row >= 0:
            self.go_to(self.target_of(root.pairing, root.row))

    def _answer(self, text: str, *, warning: bool = False) -> None:
        """Say it here, and on the overview if that is open."""
        self._answered = text
        self.say(text, warning=warning)
        for screen in self.app.screen_stack:
            if screen is not self and hasattr(screen, "show_causes") and hasattr(screen, "say"):
                screen.say(text, warning=warning)
