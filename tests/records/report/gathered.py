"""Statistics of images that a test describes, as a run of `detloop records` gathers them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detloop.detections import ImageDetections
from detloop.records.boxes import judge_boxes
from detloop.records.judged import CHUNK_IMAGES, JudgedImages
from detloop.records.report import DatasetStatistics, ScoreRules
from detloop.records.thresholds import ClassThreshold
from detloop.records.trust import Trust


@dataclass(frozen=True)
class Labelled:
    """An image with boxes of one score each, as (class, score, (xmin, ymin, xmax, ymax))."""

    filename: str
    boxes: Sequence[tuple[str, float, tuple[float, float, float, float]]]
    side: str = "train"
    size_wh: tuple[int, int] = (96, 64)


def gathered(
    images: Sequence[Labelled], classes: Sequence[str] = ("person",), rules: ScoreRules | None = None
) -> DatasetStatistics:
    """All images seen and written."""
    statistics = DatasetStatistics(classes, rules or ScoreRules())
    id_of_name = {name: class_id for class_id, name in enumerate(classes, start=1)}
    for start in range(0, len(images), CHUNK_IMAGES):
        chunk = images[start : start + CHUNK_IMAGES]
        detections = list(map(_detections, chunk))
        boxes = judge_boxes(detections, id_of_name, _trust(statistics.rules))
        sides = [image.side for image in chunk]
        statistics.see(boxes)
        statistics.write(JudgedImages(detections, sides, sides, boxes), range(len(chunk)))
    return statistics


def _detections(image: Labelled) -> ImageDetections:
    return ImageDetections(
        image.filename,
        *image.size_wh,
        [name for name, _, _ in image.boxes],
        np.array([score for _, score, _ in image.boxes], dtype=np.float64),
        np.array([box for _, _, box in image.boxes], dtype=np.float64).reshape(-1, 4),
    )


def _trust(rules: ScoreRules) -> Trust:
    """Nothing is dropped: what is no object is ignored."""
    thresholds = (ClassThreshold(name, threshold, "") for name, threshold in rules.thresholds.items())
    return Trust(tuple(thresholds), ignore_from=0.0)
