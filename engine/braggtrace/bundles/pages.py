"""The files of a bundle that are written for people, from its metrics and traces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from braggtrace.bundles import names
from braggtrace.bundles.evidence import Evidence
from braggtrace.bundles.pictures import draw_per_phi, draw_roi
from braggtrace.bundles.readme import CARRIED_IN_PAGE, carryover_lines, render_readme
from braggtrace.bundles.records import observations_text
from braggtrace.compare.report import render

__all__ = ["render_pages"]


def render_pages(metrics: Mapping[str, Any], evidence: Evidence, present: Sequence[str]) -> dict[str, str]:
    """Every such file by its name, `README.md` last.

    Args:
        metrics: the contents of `metrics.json`.
        evidence: the traces, compared.
        present: the other files of the bundle.
    """
    comparison = evidence.against_reference or evidence.against_baseline
    pages = {
        names.DIFF: "There is nothing to compare with.\n" if comparison is None else render(comparison, "markdown"),
        names.OBSERVATIONS: observations_text(metrics),
        names.PER_PHI_PICTURE: draw_per_phi(metrics),
        names.ROI_PICTURE: draw_roi(metrics),
    }
    if len(metrics["carryover"]) > CARRIED_IN_PAGE:
        pages[names.CARRYOVER] = "".join(f"{line}\n" for line in carryover_lines(metrics["carryover"]))
    listed = _in_order({*present, *pages, names.METRICS, names.SEAL} - {names.README, names.ATTEMPT})
    pages[names.README] = render_readme(metrics, listed)
    return pages


_ORDER = (
    names.COMMANDS,
    names.OBSERVATIONS,
    names.DIFF,
    names.METRICS,
    names.PER_PHI_PICTURE,
    names.ROI_PICTURE,
    names.CARRYOVER,
    names.MAIN,
    names.PER_PHI,
)
"""What a reader wants first."""


def _in_order(present: set[str]) -> list[str]:
    plain = {names.unstored(name): name for name in present}
    first = [plain.pop(name) for name in _ORDER if name in plain]
    last = [plain.pop(names.SEAL)] if names.SEAL in plain else []
    return [*first, *(plain[name] for name in sorted(plain)), *last]
