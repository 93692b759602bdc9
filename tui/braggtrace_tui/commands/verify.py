"""`braggtrace verify`: whether evidence bundles are still what they were."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

__all__ = ["add_arguments", "run"]

EPILOG = """\
Checks that every file has its checksum, that none is missing or was added, and that metrics and pages follow from the
traces, which are compared again. `sha256sum -c sha256.txt` does the first of these without braggtrace.

examples:
  braggtrace verify reports/carryover_probe/20251008T172721Z
  braggtrace verify reports/carryover_probe/*Z

exit status:
  0  all of them are whole
  1  something was altered, is missing, or does not follow from the traces
  2  trouble: not a bundle, or it can't be read
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the bundles."""
    parser.epilog = EPILOG
    parser.add_argument("bundles", nargs="+", type=Path, metavar="DIR", help="a bundle")


def run(args: argparse.Namespace) -> int:
    """Check every bundle, say what is wrong, and return the exit status."""
    from braggtrace.bundles.verify import verify
    from braggtrace.errors import BraggtraceError
    from braggtrace.trace.text import visible

    worst = 0
    for folder in args.bundles:
        try:
            found = verify(folder)
        except BraggtraceError as error:
            print(f"braggtrace: error: {visible(str(error))}", file=sys.stderr)
            worst = 2
            continue
        name = visible(str(folder))
        if not found.faults:
            print(
                f"{name}: OK: {found.files} files, metrics and pages follow from the traces; {visible(found.summary)}"
            )
            continue
        worst = max(worst, 1)
        print(f"{name}: NOT WHOLE")
        for fault in found.faults:
            print(f"  {visible(str(fault))}")
    return worst
