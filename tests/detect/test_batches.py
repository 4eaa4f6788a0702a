"""How images are gathered into batches, and work is done ahead of its turn."""

import threading
import time
from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detloop.ahead import map_ahead
from detloop.detect.batches import (
    MOST_BATCH_BYTES,
    MOST_WAITING_BYTES,
    Batch,
    ReadImage,
    gather_batches,
)
from detloop.detect.views import View, ViewOptions, views_of
from detloop.shard import BATCHES_A_BLOCK

UNREADABLE = 0
ONCE = ViewOptions()
MANY_VIEWS = ViewOptions((3, 2), overlap=0, flip=True, scales=(1.0, 2.0))


def read_images(heights: list[int], first: int = 0) -> Iterator[ReadImage]:
    for position, height in enumerate(heights, start=first):
        pixels = np.zeros((height, 4, 3), np.uint8) if height != UNREADABLE else None
        yield ReadImage(position, f"{position}.png", pixels)


def gathered(images: Iterable[ReadImage], batch_size: int, options: ViewOptions) -> Iterator[Batch]:
    """Batches of blocks of the usual length."""
    return gather_batches(images, batch_size, options, BATCHES_A_BLOCK * batch_size)


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
    assert positions(list(gathered(read_images(heights), 2, ONCE))) == expected


@given(heights=st.lists(st.integers(0, 3), max_size=80), batch_size=st.integers(1, 5))
def test_every_image_is_in_one_batch_of_its_size_and_waits_within_bounds(heights: list[int], batch_size: int) -> None:
    taken = 0

    def images() -> Iterator[ReadImage]:
        nonlocal taken
        for image in read_images(heights):
            taken += 1
            yield image

    seen: list[int] = []
    for batch in gathered(images(), batch_size, ONCE):
        assert 1 <= len(batch.images) <= batch_size
        assert len({heights[image.position] for image in batch.images}) == 1
        assert taken - min(image.position for image in batch.images) <= BATCHES_A_BLOCK * batch_size
        seen += [image.position for image in batch.images]
    assert sorted(seen) == list(range(len(heights)))


@given(heights=st.lists(st.integers(0, 5), max_size=40), batch_size=st.integers(1, 5))
def test_every_view_is_in_one_batch_of_its_size(heights: list[int], batch_size: int) -> None:
    seen: dict[int, list[View]] = {}
    for batch in gathered(read_images(heights), batch_size, MANY_VIEWS):
        assert len(batch.views) <= batch_size
        assert len({(view.width, view.height) for view in batch.views}) <= 1
        for image, view in zip(batch.images, batch.views, strict=bool(batch.views)):
            seen.setdefault(image.position, []).append(view)
    expected = {position: views_of((4, height), MANY_VIEWS) for position, height in enumerate(heights) if height}
    assert {position: set(views) for position, views in seen.items()} == {
        position: set(views) for position, views in expected.items()
    }
    assert sum(map(len, seen.values())) == sum(map(len, expected.values()))


def test_views_of_several_images_share_a_batch_and_whole_frames_wait_for_each_other() -> None:
    batches = list(gathered(read_images([4] * 8), 4, ViewOptions((2, 4), overlap=0.5)))
    assert [len(batch.views) for batch in batches] == [4] * 8
    assert [len(set(positions([batch])[0])) for batch in batches if batch.views[0].width == 4] == [4, 4]
    assert [batch.leaves_none_waiting for batch in batches] == [False] * 3 + [True] + [False] * 3 + [True]


@pytest.mark.parametrize("options", [ONCE, MANY_VIEWS])
@given(heights=st.lists(st.integers(0, 3), min_size=1, max_size=60), batch_size=st.integers(1, 5))
def test_a_run_that_starts_where_none_waits_makes_the_same_batches(
    options: ViewOptions, heights: list[int], batch_size: int
) -> None:
    whole = list(gathered(read_images(heights), batch_size, options))
    assert whole[-1].leaves_none_waiting
    done: set[int] = set()
    for index, batch in enumerate(whole):
        done |= {image.position for image in batch.images}
        if batch.leaves_none_waiting:
            assert done == set(range(len(done)))
            rest = gathered(read_images(heights[len(done) :], first=len(done)), batch_size, options)
            assert contents(rest) == contents(whole[index + 1 :])


def contents(batches: Iterable[Batch]) -> list[tuple[list[int], list[View]]]:
    return [([image.position for image in batch.images], batch.views) for batch in batches]


def test_views_that_wait_hold_images_within_bounds() -> None:
    pixels = np.zeros((MOST_WAITING_BYTES // 3 // 3, 3, 3), np.uint8)
    held = 0

    def images() -> Iterator[ReadImage]:
        nonlocal held
        for position in range(12):
            held += 1
            yield ReadImage(position, "", pixels)

    for batch in gathered(images(), 8, ViewOptions((2, 4 * len(pixels)), overlap=0.5)):
        assert held <= 4
        if batch.leaves_none_waiting:
            held = 0
    assert held == 0


def test_a_batch_holds_the_pixels_of_its_views() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8)
    images = [ReadImage(position, "", each) for position, each in enumerate(pixels)]
    batches = list(gathered(images, 8, ViewOptions((2, 4), overlap=0, flip=True)))
    expected = [view for each in pixels for left in (each[:, :2], each[:, 2:]) for view in (left, left[:, ::-1])]
    tiles = next(batch for batch in batches if batch.views[0].width == 2)
    assert sorted(map(np.ndarray.tobytes, tiles.pixels())) == sorted(map(np.ndarray.tobytes, expected))


def test_large_images_make_small_batches() -> None:
    pixels = np.zeros((MOST_BATCH_BYTES // 2 // 3, 1, 3), np.uint8)
    images = (ReadImage(position, "", pixels) for position in range(6))
    assert positions(list(gathered(images, 8, ONCE))) == [[0, 1, 2], [3, 4, 5]]


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


@given(heights=st.lists(st.integers(0, 3), max_size=60), batch_size=st.integers(1, 4), blocks=st.integers(0, 4))
def test_the_batches_from_a_later_block_on_are_those_of_the_whole(
    heights: list[int], batch_size: int, blocks: int
) -> None:
    first = blocks * BATCHES_A_BLOCK * batch_size
    whole = positions(list(gathered(read_images(heights), batch_size, MANY_VIEWS)))
    rest = positions(list(gathered(read_images(heights[first:]), batch_size, MANY_VIEWS)))
    assert [[first + position for position in batch] for batch in rest] == [b for b in whole if b[0] >= first]
