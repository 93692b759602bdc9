"""The `braggtrace` command: finds the verb, runs it, turns what went wrong into a message and an exit status.

Data goes to stdout, talk to stderr. A verb's module is imported when the verb is used, so that `--help` and the
headless verbs start at once.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from enum import IntEnum
from importlib import import_module
from pathlib import Path
from typing import NoReturn, Protocol, cast

from braggtrace import __version__
from braggtrace.errors import BraggtraceError, UsageError

__all__ = ["ExitStatus", "VerbModule", "main"]

VERBS = {
    "diff": "compare two traces and print the report",
    "explain": "say why two traces diverge: where it originates, and the cause",
    "demo": "compare the bundled pair of traces",
    "map": "compare two images pixel by pixel, as heat maps",
    "simulate": "simulate an image, with nanoBragg's flags and files",
    "trace": "trace pixels of a simulation, with nanoBragg's flags",
    "capture": "trace pixels of a C program, patched or not",
    "taps": "show, or try on a program, what makes which quantity in a C source",
    "runs": "list, compare, repeat and sweep kept runs",
    "engine": "serve requests of a screen, here or on another machine",
    "probe": "capture all the evidence about some pixels in one folder",
    "verify": "check that evidence is still what it was",
    "bundles": "list the evidence of a folder as a history",
    "steps": "list the steps of the physics: what computes what from what",
    "quirks": "list the quirks of the C program and the profiles they make",
    "doctor": "what works on this machine, and what would help",
}
"""Verb -> one line of help. The module is `braggtrace_tui.commands.<verb>`."""

START = "start"  # no arguments: the start screen
OPEN = "open"  # anything that is no verb: REF CAND

HELP = """\
Find the first place where two diffraction simulators disagree, and say why.

usage:
  braggtrace                       the start screen
  braggtrace REF CAND              open two traces on their first divergence
  braggtrace VERB …                one of the verbs below

verbs:
{verbs}

options:
  -h, --help                       show this help; `braggtrace VERB --help` shows a verb's
  --version                        show the version

exit status:
  0  the traces agree
  1  they diverge
  2  trouble: wrong usage, unreadable input
  3  inconclusive: too little could be compared

examples:
  braggtrace c.log torch.log
  braggtrace diff c.log torch.log --rtol 1e-6 'rot_*:1e-9'

A file that is named like a verb is opened as `./diff`.
"""


class ExitStatus(IntEnum):
    """What the process says to the shell; scripts rely on it."""

    AGREES = 0
    DIVERGES = 1
    TROUBLE = 2
    INCONCLUSIVE = 3
    INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
    PIPE_CLOSED = 141  # 128 + SIGPIPE


class VerbModule(Protocol):
    """What a module in this package offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the verb's arguments to `parser`, and set its epilog to an example."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it and return the exit status."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments after the program's name; those of the process if None.

    Returns:
        The exit status (`ExitStatus`).

    Raises:
        SystemExit: from argparse, after `--help` (0) or wrong usage (2).
    """
    _have_a_stderr()
    _never_fail_to_encode()
    try:
        try:
            return _run(list(sys.argv[1:] if argv is None else argv))
        finally:
            _flush_stdout()
    except BrokenPipeError:  # `| head` has seen enough
        return ExitStatus.PIPE_CLOSED
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except BraggtraceError as error:
        return _trouble(str(error))
    except OSError as error:
        named = "" if error.filename is None else f"{error.filename}: "
        return _trouble(f"{named}{error.strerror or error}")
    except Exception:  # noqa: BLE001 - Python would exit with 1, which says "they diverge"
        return _trouble(f"this is a bug in braggtrace {__version__}\n{traceback.format_exc()}")


def _run(argv: list[str]) -> int:
    first = argv[0] if argv else ""
    if first in ("-h", "--help"):
        print(HELP.format(verbs="\n".join(f"  {verb:<33}{summary}" for verb, summary in VERBS.items())), end="")
        return 0
    if first == "--version":
        print(f"braggtrace {__version__}")
        return 0
    if first in VERBS:
        return _run_verb(first, f"braggtrace {first}", VERBS[first], argv[1:])
    if not argv:
        return _run_verb(START, "braggtrace", "the start screen", argv)
    _refuse_misspelt_verb(first)
    return _run_verb(OPEN, "braggtrace", "open two traces on their first divergence", argv)


def _run_verb(name: str, prog: str, summary: str, argv: list[str]) -> int:
    verb = cast("VerbModule", import_module(f"braggtrace_tui.commands.{name}"))
    parser = _Parser(
        prog=prog,
        description=f"{summary[0].upper()}{summary[1:]}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # a new option must not change what an old script says
    )
    verb.add_arguments(parser)
    parse = getattr(verb, "parse", None)  # nanoBragg's flags are no argparse options
    return verb.run(parser.parse_args(argv) if parse is None else parse(parser, argv))


class _Parser(argparse.ArgumentParser):
    """Argparse, with file names made safe to print."""

    def error(self, message: str) -> NoReturn:
        super().error(_visible(message))


def _refuse_misspelt_verb(word: str) -> None:
    close = difflib.get_close_matches(word, VERBS, n=1)
    if close and not Path(word).exists():
        raise UsageError(f"{word!r} is neither a verb nor a file; did you mean 'braggtrace {close[0]}'?")


def _trouble(message: str) -> ExitStatus:
    if sys.stderr is not None:  # print would fall back to stdout
        with suppress(OSError):  # nobody listens; the exit status still tells
            print(f"braggtrace: error: {_visible(message)}", file=sys.stderr)
    return ExitStatus.TROUBLE


def _visible(message: str) -> str:
    """A message may quote a hostile file; it must not drive the terminal."""
    from braggtrace.trace.text import visible  # brings numpy, which only a failure needs here

    return "\n".join(visible(line) for line in message.split("\n"))


def _have_a_stderr() -> None:
    """Where stderr is closed, talk goes nowhere; `print` would put it on stdout."""
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as it runs


def _never_fail_to_encode() -> None:
    """A Latin-1 terminal shows a formula's signs as escapes, instead of a traceback."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # absent where a test or a caller replaced the stream
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _flush_stdout() -> None:
    """Flush here, and not at interpreter shutdown, because here a failure can still be answered."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError):  # not a real file
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, sys.stdout.fileno())  # what is left must not fail again at shutdown
            os.close(devnull)
        raise


if __name__ == "__main__":
    sys.exit(main())
