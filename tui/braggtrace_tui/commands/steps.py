"""`braggtrace steps`: the graph of the physics."""

from __future__ import annotations

import argparse

from braggtrace.errors import UsageError

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `steps`."""
    parser.epilog = "examples:\n  braggtrace steps\n  braggtrace steps F_latt\n  braggtrace steps --format markdown"
    parser.add_argument("name", nargs="?", help="only this quantity and what it is computed from")
    parser.add_argument("--format", choices=("text", "markdown"), default="text", help="default: text")


def run(args: argparse.Namespace) -> int:
    """Print the steps in dataflow order."""
    from braggtrace.physics.graph import GRAPH

    steps = GRAPH.ordered()
    if args.name is not None:
        wanted = GRAPH.ancestors(args.name)
        if not wanted:
            raise UsageError("no step computes this; `braggtrace steps` lists them", got=args.name)
        steps = [step for step in steps if step.name in wanted]
    if args.format == "markdown":
        print("| quantity | level | unit | formula | inputs |\n|---|---|---|---|---|")
    for step in steps:
        name = f"{step.name} ({step.variant})" if step.variant else step.name
        inputs = ", ".join(step.inputs)
        if args.format == "markdown":
            formula = (step.formula or step.meaning).replace("|", "\\|")
            print(f"| {name} | {step.level.label} | {step.unit} | {formula} | {inputs} |")
        else:
            unit = f" [{step.unit}]" if step.unit else ""
            print(f"{name}{unit} = {step.formula or step.meaning}\n    {step.meaning}; from {inputs or 'nothing'}")
    return 0
