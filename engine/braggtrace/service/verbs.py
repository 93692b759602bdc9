"""The table of verbs: what a request may say, who answers it, and in which order.

To add a verb, write a function `(task: Task) -> dict` and add a row to `VERBS`. The function is named by a string,
because only the worker imports it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from braggtrace.service.protocol import Code, Refused, Request

__all__ = ["EXPERIMENT", "PAIR", "VERBS", "Field", "Lane", "Task", "Verb", "check"]


class Task(Protocol):
    """What a function that answers a request is given."""

    @property
    def fields(self) -> Mapping[str, Any]:
        """What the request says; every field has a value, its default if need be."""

    @property
    def warm(self) -> Any:
        """What the worker keeps between requests (`braggtrace.service.warm.Warm`)."""

    def progress(self, done: float, total: float, unit: str) -> None:
        """Say how far it is; as often as one likes."""

    def part(self, name: str, value: str | bytes) -> None:
        """Send a piece of a result that is too big for one line; the client joins the pieces of a name."""


class Lane(StrEnum):
    """Where a verb is answered."""

    OWN = "own"  # by the engine itself, at once
    QUICK = "quick"  # by the worker, beside whatever is running; must not take long
    MAIN = "main"  # by the worker, one after the other


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a request.

    Attributes:
        expected: what is right, in words.
        fits: whether a value is.
        default: what it is where it is left out.
    """

    expected: str
    fits: Callable[[Any], bool]
    default: Any = None


@dataclass(frozen=True, slots=True)
class Verb:
    """One row of the table.

    Attributes:
        lane: where it is answered.
        fields: what a request may say.
        answers: `module:function`, "" for what the engine answers itself.
        needed: the fields without which there is no request.
    """

    lane: Lane
    fields: Mapping[str, Field] = field(default_factory=dict)
    answers: str = ""
    needed: tuple[str, ...] = ()


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value  # no argument and no path has it


def _maybe(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or fits(value)


def _list_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(fits(each) for each in value)


def _map_to(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(fits(each) for each in value.values())


def _numbers(count: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and len(value) == count and all(_is_int(each) for each in value)


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and not set(value) - set("0123456789abcdef")


def _is_factor(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)  # what is in it, its reader judges


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _one_of(*words: str) -> Callable[[Any], bool]:
    return lambda value: value in words


_FILES = Field("an object of SHA-256 by path, or null", _maybe(_map_to(_is_hash)))

EXPERIMENT = {
    "flags": Field("a list of words", _list_of(_is_word)),
    "folder": Field("a path or null", _maybe(_is_word)),
    "profile": Field("the name of a profile", _is_text, "legacy"),
    "phi_mode": Field("c-parity, spec or null", _maybe(_one_of("c-parity", "spec"))),
    "quirks": Field("an object of true and false by name", _map_to(_is_flag), {}),
    "build": Field("plain or fma", _one_of("plain", "fma"), "plain"),
    "c_threads": Field("a whole number", _is_int, 1),
    "mtz_column": Field("the name of a column or null", _maybe(_is_text)),
    "files": _FILES,
}
"""The fields that describe an experiment."""

_WHERE = {
    "device": Field("cpu or cuda", _is_text, "cpu"),
    "dtype": Field("float64 or float32", _is_text, "float64"),
}

_PIXELS = Field("a list of [slow, fast]", _list_of(_numbers(2)), [])

PAIR = {
    "reference": Field("a list of paths", _list_of(_is_word)),
    "candidate": Field("a list of paths", _list_of(_is_word)),
    "folder": Field("a path or null", _maybe(_is_word)),
    "tolerances": Field("an object of rules, as a tolerances file", _is_table, {}),
    "loosened": Field("a number above 0", _is_factor, 1.0),
    "map": Field("an object, as a map file", _is_table, {}),
    "equal_nan": Field("true or false", _is_flag, False),
    "only": _PIXELS,
    "files": _FILES,
}
"""The fields that describe two traces and how they are compared."""

VERBS: dict[str, Verb] = {
    "hello": Verb(Lane.OWN),
    "cancel": Verb(Lane.OWN, {"target": Field("the id of a request", _is_text)}, needed=("target",)),
    "have": Verb(Lane.OWN, {"hashes": Field("a list of SHA-256", _list_of(_is_hash))}, needed=("hashes",)),
    "put": Verb(
        Lane.OWN,
        {
            "hash": Field("a SHA-256", _is_hash),
            "offset": Field("a whole number", _is_int),
            "total": Field("a whole number", _is_int),
            "data": Field("base64", _is_text),
        },
        needed=("hash", "offset", "total", "data"),
    ),
    "inputs": Verb(Lane.QUICK, EXPERIMENT, "braggtrace.service.compute:inputs", ("flags",)),
    "explain": Verb(Lane.QUICK, EXPERIMENT, "braggtrace.service.compute:explain", ("flags",)),
    "trace": Verb(
        Lane.MAIN,
        {
            **EXPERIMENT,
            **_WHERE,
            "pixels": _PIXELS,
            "rois": Field("a list of [slow first, slow last, fast first, fast last]", _list_of(_numbers(4)), []),
            "rot_stars": Field("true or false", _is_flag, False),
        },
        "braggtrace.service.compute:trace",
        ("flags",),
    ),
    "simulate": Verb(
        Lane.MAIN,
        {**EXPERIMENT, **_WHERE, "compile": Field("auto, on or off", _one_of("auto", "on", "off"), "auto")},
        "braggtrace.service.compute:simulate",
        ("flags",),
    ),
    "replay": Verb(
        Lane.MAIN,
        {**PAIR, "pixels": _PIXELS, "accepted": Field("a list of the ids of roots", _list_of(_is_text), [])},
        "braggtrace.service.replay:replay",
        ("reference", "candidate"),
    ),
}
"""Every verb by name."""


def check(request: Request) -> tuple[Verb, dict[str, Any]]:
    """The verb of a request and its fields, defaults filled in.

    Raises:
        Refused: there is no such verb or field, or a field has the wrong kind of value.
    """
    verb = VERBS.get(request.do)
    if verb is None:
        raise Refused(Code.UNKNOWN, f"no such verb: {request.do[:40]!r}; there are {', '.join(VERBS)}", request.id)
    for name, value in request.fields.items():
        known = verb.fields.get(name)
        if known is None:
            there = ", ".join(verb.fields) or "none"
            raise Refused(Code.USAGE, f"{request.do} has no field {name[:40]!r}; there are {there}", request.id)
        if not known.fits(value):
            raise Refused(Code.USAGE, f"{request.do}: expected {name} to be {known.expected}", request.id)
    missing = [name for name in verb.needed if name not in request.fields]
    if missing:
        raise Refused(Code.USAGE, f"{request.do} needs {', '.join(missing)}", request.id)
    defaults = {name: each.default for name, each in verb.fields.items()}
    return verb, {**defaults, **request.fields}
