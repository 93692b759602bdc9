"""How exact a written value is, told by texts alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from braggtrace.replay.precision import DOUBLE, DOUBLE_EPS, SINGLE_EPS, Precision, precisions
from braggtrace.trace.reader import read_trace

NUMBERS = np.random.default_rng(1).uniform(0.5, 400.0, (24, 4))


def of(folder: Path, **columns: list[str]) -> dict[str, Precision]:
    """The precision of columns, by name, written into a trace."""
    lines = []
    for row in range(max(len(texts) for texts in columns.values())):
        lines.append(f"TRACE_C: pixel 1 {row}")
        lines += [f"TRACE_C: {name} {texts[row]}" for name, texts in columns.items() if row < len(texts)]
    path = folder / "trace.log"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    trace = read_trace(str(path))
    found = precisions(trace, trace.columns)
    return {column.key.name: found[id(column)] for column in trace.columns if id(column) in found}


def texts(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], form: str) -> list[str]:
    """Numbers as a program prints them."""
    return [format(float(value), form) for value in values]


def test_all_digits_leave_no_room(tmp_path: Path) -> None:
    """%.17g is the number itself."""
    found = of(tmp_path, F_latt=texts(NUMBERS[:, 0], ".17g"), polar=texts(NUMBERS[:, 1], ".17g"))
    assert found["F_latt"].digits == 17
    assert not found["F_latt"].printed(NUMBERS).any()
    assert found["F_latt"].eps == DOUBLE_EPS


@pytest.mark.parametrize("digits", [6, 9, 15])
def test_printed_digits_are_counted(tmp_path: Path, digits: int) -> None:
    """Whatever was cut lies within half of the last digit."""
    form = f".{digits}g"
    found = of(tmp_path, F_latt=texts(NUMBERS[:, 0], form), polar=texts(NUMBERS[:, 1], form))["F_latt"]
    assert found.digits == digits
    cut = np.array([float(text) for text in texts(NUMBERS[:, 0], form)])
    apart = np.abs(cut - NUMBERS[:, 0])
    assert (apart <= found.printed(cut) + 2.0**-52 * cut).all()
    assert (found.printed(cut) <= 0.51 * 10.0 ** (np.floor(np.log10(cut)) - digits + 1)).all()


def test_fixed_decimals_are_seen(tmp_path: Path) -> None:
    """%.4f has the same room for small numbers and for large ones."""
    found = of(tmp_path, F_latt=texts(NUMBERS[:, 0], ".4f"), polar=texts(NUMBERS[:, 1] / 100, ".4f"))["F_latt"]
    assert found.decimals == 4
    assert found.printed(np.array([0.001, 1e5])) == pytest.approx([5e-5, 5e-5])


def test_float32_numbers_are_seen(tmp_path: Path) -> None:
    """Numbers that are float32 to all their digits, whatever prints them."""
    single = NUMBERS.astype(np.float32).astype(np.float64)
    for form in (".17g", ".9g"):
        names = ("F_latt_a", "F_latt_b", "F_latt_c", "F_latt")
        found = of(tmp_path, **{name: texts(single[:, at], form) for at, name in enumerate(names)})
        assert {name: found[name].single for name in names} == dict.fromkeys(names, True)
        assert found["F_latt"].eps == SINGLE_EPS


def test_a_few_float32_numbers_are_told_by_their_kin(tmp_path: Path) -> None:
    """Nine digits of three pixels prove little for one quantity, and enough for those that are computed together."""
    single = NUMBERS[:3].astype(np.float32).astype(np.float64)
    names = ("F_latt_a", "F_latt_b", "F_latt_c", "F_latt")
    columns = {name: texts(single[:, at], ".9g") for at, name in enumerate(names)}
    other = {"R_distance_meters": texts(NUMBERS[:3, 0] / 7, ".9g"), "stol": texts(NUMBERS[:3, 1] / 7, ".9g")}
    found = of(tmp_path, **columns, **other)
    assert [found[name].single for name in names] == [True] * 4
    assert not found["R_distance_meters"].single
    assert not found["stol"].single


def test_float64_numbers_are_not_taken_for_float32(tmp_path: Path) -> None:
    """One number that is none is enough."""
    mixed = NUMBERS[:, 0].astype(np.float32).astype(np.float64)
    mixed[7] = NUMBERS[7, 0]
    found = of(tmp_path, F_latt=texts(mixed, ".17g"), polar=texts(NUMBERS[:, 1], ".17g"))
    assert not found["F_latt"].single


def test_six_digits_prove_no_float32(tmp_path: Path) -> None:
    """Any number of so few digits is one of a float32."""
    found = of(tmp_path, F_latt=texts(NUMBERS[:, 0], ".6g"), polar=texts(NUMBERS[:, 1], ".6g"))
    assert not found["F_latt"].single


def test_short_numbers_of_people_say_nothing(tmp_path: Path) -> None:
    """0.5 and 36 do not mean that everything is printed with two digits."""
    lines = ["distance_meters 0.5", "polarization 0.8", f"cell_a_vec_angstroms 36 0 {NUMBERS[0, 0]:.17g}"]
    path = tmp_path / "trace.log"
    path.write_text("".join(f"TRACE_C: {line}\n" for line in lines), encoding="utf-8")
    trace = read_trace(str(path))
    found = precisions(trace, trace.columns)
    assert {precision.digits for precision in found.values()} == {17}


def test_zero_has_no_digits() -> None:
    """No logarithm of 0, no warning."""
    assert Precision(digits=6).printed(np.array([0.0, np.nan, np.inf])).tolist() == [0.0, 0.0, 0.0]
    assert DOUBLE.digits == 17
