"""The images that may be written, each with its boxes judged, its group and its side, in the order of their names."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from detloop.detections import ImageDetections
from detloop.images import ImageSource
from detloop.progress import Progress
from detloop.records.boxes import WantedBoxes, wanted_boxes
from detloop.records.near_duplicates import NearDuplicates, hash_images
from detloop.records.negatives import NegativeQuota
from detloop.records.report import DatasetStatistics
from detloop.records.split import Split
from detloop.records.summary import RecordsTally
from detloop.records.trust import Standing, Trust


class Candidate(NamedTuple):
    """An image to write, when it can be read."""

    image: ImageDetections
    boxes: WantedBoxes
    group: str
    side: str


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
        for candidate in self._judged(statistics.seeing(self.read_images())):
            tally.see(candidate.boxes)
            progress.update()
            if not candidate.boxes and candidate.boxes.ignored:
                tally.leave_out_only_uncertain()
            elif not candidate.boxes and not self.keep_negatives:
                tally.leave_out_without_boxes()
            elif not candidate.boxes and quota is not None and not quota.keeps(candidate.side):
                tally.leave_out_negative()
            else:
                yield candidate

    def look_for_near_duplicates(self, source: ImageSource, move: bool) -> NearDuplicates:
        """Hashes every image that may be written.

        Raises:
            DetloopError: all that validate would have to move.
        """
        may_be_written = (
            (one.image.filename, one.group, one.side)
            for one in self._judged(self.read_images())
            if one.boxes or (self.keep_negatives and not one.boxes.ignored)
        )
        hashed = hash_images(may_be_written, source)
        return hashed.find_and_move() if move else hashed.find()

    def _judged(self, images: Iterable[ImageDetections]) -> Iterator[Candidate]:
        for position, image in enumerate(images):
            group = self.split.group(position, image.filename)
            side = self.split.side(position, group)
            if self.near_duplicates is not None:
                side = self.near_duplicates.side(group, side)
            yield Candidate(image, wanted_boxes(image, self.id_of_name, self.trust), group, side)

    def _quota(self) -> NegativeQuota | None:
        if self.negative_ratio is None:
            return None
        with_objects: Counter[str] = Counter()
        negatives: Counter[str] = Counter()
        for one in self._judged(self.read_images()):
            if one.boxes:
                with_objects[one.side] += 1
            elif not one.boxes.ignored:
                negatives[one.side] += 1
        return NegativeQuota(self.negative_ratio, with_objects, negatives)


def counted_boxes(
    images: Iterable[ImageDetections], id_of_name: dict[str, int], trust: Trust
) -> Iterator[ImageDetections]:
    """The images with the boxes alone that are wanted and not dropped for their score."""
    for image in images:
        kept = [
            name in id_of_name and trust.standing(name, score) is not Standing.DROPPED
            for name, score in zip(image.class_names, image.scores.tolist(), strict=True)
        ]
        names = [name for name, keep in zip(image.class_names, kept, strict=True) if keep]
        yield replace(image, class_names=names, scores=image.scores[kept], boxes_px=image.boxes_px[kept], lines=())
