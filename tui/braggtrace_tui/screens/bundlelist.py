"""The evidence that is kept, as a history: open one, two beside each other, verify one, look into another folder."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import Input

from braggtrace.errors import BraggtraceError
from braggtrace_tui.bundlelist import (
    BundleRow,
    bundle_detail,
    bundle_heading,
    bundle_line,
    bundle_rows,
    setup_lines,
    verified_words,
)
from braggtrace_tui.pieces import Line, Role, clip_start, safe
from braggtrace_tui.screens.kept import KeptScreen
from braggtrace_tui.terminal import copy
from braggtrace_tui.widgets.paths import PathSuggester

if TYPE_CHECKING:
    from braggtrace_tui.app import BraggtraceApp

__all__ = ["BundleChoice", "BundleListScreen"]

_KEYS = (
    ("Enter", " open   "),
    ("Space", " mark two   "),
    ("v", " verify   "),
    ("y", " copy path   "),
    ("o", " other folder   "),
    ("Esc", " back"),
)

Setups = tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class BundleChoice:
    """What the user wants.

    Attributes:
        bundle: the one to open, or the reference of two.
        other: the candidate of two, None for one.
        setups: in what the two differ: name, value of the first, of the second; None for one.
    """

    bundle: BundleRow
    other: BundleRow | None = None
    setups: Setups | None = None


class BundleListScreen(KeptScreen[BundleRow, BundleChoice]):
    """The history above, the answer of the bundle under the cursor below."""

    DEFAULT_CSS: ClassVar[str] = """
    BundleListScreen #about { height: 10; }
    BundleListScreen #root { dock: bottom; height: 1; border: none; padding: 0 1; background: $panel; }
    BundleListScreen #root:focus { border: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "leave", show=False),
        Binding("v", "verify", show=False),
        Binding("y", "copy", show=False),
        Binding("o", "root", show=False),
        Binding("r", "reread", show=False),
        Binding("J,ctrl+down", "read(1)", show=False),
        Binding("K,ctrl+up", "read(-1)", show=False),
    ]

    marks_outlive_rows: ClassVar[bool] = True

    def __init__(self, root: str, moved: Callable[[str], None]) -> None:
        """Make the screen.

        Args:
            root: the folder of all topics, or that of one.
            moved: is told when the user looks into another one.
        """
        super().__init__("bundles")
        self._root = root
        self._moved = moved
        self._verified: dict[str, list[str]] = {}
        self._setups: tuple[tuple[str, str], Setups] | None = None

    @property
    def home(self) -> BraggtraceApp:
        """The app."""
        return cast("BraggtraceApp", self.app)

    # -- what is listed ----------------------------------------------------------------------------------------------

    @property
    def keys(self) -> Sequence[tuple[str, str]]:
        return _KEYS

    def read_rows(self) -> Sequence[BundleRow]:
        from braggtrace.bundles.history import read_history

        root = Path(self._root)
        return bundle_rows(read_history(root)) if root.exists() else []

    def heading(self, width: int) -> Line:
        return bundle_heading(width)

    def draw_row(self, row: BundleRow, mark: str, width: int) -> Line:
        return bundle_line(row, mark, width)

    def draw_title(self, rows: Sequence[BundleRow]) -> Line:
        topics = len({row.topic for row in rows})
        words = f"{len(rows):,} bundle{'s' if len(rows) != 1 else ''}"
        words += f" about {topics:,} topics" if topics > 1 else ""
        if not rows:
            there = Path(self._root).exists()
            words = "no bundles yet: E makes one of what is on screen" if there else "no such folder yet: E makes it"
        where = clip_start(safe(self._root), max(8, self.size.width - len(words) - 18))
        return ((" Evidence ", Role.TITLE), (f"  {words}   ", Role.TEXT), (where, Role.DIM))

    def detail(self, row: BundleRow | None, width: int) -> list[Line]:
        verified = [] if row is None else self._verified.get(row.key, [])
        marked, setups = self.kept.marked, self._setups
        lines: list[Line] = []
        if setups is not None and setups[0] == tuple(each.key for each in marked):
            lines = setup_lines(setups[1], width, 3)
        return bundle_detail(row, width, verified, lines)

    def why_not_marked(self, row: BundleRow) -> str:
        return "" if row.trace else f"this bundle is {row.state.value}: its trace can't be compared"

    def marks_changed(self) -> None:
        said = {0: "", 1: "marked as the reference: mark another as the candidate, from any topic or folder"}
        self.say(said.get(len(self.kept.marks), "Enter opens the two beside each other"))
        marked = self.kept.marked
        self._setups = None
        if len(marked) == 2:
            setups = self._compare_setups(*marked)
            self._setups = None if setups is None else ((marked[0].key, marked[1].key), setups)
        self.show_about()

    def _compare_setups(self, one: BundleRow, other: BundleRow) -> Setups | None:
        from braggtrace.bundles.history import compare_setup

        try:
            return tuple(compare_setup(one.path, other.path))
        except (BraggtraceError, KeyError, TypeError, AttributeError) as error:
            self.say(f"what differs in their set-up can't be said: {error}", warning=True)
            return None

    # -- keys --------------------------------------------------------------------------------------------------------

    def action_choose(self) -> None:
        row, marked = self.kept.row, self.kept.marked
        if len(marked) == 2:
            self.dismiss(BundleChoice(marked[0], marked[1], self._setups[1] if self._setups is not None else None))
        elif len(marked) == 1:
            self.say("one is marked: Space on another one, then Enter; Space here again unmarks it", warning=True)
        elif row is None:
            return
        elif not row.trace:
            self.say(f"this bundle is {row.state.value}: there is no trace to open", warning=True)
        elif not row.reference:
            self.say("this bundle has no reference: mark two with Space to compare them", warning=True)
        else:
            self.dismiss(BundleChoice(row))

    def action_verify(self) -> None:
        row = self.kept.row
        if row is None:
            return
        self.say(f"verifying {row.name} …")
        hop = self.app.call_later
        threading.Thread(target=self._verify, args=(row, hop), name="verifying", daemon=True).start()

    def _verify(self, row: BundleRow, hop: Callable[..., object]) -> None:
        """On a thread: the traces are compared again."""
        from braggtrace.bundles.verify import verify

        try:
            words = verified_words(verify(row.path))
        except (BraggtraceError, OSError) as error:
            words = [f"! can't be verified: {error}"]
        hop(self._take_verified, row, words)

    def _take_verified(self, row: BundleRow, words: list[str]) -> None:
        if not self.is_running:
            return
        self._verified[row.key] = words
        good = words[0].startswith("=")
        self.say(f"{row.name} {words[0][2:]}{f', {words[1][2:]}' if len(words) > 1 else ''}", warning=not good)
        self.show_about()

    def action_copy(self) -> None:
        row = self.kept.row
        if row is not None:
            message, sequence = copy(str(row.path.absolute()), self.home.terminal)
            if sequence:
                self.home.write_to_terminal(sequence)
            self.say(message)

    def action_reread(self) -> None:
        self.fill("read again")

    def action_read(self, direction: int) -> None:
        self.about.page(direction)

    # -- another folder ----------------------------------------------------------------------------------------------

    def action_root(self) -> None:
        box = Input(
            self._root,
            placeholder="a folder of topics, or of one topic",
            id="root",
            select_on_focus=False,
            suggester=PathSuggester(),
        )
        box.cursor_blink = False
        self.mount(box)
        box.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        root = Path(event.value.strip() or ".").expanduser()
        if not root.is_dir():
            self._close_root()
            self.say(f"{root} is no folder" if root.exists() else f"{root} is not there", warning=True)
            return
        self._root = str(root)
        self._verified.clear()
        self.kept.cursor = 0
        self._close_root()
        self._moved(self._root)
        self.fill()

    def on_key(self, event: events.Key) -> None:
        """Esc leaves the line that is typed, not the screen."""
        if event.key == "escape" and self.query("#root"):
            event.stop()
            event.prevent_default()
            self._close_root()

    def _close_root(self) -> None:
        for box in self.query("#root"):
            box.remove()
        self.kept.focus()
