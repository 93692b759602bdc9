"""`braggtrace simulate FLAGS`: a drop-in for nanoBragg."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from braggtrace_tui.commands.experiment_options import (
    add_options,
    explain,
    prepare,
    split_flags,
    torch_device,
    torch_dtype,
    warn,
)
from braggtrace_tui.commands.progress import Progress

__all__ = ["add_arguments", "parse", "run"]

EPILOG = """\
examples:
  braggtrace simulate -cell 70 80 90 90 90 90 -default_F 100 -N 5 -lambda 1 -distance 100 -detpixels 512
  braggtrace simulate -mat A.mat -hkl P1.hkl -lambda 0.98 -distance 250 -osc 0.1 -phi 0 -phisteps 10 --png preview.png
  braggtrace simulate @flags.txt --explain
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `simulate`."""
    parser.usage = "braggtrace simulate [OPTIONS] FLAGS"
    parser.epilog = EPILOG
    add_options(parser)
    parser.add_argument(
        "--compile", choices=("auto", "on", "off"), default="auto", help="compile the steps (default: where it pays)"
    )
    parser.add_argument("--png", metavar="FILE", help="also write a preview")


def parse(parser: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.Namespace:
    """Take nanoBragg's flags out of the arguments."""
    return split_flags(parser, argv)


def run(args: argparse.Namespace) -> int:
    """Simulate, and write the files that the flags ask for."""
    import torch

    from braggtrace.simulate.image import render
    from braggtrace.simulate.outputs import write_outputs

    device = torch_device(args)
    setup, model = prepare(args)
    if args.explain:
        print(explain(setup, model))
        return 0
    with torch.inference_mode(), _heard(), Progress(silent_s=1.0) as progress:
        tell = progress.bar if setup.outputs.progress else None
        image = render(model, device=device, dtype=torch_dtype(args.dtype), compiled=args.compile, progress=tell)
    statistics = write_outputs(model, image.numpy(), setup, png=args.png)
    place = "" if statistics.max_index is None else " at slow {} fast {}".format(*statistics.max_index)
    print(
        f"max {statistics.maximum:g} photons{place}, mean {statistics.mean:g}, rms {statistics.rms:g},"
        f" rmsd {statistics.rmsd:g}; wrote {setup.outputs.floatfile}",
        file=sys.stderr,
    )
    return 0


class _Voice(logging.Handler):
    """Says on stderr what the engine has to say."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say one thing."""
        warn([record.getMessage()])


@contextmanager
def _heard() -> Iterator[None]:
    """Meanwhile the engine is heard: that it compiles something takes a while, or that it can't."""
    logger, voice = logging.getLogger("braggtrace"), _Voice()
    level = logger.level
    logger.addHandler(voice)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(voice)
        logger.setLevel(level)
