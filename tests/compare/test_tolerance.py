"""Tolerance rules: how they are written, which one wins, and what can be wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from braggtrace.compare.tolerance import (
    DEFAULTS,
    Measure,
    Tolerance,
    Tolerances,
    looks_like_rule,
    parse_rules,
    parse_tables,
    read_tolerances,
)
from braggtrace.errors import ToleranceError
from braggtrace.quantities import Kind
from tests.compare.build import rules


def test_without_rules_the_kind_decides() -> None:
    """1e-6 for real numbers, nothing for integers and words."""
    assert Tolerances().of(["F_latt"], Kind.REAL) == Tolerance(rtol=1e-6, rule="default")
    assert Tolerances().of(["steps"], Kind.INTEGER).key == (0, 0, 0, 0)
    assert Tolerances().of(["xtal_shape"], Kind.TEXT) == DEFAULTS[Kind.TEXT]


def test_the_first_matching_pattern_wins_then_the_bare_number() -> None:
    """Wherever the bare number stands."""
    tolerances = rules(rtol=["1e-3", "rot_a:1e-9", "rot_*:1e-8"])
    assert tolerances.of(["rot_a"], Kind.REAL) == Tolerance(rtol=1e-9, rule="rot_a")
    assert tolerances.of(["rot_b"], Kind.REAL).rtol == 1e-8
    assert tolerances.of(["F_cell"], Kind.REAL).rtol == 1e-3
    assert tolerances.default_rtol == 1e-3


def test_a_rule_may_use_any_name_of_a_quantity() -> None:
    """The reference's, the candidate's or the catalogue's; case matters."""
    tolerances = rules(rtol=["F_cell:1e-2"])
    assert tolerances.of(["F_cell_nearest", "F_cell"], Kind.REAL).rtol == 1e-2
    assert tolerances.of(["f_cell"], Kind.REAL).rtol == 1e-6


def test_an_ulp_rule_takes_the_place_of_a_less_specific_rtol() -> None:
    """Else the rtol would always be the wider one; an rtol as specific stays."""
    assert rules(ulp="hkl_*:4").of(["hkl_frac"], Kind.REAL).key == (0, 0, 0, 4)
    assert rules(ulp="hkl_*:4", rtol="1e-3").of(["hkl_frac"], Kind.REAL).key == (0, 0, 0, 4)
    assert rules(ulp="hkl_*:4", rtol="hkl_*:1e-3").of(["hkl_frac"], Kind.REAL).key == (1e-3, 0, 0, 4)
    assert rules(ulp="4", rtol="1e-3").of(["hkl_frac"], Kind.REAL).key == (1e-3, 0, 0, 4)


def test_an_atol_stands_beside_the_rtol() -> None:
    """In the unit of the quantity, or as a fraction of its largest value."""
    assert rules(atol="F_*:0.5").of(["F_latt"], Kind.REAL).key == (1e-6, 0.5, 0, 0)
    assert rules(atol="F_latt:1e-3*max").of(["F_latt"], Kind.REAL).key == (1e-6, 0, 1e-3, 0)


def test_integers_are_exact_unless_named() -> None:
    """A pattern with wildcards is about real numbers."""
    assert rules(rtol=["0.5", "s*:0.5"]).of(["steps"], Kind.INTEGER).rtol == 0
    assert rules(rtol=["steps:0.5"]).of(["steps"], Kind.INTEGER).rtol == 0.5
    assert rules(rtol=["xtal_shape:0.5"]).of(["xtal_shape"], Kind.TEXT).rtol == 0


def test_a_rule_that_matches_nothing_is_an_error() -> None:
    """It names the rule, where it was written, and what is close."""
    with pytest.raises(ToleranceError) as caught:
        rules(rtol=["rot_aa:1"]).check({"rot_a", "F_cell"})
    assert str(caught.value) == "--rtol: the rtol rule 'rot_aa:1' matches no quantity; expected 'rot_a'"
    rules(rtol=["rot_?:1", "1e-3"]).check({"rot_a"})


