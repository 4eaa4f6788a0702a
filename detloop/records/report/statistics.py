"""What the report shows of a data set, gathered while its records are written: memory does not grow with the images."""

from collections.abc import Sequence

import numpy as np

from detloop.records.boxes import JudgedBoxes
from detloop.records.judged import JudgedImages
from detloop.records.report.choices import ScoreRules
from detloop.records.report.counts import Counts, WrittenImages
from detloop.records.report.uncertain import LabelledImage, LeastCertain, box_doubts
from detloop.records.split import TRAIN, VALID

PICTURES = 24


class DatasetStatistics:
    """Counts of the boxes in the table and of what was written of them, and the images with the least certain labels.

    Every part of a data set may be gathered by itself, in any process, and merged in any order.
    """

    def __init__(self, classes: Sequence[str], rules: ScoreRules) -> None:
        """Nothing gathered yet.

        Args:
            classes: the classes wanted, in the order of their ids from 1.
            rules: what is learned.
        """
        self.classes = tuple(classes)
        self.rules = rules
        self._thresholds = np.array([rules.thresholds.get(name, 0.0) for name in self.classes])
        self.counts = Counts.zero(len(self.classes))
        self._uncertain = LeastCertain(PICTURES)
        self._smallest_wh: tuple[int, int] | None = None
        self._largest_wh: tuple[int, int] | None = None

    def see(self, boxes: JudgedBoxes) -> None:
        """Counts the scores of all boxes of a wanted class that some images of the table have."""
        self.counts.add_scores(boxes.known_ids - 1, boxes.known_scores)

    def write(self, judged: JudgedImages, rows: Sequence[int]) -> None:
        """Takes in those of the images that were written, by their rows in ascending order."""
        if not rows:
            return
        images, sides = [judged.images[row] for row in rows], [judged.sides[row] for row in rows]
        boxes = judged.boxes.wanted.of_images(rows)
        sizes_wh = np.array([(image.width, image.height) for image in images], dtype=np.int64)
        classes, image_of_box, is_object = boxes.class_ids - 1, boxes.image_of_box, ~boxes.is_ignored
        self.counts.ignored[:] += np.bincount(classes[boxes.is_ignored], minlength=len(self.classes))
        self.counts.add_images(
            WrittenImages(
                sides=np.array([(TRAIN, VALID).index(side) for side in sides], dtype=np.int64),
                sizes_wh=sizes_wh,
                image_of_box=image_of_box[is_object],
                classes=classes[is_object],
                edges=boxes.edges[is_object],
            )
        )
        doubts = np.bincount(image_of_box, box_doubts(boxes.scores, self._thresholds[classes]), minlength=len(images))
        self._uncertain.offer([image.filename for image in images], sides, boxes, doubts)
        by_area = np.lexsort((sizes_wh[:, 0], sizes_wh.prod(axis=1)))
        for width, height in sizes_wh[by_area[[0, -1]]].tolist():
            self._see_size((width, height))

    def merge(self, other: "DatasetStatistics") -> None:
        """Takes in what was gathered of another part of the same data set."""
        self.counts.merge(other.counts)
        self._uncertain.merge(other._uncertain)
        for size_wh in (other._smallest_wh, other._largest_wh):
            if size_wh is not None:
                self._see_size(size_wh)

    @property
    def sizes_wh(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Width and height in pixels of the smallest and of the largest image written, by their area."""
        return self._smallest_wh or (0, 0), self._largest_wh or (0, 0)

    def least_certain(self) -> list[LabelledImage]:
        """At most 24 of the images that have labels, the least certain first."""
        return self._uncertain.images()

    def _see_size(self, size_wh: tuple[int, int]) -> None:
        known = [size for size in (self._smallest_wh, self._largest_wh, size_wh) if size is not None]
        self._smallest_wh = min(known, key=_by_area)
        self._largest_wh = max(known, key=_by_area)


def _by_area(size_wh: tuple[int, int]) -> tuple[int, int]:
    return size_wh[0] * size_wh[1], size_wh[0]
