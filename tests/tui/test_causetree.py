"""The tree of roots."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from braggtrace.compare.model import Comparison
from braggtrace_tui.causetree import about_branch, branch_line, branches, budget_lines, tree_heading, tree_title
from braggtrace_tui.explaining import explained, explanation_from
from braggtrace_tui.pieces import plain
from tests.tui.test_whytext import text_of, why_of
from tests.tui.why_answers import ROT_A, ROT_B, ROT_C, why_document

NONE: frozenset[str] = frozenset()


def test_each_root_is_a_line_that_opens(comparison: Comparison) -> None:
    """To the quantities that inherit, each with its first row."""
    why = why_of(comparison)
    assert [each.root.quantity for each in branches(why, NONE)] == ["rot_a", "rot_b", "rot_c"]
    opened = branches(why, frozenset({ROT_B}))
    assert [each.heir for each in opened] == ["", "", *why.explanation.roots[1].inherited_by, ""]
    for each in opened:
        assert each.target is not None
        name = comparison.pairings[each.target[0]].name
        assert name == (each.heir or each.root.quantity)


@pytest.mark.parametrize("width", [50, 80, 120])
def test_a_line_says_cause_side_share_and_heirs(comparison: Comparison, width: int) -> None:
    """And fits."""
    why = why_of(comparison)
    opened = branches(why, frozenset({ROT_A}))
    lines = [plain(branch_line(each, width)) for each in opened]
    assert all(cell_len(line) <= width for line in [*lines, plain(tree_heading(width))])
    assert lines[0].split()[:2] == ["▾", "rot_a"]
    assert "STALE_VALUE" in lines[0]
    assert "20.2 %" in lines[0]
    assert lines[0].split()[-1] == "8"
    assert ("reference" in lines[0]) == (width >= 80)
    assert "187 times that of h_frac" in lines[2] or width < 80


def test_what_is_fixed_stays_in_sight(comparison: Comparison) -> None:
    """Marked, before what is left."""
    why = why_of(comparison, ROT_A, ROT_B)
    lines = branches(why, NONE)
    assert [(each.root.id, each.fixed) for each in lines] == [(ROT_A, True), (ROT_B, True), (ROT_C, False)]
    assert "✓ with fix" in plain(branch_line(lines[0], 80))
    assert "1 root   2 fixes accepted" in plain(tree_title(why))


def test_the_budget_closes(comparison: Comparison) -> None:
    """What the roots explain, their factors, and what is left."""
    said = text_of(budget_lines(why_of(comparison), 120))
    assert "I_pixel_final at pixel 1639 966: 245.1 in the reference, 210.37 in the candidate" in said
    assert "The roots explain 100.0 %; nothing is left" in said
    assert "0.968 · 0.957 · 0.927 = 0.8583, observed 0.8583" in said
    document = why_document()
    document["budget"] |= {"explained": 0.996, "remainder": 0.004}
    partly = explanation_from(document)
    said = text_of(budget_lines(explained(comparison, partly, partly, ""), 120))
    assert "explain 99.6 %; the rest, 0.4 %, is from elsewhere" in said
    document["budget"] = None
    unknown = explanation_from(document)
    assert "not known" in text_of(budget_lines(explained(comparison, unknown, unknown, ""), 120))


def test_when_all_is_fixed_the_budget_says_so(comparison: Comparison) -> None:
    """In place of numbers."""
    why = why_of(comparison, ROT_A, ROT_B, ROT_C)
    assert text_of(budget_lines(why, 80)) == "✓ with these 3 fixes everything agrees"
    assert "no root is left" in plain(tree_title(why))


def test_below_stands_the_whole_story_of_a_root(comparison: Comparison) -> None:
    """Sentence, growth at an heir, quirk, what to look at, profiles."""
    why = why_of(comparison)
    said = text_of(about_branch(why, branches(why, frozenset({ROT_A}))[2], 80))
    assert "rot_a originates here: the reference's value" in said
    assert "becomes 61.9 % in F_latt_a because" in said
    assert "quirk stale-phi-zero of the C program; look at what is kept" in said
    assert "the reference behaves like profile legacy or weighted-oversample" in said
