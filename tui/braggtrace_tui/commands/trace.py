"""`braggtrace trace`: every intermediate value of some pixels."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from braggtrace.errors import OutputExistsError, UsageError
from braggtrace_tui.commands.experiment_options import (
    add_options,
    explain,
    meaning_of,
    prepare,
    split_flags,
    torch_device,
    torch_dtype,
    warn,
)

if TYPE_CHECKING:
    from braggtrace.simulate.model import Model

__all__ = ["add_arguments", "parse", "run"]

_NAMED = 3
"""How many pixels that hold no trace are named one by one."""

EPILOG = """\
With --out the lines of the inner loops go to a file beside it, NAME_per_phi.log, which `braggtrace diff` reads along.

examples:
  braggtrace trace --pixel 684 1039 -- -mat A.mat -hkl P1.hkl -lambda 0.98 -distance 250 -osc 0.1 -phi 0 -phisteps 10
  braggtrace trace --roi 10 12 20 22 --phi-mode spec --out trace_py.log -- @flags.txt
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `trace`."""
    parser.usage = "braggtrace trace (--pixel S F | --roi S0 S1 F0 F1) [OPTIONS] -- FLAGS"
    parser.epilog = EPILOG
    parser.add_argument("--pixel", nargs=2, type=int, action="append", default=[], metavar=("S", "F"), help="repeats")
    parser.add_argument(
        "--roi", nargs=4, type=int, action="append", default=[], metavar=("S0", "S1", "F0", "F1"), help="inclusive"
    )
    parser.add_argument("--out", metavar="FILE", help="write there, not to stdout")
    parser.add_argument("--force", action="store_true", help="replace existing files")
    parser.add_argument("--emit-rot-stars", action="store_true", help="also write rotated vectors for each phi step")
    add_options(parser)


def parse(parser: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.Namespace:
    """Take nanoBragg's flags out of the arguments."""
    return split_flags(parser, argv)


def run(args: argparse.Namespace) -> int:
    """Trace the pixels."""
    from braggtrace.formats.arguments import expand_argument_files
    from braggtrace.runs.recorded import comment_lines
    from braggtrace.simulate.tracefile import recorded_run, trace_pieces
    from braggtrace.simulate.tracer import Tracer, selected_pixels

    if not args.pixel and not args.roi and not args.explain:
        raise UsageError("no pixel is given", expected="--pixel S F or --roi S0 S1 F0 F1")
    out, per_phi = _targets(args)
    device = torch_device(args)
    setup, model = prepare(args)
    if args.explain:
        print(explain(setup, model))
        return 0
    tracer = Tracer(model, device, torch_dtype(args.dtype), rot_stars=args.emit_rot_stars)
    boxes = [(first, last, left, right) for first, last, left, right in args.roi]
    pixels = selected_pixels([(slow, fast) for slow, fast in args.pixel], boxes)

    where = {"folder": str(Path.cwd()), "dtype": args.dtype, "device": args.device}
    comments = comment_lines(recorded_run(expand_argument_files(args.flags), meaning_of(args), model, **where))
    if out is None or per_phi is None:
        for comment in comments:
            print(comment)
        for line in itertools.chain(tracer.run_lines(), *(tracer.pixel_lines(*pixel) for pixel in pixels)):
            print(line.text)
        warn(_left_out(model, pixels))
        return 0
    _write(out, per_phi, list(trace_pieces(tracer, pixels, comments)))
    warn(_left_out(model, pixels))
    print(f"braggtrace: wrote {out} and {per_phi}", file=sys.stderr)
    return 0


def _left_out(model: Model, pixels: Sequence[tuple[int, int]]) -> list[str]:
    """What a person should know about pixels whose 0 no step computed."""
    reasons = [(pixel, model.why_not_rendered(*pixel)) for pixel in pixels]
    messages = [
        f"pixel {slow} {fast} is {reason}: its value is 0, and nothing else is traced"
        for (slow, fast), reason in reasons
        if reason is not None
    ]
    more = len(messages) - _NAMED
    return messages if more <= 0 else [*messages[:_NAMED], f"and {more} more such pixel{'s' * (more > 1)}"]


def _targets(args: argparse.Namespace) -> tuple[Path | None, Path | None]:
    """Where the trace goes: the main file and the one for the inner loops."""
    if args.out is None:
        return None, None
    out = Path(args.out)
    per_phi = out.with_name(f"{out.stem}_per_phi{out.suffix}")
    for path in (out, per_phi):
        if path.exists() and not args.force:
            raise OutputExistsError(path)
    return out, per_phi


def _write(out: Path, per_phi: Path, pieces: Sequence[tuple[str, str]]) -> None:
    from braggtrace.formats.files import write_atomic

    write_atomic(per_phi, [inner.encode() for _, inner in pieces])
    write_atomic(out, [main.encode() for main, _ in pieces])
