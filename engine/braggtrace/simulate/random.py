"""The uniform generator of the C program, with its shared state and its single-precision results.

The generator is the published "minimal standard" of Park and Miller (multiplier 16807, modulus 2³¹−1) with a
Bays-Durham shuffle of 32 entries, known as "ran1". The linear part is vectorised; the shuffle depends on its own last
output, so it is one tight loop. About 0.1 µs a number.

Every stream of the program (misset, mosaic, noise) has a seed of its own but they share *one* shuffle table. A seed ≤ 0
fills the table anew, a positive one goes on with whatever the previous stream left there: make one `ShuffleTable` for
each run and pass it to every `UniformStream` of that run.

    table = ShuffleTable()
    misset = UniformStream(-1234, table)        # -misset_seed 1234: the program negates what the user gave
    mosaic = UniformStream(-12345678, table)
    axes, fractions = rotation_draws(mosaic, 7)

Source of the formulas: sections 6.4 and 7.1 to 7.3 of the behaviour reference.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain, islice
from operator import length_hint

import numpy as np
from numpy.typing import NDArray

from braggtrace.errors import UsageError
from braggtrace.simulate.single import float32, fma32

__all__ = ["GaussianDeviates", "Lookahead", "ShuffleTable", "UniformStream", "rotation_draws"]

MULTIPLIER = 16807
MODULUS = 2**31 - 1
TABLE_SIZE = 32
WARM_UP = 40
SHIFT = 26  # the C divisor 1 + (MODULUS - 1) // 32 is 2**26
SCALE = 1.0 / MODULUS
LARGEST = float(np.float32(1.0 - 1.2e-7))
BLOCK = 65536


def _powers(count: int) -> NDArray[np.uint64]:
    """The first `count` powers of the multiplier (from 1) modulo the modulus, by doubling."""
    powers = np.array([MULTIPLIER], dtype=np.uint64)
    while len(powers) < count:
        powers = np.concatenate([powers, powers * powers[-1] % np.uint64(MODULUS)])
    return powers[:count]


_POWERS = _powers(BLOCK)


class ShuffleTable:
    """The state that all streams of one run share: 32 shuffled numbers and the last output.

    Attributes:
        values: the 32 entries.
        last: the last output before scaling; 0 before the first draw of the run.
    """

    __slots__ = ("last", "values")

    def __init__(self) -> None:
        self.values = [0] * TABLE_SIZE
        self.last = 0


class UniformStream:
    """Uniform deviates in (0, 1), single precision, from one seed.

    Attributes:
        seed: the state of the linear generator; ≤ 0 before the first draw of a fresh stream.
        table: the shared shuffle table.
    """

    __slots__ = ("seed", "table")

    def __init__(self, seed: int, table: ShuffleTable | None = None) -> None:
        """Args:
        seed: as the program holds it, that is minus the number after `-seed`, `-mosaic_seed` or `-misset_seed`.
        table: the table of this run; a fresh one by default.

        Raises:
            UsageError: the seed is no 32-bit integer.
        """
        if not -(2**31) <= seed < 2**31:
            raise UsageError("a seed is out of range", expected="a 32-bit integer", got=str(seed))
        self.seed = seed
        self.table = ShuffleTable() if table is None else table

    def draw(self) -> float:
        """The next deviate, a float32 value as a Python float."""
        return float(self.take(1)[0])

    def take(self, count: int) -> NDArray[np.float32]:
        """The next `count` deviates, shape (count,)."""
        drawn: list[int] = []
        while len(drawn) < count:
            if self.seed <= 0 or self.table.last == 0:
                self._fill()
            # A seed of 0 after filling (from the seed ±modulus) fills the table again at the next draw.
            self._shuffle(min(count - len(drawn), BLOCK) if self.seed else 1, drawn)
        return np.minimum((np.array(drawn, dtype=np.int64) * SCALE).astype(np.float32), np.float32(LARGEST))

    def state(self) -> tuple[int, int, list[int]]:
        """Seed, last output and table, for `restore`."""
        return self.seed, self.table.last, self.table.values.copy()

    def restore(self, state: tuple[int, int, list[int]]) -> None:
        """Go back to where `state()` was taken."""
        self.seed, self.table.last, values = state
        self.table.values = values.copy()

    def _fill(self) -> None:
        seed = max(1, -self.seed)
        for j in reversed(range(WARM_UP)):
            seed = seed * MULTIPLIER % MODULUS
            if j < TABLE_SIZE:
                self.table.values[j] = seed
        self.seed = seed
        self.table.last = self.table.values[0]

    def _shuffle(self, count: int, drawn: list[int]) -> None:
        seeds: list[int] = (_POWERS[:count] * np.uint64(self.seed) % np.uint64(MODULUS)).tolist()
        last, values, append = self.table.last, self.table.values, drawn.append
        for seed in seeds:
            j = last >> SHIFT
            last = values[j]
            values[j] = seed
            append(last)
        self.seed, self.table.last = seeds[-1], last


class Lookahead:
    """Deviates of a stream one by one, drawn in blocks: for consumers that need each deviate to know about the next.

    While it is in use the stream runs ahead; `close` puts it just behind the last deviate that was taken.

    Attributes:
        next: gives the next deviate.
    """

    __slots__ = ("_block", "_drawn", "_size", "_state", "_stream", "next")

    def __init__(self, stream: UniformStream, size: int = BLOCK) -> None:
        self._stream = stream
        self._size = size
        self._state = stream.state()
        self._drawn: NDArray[np.float32] = np.empty(0, dtype=np.float32)
        self._block: Iterator[float] = iter(())
        self.next: Callable[[], float] = chain.from_iterable(self._blocks()).__next__

    def _blocks(self) -> Iterator[Iterator[float]]:
        while True:
            self._state = self._stream.state()
            self._drawn = self._stream.take(self._size)
            self._block = iter(self._drawn.tolist())
            yield self._block

    def peek(self, count: int) -> NDArray[np.float32]:
        """The next deviates that are drawn already, at most `count`; possibly none."""
        start = len(self._drawn) - length_hint(self._block)
        return self._drawn[start : start + count]

    def skip(self, count: int) -> None:
        """Take some of those that `peek` showed."""
        deque(islice(self._block, count), maxlen=0)

    def close(self) -> None:
        """Rewind the stream over the deviates that nobody took."""
        left = length_hint(self._block)
        if left:
            self._stream.restore(self._state)
            self._stream.take(self._size - left)


class GaussianDeviates:
    """Normal deviates of mean 0 and variance 1 by the polar Box-Muller method, two from each accepted pair.

    Args:
        uniform: gives the next uniform deviate.
        fma: form v1² + v2² with one rounding, as a build with fused multiply-add does.
    """

    __slots__ = ("_fma", "_saved", "_uniform")

    def __init__(self, uniform: Callable[[], float], *, fma: bool = False) -> None:
        self._uniform = uniform
        self._fma = fma
        self._saved: float | None = None

    def draw(self) -> float:
        """The next deviate, a float32 value as a Python float."""
        if self._saved is not None:
            saved, self._saved = self._saved, None
            return saved
        while True:
            v1 = float32(2.0 * self._uniform() - 1.0)
            v2 = float32(2.0 * self._uniform() - 1.0)
            square = float32(v2 * v2)
            r = fma32(v1, v1, square) if self._fma else float32(float32(v1 * v1) + square)
            if 0.0 < r < 1.0:
                break
        factor = float32(math.sqrt(-2.0 * math.log(r) / r))
        self._saved = float32(v1 * factor)
        return float32(v2 * factor)


def rotation_draws(stream: UniformStream, count: int) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """The random part of `count` random rotations: three deviates each, in order.

    Returns:
        Axes, shape (count, 3), float64 unit vectors; and the angles as fractions of the cap, shape (count,), float32:
        the rotation angle is `float32(cap) * fraction` in single precision (section 6.4).
    """
    r1, r2, r3 = 2.0 * stream.take(3 * count).astype(np.float64).reshape(count, 3).T - 1.0
    axes = np.empty((count, 3))
    fractions = np.empty(count, dtype=np.float32)
    for i in range(count):
        # Scalars, because vector code of numpy may differ from the C library in the last bit.
        radius = math.sqrt(1.0 - r2[i] * r2[i])
        axes[i] = radius * math.sin(math.pi * r1[i]), radius * math.cos(math.pi * r1[i]), r2[i]
        fractions[i] = np.float32(1.0 - r3[i] * r3[i]) ** np.float32(1.0 / 3.0)
    return axes, fractions
