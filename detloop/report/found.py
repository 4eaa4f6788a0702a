"""What one detector found in its images, counted from its tables as they stream by."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detloop.detections import ImageDetections, ImageRow, read_detections, read_image_rows, scored_above
from detloop.errors import DetloopError
from detloop.progress import Progress


@dataclass(frozen=True)
class Found:
    """The counts of one detector's tables.

    Attributes:
        images: images that were looked at and could be read.
        unreadable: images that could not be read.
        images_with_boxes: images with one box or more.
        boxes_of_class: boxes of each class.
        shown: the detections on the images to show, one entry each, in their order.
    """

    images: int
    unreadable: int
    images_with_boxes: int
    boxes_of_class: dict[str, int]
    shown: tuple[ImageDetections, ...]

    @property
    def boxes(self) -> int:
        return sum(self.boxes_of_class.values())

    @property
    def boxes_per_image(self) -> float:
        return self.boxes / self.images if self.images else 0.0


def images_table(detections: Path) -> Path:
    """The images.csv that `detloop detect` writes beside a detections.csv."""
    return detections.with_name("images.csv")


@dataclass(frozen=True)
class ChosenImages:
    """The images to show, in the order of their names, and how many both detectors could read."""

    rows: tuple[ImageRow, ...]
    common: int


def choose_images(teacher: Path, student: Path, count: int) -> ChosenImages:
    """At most `count` images, evenly spread over those that both detectors could read, the first and last included.

    Args:
        teacher, student: detections.csv, each with its images.csv beside it.

    Raises:
        DetloopError: an images.csv is missing, damaged or not in the order of its names, no image is in both, or one is
            of two sizes.
    """
    common = sum(1 for _ in _common_images(teacher, student))
    if not common:
        raise DetloopError(
            f"{images_table(teacher)} and {images_table(student)} have no readable image in common; both must be made"
            " from the same images"
        )
    wanted = set(np.linspace(0, common - 1, min(count, common)).round().astype(int).tolist())
    rows = tuple(row for index, row in enumerate(_common_images(teacher, student)) if index in wanted)
    return ChosenImages(rows, common)


def count_found(detections: Path, shown: Sequence[ImageRow], threshold: float) -> Found:
    """Counts one detector's boxes that score above the threshold, keeping only those on the images to show.

    Raises:
        DetloopError: a table is missing or damaged, or its detections are on an image of another size.
    """
    readable = unreadable = images_with_boxes = 0
    for row in read_image_rows(images_table(detections)):
        readable += not row.error
        unreadable += bool(row.error)
    rows = {row.filename: row for row in shown}
    kept: dict[str, ImageDetections] = {}
    boxes_of_class: Counter[str] = Counter()
    with Progress("count boxes") as progress:
        for image in (scored_above(each, threshold) for each in read_detections(detections)):
            images_with_boxes += len(image) > 0
            boxes_of_class.update(image.class_names)
            if image.filename in rows:
                kept[image.filename] = image
            progress.update()
    return Found(
        images=readable,
        unreadable=unreadable,
        images_with_boxes=images_with_boxes,
        boxes_of_class=dict(boxes_of_class),
        shown=tuple(kept.get(row.filename) or _without_boxes(row) for row in shown),
    )


def _without_boxes(row: ImageRow) -> ImageDetections:
    return ImageDetections(row.filename, row.width, row.height, [], np.zeros(0), np.zeros((0, 4)))


def _common_images(teacher: Path, student: Path) -> Iterator[ImageRow]:
    """The images that both tables hold and could read: two streams in the order of their names, merged."""
    ours, theirs = _readable_images(images_table(teacher)), _readable_images(images_table(student))
    left, right = next(ours, None), next(theirs, None)
    while left is not None and right is not None:
        if left.filename == right.filename:
            if (left.width, left.height) != (right.width, right.height):
                raise DetloopError(
                    f"{left.filename} is {left.width}x{left.height} in {images_table(teacher)} and"
                    f" {right.width}x{right.height} in {images_table(student)}; both must be made from the same images"
                )
            yield left
            left, right = next(ours, None), next(theirs, None)
        elif left.filename < right.filename:
            left = next(ours, None)
        else:
            right = next(theirs, None)


def _readable_images(path: Path) -> Iterator[ImageRow]:
    previous = ""
    for row in read_image_rows(path):
        if row.filename <= previous:
            raise DetloopError(f"{path}: {row.filename} stands after {previous}; sort it by filename, each name once")
        previous = row.filename
        if not row.error:
            yield row
