from __future__ import annotations

import itertools
import math
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from braggtrace.errors import UsageError
from braggtrace.simulate.random import (
    GaussianDeviates,
    Lookahead,
    ShuffleTable,
    UniformStream,
    rotation_draws,
)
from braggtrace.simulate.single import float32, fma32, fma64
from tests.golden_case import GoldenCase

Matrices = NDArray[np.float64]
RTD = 180.0 * (1.0 / math.pi)


def schrage(seed: int, count: int) -> list[float]:
    """The generator as published, one step after the other."""
    table, state = [0] * 32, max(1, -seed)
    last = 0

    def step(state: int) -> int:
        quotient = state // 127773
        state = 16807 * (state - quotient * 127773) - 2836 * quotient
        return state + 2147483647 if state < 0 else state

    for j in range(39, -1, -1):
        state = step(state)
        if j < 32:
            table[j] = state
    last = table[0]
    values = []
    for _ in range(count):
        state = step(state)
        j = last // 67108864
        last, table[j] = table[j], state
        values.append(min(float(np.float32(last * (1.0 / 2147483647))), float(np.float32(1.0 - 1.2e-7))))
    return values


@pytest.mark.parametrize(
    ("seed", "expected"),
    [
        (
            -12345678,
            [
                0.7659893035888672,
                0.023453664034605026,
                0.5897266268730164,
                0.535101592540741,
                0.9822314381599426,
                0.6930161118507385,
            ],
        ),
        (-1, [0.4159993529319763, 0.09196489304304123, 0.7564104795455933, 0.5297002196311951]),
    ],
)
def test_first_draws(seed: int, expected: list[float]) -> None:
    """The first draws are those of the reference's test vectors, to the last bit."""
    assert UniformStream(seed).take(len(expected)).tolist() == expected


@given(seed=st.integers(-(2**31) + 2, -1), count=st.integers(0, 300))
def test_blocks_equal_the_published_recurrence(seed: int, count: int) -> None:
    """The vectorised generator gives what Schrage's recurrence gives step by step."""
    assert UniformStream(seed).take(count).tolist() == schrage(seed, count)


def test_long_streams_cross_blocks() -> None:
    """More draws than one block equal the recurrence, whatever the pieces they are drawn in."""
    whole = schrage(-4242, 70000)
    stream = UniformStream(-4242)
    pieces = [*stream.take(3), *stream.take(69000), stream.draw(), *stream.take(996)]
    assert [float(u) for u in pieces] == whole


def test_negative_seeds_start_anew_and_positive_ones_go_on() -> None:
    """A seed ≤ 0 is independent of earlier streams; a positive seed uses the table that they left."""
    table = ShuffleTable()
    UniformStream(-77, table).take(5)
    assert UniformStream(-1, table).take(4).tolist() == UniformStream(-1).take(4).tolist()
    left, last = list(table.values), table.last
    went_on = UniformStream(1, table).take(4).tolist()
    assert went_on != UniformStream(-1).take(4).tolist()
    slot = last // 67108864
    assert went_on[0] == float(np.float32(left[slot] * (1.0 / 2147483647)))


def test_positive_seed_without_earlier_draws_becomes_one() -> None:
    """Without any draw before it, a positive seed fills the table from 1."""
    assert UniformStream(12345).take(4).tolist() == UniformStream(-1).take(4).tolist()


def test_seed_of_the_modulus_falls_back() -> None:
    """The one seed whose recurrence sticks at 0 gives one 0 and then starts anew."""
    values = UniformStream(-(2**31 - 1)).take(3).tolist()
    assert values == [0.0, *UniformStream(-1).take(2).tolist()]


def test_seed_out_of_range() -> None:
    """A seed that is no 32-bit integer is refused."""
    with pytest.raises(UsageError, match="32-bit integer, got 2147483648"):
        UniformStream(2**31)


@given(st.integers(0, 40))
def test_lookahead_leaves_the_stream_behind_the_last_draw(taken: int) -> None:
    """After closing, the stream goes on where the consumer stopped."""
    stream = UniformStream(-5)
    ahead = Lookahead(stream, size=16)
    drawn = [ahead.next() for _ in range(taken)]
    ahead.close()
    assert drawn + stream.take(3).tolist() == UniformStream(-5).take(taken + 3).tolist()


def test_gaussian_returns_the_second_of_a_pair_first() -> None:
    """Both deviates of a pair lie on the ray of the uniform pair, the second one first."""
    u = [0.7, 0.9]
    deviates = GaussianDeviates(itertools.cycle(u).__next__)
    second, first = deviates.draw(), deviates.draw()
    assert second / first == pytest.approx((2 * 0.9 - 1) / (2 * 0.7 - 1), rel=1e-6)
    rejected = GaussianDeviates(iter([0.999, 0.999, *u]).__next__)
    assert rejected.draw() == second


def test_gaussian_statistics() -> None:
    """The deviates have mean 0 and variance 1."""
    ahead = Lookahead(UniformStream(-9))
    deviates = GaussianDeviates(ahead.next)
    sample = np.array([deviates.draw() for _ in range(20000)])
    assert abs(sample.mean()) < 0.03
    assert abs(sample.var() - 1.0) < 0.05


