"""The bundled traces: in the wheel they are beside this module, in a checkout at its root."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from braggtrace.errors import InputError

__all__ = ["DEMO", "demo_pair", "samples_folder"]

DEMO = "stale_phi_zero"
"""The sample that `braggtrace demo` opens."""


def samples_folder() -> Path:
    """The folder of the bundled traces.

    Raises:
        InputError: they are not there.
    """
    packaged = Path(str(files("braggtrace_tui"))) / "sample_traces"
    checkout = Path(__file__).resolve().parents[2] / "sample_traces"
    for folder in (packaged, checkout):
        if (folder / DEMO).is_dir():
            return folder
    raise InputError("the bundled traces are missing", path=packaged, expected="a folder with sample traces")


def demo_pair() -> tuple[str, str]:
    """(reference, candidate) of the demo.

    Raises:
        InputError: they are not there.
    """
    folder = samples_folder() / DEMO
    pair = []
    for side in ("reference", "candidate"):
        found = sorted(each for each in folder.glob(f"{side}*") if each.is_file() and "per_phi" not in each.name)
        if not found:
            raise InputError(f"the demo's {side} is missing", path=folder)
        pair.append(_near(found[0]))
    return pair[0], pair[1]


def _near(path: Path) -> str:
    """The path as seen from here where that is shorter: it stands in every report."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
