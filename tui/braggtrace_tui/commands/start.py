"""`braggtrace` without arguments: the start screen."""

from __future__ import annotations

import argparse
import sys

from braggtrace.errors import UsageError
from braggtrace_tui.commands.open import add_screen_arguments, backends_of, run_app

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what concerns the screen."""
    add_screen_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Show what there is to open."""
    from braggtrace_tui.terminal import detect, own_stdin

    if not (sys.stdout.isatty() and detect().interactive and own_stdin()):
        raise UsageError("the start screen needs a terminal; name two traces, or see 'braggtrace --help'")
    return run_app(None, None, backends_of(args), mouse=args.mouse)
