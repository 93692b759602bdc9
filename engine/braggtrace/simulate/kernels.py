"""Compiled plans: the registered steps fused into machine code once, and loaded from a cache ever after.

A kernel is a plan of steps, exported and compiled ahead of time by torch's inductor with the C++ compiler of the
machine. It is kept as a file, named by a hash of all that goes into it, so that later processes load it in
milliseconds without importing the compiler. Numbers agree with the uncompiled steps within rounding: products and sums
may be fused.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import logging
import os
import shutil
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from braggtrace.errors import CompileError
from braggtrace.physics.registry import Step

__all__ = ["Kernel", "KernelSpec", "Program", "cache_folder", "compiler", "load_kernel"]

_VERSION = 2
_logger = logging.getLogger("braggtrace")
_HUGE = 1 << 40
_SETTINGS: dict[str, Any] = {
    "cpp.enable_floating_point_contract_flag": "fast",
    "cpp.dynamic_threads": True,  # the number of threads is chosen when it runs
    "cpp.vec_isa_ok": True,  # what the processor says it can do, the compiler can; trying takes 6 s
    "aot_inductor.compile_wrapper_opt_level": "O0",
    "aot_inductor.precompile_headers": False,  # pays for several kernels only
    "assert_indirect_indexing": False,  # table indices are clamped
    # Everything in one loop, so that values live in registers and nothing in between is written to memory.
    "realize_opcount_threshold": 1_000_000,
    "realize_reads_threshold": 1_000_000,
    "realize_acc_reads_threshold": 1_000_000,
    "realize_acc_reads_size_threshold": None,
}
_HELPERS = {"braggtrace.physics.vector", "braggtrace.physics.numerics"}


class Program(Protocol):
    """What is compiled: a function of values by name that returns tensors, made of steps."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps it runs."""

    def __call__(self, values: dict[str, Any]) -> tuple[Tensor, ...]:
        """Run them."""


@dataclass(frozen=True, slots=True)
class KernelSpec:
    """What to compile.

    Attributes:
        name: for people.
        program: the steps, and what becomes of their values.
        tensors: example values of what is passed at every call: tensors, `Vec`s and tables by name.
        statics: what is fixed for good: numbers and words by name.
        dynamic: by the place of a leaf in `tensors`: which axes vary, as axis -> name of the extent.
    """

    name: str
    program: Program
    tensors: Mapping[str, Any]
    statics: Mapping[str, Any]
    dynamic: Mapping[str, Mapping[int, str]]

    def key(self) -> str:
        """A hash of everything that the machine code depends on."""
        leaves = pytree.tree_leaves([self.tensors[name] for name in sorted(self.tensors)])
        modules = {step.function.__module__ for step in self.program.steps}
        parts = [
            str(_VERSION),
            torch.__version__,
            torch.backends.cpu.get_cpu_capability(),
            _processor(),
            self.name,
            *(f"{step.name} {step.variant}" for step in self.program.steps),
            *(_source(module) for module in sorted(modules | _HELPERS | {type(self.program).__module__})),
            json.dumps({name: str(value) for name, value in sorted(self.statics.items())}),
            json.dumps(sorted(self.tensors)),
            json.dumps([(leaf.ndim, str(leaf.dtype)) for leaf in leaves]),
        ]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]

    def path(self) -> Path:
        """Where its compiled form is kept."""
        return cache_folder() / f"{self.name}-{self.key()}.pt2"


class Kernel:
    """A compiled program, callable with the values of its tensors by name."""

    def __init__(self, path: Path, names: list[str]) -> None:
        self._runner = _loaded(path)
        self._names = names

    def __call__(self, values: Mapping[str, Any]) -> list[Tensor]:
        """Run it; the outputs in the order in which the program gave them."""
        outputs: list[Tensor] = self._runner.run(pytree.tree_leaves([values[name] for name in self._names]))
        return outputs


@functools.cache
def _loaded(path: Path) -> Any:
    # The class behind torch._inductor.aoti_load_package, without the import of inductor.
    return torch._C._aoti.AOTIModelPackageLoader(str(path), "model", False, 1, -1)


