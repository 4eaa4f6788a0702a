"""The threshold of each class that a labelled sample shows to be best."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from detloop.detections import ImageDetections
from detloop.errors import DetloopError
from detloop.iou import box_iou
from detloop.records.thresholds import ClassThreshold

MATCHING_IOU = 0.5


def best_f_beta_thresholds(
    labelled: Iterable[ImageDetections],
    detections: Iterable[ImageDetections],
    classes: Sequence[str],
    f_beta: float,
) -> tuple[ClassThreshold, ...]:
    """For each class the threshold of the highest F-beta on the labelled images.

    F-beta = (1 + b^2) P R / (b^2 P + R), of precision P and recall R; it weighs recall b times as much as precision
    (van Rijsbergen, Information Retrieval, 1979, chapter 7; to choose thresholds class by class with it:
    arXiv:2210.10221). A threshold lies in the middle between the lowest score kept and the next lower one. Only
    detections on labelled images count; the labelled images are held in memory.

    Raises:
        DetloopError: no box of a class is labelled, or none of its labelled boxes was detected.
    """
    truths = {image.filename: image for image in labelled}
    labelled_boxes = {name: sum(image.class_names.count(name) for image in truths.values()) for name in classes}
    hits: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for image in detections:
        if image.filename in truths:
            for name in set(image.class_names) & set(classes):
                hits[name].extend(_hits(truths[image.filename], image, name))
    return tuple(_best(name, hits[name], labelled_boxes[name], len(truths), f_beta) for name in classes)


def _hits(truth: ImageDetections, found: ImageDetections, name: str) -> list[tuple[float, bool]]:
    """The score of each detection of a class and whether it is the best-scored one on a labelled box.

    Greedy, from the highest score, as COCO matches: each takes the free labelled box it overlaps most, from an IoU of
    MATCHING_IOU on. What a detection is does not hang on lower scores, so that one matching serves all thresholds.
    """
    labelled_px, _ = _of_class(truth, name)
    found_px, scores = _of_class(found, name)
    order = np.argsort(-scores, kind="stable")
    overlaps = box_iou(found_px[order], labelled_px)
    hits = []
    for row, score in zip(overlaps, scores[order].tolist(), strict=True):
        best = int(row.argmax()) if row.size else -1
        is_hit = best >= 0 and row[best] >= MATCHING_IOU
        if is_hit:
            overlaps[:, best] = 0.0
        hits.append((score, is_hit))
    return hits


def _of_class(image: ImageDetections, name: str) -> tuple[np.ndarray, np.ndarray]:
    chosen = np.array([class_name == name for class_name in image.class_names], dtype=bool)
    return image.boxes_px[chosen], image.scores[chosen]


def _best(name: str, hits: list[tuple[float, bool]], labelled: int, images: int, f_beta: float) -> ClassThreshold:
    if not labelled:
        raise DetloopError(
            f"--choose-thresholds: the labelled sample has no box of {name}; label some, or leave it out"
        )
    if not any(is_hit for _, is_hit in hits):
        raise DetloopError(
            f"--choose-thresholds: none of the {labelled} labelled boxes of {name} was detected (IoU {MATCHING_IOU:g});"
            " do the file names and the classes agree?"
        )
    ordered = sorted(hits, reverse=True)
    scores = np.array([score for score, _ in ordered])
    found = np.cumsum([is_hit for _, is_hit in ordered])
    precision, recall = found / np.arange(1, len(ordered) + 1), found / labelled
    weight = f_beta**2
    f_values = (1 + weight) * precision * recall / np.maximum(weight * precision + recall, 1e-12)
    is_last_of_score = np.append(scores[:-1] > scores[1:], True)
    best = int(np.where(is_last_of_score, f_values, -1.0).argmax())
    next_lower = float(scores[best + 1]) if best + 1 < len(scores) else 0.0
    reason = (
        f"best F{f_beta:g}, {f_values[best]:.3f} (precision {precision[best]:.3f}, recall {recall[best]:.3f}),"
        f" on {labelled} labelled boxes of {images} images"
    )
    return ClassThreshold(name, round((float(scores[best]) + next_lower) / 2, 6), reason)
