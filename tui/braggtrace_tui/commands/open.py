"""`braggtrace REF CAND`: open two traces on their first divergence."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from braggtrace.compare.options import Options
from braggtrace_tui.commands.diff import add_comparison_arguments, compared, options_of
from braggtrace_tui.config import Backends, choose_backends

if TYPE_CHECKING:
    from braggtrace_tui.session import Session, Snapshot

__all__ = ["add_arguments", "run", "show", "add_screen_arguments", "backends_of", "run_app"]

EPILOG = """\
examples:
  braggtrace c.log torch.log
  braggtrace c.log torch.log --rtol 1e-9 --pixel 1639 966
  ssh cluster cat run/trace.log | braggtrace - torch.log
  braggtrace c.log torch.log --args flags.txt --engine 'ssh gpubox braggtrace engine'

Where stdout is not a terminal, the text report is printed instead, as `braggtrace diff` does.
Inside, ? lists the keys.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the two traces, what `diff` knows about comparing, and what concerns the screen."""
    parser.epilog = EPILOG
    add_comparison_arguments(parser)
    add_screen_arguments(parser)


def add_screen_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what concerns the screen."""
    mouse = parser.add_argument_group("screen")
    mouse.add_argument(
        "--mouse",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="let the mouse move the cursor; by default on a local terminal only",
    )
    rerun = parser.add_argument_group("running pixels again, on the screen")
    rerun.add_argument(
        "--engine",
        metavar="COMMAND",
        help="what runs them: a command ('ssh gpubox braggtrace engine'), a name in the config file, local or none",
    )
    rerun.add_argument("--args", metavar="FILE", help="nanoBragg's flags; by default those that the traces record")
    rerun.add_argument("--bin", metavar="PROGRAM", help="your C program, to trace it too (default: $NB_C_BIN)")


def backends_of(args: argparse.Namespace) -> Backends:
    """What the options of `add_screen_arguments` and the config file say about running.

    Raises:
        BraggtraceError: an engine or a file that was named can't be used.
    """
    return choose_backends(args.engine, args.args, args.bin)


def run(args: argparse.Namespace) -> int:
    """Open the screen, or print the report."""
    options, reference, candidate = options_of(args)
    return show(reference, candidate, options, backends_of(args), mouse=args.mouse)


def show(
    reference: str, candidate: str, options: Options, backends: Backends | None = None, *, mouse: bool | None = None
) -> int:
    """Compare two traces: on the screen if there is one, else as a text report.

    Args:
        reference: the reference's path.
        candidate: the candidate's path.
        options: how they are compared.
        backends: what can run pixels again.
        mouse: use the mouse; None for "on a local terminal".

    Returns:
        The exit status: of the comparison if it was printed or the screen was left in the ordinary way.

    Raises:
        TraceReadError: a side can't be read.
    """
    if not sys.stdout.isatty():
        return _report(reference, candidate, options)
    from braggtrace_tui.terminal import detect, own_stdin

    if not detect().interactive:
        return _report(reference, candidate, options)
    from braggtrace_tui.session import Session

    session = Session(reference, candidate, options)
    snapshot = session.first_look()
    if not own_stdin():
        return _report(reference, candidate, options)
    return run_app(session, snapshot, backends, mouse=mouse)


def _report(reference: str, candidate: str, options: Options) -> int:
    """Print the text report."""
    from braggtrace.compare.report import render

    comparison = compared(reference, candidate, options)
    sys.stdout.write(render(comparison, "text"))
    return comparison.status.exit_status


def run_app(
    session: Session | None, snapshot: Snapshot | None, backends: Backends | None, *, mouse: bool | None
) -> int:
    """Run the screen on a comparison, or the start screen if there is none; the engine ends with it."""
    from braggtrace_tui.app import BraggtraceApp
    from braggtrace_tui.settings import load_settings, state_path
    from braggtrace_tui.terminal import detect

    terminal = detect()
    app = BraggtraceApp(terminal, load_settings(state_path()), session, snapshot, backends)
    try:
        app.run(mouse=(not terminal.remote) if mouse is None else mouse)
    finally:
        app.close_engine()
    return app.return_code or 0
