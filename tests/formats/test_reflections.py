from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from braggtrace.errors import InputError
from braggtrace.formats.reflections import is_reflection_file, read_reflections

gemmi: Any = pytest.importorskip("gemmi")

CELL = (50.0, 60.0, 70.0, 90.0, 100.0, 90.0)
HEXAGONAL = (50.0, 50.0, 70.0, 90.0, 90.0, 120.0)  # else gemmi takes "R 3" for its rhombohedral setting


def write_mtz(path: Path, group: str, columns: dict[str, str], rows: list[list[float]]) -> Path:
    """An MTZ file of merged reflections: h, k, l and the given columns with their types."""
    mtz = gemmi.Mtz(with_base=True)
    mtz.spacegroup = gemmi.SpaceGroup(group)
    mtz.set_cell_for_all(gemmi.UnitCell(*(HEXAGONAL if group.endswith(":H") else CELL)))
    mtz.add_dataset("x")
    for label, kind in columns.items():
        mtz.add_column(label, kind)
    mtz.set_data(np.array(rows, dtype=np.float32))
    mtz.write_to_file(str(path))
    return path


def test_expansion_by_symmetry(tmp_path: Path) -> None:
    """In P 1 21 1 each reflection gives four: (h k l), (-h k -l) and their Friedel mates."""
    path = write_mtz(tmp_path / "a.mtz", "P 1 21 1", {"FP": "F"}, [[1, 2, 3, 10.0], [0, 2, 0, 7.0]])
    table = read_reflections(path, default_F=1.0)
    for hkl in ((1, 2, 3), (-1, 2, -3), (-1, -2, -3), (1, -2, 3)):
        assert table.lookup(*hkl) == 10.0
    assert table.lookup(0, -2, 0) == 7.0
    assert table.lookup(1, 2, -3) == 1.0
    assert (table.h_range, table.k_range, table.l_range, table.count) == ((-1, 1), (-2, 2), (-3, 3), 6)
    assert "expanded from P 1 21 1 to P1" in table.warnings[0]


@pytest.mark.parametrize("group", ["P 1", "C 1 2 1", "P 31 2 1", "P 43 21 2", "I 2 3", "F 4 3 2", "R 3:H", "P 61"])
def test_expansion_equals_gemmi(tmp_path: Path, group: str) -> None:
    """For every kind of space group the equivalents are those that gemmi names one by one."""
    path = write_mtz(tmp_path / "a.mtz", group, {"FP": "F"}, [[1, 2, 3, 10.0]])
    table = read_reflections(path)
    expected = set()
    for op in gemmi.SpaceGroup(group).operations().sym_ops:
        hkl = tuple(op.apply_to_hkl([1, 2, 3]))
        expected |= {hkl, tuple(-index for index in hkl)}
    low = np.array(table.origin)
    assert {tuple(map(int, index + low)) for index in np.argwhere(table.F == 10.0)} == expected
    assert table.count == len(expected)


def test_friedel_mates_keep_their_own_amplitudes(tmp_path: Path) -> None:
    """F(+) and F(-) are kept apart, and one stands in where the other is missing."""
    rows = [[1, 2, 3, 10.0, 11.0], [1, 2, 4, np.nan, 5.0], [1, 2, 5, np.nan, np.nan]]
    path = write_mtz(tmp_path / "a.mtz", "P 1 21 1", {"F(+)": "G", "F(-)": "G"}, rows)
    table = read_reflections(path)
    assert (table.lookup(1, 2, 3), table.lookup(-1, -2, -3), table.lookup(1, -2, 3)) == (10.0, 11.0, 11.0)
    assert (table.lookup(1, 2, 4), table.lookup(-1, -2, -4)) == (5.0, 5.0)
    assert "1 reflections without a value" in table.warnings[1]


def test_column_choice(tmp_path: Path) -> None:
    """Amplitudes come before intensities; a named column wins; intensities give amplitudes by the square root."""
    path = write_mtz(
        tmp_path / "a.mtz",
        "P 1",
        {"I": "J", "FP": "F", "FC": "F"},
        [[1, 0, 0, 9.0, 5.0, 6.0], [2, 0, 0, -4.0, 5.0, 6.0]],
    )
    assert read_reflections(path).lookup(1, 0, 0) == 5.0
    assert read_reflections(path, "FC").lookup(1, 0, 0) == 6.0
    intensities = read_reflections(path, "I")
    assert (intensities.lookup(1, 0, 0), intensities.lookup(2, 0, 0)) == (3.0, 0.0)
    assert "amplitudes from intensities" in intensities.warnings[0]
    with pytest.raises(InputError, match="no such column: 'FOM'; expected one of FP, FC, I"):
        read_reflections(path, "FOM")


CIF = """data_rtest
_cell.length_a 50
_cell.length_b 60
_cell.length_c 70
_cell.angle_alpha 90
_cell.angle_beta 100
_cell.angle_gamma 90
_symmetry.space_group_name_H-M 'P 1 21 1'
loop_
_refln.index_h
_refln.index_k
_refln.index_l
_refln.F_meas_au
_refln.intensity_meas
1 2 3 10.0 400.0
1 2 4 ? 16.0
"""


def test_mmcif(tmp_path: Path) -> None:
    """An mmCIF file gives the same, and its columns can be chosen."""
    path = tmp_path / "a.cif"
    path.write_text(CIF)
    table = read_reflections(path)
    assert (table.lookup(-1, 2, -3), table.lookup(1, -2, 3), table.l_range) == (10.0, 10.0, (-3, 3))
    assert read_reflections(path, "intensity_meas").lookup(1, 2, 4) == 4.0
    with pytest.raises(InputError, match="no such column: 'nope'; expected one of F_meas_au, intensity_meas"):
        read_reflections(path, "nope")


def test_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, broken and valueless files are errors, and so is a missing gemmi."""
    with pytest.raises(InputError, match="no such file"):
        read_reflections(tmp_path / "x.mtz")
    (tmp_path / "b.mtz").write_bytes(b"MTZ nonsense")
    with pytest.raises(InputError, match="not a readable reflection file"):
        read_reflections(tmp_path / "b.mtz")
    (tmp_path / "b.cif").write_text("data_a\n_cell.length_a 1\n")
    with pytest.raises(InputError, match="no merged reflections"):
        read_reflections(tmp_path / "b.cif")
    empty = write_mtz(tmp_path / "e.mtz", "P 1", {"FP": "F"}, [[1, 0, 0, np.nan]])
    with pytest.raises(InputError, match="column FP has no values"):
        read_reflections(empty)
    nothing = write_mtz(tmp_path / "n.mtz", "P 1", {"FOM": "W"}, [[1, 0, 0, 1.0]])
    with pytest.raises(InputError, match="no column of amplitudes or intensities"):
        read_reflections(nothing)
    monkeypatch.setitem(sys.modules, "gemmi", None)
    with pytest.raises(InputError, match=r"pip install 'braggtrace\[mtz\]'"):
        read_reflections(empty)


def test_names() -> None:
    """Reflection files are told from text tables by name."""
    assert all(map(is_reflection_file, ["a.mtz", "A.MTZ", "r1abcsf.ent.gz", "a-sf.cif"]))
    assert not any(map(is_reflection_file, ["a.hkl", "P1.txt", "mtz"]))
