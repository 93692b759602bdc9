"""Why a candidate diverges, in words, searched for in a process of its own: `python -m braggtrace.bundles.why`.

The search replays the steps of the simulation, for which it needs torch. Where it can't be done, the evidence is
complete without it, and a note says so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from braggtrace.bundles.evidence import Evidence, Files, Told, gather
from braggtrace.bundles.request import Judging
from braggtrace.errors import BraggtraceError
from braggtrace.trace.text import visible

__all__ = ["main", "search"]

_TIMEOUT_S = 120.0
_LINES = 40
_LOOK_S = 0.5


def search(evidence: Evidence, files: Files, judging: Judging) -> Told:
    """Why the candidate diverges.

    Args:
        evidence: the traces, compared.
        files: where they are.
        judging: how they were compared.
    """
    message = {
        "candidate": [str(path.absolute()) for path in files.candidate],
        "reference": [str(path.absolute()) for path in files.reference],
        "judging": asdict(judging),
        "pixels": evidence.pixels,
    }
    try:
        run = subprocess.run(
            [sys.executable, "-P", "-m", "braggtrace.bundles.why"],
            input=json.dumps(message).encode(),
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return Told(why_not=f"no cause was found in {_TIMEOUT_S:g} s")
    except OSError as error:
        return Told(why_not=f"no cause was searched: {error.strerror or error}")
    if run.returncode:
        said = run.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        reason = visible(said)[:300] or f"exit status {run.returncode}"
        return Told(why_not=f"no cause could be searched: {reason}")
    found = orjson.loads(run.stdout)
    return Told(tuple(visible(line).rstrip() for line in found["story"][:_LINES]), tuple(found["roots"]))


def main() -> int:
    """Read a request from standard input, and write what is found to standard output."""
    request: dict[str, Any] = json.load(sys.stdin)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    try:
        from braggtrace.compare.report.why import why_json
        from braggtrace.replay.pair import explain_pair
        from braggtrace.replay.story import story_lines

        paths = {side: tuple(map(Path, request[side])) for side in ("candidate", "reference")}
        judging = request["judging"]
        judging["rules"] = {measure: tuple(rules) for measure, rules in judging["rules"].items()}
        pixels = [(int(slow), int(fast)) for slow, fast in request["pixels"]]
        evidence = gather(Files(**paths), Judging(**judging), pixels)
        explanation = explain_pair(
            evidence.traces["reference"], evidence.traces["candidate"], evidence.against_reference
        )
    except (BraggtraceError, ImportError) as error:
        print(error, file=sys.stderr)
        return 2
    found = {"story": list(story_lines(explanation)), **why_json(explanation)}
    sys.stdout.buffer.write(orjson.dumps(found))
    return 0


def _end_with_parent(parent: int) -> None:
    """Nobody waits for the answer any more once whoever asked is gone."""
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    os._exit(3)


if __name__ == "__main__":
    sys.exit(main())
