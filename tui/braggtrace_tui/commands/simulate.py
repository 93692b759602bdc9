"""`braggtrace simulate FLAGS`: a drop-in for nanoBragg."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from braggtrace_tui.commands.experiment_options import (
    add_options,
    explain,
    prepare,
    split_flags,
    torch_device,
    torch_dtype,
    warn,
)

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
    watched = sys.stderr is not None and sys.stderr.isatty()
    with torch.inference_mode(), _heard(), _Progress(enabled=setup.outputs.progress and watched) as progress:
        image = render(model, device=device, dtype=torch_dtype(args.dtype), compiled=args.compile, progress=progress)
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


class _Progress:
    """A line on stderr that tells how far a long simulation is."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled, self.shown = enabled, False
        self.start = self.last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if not self.enabled or now - self.start < 1.0 or (now - self.last < 0.2 and done < total):
            return
        self.last, self.shown = now, True
        bar = "#" * (30 * done // total)
        print(
            f"\r[{bar:<30}] {100 * done // total:3d} % {now - self.start:6.1f} s", end="", file=sys.stderr, flush=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the line, also when interrupted."""
        if self.shown:
            print(file=sys.stderr)
