"""The request `replay`, as those who ask see it: which files, how they are judged, what is in the result. No torch.

fields = replay_fields(comparison, accepted=["rot_b:reference"])
explanation = explanation_of(engine.call("replay", fields))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from braggtrace.compare.mapping import map_of
from braggtrace.compare.model import Comparison
from braggtrace.compare.options import Options
from braggtrace.compare.tolerance import Measure, Rule, Tolerances, parse_tables
from braggtrace.errors import EngineError, UsageError
from braggtrace.service.protocol import Code
from braggtrace.trace.model import Trace
from braggtrace.trace.text import visible

__all__ = ["JUDGING", "explanation_of", "judging_fields", "options_of", "replay_fields"]

Pixel = tuple[int, int]

JUDGING = ("tolerances", "loosened", "map", "equal_nan", "only")
"""The fields that say how two traces are compared."""


def replay_fields(comparison: Comparison, pixels: Iterable[Pixel] = (), accepted: Iterable[str] = ()) -> dict[str, Any]:
    """The fields of a request about a pair of traces that was compared here.

    Args:
        comparison: of two traces that are files.
        pixels: (slow, fast) of the pixels to look at, none for the engine's choice.
        accepted: ids of roots to take as mended, in the order in which they were accepted.

    Raises:
        UsageError: a trace is no file, so that the engine can't read it, or is still being read here.
    """
    return {
        "reference": _files_of("reference", comparison.reference),
        "candidate": _files_of("candidate", comparison.candidate),
        "folder": str(Path.cwd()),
        **judging_fields(comparison.options),
        "pixels": [[slow, fast] for slow, fast in pixels],
        "accepted": list(accepted),
    }


def judging_fields(options: Options) -> dict[str, Any]:
    """How two traces are compared, as fields of a request; `options_of` reads them back."""
    mapping = options.mapping
    return {
        "tolerances": _tables(options.tolerances.rules),
        "loosened": options.tolerances.loosened,
        "map": {
            "renames": dict(mapping.renames),
            "units": dict(mapping.units),
            "tolerances": _tables(mapping.tolerances.rules),
            "ignore": list(mapping.ignore),
        },
        "equal_nan": options.equal_nan,
        "only": [[slow, fast] for slow, fast in options.pixels],
    }


def options_of(fields: Mapping[str, Any]) -> Options:
    """How the traces of a request are compared.

    Raises:
        InputError: a rule or the map can't be read.
    """
    rules = parse_tables(fields["tolerances"], "tolerances").rules
    return Options(
        tolerances=Tolerances(rules, float(fields["loosened"])),
        mapping=map_of(fields["map"]),
        equal_nan=fields["equal_nan"],
        pixels=tuple((slow, fast) for slow, fast in fields["only"]),
    )


def explanation_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """The explanation in the result of `replay`: `braggtrace.replay.model.Explanation.to_json(rows=True)`.

    Args:
        result: its fields, as `Engine` gives them.

    Raises:
        EngineError: the result holds none.
    """
    try:
        document = orjson.loads(result.get("explanation", ""))
    except orjson.JSONDecodeError as error:
        raise EngineError(Code.PROTOCOL, f"the explanation in the reply is damaged: {error}") from error
    if not isinstance(document, dict):
        raise EngineError(Code.PROTOCOL, "the reply holds no explanation")
    return document


def _files_of(side: str, trace: Trace) -> list[str]:
    """The files that a trace was read from."""
    if not trace.complete:
        raise UsageError(f"the {side} is still being read")
    for source in trace.sources:
        if source.stamp is None:
            name = "standard input" if source.name == "-" else visible(source.name)
            raise UsageError(f"the {side} is {name}, which can't be read a second time", expected="a file")
    return [source.name for source in trace.sources]


def _tables(rules: Sequence[Rule]) -> dict[str, list[str]]:
    """Rules as in a tolerances file; of those without a pattern the first one wins, so the others are left out."""
    tables: dict[str, list[str]] = {}
    for measure in Measure:
        found = [rule for rule in rules if rule.measure is measure]
        bare = [rule for rule in found if not rule.pattern][:1]
        kept = [rule for rule in found if rule.pattern] + bare
        if kept:
            tables[measure.value] = [_text(rule) for rule in kept]
    return tables


def _text(rule: Rule) -> str:
    value = f"{rule.value!r}{'*max' if rule.of_max else ''}"
    return f"{rule.pattern}:{value}" if rule.pattern else value