class _Module(torch.nn.Module):
    """A program in the form that torch exports."""

    def __init__(self, spec: KernelSpec, structure: pytree.TreeSpec) -> None:
        super().__init__()
        self._spec, self._structure = spec, structure

    def forward(self, *leaves: Tensor) -> Any:
        values = pytree.tree_unflatten(list(leaves), self._structure)
        known = dict(zip(sorted(self._spec.tensors), values, strict=True))
        return self._spec.program({**self._spec.statics, **known})


def cache_folder() -> Path:
    """Where compiled kernels are kept: `$BRAGGTRACE_CACHE`, else below the user's cache folder."""
    given = os.environ.get("BRAGGTRACE_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "braggtrace" / "kernels"


def compiler() -> str | None:
    """The C++ compiler, if there is one."""
    return os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")


def load_kernel(spec: KernelSpec, *, compile_missing: bool) -> Kernel | None:
    """The compiled form of a program.

    Args:
        spec: what to compile.
        compile_missing: compile it if the cache doesn't hold it, which takes many seconds.

    Returns:
        None if it is not in the cache and is not to be compiled.

    Raises:
        CompileError: it can't be compiled here.
    """
    path, names = spec.path(), sorted(spec.tensors)
    try:
        if path.is_file():
            return Kernel(path, names)
    except RuntimeError:
        path.unlink(missing_ok=True)  # not what was once written there
    if not compile_missing:
        return None
    if compiler() is None:
        raise CompileError("there is no C++ compiler", expected="g++ or clang++ in PATH, or CXX")
    _logger.info("compiling kernels, which takes about 15 s once for each kind of experiment")
    try:
        _compile(spec, path)
        return Kernel(path, names)
    except Exception as error:  # whatever goes wrong in there
        last = str(error).strip().splitlines()[:1]
        raise CompileError("the kernels could not be compiled", got="".join(last) or type(error).__name__) from error


def _compile(spec: KernelSpec, path: Path) -> None:
    import torch._inductor
    from torch._inductor import config

    names = sorted(spec.tensors)
    leaves, structure = pytree.tree_flatten([spec.tensors[name] for name in names])
    extents = {
        name: torch.export.Dim(name, min=2, max=_HUGE) for axes in spec.dynamic.values() for name in axes.values()
    }
    places = pytree.tree_leaves([_labels(name, spec.tensors[name]) for name in names])
    shapes = tuple(
        {axis: extents[e] for axis, e in spec.dynamic[p].items()} if p in spec.dynamic else None for p in places
    )
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    settings = {name: value for name, value in _SETTINGS.items() if _has_setting(config, name)}
    with warnings.catch_warnings(), config.patch(settings), _values_remembered():
        warnings.simplefilter("ignore")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            exported = torch.export.export(_Module(spec, structure), tuple(leaves), dynamic_shapes=(shapes,))
            torch._inductor.aoti_compile_and_package(exported, package_path=str(temporary))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def _values_remembered() -> Iterator[None]:
    """Have inductor walk each expression as the graph that it is.

    By itself it walks a tree: whatever is used twice is visited twice, and what that uses four times.
    """
    from torch._inductor import ir
    from torch._inductor.virtualized import V

    original = ir.Pointwise.make_loader

    def make_loader(self: Any) -> Any:
        load = original(self)
        walk: list[Any] = [None, {}]

        def remembered(index: Any) -> Any:
            handler = V.get_ops_handler()
            if walk[0] is not handler:
                walk[:] = handler, {}
            key = tuple(index)
            if key not in walk[1]:
                walk[1][key] = load(index)
            return walk[1][key]

        return remembered

    ir.Pointwise.make_loader = make_loader  # type: ignore[method-assign]
    try:
        yield
    finally:
        ir.Pointwise.make_loader = original  # type: ignore[method-assign]


def _has_setting(config: Any, name: str) -> bool:
    owner = config
    for part in name.split("."):
        if not hasattr(owner, part):
            return False
        owner = getattr(owner, part)
    return True


def _labels(name: str, value: Any) -> Any:
    """The place of each leaf, as `name` or `name.field`, in the structure of the value."""
    if isinstance(value, Tensor):
        return name
    return [_labels(f"{name}.{field}", part) for field, part in zip(value._fields, value, strict=True)]


@functools.cache
def _source(module: str) -> str:
    return inspect.getsource(sys.modules[module])


@functools.cache
def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return ""
    lines = text.splitlines()
    return "".join(sorted({line for line in lines if line.startswith(("model name", "flags"))}))
