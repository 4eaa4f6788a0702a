"""The detections table (one row a box) and the images table (one row an image looked at), as CSV files.

    detections.csv: filename,width,height,class,score,xmin,ymin,xmax,ymax
    images.csv:     filename,width,height,detections,error

width and height are those of the stored image in pixels; box edges are pixels, truncated to int when written; score
has six decimals and may be missing in a file of human labels. error is empty for an image that could be read.
"""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from detloop.errors import DetloopError

DETECTION_COLUMNS = ("filename", "width", "height", "class", "score", "xmin", "ymin", "xmax", "ymax")
BOX_COLUMNS = tuple(name for name in DETECTION_COLUMNS if name != "score")
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


def image_row(image: ImageRow) -> list[str | int]:
    """The images.csv row of one image."""
    return [image.filename, image.width, image.height, image.detections, image.error]


def csv_text(rows: Iterable[Sequence[str | int]]) -> str:
    r"""Rows as CSV, each ended by a newline alone, as pandas and the original script write it.

    A value that holds a lone carriage return, which a reader takes for the end of a line, gets its row quoted whole:
    csv.writer quotes it only where `\r` is part of the line terminator.
    """
    text = io.StringIO(newline="")
    plain = csv.writer(text, lineterminator="\n")
    for row in rows:
        if any(isinstance(value, str) and "\r" in value for value in row):
            csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(row)
        else:
            plain.writerow(row)
    return text.getvalue()


def read_detections(path: Path, in_order: bool | None = None) -> Iterator[ImageDetections]:
    """The images that have boxes, in the code-point order of their names, each with its boxes in file order.

    A table in that order (as `detloop detect` writes it) is read as a stream, in constant memory; any other is sorted
    in memory first. Who knows already whether it is in order saves a reading by saying so.

    Raises:
        DetloopError: a column is missing, or a row has no valid size, box or score; the message names the line.
    """
    if in_order is None:
        in_order = _is_sorted_by_filename(path)
    rows: Iterable[_Box] = _boxes(path)
    if not in_order:
        rows = sorted(rows, key=attrgetter("filename"))
    for filename, boxes in groupby(rows, key=attrgetter("filename")):
        yield _image_of(path, filename, list(boxes))


def read_image_rows(path: Path) -> Iterator[ImageRow]:
    """The rows of an images.csv.

    Raises:
        DetloopError: a column is missing or a number is none.
    """
    with open_csv_for_reading(path, "images table (images.csv)") as file:
        for line, (filename, *counts, error) in _rows(file, path, IMAGE_COLUMNS):
            try:
                width, height, detections = map(_whole_number, counts, IMAGE_COLUMNS[1:4])
            except _BadRowError as reason:
                raise DetloopError(f"{path}, line {line}: {reason}") from None
            yield ImageRow(filename, width, height, detections, error)


def read_names_and_classes(path: Path) -> Iterator[tuple[str, str]]:
    """The filename and class of every row in file order, with nothing else of the row checked: a cheap first look.

    Raises:
        DetloopError: a column is missing, or a row has too few or too many values.
    """
    with open_csv_for_reading(path, "detections table") as file:
        for _, (filename, _, _, class_name, *_) in _rows(file, path, BOX_COLUMNS):
            yield filename, class_name


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
        for _, (filename, *_) in _rows(file, path, BOX_COLUMNS):
            if filename < previous:
                return False
            previous = filename
    return True


def _boxes(path: Path) -> Iterator[_Box]:
    with open_csv_for_reading(path, "detections table") as file:
        for line, values in _rows(file, path, BOX_COLUMNS, optional="score"):
            try:
                yield _checked_box(line, *values)
            except _BadRowError as error:
                raise DetloopError(f"{path}, line {line}: {error}") from None


def _rows(
    file: IO[str], path: Path, required: tuple[str, ...], optional: str | None = None
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The line each row ends on, and its values of the required columns and the optional one, empty where it lacks."""
    reader = csv.reader(file)
    try:
        header = next(reader, None)
        if header is None:
            raise DetloopError(f"{path}: the file is empty; its first line must be {','.join(required)}")
        missing = [name for name in required if name not in header]
        if missing:
            raise DetloopError(f"{path}: column {', '.join(missing)} is missing; it has {', '.join(header)}")
        columns = len(header)
        wanted = required if optional is None else (*required, optional)
        values_of = itemgetter(*(header.index(name) if name in header else columns for name in wanted))
        for row in reader:
            if not row:
                continue
            if len(row) != columns:
                raise DetloopError(
                    f"{path}, line {reader.line_num}: {len(row)} values for {columns} columns;"
                    " quote a value that holds a comma"
                )
            row.append("")
            yield reader.line_num, values_of(row)
    except csv.Error as error:
        raise DetloopError(f"{path}, line {reader.line_num}: not CSV: {error}") from None


class _BadRowError(Exception):
    """What is wrong with a row; who reads the file adds where it stands."""


def _checked_box(
    line: int,
    filename: str,
    width_text: str,
    height_text: str,
    class_name: str,
    xmin_text: str,
    ymin_text: str,
    xmax_text: str,
    ymax_text: str,
    score_text: str,
) -> _Box:
    width, height = _whole_number(width_text, "width"), _whole_number(height_text, "height")
    if width < 1 or height < 1:
        raise _BadRowError(f"an image of {width}x{height} pixels; width and height must be 1 or more")
    xmin, ymin, xmax, ymax, score = _numbers((xmin_text, ymin_text, xmax_text, ymax_text, score_text or "1"))
    if xmin > xmax:
        raise _BadRowError(f"xmin {xmin_text} is larger than xmax {xmax_text}")
    if ymin > ymax:
        raise _BadRowError(f"ymin {ymin_text} is larger than ymax {ymax_text}")
    if xmax < 0 or ymax < 0 or xmin > width or ymin > height:
        raise _BadRowError(f"the box {xmin:g},{ymin:g},{xmax:g},{ymax:g} lies outside its {width}x{height} image")
    if not class_name:
        raise _BadRowError("the class is empty")
    return _Box(line, filename, width, height, class_name, score, (xmin, ymin, xmax, ymax))


def _numbers(texts: tuple[str, str, str, str, str]) -> tuple[float, float, float, float, float]:
    """A box's four edges and score; numbers that are finite have a finite sum, unless they are too large for a box."""
    try:
        xmin, ymin, xmax, ymax, score = map(float, texts)
    except ValueError:
        xmin = ymin = xmax = ymax = score = math.nan
    if not math.isfinite(xmin + ymin + xmax + ymax + score):
        for text, name in zip(texts, ("xmin", "ymin", "xmax", "ymax", "score"), strict=True):
            _number(text, name)
    return xmin, ymin, xmax, ymax, score


def _number(text: str, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _BadRowError(f"{name} is {text!r}, not a number")
    return value


def _whole_number(text: str, name: str) -> int:
    if text.isdecimal():
        return int(text)
    value = _number(text, name)
    if value != int(value) or value < 0:
        raise _BadRowError(f"{name} is {text!r}, not a whole number of pixels")
    return int(value)


def _image_of(path: Path, filename: str, boxes: list[_Box]) -> ImageDetections:
    width, height = boxes[0].width, boxes[0].height
    for box in boxes:
        if box.width != width or box.height != height:
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
