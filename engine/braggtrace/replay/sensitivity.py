"""How much a pixel's final value depends on one quantity: by automatic differentiation through the replayed steps."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from braggtrace.physics.registry import Plan
from braggtrace.replay.evaluate import run_plan
from braggtrace.replay.judge import Judgement
from braggtrace.replay.nodes import Place
from braggtrace.replay.replayer import Asked
from braggtrace.replay.tables import Recorded, Side

__all__ = ["sensitivity"]

Ints: TypeAlias = npt.NDArray[np.int64]

_FLAGS = {
    "capture_fraction": "oversample_thick",
    "polar": "oversample_polar",
    "omega_pixel_sr": "oversample_omega",
}
_LOOKED_UP = ("F_cell", "F_cell_nearest")  # constant between the steps of a table


def sensitivity(judgement: Judgement, side: Side, name: str, pixel: int) -> float | None:
    """The relative change of I_pixel_final over the relative change of a node, at worst; None if it can't be told.

    Args:
        judgement: every node.
        side: whose values.
        name: the node.
        pixel: row of the table of pixels.
    """
    node = side.nodes.get(name)
    if node is None or not np.isfinite(node.values[node.present]).all():
        return None
    leaf = torch.from_numpy(np.ascontiguousarray(np.nan_to_num(node.values).T)).requires_grad_()
    try:
        final = _Chain(judgement, side, node, leaf, pixel).final()
    except (KeyError, TypeError, RuntimeError):
        return None
    if final is None or not final.requires_grad or float(final.detach()) in (0.0, float("inf")):
        return None
    (gradient,) = torch.autograd.grad(final, leaf)
    total = float((gradient * leaf.detach()).abs().sum() / final.detach().abs())
    return total if np.isfinite(total) else None


class _Chain:
    """The steps from one node to the final value of a pixel."""

    def __init__(self, judgement: Judgement, side: Side, node: Recorded, leaf: Tensor, pixel: int) -> None:
        self.replayer, self.tables = judgement.replayer, judgement.book.tables
        self.side, self.node, self.leaf, self.pixel = side, node, leaf, pixel

    def final(self) -> Tensor | None:
        rows = np.flatnonzero(self.tables.rows(Place.ITERATION, Place.PIXEL) == self.pixel)
        running = self.side.nodes.get("I_running")
        if running is not None:
            rows = rows[running.present[rows]]
        given: dict[str, Tensor] = {}
        if self._reaches("I_before_scaling") and self.node.name != "I_before_scaling":
            total = self._sum(rows)
            if total is None:
                return None
            given["I_before_scaling"] = total.reshape(1, 1)
        for name, target in (
            ("pixel_polar", "polar"),
            ("pixel_capture", "capture_fraction"),
            ("omega_pixel", "omega_pixel_sr"),
        ):
            if self.node.name != name and (self._reaches(target) or self.node.name == target):
                asked = self.replayer.asked(self.side, name)
                assert asked is not None
                value = self._at(target, asked.place, asked.rows[[self.pixel]])
                if value is not None:
                    given[name] = value.reshape(1, 1)
        if self.node.name == "I_pixel_final":
            return self.leaf[0, self.pixel]
        return self._step("I_pixel_final", Place.PIXEL, np.array([self.pixel]), given).reshape(())

    def _sum(self, rows: Ints) -> Tensor | None:
        """The pixel's sum over its iterations."""
        if self.node.name == "I_running" or not len(rows):
            return self.leaf[0, rows[-1]] if len(rows) else None
        terms = self._at("I_term", Place.ITERATION, rows)
        if terms is None:
            return None
        samples = self.tables.rows(Place.ITERATION, Place.SAMPLE)[rows]
        for name, flag in _FLAGS.items():
            if self.side.flag(flag):
                factor = self._at(name, Place.SAMPLE, samples)
                terms = terms if factor is None else terms * factor
        start = self._at("I_bg", Place.RUN, np.zeros(1, dtype=np.int64)) if "I_bg" in self.side.nodes else None
        total = terms.sum()
        return total if start is None else total + start.sum()

    def _at(self, name: str, place: Place, rows: Ints) -> Tensor | None:
        """(n,) a node on rows of its table: computed where it depends on the leaf, else as recorded."""
        if name == self.node.name:
            return self.leaf[0, self.tables.rows(place, self.node.place)[rows]]
        if self._reaches(name):
            return self._step(name, place, rows, {})[0]
        recorded = self.side.nodes.get(name)
        if recorded is None:
            return None
        return torch.from_numpy(recorded.values[self.tables.rows(place, recorded.place)[rows], 0])

    def _reaches(self, name: str) -> bool:
        asked = self.replayer.asked(self.side, name)
        target = name if asked is None else asked.target
        return self.node.name in self.replayer.ancestry(target) and name not in _LOOKED_UP

    def _step(self, name: str, place: Place, rows: Ints, given: dict[str, Tensor]) -> Tensor:
        """(width, n) a node from what does not depend on the leaf, and from the leaf."""
        available = {
            each
            for each in self.replayer.ancestry(name)
            if each == self.node.name
            or each in given
            or (not self._reaches(each) and self._is_there(each, place, rows))
        }
        asked = Asked(name, place, rows)
        plan = self.replayer.plan(self.side, name, asked, frozenset(available))
        if not isinstance(plan, Plan):
            raise KeyError(name)
        plain = Plan(plan.steps)
        inputs, fixed = self.replayer.inputs(self.side, plain, asked, rows, {})
        tensors = {key: torch.from_numpy(np.ascontiguousarray(each.values.T)) for key, each in inputs.items()}
        tensors |= {key: value for key, value in given.items() if key in tensors}
        if self.node.name in tensors:
            tensors[self.node.name] = self.leaf[:, self.tables.rows(place, self.node.place)[rows]]
        return run_plan(plan, name, tensors, fixed, torch.Size((len(rows),)))

    def _is_there(self, name: str, place: Place, rows: Ints) -> bool:
        recorded = self.replayer.recorded(self.side, name)
        if recorded is None:
            return False
        at = self.tables.rows(place, recorded.place)
        return bool(len(at)) and bool((at[rows] >= 0).all()) and bool(recorded.present[at[rows]].all())
