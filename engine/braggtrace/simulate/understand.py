"""What flags mean depends on the program they are meant for: the options that choose it, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from braggtrace.errors import UsageError
from braggtrace.simulate.quirks import DEFAULT_PROFILE, choose_quirks
from braggtrace.simulate.setup import KeepTable, Setup, setup_from_flags

__all__ = ["BUILDS", "Meaning", "understand"]

BUILDS = ("plain", "fma")
"""The builds of the C program that differ."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """Which program the flags are meant for.

    Attributes:
        profile: a name of `braggtrace.simulate.quirks.PROFILES`.
        phi_mode: "c-parity" or "spec", the switch of one quirk; None leaves it to the profile.
        switches: further quirks, `NAME=on` or `NAME=off`.
        build: "plain", or "fma" with fused multiply-add.
        c_threads: threads of the C program to imitate.
        mtz_column: the column of an MTZ or mmCIF file.
    """

    profile: str = DEFAULT_PROFILE
    phi_mode: str | None = None
    switches: tuple[str, ...] = ()
    build: str = BUILDS[0]
    c_threads: int = 1
    mtz_column: str | None = None

    def quirks(self) -> frozenset[str]:
        """The quirks that are on.

        Raises:
            UsageError: a name is unknown.
        """
        return choose_quirks(self.profile, self.switches, self.phi_mode)


def understand(
    words: Sequence[str],
    meaning: Meaning,
    *,
    folder: Path | None = None,
    files: Mapping[str, Path] | None = None,
    keep_table: KeepTable | None = None,
) -> Setup:
    """Understand an argument list, and read the files that it names.

    Args:
        words: nanoBragg's flags, without `@file`.
        meaning: which program they are meant for.
        folder: where relative paths start; the working folder if None.
        files: path as in the flags -> where the file really is, as in `setup_from_flags`.
        keep_table: takes care of reading reflections, as in `setup_from_flags`.

    Raises:
        UsageError: the flags or the meaning make no sense.
        InputError: a file is missing or can't be read.
    """
    if meaning.c_threads < 1:
        raise UsageError("--c-threads is too small", expected="at least 1", got=str(meaning.c_threads))
    if meaning.build not in BUILDS:
        raise UsageError("unknown build", expected=" or ".join(BUILDS), got=meaning.build)
    return setup_from_flags(
        words,
        meaning.quirks(),
        threads=meaning.c_threads,
        fma=meaning.build == "fma",
        mtz_column=meaning.mtz_column,
        folder=folder,
        files=files,
        keep_table=keep_table,
    )
