"""From an argument list to an experiment: files are read, headers looked into, everything gathered."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from braggtrace.errors import InputError, UsageError
from braggtrace.formats.hkl import HklTable, read_cache, read_hkl
from braggtrace.formats.mask import read_mask
from braggtrace.formats.matrix import read_matrix
from braggtrace.formats.reflections import is_reflection_file, read_reflections
from braggtrace.formats.smv import MAGIC, HeaderCamera, read_header
from braggtrace.formats.sources import read_sources
from braggtrace.simulate.experiment import Beam, Crystal, Detector, Experiment, Sampling, Sources
from braggtrace.simulate.scanning import Origin, scan_flags

__all__ = ["Outputs", "Setup", "check_strict", "expand_argument_files", "setup_from_flags"]


@dataclass(frozen=True, slots=True)
class Outputs:
    """What to write.

    Attributes:
        floatfile: float image, always written.
        intfile: integer image, always written.
        pgmfile: PGM image.
        noisefile: image with photon noise.
        dumpfile: cache of the reflection table, written after reading one.
        pgm: write the PGM image.
        noise: write the noise image.
        scale: of the integer image, ≤ 0 for automatic.
        pgmscale: of the PGM image, ≤ 0 for automatic.
        adc: offset of integer and noise images.
        seed: of the noise, as the program holds it.
        progress: show a progress bar.
    """

    floatfile: str = "floatimage.bin"
    intfile: str = "intimage.img"
    pgmfile: str = "image.pgm"
    noisefile: str = "noiseimage.img"
    dumpfile: str = "Fdump.bin"
    pgm: bool = True
    noise: bool = True
    scale: float = 0.0
    pgmscale: float = 0.0
    adc: float = 40.0
    seed: int = 0
    progress: bool = True


@dataclass(frozen=True, slots=True)
class Setup:
    """An argument list, understood.

    Attributes:
        experiment: what to simulate.
        outputs: what to write.
        origins: field -> where its value came from.
        warnings: what a person should know.
        table: the reflections that were read from a file other than a cache, to be cached.
    """

    experiment: Experiment
    outputs: Outputs
    origins: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    table: HklTable | None = None


def expand_argument_files(arguments: Sequence[str]) -> list[str]:
    """Replace every `@file` by the words in that file; # starts a comment there, and quotes group words.

    Raises:
        InputError: a file can't be read, or has an unclosed quote.
    """
    import shlex

    out: list[str] = []
    for argument in arguments:
        if not argument.startswith("@") or len(argument) == 1:
            out.append(argument)
            continue
        path = Path(argument[1:])
        try:
            words = shlex.split(path.read_text(encoding="utf-8").replace("\\\n", " "), comments=True)
        except OSError as error:
            raise InputError("can't read flags", path=path, got=error.strerror or str(error)) from error
        except ValueError as error:
            raise InputError("can't read flags", path=path, got=str(error)) from error
        out += words
    return out


def setup_from_flags(
    arguments: Sequence[str],
    quirks: frozenset[str],
    *,
    threads: int = 1,
    fma: bool = False,
    mtz_column: str | None = None,
    folder: Path | None = None,
) -> Setup:
    """Understand an argument list, and read the files that it names.

    Args:
        arguments: nanoBragg's flags.
        quirks: those that are on.
        threads: threads of the C program to imitate.
        fma: imitate a build with fused multiply-add.
        mtz_column: the column of an MTZ or mmCIF file.
        folder: where relative paths start; the working folder if None.

    Raises:
        UsageError: the flags make no sense.
        InputError: a file is missing or can't be read.
    """
    scan = scan_flags(arguments, quirks)
    reader = _Reader(scan.values, quirks, Path() if folder is None else folder)
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name in ("mask", "img"):
        if name in scan.values:
            camera = reader.camera(name)
            values |= camera
            origins |= dict.fromkeys(camera, f"header of -{name} {scan.values[name]}")
    values |= scan.values
    origins |= {name: _where(origin, scan.values[name]) for name, origin in scan.origins.items()}
    values |= reader.files(values, mtz_column)
    values.setdefault("seed", -int(time.time()))
    values.setdefault("misset_seed", -int(time.time()))
    experiment = Experiment(
        detector=_built(Detector, values),
        beam=_built(Beam, values),
        crystal=_built(Crystal, values),
        sources=_built(Sources, values),
        sampling=_built(Sampling, values),
        quirks=quirks,
        threads=threads,
        fma=fma,
    )
    return Setup(experiment, _built(Outputs, values), origins, (*scan.warnings, *reader.warnings), reader.table)


_T = TypeVar("_T")


def _built(cls: Callable[..., _T], values: dict[str, Any]) -> _T:
    """A part of the experiment, from those values that are its fields."""
    names = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    return cls(**{name: value for name, value in values.items() if name in names})


def _where(origin: Origin, value: object) -> str:
    return str(origin) if isinstance(value, bool) else f"{origin} (word {origin.position + 1})"


class _Reader:
    """Reads what the flags name, and collects what is worth saying about it."""

    def __init__(self, values: dict[str, Any], quirks: frozenset[str], folder: Path) -> None:
        self.values, self.quirks, self.folder = values, quirks, folder
        self.warnings: list[str] = []
        self.table: HklTable | None = None

    def path(self, name: str) -> Path:
        return self.folder / str(self.values[name])

    def camera(self, name: str) -> dict[str, Any]:
        """The fields that the header of an SMV file sets."""
        path = self.path(name)
        if not _is_smv(path):
            if name == "img":
                raise InputError("not an SMV image, so it describes no camera", path=path)
            return {}
        header = read_header(path)
        camera = header.camera(last_substring="last-substring-header-key" in self.quirks)
        fields = _camera_fields(camera)
        if name == "mask" and "Ybeam_mm" in fields and camera.pixels is not None:
            pixel_mm = camera.pixel_size_mm if camera.pixel_size_mm is not None else 0.1
            fields["Ybeam_mm"] = pixel_mm * camera.pixels[0] - fields["Ybeam_mm"]
        return fields

    def files(self, values: dict[str, Any], mtz_column: str | None) -> dict[str, Any]:
        """The fields that come from files: matrix, reflections, sources, mask."""
        out: dict[str, Any] = {}
        if "matfile" in values:
            out["matrix"] = read_matrix(self.path("matfile"))
        table = self.reflections(values, mtz_column)
        if table is not None:
            self.warnings += table.warnings
            # The last plane of each axis is spare and never looked up.
            out["F"] = torch.from_numpy(np.ascontiguousarray(table.F[:-1, :-1, :-1]))
            out["F_low"], out["hkls"] = table.origin, table.count
        if "sourcefile" in values:
            sources = read_sources(self.path("sourcefile"), literal="sourcefile-parsing" in self.quirks)
            self.warnings += sources.warnings
            out["directions"], out["wavelengths_m"] = sources.position, sources.wavelength_m
        if "mask" in values:
            out["mask"] = read_mask(self.path("mask"))
            rows, columns = out["mask"].shape
            if not _is_smv(self.path("mask")):
                out["fpixels"], out["spixels"] = columns, rows
        return out

    def reflections(self, values: dict[str, Any], mtz_column: str | None) -> HklTable | None:
        default = float(values.get("default_F", 0.0))
        if "hklfile" in values:
            path = self.path("hklfile")
            if is_reflection_file(path):
                self.table = read_reflections(path, mtz_column, default)
            else:
                self.table = read_hkl(path, default, truncation="hkl-truncation" in self.quirks)
            return self.table
        cache = self.folder / values.get("dumpfile", "Fdump.bin")
        if "cache-reuse" not in self.quirks or not cache.is_file():
            return None
        self.warnings.append(f"structure factors are read from {cache}, because -hkl is not given")
        return read_cache(cache, default, whitespace="cache-whitespace" in self.quirks)


def _is_smv(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise InputError("can't read", path=path, got=error.strerror or str(error)) from error


def _camera_fields(camera: HeaderCamera) -> dict[str, Any]:
    pairs = {
        "pixel_mm": camera.pixel_size_mm,
        "distance_mm": camera.distance_mm,
        "close_distance_mm": camera.close_distance_mm,
        "lambda_A": camera.wavelength_A,
        "Xbeam_mm": camera.beam_center_x_mm,
        "Ybeam_mm": camera.beam_center_y_mm,
        "ORGX": camera.orgx_px,
        "ORGY": camera.orgy_px,
        "phi_deg": camera.phi_deg,
        "osc_deg": camera.osc_range_deg,
    }
    fields: dict[str, Any] = {name: value for name, value in pairs.items() if value is not None}
    if camera.pixels is not None:
        fields["spixels"], fields["fpixels"] = camera.pixels
    return fields


def check_strict(setup: Setup) -> None:
    """Turn warnings into an error.

    Raises:
        UsageError: there is a warning.
    """
    if setup.warnings:
        raise UsageError("--strict: " + "; ".join(setup.warnings))
