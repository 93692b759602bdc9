"""Themes: what colour each role has, and the Textual theme around it.

Colours are exact entries of the 256-colour cube, so that a terminal without true colour shows the same picture. The
ANSI theme uses the sixteen colours of the terminal and its own background.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from rich.style import Style

from braggtrace_tui.pieces import Role

__all__ = ["DEFAULT", "PALETTES", "Palette", "palette_named"]


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a theme.

    Attributes:
        name: as shown and stored.
        title: one line for people.
        dark: light text on dark ground.
        ansi: uses the terminal's own sixteen colours.
        ground, raised, cursor: backgrounds: of the screen, of bars and panes, of the current row.
        roles: foreground of each role, in Rich's style language.
        accent: borders and selections.
    """

    name: str
    title: str
    dark: bool
    ground: str
    raised: str
    cursor: str
    accent: str
    roles: Mapping[Role, str]
    ansi: bool = False

    def style(self, role: Role, *, cursor: bool = False, raised: bool = False) -> Style:
        """The style of a role on one of the three grounds."""
        return _style(self.name, role, cursor, raised)


@lru_cache(maxsize=1024)
def _style(name: str, role: Role, cursor: bool, raised: bool) -> Style:
    palette = PALETTES[name]
    ground = palette.cursor if cursor else palette.raised if raised else palette.ground
    if palette.ansi and cursor:  # no background of the sixteen is safe under all of them
        return Style(reverse=True, bold=Style.parse(palette.roles[role]).bold)
    return Style.parse(f"{palette.roles[role]} on {ground}")


def _roles(**styles: str) -> Mapping[Role, str]:
    return {Role[name.upper()]: style for name, style in styles.items()}


_DARK = _roles(
    text="#bcbcbc",
    dim="#808080",
    faint="#585858",
    strong="bold #ffffff",
    title="bold #87afd7",
    group="#87afd7",
    key="bold #d7af5f",
    agree="#87af87",
    diverge="#ff875f",
    first="bold #ff875f",
    missing="#d7af5f",
    proposed="#af87d7",
    reference="#5fd7ff",
    candidate="#ffaf5f",
    both="#bcbcbc",
    disabled="#585858",
)
_LIGHT = _roles(
    text="#303030",
    dim="#767676",
    faint="#a8a8a8",
    strong="bold #000000",
    title="bold #005faf",
    group="#005faf",
    key="bold #875f00",
    agree="#005f00",
    diverge="#af0000",
    first="bold #af0000",
    missing="#875f00",
    proposed="#5f00af",
    reference="#005faf",
    candidate="#af5f00",
    both="#303030",
    disabled="#a8a8a8",
)
# Okabe and Ito's orange against their blue: apart for every common kind of colour blindness, and in brightness too.
_SAFE = _roles(
    text="#c6c6c6",
    dim="#808080",
    faint="#585858",
    strong="bold #ffffff",
    title="bold #5fafff",
    group="#5fafff",
    key="bold #ffff87",
    agree="#5fafff",
    diverge="#ffaf00",
    first="bold #ffaf00",
    missing="#ffff87",
    proposed="#d787af",
    reference="#5fafff",
    candidate="#ffaf00",
    both="#c6c6c6",
    disabled="#585858",
)
_ANSI = _roles(
    text="default",
    dim="bright_black",
    faint="bright_black",
    strong="bold default",
    title="bold blue",
    group="blue",
    key="bold yellow",
    agree="green",
    diverge="red",
    first="bold red",
    missing="yellow",
    proposed="magenta",
    reference="cyan",
    candidate="yellow",
    both="default",
    disabled="bright_black",
)

PALETTES: Mapping[str, Palette] = {
    palette.name: palette
    for palette in (
        Palette("dark", "dark", True, "#121212", "#1c1c1c", "#303030", "#87afd7", _DARK),
        Palette("light", "light", False, "#eeeeee", "#e4e4e4", "#d0d0d0", "#005faf", _LIGHT),
        Palette(
            "colour-blind-safe", "dark, blue against orange", True, "#121212", "#1c1c1c", "#303030", "#5fafff", _SAFE
        ),
        Palette(
            "ansi",
            "the sixteen colours of the terminal",
            True,
            "default",
            "default",
            "bright_black",
            "blue",
            _ANSI,
            ansi=True,
        ),
    )
}
DEFAULT = "dark"


def palette_named(name: str) -> Palette:
    """The palette of a theme; the default one where the name is unknown."""
    return PALETTES.get(name, PALETTES[DEFAULT])
