"""Probes for tests: a small trace, a clock that obeys, a source of traces that computes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from braggtrace.bundles.environment import InputFile
from braggtrace.bundles.lines import Expectation, split_lines
from braggtrace.bundles.names import MAIN, PER_PHI, STDOUT
from braggtrace.bundles.probe import Outcome, probe
from braggtrace.bundles.request import Experiment, ProbeRequest
from braggtrace.bundles.source import Captured, Step, TraceSource
from braggtrace.bundles.workspace import Workspace

__all__ = ["NOON", "FakeClock", "FakeSource", "captured", "expectation", "names_in", "request", "trace_text"]

NOON = datetime(2025, 10, 8, 12, 0, 0, tzinfo=UTC)
PIXELS = ((684, 1039), (684, 1040), (685, 1039), (685, 1040))
PHISTEPS = 3


def names_in(folder: Path) -> list[str]:
    """What is in a folder, by name."""
    return sorted(path.name for path in folder.iterdir())


class FakeClock:
    """Time that passes only when somebody waits, and that may be set."""

    def __init__(self, time: datetime = NOON) -> None:
        self.time, self.seconds, self.slept = time, 100.0, 0.0

    def now(self) -> datetime:
        """The time."""
        return self.time

    def monotonic(self) -> float:
        """Half a second later each time."""
        self.seconds += 0.5
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Pass the time."""
        self.slept += seconds
        self.time += timedelta(seconds=seconds)


def trace_text(
    pixels: Sequence[tuple[int, int]] = PIXELS,
    *,
    tag: str = "TRACE_PY",
    stale: bool = True,
    scale: float = 1.0,
    phisteps: int = PHISTEPS,
) -> str:
    """A trace of a rotation that starts at phi 0; numbers are invented, but those of one pixel hang together.

    Args:
        pixels: (slow, fast).
        tag: how its lines start.
        stale: the first phi step has the cell of the last one, as in the C program.
        scale: of the structure factor, and so of all that follows from it.
        phisteps: how many.
    """
    lines = [
        "phisteps 3",
        "roi 1039 1041 684 690",
        "cell_a_vec_angstroms 10 0 0",
        "cell_b_vec_angstroms 0 20 0",
        "cell_c_vec_angstroms 0 0 30",
    ]
    out = [f"{tag}: {line}" for line in lines]
    for slow, fast in pixels:
        out += [f"{tag}: {line}" for line in (f"pixel {slow} {fast}", f"omega_pixel_sr {1e-6 * slow:.17g}")]
        out.append(f"{tag}_SUBPIXEL thick_tic=0 subS=0 subF=0 source=0 stol=0.1")
        total = 0.0
        for tic in range(phisteps):
            turned = phisteps - 1 if stale and tic == 0 else tic
            turn = 0.001 * turned
            factors = (2.0 + turn, 3.0 * (1 if fast % 2 else -1) * (1 - turned), 4.0)
            lattice = factors[0] * factors[1] * factors[2]
            cell = 100.0 * scale
            total += (cell * lattice) ** 2
            words = {
                "phi_deg": 0.01 * tic,
                **{f"rot_a_{axis}": value for axis, value in zip("xyz", (10, 10 * turn, 0), strict=True)},
                **{f"rot_b_{axis}": value for axis, value in zip("xyz", (0, 20, 20 * turn), strict=True)},
                **{f"rot_c_{axis}": value for axis, value in zip("xyz", (30 * turn, 0, 30), strict=True)},
                "h_frac": 4.0 + turn,
                "k_frac": 1.0 + turn,
                "l_frac": -12.0 + turn,
                "h0": 4,
                "k0": 1,
                "l0": -12,
                **{f"F_latt_{axis}": value for axis, value in zip("abc", factors, strict=True)},
                "F_latt": lattice,
                "F_cell": cell,
                "I_term": (cell * lattice) ** 2,
                "I_running": total,
            }
            if tic == 0:
                out.append(f"{tag}: hkl_rounded 4 1 -12")
                out.append(f"{tag}: F_latt {lattice:.17g}")
            joined = " ".join(f"{name}={value:.17g}" for name, value in words.items())
            out.append(f"{tag}_PHI phi_tic={tic} mos_tic=0 source=0 subS=0 subF=0 thick_tic=0 {joined}")
        out += [f"{tag}: I_before_scaling {total:.17g}", f"{tag}: I_pixel_final {total * 1e-9:.17g}"]
    return "".join(f"{line}\n" for line in out)


def expectation(pixels: Sequence[tuple[int, int]] = PIXELS) -> Expectation:
    """What `trace_text` holds."""
    return Expectation(
        tag="TRACE_PY",
        run_names=("phisteps", "roi", "cell_a_vec_angstroms", "cell_b_vec_angstroms", "cell_c_vec_angstroms"),
        sources=0,
        domains=0,
        pixels=tuple((slow, fast, True) for slow, fast in pixels),
        samples=1,
        iterations=PHISTEPS,
        cut=False,
        sample_names=("omega_pixel_sr",),
        iteration_names=("hkl_rounded", "F_latt"),
        optional_names=(),
        pixel_names=("I_before_scaling", "I_pixel_final"),
        rot_stars=0,
        tricubic=0,
    )


@dataclass
class FakeSource:
    """Gives a text as if it had been computed."""

    text: str = field(default_factory=trace_text)
    expected: Expectation | None = None
    warnings: tuple[str, ...] = ()
    phi_mode: str = "c-parity"
    inputs_given: tuple[InputFile, ...] = ()
    seconds: float = 1.5
    before: Callable[[], None] = lambda: None
    facts: dict[str, Any] = field(default_factory=dict)

    def check(self, request: ProbeRequest) -> None:
        """Nothing is wrong."""

    def inputs(self, request: ProbeRequest) -> list[InputFile]:
        """The files of the test."""
        return list(self.inputs_given)

    def take(self, request: ProbeRequest, space: Workspace, step: Step) -> Captured:
        """Write the text."""
        step("taking a text")
        self.before()
        space.write(STDOUT, self.text)
        main, per_phi = split_lines(self.text.encode())
        return Captured(
            space.write(MAIN, main, compressible=True),
            space.write(PER_PHI, per_phi, compressible=True),
            warnings=self.warnings,
            facts={"device": "cpu", "dtype": "float64", "threads": 1} | self.facts,
            expectation=self.expected,
            previous={(684, 1039): None, (684, 1040): (684, 1039), (685, 1039): (684, 1041), (685, 1040): (685, 1039)},
            phi_mode=self.phi_mode,
            seconds=self.seconds,
        )


def request(folder: Path, **changes: Any) -> ProbeRequest:
    """A probe of the four pixels, whose evidence goes to `reports` in a folder."""
    asked = ProbeRequest(
        experiment=Experiment(folder=folder),
        boxes=((684, 685, 1039, 1040),),
        root=folder / "reports",
        topic="carryover",
        command=("braggtrace", "probe", "…"),
    )
    return replace(asked, **changes)


def captured(
    folder: Path, source: TraceSource | None = None, clock: FakeClock | None = None, **changes: Any
) -> Outcome:
    """The outcome of such a probe; the reference is `c.log` in the folder where that exists."""
    reference = (str(folder / "c.log"),) if (folder / "c.log").exists() else ()
    return probe(
        request(folder, **({"reference": reference} | changes)),
        source=source or FakeSource(),
        clock=clock or FakeClock(),
    )
