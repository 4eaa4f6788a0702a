"""Boxes that several views of one image gave, made one box an object.

Written here, since ensemble-boxes needs numba and knows no views that show a part of the image, and supervision has no
weighted box fusion.
"""

from dataclasses import dataclass

import numpy as np

from detloop.detect.views import View, ViewOptions, are_cut
from detloop.detections import ImageDetections
from detloop.errors import DetloopError
from detloop.iou import box_iou

MERGES = ("finest", "nms", "wbf")
NO_BOX_OVERLAPS = 1.0
"""An IoU above which no two boxes overlap."""

COARSE_IOU = 0.3
"""A box of a larger window is the object of a smaller window's box from this IoU on: its edges are the less exact."""

LEAST_FUSED_SCORE = 0.1
"""What scores above this takes part in a fusion, though the fused box must score above the threshold."""


@dataclass(frozen=True)
class MergeOptions:
    """How boxes of several views are merged.

    Attributes:
        merge: "nms" keeps the best of the boxes that overlap. "finest" does, too, but prefers any box of a smaller
            window to one of a larger, in which an object has fewer of the detector's pixels. "wbf" averages boxes, and
            scores them by how many of the views that show the object found it (weighted box fusion).
        merge_iou: boxes of one class that overlap by more than this IoU are one object.
        cross_class_iou: of boxes of different classes that overlap by more than this IoU only the best is kept; 1 to
            keep all.

    Raises:
        DetloopError: one of them is none of this; the message names the option.
    """

    merge: str = "finest"
    merge_iou: float = 0.5
    cross_class_iou: float = NO_BOX_OVERLAPS

    def __post_init__(self) -> None:
        if self.merge not in MERGES:
            raise DetloopError(f"--merge {self.merge}: there are {', '.join(MERGES)}")
        for name, iou in (("--merge-iou", self.merge_iou), ("--cross-class-iou", self.cross_class_iou)):
            if not 0 < iou <= 1:
                raise DetloopError(f"{name} {iou:g}: must be an IoU above 0 and not above 1, as 0.5")

    def least_score(self, views: ViewOptions, threshold: float) -> float:
        """Boxes of a view with a score above this are of use."""
        return min(LEAST_FUSED_SCORE, threshold) if self.merge == "wbf" and views != ViewOptions() else threshold


def merge_detections(of_views: dict[View, ImageDetections], options: MergeOptions, threshold: float) -> ImageDetections:
    """The boxes of one image from those of its views, all in pixels of the image; the best first.

    What a single view gave is left as it is but for boxes of different classes, as `cross_class_iou` says.

    Args:
        threshold: boxes with a score above this are kept.
    """
    first = next(iter(of_views.values()))
    names = [name for found in of_views.values() for name in found.class_names]
    class_names, class_ids = np.unique(np.array(names, dtype=object), return_inverse=True)
    boxes = ScoredBoxes(
        np.concatenate([found.boxes_px for found in of_views.values()]),
        np.concatenate([found.scores for found in of_views.values()]),
        class_ids,
    )
    if len(of_views) > 1 and options.merge == "wbf":
        boxes = fuse(boxes, options.merge_iou, list(of_views), (first.width, first.height))
    elif len(of_views) > 1:
        areas = np.repeat([view.area for view in of_views], [len(found) for found in of_views.values()])
        boxes = suppress(boxes, options.merge_iou, areas if options.merge == "finest" else np.zeros_like(areas))
    boxes = boxes[boxes.scores > threshold]
    if options.cross_class_iou < NO_BOX_OVERLAPS:
        boxes = suppress_other_classes(boxes, options.cross_class_iou)
    return ImageDetections(
        filename=first.filename,
        width=first.width,
        height=first.height,
        class_names=class_names[boxes.class_ids].tolist(),
        scores=boxes.scores,
        boxes_px=boxes.boxes_px,
    )


