"""`metrics.json`: what a bundle says in numbers, schema `braggtrace.metrics/1` (`metrics.schema.json` beside this).

It has three parts: how the probe was made, what follows from the traces (`evidence.derive`), and what became of the
first divergence since earlier bundles. The pages of a bundle are written from it alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from braggtrace import __version__
from braggtrace.bundles.environment import Revision
from braggtrace.bundles.evidence import Told
from braggtrace.bundles.history import SCHEMA, Record, history_entry
from braggtrace.bundles.places import Json
from braggtrace.bundles.request import Gates, Judging, ProbeRequest
from braggtrace.bundles.source import Captured
from braggtrace.bundles.summary import summary
from braggtrace.runs.recorded import Recorded
from braggtrace.trace.text import visible

__all__ = ["Made", "assemble", "configuration", "dump", "gates_of", "judging_of"]


@dataclass(frozen=True, slots=True)
class Made:
    """How a bundle was made: what `assemble` can't see in the traces.

    Attributes:
        bundle: its name.
        topic: what it is about.
        time_utc: when it was started.
        configuration: as `configuration` gives it.
        revision: of the working folder.
        files: names and checksums of the traces, by side.
        lines: how many lines of each kind are expected and there.
        baseline: name, kind and files of the baseline, None if there is none.
        earlier: complete bundles of the same topic, in order.
        warnings: what was said while it was made.
        notes: what a person should know about the comparisons.
        told: causes of the divergence.
        note: what the user says.
        runtime_s: how long parts of it took.
    """

    bundle: str
    topic: str
    time_utc: str
    configuration: Json
    revision: Revision
    files: Json
    lines: Json
    baseline: Json | None
    earlier: Sequence[Record]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    told: Told = field(default_factory=Told)
    note: str = ""
    runtime_s: Mapping[str, float] = field(default_factory=dict)


def configuration(request: ProbeRequest, captured: Captured, inputs: Sequence[Json]) -> Json:
    """What was simulated and how it was judged: the part of two bundles that has to be the same to compare them."""
    asked = request.experiment
    about = captured.facts
    given = bool(request.candidate)
    return {
        "trace": "given" if given else "computed",
        "flags": [visible(flag) for flag in asked.flags],
        "profile": "" if given and not asked.flags else asked.profile,
        "switches": list(asked.switches),
        "phi_mode": captured.phi_mode or asked.phi_mode,
        "build": asked.build,
        "c_threads": asked.c_threads,
        "mtz_column": None if asked.mtz_column is None else visible(asked.mtz_column),
        "device": about.get("device"),
        "dtype": about.get("dtype"),
        "threads": about.get("threads"),
        **(_recorded(captured.recorded) if captured.recorded is not None and not asked.flags else {}),
        "rot_stars": asked.rot_stars,
        "pixels": [list(pixel) for pixel in request.pixels],
        "rois": [list(box) for box in request.boxes],
        "judging": {
            **asdict(request.judging),
            "rules": {key: list(value) for key, value in request.judging.rules.items()},
        },
        "inputs": list(inputs),
    }


def _recorded(recorded: Recorded) -> Json:
    """The same as a trace that was not made here says it about itself."""
    facts: Json = {
        "flags": [visible(flag) for flag in recorded.flags],
        "profile": visible(recorded.profile),
        "switches": [f"{visible(name)}={'on' if on else 'off'}" for name, on in recorded.quirks.items()],
        "device": visible(recorded.device) or None,
        "dtype": visible(recorded.dtype) or None,
    }
    if recorded.phi_mode in ("c-parity", "spec"):
        facts["phi_mode"] = recorded.phi_mode
    return facts


def judging_of(document: Mapping[str, Any]) -> Judging:
    """How the traces of a bundle were compared."""
    judging = document["configuration"]["judging"]
    rules = {key: tuple(value) for key, value in judging["rules"].items()}
    return Judging(rules, judging["tolerances"], judging["mapping"], judging["equal_nan"], judging["require_all"])


def gates_of(document: Mapping[str, Any]) -> Gates:
    """The gates of a bundle."""
    limits = {gate["name"]: tuple(gate["limit"].split()) for gate in document["gates"]}
    return Gates(limits.get("c-parity", ()), limits.get("baseline", ()))


def assemble(made: Made, derived: Json) -> Json:
    """The whole document."""
    sequence = max((record.metrics["sequence"] for record in made.earlier if record.metrics), default=0) + 1
    document: Json = {
        "schema": SCHEMA,
        "braggtrace": __version__,
        "bundle": made.bundle,
        "topic": made.topic,
        "time_utc": made.time_utc,
        "sequence": sequence,
        "summary": "",
        "configuration": made.configuration,
        "git": {"revision": made.revision.commit, "clean": made.revision.clean if made.revision.commit else None},
        "files": made.files,
        "lines": made.lines,
        **derived,
        "baseline": made.baseline,
        "history": [],
        "warnings": list(made.warnings),
        "notes": list(made.notes),
        "story": list(made.told.story),
        "roots": list(made.told.roots),
        "note": made.note,
        "runtime_s": dict(made.runtime_s),
        "pages": {},
    }
    document["history"] = [history_entry(record, document) for record in made.earlier]
    document["summary"] = ": ".join(summary(document))
    return document


def dump(document: Json) -> bytes:
    """The bytes of `metrics.json`."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
