"""The user's map file: what the candidate calls things.

It is TOML:

    ignore = ["debug_*"]            # quantities to leave out, on both sides

    [renames]                       # candidate name = "reference name"
    dist = "distance_meters"

    [units]                         # candidate name = the unit its values are in
    dist = "mm"

    [tolerances]                    # as in a tolerances file
    rtol = ["rot_*:1e-9"]

Names are those of the traces; the map never touches the catalogue.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from braggtrace.compare.tolerance import NO_RULES, Tolerances, parse_tables
from braggtrace.compare.units import UNITS, parse_unit
from braggtrace.errors import MapFileError, ToleranceError

__all__ = ["NO_MAP", "NameMap", "map_of", "parse_map", "read_map"]

_KEYS = ("renames", "units", "tolerances", "ignore")


@dataclass(frozen=True, slots=True)
class NameMap:
    """What a map file says.

    Attributes:
        renames: candidate name -> reference name.
        units: candidate name -> unit of its values, as in `units.UNITS`.
        tolerances: rules that come after those of the command line.
        ignore: patterns of names to leave out on both sides.
        path: the file, for messages.
    """

    renames: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    tolerances: Tolerances = NO_RULES
    ignore: tuple[str, ...] = ()
    path: str = ""

    def ignores(self, name: str) -> bool:
        """Whether a quantity is to be left out."""
        return any(fnmatchcase(name, pattern) for pattern in self.ignore)

    def check(self, reference: Collection[str], candidate: Collection[str]) -> None:
        """Complain about names that the traces don't have.

        Args:
            reference: the names in the reference.
            candidate: the names in the candidate.

        Raises:
            MapFileError: it says which entry, and which names are close.
        """
        for ours, theirs in self.renames.items():
            self._require(ours, candidate, "renames", "candidate")
            self._require(theirs, reference, "renames", "reference")
        for name in self.units:
            self._require(name, candidate, "units", "candidate")
        for pattern in self.ignore:
            if not any(fnmatchcase(name, pattern) for name in (*reference, *candidate)):
                raise MapFileError(f"ignore: {pattern!r} matches no quantity of either trace", path=self.path)

    def _require(self, name: str, names: Collection[str], section: str, side: str) -> None:
        if name not in names:
            close = difflib.get_close_matches(name, sorted(names), n=3, cutoff=0.5)
            raise MapFileError(
                f"{section}: the {side} has no quantity {name!r}",
                path=self.path,
                expected=" or ".join(map(repr, close)),
            )


NO_MAP = NameMap()


def read_map(path: Path) -> NameMap:
    """Read a map file.

    Raises:
        MapFileError: it can't be read, or holds something that a map file doesn't.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise MapFileError(f"can't read the map: {what}", path=path) from error
    return parse_map(text, str(path))


def parse_map(text: str, path: str = "map") -> NameMap:
    """Read the text of a map file; `path` is for messages.

    Raises:
        MapFileError: it isn't TOML, has an unknown key, or a value of the wrong type.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MapFileError(f"not TOML: {error}", path=path) from error
    return map_of(document, path)


def map_of(document: Mapping[str, object], path: str = "map") -> NameMap:
    """What the tables of a map file say; `path` is for messages.

    Raises:
        MapFileError: there is an unknown key, or a value of the wrong type.
    """
    for key in document:
        if key not in _KEYS:
            raise MapFileError(f"unknown key {key!r}", path=path, expected=", ".join(_KEYS))
    renames = _words(document, "renames", path)
    twice = next((name for name in renames.values() if list(renames.values()).count(name) > 1), None)
    if twice is not None:
        raise MapFileError(f"renames: {twice!r} is the new name of more than one quantity", path=path)
    units = _words(document, "units", path, parse_unit, f"a unit like {', '.join(list(UNITS)[:6])}, deg")
    try:
        tolerances = parse_tables(_table(document, "tolerances", path), path)
    except ToleranceError as error:
        raise MapFileError(f"tolerances: {error.what}", path=path, expected=error.expected, got=error.got) from error
    return NameMap(renames, units, tolerances, _patterns(document, path), path)


def _table(document: Mapping[str, object], key: str, path: str) -> Mapping[str, object]:
    table = document.get(key, {})
    if not isinstance(table, dict):
        raise MapFileError(f"{key} is no table", path=path, expected=f"[{key}]", got=repr(table))
    return table


def _words(
    document: Mapping[str, object],
    key: str,
    path: str,
    parse: Callable[[str], str | None] = str,
    expected: str = "a name in quotes",
) -> dict[str, str]:
    """The entries of a table whose values are words."""
    words = {}
    for name, entry in _table(document, key, path).items():
        word = parse(entry) if isinstance(entry, str) else None
        if word is None:
            raise MapFileError(f"{key}: bad value of {name!r}", path=path, expected=expected, got=repr(entry))
        words[name] = word
    return words


def _patterns(document: Mapping[str, object], path: str) -> tuple[str, ...]:
    patterns = document.get("ignore", [])
    if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
        raise MapFileError("ignore is no list of names", path=path, expected='["name", "pat*"]', got=repr(patterns))
    return tuple(patterns)
