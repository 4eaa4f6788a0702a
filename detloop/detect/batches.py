"""Decoded images gathered into batches of one size, each of which the model runs at once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

MOST_BATCH_BYTES = 128 * 2**20
"""Pixels of one batch; images so large that this cuts the batch gain nothing from a larger one."""

MOST_WAITING_BYTES = 256 * 2**20
"""Pixels that wait for more images of their size."""

LOOK_AHEAD_BATCHES = 4
"""An image waits for others of its size during at most this many batches' images."""


@dataclass(frozen=True)
class ReadImage:
    """An image of the source.

    Attributes:
        position: its place in the source's order, from 0.
        name: its name in the source.
        pixels: uint8 [height, width, 3]; None when the image could not be read.
        error: why it could not be read; empty when it could.
    """

    position: int
    name: str
    pixels: np.ndarray | None
    error: str = ""


@dataclass(frozen=True)
class Batch:
    """Images of one size, or one image that could not be read.

    `leaves_none_waiting` says that with this batch every image taken so far is in a batch: a run that starts behind it
    makes the same batches from there on as one that goes through. This matters because a score's last digits may
    depend on the batch its image was in.
    """

    images: list[ReadImage]
    leaves_none_waiting: bool


def gather_batches(images: Iterable[ReadImage], batch_size: int) -> Iterator[Batch]:
    """Batches of at most `batch_size` images of one size, in the order in which they fill.

    Images of mixed sizes wait for others of their size, within the limits of this module's constants, so that
    alternating sizes still make full batches.
    """
    waiting: dict[tuple[int, ...], list[ReadImage]] = {}
    taken = waiting_bytes = 0
    for image in images:
        taken += 1
        if image.pixels is None:
            yield Batch([image], leaves_none_waiting=not waiting)
        else:
            shape, size_bytes = image.pixels.shape, image.pixels.nbytes
            same_size = waiting.setdefault(shape, [])
            same_size.append(image)
            waiting_bytes += size_bytes
            if len(same_size) >= batch_size or len(same_size) * size_bytes >= MOST_BATCH_BYTES:
                waiting_bytes -= len(same_size) * size_bytes
                del waiting[shape]
                yield Batch(same_size, leaves_none_waiting=not waiting)
        if taken >= LOOK_AHEAD_BATCHES * batch_size or waiting_bytes >= MOST_WAITING_BYTES:
            yield from _all_waiting(waiting)
            waiting_bytes = 0
        if not waiting:
            taken = 0
    yield from _all_waiting(waiting)


def _all_waiting(waiting: dict[tuple[int, ...], list[ReadImage]]) -> Iterator[Batch]:
    while waiting:
        oldest = next(iter(waiting))
        same_size = waiting.pop(oldest)
        yield Batch(same_size, leaves_none_waiting=not waiting)
