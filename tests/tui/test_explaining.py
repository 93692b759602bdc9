"""From the engine's explanation to the verdict on each row."""

from __future__ import annotations

from typing import Any

import pytest

from braggtrace.compare.model import Comparison, Verdict
from braggtrace.errors import EngineError
from braggtrace_tui.explaining import MENDED, Why, explained, explanation_from, root_after
from tests.tui.why_answers import ROT_A, ROT_B, ROT_C, why_document


@pytest.fixture
def why(comparison: Comparison) -> Why:
    """The demo, nothing accepted."""
    base = explanation_from(why_document())
    return explained(comparison, base, base, "story")


def states(why: Why, comparison: Comparison) -> dict[str, set[str]]:
    """Quantity -> states of all its diverging rows."""
    found: dict[str, set[str]] = {}
    for index, pairing in enumerate(comparison.pairings):
        for row, verdict in enumerate(pairing.verdict):
            if verdict == Verdict.DIVERGES:
                said = why.of(index, row, int(pairing.pixel[row]))
                found.setdefault(pairing.name, set()).add("?" if said is None else said.state)
    return found


def test_every_diverging_row_of_the_demo_has_a_verdict(why: Why, comparison: Comparison) -> None:
    """Also the second recording of the first phi step, under other names."""
    found = states(why, comparison)
    assert found["rot_a"] == found["rot_b_angstroms"] == {"originates"}
    assert found["F_latt"] == found["I_pixel_final"] == {"inherits"}
    assert "?" not in set().union(*found.values())


def test_a_row_knows_its_roots(why: Why) -> None:
    """A root itself first; what inherits has none of its own."""
    root = why.explanation.roots[1]
    here = why.of(root.pairing, root.row, 0)
    assert here is not None
    assert here.root is root
    final = next(each for each in why.explanation.quantities if each.quantity == "I_pixel_final")
    heir = why.of(final.pairing, final.pair_rows[0], 0)
    assert heir is not None
    assert heir.root is None
    assert [each.quantity for each in heir.roots] == ["rot_a", "rot_b", "rot_c"]


def test_with_a_fix_what_agrees_is_mended(comparison: Comparison) -> None:
    """And only that; what it was before is kept."""
    base, current = (explanation_from(why_document(*ids)) for ids in ((), (ROT_A,)))
    why = explained(comparison, base, current, "", base.roots[:1])
    found = states(why, comparison)
    assert found["rot_a"] == found["h_frac"] == found["F_latt_a"] == {MENDED}
    assert found["rot_b"] == {"originates"}
    assert found["F_latt"] == {"inherits"}
    first = base.roots[0]
    mended = why.of(first.pairing, first.row, 0)
    assert mended is not None
    assert (mended.before, mended.root) == ("originates", None)
    assert not why.settled


def test_when_all_is_fixed_nothing_is_left(comparison: Comparison) -> None:
    """Every row that diverged is mended."""
    base, current = (explanation_from(why_document(*ids)) for ids in ((), (ROT_A, ROT_B, ROT_C)))
    why = explained(comparison, base, current, "", base.roots)
    assert why.settled
    assert set().union(*states(why, comparison).values()) == {MENDED}


def test_one_goes_on_to_the_next_root() -> None:
    """In step order; after the last one to what is left before it."""
    roots = explanation_from(why_document()).roots
    left = explanation_from(why_document(ROT_B)).roots
    assert [each.id for each in left] == [ROT_A, ROT_C]
    going = root_after(roots, ROT_B, left)
    assert going is not None
    assert going.id == ROT_C
    back = root_after(roots, ROT_C, roots[:1])
    assert back is roots[0]
    assert root_after(roots, ROT_A, ()) is None


def test_looked_at_are_the_pixels_that_were_replayed(why: Why) -> None:
    """By (slow, fast)."""
    assert why.looked_at((1639, 966))
    assert not why.looked_at((1, 2))
    assert not why.looked_at(None)


def test_words_from_traces_cannot_drive_the_terminal() -> None:
    """Names are made visible; ids stay what they are, since they are sent back."""
    document = why_document()
    hostile = "rot\x1b[31m\u202e"
    document["roots"][0] |= {"quantity": hostile, "id": hostile, "inherited_by": [hostile]}
    document["roots"][0]["cause"]["evidence"]["recorded"] = ["nan", hostile]
    document["headline"] = document["notes"] = hostile
    document["notes"] = [hostile]
    found = explanation_from(document)
    root = found.roots[0]
    shown = [found.headline, *found.notes, root.quantity, *root.inherited_by, str(root.cause.evidence["recorded"][1])]
    assert all(text.isprintable() and "\x1b" not in text for text in shown)
    assert root.id == hostile


def test_numbers_that_are_not_finite_arrive_as_words() -> None:
    """As the engine writes them."""
    document = why_document()
    document["roots"][0] |= {"share_of_final": "nan", "step_gives": ["inf", "-inf", 1.0]}
    root = explanation_from(document).roots[0]
    assert root.share_of_final is not None
    assert root.share_of_final != root.share_of_final
    assert root.step_gives == (float("inf"), float("-inf"), 1.0)


def _without(key: str) -> dict[str, Any]:
    document = why_document()
    del document[key]
    return document


@pytest.mark.parametrize(
    "document",
    [{}, _without("roots"), why_document() | {"roots": [{}]}, why_document() | {"pixels": [[1]]}, {"roots": 3}],
)
def test_a_damaged_explanation_is_an_error_with_words(document: dict[str, Any]) -> None:
    """No traceback on the screen."""
    with pytest.raises((EngineError,), match="makes no sense"):
        explanation_from(document)
