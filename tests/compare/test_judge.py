"""Judging: statuses, the first divergence, odd values, and what must hold for any two traces."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from braggtrace.compare.judge import compare, rejudge
from braggtrace.compare.mapping import parse_map
from braggtrace.compare.model import Comparison, Counts, Status, Verdict
from braggtrace.compare.options import Options
from braggtrace.compare.view import divergence
from braggtrace.errors import ToleranceError
from braggtrace.trace.model import RUN_LEVEL
from tests.compare.build import compared, pairing, rules, trace

RUN = "Na 5\nspindle_axis 0 0 1"
REFERENCE = f"""
{RUN}
pixel 1 2
pixel_pos_meters 0.1 0.002 -0.003
TRACE_C_PHI phi_tic=0 phi_deg=0 rot_a_x=70 rot_a_y=1 rot_a_z=-3 F_latt=5
TRACE_C_PHI phi_tic=1 phi_deg=1 rot_a_x=71 rot_a_y=2 rot_a_z=-3 F_latt=6
I_pixel_final 0.25
pixel 1 3
pixel_pos_meters 0.1 0.002 -0.004
TRACE_C_PHI phi_tic=0 phi_deg=0 rot_a_x=70 rot_a_y=1 rot_a_z=-3 F_latt=7
TRACE_C_PHI phi_tic=1 phi_deg=1 rot_a_x=71 rot_a_y=2 rot_a_z=-3 F_latt=8
I_pixel_final 0.5
"""


def first(comparison: Comparison) -> str:
    """The first divergence: quantity, component and place."""
    assert comparison.first is not None
    pair = divergence(comparison, *comparison.first)
    return f"{pair.quantity}[{pair.component}] at {pair.coordinate}"


def test_a_trace_agrees_with_itself() -> None:
    """Everything compares; nothing needs a tolerance."""
    comparison = compared(REFERENCE, REFERENCE)
    assert comparison.status is Status.AGREES
    assert comparison.first is None
    assert comparison.counts == Counts(18, 18, 0, 0, 0)
    assert comparison.smallest_passing_rtol == 0


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("Na 5", "Na 6", "Na[0] at run"),
        ("spindle_axis 0 0 1", "spindle_axis 0 1 0", "spindle_axis[1] at run"),
        ("F_latt=7", "F_latt=7.001", "F_latt[0] at pixel 1 3, phi_tic 0"),
        ("0.002 -0.004", "-0.004 0.002", "pixel_pos_meters[1] at pixel 1 3"),
        ("I_pixel_final 0.5", "I_pixel_final 0.50001", "I_pixel_final[0] at pixel 1 3"),
    ],
)
def test_one_change_is_found(old: str, new: str, expected: str) -> None:
    """Its quantity, component and coordinate are named; swapped components don't pass."""
    comparison = compared(REFERENCE, REFERENCE.replace(old, new))
    assert comparison.status is Status.DIVERGES
    assert first(comparison) == expected


def test_the_first_pixel_comes_before_the_first_step() -> None:
    """A late quantity of an early pixel; a run-level quantity before both."""
    late = REFERENCE.replace("I_pixel_final 0.25", "I_pixel_final 9").replace("0.002 -0.004", "9 9")
    assert first(compared(REFERENCE, late)) == "I_pixel_final[0] at pixel 1 2"
    assert first(compared(REFERENCE, late.replace("Na 5", "Na 6"))) == "Na[0] at run"


def test_the_first_step_comes_before_the_first_line() -> None:
    """`rot_a` at the second phi step is computed before `F_latt` at the first."""
    changed = REFERENCE.replace("F_latt=5", "F_latt=9", 1).replace("rot_a_x=71", "rot_a_x=99", 1)
    assert first(compared(REFERENCE, changed)) == "rot_a[0] at pixel 1 2, phi_tic 1"


def test_full_coordinates_come_before_the_first_sample() -> None:
    """The same quantity, on a PHI line and on a main line."""
    text = "pixel 1 2\nrot_a_angstroms 70 1 -3\n" + REFERENCE.split("\n")[5]
    comparison = compared(text, text.replace("70", "80"))
    assert first(comparison).startswith("rot_a[0]")


def test_an_unknown_name_follows_the_last_known_one() -> None:
    """So its place in the file counts, not the alphabet."""
    text = "pixel 1 2\npixel_pos_meters 1 2 3\naardvark 5.5\npolar 0.5"
    comparison = compared(text, text.replace("5.5", "6.5").replace("0.5", "0.6"))
    assert [each.name for each in comparison.pairings] == ["pixel_pos_meters", "aardvark", "polar"]
    assert first(comparison).startswith("aardvark")


