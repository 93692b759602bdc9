"""`braggtrace probe`: all the evidence about some pixels in one verifiable folder."""

from __future__ import annotations

import argparse
import difflib
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from braggtrace.compare.tolerance import Measure
from braggtrace.errors import InputError, UsageError
from braggtrace_tui.commands.experiment_options import add_options, explain, prepare, split_flags
from braggtrace_tui.config import default_root

if TYPE_CHECKING:
    from braggtrace.bundles.request import Experiment, ProbeRequest
    from braggtrace.capture.model import CaptureRequest

__all__ = ["add_arguments", "parse", "request_of", "run"]

EPILOG = """\
The folder ROOT/TOPIC/<UTC time> holds README.md (the answer is its first line), the traces, the comparison, metrics,
pictures and checksums. It is never changed again; `braggtrace verify` checks it, `braggtrace bundles` lists them all.
Its path is printed to standard output. What could not be completed ends in .partial and says why in attempt.log.

examples:
  braggtrace probe @supervisor.args --roi 684 686 1039 1040 --phi-mode c-parity --reference c_trace.log \\
      --baseline reports/carryover_probe/20251008T172721Z --root reports --topic carryover_probe
  braggtrace probe @supervisor.args --pixel 684 1039 --reference c_trace.log --c-parity-gate 1e-6 --junit probe.xml
  braggtrace probe --candidate my_trace.log --reference c_trace.log --topic my_port

exit status, of the gates if there are any, else of the comparison with the reference (the baseline without one):
  0  everything agrees, or there is nothing to compare with
  1  something diverges            2  the probe could not be completed
  3  inconclusive: too little could be compared
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `probe`."""
    parser.usage = "braggtrace probe (--pixel S F | --roi S0 S1 F0 F1) [OPTIONS] -- FLAGS"
    parser.epilog = EPILOG
    add_options(parser)
    parser.add_argument("--pixel", nargs=2, type=int, action="append", default=[], metavar=("S", "F"), help="repeats")
    parser.add_argument(
        "--roi", nargs=4, type=int, action="append", default=[], metavar=("S0", "S1", "F0", "F1"), help="inclusive"
    )
    parser.add_argument("--emit-rot-stars", action="store_true", help="also trace rotated vectors for each phi step")
    parser.add_argument("--candidate", default="", metavar="FILE", help="take this trace instead of computing one")
    against = parser.add_argument_group("what to compare with")
    against.add_argument(
        "--reference", action="append", default=[], metavar="FILE", help="a trace; repeats, for one run"
    )
    against.add_argument("--baseline", default="", metavar="PATH", help="an earlier bundle or trace, or `latest`")
    against.add_argument("--capture", action="store_true", help="run a C program with the same flags for the reference")
    against.add_argument("--bin", default="", metavar="PROGRAM", help="the C program (default: $NB_C_BIN)")
    against.add_argument("--taps", type=Path, metavar="FILE", help="tap file of the C program, as for `capture`")
    against.add_argument("--source", type=Path, metavar="DIR", help="folder of the C program's source, for gdb")
    for measure, what in ((Measure.RTOL, "relative"), (Measure.ATOL, "absolute"), (Measure.ULP, "float64 steps")):
        against.add_argument(
            f"--{measure}",
            action="append",
            default=[],
            metavar="TOL",
            help=f"{what}: NUMBER or PATTERN:NUMBER; repeats",
        )
    against.add_argument("--tolerances", type=Path, metavar="FILE", help="TOML file of such rules")
    against.add_argument("--map", type=Path, metavar="FILE", help="TOML file: renames, units, tolerances, ignore")
    against.add_argument("--equal-nan", action="store_true", help="NaN equals NaN")
    against.add_argument("--require-all", action="store_true", help="values on one side only make it inconclusive")
    where = parser.add_argument_group("where the evidence goes")
    where.add_argument("--root", type=Path, metavar="DIR", help="default: that of the config file, else reports")
    where.add_argument("--topic", default="probe", help="letters, digits and underscores (default: probe)")
    where.add_argument("--note", default="", metavar="TEXT", help="your words, for observations.txt")
    where.add_argument("--require-clean", action="store_true", help="refuse a git tree with uncommitted changes")
    where.add_argument("--ledger", type=Path, metavar="FILE", help="append an attempt entry to this Markdown file")
    where.add_argument("--dry-run", action="store_true", help="print the ledger's entry instead of appending it")
    gates = parser.add_argument_group("gates for CI; any of them also fails a divergence earlier than the baseline's")
    gates.add_argument(
        "--c-parity-gate",
        action="append",
        default=[],
        metavar="TOL",
        help="fail if anything is worse than the reference",
    )
    gates.add_argument(
        "--baseline-gate",
        action="append",
        default=[],
        metavar="TOL",
        help="fail if anything is worse than the baseline",
    )
    gates.add_argument("--junit", type=Path, metavar="FILE", help="also write the answers as JUnit XML")


