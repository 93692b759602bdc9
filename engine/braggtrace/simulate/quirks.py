"""Quirks of the C program, as data: what each does, and which profile has it.

A quirk that is on reproduces the C program; off is the clean meaning. `QUIRKS` is the registry, a profile a named set.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from braggtrace.errors import UsageError

__all__ = ["DEFAULT_PROFILE", "PROFILES", "QUIRKS", "STALE_PHI_ZERO", "Quirk", "choose_quirks"]


@dataclass(frozen=True, slots=True)
class Quirk:
    """A behaviour of the C program that a clean implementation lacks.

    Attributes:
        name: what `--quirk` takes.
        on: what the C program does.
        off: what a clean implementation does.
    """

    name: str
    on: str
    off: str


# ruff: noqa: E501 - one row a quirk, however long
_ROWS = """
stale-phi-zero | at a phi of exactly 0 the cell keeps the orientation of the previous step in loop order, per thread | phi 0 is the unrotated cell
running-sum-oversample | -oversample_thick/_polar/_omega multiply the whole running sum at every step | each contribution is multiplied once by its own factor
thickness-last-layer | without -oversample_thick the sum over layers is multiplied by the last layer's capture fraction | each layer counts with its own capture fraction
interpolation-permanently-off | the first step that leaves the table switches interpolation off for the rest of the run | each step decides for itself
interpolation-choice-uses-flag-N | interpolation is chosen by the numbers of cells given by flags, also when a crystal size replaces them | by the numbers of cells in use
pivot-forced | a named convention overrides -pivot and the pivots that other flags imply | the pivot flags hold in every convention
pix0-inert | the numbers after -pix0_vector are never used | they are the origin, in m (mm after -pix0_vector_mm)
twotheta-axis-double-duty | -twotheta_axis x y z also sets two-theta to x degrees, and the axis is not normalised | it sets the axis only, normalised
misset-seed-swallow | -misset_seed with three or more words after it also sets the missetting angles to them | it sets the seed only
bare-divsteps | a count of divergence steps without range or step means a range of 1 rad | no range, one direction
zero-capture | -oversample_thick without thickness, or no absorption with thickness, makes every pixel 0 | such a sensor captures everything
trailing-argument-guards | -curved_det as the last word is ignored, and flags of the sensor lacking their value crash | -curved_det needs no word after it, and the others are ignored
last-substring-header-key | a header key is looked up as the last place where it occurs as part of any text | a key is a whole word
cache-reuse | without -hkl an existing Fdump.bin is read, also where -default_F is given | only -hkl is read
cache-whitespace | reading Fdump.bin skips leading data bytes that look like white space | the data start after the form feed
hkl-truncation | reflections are read four numbers at a time, up to the first index that is no plain integer | one reflection a line, comments and further columns skipped
sourcefile-parsing | comments in a source file become sources, a last line without newline has missing columns 0 | comments are skipped and missing columns have defaults
random-misset-radians | a random missetting is turned by up to 90 rad | by up to 90 degrees
convention-vs-vectors | the last of convention and vector flags wins, and a convention discards vectors | vectors replace those of the convention
water-double-scaling | the water background is multiplied by fluence and r_e_sqr twice, and divided by the steps | it is scaled once
rounded-phase | the phases πh and Nπh are rounded before their sine is taken, which shows in the ninth digit near peaks | the whole turns are taken off first, and no digit is lost
single-precision-mosaic | the angles of mosaic and random rotations are float32 | they are float64
"""

QUIRKS: dict[str, Quirk] = {
    quirk.name: quirk
    for quirk in (Quirk(*(cell.strip() for cell in row.split("|"))) for row in _ROWS.strip().splitlines())
}
"""Every quirk that changes numbers, by name."""

STALE_PHI_ZERO = "stale-phi-zero"
DEFAULT_PROFILE = "legacy"
_ALL = frozenset(QUIRKS)
PROFILES: dict[str, frozenset[str]] = {
    "legacy": _ALL,
    "phi-fixed": _ALL - {STALE_PHI_ZERO},
    "weighted-oversample": _ALL - {"running-sum-oversample"},
    "guarded": _ALL - {"trailing-argument-guards"},
    "instrumented": _ALL - {"misset-seed-swallow"},
    "spec": frozenset(),
}
"""The quirks of each profile."""


def choose_quirks(
    profile: str = DEFAULT_PROFILE, switches: Iterable[str] = (), phi_mode: str | None = None
) -> frozenset[str]:
    """The quirks that are on.

    Args:
        profile: a name of `PROFILES`.
        switches: `NAME=on` or `NAME=off`, applied in order.
        phi_mode: "c-parity" or "spec", a switch for `stale-phi-zero`.

    Raises:
        UsageError: a name is unknown.
    """
    if profile not in PROFILES:
        raise UsageError("unknown profile", expected=", ".join(PROFILES), got=profile)
    chosen = set(PROFILES[profile])
    changes = [switch.partition("=")[::2] for switch in switches]
    if phi_mode is not None:
        if phi_mode not in ("c-parity", "spec"):
            raise UsageError("unknown phi mode", expected="c-parity or spec", got=phi_mode)
        changes.append((STALE_PHI_ZERO, "on" if phi_mode == "c-parity" else "off"))
    for name, state in changes:
        if name not in QUIRKS:
            raise UsageError("unknown quirk; `braggtrace quirks` lists them", got=name)
        if state not in ("on", "off"):
            raise UsageError(f"quirk {name} is switched by a word", expected=f"{name}=on or {name}=off", got=state)
        (chosen.add if state == "on" else chosen.discard)(name)
    return frozenset(chosen)
