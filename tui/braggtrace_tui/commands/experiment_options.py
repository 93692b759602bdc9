"""What `simulate` and `trace` share: their own options, nanoBragg's flags, and what is said about them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from braggtrace.simulate.model import Model
    from braggtrace.simulate.setup import Setup
    from braggtrace.simulate.understand import Meaning

__all__ = ["add_options", "explain", "meaning_of", "prepare", "split_flags", "torch_device", "torch_dtype", "warn"]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how the flags are understood and where to compute."""
    parser.add_argument("flags", nargs="*", metavar="FLAGS", help="nanoBragg's flags; @file reads some from a file")
    meaning = parser.add_argument_group("what the flags mean")
    meaning.add_argument("--profile", default="legacy", help="quirks of which program to have (default: legacy)")
    meaning.add_argument("--quirk", action="append", default=[], metavar="NAME=on|off", help="switch one quirk")
    meaning.add_argument("--phi-mode", choices=("c-parity", "spec"), help="switch the quirk stale-phi-zero")
    meaning.add_argument("--build", choices=("plain", "fma"), default="plain", help="which C build to imitate")
    meaning.add_argument("--c-threads", type=int, default=1, metavar="N", help="threads of the C program to imitate")
    meaning.add_argument("--mtz-column", metavar="NAME", help="column of an MTZ or mmCIF file")
    meaning.add_argument("--strict", action="store_true", help="every warning about the flags is an error")
    meaning.add_argument("--explain", action="store_true", help="print the experiment and where it came from, and stop")
    where = parser.add_argument_group("where to compute")
    where.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    where.add_argument("--dtype", choices=("float64", "float32"), default="float64", help="default: float64")
    where.add_argument("--threads", type=int, metavar="N", help="threads to use (default: all cores)")


def split_flags(parser: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.Namespace:
    """Tell our options, which start with two dashes, from nanoBragg's flags; all words after `--` are flags."""
    takes: dict[str, int] = {}
    for action in parser._actions:
        count = 1 if action.nargs is None else action.nargs if isinstance(action.nargs, int) else 0
        takes |= dict.fromkeys(action.option_strings, count)
    own: list[str] = []
    flags: list[str] = []
    words = list(argv)
    while words:
        word = words.pop(0)
        if word == "--":
            flags += words
            break
        name, equals, _ = word.partition("=")
        if name in takes:
            count = 0 if equals else takes[name]
            own += [word, *words[:count]]
            del words[:count]
        else:
            flags.append(word)
    args = parser.parse_args(own)
    args.flags = flags
    return args


def prepare(args: argparse.Namespace) -> tuple[Setup, Model]:
    """Understand the flags and resolve the experiment; warnings go to stderr.

    Raises:
        BraggtraceError: the flags or their files make no sense.
    """
    from braggtrace.formats.arguments import expand_argument_files
    from braggtrace.simulate.resolve import resolve
    from braggtrace.simulate.setup import check_strict
    from braggtrace.simulate.understand import understand

    setup = understand(expand_argument_files(args.flags), meaning_of(args))
    warn(setup.warnings)
    if args.strict:
        check_strict(setup)
    model = resolve(setup.experiment)
    warn(model.notes)
    return setup, model


def meaning_of(args: argparse.Namespace) -> Meaning:
    """Which program the flags are meant for."""
    from braggtrace.simulate.understand import Meaning

    return Meaning(args.profile, args.phi_mode, tuple(args.quirk), args.build, args.c_threads, args.mtz_column)


def warn(messages: Sequence[str]) -> None:
    """Say something about the flags on stderr."""
    from braggtrace.trace.text import visible

    for message in messages:
        print(f"braggtrace: {visible(message)}", file=sys.stderr)


def torch_dtype(name: str) -> torch.dtype:
    """The precision that `--dtype` names."""
    from braggtrace.simulate.device import dtype_named

    return dtype_named(name)


def torch_device(args: argparse.Namespace) -> torch.device:
    """The device that `--device` names; also sets the number of threads.

    Raises:
        UsageError: there is no such device.
    """
    import torch

    from braggtrace.simulate.device import device_named

    if args.threads is not None:
        torch.set_num_threads(max(1, args.threads))
    return device_named(args.device)


def explain(setup: Setup, model: Model) -> str:
    """The experiment as a table: every value, and the flag or default that it came from; then what follows from it."""
    from braggtrace.simulate.explain import explained, explanation

    return explanation(explained(setup, model))
