"""What a probe is asked to do."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from braggtrace.compare.mapping import NO_MAP, parse_map
from braggtrace.compare.options import Options
from braggtrace.compare.tolerance import Measure, Tolerances, parse_rules, parse_tables
from braggtrace.errors import ToleranceError

if TYPE_CHECKING:
    from braggtrace.capture.model import CaptureRequest

__all__ = ["Experiment", "Gates", "Judging", "ProbeRequest"]

Pixel = tuple[int, int]
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is simulated, and where.

    Attributes:
        flags: nanoBragg's flags, @files expanded.
        folder: where relative paths start.
        profile: whose quirks.
        switches: `NAME=on|off`.
        phi_mode: c-parity, spec, or None for what the profile says.
        build: plain or fma.
        c_threads: threads of the C program to imitate.
        mtz_column: column of an MTZ or mmCIF file.
        strict: a warning about the flags is an error.
        device: cpu or cuda.
        dtype: float64 or float32.
        threads: threads to use, None for all cores.
        rot_stars: also trace the rotated vectors of each phi step.
    """

    flags: tuple[str, ...] = ()
    folder: Path = field(default_factory=Path)
    profile: str = "legacy"
    switches: tuple[str, ...] = ()
    phi_mode: str | None = None
    build: str = "plain"
    c_threads: int = 1
    mtz_column: str | None = None
    strict: bool = False
    device: str = "cpu"
    dtype: str = "float64"
    threads: int | None = None
    rot_stars: bool = False


@dataclass(frozen=True, slots=True)
class Judging:
    """How traces are compared, in words that can be written down and read back.

    Attributes:
        rules: for each of rtol, atol, ulp: rules as on the command line.
        tolerances: the text of a tolerances file.
        mapping: the text of a map file.
        equal_nan: NaN equals NaN.
        require_all: a value on one side only makes the answer inconclusive.
    """

    rules: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tolerances: str = ""
    mapping: str = ""
    equal_nan: bool = False
    require_all: bool = False

    def options(self, pixels: Sequence[Pixel]) -> Options:
        """The same as options of a comparison of some pixels.

        Raises:
            InputError: a rule can't be read.
        """
        own = tuple(
            rule for measure in Measure for rule in parse_rules(measure, self.rules.get(measure, ()), f"--{measure}")
        )
        try:
            tables = tomllib.loads(self.tolerances)
        except tomllib.TOMLDecodeError as error:
            raise ToleranceError(f"can't read the tolerances: {error}", path="--tolerances") from error
        return Options(
            tolerances=Tolerances(own) + parse_tables(tables, "--tolerances"),
            mapping=parse_map(self.mapping, "--map") if self.mapping else NO_MAP,
            equal_nan=self.equal_nan,
            pixels=tuple(pixels),
            require_all=self.require_all,
        )


@dataclass(frozen=True, slots=True)
class Gates:
    """What has to hold, each as tolerance rules; () for no gate.

    Attributes:
        reference: of the candidate against the reference.
        baseline: of the candidate against the baseline.
    """

    reference: tuple[str, ...] = ()
    baseline: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.reference or self.baseline)


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """One probe.

    Attributes:
        experiment: what is simulated.
        pixels: (slow, fast).
        boxes: slow first, slow last, fast first, fast last; inclusive.
        candidate: take this trace instead of computing one; "" to compute.
        reference: files of the reference, () for none.
        baseline: an earlier bundle, a trace, "latest", or "" for none.
        judging: how traces are compared.
        root: the folder of all topics.
        topic: what the probe is about.
        command: the command line, for the record.
        note: what the user says.
        require_clean: refuse a tree that differs from its commit.
        ledger: where to append an attempt entry.
        dry_run: don't append it.
        capture: run a C program for the reference: its request, None if not.
        gates: what has to hold.
    """

    experiment: Experiment
    pixels: tuple[Pixel, ...] = ()
    boxes: tuple[Box, ...] = ()
    candidate: str = ""
    reference: tuple[str, ...] = ()
    baseline: str = ""
    judging: Judging = Judging()
    root: Path = Path("reports")
    topic: str = "probe"
    command: tuple[str, ...] = ()
    note: str = ""
    require_clean: bool = False
    ledger: Path | None = None
    dry_run: bool = False
    capture: CaptureRequest | None = None
    gates: Gates = Gates()
