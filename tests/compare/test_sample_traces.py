"""The bundled pairs: what their notes say is wrong is what the tool finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from braggtrace.compare.judge import compare
from braggtrace.compare.view import sentence
from braggtrace.trace.reader import read_trace


@pytest.mark.parametrize(
    ("pair", "answer"),
    [
        ("stale_phi_zero", "rot_a.y diverges first at pixel 1639 966, phi_tic 0: rel 1.6e-03 (1 of 17 digits agree)"),
        ("c_against_torch", "rot_a.y diverges first at pixel 1639 966, phi_tic 0: rel"),
        ("second_thread", "rot_a.y diverges first at pixel 23 52, phi_tic 0: rel"),
        ("running_sum", "I_running diverges first at pixel 21 64, subS 0, subF 1: rel"),
        ("swallowed_seed", "misset_x_deg diverges first for the whole run: rel"),
        ("older_program", "28% of the candidate; rot_a_angstroms.y diverges first at pixel 1639 966: rel"),
        ("hostile", "xtal_shape diverges first for the whole run: SQUARE against SQU␛[31mARE␛]52;c;b3duZWQ=␇"),
    ],
)
def test_the_tool_finds_what_is_wrong(sample_traces: Path, pair: str, answer: str) -> None:
    """In one sentence."""
    reference, candidate = (read_trace(sample_traces / pair / f"{side}.log") for side in ("reference", "candidate"))
    assert answer in sentence(compare(reference, candidate))
