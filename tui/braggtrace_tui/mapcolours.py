"""The colours and signs of a pixel map.

Every ramp rises (on a light ground falls) steadily in lightness, so that it is ordered for every kind of colour
blindness and in grey; differences go from blue over the ground to orange. All colours are entries of the 256-colour
cube, which look the same with and without true colour. Where there is no colour, signs take their place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from braggtrace.images.levels import ARM
from braggtrace.images.model import Mark
from braggtrace_tui.palettes import Palette

__all__ = ["DENSITY", "MARK_SIGNS", "Ramps", "centred_signs", "ramps_of"]


@dataclass(frozen=True, slots=True)
class Ramps:
    """The colours of a theme.

    Attributes:
        rising: 16 colours of intensities.
        below, above: 7 colours each, from near 0 outwards.
        neutral: 0 of a difference, 1 of a ratio.
        cursor: a colour that no ramp has.
    """

    rising: tuple[str, ...]
    below: tuple[str, ...]
    above: tuple[str, ...]
    neutral: str
    cursor: str

    def colour(self, level: int, *, centred: bool) -> str:
        """The colour of a level: 0 to 15, or −7 to 7."""
        if not centred:
            return self.rising[level]
        return self.neutral if level == 0 else self.above[level - 1] if level > 0 else self.below[-level - 1]


def _split(colours: str) -> tuple[str, ...]:
    return tuple(colours.split())


_RISING = _split(
    "#080808 #00005f #000087 #0000af #5f0087 #870087 #af005f #d7005f"
    " #ff005f #ff5f00 #ff8700 #ffaf00 #ffd700 #ffff5f #ffffaf #ffffff"
)
_DARK = Ramps(
    rising=_RISING,
    below=_split("#000087 #0000d7 #005faf #0087d7 #00afff #5fd7ff #afffff"),
    above=_split("#5f0000 #870000 #af0000 #d75f00 #ff8700 #ffaf00 #ffd75f"),
    neutral="#080808",
    cursor="#00ff00",
)
_LIGHT = Ramps(
    rising=_RISING[::-1],
    below=_split("#d7d7ff #5fd7ff #5fafff #0087d7 #005faf #0000af #00005f"),
    above=_split("#ffd7af #ffaf5f #ff8700 #d75f00 #af0000 #870000 #5f0000"),
    neutral="#ffffff",
    cursor="#00af00",
)


def ramps_of(palette: Palette) -> Ramps | None:
    """The colours of a theme; None where a map has to be drawn with signs."""
    if palette.ansi:
        return None
    return _DARK if palette.dark else _LIGHT


DENSITY = " .,:;~=+*cxoX#%@"
"""Signs of intensities, the emptier the darker."""

MARK_SIGNS: Mapping[Mark, str] = {Mark.UNKNOWN: "·", Mark.NEGATIVE: "-", Mark.INFINITE: "∞", Mark.NAN: "N"}
"""What stands where a pixel has no level."""


def centred_signs(level: int) -> str:
    """Two signs of a difference: its sign and its level; blank for 0."""
    assert abs(level) <= ARM
    return "  " if level == 0 else f"{'+' if level > 0 else '−'}{abs(level)}"
