"""What `simulate` and `trace` share: their own options, nanoBragg's flags, and what is said about them."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from braggtrace.errors import UsageError

if TYPE_CHECKING:
    import torch

    from braggtrace.simulate.model import Model
    from braggtrace.simulate.setup import Setup

__all__ = ["add_options", "explain", "prepare", "split_flags", "torch_device", "torch_dtype", "warn"]


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
    from braggtrace.simulate.quirks import choose_quirks
    from braggtrace.simulate.resolve import resolve
    from braggtrace.simulate.setup import check_strict, expand_argument_files, setup_from_flags

    if args.c_threads < 1:
        raise UsageError("--c-threads is too small", expected="at least 1", got=str(args.c_threads))
    quirks = choose_quirks(args.profile, args.quirk, args.phi_mode)
    setup = setup_from_flags(
        expand_argument_files(args.flags),
        quirks,
        threads=args.c_threads,
        fma=args.build == "fma",
        mtz_column=args.mtz_column,
    )
    warn(setup.warnings)
    if args.strict:
        check_strict(setup)
    model = resolve(setup.experiment)
    warn(model.notes)
    return setup, model


def warn(messages: Sequence[str]) -> None:
    """Say something about the flags on stderr."""
    from braggtrace.trace.text import visible

    for message in messages:
        print(f"braggtrace: {visible(message)}", file=sys.stderr)


def torch_dtype(name: str) -> torch.dtype:
    """The precision that `--dtype` names."""
    import torch

    return torch.float32 if name == "float32" else torch.float64


def torch_device(args: argparse.Namespace) -> torch.device:
    """The device that `--device` names; also sets the number of threads.

    Raises:
        UsageError: there is no such device.
    """
    import torch

    if args.threads is not None:
        torch.set_num_threads(max(1, args.threads))
    try:
        device = torch.device(args.device)
    except RuntimeError:
        raise UsageError("unknown device", expected="cpu or cuda", got=args.device) from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UsageError("this machine has no usable GPU", expected="--device cpu", got=f"--device {args.device}")
    return device


def explain(setup: Setup, model: Model) -> str:
    """The experiment as a table: every value, and the flag or default that it came from; then what follows from it."""
    rows: list[tuple[str, str, str]] = []
    experiment = setup.experiment
    for title in ("detector", "beam", "crystal", "sources", "sampling"):
        part = getattr(experiment, title)
        rows.append((f"[{title}]", "", ""))
        rows += [
            (field.name, _short(getattr(part, field.name)), setup.origins.get(field.name, "default"))
            for field in dataclasses.fields(part)
        ]
    rows.append(("[derived]", "", ""))
    rows += [(name, _short(value), "") for name, value in model.values.items() if not _is_internal(name)]
    rows.append(("[quirks]", " ".join(sorted(model.quirks)) or "none", ""))
    widths = [max(len(row[column]) for row in rows if len(row[1]) < _WIDE) for column in (0, 1)]
    return "\n".join(f"{name:<{widths[0]}}  {value:<{widths[1]}}  {origin}".rstrip() for name, value, origin in rows)


_WIDE = 60


def _is_internal(name: str) -> bool:
    return name.endswith(("_input", "_input_m", "_rad", "_start", "_start_m")) or name in (
        "reciprocal_missetted",
        "direct_crosses",
        "matrix_columns",
        "cell_lengths_A",
    )


def _short(value: Any) -> str:
    from torch import Tensor

    if value is None:
        return "-"
    if isinstance(value, Tensor) and value.ndim == 0:
        return f"{float(value):.12g}"
    shape = getattr(value, "shape", None)
    if shape is not None:
        return f"array {'x'.join(map(str, shape))}"
    if isinstance(value, tuple):
        return " ".join(_short(item) for item in value)
    return f"{value:.12g}" if isinstance(value, float) else str(value)
