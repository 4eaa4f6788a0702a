"""The detections table (one row a box) and the images table (one row an image looked at), as CSV files.

    detections.csv: filename,width,height,class,score,xmin,ymin,xmax,ymax
    images.csv:     filename,width,height,detections,error

width and height are those of the stored image in pixels; box edges are pixels, truncated to int when written; score
has six decimals and may be missing in a file of human labels. error is empty for an image that could be read.
"""

import csv
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

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
    """

    filename: str
    width: int
    height: int
    class_names: list[str]
    scores: np.ndarray
    boxes_px: np.ndarray
    lines: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.class_names)


@dataclass(frozen=True)
class ImageRow:
    """One image that was looked at: its size and boxes, or the reason why it could not be read."""

    filename: str
    width: int
    height: int
    detections: int
    error: str = ""


def open_csv_for_writing(path: Path, append: bool = False) -> IO[str]:
    """A text file for csv.writer; names that are not valid UTF-8 keep their bytes."""
    return open(path, "a" if append else "w", newline="", encoding="utf-8", errors="surrogateescape")


def open_csv_for_reading(path: Path, what: str) -> IO[str]:
    """A text file for csv.reader, with or without a byte-order mark.

    Raises:
        DetloopError: no such file, or a folder; `what` names what was looked for.
    """
    try:
        return open(path, newline="", encoding="utf-8-sig", errors="surrogateescape")
    except FileNotFoundError:
        raise DetloopError(f"{path}: no such {what}") from None
    except IsADirectoryError:
        raise DetloopError(f"{path}: is a folder; give the {what} itself") from None


def detection_rows(image: ImageDetections) -> list[list[str | int]]:
    """The table rows of one image's boxes."""
    edges_px = image.boxes_px.astype(int).tolist()
    return [
        [image.filename, image.width, image.height, name, f"{score:.6f}", *edges]
        for name, score, edges in zip(image.class_names, image.scores.tolist(), edges_px, strict=True)
    ]


def read_detections(path: Path) -> Iterator[ImageDetections]:
    """The images that have boxes, in the code-point order of their names, each with its boxes in file order.

    A table in that order (as `detloop detect` writes it) is read as a stream, in constant memory; any other is sorted
    in memory first.

    Raises:
        DetloopError: a column is missing, or a row has no valid size, box or score; the message names the line.
    """
    order_is_kept = _is_sorted_by_filename(path)
    rows: Iterable[_Box] = _boxes(path)
    if not order_is_kept:
        rows = sorted(rows, key=attrgetter("filename"))
    for filename, boxes in groupby(rows, key=attrgetter("filename")):
        yield _image_of(path, filename, list(boxes))


def read_image_rows(path: Path) -> Iterator[ImageRow]:
    """The rows of an images.csv.

    Raises:
        DetloopError: a column is missing or a number is none.
    """
    with open_csv_for_reading(path, "images table (images.csv)") as file:
        for line, row in _records(file, path, IMAGE_COLUMNS):
            try:
                width, height, count = (_whole_number(row, name) for name in IMAGE_COLUMNS[1:4])
            except _BadRowError as error:
                raise DetloopError(f"{path}, line {line}: {error}") from None
            yield ImageRow(row["filename"], width, height, count, row["error"])


def read_names_and_classes(path: Path) -> Iterator[tuple[str, str]]:
    """The filename and class of every row in file order, with nothing else of the row checked: a cheap first look.

    Raises:
        DetloopError: one of the two columns is missing, or a row has too few or too many values.
    """
    with open_csv_for_reading(path, "detections table") as file:
        for _, row in _records(file, path, ("filename", "class")):
            yield row["filename"], row["class"]


class _Box(NamedTuple):
    line: int
    filename: str
    width: int
    height: int
    class_name: str
    score: float
    edges_px: tuple[float, float, float, float]


