"""`braggtrace explain`: why two traces diverge, in about a dozen lines to paste into an issue."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from braggtrace.errors import UsageError
from braggtrace_tui.commands.diff import add_comparison_arguments, compared, options_of
from braggtrace_tui.commands.explaining import explained, require_torch, telling

if TYPE_CHECKING:
    from braggtrace.compare.model import Comparison
    from braggtrace.replay.model import Explanation

__all__ = ["add_arguments", "run"]

EPILOG = """\
Each step of the simulation is computed again from the inputs that a trace recorded. A step whose output is not what it
gives for its inputs is a root: the divergence originates there. What follows from it inherits. The cause of a root is
the smallest change that turns one side into the other.

examples:
  braggtrace explain c.log torch.log
  braggtrace explain c.log torch.log --pixel 684 1039 --format json --out why.json
  braggtrace explain c.log torch.log --accept rot_b

exit status:
  0  nothing diverges            2  trouble: wrong usage, unreadable input, no PyTorch
  1  the traces diverge          3  inconclusive: too little could be compared
"""

FORMATS = ("text", "json", "markdown")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the two traces, how they are compared, and what is told."""
    parser.epilog = EPILOG
    add_comparison_arguments(parser)
    told = parser.add_argument_group("story")
    told.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="ROOT",
        help="take a root as mended, by its quantity or its id, and go on to the next; may be repeated",
    )
    told.add_argument("--format", choices=FORMATS, default="text", help="what to write (default: %(default)s)")
    told.add_argument("--all", action="store_true", help="with --format json: the verdict of every diverging row, too")
    told.add_argument("--out", type=Path, metavar="FILE", help="write to FILE instead of standard output")
    told.add_argument("--force", action="store_true", help="let --out replace a file")


def run(args: argparse.Namespace) -> int:
    """Compare, search for the cause, tell it, and return the exit status.

    Raises:
        BraggtraceError: a trace, an option or a file can't be used, or there is no PyTorch.
    """
    from braggtrace.output import refuse_existing, write_whole

    options, reference, candidate = options_of(args)
    if args.all and args.format != "json":
        raise UsageError("--all is about JSON", expected="--format json", got=f"--format {args.format}")
    if args.out is not None and not args.force:
        refuse_existing(args.out)
    require_torch()
    with telling("comparing"):
        comparison = compared(reference, candidate, options)
    with telling("replaying"):
        explanation = explained(comparison, args.accept)
    text = _rendered(comparison, explanation, args.format, rows=args.all)
    if args.out is None:
        sys.stdout.write(text)
    else:
        write_whole(args.out, [text], force=args.force)
        print(f"{comparison.status}: explanation written to {args.out}", file=sys.stderr)
    return comparison.status.exit_status


def _rendered(comparison: Comparison, explanation: Explanation, form: str, *, rows: bool) -> str:
    if form == "json":
        import orjson

        document = _document(comparison, explanation, rows=rows)
        return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    lines = _markdown(comparison, explanation) if form == "markdown" else _text(comparison, explanation)
    return "".join(f"{line}\n" for line in lines)


def _document(comparison: Comparison, explanation: Explanation, *, rows: bool) -> dict[str, Any]:
    """The explanation, and what it is about."""
    from braggtrace.compare.report.json import side_json

    document = explanation.to_json(rows=rows)
    files = {"reference": side_json(comparison.reference), "candidate": side_json(comparison.candidate)}
    return {"schema": document.pop("schema"), "status": comparison.status.value, "files": files, **document}


def _text(comparison: Comparison, explanation: Explanation) -> Iterator[str]:
    from braggtrace.replay.story import story_lines

    yield f"{comparison.status}: {_about(comparison)}"
    yield from (f"taken as mended: {each}" for each in explanation.accepted)
    yield ""
    if comparison.counts.compared:
        yield from story_lines(explanation)
    yield from (f"note: {note}" for note in _unsure(comparison))


def _markdown(comparison: Comparison, explanation: Explanation) -> Iterator[str]:
    from braggtrace.compare.report.why import why_markdown
    from braggtrace.compare.report.words import code, plain

    yield f"**{comparison.status}**: {plain(_about(comparison))}"
    yield from (f"- taken as mended: {code(each)}" for each in explanation.accepted)
    yield ""
    if comparison.counts.compared:
        yield from why_markdown(explanation)
    yield from (f"- {plain(note)}" for note in _unsure(comparison))


def _about(comparison: Comparison) -> str:
    """What was compared, and how much of it diverges."""
    from braggtrace.compare.report.words import count
    from braggtrace.trace.text import visible

    traces = (comparison.reference, comparison.candidate)
    ours, theirs = ("standard input" if trace.name == "-" else visible(trace.name) for trace in traces)
    counts = comparison.counts
    return f"{theirs} against {ours}; {counts.diverge:,} of {count(counts.compared, 'value')} diverge"


def _unsure(comparison: Comparison) -> tuple[str, ...]:
    """Why too little could be compared, if so."""
    from braggtrace.compare.model import Status

    return comparison.notes if comparison.status is Status.INCONCLUSIVE else ()
