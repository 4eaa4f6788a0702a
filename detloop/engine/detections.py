"""What a detector puts out for a batch, checked, and its translation into the boxes of one image."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from detloop.detections import ImageDetections
from detloop.errors import DetloopError
from detloop.labels import LabelMap

OUTPUT_NAMES = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")
"""What a detection graph gives; source: object_detection/exporter.py, add_output_tensor_nodes."""

LARGEST_BOX_EDGE = 1e4
"""A normalized edge beyond this is no coordinate; detectors overshoot the image by a few percent at most."""


@dataclass(frozen=True)
class RawDetections:
    """A batch's detections as the model gives them.

    Attributes:
        boxes: float32 [n, k, 4]: ymin, xmin, ymax, xmax as shares of the image's height and width, 0 to 1.
        scores: float32 [n, k]; 0 where the model found fewer than k.
        class_ids: int64 [n, k], as in the label map.
    """

    boxes: np.ndarray
    scores: np.ndarray
    class_ids: np.ndarray


def checked_detections(outputs: Mapping[str, Any], images: int) -> RawDetections:
    """The outputs of a model run on `images` images, by the names of `OUTPUT_NAMES`.

    Raises:
        DetloopError: the outputs' shapes or types are not those of a detector; the message says which they are.
    """
    arrays = {name: np.asarray(outputs[name]) for name in OUTPUT_NAMES}
    boxes, scores, class_ids, counts = arrays.values()
    k = scores.shape[1] if scores.ndim == 2 else 0
    expected = dict(zip(OUTPUT_NAMES, ((images, k, 4), (images, k), (images, k), (images,)), strict=True))
    wrong = [f"{name} {list(array.shape)}" for name, array in arrays.items() if array.shape != expected[name]]
    wrong += [f"{name} of {array.dtype}" for name, array in arrays.items() if array.dtype.kind not in "fiu"]
    if wrong:
        raise DetloopError(
            f"gives {', '.join(wrong)} for {images} images; a detector gives boxes [n, k, 4], scores [n, k],"
            " classes [n, k] and num_detections [n], all numbers"
        )
    is_found = np.arange(k) < counts[:, np.newaxis]
    if not np.isfinite(scores[is_found]).all() or not (np.abs(boxes[is_found]) < LARGEST_BOX_EDGE).all():
        raise DetloopError("gives scores or boxes that are not numbers; it is damaged, or its training diverged")
    return RawDetections(
        boxes.astype(np.float32, copy=False),
        np.where(is_found, scores, 0).astype(np.float32, copy=False),
        np.where(is_found, class_ids, 0).astype(np.int64),
    )


def raw_to_image_detections(
    raw: RawDetections,
    index: int,
    *,
    filename: str,
    width: int,
    height: int,
    label_map: LabelMap,
    threshold: float,
) -> ImageDetections:
    """The detections of the batch's image `index` that score strictly above the threshold, in the model's order.

    Scores are compared and boxes scaled as float64, where both are exact: in float32 a score equal to the threshold
    could pass and an edge could land on the next pixel.

    Args:
        width, height: size of the stored image in pixels.
    """
    scores = raw.scores[index].astype(np.float64)
    kept = scores > threshold
    ymin, xmin, ymax, xmax = raw.boxes[index][kept].astype(np.float64).T
    return ImageDetections(
        filename=filename,
        width=width,
        height=height,
        class_names=[label_map.class_name(class_id) for class_id in raw.class_ids[index][kept].tolist()],
        scores=scores[kept],
        boxes_px=np.stack([xmin * width, ymin * height, xmax * width, ymax * height], axis=1),
    )
