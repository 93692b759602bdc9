"""What the screen says about causes, in the room that there is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from braggtrace.compare.model import Comparison, Verdict
from braggtrace_tui.explaining import RowWhy, Why, explained, explanation_from
from braggtrace_tui.pieces import Line, Role, plain
from braggtrace_tui.whytext import headline_lines, percent, sure_words, verdict_piece, waiting_lines, why_lines
from tests.tui.why_answers import ROT_A, ROT_B, ROT_C, why_document

NARROW, WIDE = 14, 24


def why_of(comparison: Comparison, *accepted: str) -> Why:
    """The demo with some fixes."""
    base, current = explanation_from(why_document()), explanation_from(why_document(*accepted))
    fixed = tuple(root for root in base.roots if root.id in accepted)
    return explained(comparison, base, current if accepted else base, "", fixed)


def row_of(why: Why, quantity: str) -> tuple[RowWhy, tuple[int, int]]:
    """The verdict on the first row of a quantity, and its place."""
    traced = next(each for each in why.base.quantities if each.quantity == quantity)
    place = (traced.pairing, traced.pair_rows[0])
    found = why.of(*place, 0)
    assert found is not None
    return found, place


def text_of(lines: list[Line]) -> str:
    """Lines as one, without what is there for looks."""
    return " ".join(" ".join(plain(line).split()) for line in lines)


@pytest.mark.parametrize(
    ("quantity", "narrow", "wide"),
    [
        ("rot_b", "≠ STALE_VALUE", "≠ root STALE_VALUE"),
        ("k_frac", "≠ from rot_b", "≠ inherits rot_b"),
        ("F_latt", "≠ from 3 roots", "≠ inherits 3 roots"),
    ],
)
def test_the_verdict_column_says_what_a_row_is(comparison: Comparison, quantity: str, narrow: str, wide: str) -> None:
    """In the words that fit; with one cell the sign alone."""
    row, _ = row_of(why_of(comparison), quantity)
    said = [verdict_piece(row, Verdict.DIVERGES, width, first=False) for width in (NARROW, WIDE, 1)]
    assert said == [(narrow, Role.DIVERGE), (wide, Role.DIVERGE), ("≠", Role.DIVERGE)]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("printed wrong", "≠ misprinted"),
        ("rounding", "≠ rounding"),
        ("not replayable", "≠ from rot_a?"),
        ("mended", "✓ with fix"),
    ],
)
def test_every_state_has_words(comparison: Comparison, state: str, said: str) -> None:
    """Never colour alone."""
    roots = why_of(comparison).explanation.roots[:1] if state in ("not replayable", "printed wrong") else ()
    found = verdict_piece(RowWhy(state, roots), Verdict.DIVERGES, NARROW, first=False)
    assert found is not None
    assert found[0] == said


def test_an_input_that_differs_is_no_kind_of_mistake(comparison: Comparison) -> None:
    """Unless a cause is known."""
    root = why_of(comparison).explanation.roots[0]
    unknown = replace(root, verdict="differs", cause=replace(root.cause, code="UNEXPLAINED"))
    piece = verdict_piece(RowWhy("differs", (unknown,)), Verdict.DIVERGES, NARROW, first=True)
    assert piece == ("≠ differs", Role.FIRST)


def test_rows_that_agree_are_left_alone_unless_they_are_roots(comparison: Comparison) -> None:
    """A masked root is one: its own value agrees within the tolerance."""
    why = why_of(comparison)
    heir, _ = row_of(why, "F_latt")
    assert verdict_piece(heir, Verdict.AGREES, NARROW, first=False) is None
    assert verdict_piece(RowWhy("mended"), Verdict.AGREES, NARROW, first=False) is None
    root, _ = row_of(why, "rot_a")
    assert verdict_piece(root, Verdict.AGREES, NARROW, first=False) == ("= STALE_VALUE", Role.DIVERGE)


@pytest.mark.parametrize("width", [30, 80, 120])
@pytest.mark.parametrize("accepted", [(), (ROT_A,), (ROT_A, ROT_B, ROT_C)])
def test_the_headline_takes_two_lines_at_most(comparison: Comparison, accepted: tuple[str, ...], width: int) -> None:
    """The table must not move."""
    lines = headline_lines(why_of(comparison, *accepted), width)
    assert 1 <= len(lines) <= 2
    assert all(cell_len(plain(line)) <= width for line in lines)


def test_the_headline_is_the_answer(comparison: Comparison) -> None:
    """What, where, which side, why; what is alike; how many fixes it takes for granted."""
    said = text_of(headline_lines(why_of(comparison), 120))
    assert said == (
        "≠ rot_a originates in the reference at pixel 1639 966, phi_tic 0: STALE_VALUE, its own value at phi_tic 9 of "
        "the previous pixel. Likewise rot_b and rot_c."
    )
    assert text_of(headline_lines(why_of(comparison, ROT_A), 120)).startswith("≠ with 1 fix: rot_b originates")
    settled = headline_lines(why_of(comparison, ROT_A, ROT_B, ROT_C), 120)
    assert text_of(settled) == "✓ with these 3 fixes everything agrees: rot_a, rot_b and rot_c"
    assert settled[0][0][1] is Role.AGREE


def test_the_detail_of_a_root_has_its_proof(comparison: Comparison) -> None:
    """Both recorded values, what the step gives, that with the cause put in, and what to do next."""
    why = why_of(comparison)
    row, place = row_of(why, "rot_a")
    said = text_of(why_lines(why, row, place, 1, 44))
    for part in (
        "why root: STALE_VALUE 99 % sure",
        "reference 0.57066091685103237 y",
        "candidate 0.52014934029535964",
        "step gives 0.52014934029535964",
        "with cause 0.57066091685103237",
        "off by 0.157 %; with the cause undone nothing is left, at 4 of 4 places",
        "final 20.2 % of the difference",
        "look at what is kept between iterations",
        "quirk stale-phi-zero",
        "8 later quantities inherit it",
    ):
        assert part in said, part
    assert "first met at" not in said
    elsewhere = text_of(why_lines(why, row, (place[0], place[1] + 1), 1, 44))
    assert "first met at pixel 1639 966, phi_tic 0" in elsewhere


def test_the_detail_of_what_inherits_tells_the_way(comparison: Comparison) -> None:
    """Step by step, and why the difference grows."""
    why = why_of(comparison)
    row, place = row_of(why, "F_latt_b")
    said = text_of(why_lines(why, row, place, 0, 44))
    assert "why inherits rot_b" in said
    assert "0.157 % in rot_b → 1.01 % in k_frac → 163 % in F_latt_b" in said
    assert "0.998 % in k_frac becomes 163 % in F_latt_b because it lies on the flank of a peak along k" in said
    row, place = row_of(why, "I_pixel_final")  # the way leads through a sum that takes over from itself
    assert "→ 97.4 % in I_term → 97.4 % in I_running" in text_of(why_lines(why, row, place, 0, 44))


def test_the_detail_of_a_mended_row_says_by_which_fix(comparison: Comparison) -> None:
    """And how to undo it."""
    why = why_of(comparison, ROT_A, ROT_B)
    root, place = row_of(why, "rot_a")
    assert text_of(why_lines(why, root, place, 0, 44)).startswith("why ✓ agrees with the fix the fix of rot_a")
    heir, place = row_of(why, "h_frac")
    assert "as recorded it inherits rot_a" in text_of(why_lines(why, heir, place, 0, 44))


@pytest.mark.parametrize("width", [38, 60])
def test_nothing_is_wider_than_the_pane(comparison: Comparison, width: int) -> None:
    """Whatever row it is about."""
    for accepted in ((), (ROT_A,)):
        why = why_of(comparison, *accepted)
        for place, row in why.rows.items():
            for line in why_lines(why, row, place, 0, width)[:-2]:
                assert cell_len(plain(line)) <= width, plain(line)
    assert all(
        len(plain(line)) <= width for line in waiting_lines("the engine is starting, and that takes a while", width)
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0 %"),
        (0.00157, "0.157 %"),
        (1.63, "163 %"),
        (320.0, "a factor 320"),
        (1.3e-16, "1.3e-16"),
        (float("nan"), "—"),
        (float("inf"), "an infinite factor"),
        (None, "—"),
    ],
)
def test_differences_are_read_at_a_glance(value: float | None, words: str) -> None:
    """In per cent, as far as that is short."""
    assert percent(value) == words


def test_nothing_is_certain() -> None:
    """99 % at most, and no number where nothing is claimed."""
    assert [sure_words(each) for each in (1.0, 0.5, 0.0)] == ["99 % sure", "50 % sure", ""]
