"""`braggtrace engine`: the engine process on stdin and stdout, for a screen here or elsewhere."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from braggtrace.errors import UsageError

__all__ = ["add_arguments", "run"]

EPILOG = """\
Requests and replies are lines of JSON; docs/engine-protocol.md has them all. It ends when its input does.

examples:
  braggtrace engine
  (echo '{"v":1,"id":"a","do":"hello"}'; sleep 5) | braggtrace engine
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `engine`."""
    parser.epilog = EPILOG
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="where input files that are sent are kept")
    parser.add_argument("--cache-limit", type=float, metavar="GB", default=4.0, help="how much of them (default: 4)")


def run(args: argparse.Namespace) -> int:
    """Serve until the input ends."""
    from braggtrace.service.cache import FileCache
    from braggtrace.service.server import serve

    if not 0 < args.cache_limit < 1e6:
        raise UsageError("--cache-limit makes no sense", expected="gigabytes above 0", got=str(args.cache_limit))
    if sys.stdin is not None and sys.stdin.isatty():
        print("braggtrace: the engine waits for requests, lines of JSON; Ctrl-D ends it", file=sys.stderr)
    return serve(FileCache(args.cache, int(args.cache_limit * 1e9)))
