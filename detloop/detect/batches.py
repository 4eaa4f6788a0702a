"""Views of decoded images gathered into batches of one size, each of which the model runs at once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from detloop.detect.views import View, ViewOptions, copy_pixels, views_of

MOST_BATCH_BYTES = 128 * 2**20
"""Pixels of one batch; views so large that this cuts the batch gain nothing from a larger one."""

MOST_WAITING_BYTES = 256 * 2**20
"""Pixels of images that have a view waiting for more views of its size."""


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
    """Views of one size, each with its image; or one image that could not be read, and no view.

    `leaves_none_waiting` says that with this batch every view of every image taken so far is in a batch: a run that
    starts behind it makes the same batches from there on as one that goes through. This matters because a score's last
    digits may depend on the batch its view was in.
    """

    images: list[ReadImage]
    views: list[View]
    leaves_none_waiting: bool

    def pixels(self) -> np.ndarray:
        """The views' pixels: uint8 [n, height, width, 3]."""
        batch = np.empty((len(self.views), self.views[0].height, self.views[0].width, 3), np.uint8)
        for image, view, into in zip(self.images, self.views, batch, strict=True):
            if image.pixels is not None:
                copy_pixels(image.pixels, view, into)
        return batch


def gather_batches(
    images: Iterable[ReadImage], batch_size: int, options: ViewOptions, block_images: int
) -> Iterator[Batch]:
    """Batches of at most `batch_size` views of one size, in the order in which they fill.

    Views of mixed sizes wait for others of their size, of the same image or a later one of its block and within the
    limits of this module's constants, so that alternating sizes still make full batches. A block is so many images,
    counted from the source's first: the batches of a source that begins with a later block are the same.
    """
    waiting: _Waiting = {}
    for image in images:
        if image.pixels is None:
            yield Batch([image], [], leaves_none_waiting=not waiting)
        else:
            yield from _full_batches(waiting, image, image.pixels.shape, batch_size, options)
        if (image.position + 1) % block_images == 0 or _held_bytes(waiting) >= MOST_WAITING_BYTES:
            yield from _all_waiting(waiting)
    yield from _all_waiting(waiting)


_Waiting = dict[tuple[int, int], list[tuple[ReadImage, View]]]
"""Views that wait for others of their width and height, each with its image; the size that waits longest is first."""


def _full_batches(
    waiting: _Waiting, image: ReadImage, shape: tuple[int, ...], batch_size: int, options: ViewOptions
) -> Iterator[Batch]:
    """The batches that an image's views fill; the views behind them wait."""
    views = views_of((shape[1], shape[0]), options)
    for view in views:
        same_size = waiting.setdefault((view.width, view.height), [])
        same_size.append((image, view))
        if len(same_size) >= batch_size or len(same_size) * view.area * 3 >= MOST_BATCH_BYTES:
            del waiting[view.width, view.height]
            yield _batch(same_size, leaves_none_waiting=not waiting and view is views[-1])


def _held_bytes(waiting: _Waiting) -> int:
    """Pixels that are kept in memory for the views that wait: those of their whole images."""
    size_of_image = {
        image.position: image.pixels.nbytes
        for same_size in waiting.values()
        for image, _ in same_size
        if image.pixels is not None
    }
    return sum(size_of_image.values())


def _all_waiting(waiting: _Waiting) -> Iterator[Batch]:
    while waiting:
        oldest = next(iter(waiting))
        same_size = waiting.pop(oldest)
        yield _batch(same_size, leaves_none_waiting=not waiting)


def _batch(of_one_size: list[tuple[ReadImage, View]], leaves_none_waiting: bool) -> Batch:
    images, views = zip(*of_one_size, strict=True)
    return Batch(list(images), list(views), leaves_none_waiting)