def test_vector_components_are_judged_against_the_largest() -> None:
    """0 against 6e-17 is no divergence beside 0.1, and one beside nothing."""
    assert compared("pixel_pos_meters 0.1 0 0", "pixel_pos_meters 0.1 6e-17 0").status is Status.AGREES
    assert compared("stol 0", "stol 6e-17").status is Status.DIVERGES


@pytest.mark.parametrize(
    ("ours", "theirs", "plain", "equal_nan"),
    [
        ("nan", "nan", Status.DIVERGES, Status.AGREES),
        ("nan", "1", Status.DIVERGES, Status.DIVERGES),
        ("inf", "inf", Status.AGREES, Status.AGREES),
        ("inf", "-inf", Status.DIVERGES, Status.DIVERGES),
        ("inf", "1e308", Status.DIVERGES, Status.DIVERGES),
        ("-nan", "nan", Status.DIVERGES, Status.AGREES),
    ],
)
def test_nan_and_inf(ours: str, theirs: str, plain: Status, equal_nan: Status) -> None:
    """NaN equals NaN only if wanted; infinities of one sign are equal."""
    text = "pixel 1 2\nF_cell 1\nF_latt "
    assert compared(text + ours, text + theirs).status is plain
    assert compared(text + ours, text + theirs, Options(equal_nan=True)).status is equal_nan


def test_nan_on_both_sides_is_explained() -> None:
    """The note names the option that helps; no rtol does."""
    comparison = compared("F_latt nan", "F_latt nan")
    assert comparison.notes == ("1 value is NaN on both sides and taken to diverge; --equal-nan takes them to agree",)
    assert comparison.smallest_passing_rtol is None


def test_words_must_be_equal() -> None:
    """To the letter; a number where a word was is another value."""
    for other, status in (("SQUARE", Status.AGREES), ("ROUND", Status.DIVERGES), ("1", Status.DIVERGES)):
        comparison = compared("xtal_shape SQUARE", f"xtal_shape {other}")
        assert comparison.status is status
        assert math.isnan(comparison.pairings[0].rel[0])
        assert comparison.smallest_passing_rtol == (0 if status is Status.AGREES else None)


@pytest.mark.parametrize("name", ["steps", "my_count"])
def test_integers_compare_exactly(name: str) -> None:
    """Known ones, and unknown ones that are whole on both sides."""
    assert compared(f"{name} 3000000", f"{name} 3000001").status is Status.DIVERGES
    assert compared(f"{name} 3000000", f"{name} 3000000.0").status is Status.AGREES
    assert compared("I_running 3000000", "I_running 3000001").status is Status.AGREES
    named = Options(tolerances=rules(rtol=f"{name}:1e-6"))
    assert compared(f"{name} 3000000", f"{name} 3000001", named).status is Status.AGREES


def test_a_value_on_one_side_is_counted() -> None:
    """It doesn't diverge, but with `require_all` it is not agreement."""
    ours, theirs = "Na 5\nNb 5", "Na 5\nNb 5\nNc 5"
    comparison = compared(ours, theirs)
    assert comparison.counts == Counts(2, 2, 0, 0, 1)
    assert comparison.status is Status.AGREES
    assert compared(ours, theirs, Options(require_all=True)).status is Status.INCONCLUSIVE
    assert compared(ours, theirs.replace("Nb 5", "Nb 6"), Options(require_all=True)).status is Status.DIVERGES


def test_less_than_half_is_inconclusive() -> None:
    """Of either side; half is enough."""
    assert compared("Na 5\nNb 5", "Na 5").status is Status.AGREES
    few = compared("Na 5", "Na 5\nNb 5\nNc 5")
    assert few.status is Status.INCONCLUSIVE
    assert few.notes == ("only 33% of the candidate's values have a counterpart",)
    assert compared("Na 5", "Na 6\nNb 5\nNc 5").status is Status.INCONCLUSIVE
    assert compared("Na 5", "Nb 5").notes == ("no value of one trace has a counterpart in the other",)


def test_nothing_at_all_is_inconclusive() -> None:
    """Two files without a trace line."""
    assert compared("TRACE", "TRACE").status is Status.INCONCLUSIVE


def test_traces_of_different_pixels_are_told_so() -> None:
    """Not by percentages only; a common pixel is enough to compare."""
    ours = "TRACE_C: pixel 1 2\nTRACE_C: F_latt 1\n"
    theirs = "TRACE_PY: pixel 3 4\nTRACE_PY: F_latt 1\n"
    note = "no pixel is on both sides: the reference starts at 1 2, the candidate at 3 4 (slow, fast)"
    assert note in compared(ours, theirs).notes
    assert not any("no pixel" in each for each in compared(ours, theirs + ours.replace("_C", "_PY")).notes)


