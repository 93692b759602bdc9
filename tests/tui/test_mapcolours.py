"""Colours that are ordered for every eye."""

from __future__ import annotations

from itertools import pairwise

import pytest

from braggtrace.images.levels import ARM, LEVELS
from braggtrace_tui.mapcolours import DENSITY, centred_signs, ramps_of
from braggtrace_tui.palettes import PALETTES, Palette

COLOURED = [palette for palette in PALETTES.values() if not palette.ansi]
CUBE = (0x00, 0x5F, 0x87, 0xAF, 0xD7, 0xFF)


def parts(colour: str) -> tuple[int, int, int]:
    """Red, green and blue."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def lightness(colour: str) -> float:
    """CIE L*, 0 to 100."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (part / 255 for part in parts(colour))
    ]
    y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return float(116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y)


@pytest.mark.parametrize("palette", COLOURED, ids=lambda palette: palette.name)
def test_every_ramp_is_steady_in_lightness(palette: Palette) -> None:
    """Up on a dark ground, down on a light one: so it is ordered without seeing a single colour."""
    ramps = ramps_of(palette)
    assert ramps is not None
    sign = 1 if palette.dark else -1
    assert len(ramps.rising) == LEVELS
    assert len(ramps.below) == len(ramps.above) == ARM
    for ramp in (ramps.rising, (ramps.neutral, *ramps.below), (ramps.neutral, *ramps.above)):
        steps = [sign * (lightness(after) - lightness(before)) for before, after in pairwise(ramp)]
        assert min(steps) > 0.8
    for low, high in zip(ramps.below, ramps.above, strict=True):
        assert parts(low)[2] > parts(low)[0], "blue below"
        assert parts(high)[0] > parts(high)[2], "orange above"
        assert abs(lightness(low) - lightness(high)) < 16, "both sides weigh the same"


@pytest.mark.parametrize("palette", COLOURED, ids=lambda palette: palette.name)
def test_every_colour_is_in_the_256_and_means_one_thing(palette: Palette) -> None:
    """The cursor is unlike every level."""
    ramps = ramps_of(palette)
    assert ramps is not None
    for colour in (*ramps.rising, *ramps.below, *ramps.above, ramps.neutral, ramps.cursor):
        red, green, blue = parts(colour)
        assert {red, green, blue} <= set(CUBE) or (red == green == blue and (red - 8) % 10 == 0)
    assert len({*ramps.rising, ramps.cursor}) == LEVELS + 1
    assert len({*ramps.below, *ramps.above, ramps.neutral, ramps.cursor}) == 2 * ARM + 2


def test_signs_tell_all_levels_apart() -> None:
    """One for each, in the same width."""
    assert len(set(DENSITY)) == len(DENSITY) == LEVELS
    signs = [centred_signs(level) for level in range(-ARM, ARM + 1)]
    assert len(set(signs)) == 2 * ARM + 1
    assert {len(each) for each in signs} == {2}
