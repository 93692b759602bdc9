"""Write docs/steps.md, the table of all steps: `make docs`."""

from __future__ import annotations

from pathlib import Path

from braggtrace.physics.graph import GRAPH
from braggtrace.physics.registry import Step
from braggtrace.quantities import Level

PAGE = Path(__file__).parent.parent / "docs" / "steps.md"

HEAD = """\
# Steps

Made from the registry in `engine/braggtrace/physics/` by `make docs`; do not edit. `braggtrace steps` prints the same,
and `braggtrace steps NAME` all that one quantity comes from.

Each row is one pure function. The image, a trace and the replay of a single step all call it. A name in brackets is a
variant: the crystal shape it holds for, `TRICUBIC` while structure factors are interpolated, `ROUNDED` while the quirk
`rounded-phase` is on.
"""

LEVELS = {
    Level.RUN: "Once a run",
    Level.SAMPLE: "Once a sample: layer, subpixel and source of a pixel",
    Level.ITERATION: "Once an iteration: phi step and mosaic domain of a sample",
    Level.PIXEL: "Once a pixel",
}


def page() -> str:
    """The page."""
    lines = [HEAD, "## What comes from outside", "", ", ".join(f"`{name}`" for name in GRAPH.external()), ""]
    for level, title in LEVELS.items():
        steps = [step for step in GRAPH.ordered() if step.level is level]
        lines += [f"## {title}", "", "| quantity | unit | formula | from | meaning |", "|---|---|---|---|---|"]
        lines += [row(step) for step in steps]
        lines.append("")
    return "\n".join(lines)


def row(step: Step) -> str:
    """One step."""
    name = f"`{step.name}`" + (f" ({step.variant})" if step.variant else "")
    inputs = ", ".join(f"`{name}`" for name in step.inputs) or "nothing"
    cells = (name, escaped(step.unit), escaped(step.formula), inputs, escaped(step.meaning))
    return f"| {' | '.join(cells)} |"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is."""
    for sign in "\\|*_<":
        text = text.replace(sign, f"\\{sign}")
    return text


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
