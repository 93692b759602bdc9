"""The application: themes, keys from the registry, signals, and the screens."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import Monochrome, NoColor
from textual.screen import Screen
from textual.theme import BUILTIN_THEMES, Theme

from braggtrace_tui.actions import ACTIONS, Context, Place, actions_of, key_label
from braggtrace_tui.config import Backends
from braggtrace_tui.driver import Driver
from braggtrace_tui.engine import EngineHold, MakeEngine, make_engine
from braggtrace_tui.engine_desk import RunDesk
from braggtrace_tui.palettes import DEFAULT, PALETTES, Palette
from braggtrace_tui.pieces import Role
from braggtrace_tui.probing import ProbeDesk
from braggtrace_tui.settings import Settings
from braggtrace_tui.terminal import Belt, Terminal

if TYPE_CHECKING:
    from braggtrace_tui.session import Session, Snapshot

__all__ = ["BraggtraceApp", "bindings_for"]

_ENGINE_AFTER_S = 0.25
"""The engine starts this long after the screen was asked for, so that it does not compete with the first picture."""


def bindings_for(place: Place) -> list[BindingType]:
    """The registry's keys of a place, as Textual wants them."""
    return [
        Binding(",".join(each.keys), f"invoke('{each.id}')", each.title, show=False, priority="ctrl+c" in each.keys)
        for each in actions_of(place)
    ]


def _theme(palette: Palette) -> Theme:
    """The Textual theme around a palette: for input lines and the command palette."""
    colour = {role: style.split()[-1] for role, style in palette.roles.items()}
    if palette.ansi:
        return replace(BUILTIN_THEMES["ansi-dark"], name=palette.name)
    return Theme(
        name=palette.name, primary=palette.accent, secondary=colour[Role.PROPOSED], warning=colour[Role.MISSING],
        error=colour[Role.DIVERGE], success=colour[Role.AGREE], accent=colour[Role.KEY],
        foreground=colour[Role.TEXT], background=palette.ground, surface=palette.raised, panel=palette.cursor,
        dark=palette.dark,
    )  # fmt: skip


class BraggtraceApp(App[int]):
    """Opens a comparison, or the start screen where there is none."""

    TITLE = "braggtrace"
    CSS_PATH = None
    CSS: ClassVar[str] = """
    Screen { background: $background; color: $foreground; }
    SearchIcon { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings_for(Place.EVERYWHERE)
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"

    def __init__(
        self,
        terminal: Terminal,
        settings: Settings,
        session: Session | None = None,
        snapshot: Snapshot | None = None,
        backends: Backends | None = None,
        make: MakeEngine = make_engine,
    ) -> None:
        super().__init__(driver_class=Driver)
        self.backends = backends or Backends()
        self.engine = EngineHold(
            self.backends.engine, self.backends.engines, self.call_later, self._engine_changed, make
        )
        self._prepared = False
        self.desk = RunDesk(self.engine, self.backends.runs, self.call_later)
        self.probes = ProbeDesk(self.call_later)
        self.terminal = terminal
        self.settings = settings
        self._session = session
        self._snapshot = snapshot
        self.palette_name = settings.theme if settings.theme in PALETTES else DEFAULT
        if terminal.no_color:
            self.palette_name = "ansi"
        self.animation_level = "none"
        for palette in PALETTES.values():
            self.register_theme(_theme(palette))
        self.theme = self.palette_name
        if terminal.no_color:  # Textual would send shades of grey
            self._filters = [each for each in self._filters if not isinstance(each, Monochrome)] + [NoColor()]
        self._filters.append(Belt())

    def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            try:
                loop.add_signal_handler(number, partial(self.exit, None, 128 + number))
            except (NotImplementedError, RuntimeError, ValueError):  # not the main thread, as in some tests
                break
        if self._session is not None and self._snapshot is not None:
            from braggtrace_tui.screens.compare import CompareScreen

            self.push_screen(CompareScreen(self._session, self._snapshot))
        else:
            from braggtrace_tui.screens.start import StartScreen

            self.push_screen(StartScreen())
        self.set_timer(_ENGINE_AFTER_S, self.engine.start)

    def _engine_changed(self) -> None:
        """The engine became ready, or was lost: a screen that shows it says so."""
        if self.engine.kind == "ready" and not self._prepared:
            self._prepared = True
            self.desk.prepare()
        for screen in self.screen_stack:
            changed = getattr(screen, "engine_changed", None)
            if changed is not None:
                changed()

    def on_resize(self) -> None:
        self._forget()

    def _forget(self) -> None:
        if isinstance(self._driver, Driver):
            self._driver.forget()

    def do_suspend(self) -> None:
        self.action_suspend_process()

    def do_redraw(self) -> None:
        self._forget()
        self.screen.refresh(layout=True)

    def on_app_focus(self) -> None:
        """The window has the focus again: files may have changed meanwhile."""
        look = getattr(self.screen, "look_for_changes", None)
        if look is not None:
            look()

    def write_to_terminal(self, sequence: str) -> None:
        """Send a sequence that we made ourselves, such as OSC 52."""
        if self._driver is not None:
            self._driver.write(sequence)
            self._driver.flush()

    # -- actions -----------------------------------------------------------------------------------------------------

    def action_invoke(self, name: str) -> None:
        """Run an action that works everywhere."""
        getattr(self, f"do_{name}")()

    def do_quit(self) -> None:
        self.exit(0)

    def close_engine(self) -> None:
        """End what runs and the engine; takes about a second."""
        self.probes.close()
        self.desk.close()
        self.engine.close()

    def do_interrupt(self) -> None:
        """Ctrl+C: what runs ends first."""
        if not (self.probes.cancel() or self.desk.cancel()):
            self.exit(0)

    def do_palette(self) -> None:
        self.action_command_palette()

    def do_help(self) -> None:
        from braggtrace_tui.screens.help import HelpScreen

        if isinstance(self.screen, HelpScreen):
            return
        possible = Context(rows=1, divergences=1, pixels=2, iterations=2, on_row=True, roots=1, fixes=1)
        self.push_screen(HelpScreen(getattr(self.screen, "context", None) or possible))

    def do_theme(self) -> None:
        """Next theme."""
        if self.terminal.no_color:
            self._say("theme: NO_COLOR is set, so there are no colours to choose")
            return
        names = list(PALETTES)
        self.set_palette(names[(names.index(self.palette_name) + 1) % len(names)])

    def set_palette(self, name: str) -> None:
        """Change the theme and remember it."""
        self.palette_name = name
        self.theme = name
        self.settings.remember_theme(name)
        for screen in self.screen_stack:
            screen.refresh(layout=True)
            for widget in screen.walk_children():
                widget.refresh()
        self._say(f"theme: {name} ({PALETTES[name].title})")

    def _say(self, text: str) -> None:
        say = getattr(self.screen, "say", None)
        if say is not None:
            say(text)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The registry, for the command palette; what is not possible now says why."""
        context = getattr(screen, "context", None)
        for each in ACTIONS:
            target = self if each.place is Place.EVERYWHERE else screen
            if each.id == "palette" or not hasattr(target, "action_invoke") or not hasattr(target, f"do_{each.id}"):
                continue
            reason = each.why_not(context) if context is not None else ""
            keys = " or ".join(key_label(key) for key in each.keys)
            title = f"{each.title}: {each.help}"
            yield SystemCommand(
                title, f"{keys} · not now: {reason}" if reason else keys, partial(target.action_invoke, each.id)
            )
        for palette in PALETTES.values():
            yield SystemCommand(f"Theme: {palette.name}", palette.title, partial(self.set_palette, palette.name))
