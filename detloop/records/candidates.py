"""The images that may be written, each with its boxes judged, its group and its side, in the order of their names."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np

from detloop.detections import ImageDetections
from detloop.images import ImageSource
from detloop.progress import Progress
from detloop.records.boxes import judge_boxes
from detloop.records.judged import CHUNK_IMAGES, JudgedImages
from detloop.records.near_duplicates import NearDuplicates, hash_images
from detloop.records.negatives import NegativeQuota
from detloop.records.report import DatasetStatistics
from detloop.records.split import Split
from detloop.records.summary import RecordsTally
from detloop.records.trust import Trust


class Candidate(NamedTuple):
    """An image to write, when it can be read: the one in row `row` of those that were judged with it."""

    judged: JudgedImages
    row: int
    filename: str


@dataclass(frozen=True)
class Candidates:
    """How images become candidates; each reading of the table gives the same ones.

    Attributes:
        read_images: starts a reading of all images that may be written.
        split: gives them their groups and sides.
        id_of_name: the classes wanted.
        trust: judges their boxes.
        keep_negatives: whether images without an object may be written.
        near_duplicates: groups that were moved to the other side; None where none were looked for.
        negative_ratio: negatives written for each image with objects, at most; None for all.
    """

    read_images: Callable[[], Iterator[ImageDetections]]
    split: Split
    id_of_name: dict[str, int]
    trust: Trust
    keep_negatives: bool
    near_duplicates: NearDuplicates | None = None
    negative_ratio: float | None = None

    def to_write(self, tally: RecordsTally, progress: Progress, statistics: DatasetStatistics) -> Iterator[Candidate]:
        """The images to write; what is left out is counted, and all that is seen goes into the statistics."""
        quota = self._quota()
        for judged in self._judged():
            tally.see(judged.boxes)
            statistics.see(judged.boxes)
            for row, (side, objects, ignored) in enumerate(_objects_and_ignored(judged)):
                progress.update()
                candidate = Candidate(judged, row, judged.images[row].filename)
                if objects:
                    yield candidate
                elif ignored:
                    tally.leave_out_only_uncertain()
                elif not self.keep_negatives:
                    tally.leave_out_without_boxes()
                elif quota is not None and not quota.keeps(side):
                    tally.leave_out_negative()
                else:
                    yield candidate

    def look_for_near_duplicates(self, source: ImageSource, move: bool) -> NearDuplicates:
        """Hashes every image that may be written.

        Raises:
            DetloopError: all that validate would have to move.
        """
        may_be_written = (
            (image.filename, group, side)
            for judged in self._judged()
            for image, group, (side, objects, ignored) in zip(
                judged.images, judged.groups, _objects_and_ignored(judged), strict=True
            )
            if objects or (self.keep_negatives and not ignored)
        )
        hashed = hash_images(may_be_written, source)
        return hashed.find_and_move() if move else hashed.find()

    def _judged(self) -> Iterator[JudgedImages]:
        images = self.read_images()
        position = 0
        while chunk := list(islice(images, CHUNK_IMAGES)):
            groups = [self.split.group(place, image.filename) for place, image in enumerate(chunk, position)]
            sides = [self.split.side(place, group) for place, group in enumerate(groups, position)]
            if self.near_duplicates is not None:
                sides = list(map(self.near_duplicates.side, groups, sides))
            yield JudgedImages(chunk, groups, sides, judge_boxes(chunk, self.id_of_name, self.trust))
            position += len(chunk)

    def _quota(self) -> NegativeQuota | None:
        if self.negative_ratio is None:
            return None
        with_objects: Counter[str] = Counter()
        negatives: Counter[str] = Counter()
        for judged in self._judged():
            for side, objects, ignored in _objects_and_ignored(judged):
                with_objects[side] += objects > 0
                negatives[side] += not objects and not ignored
        return NegativeQuota(self.negative_ratio, with_objects, negatives)


def _objects_and_ignored(judged: JudgedImages) -> Iterator[tuple[str, int, int]]:
    """The side of each image, how many objects it has and how many boxes to ignore."""
    wanted = judged.boxes.wanted
    objects, ignored = wanted.count_by_image(~wanted.is_ignored), wanted.count_by_image(wanted.is_ignored)
    return zip(judged.sides, objects.tolist(), ignored.tolist(), strict=True)


def counted_boxes(
    images: Iterable[ImageDetections], id_of_name: dict[str, int], trust: Trust
) -> Iterator[ImageDetections]:
    """The images with the boxes alone that are wanted and not dropped for their score."""
    for image in images:
        is_known = np.array([name in id_of_name for name in image.class_names], dtype=bool)
        is_object, is_ignored = trust.judge(image.class_names, image.scores)
        yield image.chosen(is_known & (is_object | is_ignored))