def test_the_worst_is_the_largest_rel() -> None:
    """Of the diverging pairs; an integer that is off counts too."""
    comparison = compared(REFERENCE, REFERENCE.replace("F_latt=5", "F_latt=6").replace("F_latt=8", "F_latt=16"))
    assert comparison.worst is not None
    assert divergence(comparison, *comparison.worst).rel == 0.5


def test_a_rule_without_a_quantity_is_an_error() -> None:
    """At the first judging and at each later one."""
    with pytest.raises(ToleranceError):
        compared(REFERENCE, REFERENCE, Options(tolerances=rules(rtol="nothing:1")))
    with pytest.raises(ToleranceError):
        rejudge(compared(REFERENCE, REFERENCE), rules(rtol="nothing:1"))


def test_atol_of_the_largest_value() -> None:
    """A weak value is judged beside the strongest of its quantity."""
    ours = "pixel 1 2\nF_latt 100\nF_cell 1\npixel 1 3\nF_latt 0.01\nF_cell 1"
    theirs = ours.replace("0.01", "0.02")
    assert compared(ours, theirs).status is Status.DIVERGES
    lenient = compared(ours, theirs, Options(tolerances=rules(atol="F_latt:1e-3*max")))
    assert lenient.status is Status.AGREES
    assert lenient.smallest_passing_rtol == 0
    assert compared(ours, theirs, Options(tolerances=rules(atol="F_latt:1e-5*max"))).status is Status.DIVERGES


def test_ulp_by_component() -> None:
    """Each component may be a few steps off, however small it is beside the others."""
    near = np.nextafter(1e-9, 1)
    ours, theirs = "hkl_frac 1 2 1e-9", f"hkl_frac 1 2 {float(near)!r}"
    for ulp, status in (("hkl_*:1", Status.AGREES), ("hkl_*:0", Status.AGREES)):
        assert compared(ours, theirs, Options(tolerances=rules(ulp=ulp))).status is status
    exact = rules(ulp="hkl_*:1", rtol="hkl_*:0")
    assert compared(ours, theirs, Options(tolerances=exact)).status is Status.AGREES
    assert compared(ours, "hkl_frac 1 2 1.0001e-9", Options(tolerances=exact)).status is Status.DIVERGES


# What must hold for any two traces -----------------------------------------------------------------------------------

numbers = st.one_of(st.sampled_from([0.0, 1.0, -1.0, 1e-30, math.nan, math.inf, -math.inf]), st.floats())
NAMES = ("F_latt", "F_cell", "I_term", "unknown", "hkl_frac", "steps")


@st.composite
def traces(draw: st.DrawFn) -> str:
    """A few pixels with a few values each."""
    lines = []
    for pixel in range(draw(st.integers(1, 3))):
        lines.append(f"pixel 0 {pixel}")
        for name in draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1)):
            count = 3 if name == "hkl_frac" else 1
            lines.append(" ".join([name, *(repr(draw(numbers)) for _ in range(count))]))
    return "\n".join(lines)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[str, str]:
    """A trace, and one with some other numbers in it."""
    ours = draw(traces())
    if draw(st.booleans()):
        return ours, draw(traces())
    words = ours.split(" ")
    for at in draw(st.lists(st.integers(0, len(words) - 1), max_size=3)):
        if "\n" not in words[at] and words[at] not in NAMES and not words[at].isdecimal():
            words[at] = repr(draw(numbers))
    return ours, " ".join(words)


OPTIONS = st.builds(
    Options,
    tolerances=st.sampled_from([rules(), rules(rtol="0.1"), rules(atol="1"), rules(ulp="100"), rules(rtol="0")]),
    equal_nan=st.booleans(),
    require_all=st.booleans(),
)


@given(pairs(), OPTIONS)
def test_comparing_is_symmetric(texts: tuple[str, str], options: Options) -> None:
    """Sides exchanged, counts exchanged; the answer is the same."""
    forth, back = compared(*texts, options), compared(texts[1], texts[0], options)
    assert forth.status is back.status
    assert forth.smallest_passing_rtol == back.smallest_passing_rtol
    one, two = forth.counts, back.counts
    assert one == replace(two, only_reference=two.only_candidate, only_candidate=two.only_reference)
    assert (forth.first is None) == (back.first is None)


@given(pairs(), OPTIONS)
def test_counts_add_up(texts: tuple[str, str], options: Options) -> None:
    """Every value of either side is counted once."""
    comparison = compared(*texts, options)
    counts = comparison.counts
    assert counts.agree + counts.diverge == counts.compared
    assert counts.compared + counts.only_reference == sum(map(len, comparison.reference.columns))
    assert counts.compared + counts.only_candidate == sum(map(len, comparison.candidate.columns))
    for each in comparison.pairings:
        assert (np.diff(each.pixel) >= 0).all()
        assert each.counts.diverge == (each.verdict == Verdict.DIVERGES).sum()


