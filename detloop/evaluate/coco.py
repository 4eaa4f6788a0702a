"""COCO's detection metrics, computed by pycocotools."""

import contextlib
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detloop.detections import ImageDetections

STAT_NAMES = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large", "AR1", "AR10", "AR100")
AREA_ALL, MAX_DETECTIONS_100 = 0, 2


@dataclass(frozen=True)
class ClassMetrics:
    """One class: its metrics, None where it has no ground truth, and how many boxes there are of it.

    Ground truth to ignore is not counted.
    """

    name: str
    ap: float | None
    ap50: float | None
    ar100: float | None
    ground_truth_boxes: int
    detected_boxes: int


@dataclass(frozen=True)
class CocoMetrics:
    """Metrics over all classes that have ground truth, and each class by itself.

    Attributes:
        stats: AP (mean over IoU 0.50 to 0.95), AP50, AP75, AP_small (area below 32^2 pixels), AP_medium, AP_large
            (from 96^2), AR1, AR10, AR100 (recall with so many detections an image and class), in this order; None where
            nothing was there to measure (no ground truth of that size).
        per_class: one entry a class of the ground truth or the detections, in the order of the names given or, without
            them, sorted.
        images: images measured, with or without ground truth.
        unmeasured_boxes: detected boxes left out because the ground truth does not name their image.
        unmeasured_images: how many such images.
    """

    stats: dict[str, float | None]
    per_class: tuple[ClassMetrics, ...]
    images: int
    unmeasured_boxes: int
    unmeasured_images: int

    @property
    def ground_truth_boxes(self) -> int:
        return sum(entry.ground_truth_boxes for entry in self.per_class)

    @property
    def detected_boxes(self) -> int:
        return sum(entry.detected_boxes for entry in self.per_class)

    @property
    def classes_without_ground_truth(self) -> tuple[str, ...]:
        """Classes that were detected but of which no box is labelled: no metric can tell how good they are."""
        return tuple(entry.name for entry in self.per_class if not entry.ground_truth_boxes and entry.detected_boxes)


def coco_metrics(
    ground_truth: Iterable[ImageDetections],
    detections: Iterable[ImageDetections],
    class_names: Sequence[str] = (),
) -> CocoMetrics:
    """COCO's metrics of detections against ground truth.

    The images measured are those of the ground truth; one without boxes counts, and whatever is detected on it is a
    false positive. An image without detections needs no entry. Of each image and class the 100 best scores count.

    Boxes of the ground truth to ignore are COCO's crowds: not finding one is no miss, and a detection of its class that
    matches no other box and lies at least as much inside it as the IoU threshold asks (intersection over the
    detection's area) is not false.

    Args:
        ground_truth: one entry an image, its scores unused.
        detections: at most one entry an image; their names say which image of the ground truth is meant.
        class_names: classes to list even if no box is of them.

    Source: pycocotools.cocoeval, whose -1 for "nothing to measure" becomes None here.
    """
    truths = list(ground_truth)
    image_ids = {image.filename: image_id for image_id, image in enumerate(truths, start=1)}
    found = list(detections)
    measured = [image for image in found if image.filename in image_ids]
    unmeasured = [image for image in found if image.filename not in image_ids]
    truth_counts, found_counts = _boxes_of_class(truths), _boxes_of_class(measured)
    present = {name for image in (*truths, *measured) for name in image.class_names}
    names = list(dict.fromkeys([*class_names, *sorted(present)]))
    class_ids = {name: class_id for class_id, name in enumerate(names, start=1)}
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = _evaluation(truths, measured, image_ids, class_ids)
    stats, per_class = _overall_stats(evaluation), _class_stats(evaluation, names)
    return CocoMetrics(
        stats=stats,
        per_class=tuple(ClassMetrics(name, *per_class[name], truth_counts[name], found_counts[name]) for name in names),
        images=len(truths),
        unmeasured_boxes=sum(len(image) for image in unmeasured),
        unmeasured_images=len(unmeasured),
    )


def _boxes_of_class(images: Iterable[ImageDetections]) -> Counter[str]:
    return Counter(name for image in images for name, ignored in _classes_and_marks(image) if not ignored)


def _classes_and_marks(image: ImageDetections) -> Iterable[tuple[str, bool]]:
    """The class of each box and whether it is to be ignored."""
    return zip(image.class_names, image.is_ignored or [False] * len(image), strict=True)


def _evaluation(
    truths: Sequence[ImageDetections],
    found: Sequence[ImageDetections],
    image_ids: Mapping[str, int],
    class_ids: Mapping[str, int],
) -> Any:
    """A COCOeval that has summarized; it prints while it works."""
    evaluation = COCOeval(_dataset(truths, image_ids, class_ids), _dataset(found, image_ids, class_ids), "bbox")
    evaluation.params.imgIds = sorted(image_ids.values())
    evaluation.params.catIds = sorted(class_ids.values())
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation


def _dataset(images: Sequence[ImageDetections], image_ids: Mapping[str, int], class_ids: Mapping[str, int]) -> Any:
    """A COCO data set. Ids start at 1: COCOeval takes a matched box of id 0 for an unmatched one."""
    annotations: list[dict[str, Any]] = []
    for image in images:
        columns = zip(_classes_and_marks(image), image.scores.tolist(), image.boxes_px.tolist(), strict=True)
        for (class_name, is_ignored), score, (xmin, ymin, xmax, ymax) in columns:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_ids[image.filename],
                    "category_id": class_ids[class_name],
                    "bbox": [xmin, ymin, xmax - xmin, ymax - ymin],
                    "area": (xmax - xmin) * (ymax - ymin),
                    "iscrowd": int(is_ignored),
                    "score": score,
                }
            )
    dataset = COCO()
    dataset.dataset = {
        "images": [{"id": image_id} for image_id in image_ids.values()],
        "annotations": annotations,
        "categories": [{"id": class_id, "name": name} for name, class_id in class_ids.items()],
    }
    dataset.createIndex()
    return dataset


def _overall_stats(evaluation: Any) -> dict[str, float | None]:
    return {name: _measured(value) for name, value in zip(STAT_NAMES, evaluation.stats, strict=False)}


def _class_stats(evaluation: Any, names: Sequence[str]) -> dict[str, tuple[float | None, float | None, float | None]]:
    """AP, AP50 and AR100 of each class.

    precision is [IoU thresholds, recall levels, classes, areas, detections an image], recall the same without levels.
    """
    precision = evaluation.eval["precision"][:, :, :, AREA_ALL, MAX_DETECTIONS_100]
    recall = evaluation.eval["recall"][:, :, AREA_ALL, MAX_DETECTIONS_100]
    return {
        name: (
            _measured(precision[:, :, index].mean()),
            _measured(precision[0, :, index].mean()),
            _measured(recall[:, index].mean()),
        )
        for index, name in enumerate(names)
    }


def _measured(value: float) -> float | None:
    """pycocotools' -1, and the NaN of an empty mean, say that there was nothing to measure."""
    return float(value) if np.isfinite(value) and value >= 0 else None
