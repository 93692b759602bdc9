"""What made a trace, as comment lines in the trace itself, which its readers skip.

# braggtrace flags: -mat A.mat -hkl P1.hkl -lambda 0.98
# braggtrace run: profile=legacy phi_mode=c-parity dtype=float64 device=cpu folder=/data
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from braggtrace.trace.model import Trace

__all__ = ["Recorded", "comment_lines", "flags_of", "recorded_at", "recorded_in"]

_FLAGS = "# braggtrace flags: "
_RUN = "# braggtrace run: "
_LINE = re.compile(rb"^(# braggtrace (?:flags|run): )(.*?)\r?$", re.MULTILINE)
_HEAD = 1 << 20


@dataclass(frozen=True, slots=True)
class Recorded:
    """What made a trace.

    Attributes:
        flags: nanoBragg's flags, without `@file`.
        folder: where relative paths start, "" if that is not known.
        profile: the profile, "" if that is not known.
        phi_mode: "c-parity" or "spec", "" if that is not known.
        quirks: quirks that were switched, by name.
        dtype: the precision, "" if that is not known.
        device: where it was computed, "" if that is not known.
        more: whatever else was noted, by name: build, c_threads, mtz_column, program, …
    """

    flags: tuple[str, ...]
    folder: str = ""
    profile: str = ""
    phi_mode: str = ""
    quirks: Mapping[str, bool] = field(default_factory=dict)
    dtype: str = ""
    device: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    def experiment(self) -> dict[str, Any]:
        """The fields of a request to the engine that describe the same experiment."""
        fields: dict[str, Any] = {"flags": list(self.flags)}
        fields |= {name: value for name in ("folder", "profile", "phi_mode") if (value := getattr(self, name))}
        if self.quirks:
            fields["quirks"] = dict(self.quirks)
        fields |= {name: self.more[name] for name in ("build", "mtz_column") if name in self.more}
        if self.more.get("c_threads", "").isdecimal():
            fields["c_threads"] = int(self.more["c_threads"])
        return fields


def comment_lines(recorded: Recorded) -> list[str]:
    """The lines to put on top of a trace, without newlines."""
    facts = [
        (name, str(getattr(recorded, name)))
        for name in ("profile", "phi_mode", "dtype", "device", "folder")
        if getattr(recorded, name)
    ]
    if recorded.quirks:
        facts.append(("quirks", ",".join(f"{name}={'on' if on else 'off'}" for name, on in recorded.quirks.items())))
    facts += list(recorded.more.items())
    words = [f"{name}={value}" for name, value in facts]
    return [_FLAGS + _joined(recorded.flags), *([_RUN + _joined(words)] if words else [])]


def recorded_in(trace: Trace) -> Recorded | None:
    """What made a trace, if the trace says so."""
    heads = (next(source.pieces(), b"") for source in trace.sources)
    return next((recorded for head in heads if (recorded := recorded_at(head)) is not None), None)


def recorded_at(head: bytes) -> Recorded | None:
    """What made a trace, if the beginning of its text says so."""
    found: dict[str, list[str]] = {}
    for match in _LINE.finditer(head[:_HEAD]):
        words = _split(match[2].decode("utf-8", "replace"))
        if words is not None:
            found.setdefault(match[1].decode(), words)
    return _read(found[_FLAGS], found.get(_RUN, [])) if _FLAGS in found else None


def flags_of(trace: Trace) -> list[str] | None:
    """The flags that made a trace, if the trace says so."""
    recorded = recorded_in(trace)
    return None if recorded is None else list(recorded.flags)


def _read(flags: Sequence[str], words: Sequence[str]) -> Recorded:
    facts = {name: value for name, equals, value in (word.partition("=") for word in words) if equals}
    switched = (each.partition("=") for each in facts.pop("quirks", "").split(","))
    quirks = {name: state == "on" for name, _, state in switched if state in ("on", "off")}
    known = {name: facts.pop(name, "") for name in ("folder", "profile", "phi_mode", "dtype", "device")}
    return Recorded(tuple(flags), quirks=quirks, more=facts, **known)


def _joined(words: Sequence[str]) -> str:
    """Words on one line; as JSON where one of them holds a line break or the like, which a shell's quotes keep."""
    if all(word.isprintable() for word in words):
        return shlex.join(words)
    return json.dumps(list(words))


def _split(text: str) -> list[str] | None:
    try:
        if not text.startswith("["):  # a shell word never does: it would be quoted
            return shlex.split(text)
        words = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return words if isinstance(words, list) and all(isinstance(word, str) for word in words) else None
