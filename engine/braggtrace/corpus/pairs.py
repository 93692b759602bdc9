"""Pairs of traces: one side as the engine computes it, the other with faults, both printed as programs print."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from torch import Tensor

from braggtrace.causes.codes import Code
from braggtrace.compare.judge import compare
from braggtrace.compare.model import Status
from braggtrace.compare.options import Options
from braggtrace.corpus.experiments import Setting, built, random_setting
from braggtrace.corpus.faults import CODES, random_fault
from braggtrace.corpus.mutants import Fault, Patch, as_c_does, mapped, planted
from braggtrace.physics.graph import GRAPH
from braggtrace.physics.vector import Vec
from braggtrace.simulate.tracer import Tracer
from braggtrace.trace.model import Trace
from braggtrace.trace.reader import read_trace

__all__ = ["Noise", "Pair", "fault_pair", "read_text", "rounding_pair", "trace_text"]

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.])")
_VISIBLE = 20.0  # units of the last printed digit


@dataclass(frozen=True, slots=True)
class Noise:
    """How a side computes and prints.

    Attributes:
        single: lattice and structure factors are float32.
        digits: significant digits that are printed.
        jitter: every step is off by a few units of the last place.
    """

    single: bool = False
    digits: int = 17
    jitter: bool = False

    def __str__(self) -> str:
        return f"{'float32' if self.single else 'float64'}, {self.digits} digits" + (", jitter" if self.jitter else "")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two traces and what is wrong.

    Attributes:
        seed: it was made from.
        faults: what was seeded, () for rounding only.
        side: the side with the faults.
        noise: of the reference, and of the candidate.
        reference, candidate: the texts.
    """

    seed: int
    faults: tuple[Fault, ...]
    side: str
    noise: tuple[Noise, Noise]
    reference: str
    candidate: str

    def traces(self) -> tuple[Trace, Trace]:
        """Both sides, read."""
        return read_text(self.reference, "reference.log"), read_text(self.candidate, "candidate.log")


