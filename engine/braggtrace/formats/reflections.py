"""Structure factors from MTZ and mmCIF files, expanded to P1 with Friedel mates: the simulation knows no symmetry.

Needs gemmi (extra `mtz`). Equivalent reflections have equal amplitudes: h' = h·R for every rotation R of the space
group, and F(−h) = F(h) unless the file holds both.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from braggtrace.errors import InputError
from braggtrace.formats.files import PathLike, read_bytes
from braggtrace.formats.hkl import HklTable, table_from_reflections

if TYPE_CHECKING:
    import gemmi

__all__ = ["is_reflection_file", "read_reflections"]

_WHAT = "an MTZ or mmCIF file of merged reflections"
_SUFFIXES = (".mtz", ".cif", ".mmcif", ".ent")
_MTZ_TYPES = (
    "FGJK"  # amplitude, amplitude of one Friedel mate, intensity, intensity of one mate: in order of preference
)
_CIF_COLUMNS = (
    "F_meas_au",
    "F_meas",
    "pdbx_F_plus",
    "intensity_meas",
    "pdbx_I_plus",
    "F_calc_au",
    "F_calc",
)


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """A column and, where the file has it, that of the Friedel mates."""

    label: str
    values: NDArray[np.float64]
    mates: NDArray[np.float64] | None
    is_intensity: bool


def is_reflection_file(path: PathLike) -> bool:
    """Whether a name looks like a file for `read_reflections` rather than a text table."""
    name = Path(path).name.lower().removesuffix(".gz")
    return name.endswith(_SUFFIXES)


def read_reflections(path: PathLike, column: str | None = None, default_F: float = 0.0) -> HklTable:
    """Read amplitudes from an MTZ or mmCIF file and expand them to P1 with Friedel mates.

    Args:
        path: the file, possibly gzipped.
        column: the label, as in "FP" or "F_meas_au"; by default the first amplitudes, else the first intensities. An
            intensity becomes an amplitude by the square root, a negative one 0.
        default_F: the amplitude of gaps [electrons].

    Raises:
        InputError: the file is missing or unreadable, not merged, lacks the column or the space group, has no values,
            or needs gemmi, which is missing.
    """
    read_bytes(path, _WHAT)  # says in our words what is wrong with a missing file
    try:
        import gemmi
    except ImportError:
        raise InputError("reading this needs gemmi: pip install 'braggtrace[mtz]'", path=path, expected=_WHAT) from None
    try:
        if Path(path).name.lower().removesuffix(".gz").endswith(".mtz"):
            mtz = gemmi.read_mtz_file(str(Path(path)))
            hkl, chosen, group = _from_mtz(mtz, column, path)
        else:
            blocks = gemmi.as_refln_blocks(gemmi.cif.read(str(Path(path))))
            hkl, chosen, group = _from_cif(blocks[0] if blocks else None, column, path)
    except (RuntimeError, ValueError, OSError, IndexError) as error:
        raise InputError("not a readable reflection file", path=path, expected=_WHAT, got=str(error)) from error
    if group is None:
        raise InputError("the file names no space group", path=path, expected="one to expand the reflections to P1 by")
    return _expanded(hkl.astype(np.int64), chosen, group, default_F, path)


def _from_mtz(
    mtz: gemmi.Mtz, wanted: str | None, path: PathLike
) -> tuple[NDArray[np.int32], _Column, gemmi.SpaceGroup | None]:
    if mtz.batches:
        raise InputError("the reflections are not merged", path=path, expected=_WHAT, got=f"{len(mtz.batches)} batches")
    usable = sorted((c for c in mtz.columns if c.type in _MTZ_TYPES), key=lambda c: _MTZ_TYPES.index(c.type))
    found = next((c for c in usable if wanted in (None, c.label)), None)
    if found is None:
        raise _no_column(wanted, [c.label for c in usable], path)
    mates = None
    if found.type in "GK":
        partner = next((c for c in usable if c.label == _mate_label(found.label) and c.type == found.type), None)
        mates = None if partner is None else np.array(partner, dtype=np.float64)
    column = _Column(found.label, np.array(found, dtype=np.float64), mates, found.type in "JK")
    return np.array(mtz.make_miller_array()), column, mtz.spacegroup


def _from_cif(
    block: gemmi.ReflnBlock | None, wanted: str | None, path: PathLike
) -> tuple[NDArray[np.int32], _Column, gemmi.SpaceGroup | None]:
    if block is None or not block.is_merged():
        raise InputError("the file has no merged reflections", path=path, expected=_WHAT)
    labels = block.column_labels()
    usable = [label for label in _CIF_COLUMNS if label in labels]
    label = wanted if wanted in labels else next(iter(usable), None) if wanted is None else None
    if label is None:
        raise _no_column(wanted, usable, path)
    mate = _mate_label(label)
    mates = block.make_float_array(mate) if mate != label and mate in labels else None
    is_intensity = "intensity" in label or "_I_" in label
    values = np.array(block.make_float_array(label), dtype=np.float64)
    column = _Column(label, values, None if mates is None else np.array(mates, dtype=np.float64), is_intensity)
    return np.array(block.make_miller_array()), column, block.spacegroup


def _mate_label(label: str) -> str:
    return label.replace("(+)", "(-)").replace("_plus", "_minus")


def _no_column(wanted: str | None, usable: list[str], path: PathLike) -> InputError:
    return InputError(
        "no column of amplitudes or intensities" if wanted is None else f"no such column: {wanted!r}",
        path=path,
        expected=f"one of {', '.join(usable)}" if usable else "a column of type F, G, J or K",
    )


def _expanded(
    hkl: NDArray[np.int64], column: _Column, group: gemmi.SpaceGroup, default_F: float, path: PathLike
) -> HklTable:
    plus = _amplitudes(column.values, column.is_intensity)
    minus = plus if column.mates is None else _amplitudes(column.mates, column.is_intensity)
    plus, minus = np.where(np.isnan(plus), minus, plus), np.where(np.isnan(minus), plus, minus)
    known = np.isfinite(plus)
    if not known.any():
        raise InputError(f"column {column.label} has no values", path=path)
    hkl, plus, minus = hkl[known], plus[known], minus[known]
    rotations = {tuple(map(tuple, op.rot)): op for op in group.operations().sym_ops}
    images: list[NDArray[Any]] = []
    for rotation in rotations:
        rotated = hkl @ np.array(rotation, dtype=np.int64) // 24  # gemmi holds rotations in units of 1/24
        images.append(np.column_stack([rotated, plus]))
        images.append(np.column_stack([-rotated, minus]))
    # The measured reflections come last and so win over what their equivalents say; a centric one is its own mate.
    stacked = np.concatenate([*images, np.column_stack([hkl, plus])])
    table = table_from_reflections(stacked[:, :3].astype(np.int64), stacked[:, 3], default_F, path=path)
    warnings = [
        f"column {column.label}, {len(hkl)} reflections expanded from {group.xhm()} to P1"
        + (", amplitudes from intensities" if column.is_intensity else "")
    ]
    if not known.all():
        warnings.append(f"{int((~known).sum())} reflections without a value were left out")
    unique = len(np.unique(stacked[:, :3], axis=0))
    return HklTable(table.h_range, table.k_range, table.l_range, table.F, unique, default_F, warnings=tuple(warnings))


def _amplitudes(values: NDArray[np.float64], is_intensity: bool) -> NDArray[np.float64]:
    return np.sqrt(np.maximum(values, 0.0)) if is_intensity else values
