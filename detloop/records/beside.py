"""Work done by a thread beside the caller, its results given back in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

CHUNK, CHUNKS_WAITING = 16, 2
Item = TypeVar("Item")
Result = TypeVar("Result")


def done_beside(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """function(item) for every item, one after the other in their order, while the caller takes earlier results.

    The thread is handed CHUNK items at a time, since handing over costs about as much as a small item's work; at most
    CHUNK * (CHUNKS_WAITING + 1) items wait in memory. What the function raises is raised here, in its chunk's turn.
    """

    def work(chunk: list[Item]) -> list[Result]:
        return [function(item) for item in chunk]

    iterator = iter(items)
    waiting: deque[Future[list[Result]]] = deque()
    with ThreadPoolExecutor(1) as pool:
        try:
            while chunk := list(islice(iterator, CHUNK)):
                waiting.append(pool.submit(work, chunk))
                if len(waiting) > CHUNKS_WAITING:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
