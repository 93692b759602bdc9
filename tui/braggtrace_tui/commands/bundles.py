"""`braggtrace bundles`: the evidence of a folder as a history."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from braggtrace_tui.config import default_root

if TYPE_CHECKING:
    from braggtrace.bundles.history import Record
    from braggtrace.bundles.places import Change

__all__ = ["add_arguments", "run"]

EPILOG = """\
The last column says what became of the first divergence since the bundle before with the same reference.

examples:
  braggtrace bundles reports
  braggtrace bundles reports --topic carryover_probe --format json
  braggtrace bundles --compare reports/probe/20251008T172721Z reports/probe/20251009T081500Z
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the folder and what is shown of it."""
    parser.epilog = EPILOG
    parser.add_argument(
        "root",
        nargs="?",
        type=Path,
        metavar="ROOT",
        help="folder of topics, or of one (default: the config file's root, else reports)",
    )
    parser.add_argument("--topic", help="only this one")
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="what to write (default: %(default)s)"
    )
    parser.add_argument(
        "--compare",
        nargs=2,
        type=Path,
        metavar=("ONE", "OTHER"),
        help="what differs between two bundles, wherever they were made: set-up, machine, traces",
    )


def run(args: argparse.Namespace) -> int:
    """List the bundles, or compare two of them.

    Raises:
        BraggtraceError: a folder can't be read.
    """
    if args.compare is not None:
        return _compare(*args.compare)
    from braggtrace.bundles.history import read_history

    topics = read_history(default_root() if args.root is None else args.root)
    if args.topic is not None:
        topics = {name: records for name, records in topics.items() if name == args.topic}
    if args.format == "json":
        _write_json(topics)
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(topics))
    if not topics:
        print("braggtrace: no bundles here", file=sys.stderr)
    return 0


def _lines(topics: Mapping[str, Sequence[Record]]) -> Iterator[str]:
    from braggtrace.bundles.history import trend
    from braggtrace.trace.text import visible

    for number, (topic, records) in enumerate(topics.items()):
        yield from [""] * bool(number)
        yield visible(topic)
        head = ("time", "revision", "configuration", "first divergence", "F_latt", "I_pixel_final", "runtime", "since")
        rows: list[tuple[str, ...]] = [head]
        rows += [_row(record.name, record.metrics, moved) for record, moved in trend(records) if record.metrics]
        widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
        for row in rows if len(rows) > 1 else []:
            cells = (visible(cell).ljust(width) for cell, width in zip(row, widths, strict=True))
            yield "  ".join(["", *cells]).rstrip()
        for record in records:
            if record.metrics is None:
                yield f"  {record.name}  {record.state.upper()}  {visible(record.why)}".rstrip()


def _row(name: str, metrics: Mapping[str, Any], moved: Change | None) -> tuple[str, ...]:
    from braggtrace.bundles.places import plainly
    from braggtrace.bundles.words import key_pixel, number, seconds

    setup, git, first = metrics["configuration"], metrics["git"], metrics["first_divergence"]
    key = key_pixel(metrics)
    values: Mapping[str, Any] = {} if key is None else key["candidate"]
    revision = "none" if git["revision"] is None else git["revision"][:8] + ("" if git["clean"] else "+")
    configuration = " ".join(str(setup[name]) for name in ("phi_mode", "dtype", "device") if setup[name])
    said = plainly(first) if first else "none" if metrics["status"] == "AGREES" else metrics["status"] or "no reference"
    return (
        name,
        revision,
        configuration or "given",
        said,
        number(values.get("F_latt")),
        number(values.get("I_pixel_final")),
        seconds(metrics["runtime_s"]["total"]),
        "" if moved is None else "–" if moved == "none" else moved.upper() if moved != "stayed" else moved,
    )


def _write_json(topics: Mapping[str, Sequence[Record]]) -> None:
    import orjson

    from braggtrace.bundles.history import trend

    document = {
        topic: [
            {
                "path": str(record.path),
                "state": record.state,
                "why": record.why,
                "change": moved,
                "metrics": None if record.metrics is None else _short(record.metrics),
            }
            for record, moved in trend(records)
        ]
        for topic, records in topics.items()
    }
    print(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())


def _short(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics without the long tables."""
    return {
        key: value for key, value in metrics.items() if key not in ("per_phi", "sign_changes", "carryover", "history")
    }


def _compare(one: Path, other: Path) -> int:
    from braggtrace.bundles.history import compare_setup, trace_of
    from braggtrace.compare.options import DEFAULT_OPTIONS
    from braggtrace.compare.report import render
    from braggtrace.trace.text import visible
    from braggtrace_tui.commands.diff import compared

    rows = compare_setup(one, other)
    width = max((len(name) for name, *_ in rows), default=0)
    print("set up differently:" if rows else "set up alike")
    for name, first, second in rows:
        print(f"  {visible(name).ljust(width)}  {visible(first)}  |  {visible(second)}")
    print()
    comparison = compared(trace_of(one), trace_of(other), DEFAULT_OPTIONS)
    print(render(comparison, "text"), end="")
    return comparison.status.exit_status
