"""One golden case: its flags, image and traced run-level values."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class GoldenCase:
    """A folder of `shared/golden`."""

    folder: Path

    @cached_property
    def info(self) -> dict[str, Any]:
        """`case.json`."""
        return dict(json.loads((self.folder / "case.json").read_text()))

    @cached_property
    def image(self) -> NDArray[np.float32]:
        """The float image, shape (slow, fast)."""
        return np.fromfile(self.folder / "float.bin", dtype="<f4").reshape(self.info["image"]["shape"])

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the trace."""
        path = self.folder / "trace.log"
        return path.read_text().splitlines() if path.exists() else gzip.open(f"{path}.gz", "rt").read().splitlines()

    def words(self, name: str) -> list[str]:
        """The values of the first line of the trace that has this name."""
        return next(line.split()[2:] for line in self.lines if line.startswith(f"TRACE_C: {name} "))

    def numbers(self, name: str) -> list[float]:
        """The same as numbers."""
        return [float(word) for word in self.words(name)]

    def number(self, name: str) -> float:
        """The same of a single number."""
        (number,) = self.numbers(name)
        return number
