"""The images whose labels are the least certain, found while images stream by."""

import heapq
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detloop.records.boxes import WantedBoxes


@dataclass(frozen=True)
class LabelledImage:
    """An image that was written, with its labels and how uncertain they are.

    Attributes:
        filename, side: its name, and train or valid.
        boxes: its labels.
        doubt: sum of its boxes' doubts.
    """

    filename: str
    side: str
    boxes: WantedBoxes
    doubt: float


def box_doubts(scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """How uncertain boxes are: 1 at the threshold and below it, 0 at a score of 1, a parabola between.

    The square makes one box just above its threshold count more than several that are nearly sure, so that images come
    first in which a slightly other threshold gives other labels.

    Args:
        scores, thresholds: float [n]; the threshold of a class that has none is 0.
    """
    return np.asarray(((1 - scores) / (1 - thresholds)).clip(0, 1) ** 2)


class LeastCertain:
    """The images with the largest sums of doubt; where sums are equal, such as all 0, chance decides.

    Chance is the CRC-32 of the name: the same images are chosen on every machine and in whatever order they come.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._heap: list[tuple[float, int, str, LabelledImage]] = []

    def offer(self, images: Sequence[tuple[str, str, WantedBoxes]], doubts: np.ndarray) -> None:
        """Keeps those images, as name, side and boxes, of n that are among the least certain; `doubts` is float [n]."""
        for index in np.flatnonzero(doubts >= self._least()).tolist():
            filename, side, boxes = images[index]
            if boxes.class_ids:
                self._keep(LabelledImage(filename, side, boxes, float(doubts[index])))

    def merge(self, other: "LeastCertain") -> None:
        """Keeps the least certain of both."""
        for *_, image in other._heap:
            self._keep(image)

    def images(self) -> list[LabelledImage]:
        """The least certain first."""
        return [image for *_, image in sorted(self._heap, reverse=True)]

    def _least(self) -> float:
        return self._heap[0][0] if len(self._heap) == self._count else 0.0

    def _keep(self, image: LabelledImage) -> None:
        chance = zlib.crc32(image.filename.encode("utf-8", "surrogateescape"))
        entry = (image.doubt, chance, image.filename, image)
        if len(self._heap) < self._count:
            heapq.heappush(self._heap, entry)
        elif entry[:3] > self._heap[0][:3]:
            heapq.heapreplace(self._heap, entry)
