"""`braggtrace taps`: which source lines and variables of a C program make which quantity."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from braggtrace.capture.recording import Recording
    from braggtrace.capture.tapfile import TapFile

__all__ = ["add_arguments", "run"]

EPILOG = """\
A tap file says, as data, where in a program's source a quantity can be read, and from which variables. The shipped one
fits nanoBragg and programs like it. `show` prints it, to be changed for another program; `check` tries a tap file on a
program, without running it.

examples:
  braggtrace taps show > my.toml
  braggtrace taps check ./my_program --taps my.toml

exit status:
  0  every tap has its line and its variables
  1  some have not
  2  trouble: no such program, nothing that gdb can read, no line where a pixel begins
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be done with taps."""
    parser.epilog = EPILOG
    doing = parser.add_subparsers(dest="do", required=True, metavar="show | check")
    doing.add_parser("show", help="print the shipped tap file", description="Print the shipped tap file.")
    check = doing.add_parser("check", help="try a tap file on a program", description="Try a tap file on a program.")
    check.add_argument("program", metavar="PROGRAM", help="the C program, built with -g")
    check.add_argument("--taps", type=Path, metavar="FILE", help="tap file (default: the one for nanoBragg)")
    check.add_argument("--source", type=Path, metavar="DIR", help="where the source is, if gdb does not find it")


def run(args: argparse.Namespace) -> int:
    """Show or check."""
    from braggtrace.capture.tapfile import load_taps, shipped_taps

    if args.do == "show":
        sys.stdout.write(shipped_taps())
        return 0
    from braggtrace.capture.api import scratch_folder
    from braggtrace.capture.gdbrun import BUILD_ADVICE, bind_taps
    from braggtrace.capture.program import find_program
    from braggtrace.errors import CaptureError

    taps = load_taps(args.taps)
    program = find_program(args.program, Path(), taps.flags.trace_pixel)
    if not program.is_elf:
        raise CaptureError("is no program that gdb can read", path=args.program, expected="an ELF file")
    if not program.has_debug_info:
        raise CaptureError(f"has no debug information; {BUILD_ADVICE}", path=args.program)
    with scratch_folder() as scratch:
        recording = bind_taps(program, taps, scratch, args.source)
    itself = [flag for flag in taps.flags.trace_pixel if flag in program.knows]
    return _report(taps, recording, itself)


def _report(taps: TapFile, recording: Recording, itself: list[str]) -> int:
    """Print what binds and what does not; the exit status."""
    from braggtrace.trace.text import visible

    def say(text: str) -> None:
        print(visible(text))

    say(f"taps     {taps.name}")
    say(f"source   {recording.source_file}")
    if recording.optimised:
        say("built with optimisation: values may be optimised out when it runs")
    if itself:
        say(f"the program knows {itself[0]}: capture asks it to trace itself, unless --mode gdb")
    failed = total = 0
    for place in (*([taps.row] if taps.row is not None else []), taps.pixel, *taps.places):
        where = recording.bound.get(place.name)
        short = where.rpartition("/")[2] if where else "-"
        print()
        say(f"{place.name:<10} {'after' if place.after else 'before'} {short}")
        if where is None:
            say(f"  not found: {recording.unbound.get(place.name, '')}")
        others = recording.other_lines.get(place.name) or []
        if others and place is not taps.row:
            say(f"  more lines match and are not used: {', '.join(map(str, others[:8]))}")
        for take in place.takes:
            lacking = recording.lacking.get((place.name, take.quantity), [])
            total += 1
            if where is None or lacking:
                failed += 1
                why = f"no variable {', '.join(lacking)}" if lacking else "its place is not found"
                say(f"  - {take.quantity:<26} {why}")
            else:
                say(f"  + {take.quantity:<26} {' | '.join(', '.join(each) for each in take.alternatives)}"[:118])
    print()
    say(f"{total - failed} of {total} taps bind")
    return 1 if failed or recording.unbound else 0
