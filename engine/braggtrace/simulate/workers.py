"""Work in pieces on all threads, a piece on each.

By itself torch shares each single operation among its threads. For pieces that fit the cache the hand-over costs as
much as the operation, and where other programs keep the cores busy it takes many times as long.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

__all__ = ["in_order"]

_Piece = TypeVar("_Piece")
_Result = TypeVar("_Result")


def in_order(work: Callable[[_Piece], _Result], pieces: Iterable[_Piece]) -> Iterator[_Result]:
    """What the work makes of the pieces, in their order, computed on as many threads as torch may use.

    The pieces are taken as they are needed, and at most some of the results wait. Whoever stops asking, or is
    interrupted, waits for the pieces under way only. Gradients know one thread: with them this is `map`.
    """
    threads = torch.get_num_threads()
    if torch.is_grad_enabled():
        yield from map(work, pieces)
        return
    inference = torch.is_inference_mode_enabled()

    def piece_of_work(piece: _Piece) -> _Result:
        with torch.inference_mode(inference), torch.no_grad():  # each thread starts without what the caller has set
            return work(piece)

    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    waiting: deque[Future[_Result]] = deque()
    try:
        for piece in pieces:
            waiting.append(pool.submit(piece_of_work, piece))
            if len(waiting) >= 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)  # for threads that start later