def random_rotations(stream: UniformStream, count: int, cap_rad: float) -> Matrices:
    """Rotations about the drawn axes in plain double precision, shape (count, 3, 3)."""
    axes, fractions = rotation_draws(stream, count)
    matrices = []
    for (x, y, z), fraction in zip(axes.tolist(), fractions, strict=True):
        angle = float(np.float32(cap_rad) * fraction)
        sin, cos = math.sin(angle), math.cos(angle)
        t = 1.0 - cos
        matrices.append(
            [
                [t * x * x + cos, t * x * y - z * sin, t * x * z + y * sin],
                [t * x * y + z * sin, t * y * y + cos, t * y * z - x * sin],
                [t * x * z - y * sin, t * y * z + x * sin, t * z * z + cos],
            ]
        )
    return np.array(matrices)


def golden_mosaic(case: GoldenCase) -> Matrices:
    """The mosaic matrices of a trace, shape (n, 3, 3)."""
    rows = [re.findall(r"u\d\d=(\S+)", line) for line in case.lines if line.startswith("TRACE_C_MOSAIC")]
    return np.array(rows, dtype=np.float64).reshape(-1, 3, 3)


@pytest.mark.parametrize(
    ("name", "seed"), [("mosaic-seed", -42), ("mosaic-default-seed", -12345678), ("mosaic-auto-domains", -12345678)]
)
def test_mosaic_domains(golden: Path, name: str, seed: int) -> None:
    """The mosaic rotations of the C program, to the last bit."""
    case = GoldenCase(golden / name)
    expected = golden_mosaic(case)
    domains = random_rotations(UniformStream(seed), len(expected), case.number("mosaic_spread_deg") / RTD)
    np.testing.assert_array_equal(domains[1:], expected[1:])


def test_mosaic_test_vector() -> None:
    """Domain 1 of the reference's test vector; its program was built with fused multiply-add, hence the tolerance."""
    domain = random_rotations(UniformStream(-12345678), 2, 1.0 / RTD)[1]
    expected = [0.9998636859219358, -0.01594877166007503, 0.004271563781034543]
    np.testing.assert_allclose(domain[0], expected, rtol=1e-14)


def test_random_misset(golden: Path) -> None:
    """The angles of a random orientation, whose cap is 90 radians."""
    case = GoldenCase(golden / "misset-random")
    (u,) = random_rotations(UniformStream(-1234), 1, 90.0)
    u = u / np.linalg.norm(u, axis=1, keepdims=True)
    angles = [
        math.atan2(u[2, 1], u[2, 2]),
        math.atan2(-u[2, 0], math.hypot(u[2, 1], u[2, 2])),
        math.atan2(u[1, 0], u[0, 0]),
    ]
    expected = [case.number(f"misset_{axis}_deg") for axis in "xyz"]
    np.testing.assert_allclose(np.array(angles) * RTD, expected, rtol=1e-13)


def test_rotation_draws() -> None:
    """Axes are unit vectors, fractions of the cap lie in [0, 1] in single precision, three draws each."""
    stream = UniformStream(-3)
    axes, fractions = rotation_draws(stream, 50)
    np.testing.assert_allclose(np.linalg.norm(axes, axis=1), 1.0, rtol=1e-14)
    assert fractions.dtype == np.float32
    assert ((fractions >= 0) & (fractions <= 1)).all()
    assert stream.draw() == UniformStream(-3).take(151)[150]


SINGLES = st.floats(-(2.0**60), 2.0**60, width=32)


@given(SINGLES, SINGLES, SINGLES)
def test_fma32_rounds_once(a: float, b: float, c: float) -> None:
    """`fma32` is the exact value rounded once to single precision."""
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    below = np.float32(fma32(a, b, c))
    error = abs(Fraction(float(below)) - exact)
    for neighbour in (np.nextafter(below, np.float32(-np.inf)), np.nextafter(below, np.float32(np.inf))):
        other = abs(Fraction(float(neighbour)) - exact)
        assert error < other or (error == other and int(below.view(np.int32)) % 2 == 0)


def test_fma32_is_not_rounded_twice() -> None:
    """A tie of the double result, broken by what double lost, goes to the right side."""
    a, b = 1.0 + 2.0**-12, 1.0 + 2.0**-12
    tie = a * b  # 1 + 2^-11 + 2^-24: halfway between two singles
    assert float32(tie) == 1.0 + 2.0**-11
    assert fma32(a, b, 2.0**-70) == 1.0 + 2.0**-11 + 2.0**-23
    assert fma32(a, b, -(2.0**-70)) == 1.0 + 2.0**-11


@given(*[st.floats(-1e100, 1e100)] * 3)
def test_fma64_rounds_once(a: float, b: float, c: float) -> None:
    """`fma64` is the exact value rounded once, away from underflow."""
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if exact == 0 or any(
        0 < abs(part) < Fraction(2) ** -900 for part in (Fraction(a) * Fraction(b), Fraction(c), exact)
    ):
        return
    assert fma64(a, b, c) == pytest.approx(float(exact), rel=3e-16)
