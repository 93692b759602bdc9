"""From an argument list to an experiment: files are read, headers looked into, everything gathered."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
import torch
from torch import Tensor

from braggtrace.errors import InputError, UsageError
from braggtrace.formats.hkl import HklTable, read_cache, read_hkl
from braggtrace.formats.mask import read_mask
from braggtrace.formats.matrix import read_matrix
from braggtrace.formats.reflections import is_reflection_file, read_reflections
from braggtrace.formats.smv import MAGIC, HeaderCamera, read_header
from braggtrace.formats.sources import read_sources
from braggtrace.simulate.experiment import Beam, Crystal, Detector, Experiment, Sampling, Sources
from braggtrace.simulate.scanning import Origin, scan_flags

__all__ = ["KeepTable", "LoadedTable", "Outputs", "Setup", "check_strict", "input_files", "setup_from_flags"]

LoadedTable: TypeAlias = tuple[HklTable, Tensor]
"""Reflections as read, and their structure factors as the simulation takes them."""

KeepTable: TypeAlias = Callable[[Path, tuple[object, ...], Callable[[], LoadedTable]], LoadedTable]
"""Called with a file, how it is to be read, and a function that reads it; may return what an earlier call gave."""


_DUMPFILE = "Fdump.bin"
_INPUTS = ("matfile", "hklfile", "sourcefile", "mask", "img")


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
    dumpfile: str = _DUMPFILE
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


def setup_from_flags(
    arguments: Sequence[str],
    quirks: frozenset[str],
    *,
    threads: int = 1,
    fma: bool = False,
    mtz_column: str | None = None,
    folder: Path | None = None,
    files: Mapping[str, Path] | None = None,
    keep_table: KeepTable | None = None,
) -> Setup:
    """Understand an argument list, and read the files that it names.

    Args:
        arguments: nanoBragg's flags.
        quirks: those that are on.
        threads: threads of the C program to imitate.
        fma: imitate a build with fused multiply-add.
        mtz_column: the column of an MTZ or mmCIF file.
        folder: where relative paths start; the working folder if None.
        files: path as in the flags -> where the file really is; no other file is read. None: each is where it says.
        keep_table: takes care of reading reflections, so that they need not be read again.

    Raises:
        UsageError: the flags make no sense.
        InputError: a file is missing or can't be read.
    """
    scan = scan_flags(arguments, quirks)
    reader = _Reader(scan.values, quirks, Path() if folder is None else folder, files, keep_table or _read_now)
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


def input_files(arguments: Sequence[str], quirks: frozenset[str]) -> tuple[list[str], list[str]]:
    """The files that an argument list reads, as it names them: those that must be there, and those that may be.

    Raises:
        UsageError: the flags make no sense.
    """
    values = scan_flags(arguments, quirks).values
    needed = [str(values[name]) for name in _INPUTS if name in values]
    reuses = "hklfile" not in values and "cache-reuse" in quirks
    return list(dict.fromkeys(needed)), [str(values.get("dumpfile", _DUMPFILE))] if reuses else []


_T = TypeVar("_T")


def _built(cls: Callable[..., _T], values: dict[str, Any]) -> _T:
    """A part of the experiment, from those values that are its fields."""
    names = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    return cls(**{name: value for name, value in values.items() if name in names})


def _where(origin: Origin, value: object) -> str:
    return str(origin) if isinstance(value, bool) else f"{origin} (word {origin.position + 1})"


class _Reader:
    """Reads what the flags name, and collects what is worth saying about it."""

    def __init__(
        self,
        values: dict[str, Any],
        quirks: frozenset[str],
        folder: Path,
        given: Mapping[str, Path] | None,
        keep_table: KeepTable,
    ) -> None:
        self.values, self.quirks, self.folder, self.given, self.keep_table = values, quirks, folder, given, keep_table
        self.warnings: list[str] = []
        self.table: HklTable | None = None

    def path(self, name: str) -> Path:
        word = str(self.values[name])
        found = self.find(word)
        if found is None:
            raise InputError("no such file", path=word)
        return found

    def find(self, word: str) -> Path | None:
        return self.folder / word if self.given is None else self.given.get(word)

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
        loaded = self.reflections(values, mtz_column)
        if loaded is not None:
            table, out["F"] = loaded
            self.warnings += table.warnings
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

    def reflections(self, values: dict[str, Any], mtz_column: str | None) -> LoadedTable | None:
        default = float(values.get("default_F", 0.0))
        if "hklfile" in values:
            path = self.path("hklfile")
            truncation = "hkl-truncation" in self.quirks
            if is_reflection_file(path):
                how: tuple[object, ...] = ("merged", mtz_column, default)
                loaded = self.keep_table(path, how, lambda: _loaded(read_reflections(path, mtz_column, default)))
            else:
                how = ("text", default, truncation)
                loaded = self.keep_table(path, how, lambda: _loaded(read_hkl(path, default, truncation=truncation)))
            self.table = loaded[0]
            return loaded
        word = values.get("dumpfile", _DUMPFILE)
        cache = self.find(word)
        if "cache-reuse" not in self.quirks or cache is None or not cache.is_file():
            return None
        self.warnings.append(f"structure factors are read from {cache}, because -hkl is not given")
        whitespace = "cache-whitespace" in self.quirks
        how = ("cache", default, whitespace)
        return self.keep_table(cache, how, lambda: _loaded(read_cache(cache, default, whitespace=whitespace)))


def _loaded(table: HklTable) -> LoadedTable:
    # The last plane of each axis is spare and never looked up.
    return table, torch.from_numpy(np.ascontiguousarray(table.F[:-1, :-1, :-1]))


def _read_now(_path: Path, _how: tuple[object, ...], read: Callable[[], LoadedTable]) -> LoadedTable:
    return read()


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