def read_text(text: str, name: str) -> Trace:
    """A trace from its text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8")
        return read_trace(str(path))


def fault_pair(seed: int, count: int = 1, code: Code | None = None) -> Pair:
    """A pair with some faults, all of which show in what is printed.

    Args:
        seed: of everything that is drawn.
        count: of faults.
        code: of the first of them; drawn if None.
    """
    random = Random(seed)
    while True:
        setting = random_setting(random)
        wanted = random.choice(CODES) if code is None else code
        faults = _draw(random, setting, count, wanted)
        if faults is None:
            continue
        noise = _noise(random)
        faulty = random.choice((0, 1))
        if faulty == 0:
            noise = noise[::-1]
        try:
            right = trace_text(setting, (), noise[1 - faulty])
            wrong = trace_text(setting, faults, noise[faulty])
            without = [
                trace_text(setting, [each for each in faults if each is not fault], noise[faulty]) for fault in faults
            ]
        except (ZeroDivisionError, ValueError, IndexError, RuntimeError):
            continue  # the fault leaves nothing to trace
        if not _diverges(right, wrong):
            continue  # within tolerance, so that nothing asks for an explanation
        if all(_shows(fault, wrong, other, noise[faulty]) for fault, other in zip(faults, without, strict=True)):
            texts = (wrong, right) if faulty == 0 else (right, wrong)
            return Pair(seed, faults, ("reference", "candidate")[faulty], noise, *texts)


def rounding_pair(seed: int) -> Pair:
    """A pair in which nothing is wrong but roundings."""
    random = Random(seed)
    setting = random_setting(random)
    noise = (
        Noise(False, random.choice((17, 15))),
        Noise(random.random() < 0.5, random.choice((17, 15, 9, 6)), random.random() < 0.6),
    )
    if random.random() < 0.5:
        noise = noise[::-1]
    texts = [trace_text(setting, (), each, seed=seed + number) for number, each in enumerate(noise)]
    return Pair(seed, (), "", noise, *texts)


def _noise(random: Random) -> tuple[Noise, Noise]:
    """The right side, and the one with the faults."""
    digits = random.choice((17, 17, 15, 15, 6))
    single = random.random() < 0.25
    return Noise(False, 6 if digits == 6 else random.choice((17, 15))), Noise(single, digits, random.random() < 0.3)


def _diverges(right: str, wrong: str) -> bool:
    comparison = compare(read_text(right, "right.log"), read_text(wrong, "wrong.log"), Options(equal_nan=True))
    return comparison.status is Status.DIVERGES


def _draw(random: Random, setting: Setting, count: int, first: Code) -> tuple[Fault, ...] | None:
    faults: list[Fault] = []
    for number in range(count * 8):
        fault = random_fault(random, setting, first if not number else None)
        if fault is None:
            if not number:
                return None
            continue
        if count > 1 and fault.code is Code.NON_FINITE:
            if not number:
                return None
            continue  # whatever is behind a NaN can't be seen
        if all(_apart(fault, each) for each in faults):
            faults.append(fault)
        if len(faults) == count:
            return tuple(faults)
    return None


def _apart(first: Fault, second: Fault) -> bool:
    """Whether two faults change different nodes."""
    return not (set(first.nodes) & set(second.nodes)) and not (first.parts and second.parts)


def trace_text(setting: Setting, faults: Sequence[Fault], noise: Noise, seed: int = 0) -> str:
    """A trace with some faults."""
    patches: dict[str, Patch] = dict(as_c_does()) if setting.model.values["xtal_shape"] == "SQUARE" else {}
    for fault in faults:
        for key, patch in fault.patches().items():
            patches[key] = _after(patches[key], patch) if key in patches else patch
    if noise.jitter:
        patches = _jittered(patches, seed)
    parts = deepcopy(setting.parts)
    for fault in faults:
        for part, field, value in fault.parts:
            parts[part][field] = value
    with planted(patches):
        model = built(parts)
        tracer = Tracer(model, dtype=torch.float32 if noise.single else torch.float64, side="C")
        lines = [line.text for line in tracer.run_lines()]
        for slow, fast in setting.pixels:
            lines += [line.text for line in tracer.pixel_lines(slow, fast)]
    return "".join(f"{_printed(line, noise.digits)}\n" for line in lines)


def _after(first: Patch, second: Patch) -> Patch:
    return lambda step: second(first(step))


def _jittered(patches: Mapping[str, Patch], seed: int) -> dict[str, Patch]:
    """Every step off by a few roundings."""
    generator = torch.Generator().manual_seed(seed + 17)

    def noisy(value: Any) -> Any:
        if not isinstance(value, Tensor) or value.dtype not in (torch.float64, torch.float32) or value.requires_grad:
            return value
        eps = torch.finfo(value.dtype).eps
        return value * (1.0 + eps * torch.randint(-1, 2, value.shape, generator=generator).to(value.dtype))

    def change(value: Any) -> Any:
        if isinstance(value, Vec):
            return Vec(*(noisy(part) for part in value))
        return noisy(value)

    whole = ("h0", "k0", "l0", "half_turns", "F_index", "F_cell", "tricubic", "in_resolution", "F_latt_squared")
    out = {}
    for key in GRAPH.steps:
        own = patches.get(key)
        if key.startswith(whole) or key in ("initial_odet", "floatimage_accumulated", "r_e_sqr"):
            jitter: Patch | None = None
        else:
            jitter = mapped(change)
        both = [patch for patch in (own, jitter) if patch is not None]
        if both:
            out[key] = both[0] if len(both) == 1 else _after(both[0], both[1])
    return out


def _printed(line: str, digits: int) -> str:
    """A line with every number cut to some digits."""
    if digits >= 17 or ": pixel " in line:
        return line
    return _NUMBER.sub(lambda match: _cut(match[0], digits), line)


def _cut(text: str, digits: int) -> str:
    written = len(text.partition("e")[0].lstrip("-").replace(".", "").lstrip("0"))
    return text if written <= digits else f"{float(text):.{digits}g}"


def _shows(fault: Fault, wrong: str, without: str, noise: Noise) -> bool:
    """Whether a fault changes what is printed of its node by more than roundings."""
    eps = max(10.0 ** (1 - noise.digits), 2.0**-23 if noise.single else 2.0**-52)
    for node in fault.nodes:
        for ours, theirs in zip(_values(wrong, node), _values(without, node), strict=False):
            if len(ours) != len(theirs):
                return True
            scale = max(np.max(np.abs(theirs), initial=0.0), np.max(np.abs(ours), initial=0.0), 1e-300)
            finite = np.isfinite(ours).all() and np.isfinite(theirs).all()
            if not finite and not np.array_equal(ours, theirs, equal_nan=True):
                return True
            if finite and np.max(np.abs(ours - theirs), initial=0.0) > _VISIBLE * eps * scale:
                return True
    return fault.nodes == ("xtal_shape",)


def _values(text: str, node: str) -> Iterator[np.ndarray[Any, np.dtype[np.float64]]]:
    """Every printed value of a node."""
    short = node.removesuffix("_angstroms")
    for line in text.splitlines():
        words = line.split()
        if len(words) > 2 and words[1] == node:
            yield _numbers(words[2:])
        elif "=" in line:
            found = [word.partition("=")[2] for word in words if _names(word.partition("=")[0], short)]
            if found:
                yield _numbers(found)


def _names(key: str, short: str) -> bool:
    known = {"scattering_vec_A_inv": "scattering", "omega_pixel_sr": "omega_pixel", "lambda_of_source": "lambda_meters"}
    short = known.get(short, short)
    return key == short or (key[:-2] == short and key[-2:] in ("_x", "_y", "_z"))


def _numbers(words: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float64]]:
    try:
        return np.array([float(word) for word in words])
    except ValueError:
        return np.empty(0)
