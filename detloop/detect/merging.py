"""Boxes that several views of one image gave, made one box an object.

Written here, because neither library fits: ensemble-boxes needs numba, and supervision has no weighted box fusion.
"""

from dataclasses import dataclass

import numpy as np

from detloop.detections import ImageDetections
from detloop.errors import DetloopError

MERGES = ("nms", "wbf")
NO_BOX_OVERLAPS = 1.0
"""An IoU above which no two boxes overlap."""


@dataclass(frozen=True)
class MergeOptions:
    """How boxes are merged.

    Attributes:
        merge: "nms" keeps the best box of those that overlap, "wbf" averages them (weighted box fusion).
        merge_iou: boxes of one class that overlap by more than this IoU are one object.
        cross_class_iou: of boxes of different classes that overlap by more than this IoU only the best is kept; 1 to
            keep all.

    Raises:
        DetloopError: one of them is none of this; the message names the option.
    """

    merge: str = "nms"
    merge_iou: float = 0.5
    cross_class_iou: float = NO_BOX_OVERLAPS

    def __post_init__(self) -> None:
        if self.merge not in MERGES:
            raise DetloopError(f"--merge {self.merge}: there are {', '.join(MERGES)}")
        for name, iou in (("--merge-iou", self.merge_iou), ("--cross-class-iou", self.cross_class_iou)):
            if not 0 < iou <= 1:
                raise DetloopError(f"{name} {iou:g}: must be an IoU above 0 and not above 1, as 0.5")


def merge_detections(of_views: list[ImageDetections], options: MergeOptions) -> ImageDetections:
    """The boxes of one image from those of its views, all in pixels of the image.

    What a single view gave is left as it is but for boxes of different classes, as `cross_class_iou` says.
    """
    first = of_views[0]
    names = [name for found in of_views for name in found.class_names]
    class_names, class_ids = np.unique(np.array(names, dtype=object), return_inverse=True)
    scores = np.concatenate([found.scores for found in of_views])
    boxes_px = np.concatenate([found.boxes_px for found in of_views])
    if len(of_views) > 1:
        merge = suppress_overlapping if options.merge == "nms" else fuse_overlapping
        boxes_px, scores, class_ids = merge(boxes_px, scores, class_ids, options.merge_iou)
    if options.cross_class_iou < NO_BOX_OVERLAPS:
        kept = kept_by_suppression(boxes_px, scores, class_ids, options.cross_class_iou, between_classes=True)
        boxes_px, scores, class_ids = boxes_px[kept], scores[kept], class_ids[kept]
    return ImageDetections(
        filename=first.filename,
        width=first.width,
        height=first.height,
        class_names=class_names[class_ids].tolist(),
        scores=scores,
        boxes_px=boxes_px,
    )


def suppress_overlapping(
    boxes_px: np.ndarray, scores: np.ndarray, class_ids: np.ndarray, iou: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Non-maximum suppression within each class: boxes, scores and class ids of those kept, the best first."""
    kept = kept_by_suppression(boxes_px, scores, class_ids, iou)
    return boxes_px[kept], scores[kept], class_ids[kept]


def kept_by_suppression(
    boxes_px: np.ndarray, scores: np.ndarray, class_ids: np.ndarray, iou: float, between_classes: bool = False
) -> np.ndarray:
    """Indices of the boxes that overlap no better one that is kept, the best first, equal scores in their order.

    Args:
        boxes_px: float [n, 4], xmin, ymin, xmax, ymax.
        scores, class_ids: [n].
        iou: boxes overlap where their IoU is above this.
        between_classes: whether only boxes of different classes suppress each other, instead of those of one class.
    """
    order = np.argsort(-scores, kind="stable")
    boxes_px, class_ids = boxes_px[order], class_ids[order]
    are_of_one_class = class_ids[:, np.newaxis] == class_ids
    overlap = (iou_of(boxes_px, boxes_px) > iou) & (are_of_one_class != between_classes)
    is_kept = np.ones(len(order), bool)
    for index in range(len(order)):
        if is_kept[index]:
            is_kept[index + 1 :] &= ~overlap[index, index + 1 :]
    return order[is_kept]


def fuse_overlapping(
    boxes_px: np.ndarray, scores: np.ndarray, class_ids: np.ndarray, iou: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weighted box fusion within each class: boxes, scores and class ids of the fused, the best first.

    Boxes join, the best first, the fused box that they overlap most, if by more than `iou`; a fused box's edges are the
    mean of its boxes' edges weighted by their scores. Source: Solovyev, Wang, Gabruseva, Weighted boxes fusion,
    arXiv:1910.13302. The fused score is the best one, `conf_type="max"` of the authors' ensemble-boxes: the paper's
    mean over all models would count a tile against an object that lies outside it.

    Args:
        boxes_px: float [n, 4], xmin, ymin, xmax, ymax.
        scores, class_ids: [n]; scores are above 0.
    """
    fused_px, weights = np.zeros_like(boxes_px), np.zeros_like(scores)
    best_scores, fused_ids = np.zeros_like(scores), np.zeros_like(class_ids)
    count = 0
    for index in np.argsort(-scores, kind="stable"):
        overlaps = iou_of(boxes_px[index : index + 1], fused_px[:count])[0]
        overlaps[fused_ids[:count] != class_ids[index]] = 0
        joined = int(overlaps.argmax()) if count else 0
        if not count or overlaps[joined] <= iou:
            joined, count = count, count + 1
            best_scores[joined], fused_ids[joined] = scores[index], class_ids[index]
        weights[joined] += scores[index]
        fused_px[joined] += (boxes_px[index] - fused_px[joined]) * (scores[index] / weights[joined])
    return fused_px[:count], best_scores[:count], fused_ids[:count]


def iou_of(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of every box with every other one; 0 where neither has an area.

    Args:
        boxes, others: float [n, 4] and [m, 4], xmin, ymin, xmax, ymax.

    Returns:
        float [n, m].
    """
    top_left = np.maximum(boxes[:, np.newaxis, :2], others[np.newaxis, :, :2])
    bottom_right = np.minimum(boxes[:, np.newaxis, 2:], others[np.newaxis, :, 2:])
    shared = (bottom_right - top_left).clip(0).prod(axis=2)
    areas, other_areas = ((each[:, 2:] - each[:, :2]).prod(axis=1) for each in (boxes, others))
    union = areas[:, np.newaxis] + other_areas - shared
    iou: np.ndarray = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return iou
