"""Why two traces diverge, on a real terminal with the real engine."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the engine computes with torch")
from tests.terminal.conftest import Open, Tty

DOWN = "\x1b[B"


@pytest.fixture
def pair(sample_traces: Path) -> tuple[Path, Path]:
    """The demo."""
    folder = sample_traces / "stale_phi_zero"
    return folder / "reference.log", folder / "candidate.log"


def until_explained(term: Tty) -> bytes:
    """Wait for the cause; what was written for it, and only for it."""
    term.wait_for("rot_a.y diverges first")
    written, end = b"", time.monotonic() + 60
    while "STALE_VALUE" not in term.text:
        assert time.monotonic() < end, term.text
        written = term.drain(0.2) or written
    return written + term.drain(0.5)


@pytest.mark.parametrize(("rows", "columns"), [(24, 80), (40, 120)])
def test_from_two_traces_to_everything_agrees(tty: Open, pair: tuple[Path, Path], rows: int, columns: int) -> None:
    """The cause appears; C, Enter, F, F, F: no flag, nothing typed."""
    term = tty(*pair, rows=rows, columns=columns)
    filled = until_explained(term)
    assert len(filled) < (1500 if columns == 80 else 4000)
    assert term.drain(1.5) == b""  # and then it is quiet
    assert "rot_a originates in the reference at pixel 1639 966, phi_tic 0: STALE_VALUE" in term.text
    assert "≠ STALE_VALUE  rot_b" in term.text
    assert "≠ from rot_b   k_frac" in term.text
    term.press("C")
    term.wait_for("causes: 3 roots")
    assert "inherit it" in term.text
    term.press(DOWN + "\r")
    term.wait_for("verdict")
    assert "rot_b.y" in term.text
    term.press("F")  # the root under the cursor, so the next is the one after it
    term.wait_for("rot_b is taken as mended; 2 roots are left")
    term.press("F")
    term.wait_for("rot_c is taken as mended; 1 root is left")
    assert "≠ with 2 fixes: rot_a originates" in term.text
    term.press("F")
    term.wait_for("with these 3 fixes everything agrees")
    assert "✓ with fix     F_latt_b" in term.text
    term.press("U")
    term.wait_for("the fix of rot_a is undone")
    term.press("q")
    assert term.end() == 0


def test_leaving_while_it_is_asked_leaves_no_trace(tty: Open, pair: tuple[Path, Path]) -> None:
    """Neither a message nor a wait."""
    term = tty(*pair)
    term.wait_for("rot_a.y diverges first")
    begun = time.monotonic()
    term.press("q")
    assert term.end() == 0
    assert time.monotonic() - begun < 8
    assert b"Traceback" not in term.received


def test_keys_do_not_wait_for_the_answer(tty: Open, pair: tuple[Path, Path]) -> None:
    """A step costs little, before, while and after the cause is found."""
    term = tty(*pair)
    term.wait_for("rot_a.y diverges first")
    for _ in range(20):
        assert 0 < len(term.press(DOWN + "\x1b[A" + DOWN)) < 6000
    term.wait_for("STALE_VALUE", timeout_s=60)
    assert 0 < len(term.press(DOWN)) < 1500
