"""What the worker keeps between requests: reflection tables, experiments, tracers, traces that were compared.

Each by all that it follows from.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

import torch

from braggtrace.compare.model import Comparison
from braggtrace.errors import BraggtraceError, EngineError
from braggtrace.formats.arguments import expand_argument_files
from braggtrace.service.cache import FileCache
from braggtrace.service.protocol import Code
from braggtrace.simulate.model import Model
from braggtrace.simulate.resolve import resolve
from braggtrace.simulate.setup import LoadedTable, Setup, input_files
from braggtrace.simulate.tracer import Tracer
from braggtrace.simulate.understand import Meaning, understand
from braggtrace.trace.model import Trace

__all__ = ["Kept", "Prepared", "Stamp", "Warm", "meaning_of", "stamp_of"]

_TABLE_BYTES = 2 << 30
_EXPERIMENT_BYTES = 2 << 30
_LEAST_BYTES = 64 << 20  # of an experiment, whatever it holds: a tracer, a mask, the parts that torch hides
_TRACERS = 4
_TRACE_BYTES = 1 << 30

_Kept = TypeVar("_Kept")
Stamp: TypeAlias = tuple[str, int, int, int] | tuple[str, None]


class Kept(Generic[_Kept]):
    """The most recently used things, up to a total size.

    Threads may share it: each step is one call into C, so that a thing is at worst made twice. There is no lock that an
    interruption could leave locked.
    """

    def __init__(self, limit: int, size: Callable[[_Kept], int] = lambda _thing: 1) -> None:
        self._limit, self._size = limit, size
        self._things: OrderedDict[Hashable, _Kept] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], _Kept]) -> _Kept:
        """What was made for this key before, or is made now."""
        thing = self.find(key)
        if thing is None:
            thing = make()
            self.keep(key, thing)
        return thing

    def find(self, key: Hashable) -> _Kept | None:
        """What was kept for this key, if it still is."""
        thing = self._things.pop(key, None)
        if thing is not None:
            self._things[key] = thing
        return thing

    def keep(self, key: Hashable, thing: _Kept) -> None:
        """Keep something, and drop what was not used for longest."""
        self._things[key] = thing
        while len(self._things) > 1 and sum(map(self._size, list(self._things.values()))) > self._limit:
            self._things.popitem(last=False)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """An experiment, ready to be traced or rendered.

    Attributes:
        words: the flags, without `@file`.
        meaning: which program they are meant for.
        setup: the flags, understood.
        model: the experiment, resolved.
        names: path of an input file that was sent -> its name for those who sent it.
        tracers: by device, dtype and what they write.
    """

    words: tuple[str, ...]
    meaning: Meaning
    setup: Setup
    model: Model
    names: Mapping[str, str]
    tracers: Kept[Tracer] = field(default_factory=lambda: Kept(_TRACERS))

    @property
    def warnings(self) -> list[str]:
        """What a person should know about the flags."""
        return [self.said(sentence) for sentence in (*self.setup.warnings, *self.model.notes)]

    @property
    def nbytes(self) -> int:
        """About how much memory it takes."""
        table = self.model.table
        return _LEAST_BYTES + (0 if table is None else table.values.nbytes)

    def said(self, sentence: str) -> str:
        """A sentence with the names of files as the client knows them."""
        return _renamed(sentence, self.names)

    def tracer(self, device: torch.device, dtype: torch.dtype, *, rot_stars: bool) -> Tracer:
        """A tracer of this experiment."""
        key = (str(device), dtype, rot_stars)
        return self.tracers.get(key, lambda: Tracer(self.model, device, dtype, rot_stars=rot_stars))


class Warm:
    """What is kept, for one worker.

    Attributes:
        traces: by the files they were read from.
        comparisons: by these files and how they were judged.
    """

    def __init__(self, cache: FileCache | None = None) -> None:
        self._cache = FileCache() if cache is None else cache
        self._tables: Kept[LoadedTable] = Kept(_TABLE_BYTES, lambda loaded: loaded[1].nbytes)
        self._experiments: Kept[Prepared] = Kept(_EXPERIMENT_BYTES, lambda prepared: prepared.nbytes)
        self.traces: Kept[Trace] = Kept(_TRACE_BYTES, _bytes_of_trace)
        self.comparisons: Kept[Comparison] = Kept(_TRACE_BYTES, _bytes_of_comparison)

    def prepared(self, fields: Mapping[str, Any]) -> Prepared:
        """The experiment that the fields of a request describe.

        Raises:
            BraggtraceError: it makes no sense, or an input file can't be read.
            EngineError: a file has to be sent (again).
        """
        folder = Path(fields["folder"] or ".")
        given = fields["files"]
        words = tuple(fields["flags"] if given is not None else expand_argument_files(fields["flags"], folder))
        meaning = meaning_of(fields)
        needed, optional = input_files(words, meaning.quirks())
        files = None if given is None else {name: self.sent(name, content) for name, content in given.items()}
        names = {} if files is None else {str(path): name for name, path in files.items()}
        stamps = (
            tuple(sorted(given.items()))
            if given is not None
            else tuple(stamp_of(folder / name) for name in (*needed, *optional))
        )
        key = (words, meaning, folder, stamps)
        found = self._experiments.find(key)
        if found is not None:
            return found
        try:
            made = self._make(words, meaning, folder, files, names)
        except EngineError:
            raise
        except BraggtraceError as error:
            error.path = names.get(error.path, error.path) if error.path else None
            error.what, error.got = _renamed(error.what, names), _renamed(error.got, names)
            raise
        by_chance = made.setup.experiment.crystal.misset_random and "misset_seed" not in made.setup.origins
        if not by_chance:
            self._experiments.keep(key, made)
        return made

    def _make(
        self,
        words: Sequence[str],
        meaning: Meaning,
        folder: Path,
        files: Mapping[str, Path] | None,
        names: Mapping[str, str],
    ) -> Prepared:
        setup = understand(words, meaning, folder=folder, files=files, keep_table=self._keep_table)
        return Prepared(tuple(words), meaning, setup, resolve(setup.experiment), names)

    def _keep_table(self, path: Path, how: tuple[object, ...], read: Callable[[], LoadedTable]) -> LoadedTable:
        return self._tables.get((stamp_of(path), how), read)

    def sent(self, name: str, content: str) -> Path:
        """Where a file is that was sent, under a name that ends like the one it had.

        Raises:
            EngineError: it has to be sent (again).
        """
        path = self._cache.named(content, name)
        if path is None:
            raise EngineError(Code.ABSENT, f"{name}: its contents are not in the engine's cache")
        return path


def meaning_of(fields: Mapping[str, Any]) -> Meaning:
    """Which program the flags of a request are meant for."""
    return Meaning(
        profile=fields["profile"],
        phi_mode=fields["phi_mode"],
        switches=tuple(f"{name}={'on' if on else 'off'}" for name, on in fields["quirks"].items()),
        build=fields["build"],
        c_threads=fields["c_threads"],
        mtz_column=fields["mtz_column"],
    )


def _renamed(sentence: str, names: Mapping[str, str]) -> str:
    for path, name in names.items():
        sentence = sentence.replace(path, name)
    return sentence


def stamp_of(path: Path) -> Stamp:
    """What a file's contents follow from, as far as that can be known without reading it."""
    try:
        status = path.stat()
    except OSError:
        return str(path), None
    return str(path), status.st_mtime_ns, status.st_size, status.st_ino


def _bytes_of_trace(trace: Trace) -> int:
    total = sum(len(source.held) for source in trace.sources)
    for column in trace.columns:
        per_row = (column.pixel, column.occurrence, column.line, *column.tics.values())
        per_value = (column.values, column.start, column.length)
        total += sum(array.nbytes for array in per_row) + sum(array.nbytes for array in per_value)
    return total


def _bytes_of_comparison(comparison: Comparison) -> int:
    """With its traces: they live as long as it does."""
    total = _bytes_of_trace(comparison.reference) + _bytes_of_trace(comparison.candidate)
    for pairing in comparison.pairings:
        rows = (pairing.pixel, pairing.reference_rows, pairing.candidate_rows)
        total += sum(array.nbytes for array in rows) + pairing.verdict.nbytes + pairing.rel.nbytes
    return total
