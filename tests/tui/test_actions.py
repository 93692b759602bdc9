"""The registry of actions is the one place that knows keys."""

from __future__ import annotations

import pytest

from braggtrace_tui.actions import ACTIONS, Context, Place, Section, action, key_label
from braggtrace_tui.app import BraggtraceApp, bindings_for
from braggtrace_tui.pieces import plain
from braggtrace_tui.screens.compare import CompareScreen
from braggtrace_tui.screens.help import help_lines
from braggtrace_tui.screens.map import MapScreen
from braggtrace_tui.widgets.footer import key_hints

FORBIDDEN = {"ctrl+i", "ctrl+m", "ctrl+j", "ctrl+h", "ctrl+left_square_bracket", "ctrl+b", "ctrl+a"}


def test_ids_and_keys_are_unique() -> None:
    """No key does two things on one screen."""
    ids = [each.id for each in ACTIONS]
    assert len(set(ids)) == len(ids)
    for place in Place:
        keys = [key for each in ACTIONS if each.place in (place, Place.EVERYWHERE) for key in each.keys]
        assert len(set(keys)) == len(keys), place


def test_no_key_is_one_that_terminals_or_tmux_take() -> None:
    """Tab, Enter, Backspace and Escape look like control keys; Ctrl-B and Ctrl-A are prefixes."""
    assert not FORBIDDEN & {key for each in ACTIONS for key in each.keys}


def test_every_action_is_implemented_where_it_works() -> None:
    """A screen has `do_<id>` for each."""
    owners = {Place.COMPARE: CompareScreen, Place.MAP: MapScreen, Place.EVERYWHERE: BraggtraceApp}
    for each in ACTIONS:
        assert callable(getattr(owners[each.place], f"do_{each.id}", None)), each.id


def test_bindings_are_made_from_the_registry() -> None:
    """One binding an action."""
    assert sum(len(bindings_for(place)) for place in Place) == len(ACTIONS)


def test_what_is_not_possible_says_why() -> None:
    """Every condition has words for a person."""
    nothing = Context(reloadable=False)
    reasons = {each.id: each.why_not(nothing) for each in ACTIONS}
    assert reasons["next_divergence"] == "nothing diverges at this tolerance"
    assert reasons["reload"] == "standard input can't be read twice"
    assert reasons["help"] == ""
    everything = Context(
        rows=9, divergences=1, pixels=2, iterations=2, on_row=True, on_vector=True, saved_place=True, earlier=True,
        roots=1, fixes=1,
    )  # fmt: skip
    assert [each.id for each in ACTIONS if each.why_not(everything)] == []


def test_help_shows_every_key() -> None:
    """Under its heading."""
    text = "\n".join(plain(line) for line in help_lines(Context(), 100))
    for section in Section:
        assert section.value in text
    for each in ACTIONS:
        assert key_label(each.keys[0]) in text
    assert "not now: there are no values to look at" in text


@pytest.mark.parametrize("width", [30, 80, 200])
def test_the_footer_fits(width: int) -> None:
    """Help and quit come first, so they are there in the narrowest terminal."""
    line = plain(key_hints(Context(rows=1), width))
    assert len(line) <= width
    assert line.split()[:4] == ["?", "help", "q", "quit"]


def test_keys_have_labels_for_people() -> None:
    """As they stand on the keyboard."""
    labels = [key_label(key) for key in ("slash", "ctrl+p", "shift+right", "G", "escape", "pagedown")]
    assert labels == ["/", "Ctrl+P", "Shift+→", "G", "Esc", "PgDn"]
    assert action("filter").keys == ("slash",)
