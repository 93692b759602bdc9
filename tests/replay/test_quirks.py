"""The known ways in which C programs depart from the steps, told by what a side shows."""

from __future__ import annotations

from typing import Any

import pytest

from braggtrace.compare.judge import compare
from braggtrace.corpus.mutants import mapped
from braggtrace.corpus.pairs import read_text
from braggtrace.replay.pair import explain_pair
from braggtrace.simulate.quirks import PROFILES
from braggtrace.simulate.resolve import resolve
from braggtrace.simulate.tracer import Tracer
from braggtrace.trace.model import Trace
from tests.replay.pairs import scaled, trace_of, walked
from tests.simulate.builders import experiment

PIXELS = ((4, 5), (4, 6))


def of_profile(profile: str, **changes: Any) -> Trace:
    """A trace as one variant of the program computes it."""
    tracer = Tracer(resolve(experiment(PROFILES[profile], **changes)), side="C")
    lines = [line.text for line in tracer.run_lines()]
    for slow, fast in PIXELS:
        lines += [line.text for line in tracer.pixel_lines(slow, fast)]
    return read_text("".join(f"{line}\n" for line in lines), f"{profile}.log")


def test_stale_phi_is_recognised() -> None:
    """A scan that starts at 0: legacy keeps the vectors of the step before, phi-fixed does not."""
    explanation = explain_pair(of_profile("legacy"), of_profile("phi-fixed"))
    assert {root.node for root in explanation.roots} == {"rot_a_angstroms", "rot_b_angstroms", "rot_c_angstroms"}
    for root in explanation.roots:
        assert (root.side, root.cause.code, root.cause.quirk) == ("reference", "STALE_VALUE", "stale-phi-zero")
        assert root.coordinate["phi_tic"] == 0
    assert explanation.quirks["reference"]["stale-phi-zero"] == "on"
    assert explanation.quirks["candidate"]["stale-phi-zero"] == "off"
    assert explanation.profiles["reference"] == ("legacy", "weighted-oversample")
    assert explanation.profiles["candidate"] == ("phi-fixed", "spec")


def test_a_stale_vector_of_another_angle_is_no_quirk() -> None:
    """The scan does not pass 0: whatever is stale there is a mistake of its own."""
    assert compare(of_profile("legacy", phi_deg=3.0), of_profile("phi-fixed", phi_deg=3.0)).first is None
    walk = walked(trace_of(), trace_of({"rot_b_meters": mapped(lambda vector: vector.scaled(1.01))}))
    assert walk.fits == []


@pytest.mark.parametrize("flag", ["oversample_polar", "oversample_omega"])
def test_the_running_sum_is_recognised(flag: str) -> None:
    """Legacy multiplies the whole sum at every step; weighted-oversample each contribution."""
    changes: dict[str, Any] = {flag: True, "oversample": 2, "phi_deg": 3.0}
    explanation = explain_pair(of_profile("weighted-oversample", **changes), of_profile("legacy", **changes))
    (root,) = explanation.roots
    assert (root.node, root.side) == ("I_running", "candidate")
    assert (root.cause.code, root.cause.quirk) == ("EXTRA_FACTOR", "running-sum-oversample")
    assert explanation.quirks == {
        "reference": {"running-sum-oversample": "off"},
        "candidate": {"running-sum-oversample": "on"},
    }
    assert explanation.profiles["reference"] == ("weighted-oversample", "spec")
    assert explanation.profiles["candidate"] == ("legacy", "phi-fixed")


def test_another_fault_of_the_sum_is_no_quirk() -> None:
    """A sum that is too large by a tenth shows no profile."""
    explanation = explain_pair(trace_of(), trace_of({"I_term": scaled(1.1)}))
    assert explanation.profiles == {"reference": (), "candidate": ()}
    assert explanation.quirks == {"reference": {}, "candidate": {}}


def test_a_quirk_of_both_sides_is_no_root() -> None:
    """Two legacy programs agree on it; a fault beside it is found all the same."""
    same = of_profile("legacy")
    assert explain_pair(same, same).roots == ()
    other = of_profile("legacy", lambda_A=1.01)
    explanation = explain_pair(same, other)
    assert not {"rot_a_angstroms", "rot_b_angstroms", "rot_c_angstroms"} & {root.node for root in explanation.roots}
    assert any("lambda" in root.node for root in explanation.roots)