@pytest.mark.parametrize(
    ("measure", "text", "complaint"),
    [
        (Measure.RTOL, "small", "can't read the rtol rule"),
        (Measure.RTOL, "rot_*:", "can't read the rtol rule"),
        (Measure.RTOL, "-1", "not negative"),
        (Measure.RTOL, "1e999", "must be finite"),
        (Measure.RTOL, "x:1e-3*max", "no meaning for rtol"),
        (Measure.ULP, "1.5", "whole float64 steps"),
        (Measure.ULP, "1e30", "whole float64 steps"),
    ],
)
def test_a_bad_rule_is_an_error(measure: Measure, text: str, complaint: str) -> None:
    """It quotes the rule."""
    with pytest.raises(ToleranceError, match=complaint) as caught:
        parse_rules(measure, [text], "--x")
    assert repr(text) in str(caught.value)


def test_two_rules_for_everything_are_an_error() -> None:
    """One of them would be ignored."""
    with pytest.raises(ToleranceError, match="more than one rtol"):
        parse_rules(Measure.RTOL, ["1e-3", "1e-4"], "--rtol")


def test_a_file_holds_the_same_rules(tmp_path: Path) -> None:
    """A number, a rule, or a list of them."""
    path = tmp_path / "tolerances.toml"
    path.write_text('rtol = [1e-3, "rot_*:1e-9"]\natol = "F_latt:1e-3*max"\nulp = 4\n')
    expected = rules(rtol=["1e-3", "rot_*:1e-9"], atol="F_latt:1e-3*max", ulp="4")
    assert [str(rule) for rule in read_tolerances(path).rules] == [str(rule) for rule in expected.rules]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("rtol = ", "can't read the tolerances"),
        ("tolerance = 1", "unknown key 'tolerance'; expected rtol, atol or ulp"),
        ("rtol = true", "no rule"),
        ("rtol = [[1]]", "no rule"),
        ("[rtol]\na = 1", "no rule"),
        ('rtol = "a:b"', "can't read the rtol rule"),
    ],
)
def test_a_bad_file_is_an_error(tmp_path: Path, text: str, complaint: str) -> None:
    """It names the file."""
    path = tmp_path / "tolerances.toml"
    path.write_text(text)
    with pytest.raises(ToleranceError, match=complaint) as caught:
        read_tolerances(path)
    assert caught.value.path == str(path)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """The system's words say why."""
    with pytest.raises(ToleranceError, match="No such file"):
        read_tolerances(tmp_path / "none.toml")


def test_rules_before_others_win() -> None:
    """Command line before file."""
    both = rules(rtol="rot_*:1") + parse_tables({"rtol": ["rot_*:2", 3]}, "file")
    assert both.of(["rot_a"], Kind.REAL).rtol == 1
    assert both.of(["F"], Kind.REAL).rtol == 3


def test_scaling_loosens_rtol_and_atol() -> None:
    """The default too; ULP counts stay."""
    looser = rules(rtol="rot_*:1e-9", atol="rot_a:2", ulp="F:4").scaled(10)
    assert looser.of(["rot_a"], Kind.REAL).key == pytest.approx((1e-8, 20, 0, 0))
    assert looser.of(["x"], Kind.REAL).rtol == pytest.approx(1e-5)
    assert looser.of(["F"], Kind.REAL).ulp == 4
    assert looser.default_rtol == pytest.approx(1e-5)


@given(st.floats(0, 1e300), st.from_regex(r"[a-zA-Z_*?]{0,5}", fullmatch=True))
def test_a_rule_reads_back_what_was_written(value: float, pattern: str) -> None:
    """And looks like a rule, so that a command line finds it."""
    text = f"{pattern}:{value!r}" if pattern else repr(value)
    assert looks_like_rule(text)
    (rule,) = parse_rules(Measure.ATOL, [text], "--atol")
    assert (rule.pattern, rule.value) == (pattern, value)


@pytest.mark.parametrize("name", ["c.log", "/run/1/c.log", "-", "rot_*", "1e-6.log", "x:", "a:1b"])
def test_file_names_do_not_look_like_rules(name: str) -> None:
    """So they may follow the rules on a command line."""
    assert not looks_like_rule(name)


def test_a_tolerance_says_what_it_is() -> None:
    """In the words of the command line."""
    assert str(Tolerance()) == "rtol 1e-06 (default)"
    assert str(Tolerance(rtol=0)) == "exact (default)"
    assert str(Tolerance(rtol=0, ulp=4, rule="hkl_*")) == "ulp 4 (hkl_*)"
    assert str(Tolerance(atol=2, atol_of_max=1e-3, rule="F")) == "rtol 1e-06, atol 2 = 0.001*max (F)"
