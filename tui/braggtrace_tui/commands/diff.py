"""`braggtrace diff`: compare two traces and print the report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from braggtrace.compare.mapping import NO_MAP, read_map
from braggtrace.compare.options import Options
from braggtrace.compare.tolerance import NO_RULES, Measure, Tolerances, looks_like_rule, parse_rules, read_tolerances
from braggtrace.errors import UsageError

if TYPE_CHECKING:
    from braggtrace.compare.model import Comparison

__all__ = ["add_arguments", "add_comparison_arguments", "compared", "options_of", "run"]

EPILOG = """\
examples:
  braggtrace diff c.log torch.log
  braggtrace diff c.log torch.log --rtol 1e-6 'rot_*:1e-9' --atol 'F_latt:1e-3*max' --ulp 'hkl_*:4'
  braggtrace diff c.log torch.log --explain --format markdown
  braggtrace diff main.log+per_phi.json torch.log --pixel 684 1039 --format json --out report.json

A side may be several files of one run, joined by +, or - for standard input.
A tolerance TOL is a NUMBER, for everything, or PATTERN:NUMBER; the first pattern that matches a quantity wins.
For a file whose name looks like a tolerance, write ./NAME.

exit status:
  0  the traces agree            2  trouble: wrong usage, unreadable input
  1  they diverge                3  inconclusive: too little could be compared
"""

FORMATS = ("text", "json", "markdown", "junit")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the two traces, how they are compared, and what is reported."""
    parser.epilog = EPILOG
    add_comparison_arguments(parser)
    report = parser.add_argument_group("report")
    report.add_argument("--format", choices=FORMATS, default="text", help="what to write (default: %(default)s)")
    report.add_argument("--all", action="store_true", help="with --format json: every pair, not only diverging ones")
    report.add_argument("--explain", action="store_true", help="also say why; needs PyTorch")
    report.add_argument("--out", type=Path, metavar="FILE", help="write to FILE instead of standard output")
    report.add_argument("--force", action="store_true", help="let --out replace a file")


def run(args: argparse.Namespace) -> int:
    """Compare, report, and return the exit status.

    Raises:
        BraggtraceError: a trace, an option or a file can't be used.
    """
    from braggtrace.output import refuse_existing, write_whole

    options, reference, candidate = options_of(args)
    if args.all and args.format != "json":
        raise UsageError("--all is about JSON", expected="--format json", got=f"--format {args.format}")
    if args.out is not None and not args.force:
        refuse_existing(args.out)
    explanation = None
    if args.explain:
        from braggtrace_tui.commands.explaining import explained, require_torch, telling

        require_torch()
        comparison = compared(reference, candidate, options)
        with telling("replaying"):
            explanation = explained(comparison)
    else:
        comparison = compared(reference, candidate, options)

    from braggtrace.compare.report import render_pieces

    pieces = render_pieces(comparison, args.format, all_pairs=args.all, explanation=explanation)
    if args.out is None:
        sys.stdout.writelines(pieces)
    else:
        write_whole(args.out, pieces, force=args.force)
        print(f"{comparison.status}: report written to {args.out}", file=sys.stderr)
    return comparison.status.exit_status


def compared(reference: str, candidate: str, options: Options) -> Comparison:
    """Read two traces, at the same time, and compare them.

    Raises:
        TraceReadError: a side can't be read.
        BraggtraceError: the options don't fit the traces.
    """
    from braggtrace.compare.judge import compare
    from braggtrace.trace.reader import read_trace

    with ThreadPoolExecutor(2) as threads:  # reading is numpy work, which runs beside other numpy work
        reference_trace, candidate_trace = threads.map(read_trace, (reference, candidate))
    return compare(reference_trace, candidate_trace, options)


def add_comparison_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the two traces and how they are compared; `options_of` reads them back."""
    sides = [
        parser.add_argument("traces", metavar=name, action=_Side, help=f"the {what} trace, or - for standard input")
        for name, what in (("REF", "reference"), ("CAND", "candidate"))
    ]
    parser.set_defaults(traces=())
    group = parser.add_argument_group("comparison")
    for measure, what in (
        (Measure.RTOL, "relative difference that still agrees (default: 1e-6; whole numbers are compared exactly)"),
        (Measure.ATOL, "absolute difference that still agrees; PATTERN:1e-3*max is a fraction of the largest value"),
        (Measure.ULP, "float64 steps that still agree; takes the place of the default rtol"),
    ):
        group.add_argument(f"--{measure}", action=_Rules, sides=sides, nargs="+", default=(), metavar="TOL", help=what)
    group.add_argument("--tolerances", type=Path, metavar="FILE", help="TOML file of such rules; options come first")
    group.add_argument("--map", type=Path, metavar="FILE", help="TOML file: renames, units, tolerances, ignore")
    group.add_argument(
        "--pixel",
        type=int,
        nargs=2,
        action="append",
        default=[],
        metavar=("SLOW", "FAST"),
        help="compare this pixel only; may be repeated",
    )
    group.add_argument("--equal-nan", action="store_true", help="NaN equals NaN")
    group.add_argument(
        "--require-all", action="store_true", help="values on one side only make the answer inconclusive"
    )


def options_of(args: argparse.Namespace) -> tuple[Options, str, str]:
    """The options, the reference's path and the candidate's, from parsed arguments.

    Raises:
        UsageError: both sides are standard input.
        InputError: a tolerance, or a file of them, can't be read.
    """
    reference, candidate = args.traces
    if reference == candidate == "-":
        raise UsageError("only one side can be standard input")
    rules = tuple(rule for measure in Measure for rule in parse_rules(measure, getattr(args, measure), f"--{measure}"))
    from_file = NO_RULES if args.tolerances is None else read_tolerances(args.tolerances)
    options = Options(
        tolerances=Tolerances(rules) + from_file,
        mapping=NO_MAP if args.map is None else read_map(args.map),
        equal_nan=args.equal_nan,
        pixels=tuple((slow, fast) for slow, fast in args.pixel),
        require_all=args.require_all,
    )
    return options, reference, candidate


class _Side(argparse.Action):
    """A trace: the first one is the reference, the second the candidate, wherever they stand."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,  # noqa: ARG002  # argparse's signature
    ) -> None:
        _add_traces(parser, namespace, [str(values)])


class _Rules(argparse.Action):
    """Tolerances. The option takes all words that follow it; the ones that are no tolerance are traces."""

    def __init__(self, sides: Sequence[argparse.Action], **options: Any) -> None:
        super().__init__(**options)
        self.sides = sides

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        assert not isinstance(values, str)
        words = list(values or ())
        count = next((at for at, word in enumerate(words) if not looks_like_rule(word)), len(words))
        if not count:
            parser.error(f"argument {option_string}: expected 1e-6 or 'PATTERN:1e-6', got {words[0]!r}")
        setattr(namespace, self.dest, (*getattr(namespace, self.dest), *words[:count]))
        _add_traces(parser, namespace, words[count:])
        wanting = [side for side in self.sides if side.required]
        for side in wanting[max(0, len(wanting) - len(words) + count) :]:
            side.required = False  # argparse must not ask for a trace that is here


def _add_traces(parser: argparse.ArgumentParser, namespace: argparse.Namespace, words: Sequence[str]) -> None:
    namespace.traces = (*namespace.traces, *words)
    if len(namespace.traces) > 2:
        parser.error(f"expected two traces, REF and CAND, got {len(namespace.traces)}: {' '.join(namespace.traces)}")