@dataclass(frozen=True)
class ScoredBoxes:
    """Boxes of one image.

    Attributes:
        boxes_px: float [n, 4], xmin, ymin, xmax, ymax in pixels of the image.
        scores: float [n].
        class_ids: int [n].
    """

    boxes_px: np.ndarray
    scores: np.ndarray
    class_ids: np.ndarray

    def __getitem__(self, index: np.ndarray) -> "ScoredBoxes":
        return ScoredBoxes(self.boxes_px[index], self.scores[index], self.class_ids[index])


def suppress(boxes: ScoredBoxes, iou: float, areas: np.ndarray) -> ScoredBoxes:
    """Non-maximum suppression within each class; the best first, equal scores in their order.

    Args:
        iou: boxes that overlap by more than this are one object; those of windows of different sizes by `COARSE_IOU`
            where that is less.
        areas: [n] of each box's window; boxes of smaller windows go first.
    """
    order = np.lexsort((-boxes.scores, areas))
    is_same_size = areas[:, np.newaxis] == areas
    overlap = box_iou(boxes.boxes_px, boxes.boxes_px) > np.where(is_same_size, iou, min(iou, COARSE_IOU))
    kept = np.sort(_kept_in_order(order, overlap & (boxes.class_ids[:, np.newaxis] == boxes.class_ids)))
    return boxes[kept[np.argsort(-boxes.scores[kept], kind="stable")]]


def suppress_other_classes(boxes: ScoredBoxes, iou: float) -> ScoredBoxes:
    """The boxes that no better one of another class overlaps by more than `iou`; the best first."""
    overlap = box_iou(boxes.boxes_px, boxes.boxes_px) > iou
    order = np.argsort(-boxes.scores, kind="stable")
    return boxes[_kept_in_order(order, overlap & (boxes.class_ids[:, np.newaxis] != boxes.class_ids))]


def _kept_in_order(order: np.ndarray, suppresses: np.ndarray) -> np.ndarray:
    """Of the indices in `order` those that none kept before them suppresses.

    Args:
        suppresses: bool [n, n], which box suppresses which other one behind it.
    """
    is_kept = np.ones(len(order), bool)
    suppresses = suppresses[np.ix_(order, order)]
    for index in range(len(order)):
        if is_kept[index]:
            is_kept[index + 1 :] &= ~suppresses[index, index + 1 :]
    return order[is_kept]


def fuse(boxes: ScoredBoxes, iou: float, views: list[View], image_wh: tuple[int, int]) -> ScoredBoxes:
    """Weighted box fusion within each class; the best first.

    Boxes join, the best first, the fused box that they overlap most, if by more than `iou`. Of T boxes that N views
    could show, the edges are the mean weighted by the scores, and the score is the mean score times min(T, N) / N.
    Source: Solovyev, Wang, Gabruseva, Weighted boxes fusion, arXiv:1910.13302, for N models that see the same image;
    here N are the views that show the fused box and do not cut it.
    """
    fused_px, summed, counts = np.zeros_like(boxes.boxes_px), np.zeros_like(boxes.scores), np.zeros(len(boxes.scores))
    class_ids = np.zeros_like(boxes.class_ids)
    fused = 0
    for index in np.argsort(-boxes.scores, kind="stable"):
        box_px, score, class_id = boxes.boxes_px[index], boxes.scores[index], boxes.class_ids[index]
        overlaps = box_iou(box_px[np.newaxis], fused_px[:fused])[0] * (class_ids[:fused] == class_id)
        joined = int(overlaps.argmax()) if fused else 0
        if not fused or overlaps[joined] <= iou:
            joined, fused = fused, fused + 1
            class_ids[joined] = class_id
        counts[joined] += 1
        summed[joined] += score
        fused_px[joined] += (box_px - fused_px[joined]) * (score / summed[joined])
    fused_px, summed, counts = fused_px[:fused], summed[:fused], counts[:fused]
    shown = np.sum([~are_cut(fused_px, view, image_wh) for view in views], axis=0)
    scores = summed / np.maximum(counts, shown)
    order = np.argsort(-scores, kind="stable")
    return ScoredBoxes(fused_px, scores, class_ids[:fused])[order]
