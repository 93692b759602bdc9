"""Work in pieces on several threads: the same results in the same order, and nothing left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from braggtrace.simulate.workers import in_order


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    """Whatever the machine has."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with torch.inference_mode():
        yield
    torch.set_num_threads(before)


def test_results_come_in_the_order_of_the_pieces() -> None:
    """Also where a later piece is done before an earlier one."""
    second = threading.Event()

    def work(piece: int) -> int:
        if piece == 0:
            assert second.wait(10)  # two pieces are under way at a time
        if piece == 1:
            second.set()
        return -piece

    assert list(in_order(work, range(20))) == [-piece for piece in range(20)]


def test_a_piece_has_one_thread_and_the_callers_settings() -> None:
    """Operations are not shared any further; afterwards torch has as many threads as before."""

    def work(piece: int) -> tuple[int, bool, bool]:
        return torch.get_num_threads(), torch.is_inference_mode_enabled(), torch.is_grad_enabled()

    assert set(in_order(work, range(4))) == {(1, True, False)}
    assert torch.get_num_threads() == 2


def test_pieces_are_taken_as_they_are_needed() -> None:
    """An endless row of them can be stopped."""
    taken: list[int] = []

    def pieces() -> Iterator[int]:
        for number in range(1_000_000):
            taken.append(number)
            yield number

    results = in_order(lambda piece: piece, pieces())
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    assert isinstance(results, Iterator)
    results.close()  # type: ignore[attr-defined]
    assert len(taken) < 10


@pytest.mark.parametrize("kind", [KeyboardInterrupt, ZeroDivisionError])
def test_a_failing_piece_ends_it(kind: type[BaseException]) -> None:
    """Its error reaches the caller, no thread stays, and torch's threads are what they were."""

    def work(piece: int) -> int:
        if piece == 5:
            raise kind
        return piece

    before = threading.active_count()
    with pytest.raises(kind):
        list(in_order(work, range(100)))
    assert threading.active_count() == before
    assert torch.get_num_threads() == 2


def test_gradients_stay_in_the_callers_thread() -> None:
    """Everything is computed where it is asked for."""
    with torch.inference_mode(mode=False), torch.enable_grad():
        assert set(in_order(lambda piece: threading.get_ident(), range(4))) == {threading.get_ident()}
