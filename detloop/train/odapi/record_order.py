"""The order in which a training reads records: places in files, which take no memory to shuffle or to wait."""

import random
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from detloop.examples import RecordPlace, record_places

FilePlace = tuple[int, int, int]
"""A record's file (its index), and its data's offset and size in bytes."""


def endless_places(files: list[Path], at_once: int, seed: int | None) -> Iterator[FilePlace]:
    """The places of all records, time after time: a record of each of `at_once` files in turn.

    Args:
        seed: puts the files into a new order each time; None leaves them as they are.

    Raises:
        DetloopError: a file is damaged.
    """
    order, rng = list(range(len(files))), random.Random(seed)  # noqa: S311
    while True:
        if seed is not None:
            rng.shuffle(order)
        yield from _places_in_turn(files, order, at_once)


def _places_in_turn(files: list[Path], order: list[int], at_once: int) -> Iterator[FilePlace]:
    waiting = deque(order)
    reading: deque[tuple[int, Iterator[RecordPlace]]] = deque()
    while waiting or reading:
        while waiting and len(reading) < at_once:
            index = waiting.popleft()
            reading.append((index, record_places(files[index])))
        index, places = reading.popleft()
        place = next(places, None)
        if place is not None:
            yield (index, *place)
            reading.append((index, places))