def parse(parser: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.Namespace:
    """Take nanoBragg's flags out of the arguments, and keep the command as it was."""
    _refuse_misspelt(parser, argv)
    args = split_flags(parser, argv)
    args.command = ("braggtrace", "probe", *argv)
    return args


def _refuse_misspelt(parser: argparse.ArgumentParser, argv: Sequence[str]) -> None:
    """A word that is neither our option nor a flag would be ignored, and with a misspelt `--reference` the answer."""
    from braggtrace.simulate.flags import FLAGS

    own = [name for action in parser._actions for name in action.option_strings]
    words = list(argv)
    for word in words[: words.index("--")] if "--" in words else words:
        name = word.partition("=")[0]
        if not name.startswith("--") or name in own or any(flag.matches(name) for flag in FLAGS):
            continue
        close = difflib.get_close_matches(name, own, n=1)
        if close:
            parser.error(f"unknown option {name}; did you mean {close[0]}? (flags of nanoBragg may follow --)")


def run(args: argparse.Namespace) -> int:
    """Capture the evidence, print where it is, and return the exit status.

    Raises:
        BraggtraceError: the probe could not be completed.
    """
    from braggtrace.bundles.compute import ComputedTrace
    from braggtrace.bundles.gates import junit
    from braggtrace.bundles.probe import probe
    from braggtrace.bundles.why import search
    from braggtrace.output import write_whole

    if args.explain:
        print(explain(*prepare(args)))
        return 0
    source = None if args.candidate else ComputedTrace()
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        outcome = probe(request_of(args), source=source, report=_say, story=search)
    finally:
        signal.signal(signal.SIGTERM, before)
    if args.junit is not None:
        write_whole(args.junit, [junit(outcome.metrics)], force=True)
    print(outcome.path)
    if args.dry_run:
        print(outcome.entry, end="")
    return outcome.exit_status


def _terminated(number: int, _: object) -> NoReturn:
    """An end like any other: the processes that compute are ended, and `attempt.log` says so."""
    sys.exit(128 + number)


def _say(step: str, text: str) -> None:
    from braggtrace.trace.text import visible

    with suppress(OSError):  # nobody listens; the evidence is wanted all the same
        print(f"braggtrace: {step}: {visible(text)}", file=sys.stderr, flush=True)


def request_of(args: argparse.Namespace) -> ProbeRequest:
    """What the arguments ask for.

    Raises:
        BraggtraceError: a file of flags, tolerances or names can't be read.
    """
    from braggtrace.bundles.request import Gates, Judging, ProbeRequest
    from braggtrace.formats.arguments import expand_argument_files

    if args.c_threads < 1:
        raise UsageError("--c-threads is too small", expected="at least 1", got=str(args.c_threads))
    flags = tuple(expand_argument_files(args.flags))
    rules = {str(measure): tuple(getattr(args, measure)) for measure in Measure}
    return ProbeRequest(
        experiment=_experiment(args, flags),
        pixels=tuple((slow, fast) for slow, fast in args.pixel),
        boxes=tuple((first, last, left, right) for first, last, left, right in args.roi),
        candidate=args.candidate,
        reference=tuple(args.reference),
        baseline=args.baseline,
        judging=Judging(
            rules={measure: words for measure, words in rules.items() if words},
            tolerances=_text(args.tolerances),
            mapping=_text(args.map),
            equal_nan=args.equal_nan,
            require_all=args.require_all,
        ),
        root=default_root() if args.root is None else args.root,
        topic=args.topic,
        command=args.command,
        note=args.note,
        require_clean=args.require_clean,
        ledger=args.ledger,
        dry_run=args.dry_run,
        capture=_capture(args, flags) if args.capture else None,
        gates=Gates(tuple(args.c_parity_gate), tuple(args.baseline_gate)),
    )


def _capture(args: argparse.Namespace, flags: tuple[str, ...]) -> CaptureRequest:
    """What the C program is asked for: the same pixels, with the same flags."""
    from braggtrace.capture.model import CaptureRequest

    return CaptureRequest(
        program=args.bin or os.environ.get("NB_C_BIN", ""),
        flags=flags,
        pixels=tuple((slow, fast) for slow, fast in args.pixel),
        rois=tuple((first, last, left, right) for first, last, left, right in args.roi),
        taps=args.taps,
        source=args.source,
        threads=args.c_threads,
    )


def _experiment(args: argparse.Namespace, flags: tuple[str, ...]) -> Experiment:
    from braggtrace.bundles.request import Experiment

    return Experiment(
        flags=flags,
        profile=args.profile,
        switches=tuple(args.quirk),
        phi_mode=args.phi_mode,
        build=args.build,
        c_threads=args.c_threads,
        mtz_column=args.mtz_column,
        strict=args.strict,
        device=args.device,
        dtype=args.dtype,
        threads=args.threads,
        rot_stars=args.emit_rot_stars,
    )


def _text(path: Path | None) -> str:
    """The text of a file of tolerances or names, which goes into the bundle."""
    if path is None:
        return ""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"can't be read: {what}", path=path, expected="a TOML file") from error