@given(traces(), OPTIONS)
def test_any_trace_agrees_with_itself_but_for_nan(text: str, options: Options) -> None:
    """NaN is equal to itself only if wanted."""
    comparison = compared(text, text, options)
    nan = "nan" in text and not options.equal_nan
    assert comparison.status is (Status.DIVERGES if nan else Status.AGREES)


@given(pairs(), OPTIONS)
def test_the_smallest_passing_rtol_passes(texts: tuple[str, str], options: Options) -> None:
    """And nothing below it does."""
    comparison = compared(*texts, options)
    rtol = comparison.smallest_passing_rtol
    if rtol is None or not comparison.counts.compared:
        return
    others = tuple(rule for rule in options.tolerances.rules if rule.measure != "rtol")
    exact = replace(options.tolerances, rules=(*others, *rules(rtol=repr(rtol)).rules))
    assert rejudge(comparison, exact).counts.diverge == 0
    if rtol:
        below = replace(options.tolerances, rules=(*others, *rules(rtol=repr(math.nextafter(rtol, 0))).rules))
        assert rejudge(comparison, below).counts.diverge > 0


@given(pairs(), st.floats(0, 3), st.floats(0, 3))
def test_a_wider_tolerance_never_finds_more(texts: tuple[str, str], one: float, two: float) -> None:
    """Every pair that agrees still agrees."""
    tight, wide = sorted((one, two))
    ours, theirs = map(trace, texts)
    strict = compare(ours, theirs, Options(tolerances=rules(rtol=repr(tight))))
    lenient = rejudge(strict, rules(rtol=repr(wide)))
    for before, after in zip(strict.pairings, lenient.pairings, strict=True):
        assert not ((before.verdict == Verdict.AGREES) & (after.verdict == Verdict.DIVERGES)).any()


@given(pairs(), OPTIONS, OPTIONS)
def test_judging_again_is_judging(texts: tuple[str, str], before: Options, after: Options) -> None:
    """The same as a comparison from the beginning."""
    ours, theirs = map(trace, texts)
    after = replace(after, equal_nan=before.equal_nan, require_all=before.require_all)
    again, anew = rejudge(compare(ours, theirs, before), after.tolerances), compare(ours, theirs, after)
    assert (again.status, again.first, again.worst, again.counts) == (anew.status, anew.first, anew.worst, anew.counts)
    assert again.smallest_passing_rtol == anew.smallest_passing_rtol
    for one, two in zip(again.pairings, anew.pairings, strict=True):
        np.testing.assert_array_equal(one.verdict, two.verdict)
        np.testing.assert_array_equal(one.rel, two.rel)


@given(pairs())
def test_the_first_divergence_is_the_first(texts: tuple[str, str]) -> None:
    """No other one is in an earlier pixel, or earlier in the same pixel."""
    comparison = compared(*texts)
    places = [
        (int(each.pixel[row]), index, int(row))
        for index, each in enumerate(comparison.pairings)
        if each.matched_by != "proposed"
        for row in np.flatnonzero(each.verdict == Verdict.DIVERGES)
    ]
    assert comparison.first == (min(places)[1:] if places else None)


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values are judged in blocks, with gaps and without."""
    ours = "\n".join(f"pixel 0 {at}\nF_cell {at}\nF_latt {at}.5" for at in range(40))
    theirs = ours.replace("F_cell 7\n", "").replace("F_latt 11.5", "F_latt 12")
    whole = compared(ours, theirs)
    monkeypatch.setattr("braggtrace.compare.verdicts._BLOCK", 3)
    pieces = compared(ours, theirs)
    assert (whole.counts, whole.first, whole.worst) == (pieces.counts, pieces.first, pieces.worst)
    assert whole.counts == Counts(79, 78, 1, 1, 0)
    assert pairing(whole, "F_latt").pixel.min() > RUN_LEVEL


def test_while_a_trace_is_being_read_nothing_is_missing_for_good() -> None:
    """What a rule, a map or a pixel is about may still come."""
    options = Options(
        tolerances=rules(rtol="F_latt:1e-3"), mapping=parse_map('[renames]\nF_new = "F_latt"'), pixels=((1, 2), (9, 9))
    )
    ours, theirs = trace("pixel 1 2\nF_cell 1"), trace("pixel 1 2\nF_cell 1")
    comparison = compare(replace(ours, complete=False), theirs, options)
    assert comparison.status is Status.AGREES
    assert "is still being read" in comparison.notes[0]
    assert rejudge(comparison, rules(rtol="nothing:1")).status is Status.AGREES
