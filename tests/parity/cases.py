"""The measured cases: flags, inputs, images and traces of the reference program."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from braggtrace.simulate.quirks import PROFILES
from braggtrace.simulate.setup import Setup, setup_from_flags
from tests.conftest import ROOT

__all__ = ["CASES", "Case", "worst"]

_GOLDEN = Path(os.environ.get("BRAGGTRACE_SHARED", ROOT.parent / "shared")) / "golden"


@dataclass(frozen=True, slots=True)
class Case:
    """One measured run."""

    name: str
    flags: tuple[str, ...]
    profile: str
    threads: int
    box: tuple[slice, slice]
    shape: tuple[int, int]

    def __str__(self) -> str:
        return self.name

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return _GOLDEN / self.name

    def image(self) -> NDArray[np.float32]:
        """The measured float image, only the part that is stored."""
        return np.fromfile(self.folder / "float.bin", dtype="<f4").reshape(self.shape)

    def traces(self) -> list[Path]:
        """The measured traces."""
        return sorted(self.folder.glob("trace*.log*"))

    def setup(self, folder: Path | None = None, quirks: frozenset[str] | None = None) -> Setup:
        """Its flags, understood; the programs ran where no cache of reflections lay about."""
        chosen = PROFILES[self.profile] if quirks is None else quirks
        return setup_from_flags(
            self.flags,
            chosen - {"cache-reuse"},
            threads=self.threads,
            folder=_GOLDEN if folder is None else folder,
        )


def _load(path: Path) -> Case:
    data = json.loads(path.read_text())
    image = data["image"]
    rows, columns = image["shape"]
    crop = image.get("crop", {"slow": [0, rows - 1], "fast": [0, columns - 1]})
    return Case(
        name=data["id"],
        flags=tuple(data["flags"]),
        profile=data["variant"],
        threads=data["threads"],
        box=(slice(crop["slow"][0], crop["slow"][1] + 1), slice(crop["fast"][0], crop["fast"][1] + 1)),
        shape=(rows, columns),
    )


def _all() -> list[Case]:
    return [_load(path) for path in sorted(_GOLDEN.glob("*/case.json"))]


CASES: list[Any] = _all() or [pytest.param(None, marks=pytest.mark.skip(reason=f"no golden cases in {_GOLDEN}"))]


def worst(found: NDArray[np.float64], expected: NDArray[np.float32]) -> float:
    """The largest deviation as a multiple of what is allowed: 2e-7 of the pixel or 1e-9 of the maximum."""
    reference = expected.astype(np.float64)
    allowed = np.maximum(2e-7 * np.abs(reference), 1e-9 * np.abs(reference).max())
    return float((np.abs(found - reference) / allowed).max())
