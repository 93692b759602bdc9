"""What things are called in a bundle, and how bundles are named."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from braggtrace.errors import UsageError

__all__ = [
    "ATTEMPT",
    "BASELINE_PATCH",
    "CAPTURE",
    "CARRYOVER",
    "COMMANDS",
    "CPU",
    "DIFF",
    "ENVIRONMENT",
    "GPU",
    "MAIN",
    "MAP",
    "METRICS",
    "OBSERVATIONS",
    "PARTIAL",
    "PER_PHI",
    "PER_PHI_PICTURE",
    "README",
    "ROI_PICTURE",
    "SEAL",
    "STDERR",
    "STDOUT",
    "TOLERANCES",
    "check_topic",
    "is_stamp",
    "stamp_of",
    "stored",
    "unstored",
]

README = "README.md"
COMMANDS = "commands.txt"
MAIN = "trace_py.log"
PER_PHI = "trace_py_per_phi.log"
STDOUT = "trace_harness_stdout.txt"
STDERR = "trace_harness_stderr.txt"
DIFF = "trace_diff.md"
BASELINE_PATCH = "trace_diff_manual.patch"
CAPTURE = "trace_c_capture.txt"
METRICS = "metrics.json"
ENVIRONMENT = "env.json"
CPU = "cpu_info.txt"
GPU = "gpu_info.txt"
OBSERVATIONS = "observations.txt"
CARRYOVER = "carryover.md"
PER_PHI_PICTURE = "per_phi.svg"
ROI_PICTURE = "roi.svg"
MAP = "map.toml"
TOLERANCES = "tolerances.toml"
SEAL = "sha256.txt"

ATTEMPT = "attempt.log"
"""What was done so far and what went wrong; only an unfinished bundle has one."""

PARTIAL = ".partial"
"""The end of the name of a bundle that is not complete."""

_STAMP = re.compile(r"\d{8}T\d{6}Z")
_TOPIC = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")


def stamp_of(time: datetime) -> str:
    """The name of a bundle made at a time: `20251008T172721Z`."""
    return f"{time.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def is_stamp(name: str) -> bool:
    """Whether a folder's name is that of a complete bundle."""
    return _STAMP.fullmatch(name) is not None


def check_topic(topic: str) -> str:
    """A topic names a folder on any file system, and needs no quotes in a shell.

    Raises:
        UsageError: it is no ASCII name with underscores.
    """
    if _TOPIC.fullmatch(topic) is None:
        proposal = re.sub(r"[^A-Za-z0-9]+", "_", topic).strip("_")
        raise UsageError(
            "a topic is a name of ASCII letters, digits and underscores",
            expected=proposal or "carryover_probe",
            got=repr(topic),
        )
    return topic


def stored(folder: Path, name: str) -> Path | None:
    """The file that holds `name` in a bundle, compressed or not; None if there is none."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def unstored(name: str) -> str:
    """The name of a file without what compression added to it."""
    return name.removesuffix(".gz")
