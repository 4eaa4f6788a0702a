"""The detections table (one row a box) and the images table (one row an image looked at), as CSV files.

    detections.csv: filename,width,height,class,score,xmin,ymin,xmax,ymax
    images.csv:     filename,width,height,detections,error

width and height are those of the stored image in pixels; box edges are pixels, truncated to int when written; score
has six decimals and may be missing in a file of human labels. error is empty for an image that could be read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from detloop.box_columns import BOX_COLUMNS, BoxColumns, in_order_of_names, read_box_columns, whole_images
from detloop.csv_rows import BadRowError, open_csv_for_reading, read_rows, whole_number
from detloop.errors import DetloopError

DETECTION_COLUMNS = ("filename", "width", "height", "class", "score", "xmin", "ymin", "xmax", "ymax")
IMAGE_COLUMNS = ("filename", "width", "height", "detections", "error")


@dataclass(frozen=True)
class ImageDetections:
    """The boxes of one image.

    Attributes:
        filename: the image's name in its source, with `/`.
        width, height: size of the stored image in pixels.
        class_names: one name a box.
        scores: float [n]; 1 for every box of a file of human labels.
        boxes_px: float [n, 4], xmin, ymin, xmax, ymax in pixels.
        lines: the line of the CSV each box stands on (the header is line 1); empty for boxes that come from no file.
        is_ignored: whether each box of a ground truth is neither to be found nor false when it is; empty where none is.
    """

    filename: str
    width: int
    height: int
    class_names: list[str]
    scores: np.ndarray
    boxes_px: np.ndarray
    lines: tuple[int, ...] = ()
    is_ignored: tuple[bool, ...] = ()

    def __len__(self) -> int:
        return len(self.class_names)

    def chosen(self, is_chosen: np.ndarray) -> "ImageDetections":
        """The image with those boxes alone that a mask, bool [n], chooses."""
        rows = np.flatnonzero(is_chosen).tolist()
        return replace(
            self,
            class_names=[self.class_names[row] for row in rows],
            scores=self.scores[rows],
            boxes_px=self.boxes_px[rows],
            lines=tuple(self.lines[row] for row in rows) if self.lines else (),
            is_ignored=tuple(self.is_ignored[row] for row in rows) if self.is_ignored else (),
        )


@dataclass(frozen=True)
class ImageRow:
    """One image that was looked at: its size and boxes, or the reason why it could not be read."""

    filename: str
    width: int
    height: int
    detections: int
    error: str = ""


def detection_rows(image: ImageDetections) -> list[list[str | int]]:
    """The table rows of one image's boxes."""
    edges_px = image.boxes_px.astype(int).tolist()
    return [
        [image.filename, image.width, image.height, name, f"{score:.6f}", *edges]
        for name, score, edges in zip(image.class_names, image.scores.tolist(), edges_px, strict=True)
    ]


def image_row(image: ImageRow) -> list[str | int]:
    """The images.csv row of one image."""
    return [image.filename, image.width, image.height, image.detections, image.error]


def read_detections(path: Path, in_order: bool | None = None) -> Iterator[ImageDetections]:
    """The images that have boxes, in the code-point order of their names, each with its boxes in file order.

    A table in that order (as `detloop detect` writes it) is read as a stream, in constant memory; any other is sorted
    in memory first. Who knows already whether it is in order saves a reading by saying so.

    Raises:
        DetloopError: a column is missing, or a row has no valid size, box or score; the message names the line.
    """
    if in_order is None:
        in_order = _is_sorted_by_filename(path)
    chunks = read_box_columns(path)
    for columns in whole_images(chunks) if in_order else in_order_of_names(chunks):
        yield from _images_of(path, columns)


def scored_above(image: ImageDetections, threshold: float) -> ImageDetections:
    """The image with the boxes alone whose score is strictly above the threshold."""
    is_above = image.scores > threshold
    return image if is_above.all() else image.chosen(is_above)


def read_image_rows(path: Path) -> Iterator[ImageRow]:
    """The rows of an images.csv.

    Raises:
        DetloopError: a column is missing or a number is none.
    """
    with open_csv_for_reading(path, "images table (images.csv)") as file:
        for line, (filename, *counts, error) in read_rows(file, path, IMAGE_COLUMNS):
            try:
                width, height, detections = map(whole_number, counts, IMAGE_COLUMNS[1:4])
            except BadRowError as reason:
                raise DetloopError(f"{path}, line {line}: {reason}") from None
            yield ImageRow(filename, width, height, detections, error)


def read_names_and_classes(path: Path) -> Iterator[tuple[str, str]]:
    """The filename and class of every row in file order, with nothing else of the row checked: a cheap first look.

    Raises:
        DetloopError: a column is missing, or a row has too few or too many values.
    """
    with open_csv_for_reading(path, "detections table") as file:
        for _, (filename, _, _, class_name, *_) in read_rows(file, path, BOX_COLUMNS):
            yield filename, class_name


def _is_sorted_by_filename(path: Path) -> bool:
    previous = ""
    for filename, _ in read_names_and_classes(path):
        if filename < previous:
            return False
        previous = filename
    return True


def _images_of(path: Path, columns: BoxColumns) -> Iterator[ImageDetections]:
    """The images whose rows, one image's after another's, these are."""
    names = columns.filenames
    starts = [0, *(row for row in range(1, len(names)) if names[row] != names[row - 1]), len(names)]
    _check_one_size_an_image(path, columns, set(starts))
    sizes_wh = columns.sizes_wh.tolist()
    for start, end in pairwise(starts):
        width, height = sizes_wh[start]
        yield ImageDetections(
            filename=names[start],
            width=width,
            height=height,
            class_names=columns.class_names[start:end],
            scores=columns.scores[start:end],
            boxes_px=columns.boxes_px[start:end],
            lines=tuple(columns.lines[start:end]),
        )


def _check_one_size_an_image(path: Path, columns: BoxColumns, starts: set[int]) -> None:
    differs = (columns.sizes_wh[1:] != columns.sizes_wh[:-1]).any(axis=1)
    row = next((row for row in (np.flatnonzero(differs) + 1).tolist() if row not in starts), None)
    if row is not None:
        (width, height), (width_before, height_before) = columns.sizes_wh[row], columns.sizes_wh[row - 1]
        raise DetloopError(
            f"{path}, line {columns.lines[row]}: {columns.filenames[row]} is {width}x{height} here and"
            f" {width_before}x{height_before} on line {columns.lines[row - 1]}; an image has one size"
        )
