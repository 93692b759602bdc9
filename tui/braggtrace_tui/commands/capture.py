"""`braggtrace capture`: a fresh trace from a C program, patched or not."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from braggtrace_tui.commands.experiment_options import split_flags

if TYPE_CHECKING:
    from braggtrace.capture import CaptureResult, Missing

__all__ = ["add_arguments", "parse", "run"]

EPILOG = """\
A program that knows -trace_pixel is asked to trace itself. Another one is run under gdb, which needs it built with -g,
best with -O0; nothing in it has to be changed. Which source lines and variables make which quantity says a tap file:
see `braggtrace taps --help`.

The program runs in a temporary folder; its own output files are discarded. It renders no more than it must for the
pixels to come out as in the full run.

With --out the lines of the inner loops go to a file beside it, NAME_per_phi.log, which `braggtrace diff` reads along.

examples:
  braggtrace capture --bin ./nanoBragg --pixel 684 1039 --out c.log -- -mat A.mat -hkl P1.hkl -lambda 0.98 -distance 250
  NB_C_BIN=./nanoBragg braggtrace capture --roi 684 686 1039 1040 --out c.log -- @flags.txt

exit status:
  0  captured; what could not be had is listed on stderr and in the trace
  2  trouble: the program is missing, can't be traced, crashed or ran out of time; what there was is written
"""
_DEFAULT_TIMEOUT_S = 300.0
_NAMES_SHOWN = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `capture`."""
    parser.usage = "braggtrace capture --bin PROG (--pixel S F | --roi S0 S1 F0 F1) [OPTIONS] -- FLAGS"
    parser.epilog = EPILOG
    parser.add_argument("flags", nargs="*", metavar="FLAGS", help="the program's flags; @file reads some from a file")
    parser.add_argument("--bin", metavar="PROG", help="the C program (default: $NB_C_BIN)")
    parser.add_argument("--pixel", nargs=2, type=int, action="append", default=[], metavar=("S", "F"), help="repeats")
    parser.add_argument(
        "--roi", nargs=4, type=int, action="append", default=[], metavar=("S0", "S1", "F0", "F1"), help="inclusive"
    )
    parser.add_argument("--out", metavar="FILE", help="write there, not to stdout")
    parser.add_argument("--force", action="store_true", help="replace existing files")
    parser.add_argument("--mode", choices=("auto", "self", "gdb"), default="auto", help="how to trace (default: auto)")
    parser.add_argument("--taps", metavar="FILE", help="tap file (default: the one for nanoBragg)")
    parser.add_argument("--source", metavar="DIR", help="where the program's source is, if gdb does not find it")
    parser.add_argument("--timeout", type=float, default=_DEFAULT_TIMEOUT_S, metavar="S", help="seconds (default: 300)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="OpenMP threads (default: 1)")


def parse(parser: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.Namespace:
    """Take the program's flags out of the arguments."""
    return split_flags(parser, argv)


def run(args: argparse.Namespace) -> int:
    """Capture the trace."""
    from braggtrace.capture import CaptureRequest, capture
    from braggtrace.errors import OutputError, UsageError
    from braggtrace.output import refuse_existing, write_whole

    program = args.bin or os.environ.get("NB_C_BIN")
    if not program:
        raise UsageError("no program is given", expected="--bin PROG, or NB_C_BIN in the environment")
    out = None if args.out is None else Path(args.out)
    per_phi = None if out is None else out.with_name(f"{out.stem}_per_phi{out.suffix}")
    if out is not None and not out.parent.is_dir():
        raise OutputError("can't be written: there is no such folder", path=out)
    if not args.force:
        for path in filter(None, (out, per_phi)):
            refuse_existing(path)
    request = CaptureRequest(
        program,
        tuple(args.flags),
        pixels=tuple((slow, fast) for slow, fast in args.pixel),
        rois=tuple((first, last, left, right) for first, last, left, right in args.roi),
        mode=args.mode,
        taps=None if args.taps is None else Path(args.taps),
        source=None if args.source is None else Path(args.source),
        threads=args.threads,
        timeout_s=args.timeout,
    )
    _end_in_order()
    result = capture(request, tell=_tell)
    _tell_missing(result)
    if out is None or per_phi is None:
        sys.stdout.write(result.main_text + result.per_phi_text)
    else:
        write_whole(per_phi, [result.per_phi_text], force=args.force)
        write_whole(out, [result.main_text], force=args.force)
        _tell(f"wrote {out} and {per_phi}")
    if result.failure:
        _tell(f"error: the trace is not complete: {result.failure}")
        return 2
    return 0


def _end_in_order() -> None:
    """A terminated or hung-up braggtrace takes gdb and the program along."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)


def _leave(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def _tell(sentence: str) -> None:
    from braggtrace.trace.text import visible

    print(f"braggtrace: {visible(sentence)}", file=sys.stderr)


def _tell_missing(result: CaptureResult) -> None:
    """What is missing, a line for each reason."""
    by_reason: dict[str, list[Missing]] = {}
    for each in result.missing:
        reason = "no such variable in the program" if each.reason.startswith("no variable") else each.reason
        by_reason.setdefault(reason, []).append(each)
    for reason, all_of_it in by_reason.items():
        names = [each.name for each in all_of_it]
        more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
        _tell(f"missing: {', '.join(names[:_NAMES_SHOWN])}{more} ({reason})")
