"""Work done by a thread beside the caller, its results given back in order."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from detloop.ahead import map_ahead

CHUNK, CHUNKS_AHEAD = 16, 3

Item = TypeVar("Item")
Result = TypeVar("Result")


def done_beside(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """function(item) for every item, one after the other in their order, while the caller takes earlier results.

    The thread is handed CHUNK items at a time, since handing over costs about as much as a small item's work; at most
    CHUNK * CHUNKS_AHEAD items wait in memory. What the function raises is raised here, in its chunk's turn.
    """
    iterator = iter(items)
    chunks = iter(lambda: list(islice(iterator, CHUNK)), [])
    for results in map_ahead(lambda chunk: [function(item) for item in chunk], chunks, threads=1, ahead=CHUNKS_AHEAD):
        yield from results
