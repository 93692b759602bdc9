"""What is remembered from one day to the next: theme, pane, recent comparisons and where one left off.

One JSON file under XDG_STATE_HOME, written atomically. A file that can't be read is ignored, one that can't be written
is no error: nothing here is worth an interruption.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Recent", "Settings", "load_settings", "state_path", "absolute"]

_KEPT = 20
_CHOICES = ("theme", "beside", "below", "measure")


@dataclass(frozen=True, slots=True)
class Recent:
    """A comparison that was open, and where it was left.

    Attributes:
        reference, candidate: absolute paths.
        stamp: size and change time of the files then.
        pixel: (slow, fast) of the pixel, [] for none.
        level: level of the group.
        run: the group belongs to the run.
        tics: its loop counters.
        occurrence: its occurrence.
        quantity, family: the quantity's name and kind of line, "" on a group.
        decades: by how much the tolerance was loosened.
        status: the answer.
    """

    reference: str
    candidate: str
    stamp: list[list[int]] = field(default_factory=list)
    pixel: list[int] = field(default_factory=list)
    level: int = 0
    run: bool = True
    tics: list[int] = field(default_factory=list)
    occurrence: int = 0
    quantity: str = ""
    family: str = ""
    decades: int = 0
    status: str = ""


_FIELDS: Mapping[str, type] = {
    "reference": str,
    "candidate": str,
    "stamp": list,
    "pixel": list,
    "level": int,
    "run": bool,
    "tics": list,
    "occurrence": int,
    "quantity": str,
    "family": str,
    "decades": int,
    "status": str,
}


def state_path(environ: Mapping[str, str] | None = None) -> Path:
    """Where the state is kept."""
    env = os.environ if environ is None else environ
    home = env.get("XDG_STATE_HOME", "")
    base = (
        Path(home) if home and Path(home).is_absolute() else Path(env.get("HOME") or "~").expanduser() / ".local/state"
    )
    return base / "braggtrace" / "state.json"


@dataclass(slots=True)
class Settings:
    """The remembered state.

    Attributes:
        path: its file, None to remember nothing.
        theme: name of the theme.
        beside, below: the detail pane is open where it stands beside or below the table: "auto" until the user decided.
        measure: how differences are shown.
        recent: comparisons, the latest first.
    """

    path: Path | None = None
    theme: str = ""
    beside: str = "auto"
    below: str = "auto"
    measure: str = "rel"
    recent: list[Recent] = field(default_factory=list)

    def remember_theme(self, name: str) -> None:
        """The user chose a theme."""
        self.theme = name
        self.save()

    def remember(self, place: Recent) -> None:
        """The user leaves a comparison."""
        others = [
            each for each in self.recent if (each.reference, each.candidate) != (place.reference, place.candidate)
        ]
        self.recent = [place, *others][:_KEPT]
        self.save()

    def find(self, reference: str, candidate: str) -> Recent | None:
        """Where a comparison was left."""
        wanted = (absolute(reference), absolute(candidate))
        return next((each for each in self.recent if (each.reference, each.candidate) == wanted), None)

    def save(self) -> None:
        """Write the file, all or nothing."""
        if self.path is None:
            return
        state: dict[str, Any] = {name: getattr(self, name) for name in _CHOICES}
        state["recent"] = [asdict(each) for each in self.recent]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=".state-")
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    json.dump(state, file, indent=1)
                Path(name).replace(self.path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError:
            return


def absolute(path: str) -> str:
    """A path that means the same from every directory; "-" stays."""
    return path if path == "-" else str(Path(path).absolute())


def load_settings(path: Path | None) -> Settings:
    """Read the state; whatever can't be used is left out."""
    settings = Settings(path)
    if path is None:
        return settings
    try:
        state: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return settings
    if not isinstance(state, dict):
        return settings
    for name in _CHOICES:
        if isinstance(state.get(name), str):
            setattr(settings, name, state[name])
    recent = state.get("recent")
    for entry in recent if isinstance(recent, list) else []:
        if isinstance(entry, dict) and _usable(entry):
            settings.recent.append(Recent(**{name: entry[name] for name in _FIELDS if name in entry}))
    return settings


def _usable(entry: dict[Any, Any]) -> bool:
    good = all(isinstance(entry[name], kind) for name, kind in _FIELDS.items() if name in entry)
    numbers = [each for name in ("pixel", "tics") for each in entry.get(name, ())] if good else []
    return (
        good
        and bool(entry.get("reference"))
        and bool(entry.get("candidate"))
        and all(isinstance(each, int) for each in numbers)
    )
