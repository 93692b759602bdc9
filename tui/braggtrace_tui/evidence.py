"""From what is on screen to a probe, as the words of `braggtrace probe`. Pure, but for looking at paths."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from braggtrace.bundles.names import check_topic, is_stamp
from braggtrace.compare.tolerance import DEFAULTS, Measure, Tolerances
from braggtrace.errors import UsageError
from braggtrace.quantities import Kind
from braggtrace.trace.reader import files_of
from braggtrace_tui.pieces import Line, Role, clip_start, plain, safe, wrap

if TYPE_CHECKING:
    from braggtrace.compare.options import Options

__all__ = [
    "EvidencePlan",
    "EvidenceResult",
    "pixel_arguments",
    "probe_command",
    "result_lines",
    "tolerance_arguments",
    "tolerance_words",
    "topic_of",
    "where_it_fails",
]

Pixel = tuple[int, int]

_PLAIN_NAME = re.compile(
    r"[abc]|\d*|cand(idate)?|cpp|cuda|log|nanobragg|new|old|out(put)?|per|phi|py(thon|torch)?|ref(erence)?|runs?|tmp|torch"
    r"|traces?"
)
"""Names of traces and folders that do not say what a comparison is about."""

_KEYS = "y copies the path  Esc closes"
_RUN_FOLDER = re.compile(r"\d{8}T\d{6}Z-.*")


@dataclass(frozen=True, slots=True)
class EvidencePlan:
    """A probe of what is on screen.

    Attributes:
        reference, candidate: the traces, as they were opened.
        options: how they are compared, with the tolerances that are on.
        pixels: only these (slow, fast), () for all that are traced.
        root: the folder of all topics.
        topic: what it is about.
        note: the user's words.
    """

    reference: str
    candidate: str
    options: Options
    pixels: tuple[Pixel, ...] = ()
    root: str = "reports"
    topic: str = "probe"
    note: str = ""


@dataclass(frozen=True, slots=True)
class EvidenceResult:
    """What came of a probe.

    Attributes:
        path: the bundle, or the unfinished one that was left, None if there is neither.
        summary: the answer; or why there is none.
        made: it is complete.
        cancelled: the user ended it.
    """

    path: Path | None
    summary: str
    made: bool = False
    cancelled: bool = False


def topic_of(reference: str, candidate: str, last: str = "") -> str:
    """What a probe of two traces is likely to be about.

    The topic of the bundle that one of them is in; else the last topic; else the first telling name among the
    candidate's file and folder and the reference's.
    """
    paths = [Path(path).absolute() for side in (candidate, reference) for path in files_of(side)[:1] if side != "-"]
    for path in paths:
        if is_stamp(path.parent.name):
            return path.parent.parent.name
    if last:
        return last
    names = [name for path in paths for name in (path.name.split(".")[0], path.parent.name)]
    words = (_as_topic(name) for name in names if not _RUN_FOLDER.fullmatch(name))
    return next((word for word in words if _tells(word)), "probe")


def _as_topic(name: str) -> str:
    """ASCII letters, digits and underscores."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:40].rstrip("_")


def _tells(word: str) -> bool:
    return bool(word) and not all(_PLAIN_NAME.fullmatch(part) for part in word.lower().split("_"))


def tolerance_arguments(tolerances: Tolerances) -> list[str]:
    """Arguments that stand for these rules, loosened as they are."""
    words = []
    loosened = tolerances.loosened
    seen: set[tuple[Measure, str]] = set()
    for rule in tolerances.rules:
        if (rule.measure, rule.pattern) in seen:  # the first one has decided
            continue
        seen.add((rule.measure, rule.pattern))
        value = str(int(rule.value)) if rule.measure is Measure.ULP else f"{rule.value * loosened:.12g}"
        pattern = f"{rule.pattern}:" if rule.pattern else ""
        words.append(f"--{rule.measure}={pattern}{value}{'*max' if rule.of_max else ''}")
    steps = next((rule.value for rule in tolerances.rules if rule.measure is Measure.ULP and not rule.pattern), 0.0)
    if loosened != 1 and (Measure.RTOL, "") not in seen and not steps:  # where steps decide, no default does
        words.append(f"--{Measure.RTOL}={DEFAULTS[Kind.REAL].rtol * loosened:.12g}")
    return words


