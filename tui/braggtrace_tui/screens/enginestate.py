"""The engine: its state and its machine, and the others that can be used instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from braggtrace_tui.config import EngineChoice
from braggtrace_tui.engine import EngineHold
from braggtrace_tui.pieces import BLANK, Line, Role, safe
from braggtrace_tui.runtext import INSTALL_TORCH
from braggtrace_tui.widgets.linelist import LineList
from braggtrace_tui.widgets.paper import Paper
from braggtrace_tui.widgets.reading import ReadingPane

if TYPE_CHECKING:
    from braggtrace_tui.app import BraggtraceApp

__all__ = ["EngineScreen", "engine_lines"]


def engine_lines(hold: EngineHold) -> list[Line]:
    """What is known about an engine."""
    if hold.off:
        return [((" no engine: --engine none", Role.MISSING),)]
    state = hold.state
    lost = hold.kind in ("lost", "closed")
    sentence = "not started yet" if state is None else state.sentence
    lines: list[Line] = [_fact("state", sentence, Role.MISSING if lost else Role.STRONG)]
    if lost:
        lines.append(_fact("", "r connects again", Role.KEY))
    command = " ".join(hold.choice.command) or "this machine's own"
    lines.append(_fact("command", command))
    hello = hold.hello
    return lines + (_hello_lines(hello) if hello else [])


def _fact(name: str, text: str, role: Role = Role.TEXT) -> Line:
    return ((f" {name:<11}", Role.DIM), (safe(text), role))


def _hello_lines(hello: Mapping[str, Any]) -> list[Line]:
    lines = [
        _fact("machine", f"{hello.get('host', '?')}, process {hello.get('pid', '?')}"),
        _fact("versions", f"braggtrace {hello.get('braggtrace', '?')}, protocol {hello.get('protocol', '?')}, "
              f"Python {hello.get('python', '?')}"),
    ]  # fmt: skip
    torch = hello.get("torch")
    lines.append(_fact("PyTorch", str(torch)) if torch else _fact("PyTorch", f"missing: {INSTALL_TORCH}", Role.MISSING))
    for number, device in enumerate(hello.get("devices") or ()):
        name = str(device.get("name"))
        memory = device.get("memory_bytes") or 0
        words = [str(device["gpu"])] if device.get("gpu") else []
        words += [f"{device['threads']} threads"] if device.get("threads") else []
        words += [f"{memory / 2**30:.1f} GiB"] if memory else []
        if not device.get("available"):
            words = [str(device.get("why") or "not available")]
        role = Role.TEXT if device.get("available") else Role.DIM
        lines.append(_fact("devices" if number == 0 else "", f"{name}: {', '.join(words)}", role))
    profiles = [str(each.get("name")) for each in hello.get("profiles") or ()]
    return [*lines, _fact("profiles", ", ".join(profiles))]


class _Engines(LineList):
    """One line an engine."""

    def __init__(self, engines: list[EngineChoice]) -> None:
        super().__init__(id="engines")
        self.engines = engines
        self.used: EngineChoice | None = None

    @property
    def line_count(self) -> int:
        return len(self.engines)

    def line(self, number: int) -> Line:
        each = self.engines[number]
        mark = "●" if each == self.used else "○"
        command = " ".join(each.command) or "this machine"
        return ((f" {mark} {safe(each.name):<16}", Role.STRONG), (safe(command), Role.DIM))


class EngineScreen(Screen[None]):
    """Engines above, what is known about the one in use below."""

    DEFAULT_CSS: ClassVar[str] = """
    EngineScreen { layout: vertical; overflow: hidden; }
    EngineScreen #engines { height: auto; max-height: 8; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,M", "leave", show=False),
        Binding("enter", "use", show=False),
        Binding("r", "reconnect", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("up,k", "move(-1)", show=False),
    ]

    def __init__(self, hold: EngineHold) -> None:
        super().__init__()
        self.hold = hold
        self.engines = _Engines(hold.choices())
        self.facts = ReadingPane(id="facts")

    @property
    def home(self) -> BraggtraceApp:
        """The app."""
        return cast("BraggtraceApp", self.app)

    def compose(self) -> ComposeResult:
        title = Paper(id="title")
        title.show([((" Engines", Role.TITLE), ("   what runs the physics", Role.DIM))])
        yield title
        yield self.engines
        yield self.facts
        hint = Paper(id="hint")
        keys = (("Enter", " use this one   "), ("r", " connect again   "), ("Esc", " back"))
        hint.show(
            [((" ", Role.TEXT), *(piece for key, text in keys for piece in ((key, Role.KEY), (text, Role.TEXT))))]
        )
        yield hint

    def on_mount(self) -> None:
        self.engines.styles.height = min(8, max(1, self.engines.line_count))
        self.hold.start()
        self.engine_changed()
        used = self.hold.choice
        self.engines.changed(self.engines.engines.index(used) if used in self.engines.engines else 0)
        self.engines.focus()

    def engine_changed(self) -> None:
        """Draw what is known now."""
        self.engines.used = self.hold.choice
        self.engines.refresh()
        self.facts.show([BLANK, *engine_lines(self.hold)])

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_use(self) -> None:
        chosen = self.engines.engines[self.engines.cursor]
        if chosen != self.hold.choice:
            self.hold.use(chosen)
        elif self.hold.kind in ("lost", "closed"):
            self.hold.reconnect()
        else:
            self.dismiss(None)

    def on_line_list_chosen(self) -> None:
        self.action_use()

    def action_reconnect(self) -> None:
        self.hold.reconnect()

    def action_move(self, lines: int) -> None:
        self.engines.move_to(self.engines.cursor + lines)
