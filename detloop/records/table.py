"""What is known of the tables before the first image is read: names that may be used, classes, groups."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from detloop.detections import ImageDetections, ImageRow, read_detections, read_image_rows, read_names_and_classes
from detloop.errors import DetloopError
from detloop.images import ImageSource
from detloop.labels import ClassMap
from detloop.records.groups import GroupCheck, Grouping
from detloop.store import check_inside


@dataclass(frozen=True)
class TableSurvey:
    """Boxes of each class, whether the rows are in the order of the names, and the images' number where it is known."""

    boxes_of_class: dict[str, int]
    in_order: bool
    images: int | None

    def renamed(self, class_map: ClassMap) -> "TableSurvey":
        """The same with the classes' new names."""
        boxes_of_class: Counter[str] = Counter()
        for name, boxes in self.boxes_of_class.items():
            boxes_of_class[class_map.new_name(name)] += boxes
        return replace(self, boxes_of_class=dict(boxes_of_class))


def survey_tables(
    detections: Path, images_csv: Path | None, source: ImageSource, grouping: Grouping | None
) -> TableSurvey:
    """Reads names and classes alone, in constant memory.

    Raises:
        DetloopError: the table has no box, a name leaves the image folder, or the groups cannot be told apart.
    """
    boxes_of_class: Counter[str] = Counter()
    check_groups = GroupCheck(grouping)
    images, in_order, previous = 0, True, ""
    for filename, class_name in read_names_and_classes(detections):
        boxes_of_class[class_name] += 1
        if filename == previous:
            continue
        check_inside(source.root, filename)
        check_groups.see(filename)
        images += 1
        in_order = in_order and previous < filename
        previous = filename
    if not boxes_of_class:
        raise DetloopError(f"{detections}: the table has no box; there is nothing to learn from")
    for row in read_image_rows(images_csv) if images_csv else ():
        check_inside(source.root, row.filename)
        check_groups.see(row.filename)
    check_groups.finish()
    return TableSurvey(dict(boxes_of_class), in_order, images if in_order and images_csv is None else None)


def images_csv_beside(detections: Path) -> Path:
    """The images.csv that `detloop detect` wrote beside a detections table.

    Raises:
        DetloopError: there is none.
    """
    path = detections.with_name("images.csv")
    if not path.exists():
        raise DetloopError(f"{path}: missing, and --keep-negatives reads there which images have no box")
    return path


def all_images(detections: Path, in_order: bool, images_csv: Path | None) -> Iterator[ImageDetections]:
    """The table's images and, where an images.csv is given, those it names besides, in the order of their names.

    Images that images.csv lists as unreadable are not given, unless they have boxes. Memory does not grow with the
    number of images.

    Raises:
        DetloopError: images.csv is not in the order of the names.
    """
    with_boxes = read_detections(detections, in_order)
    if images_csv is None:
        yield from with_boxes
        return
    image = next(with_boxes, None)
    for row in _rows_in_order(images_csv):
        while image is not None and image.filename < row.filename:
            yield image
            image = next(with_boxes, None)
        if image is not None and image.filename == row.filename:
            continue
        if not row.error:
            yield ImageDetections(row.filename, row.width, row.height, [], np.zeros(0), np.zeros((0, 4)))
    if image is not None:
        yield image
        yield from with_boxes


def _rows_in_order(images_csv: Path) -> Iterator[ImageRow]:
    previous = ""
    for row in read_image_rows(images_csv):
        if row.filename <= previous:
            raise DetloopError(
                f"{images_csv}: {row.filename} stands after {previous}; sort the table by filename, each name once"
            )
        previous = row.filename
        yield row
