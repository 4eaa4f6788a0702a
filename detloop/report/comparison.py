"""One HTML page that shows what teacher and student found in the same images, and how well they agree."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL.Image import Image

from detloop.detections import ImageDetections
from detloop.errors import DetloopError, ImageError
from detloop.images import ImageSource, decode_image, open_source
from detloop.pages.drawing import DrawnBox, class_colors, draw_boxes, jpeg_data_uri
from detloop.pages.render import PAGE_LIMIT_BYTES, render
from detloop.progress import Progress
from detloop.report.found import Found, choose_images, count_found
from detloop.report.loss_curve import read_loss_curve
from detloop.report.measured import read_metrics
from detloop.store import write_file_whole

TEXT_RESERVE_BYTES = 400_000
TEMPLATE = "report/comparison.html.jinja"


@dataclass(frozen=True)
class ReportSummary:
    """What the page shows, and its size."""

    output: Path
    size_bytes: int
    pictures: int
    images: int
    teacher_boxes: int
    student_boxes: int

    def __str__(self) -> str:
        return (
            f"wrote {self.output} ({self.size_bytes / 1e6:.1f} MB): teacher and student side by side on"
            f" {self.pictures} of {self.images} images;"
            f" the teacher found {self.teacher_boxes} boxes, the student {self.student_boxes}"
        )

    def metadata(self) -> dict[str, int | float | str]:
        """The figures for a pipeline artifact."""
        return {
            "pictures": self.pictures,
            "images": self.images,
            "teacher_boxes": self.teacher_boxes,
            "student_boxes": self.student_boxes,
            "size_bytes": self.size_bytes,
        }


@dataclass(frozen=True)
class Picture:
    """One image with one detector's boxes drawn on it, as a data: URI, and how many boxes there are."""

    uri: str
    boxes: int
    width_px: int
    height_px: int


@dataclass(frozen=True)
class Pair:
    """One image as the teacher and as the student see it."""

    filename: str
    teacher: Picture
    student: Picture


def write_comparison(
    *,
    images: str,
    teacher: Path,
    student: Path,
    metrics: Path | None,
    output: Path,
    training_log: Path | None = None,
    threshold: float = 0.0,
    pictures: int = 10,
) -> ReportSummary:
    """Writes one self-contained HTML page of at most 5 MB, which opens without a network.

    Args:
        images: URI of the images that both tables were made from.
        teacher, student: a detections.csv each, with its images.csv beside it.
        metrics: the metrics.json of the student's evaluation, if there is one.
        output: the page to write.
        training_log: the training_log.csv of the student's training, if there is one.
        threshold: of both tables, boxes with a score above this are counted and shown.
        pictures: how many images to show, evenly spread over those that both detectors could read.

    Raises:
        DetloopError: a table, the metrics or the log is not what it should be; the tables have no image in common; or
            an image to show cannot be read or is of another size than the tables say.
    """
    measured = None if metrics is None else read_metrics(metrics)
    curve = None if training_log is None else read_loss_curve(training_log)
    source = open_source(images)
    chosen = choose_images(teacher, student, pictures)
    found_by_teacher, found_by_student = (count_found(table, chosen.rows, threshold) for table in (teacher, student))
    names = _names_by_frequency(found_by_teacher, found_by_student)
    colors = class_colors(names)
    content = render(
        TEMPLATE,
        pairs=list(_pairs(source, found_by_teacher.shown, found_by_student.shown, colors)),
        common_images=chosen.common,
        teacher=found_by_teacher,
        student=found_by_student,
        class_names=names,
        colors=colors,
        measured=measured,
        curve=curve,
    )
    with write_file_whole(output) as partial:
        partial.write_bytes(content)
    return ReportSummary(
        output=output,
        size_bytes=len(content),
        pictures=len(chosen.rows),
        images=chosen.common,
        teacher_boxes=found_by_teacher.boxes,
        student_boxes=found_by_student.boxes,
    )


def _names_by_frequency(teacher: Found, student: Found) -> list[str]:
    """The classes of both detectors, those that the teacher found most often first."""
    names = {*teacher.boxes_of_class, *student.boxes_of_class}
    return sorted(names, key=lambda name: (-teacher.boxes_of_class.get(name, 0), name))


def _pairs(
    source: ImageSource,
    by_teacher: Sequence[ImageDetections],
    by_student: Sequence[ImageDetections],
    colors: dict[str, str],
) -> Iterator[Pair]:
    limit_bytes = (PAGE_LIMIT_BYTES - TEXT_RESERVE_BYTES) // max(2 * len(by_teacher), 1)
    with Progress("report", len(by_teacher), unit="pictures") as progress:
        pairs = zip(by_teacher, by_student, strict=True)
        for (teacher, student), read_bytes in source.read_ahead(pairs, lambda pair: pair[0].filename):
            image = _decoded(source, teacher.filename, read_bytes)
            yield Pair(
                teacher.filename,
                _picture(image, teacher, colors, limit_bytes),
                _picture(image, student, colors, limit_bytes),
            )
            progress.update()


def _picture(image: Image, detections: ImageDetections, colors: dict[str, str], limit_bytes: int) -> Picture:
    if (detections.width, detections.height) != image.size:
        raise DetloopError(
            f"{detections.filename} is {image.width}x{image.height} pixels, but {detections.width}x{detections.height}"
            " in the tables; give the images that the tables were made from"
        )
    drawn = draw_boxes(image, _drawn_boxes(detections, colors))
    return Picture(jpeg_data_uri(drawn, limit_bytes), len(detections), *drawn.size)


def _drawn_boxes(detections: ImageDetections, colors: dict[str, str]) -> list[DrawnBox]:
    """The boxes with their class and score, the highest score on top."""
    by_score = np.argsort(detections.scores, kind="stable").tolist()
    names, scores, boxes_px = detections.class_names, detections.scores.tolist(), detections.boxes_px.tolist()
    return [DrawnBox(boxes_px[i], f"{names[i]} {scores[i]:.2f}", colors[names[i]]) for i in by_score]


def _decoded(source: ImageSource, filename: str, read_bytes: Callable[[], bytes]) -> Image:
    try:
        return decode_image(read_bytes())
    except ImageError as error:
        raise DetloopError(
            f"{source.root}/{filename}: {error}; give the images that the tables were made from"
        ) from None