def _is_sorted_by_filename(path: Path) -> bool:
    previous = ""
    with open_csv_for_reading(path, "detections table") as file:
        for _, row in _records(file, path, ("filename",)):
            if row["filename"] < previous:
                return False
            previous = row["filename"]
    return True


def _boxes(path: Path) -> Iterator[_Box]:
    required = tuple(name for name in DETECTION_COLUMNS if name != "score")
    with open_csv_for_reading(path, "detections table") as file:
        for line, row in _records(file, path, required):
            try:
                yield _checked_box(row, line)
            except _BadRowError as error:
                raise DetloopError(f"{path}, line {line}: {error}") from None


def _records(file: IO[str], path: Path, required: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row as a dict with the line it ends on, once the header is known to hold the required columns."""
    reader = csv.reader(file)
    try:
        header = next(reader, None)
        if header is None:
            raise DetloopError(f"{path}: the file is empty; its first line must be {','.join(required)}")
        missing = [name for name in required if name not in header]
        if missing:
            raise DetloopError(f"{path}: column {', '.join(missing)} is missing; it has {', '.join(header)}")
        for values in reader:
            if not values:
                continue
            if len(values) != len(header):
                raise DetloopError(
                    f"{path}, line {reader.line_num}: {len(values)} values for {len(header)} columns;"
                    " quote a value that holds a comma"
                )
            yield reader.line_num, dict(zip(header, values, strict=True))
    except csv.Error as error:
        raise DetloopError(f"{path}, line {reader.line_num}: not CSV: {error}") from None


class _BadRowError(Exception):
    """What is wrong with a row; who reads the file adds where it stands."""


def _checked_box(row: dict[str, str], line: int) -> _Box:
    width, height = _whole_number(row, "width"), _whole_number(row, "height")
    if width < 1 or height < 1:
        raise _BadRowError(f"an image of {width}x{height} pixels; width and height must be 1 or more")
    xmin, ymin, xmax, ymax = (_number(row, "xmin"), _number(row, "ymin"), _number(row, "xmax"), _number(row, "ymax"))
    if xmin > xmax or ymin > ymax:
        axis = "x" if xmin > xmax else "y"
        raise _BadRowError(f"{axis}min {row[axis + 'min']} is larger than {axis}max {row[axis + 'max']}")
    if xmax < 0 or ymax < 0 or xmin > width or ymin > height:
        raise _BadRowError(f"the box {xmin:g},{ymin:g},{xmax:g},{ymax:g} lies outside its {width}x{height} image")
    score = _number(row, "score") if row.get("score") else 1.0
    if not row["class"]:
        raise _BadRowError("the class is empty")
    return _Box(line, row["filename"], width, height, row["class"], score, (xmin, ymin, xmax, ymax))


def _number(row: dict[str, str], name: str) -> float:
    try:
        value = float(row[name])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _BadRowError(f"{name} is {row[name]!r}, not a number")
    return value


def _whole_number(row: dict[str, str], name: str) -> int:
    value = _number(row, name)
    if value != int(value) or value < 0:
        raise _BadRowError(f"{name} is {row[name]!r}, not a whole number of pixels")
    return int(value)


def _image_of(path: Path, filename: str, boxes: list[_Box]) -> ImageDetections:
    width, height = boxes[0].width, boxes[0].height
    for box in boxes:
        if (box.width, box.height) != (width, height):
            raise DetloopError(
                f"{path}, line {box.line}: {filename} is {box.width}x{box.height} here and {width}x{height} on line"
                f" {boxes[0].line}; an image has one size"
            )
    return ImageDetections(
        filename=filename,
        width=width,
        height=height,
        class_names=[box.class_name for box in boxes],
        scores=np.array([box.score for box in boxes], dtype=np.float64),
        boxes_px=np.array([box.edges_px for box in boxes], dtype=np.float64).reshape(-1, 4),
        lines=tuple(box.line for box in boxes),
    )
