"""What the report shows of a data set, gathered while its records are written: memory does not grow with the images."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import numpy as np

from detloop.detections import ImageDetections
from detloop.records.boxes import WantedBoxes
from detloop.records.report.choices import ScoreRules
from detloop.records.report.counts import Counts, WrittenImages
from detloop.records.report.uncertain import LabelledImage, LeastCertain, box_doubts
from detloop.records.split import TRAIN, VALID

PICTURES = 24
CHUNK_IMAGES = 512
"""Images are kept until so many can be counted at once, which costs a fraction of counting each by itself."""


class DatasetStatistics:
    """Counts of the boxes in the table and of what was written of them, and the images with the least certain labels.

    Every part of a data set may be gathered by itself, in any process, and merged in any order.
    """

    def __init__(self, classes: Sequence[str], rules: ScoreRules) -> None:
        """Nothing gathered yet.

        Args:
            classes: the classes wanted, in the order of their ids from 1.
            rules: what is learned; a box that was written with a score not above its threshold is an ignored one.
        """
        self.classes = tuple(classes)
        self.rules = rules
        self._id_of_name = {name: class_id for class_id, name in enumerate(self.classes, start=1)}
        self._thresholds = np.array([rules.thresholds.get(name, 0.0) for name in self.classes])
        self._has_threshold = np.array([name in rules.thresholds for name in self.classes])
        self._counts = Counts.zero(len(self.classes))
        self._uncertain = LeastCertain(PICTURES)
        self._smallest_wh: tuple[int, int] | None = None
        self._largest_wh: tuple[int, int] | None = None
        self._seen: list[ImageDetections] = []
        self._written: list[tuple[str, ImageDetections, WantedBoxes]] = []

    def seeing(self, images: Iterable[ImageDetections]) -> Iterator[ImageDetections]:
        """The images of the table, as they are, with the scores of all their boxes of a wanted class counted."""
        for image in images:
            self._seen.append(image)
            if len(self._seen) >= CHUNK_IMAGES:
                self._count_seen()
            yield image

    def write(self, side: str, image: ImageDetections, boxes: WantedBoxes) -> None:
        """Takes in an image that was written, TRAIN or VALID."""
        self._written.append((side, image, boxes))
        if len(self._written) >= CHUNK_IMAGES:
            self._count_written()

    def merge(self, other: "DatasetStatistics") -> None:
        """Takes in what was gathered of another part of the same data set."""
        self._counts.merge(other.counts)
        self._uncertain.merge(other._uncertain)
        for size_wh in (other._smallest_wh, other._largest_wh):
            if size_wh is not None:
                self._see_size(size_wh)

    @property
    def counts(self) -> Counts:
        """All that was counted."""
        self._count_seen()
        self._count_written()
        return self._counts

    @property
    def sizes_wh(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Width and height in pixels of the smallest and of the largest image written, by their area."""
        self._count_written()
        return self._smallest_wh or (0, 0), self._largest_wh or (0, 0)

    def least_certain(self) -> list[LabelledImage]:
        """At most 24 of the images that have labels, the least certain first."""
        self._count_written()
        return self._uncertain.images()

    def is_ignored(self, boxes: WantedBoxes) -> np.ndarray:
        """Which boxes, bool [n], are neither object nor background."""
        classes = np.array(boxes.class_ids, dtype=np.int64) - 1
        return self._are_ignored(classes, np.array(boxes.scores, dtype=np.float64))

    def _are_ignored(self, classes: np.ndarray, scores: np.ndarray) -> np.ndarray:
        return np.asarray(self._has_threshold[classes] & (scores <= self._thresholds[classes]))

    def _count_seen(self) -> None:
        images, self._seen = self._seen, []
        if not images:
            return
        id_of_name = self._id_of_name
        ids = np.array([id_of_name.get(name, 0) for image in images for name in image.class_names], dtype=np.int64)
        scores = np.concatenate([image.scores for image in images])
        wanted = ids > 0
        self._counts.add_scores(ids[wanted] - 1, scores[wanted])

    def _count_written(self) -> None:
        written, self._written = self._written, []
        if not written:
            return
        sizes_wh = np.array([(image.width, image.height) for _, image, _ in written], dtype=np.int64)
        boxes_of_image = [len(boxes.class_ids) for _, _, boxes in written]
        image_of_box = np.repeat(np.arange(len(written)), boxes_of_image)
        classes = _numbers((boxes.class_ids for _, _, boxes in written), np.int64) - 1
        scores = _numbers((boxes.scores for _, _, boxes in written), np.float64)
        edges = np.array(list(chain.from_iterable(boxes.edges for _, _, boxes in written))).reshape(-1, 4)
        ignored = self._are_ignored(classes, scores)
        self._counts.ignored[:] += np.bincount(classes[ignored], minlength=len(self.classes))
        objects = ~ignored
        self._counts.add_images(
            WrittenImages(
                sides=np.array([(TRAIN, VALID).index(side) for side, _, _ in written], dtype=np.int64),
                sizes_wh=sizes_wh,
                image_of_box=image_of_box[objects],
                classes=classes[objects],
                edges=edges[objects],
            )
        )
        doubts = np.bincount(image_of_box, box_doubts(scores, self._thresholds[classes]), minlength=len(written))
        self._uncertain.offer([(image.filename, side, boxes) for side, image, boxes in written], doubts)
        areas = sizes_wh.prod(axis=1)
        for index in (areas.argmin(), areas.argmax()):
            self._see_size((int(sizes_wh[index, 0]), int(sizes_wh[index, 1])))

    def _see_size(self, size_wh: tuple[int, int]) -> None:
        known = [size for size in (self._smallest_wh, self._largest_wh, size_wh) if size is not None]
        self._smallest_wh = min(known, key=_by_area)
        self._largest_wh = max(known, key=_by_area)


def _numbers(values: Iterable[Sequence[float]], kind: type[np.generic]) -> np.ndarray:
    return np.fromiter(chain.from_iterable(values), dtype=kind)


def _by_area(size_wh: tuple[int, int]) -> tuple[int, int]:
    return size_wh[0] * size_wh[1], size_wh[0]
