"""How much boxes overlap: intersection over union."""

import numpy as np


def box_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of each box of `first` [n, 4] with each of `second` [m, 4]: [n, m].

    Boxes are xmin, ymin, xmax, ymax in any one unit. Two boxes without area overlap by 0.
    """
    low = np.maximum(first[:, np.newaxis, :2], second[np.newaxis, :, :2])
    high = np.minimum(first[:, np.newaxis, 2:], second[np.newaxis, :, 2:])
    common = np.prod(np.maximum(high - low, 0.0), axis=2)
    union = _area(first)[:, np.newaxis] + _area(second)[np.newaxis, :] - common
    iou: np.ndarray = np.divide(common, union, out=np.zeros_like(common, dtype=np.float64), where=union > 0)
    return iou


def _area(boxes: np.ndarray) -> np.ndarray:
    area: np.ndarray = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return area
