"""Steps: the physics as a graph of named, pure functions.

A step computes one quantity from others. Its inputs are the names of its parameters, so the graph is read off the
functions themselves. The simulator, the tracer and the replay of a single step all run plans made from this graph.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from braggtrace.quantities import Level, lookup

__all__ = ["GRAPH", "Graph", "Plan", "Step", "step"]

StepFunction: TypeAlias = Callable[..., Any]
_F = TypeVar("_F", bound=StepFunction)


@dataclass(frozen=True, slots=True)
class Step:
    """One pure function that computes a quantity.

    Attributes:
        name: the quantity that it computes.
        function: broadcastable and differentiable; its parameters are named after its inputs.
        inputs: the quantities that it needs.
        unit: of the quantity, "" for a pure number.
        formula: how the quantity follows from its inputs.
        meaning: one line for people.
        level: the loop level at which it is computed.
        variant: the crystal shape for which it holds, "" if for all that have no step of their own.
    """

    name: str
    function: StepFunction
    inputs: tuple[str, ...]
    unit: str
    formula: str
    meaning: str
    level: Level
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in an order in which each finds its inputs computed."""

    steps: tuple[Step, ...]

    def run(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """All values: those given, and those computed by the steps."""
        known = dict(values)
        for step in self.steps:
            known[step.name] = step.function(*[known[name] for name in step.inputs])
        return known

    def spent(self, targets: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        """After each step, the values that no later step needs and that are no targets."""
        kept = set(targets)
        out: list[tuple[str, ...]] = []
        for step in reversed(self.steps):
            done = tuple(name for name in (step.name, *step.inputs) if name not in kept)
            out.append(done)
            kept |= {step.name, *step.inputs}
        return tuple(reversed(out))

    def run_lean(self, values: Mapping[str, Any], spent: tuple[tuple[str, ...], ...]) -> dict[str, Any]:
        """As `run`, but forget each value as soon as it is spent, which keeps memory small and in the cache."""
        known = dict(values)
        for step, names in zip(self.steps, spent, strict=True):
            known[step.name] = step.function(*[known[name] for name in step.inputs])
            for name in names:
                known.pop(name, None)
        return known


class Graph:
    """All registered steps."""

    def __init__(self) -> None:
        self.steps: dict[str, Step] = {}

    def step(
        self, name: str, level: Level, *, unit: str | None = None, formula: str = "", variant: str = ""
    ) -> Callable[[_F], _F]:
        """Register a function as the step that computes `name`.

        Unit, formula and meaning come from the catalogue where it knows the name; a unit or formula given here wins.
        For other names the meaning is the first line of the function's docstring. A variant takes part in the plans
        that ask for it; in all others the step without a variant does.
        """

        def register(function: _F) -> _F:
            key = f"{name}@{variant}" if variant else name
            if key in self.steps:
                raise ValueError(f"two steps compute {key!r}")
            row = lookup(name)
            if row is None and unit is None:
                raise ValueError(f"{name!r} is not in the catalogue, so its step must tell the unit")
            self.steps[key] = Step(
                name=name,
                variant=variant,
                function=function,
                inputs=tuple(inspect.signature(function).parameters),
                unit=unit if unit is not None else row.unit if row else "",
                formula=formula or (row.formula if row else ""),
                meaning=row.meaning if row else _first_line(function),
                level=level,
            )
            return function

        return register

    def find(self, name: str, variants: Iterable[str] = ()) -> Step:
        """The step that computes a quantity, in one of the variants asked for where there is one.

        Raises:
            KeyError: no step computes it.
        """
        keys = [f"{name}@{variant}" for variant in variants]
        step = next((self.steps[key] for key in [*keys, name] if key in self.steps), None)
        if step is None:
            raise KeyError(name)
        return step

    def plan(self, targets: Iterable[str], given: Iterable[str], variants: Iterable[str] = ()) -> Plan:
        """The steps that compute `targets` from `given`, in dataflow order.

        Raises:
            KeyError: a quantity is neither given nor computed by any step.
        """
        done, variants = set(given), tuple(variants)
        order: list[Step] = []

        def visit(name: str) -> None:
            if name in done:
                return
            step = self.find(name, variants)
            for needed in step.inputs:
                visit(needed)
            done.add(name)
            order.append(step)

        for target in targets:
            visit(target)
        return Plan(tuple(order))

    def replay(self, name: str, given: Mapping[str, Any], variants: Iterable[str] = ()) -> Any:
        """Compute one quantity from given values, with as few steps as they allow.

        Raises:
            KeyError: the given values do not determine it.
        """
        others = {key: value for key, value in given.items() if key != name}
        return self.plan([name], others, variants).run(others)[name]

    def ordered(self) -> list[Step]:
        """All steps, each after those that compute its inputs; by level, then as they were registered."""
        producers: dict[str, list[Step]] = {}
        for step in self.steps.values():
            producers.setdefault(step.name, []).append(step)
        done: dict[str, None] = {}

        def visit(name: str) -> None:
            if name in done or name not in producers:
                return
            done[name] = None
            for step in producers[name]:
                for needed in step.inputs:
                    visit(needed)
            order.extend(producers[name])

        order: list[Step] = []
        for step in sorted(self.steps.values(), key=lambda step: step.level):
            visit(step.name)
        return order

    def ancestors(self, name: str) -> set[str]:
        """A quantity and all that it is computed from, as far as steps compute them; empty if no step does."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            here = waiting.pop()
            steps = [step for step in self.steps.values() if step.name == here]
            if steps and here not in found:
                found.add(here)
                waiting += [needed for step in steps for needed in step.inputs]
        return found

    def external(self) -> tuple[str, ...]:
        """The names that no step computes: the inputs of the whole simulation, in order of first use."""
        computed = {step.name for step in self.steps.values()}
        names = {name: None for step in self.steps.values() for name in step.inputs if name not in computed}
        return tuple(names)


def _first_line(function: StepFunction) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0].rstrip(".")


GRAPH = Graph()
"""The graph that the modules of this package fill; import `braggtrace.physics.graph` to have it complete."""

step = GRAPH.step