def tolerance_words(tolerances: Tolerances, fixes: int) -> str:
    """How evidence is going to be judged, in a few words.

    Args:
        tolerances: those that are on.
        fixes: how many fixes are accepted on screen: evidence is of the traces as they are.
    """
    rules = len(tolerances.rules)
    words = f"rtol {tolerances.default_rtol:.3g}".replace("e-0", "e-")
    words += f", and {rules} rule{'s' if rules > 1 else ''} of your own" if rules else ""
    return words + (f"; without the {'fix' if fixes == 1 else f'{fixes} fixes'} accepted on screen" if fixes else "")


def pixel_arguments(pixels: Sequence[Pixel]) -> list[str]:
    """Arguments that name these pixels: the box that they fill, or each by itself."""
    if not pixels:
        return []
    slow, fast = sorted({pixel[0] for pixel in pixels}), sorted({pixel[1] for pixel in pixels})
    box = (slow[0], slow[-1], fast[0], fast[-1])
    filled = (box[1] - box[0] + 1) * (box[3] - box[2] + 1) == len(set(pixels))
    if len(pixels) > 1 and filled:
        return ["--roi", *map(str, box)]
    return [word for one, other in dict.fromkeys(pixels) for word in ("--pixel", str(one), str(other))]


def probe_command(plan: EvidencePlan) -> list[str]:
    """The command that makes the bundle; from `braggtrace` on it can be given to a shell."""
    return [sys.executable, "-P", "-m", "braggtrace_tui", "probe", *_arguments(plan)]


def _arguments(plan: EvidencePlan) -> Iterator[str]:
    options = plan.options
    yield f"--candidate={plan.candidate}"
    yield from (f"--reference={path}" for path in files_of(plan.reference))
    yield from pixel_arguments(plan.pixels)
    same = options.tolerances.loosened == 1
    yield from tolerance_arguments(options.tolerances if same else options.all_tolerances)
    if options.mapping.path:
        yield f"--map={options.mapping.path}"
    yield from ["--equal-nan"] * options.equal_nan + ["--require-all"] * options.require_all
    yield f"--root={plan.root}"
    yield f"--topic={plan.topic}"
    if plan.note:
        yield f"--note={plan.note}"


def where_it_fails(plan: EvidencePlan) -> str:
    """Why a probe can't work, as far as that is seen before it starts; "" if nothing is."""
    try:
        check_topic(plan.topic)
    except UsageError as error:
        return f"{error.what}: {error.expected}"
    if not plan.root:
        return "the root is empty: name a folder"
    mapping = plan.options.mapping.path
    if mapping and not Path(mapping).is_file():
        return f"the map file {mapping} is not there any more"
    return _why_not_written(Path(plan.root) / plan.topic)


def _why_not_written(folder: Path) -> str:
    """Why a folder can't be made or written into."""
    try:
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    except (OSError, StopIteration) as error:
        return f"{folder}: {getattr(error, 'strerror', None) or 'there is no such place'}"
    if not there.is_dir():
        return f"{there} is no folder"
    return "" if os.access(there, os.W_OK | os.X_OK) else f"{there} can't be written to"


def result_lines(result: EvidenceResult, width: int) -> list[Line]:
    """What came of a probe: its path and its answer."""
    path = "" if result.path is None else str(result.path)
    if result.made:
        shown = clip_start(safe(path), max(8, width - 14))
        lines: list[Line] = [((" = evidence  ", Role.AGREE), (shown, Role.STRONG))]
        lines += [((f"   {part}", Role.TEXT),) for part in wrap(safe(result.summary), width - 4, 2)]
        return _with_keys(lines, width)
    what = "cancelled" if result.cancelled else f"no evidence: {result.summary}"
    text = f"{what}; {f'what was there is in {path}' if path else 'nothing was written'}"
    lead = "·" if result.cancelled else "!"
    role = Role.STRONG if result.cancelled else Role.MISSING
    parts = wrap(safe(text), width - 4, 3)
    return [((f" {lead if number == 0 else ' '} {part}", role),) for number, part in enumerate(parts)]


def _with_keys(lines: list[Line], width: int) -> list[Line]:
    """With the keys at the end of the first line that has room for them."""
    room = [width - len(plain(line)) - len(_KEYS) - 3 for line in lines]
    at = next((number for number, cells in enumerate(room) if cells >= 0), len(lines))
    if at == len(lines):
        return [*lines, ((f"   {_KEYS}", Role.DIM),)]
    lines[at] = (*lines[at], (" " * (room[at] + 2), Role.TEXT), (_KEYS, Role.DIM))
    return lines
