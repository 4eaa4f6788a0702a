"""The images with the least certain labels, with their boxes drawn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from detloop.ahead import map_ahead
from detloop.errors import ImageError
from detloop.images import ImageSource, decode_image
from detloop.pages.drawing import CLASS_COLORS, DrawnBox, draw_boxes, jpeg_data_uri
from detloop.progress import Progress
from detloop.records.boxes import WantedBoxes
from detloop.records.report.statistics import DatasetStatistics
from detloop.records.report.uncertain import LabelledImage

LONGEST_SIDE_PX, BEST_QUALITY = 640, 65
THREADS = 2


@dataclass(frozen=True)
class Picture:
    """An image on the page.

    Attributes:
        filename, side: its name, and train or valid.
        doubt: how uncertain its labels are.
        learned, ignored: how many boxes it has of each kind.
        lowest_score: of all its boxes.
        uri: a data: URI of the JPEG; empty when the image cannot be decoded, for the reason in `error`.
        width_px, height_px: size of the JPEG.
    """

    filename: str
    side: str
    doubt: float
    learned: int
    ignored: int
    lowest_score: float
    uri: str
    width_px: int
    height_px: int
    error: str = ""


def draw_pictures(
    statistics: DatasetStatistics, source: ImageSource, colors: dict[str, str], limit_bytes: int
) -> Iterator[Picture]:
    """The images with the least certain labels, each of at most `limit_bytes` characters, a few at a time in memory."""
    images = statistics.least_certain()

    def draw(image: LabelledImage) -> Picture:
        return _picture(image, statistics.classes, source, colors, limit_bytes)

    with Progress("report", len(images), unit="pictures") as progress:
        for picture in map_ahead(draw, images, THREADS, ahead=THREADS + 1):
            progress.update()
            yield picture


def _picture(
    image: LabelledImage, classes: Sequence[str], source: ImageSource, colors: dict[str, str], limit_bytes: int
) -> Picture:
    uri, error, width, height = "", "", 0, 0
    try:
        decoded = decode_image(source.read_bytes(image.filename), at_least_px=LONGEST_SIDE_PX)
    except ImageError as reason:
        error = str(reason)
    else:
        boxes = _drawn_boxes(image.boxes, classes, decoded.size, colors)
        drawn = draw_boxes(decoded, boxes, LONGEST_SIDE_PX)
        uri = jpeg_data_uri(drawn, limit_bytes, BEST_QUALITY)
        width, height = drawn.size
    return Picture(
        filename=image.filename,
        side=image.side,
        doubt=image.doubt,
        learned=int((~image.boxes.is_ignored).sum()),
        ignored=int(image.boxes.is_ignored.sum()),
        lowest_score=float(image.boxes.scores.min()),
        uri=uri,
        width_px=width,
        height_px=height,
        error=error,
    )


def _drawn_boxes(
    boxes: WantedBoxes, classes: Sequence[str], size_wh: tuple[int, int], colors: dict[str, str]
) -> list[DrawnBox]:
    """The least certain on top."""
    edges_px = boxes.edges * (*size_wh, *size_wh)
    order = np.argsort(-boxes.scores, kind="stable")
    columns = (boxes.class_ids - 1, boxes.scores, edges_px, boxes.is_ignored)
    return [
        DrawnBox((left, top, right, bottom), _tag(classes[index], score, len(colors)), colors[classes[index]], dashed)
        for index, score, (left, top, right, bottom), dashed in zip(
            *(column[order].tolist() for column in columns), strict=True
        )
    ]


def _tag(name: str, score: float, classes: int) -> str:
    """The score, after the class's name where colours come again; the name alone where the label is certain."""
    if score == 1:
        return name
    return f"{name} {score:.2f}" if classes > len(CLASS_COLORS) else f"{score:.2f}"
