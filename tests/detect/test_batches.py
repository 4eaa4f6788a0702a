"""How images are gathered into batches, and work is done ahead of its turn."""

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detloop.ahead import map_ahead
from detloop.detect.batches import LOOK_AHEAD_BATCHES, MOST_BATCH_BYTES, Batch, ReadImage, gather_batches

UNREADABLE = 0


def read_images(heights: list[int], first: int = 0) -> Iterator[ReadImage]:
    for position, height in enumerate(heights, start=first):
        pixels = np.zeros((height, 4, 3), np.uint8) if height != UNREADABLE else None
        yield ReadImage(position, f"{position}.png", pixels)


def positions(batches: list[Batch]) -> list[list[int]]:
    return [[image.position for image in batch.images] for batch in batches]


@pytest.mark.parametrize(
    ("heights", "expected"),
    [
        ([], []),
        ([1, 1, 1, 1, 1], [[0, 1], [2, 3], [4]]),
        ([1, 2, 1, 2, 1], [[0, 2], [1, 3], [4]]),
        ([1, UNREADABLE, 1, 1], [[1], [0, 2], [3]]),
        ([1, 2, 3, 4, 5, 6, 7, 8], [[0], [1], [2], [3], [4], [5], [6], [7]]),
        # the lone first image waits for look-ahead, not for ever
        ([9, *[1] * 10], [[1, 2], [3, 4], [5, 6], [0], [7], [8, 9], [10]]),
        ([1, *[UNREADABLE] * 9], [[1], [2], [3], [4], [5], [6], [7], [0], [8], [9]]),
    ],
)
def test_images_of_one_size_share_a_batch(heights: list[int], expected: list[list[int]]) -> None:
    assert positions(list(gather_batches(read_images(heights), batch_size=2))) == expected


@given(heights=st.lists(st.integers(0, 3), max_size=80), batch_size=st.integers(1, 5))
def test_every_image_is_in_one_batch_of_its_size_and_waits_within_bounds(heights: list[int], batch_size: int) -> None:
    taken = 0

    def images() -> Iterator[ReadImage]:
        nonlocal taken
        for image in read_images(heights):
            taken += 1
            yield image

    seen: list[int] = []
    for batch in gather_batches(images(), batch_size):
        assert 1 <= len(batch.images) <= batch_size
        assert len({heights[image.position] for image in batch.images}) == 1
        assert taken - min(image.position for image in batch.images) <= LOOK_AHEAD_BATCHES * batch_size
        seen += [image.position for image in batch.images]
    assert sorted(seen) == list(range(len(heights)))


@given(heights=st.lists(st.integers(0, 3), min_size=1, max_size=80), batch_size=st.integers(1, 5))
def test_a_run_that_starts_where_none_waits_makes_the_same_batches(heights: list[int], batch_size: int) -> None:
    whole = list(gather_batches(read_images(heights), batch_size))
    assert whole[-1].leaves_none_waiting
    done = 0
    for index, batch in enumerate(whole):
        done += len(batch.images)
        if batch.leaves_none_waiting:
            rest = gather_batches(read_images(heights[done:], first=done), batch_size)
            assert positions(list(rest)) == positions(whole[index + 1 :])


def test_large_images_make_small_batches() -> None:
    pixels = np.zeros((MOST_BATCH_BYTES // 2 // 3, 1, 3), np.uint8)
    images = (ReadImage(position, "", pixels) for position in range(6))
    assert positions(list(gather_batches(images, batch_size=8))) == [[0, 1, 2], [3, 4, 5]]


def test_work_ahead_comes_in_order_by_several_threads_and_within_bounds() -> None:
    under_way: set[int] = set()
    most_under_way, threads = 0, set()

    def work(number: int) -> int:
        threads.add(threading.get_ident())
        time.sleep(0.002 * (number % 3))
        return number * number

    def numbers() -> Iterator[int]:
        nonlocal most_under_way
        for number in range(40):
            under_way.add(number)
            most_under_way = max(most_under_way, len(under_way))
            yield number

    results = []
    for number, result in enumerate(map_ahead(work, numbers(), threads=3, ahead=5)):
        under_way.discard(number)
        results.append(result)
    assert results == [number * number for number in range(40)]
    assert most_under_way == 5
    assert len(threads) == 3


def test_an_error_is_raised_in_its_turn() -> None:
    results = map_ahead(lambda number: 6 // (3 - number), range(6), threads=2, ahead=4)
    assert [next(results) for _ in range(3)] == [2, 3, 6]
    with pytest.raises(ZeroDivisionError):
        next(results)
