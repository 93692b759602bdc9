"""What `braggtrace runs` computes: something new, something again, a sweep."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from braggtrace.errors import UsageError
from braggtrace.trace.text import visible
from braggtrace_tui.commands.progress import Progress
from braggtrace_tui.commands.runs_actions import store_of, trace_named

if TYPE_CHECKING:
    from braggtrace.runs.requests import RunRequest
    from braggtrace.runs.store import RunRecord, RunStore
    from braggtrace.runs.sweep import SweepRow
    from braggtrace.service.client import Engine

__all__ = ["add_again", "add_new", "add_sweep", "do_again", "do_new", "do_sweep", "sweep_table"]


def add_new(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `runs new`."""
    parser.usage = "braggtrace runs new (--pixel S F | --roi S0 S1 F0 F1 | --simulate) [OPTIONS] -- FLAGS"
    parser.epilog = "example:\n  braggtrace runs new --pixel 684 1039 --dtype float32 -- @flags.txt"
    parser.add_argument("--simulate", action="store_true", help="the whole image, not a trace")
    _add_pixels(parser)
    _add_settings(parser)
    _add_engine(parser)


def add_again(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `runs again`."""
    parser.epilog = "example:\n  braggtrace runs again last --phi-mode spec\n\nWhat is not given stays as it was."
    parser.add_argument("name", metavar="NAME", help="a run, or last")
    _add_pixels(parser)
    _add_settings(parser)
    _add_engine(parser)


def add_sweep(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `runs sweep`."""
    parser.usage = "braggtrace runs sweep (NAME | --pixel S F … -- FLAGS) --reference REF [OPTIONS]"
    parser.epilog = (
        "example:\n  braggtrace runs sweep --reference c.log --pixel 684 1039 --dtype float64,float32 "
        "--profile legacy,phi-fixed -- @flags.txt\n\n"
        "exit status:\n  0  every combination agrees     2  trouble: a run failed, wrong usage\n"
        "  1  at least one diverges        3  inconclusive: too little could be compared"
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="a run to start from, or last; else FLAGS after --")
    parser.add_argument("--reference", required=True, metavar="REF", help="the trace, or the run, to compare with")
    _add_pixels(parser)
    for option, words in (
        ("--dtype", "float64,float32"),
        ("--device", "cpu,cuda"),
        ("--phi-mode", "c-parity,spec"),
        ("--profile", "legacy,phi-fixed"),
    ):
        parser.add_argument(option, type=_listed, default=[], metavar="LIST", help=f"what to vary: {words}")
    parser.add_argument("--rtol", nargs="+", default=(), metavar="TOL", help="as for `braggtrace diff`")
    parser.add_argument("--atol", nargs="+", default=(), metavar="TOL", help="as for `braggtrace diff`")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    _add_engine(parser)


def _listed(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _add_pixels(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pixel", nargs=2, type=int, action="append", default=[], metavar=("S", "F"), help="repeats")
    parser.add_argument(
        "--roi", nargs=4, type=int, action="append", default=[], metavar=("S0", "S1", "F0", "F1"), help="inclusive"
    )


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dtype", choices=("float64", "float32"), help="precision")
    parser.add_argument("--device", metavar="NAME", help="cpu or cuda")
    parser.add_argument("--phi-mode", choices=("c-parity", "spec"), help="switch the quirk stale-phi-zero")
    parser.add_argument("--profile", metavar="NAME", help="quirks of which program to have")


def _add_engine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--engine", metavar="ENGINE", help="a name in the config file, or a command: 'ssh gpubox …'")


def do_new(args: argparse.Namespace) -> int:
    """Run what the flags say."""
    if args.flags is None:
        raise UsageError("no flags are given", expected="-- FLAGS")
    if args.simulate and (args.pixel or args.roi):
        raise UsageError("an image has no chosen pixels", expected="--simulate, or --pixel and --roi")
    request = _changed(_request(args.flags, "simulate" if args.simulate else "trace"), args)
    _refuse_nothing(request)
    return _run_and_tell(args, request)


def do_again(args: argparse.Namespace) -> int:
    """Run a kept request again, with the changes that the options say."""
    return _run_and_tell(args, _changed(_kept_request(args.name, store_of(args)), args))


def do_sweep(args: argparse.Namespace) -> int:
    """Run every combination and print the table."""
    from braggtrace.compare.options import Options
    from braggtrace.compare.tolerance import Measure, Tolerances, parse_rules
    from braggtrace.runs.launch import run_now
    from braggtrace.runs.sweep import sweep, vary
    from braggtrace.trace.reader import read_trace

    store = store_of(args)
    if (args.name is None) == (args.flags is None):
        raise UsageError("a sweep starts from one thing", expected="the name of a run, or -- FLAGS")
    start = _kept_request(args.name, store) if args.flags is None else _request(args.flags, "trace")
    start = _with_pixels(start, args)
    _refuse_nothing(start)
    requests = vary(start, profiles=args.profile, phi_modes=args.phi_mode, devices=args.device, dtypes=args.dtype)
    rules = [
        rule
        for measure in (Measure.RTOL, Measure.ATOL)
        for rule in parse_rules(measure, getattr(args, measure), f"--{measure}")
    ]
    reference = read_trace(trace_named(args.reference, store))
    progress = Progress()
    with _engine(args) as engine:
        named = [request.changed(engine=engine.name) for request in requests]

        def run(request: RunRequest, tell: Any) -> RunRecord:
            return run_now(engine, store, request, lambda event: tell(float(event.fields.get("fraction") or 0.0)))

        def tell(index: int, fraction: float) -> None:
            progress.share((index + fraction) / len(named), f"{index + 1} of {len(named)}: {named[index].settings()}")

        rows = list(sweep(named, run, reference, Options(tolerances=Tolerances(tuple(rules))), tell))
    progress.clear()
    if args.format == "json":
        import orjson

        print(orjson.dumps([_row_json(row) for row in rows], option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n".join(sweep_table(rows)))
    return _status(rows)


def sweep_table(rows: Sequence[SweepRow]) -> list[str]:
    """The rows as lines of text, a heading first."""
    names = ("profile", "phi mode", "device", "dtype", "answer", "differ", "worst rel", "first divergence")
    table = [names, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(names))]
    return ["  ".join(f"{word:<{width}}" for word, width in zip(line, widths, strict=True)).rstrip() for line in table]


def _cells(row: SweepRow) -> tuple[str, ...]:
    experiment = row.request.experiment
    last = row.first and f"{row.first}: {row.first_reference} != {row.first_candidate}"
    counts = ("-", "-") if row.status == "failed" else (
        f"{row.diverging} of {row.compared}", "-" if math.isnan(row.worst) else f"{row.worst:.3g}"
    )  # fmt: skip
    words = (
        str(experiment.get("profile") or "legacy"),
        str(experiment.get("phi_mode") or "as profile"),
        row.request.device,
        row.request.dtype,
        row.status.lower(),
        *counts,
        last or row.sentence,
    )
    return tuple(visible(word) for word in words)


def _row_json(row: SweepRow) -> dict[str, Any]:
    return {
        "settings": {
            "profile": row.request.experiment.get("profile"),
            "phi_mode": row.request.experiment.get("phi_mode"),
            "device": row.request.device,
            "dtype": row.request.dtype,
        },
        "status": row.status,
        "run": row.run,
        "trace": None if row.trace is None else str(row.trace),
        "compared": row.compared,
        "diverging": row.diverging,
        "first": row.first,
        "first_reference": row.first_reference,
        "first_candidate": row.first_candidate,
        "worst_rel": row.worst,
        "seconds": row.seconds,
        "sentence": row.sentence,
    }


def _status(rows: Sequence[SweepRow]) -> int:
    statuses = {row.status for row in rows}
    for status, number in (("failed", 2), ("DIVERGES", 1), ("INCONCLUSIVE", 3)):
        if status in statuses:
            return number
    return 0


def _request(flags: Sequence[str], kind: Any) -> RunRequest:
    from braggtrace.formats.arguments import expand_argument_files
    from braggtrace.runs.requests import RunRequest

    return RunRequest(kind, {"flags": expand_argument_files(flags), "folder": str(Path.cwd())})


def _kept_request(name: str, store: RunStore) -> RunRequest:
    run = store.load(name)
    if run.request is None:
        raise UsageError("it is not known what this run was asked for", got=run.name)
    if run.request.kind == "c-trace":
        raise UsageError("a run of a C program is repeated by `braggtrace capture`", got=run.name)
    return run.request


def _changed(request: RunRequest, args: argparse.Namespace) -> RunRequest:
    given = {"dtype": args.dtype, "device": args.device, "phi_mode": args.phi_mode, "profile": args.profile}
    changes = {name: value for name, value in given.items() if value is not None}
    return _with_pixels(request.changed(**changes), args)


def _with_pixels(request: RunRequest, args: argparse.Namespace) -> RunRequest:
    if not args.pixel and not args.roi:
        return request
    if request.kind == "simulate":
        raise UsageError("an image has no chosen pixels", got="--pixel or --roi")
    pixels = tuple((slow, fast) for slow, fast in args.pixel)
    return request.changed(pixels=pixels, rois=tuple((a, b, c, d) for a, b, c, d in args.roi))


def _refuse_nothing(request: RunRequest) -> None:
    if request.kind == "trace" and not request.pixels and not request.rois:
        raise UsageError("no pixel is given", expected="--pixel S F or --roi S0 S1 F0 F1")


@contextmanager
def _engine(args: argparse.Namespace) -> Iterator[Engine]:
    """The engine that the options name, ready."""
    from braggtrace.service.client import Engine
    from braggtrace_tui.config import choose_engine, load_config

    choice = choose_engine(args.engine, load_config())
    if choice.off:
        raise UsageError("without an engine nothing can be run", expected="--engine local, a name or a command")
    with Engine(choice.command or None, name=choice.name) as engine:
        engine.call("hello", {})
        yield engine


def _run_and_tell(args: argparse.Namespace, request: RunRequest) -> int:
    from braggtrace.runs.launch import run_now

    progress = Progress()
    with _engine(args) as engine:
        request = request.changed(engine=engine.name)
        try:
            run = run_now(
                engine,
                store_of(args),
                request,
                lambda event: progress.share(float(event.fields.get("fraction") or 0.0), request.settings()),
            )
        finally:
            progress.clear()
    for line in run.log.read_text(encoding="utf-8").splitlines() if run.log is not None else ():
        print(f"braggtrace: {visible(line)}", file=sys.stderr)
    print(f"braggtrace: {run.status} in {run.seconds or 0.0:.3f} s, kept as {run.name}", file=sys.stderr)
    print(run.trace or run.image or run.folder)
    return 0
