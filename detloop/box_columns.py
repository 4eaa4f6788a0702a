"""The boxes of a detections table as columns, a chunk of rows at a time, which are converted and checked as a whole.

A chunk in which anything is not as it should be is gone through row by row, so that the error names the line.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from detloop.csv_rows import BadRowError, number, open_csv_for_reading, read_rows, whole_number
from detloop.errors import DetloopError

BOX_COLUMNS = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")
CHUNK_ROWS = 4096

Row = tuple[int, tuple[str, ...]]


@dataclass(frozen=True)
class BoxColumns:
    """n boxes in the order of their rows.

    Attributes:
        lines: the line of the file that each row ends on; the header is line 1.
        filenames, class_names: a name a box.
        sizes_wh: int64 [n, 2], width and height of the stored image in pixels.
        scores: float64 [n]; 1 where the table has none.
        boxes_px: float64 [n, 4], xmin, ymin, xmax, ymax in pixels.
    """

    lines: list[int]
    filenames: list[str]
    class_names: list[str]
    sizes_wh: np.ndarray
    scores: np.ndarray
    boxes_px: np.ndarray

    def __len__(self) -> int:
        return len(self.filenames)

    def rows(self, start: int, end: int) -> "BoxColumns":
        """The rows from `start` up to `end`; arrays are views."""
        part = slice(start, end)
        return BoxColumns(
            self.lines[part],
            self.filenames[part],
            self.class_names[part],
            self.sizes_wh[part],
            self.scores[part],
            self.boxes_px[part],
        )


def read_box_columns(path: Path) -> Iterator[BoxColumns]:
    """The table's rows in file order, at most CHUNK_ROWS at a time.

    Raises:
        DetloopError: a column is missing, or a row has no valid size, box or score; the message names the line.
    """
    with open_csv_for_reading(path, "detections table") as file:
        rows = read_rows(file, path, BOX_COLUMNS, optional="score")
        while chunk := list(islice(rows, CHUNK_ROWS)):
            yield _checked_together(chunk) or _checked_one_by_one(path, chunk)


def whole_images(chunks: Iterable[BoxColumns]) -> Iterator[BoxColumns]:
    """The same rows in chunks that end where the filename changes, so that none divides the rows of an image."""
    rest: BoxColumns | None = None
    for chunk in chunks:
        columns = chunk if rest is None else joined([rest, chunk])
        last = columns.filenames[-1]
        cut = len(columns) - 1
        while cut and columns.filenames[cut - 1] == last:
            cut -= 1
        if cut:
            yield columns.rows(0, cut)
        rest = columns.rows(cut, len(columns))
    if rest is not None:
        yield rest


def in_order_of_names(chunks: Iterable[BoxColumns]) -> Iterator[BoxColumns]:
    """All rows at once, by filename in code-point order; rows of one filename keep their order."""
    columns = joined(list(chunks))
    order = sorted(range(len(columns)), key=columns.filenames.__getitem__)
    if order:
        yield BoxColumns(
            [columns.lines[row] for row in order],
            [columns.filenames[row] for row in order],
            [columns.class_names[row] for row in order],
            columns.sizes_wh[order],
            columns.scores[order],
            columns.boxes_px[order],
        )


def joined(parts: list[BoxColumns]) -> BoxColumns:
    """The rows of all parts."""
    return BoxColumns(
        list(chain.from_iterable(part.lines for part in parts)),
        list(chain.from_iterable(part.filenames for part in parts)),
        list(chain.from_iterable(part.class_names for part in parts)),
        np.concatenate([np.zeros((0, 2), np.int64), *(part.sizes_wh for part in parts)]),
        np.concatenate([np.zeros(0), *(part.scores for part in parts)]),
        np.concatenate([np.zeros((0, 4)), *(part.boxes_px for part in parts)]),
    )


def _checked_together(chunk: list[Row]) -> BoxColumns | None:
    """The rows as columns; None when a row is not valid."""
    lines, values = zip(*chunk, strict=True)
    filenames, widths, heights, class_names, *edges, scores = zip(*values, strict=True)
    try:
        sizes_wh = np.stack([_numbers(widths), _numbers(heights)], axis=1)
        boxes_px = np.stack([_numbers(column) for column in edges], axis=1)
        scores_of_rows = _numbers([score or "1" for score in scores])
    except ValueError:
        return None
    xmin, ymin, xmax, ymax = boxes_px.T
    valid = (
        all(class_names)
        and _all_finite(sizes_wh, boxes_px, scores_of_rows)
        and (sizes_wh >= 1).all()
        and (sizes_wh == np.floor(sizes_wh)).all()
        and ((xmin <= xmax) & (ymin <= ymax) & (xmax >= 0) & (ymax >= 0)).all()
        and ((xmin <= sizes_wh[:, 0]) & (ymin <= sizes_wh[:, 1])).all()
    )
    if not valid:
        return None
    return BoxColumns(
        list(lines),
        list(filenames),
        list(class_names),
        sizes_wh.astype(np.int64),
        scores_of_rows,
        boxes_px,
    )


def _numbers(texts: Sequence[str]) -> np.ndarray:
    """The numbers, float64 [n], that a column's texts say, each different text read once, as most come again.

    Raises:
        ValueError: a text says none.
    """
    number_of = {text: float(text) for text in set(texts)}
    return np.array([number_of[text] for text in texts], dtype=np.float64)


def _all_finite(*arrays: np.ndarray) -> bool:
    return all(bool(np.isfinite(array).all()) for array in arrays)


def _checked_one_by_one(path: Path, chunk: list[Row]) -> BoxColumns:
    """The rows as columns; raises DetloopError for the first that is not valid."""
    checked: list[tuple[Any, ...]] = []
    for line, values in chunk:
        try:
            checked.append(_checked_row(*values))
        except BadRowError as error:
            raise DetloopError(f"{path}, line {line}: {error}") from None
    filenames, class_names, sizes_wh, scores, boxes_px = zip(*checked, strict=True)
    lines = [line for line, _ in chunk]
    return BoxColumns(
        lines, list(filenames), list(class_names), np.array(sizes_wh), np.array(scores), np.array(boxes_px)
    )


def _checked_row(
    filename: str,
    width_text: str,
    height_text: str,
    class_name: str,
    xmin_text: str,
    ymin_text: str,
    xmax_text: str,
    ymax_text: str,
    score_text: str,
) -> tuple[str, str, tuple[int, int], float, tuple[float, float, float, float]]:
    width, height = whole_number(width_text, "width"), whole_number(height_text, "height")
    if width < 1 or height < 1:
        raise BadRowError(f"an image of {width}x{height} pixels; width and height must be 1 or more")
    xmin, ymin = number(xmin_text, "xmin"), number(ymin_text, "ymin")
    xmax, ymax = number(xmax_text, "xmax"), number(ymax_text, "ymax")
    score = number(score_text or "1", "score")
    if xmin > xmax:
        raise BadRowError(f"xmin {xmin_text} is larger than xmax {xmax_text}")
    if ymin > ymax:
        raise BadRowError(f"ymin {ymin_text} is larger than ymax {ymax_text}")
    if xmax < 0 or ymax < 0 or xmin > width or ymin > height:
        raise BadRowError(f"the box {xmin:g},{ymin:g},{xmax:g},{ymax:g} lies outside its {width}x{height} image")
    if not class_name:
        raise BadRowError("the class is empty")
    return filename, class_name, (width, height), score, (xmin, ymin, xmax, ymax)
