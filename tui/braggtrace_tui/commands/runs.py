"""`braggtrace runs`: kept runs, without a screen: list, show, compare, run again, sweep, delete."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from braggtrace.errors import UsageError

__all__ = ["ACTIONS", "add_arguments", "parse", "run"]

EPILOG = """\
actions:
  list                 every run, newest first (this is what happens without an action)
  show NAME            one run: what was asked for, where it ran, what came of it
  diff A B             compare two runs, or a run and a trace, as `braggtrace diff` does
  new … -- FLAGS       a new run: --pixel S F, --roi S0 S1 F0 F1, or --simulate for an image
  again NAME …         the same again, with a change: --dtype float32, --phi-mode spec, …
  sweep NAME|-- FLAGS  the same over a matrix of settings, each compared with --reference
  delete NAME …        delete runs for good

NAME is a run's name, a part of it that no other run has, or last. Every action has --help.

examples:
  braggtrace runs
  braggtrace runs new --pixel 684 1039 -- -mat A.mat -hkl P1.hkl -lambda 0.98 -distance 250 -osc 0.1 -phisteps 10
  braggtrace runs again last --phi-mode spec
  braggtrace runs diff c.log last
  braggtrace runs sweep last --reference c.log --dtype float64,float32 --phi-mode c-parity,spec
"""

ACTIONS = {
    "list": "list the kept runs, newest first",
    "show": "show one run",
    "diff": "compare two runs, or a run and a trace",
    "new": "run something and keep it",
    "again": "run something again, with a change",
    "sweep": "run something over a matrix of settings, and compare each with a reference",
    "delete": "delete runs for good",
}
"""Action -> one line of help. Each is a function of `runs_actions` or `runs_launching`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `runs`, which are those of its actions."""
    parser.usage = "braggtrace runs [ACTION] [OPTIONS] …"
    parser.epilog = EPILOG
    parser.add_argument("action", nargs="?", default="list", metavar="ACTION", help="what to do; default: list")


def parse(parser: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.Namespace:
    """Understand the arguments of an action.

    Raises:
        UsageError: there is no such action.
    """
    words = list(argv)
    if words and words[0] in ("-h", "--help"):
        return parser.parse_args(words)
    action = words.pop(0) if words and not words[0].startswith("-") else "list"
    if action not in ACTIONS:
        raise UsageError(f"no action of runs: {action!r}", expected=", ".join(ACTIONS))
    from braggtrace_tui.commands import runs_actions, runs_launching

    module = runs_launching if action in ("new", "again", "sweep") else runs_actions
    own = type(parser)(
        prog=f"braggtrace runs {action}",
        description=f"{ACTIONS[action].capitalize()}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    own.add_argument("--store", default=None, metavar="FOLDER", help="where runs are kept (default: .braggtrace/runs)")
    getattr(module, f"add_{action}")(own)
    flags = words[words.index("--") + 1 :] if "--" in words else None
    args = own.parse_args(words[: words.index("--")] if "--" in words else words)
    if flags is not None and action not in ("new", "sweep"):
        own.error("flags after -- are for `new` and `sweep`")
    args.flags = flags
    args.do = getattr(module, f"do_{action}")
    return args


def run(args: argparse.Namespace) -> int:
    """Do it and return the exit status."""
    do: Callable[[argparse.Namespace], int] = args.do
    return do(args)
