"""What `braggtrace runs` does with runs that are there."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from braggtrace.errors import InputError
from braggtrace.trace.text import visible

if TYPE_CHECKING:
    from braggtrace.runs.requests import RunRequest
    from braggtrace.runs.store import RunRecord, RunStore

__all__ = [
    "add_delete",
    "add_diff",
    "add_list",
    "add_show",
    "do_delete",
    "do_diff",
    "do_list",
    "do_show",
    "pixels_words",
    "store_of",
    "trace_named",
]

_LONGEST = 60


def add_list(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `runs list`."""
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def add_show(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `runs show`."""
    parser.add_argument("name", metavar="NAME", help="a run, or last")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def add_diff(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `runs diff`: those of `braggtrace diff`."""
    from braggtrace_tui.commands import diff

    parser.usage = "braggtrace runs diff A B [OPTIONS of braggtrace diff]"
    diff.add_arguments(parser)
    parser.epilog = (
        "example:\n  braggtrace runs diff 20261123T234708Z-c last --rtol 1e-9\n\n"
        "A and B are runs, traces, or last; A is the reference."
    )


def add_delete(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `runs delete`."""
    parser.add_argument("names", nargs="+", metavar="NAME", help="a run, or last")


def do_list(args: argparse.Namespace) -> int:
    """Print the runs, newest first."""
    store = store_of(args)
    runs = store.list()
    if args.format == "json":
        _print_json([_as_json(run) for run in runs])
        return 0
    if not runs:
        print(f"braggtrace: no runs in {visible(str(store.root))}", file=sys.stderr)
        return 0
    rows = [("name", "status", "pixels", "settings", "seconds")]
    rows += [
        (
            run.name,
            run.status,
            "-" if run.request is None else pixels_words(run.request),
            "-" if run.request is None else visible(run.request.settings()),
            "-" if run.seconds is None else f"{run.seconds:.3f}",
        )
        for run in runs
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(f"{word:<{width}}" for word, width in zip(row, widths, strict=True)).rstrip())
    return 0


def do_show(args: argparse.Namespace) -> int:
    """Print what is known about a run."""
    run = store_of(args).load(args.name)
    if args.format == "json":
        _print_json(_as_json(run))
        return 0
    for name, value in _facts(run):
        print(f"{name:<12}{visible(value)}".rstrip())
    return 0


def do_diff(args: argparse.Namespace) -> int:
    """Compare two runs, and report as `braggtrace diff` does."""
    from braggtrace_tui.commands import diff

    store = store_of(args)
    args.traces = tuple(trace_named(name, store) for name in args.traces)
    return diff.run(args)


def do_delete(args: argparse.Namespace) -> int:
    """Delete runs."""
    store = store_of(args)
    for name in [store.load(each).name for each in args.names]:  # all of them are there, or none is deleted
        store.delete(name)
        print(f"braggtrace: deleted {name}", file=sys.stderr)
    return 0


def store_of(args: argparse.Namespace) -> RunStore:
    """Where the runs are kept."""
    from braggtrace.runs.store import DEFAULT_ROOT, RunStore

    return RunStore(args.store or DEFAULT_ROOT)


def trace_named(name: str, store: RunStore) -> str:
    """The path of the trace that a user means: a file, or that of a run.

    Raises:
        InputError: there is no such run, or it has no trace.
    """
    if name == "-" or Path(name.partition("+")[0]).exists():
        return name
    try:
        run = store.load(name)
    except InputError as error:
        raise InputError(f"no file, and {error.what}", path=name, got=error.got if error.got != name else "") from error
    if run.trace is None:
        raise InputError("the run has no trace", path=run.folder, got=f"{run.status}: {run.sentence}".rstrip(": "))
    return str(run.trace)


def pixels_words(request: RunRequest) -> str:
    """Which pixels, in a few words."""
    if request.kind == "simulate":
        return "image"
    words = [f"{slow} {fast}" for slow, fast in request.pixels]
    words += [f"{s0}-{s1} {f0}-{f1}" for s0, s1, f0, f1 in request.rois]
    text = ", ".join(words)
    return text if len(text) <= _LONGEST else f"{words[0]} and {len(words) - 1} more"


def _facts(run: RunRecord) -> Iterator[tuple[str, str]]:
    yield "run", run.name
    yield "folder", str(run.folder)
    yield "status", run.status + (f": {run.sentence}" if run.sentence else "")
    if run.started is not None:
        took = "" if run.seconds is None else f", took {run.seconds:.3f} s"
        yield "started", f"{run.started:%Y-%m-%d %H:%M:%S} UTC{took}"
    if run.request is not None:
        yield "kind", run.request.kind
        yield "pixels", pixels_words(run.request)
        yield "settings", run.request.settings()
        more = {
            name: value for name, value in run.request.experiment.items() if name not in ("flags", "folder") and value
        }
        yield "meaning", ", ".join(f"{name}={value}" for name, value in more.items()) or "as by default"
        yield "flags from", str(run.request.experiment.get("folder") or ".")
        yield "flags", shlex.join(run.request.experiment["flags"])
        if run.request.command:
            yield "program", run.request.command
    yield from _where(run.environment)
    for name, path in (("trace", run.trace), ("image", run.image), ("log", run.log)):
        if path is not None:
            yield name, str(path)


def _where(environment: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    engine = environment.get("engine")
    hello = engine.get("hello") if isinstance(engine, dict) else None
    if isinstance(engine, dict):
        host = f" on {hello.get('host')}, torch {hello.get('torch')}" if isinstance(hello, dict) else ""
        yield "engine", f"{engine.get('name')}{host}"
    git = environment.get("git")
    if isinstance(git, dict) and git.get("revision"):
        yield "git", f"{git['revision']}{'' if git.get('clean') else ', with changes'}"
    if environment.get("braggtrace"):
        yield "braggtrace", f"{environment['braggtrace']}, {environment.get('platform', '')}"


def _as_json(run: RunRecord) -> dict[str, Any]:
    return {
        "name": run.name,
        "folder": str(run.folder),
        "status": run.status,
        "sentence": run.sentence,
        "started": run.started,
        "ended": run.ended,
        "seconds": run.seconds,
        "request": None if run.request is None else run.request.as_json(),
        "environment": run.environment,
        "timing": run.timing,
        "trace": None if run.trace is None else str(run.trace),
        "image": None if run.image is None else str(run.image),
    }


def _print_json(data: Any) -> None:
    import orjson

    print(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode())
