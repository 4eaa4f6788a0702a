"""The images whose labels are the least certain, found while images stream by."""

import heapq
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from detloop.records.boxes import WantedBoxes

Rank = tuple[float, int, str]
"""An image's doubt, its chance and its name: the higher comes first."""


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
        self._heap: list[tuple[Rank, LabelledImage]] = []

    def offer(self, filenames: Sequence[str], sides: Sequence[str], boxes: WantedBoxes, doubts: np.ndarray) -> None:
        """Keeps those of n images that have labels and are among the least certain.

        Args:
            filenames, sides, boxes: of the images.
            doubts: float [n], the sums of their boxes' doubts.
        """
        least = self._heap[0][0][0] if len(self._heap) == self._count else 0.0
        for row in np.flatnonzero((np.diff(boxes.starts) > 0) & (doubts >= least)).tolist():
            rank = _rank(float(doubts[row]), filenames[row])
            if len(self._heap) < self._count or rank > self._heap[0][0]:
                self._keep(rank, LabelledImage(filenames[row], sides[row], boxes.of_images([row]), rank[0]))

    def merge(self, other: "LeastCertain") -> None:
        """Keeps the least certain of both."""
        for rank, image in other._heap:
            self._keep(rank, image)

    def images(self) -> list[LabelledImage]:
        """The least certain first."""
        return [image for _, image in sorted(self._heap, key=itemgetter(0), reverse=True)]

    def _keep(self, rank: Rank, image: LabelledImage) -> None:
        heapq.heappush(self._heap, (rank, image))
        if len(self._heap) > self._count:
            heapq.heappop(self._heap)


def _rank(doubt: float, filename: str) -> Rank:
    return doubt, zlib.crc32(filename.encode("utf-8", "surrogateescape")), filename
