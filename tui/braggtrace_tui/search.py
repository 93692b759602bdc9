"""What a filter matches. Pure functions."""

from __future__ import annotations

from fnmatch import fnmatchcase

from braggtrace.compare.model import Pairing

__all__ = ["matches", "names_that_match"]


def matches(text: str, names: tuple[str, ...]) -> bool:
    """Every word of the filter is found in one of the names: as a part of it, or as a pattern with * and ?."""
    folded = [name.casefold() for name in names]
    return all(any(_found(word, name) for name in folded) for word in text.casefold().split())


def _found(word: str, name: str) -> bool:
    if any(character in word for character in "*?["):
        return fnmatchcase(name, word)
    return word in name


def names_that_match(text: str, pairing: Pairing) -> bool:
    """A quantity passes by its name on either side or in the catalogue."""
    names = [column.key.name for column in (pairing.reference, pairing.candidate) if column is not None]
    if pairing.quantity is not None:
        names.append(pairing.quantity.name)
    return matches(text, tuple(names))
