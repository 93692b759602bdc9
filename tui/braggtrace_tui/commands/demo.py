"""`braggtrace demo`: compare the bundled pair of traces."""

from __future__ import annotations

import argparse

from braggtrace.compare.options import Options
from braggtrace_tui.commands.open import add_screen_arguments, backends_of, show

__all__ = ["add_arguments", "run"]

EPILOG = """\
example:
  braggtrace demo

Two real traces of one program: the candidate has a fix that the reference lacks. The cursor opens on the first
value that it changes. Where stdout is not a terminal, the text report is printed instead.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what concerns the screen."""
    parser.epilog = EPILOG
    add_screen_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Open the demo, or print its report."""
    from braggtrace_tui.samples import demo_pair

    return show(*demo_pair(), Options(), backends_of(args), mouse=args.mouse)
