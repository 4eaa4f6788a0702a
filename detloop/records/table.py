"""What is known of the tables before the first image is read: names that may be used, classes, groups."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detloop.detections import ImageDetections, ImageRow, read_detections, read_image_rows, read_names_and_classes
from detloop.errors import DetloopError
from detloop.images import ImageSource
from detloop.labels import UNKNOWN_CLASS, LabelMap
from detloop.records.split import HashOfGroup, Split
from detloop.store import check_inside

EXAMPLE_NAMES = 3


@dataclass(frozen=True)
class TableSurvey:
    """Boxes of each class, whether the rows are in the order of the names, and the images' number where it is known."""

    boxes_of_class: dict[str, int]
    in_order: bool
    images: int | None


def survey_tables(detections: Path, images_csv: Path | None, source: ImageSource, split: Split) -> TableSurvey:
    """Reads names and classes alone, in constant memory.

    Raises:
        DetloopError: the table has no box, a name leaves the image folder, or the groups cannot be told apart.
    """
    boxes_of_class: Counter[str] = Counter()
    check_groups = _GroupCheck(split)
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


class _GroupCheck:
    """Finds out whether a --group-by pattern matches any name, and gives more than one group."""

    def __init__(self, split: Split) -> None:
        self._split = split
        self._pattern = split.pattern if isinstance(split, HashOfGroup) else None
        self._names: list[str] = []
        self._matches = False
        self._first_group: str | None = None
        self._differ = False

    def see(self, filename: str) -> None:
        if self._pattern is None or (self._matches and self._differ):
            return
        if len(self._names) < EXAMPLE_NAMES and filename not in self._names:
            self._names.append(filename)
        self._matches = self._matches or self._pattern.search(filename) is not None
        group = self._split.group(filename)
        self._differ = self._differ or self._first_group not in (None, group)
        self._first_group = group

    def finish(self) -> None:
        if self._pattern is None:
            return
        option, names = f"--group-by {self._pattern.pattern!r}", ", ".join(self._names)
        if not self._matches:
            raise DetloopError(f"{option} matches no file name, such as {names}")
        if not self._differ:
            raise DetloopError(f"{option} puts all images in one group ({self._first_group!r}), such as {names}")


def choose_classes(wanted: Sequence[str] | None, table: Path, survey: TableSurvey) -> LabelMap:
    """The label map: ids 1, 2, ... in the order of the names wanted, or of all the table's names but N/A, sorted.

    Raises:
        DetloopError: a wanted name is empty, not UTF-8 or given twice, or no box is of a wanted class.
    """
    present = sorted(survey.boxes_of_class)
    names = list(wanted) if wanted is not None else [name for name in present if name not in ("", UNKNOWN_CLASS)]
    for position, name in enumerate(names):
        if not name:
            raise DetloopError("--classes has an empty name; give names with one comma between them")
        if name in names[:position]:
            raise DetloopError(f"--classes names {name!r} twice")
        if not _is_utf8(name):
            raise DetloopError(f"{table}: the class {name!r} is not UTF-8; save the table as UTF-8")
    if not set(names) & set(present):
        missing = ", ".join(names) if names else "a known class (all are N/A)"
        raise DetloopError(f"{table}: no box of {missing}; the table's classes are {', '.join(present)}")
    return LabelMap.of_names(names)


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


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
