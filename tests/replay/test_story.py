"""Explanations in plain words, of roots made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unicodedata import category

import pytest

from braggtrace.replay.model import Amplified, Budget, Cause, Explanation, Root
from braggtrace.replay.story import headline, names, root_sentence, story

CAUSE = Cause(
    code="STALE_VALUE",
    sentence="its own value at phi_tic 9 of the previous pixel",
    confidence=0.98,
    evidence={"digits": 16, "apart_before": 0.03, "apart_after": 0.0, "rows": 4, "rows_explained": 4},
    look_at="what is kept between iterations",
    quirk="stale-phi-zero",
)


def root(**changes: Any) -> Root:
    """A root as the bundled pair has it."""
    fields: dict[str, Any] = {
        "id": "rot_b_angstroms:reference",
        "quantity": "rot_b",
        "node": "rot_b_angstroms",
        "coordinate": {"pixel": [1639, 966], "phi_tic": 0},
        "where": "phi_tic 0",
        "coordinates": 4,
        "side": "reference",
        "verdict": "originates",
        "masked": False,
        "formula": "R(phi) b0",
        "inputs": ("phi_deg",),
        "missing": (),
        "recorded": {"reference": (1.0, 2.0, 3.0), "candidate": (1.0, 2.0, 3.1)},
        "step_gives": (1.0, 2.0, 3.1),
        "cause": CAUSE,
        "rivals": (),
        "inherited": 9,
        "inherited_by": ("k_frac",),
        "share_of_final": 0.996,
        "factor_of_final": 1.2,
        "sensitivity": None,
        "amplification": (),
    }
    made = Root(sentence="", **(fields | changes))
    return replace(made, sentence=root_sentence(made))


def explanation(*roots: Root, **changes: Any) -> Explanation:
    """An explanation with some roots."""
    fields: dict[str, Any] = {
        "headline": headline(roots, [], [], True),
        "roots": roots,
        "accepted": (),
        "quantities": (),
        "profiles": {"reference": ("legacy",), "candidate": ()},
        "quirks": {},
        "budget": Budget("I_pixel_final", (1639, 966), 245.0, 210.0, 0.857, 0.857, 0.996, 0.004),
        "pixels": ((1639, 966),),
        "diverging_pixels": 1,
        "notes": ("looked at 1 of 9 diverging pixels",),
    }
    return Explanation(**(fields | changes))


def test_a_root_is_one_sentence_with_its_proof() -> None:
    """Which side, where, what it should be, what it is, and what comes of it."""
    assert root().sentence == (
        "rot_b originates here: the reference's value at phi_tic 0 is not R(phi) b0 but, to 16 digits, its own value "
        "at phi_tic 9 of the previous pixel: STALE_VALUE (4 places). 9 later quantities inherit it and are consistent "
        "with their inputs."
    )
    assert root(inherited=1, coordinates=1).sentence.endswith(
        "STALE_VALUE. 1 later quantity inherits it and is consistent with its inputs."
    )
    assert "only the trace is wrong" in root(verdict="printed wrong", inherited=0).sentence


def test_what_is_unexplained_claims_nothing() -> None:
    """No digits, no change, and no confidence in the story."""
    unknown = Cause("UNEXPLAINED", "no known change turns it into that", 0.0, {"apart_before": 0.03}, "the code")
    text = story(explanation(root(cause=unknown)))
    assert "UNEXPLAINED" in text
    assert "confidence" not in text
    assert "undone" not in text


def test_one_mistake_in_three_vectors_is_told_once() -> None:
    """Roots of one kind stand together; another factor is another mistake."""
    three = [root(quantity=f"rot_{letter}") for letter in "abc"]
    assert headline(three, [], [], True).endswith(" rot_b and rot_c originate likewise.")
    twice = replace(CAUSE, code="CONSTANT_FACTOR", sentence="2 times what it should be", quirk="")
    half = replace(twice, sentence="0.5 times what it should be")
    text = headline([root(cause=twice), root(cause=half)], [], [], True)
    assert text.endswith("1 other independent root.")


def test_the_story_has_the_numbers() -> None:
    """Before and after, the budget, the profile, what to look at, and what was left out."""
    grown = Amplified("F_latt", 1.8, "k_frac", 0.03, 60.0, 58.0, "sin(N·π·k) crosses zero here")
    text = " ".join(story(explanation(root(amplification=(grown,)))).split())
    for words in (
        "rot_b: STALE_VALUE in the reference",
        "Off by 3%; with the mistake undone nothing is left at 4 of 4 places; confidence 98%.",
        "3% in k_frac becomes 180% in F_latt because sin(N·π·k) crosses zero here.",
        "rot_b 99.6%; 0.4% comes from elsewhere",
        "the quirk stale-phi-zero",
        "Look at: what is kept between iterations.",
        "profile legacy",
        "looked at 1 of 9 diverging pixels",
    ):
        assert words in text


def test_rivals_are_named_where_they_are_likely() -> None:
    """A tenth of a percent is not worth a line."""
    rivals = (
        Cause("OFFSET", "what it should be plus 1", 0.1, {}, ""),
        Cause("CLAMPED", "cut at 1 from above", 0.001, {}, ""),
    )
    text = story(explanation(root(rivals=rivals)))
    assert "OFFSET (10%): what it should be plus 1" in text
    assert "CLAMPED" not in text


def test_without_roots_the_headline_says_why() -> None:
    """Roundings, unknown quantities, missing inputs, or nothing at all."""
    assert headline([], [], [], False) == "Nothing diverges."
    assert "roundings of the inputs allow" in headline([], ["F_latt"], [], True)
    assert "unknown to the steps" in headline([], [], ["my_own"], True)
    assert "lack the inputs" in headline([], [], [], True)


def test_text_of_files_is_visible() -> None:
    """Names and notes may hold anything."""
    hostile = "evil\x1b[2J\u202e\x07"
    text = story(explanation(root(quantity=hostile), notes=(hostile,)))
    text += headline([], [], [hostile], True)
    assert {category(sign) for sign in text.replace("\n", "")} & {"Cc", "Cf", "Cs", "Zl", "Zp"} == set()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (list("abc"), "a, b and c"),
        (list("abcdef"), "a, b, c, d and 2 more"),
    ],
)
def test_names_are_listed(words: list[str], text: str) -> None:
    """At most four of them."""
    assert names(words) == text
